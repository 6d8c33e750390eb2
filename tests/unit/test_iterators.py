"""Items and AsyncItems: what a reader and a splitter give, in which order, and what comes after the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
import trio

from httpstream._chunker import ByteChunker, Splitter, TextChunker
from httpstream._iterators import AsyncItems, Items
from httpstream._lines import LineSplitter


class Reader:
    """Pushes its pieces; raises those that are exceptions. Keeps what it was told."""

    def __init__(self, *pieces: bytes | BaseException) -> None:
        self.pieces = list(pieces)
        self.failures: list[BaseException] = []
        self.splitter: Splitter[Any] | None = None

    def start(self, splitter: Splitter[Any]) -> None:
        self.splitter = splitter

    def feed(self) -> bool:
        if not self.pieces:
            return False
        if isinstance(self.pieces[0], BaseException):
            raise self.pieces.pop(0)  # no name here: it would make a cycle of error, traceback and frame
        assert self.splitter is not None
        self.splitter.push(self.pieces.pop(0))
        return True

    def failed(self, exc: BaseException) -> None:
        self.failures.append(exc)


class AsyncReader(Reader):
    """The same in the async world."""

    async def feed(self) -> bool:  # type: ignore[override]
        return Reader.feed(self)

    async def failed(self, exc: BaseException) -> None:  # type: ignore[override]
        Reader.failed(self, exc)


class Walk:
    """Either iterator behind one way of calling it."""

    def __init__(self, is_async: bool, splitter: Splitter[Any], *pieces: bytes | BaseException) -> None:
        self.is_async = is_async
        self.reader = AsyncReader(*pieces) if is_async else Reader(*pieces)
        self.items: Any = (AsyncItems if is_async else Items)(splitter, self.reader)

    def next(self) -> Any:
        if not self.is_async:
            return next(self.items)
        try:
            self.items.__anext__().__await__().send(None)
        except StopIteration as stop:
            return stop.value
        except StopAsyncIteration:
            raise StopIteration from None
        raise AssertionError("it waits")

    def close(self) -> None:
        if self.is_async:
            with pytest.raises(StopIteration):
                self.items.aclose().send(None)
        else:
            self.items.close()


@pytest.fixture(params=["sync", "async"])
def walk(request: pytest.FixtureRequest) -> Callable[..., Walk]:
    return lambda *args: Walk(request.param == "async", *args)


ENDS = 3  # an iterator that has ended stays so


def test_after_the_last_item_it_stays_at_its_end(walk) -> None:
    it = walk(ByteChunker(2), b"abc")
    assert [it.next(), it.next()] == [b"ab", b"c"]
    for _ in range(ENDS):
        with pytest.raises(StopIteration):
            it.next()
    assert it.reader.failures == []


@pytest.mark.parametrize("taken", [0, 1])
def test_after_a_close_nothing_comes(walk, taken: int) -> None:
    it = walk(ByteChunker(2), b"abcdef")
    for _ in range(taken):
        it.next()
    it.close()
    for _ in range(ENDS):
        with pytest.raises(StopIteration):
            it.next()
    assert it.reader.failures == []


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_an_error_leaves_once_and_is_the_end(walk, error: BaseException) -> None:
    it = walk(ByteChunker(2), b"ab", error, b"cd")
    assert it.next() == b"ab"
    with pytest.raises(type(error)) as caught:
        it.next()
    assert caught.value is error
    for _ in range(ENDS):
        with pytest.raises(StopIteration):
            it.next()
    assert it.reader.failures == [error]


@pytest.mark.parametrize(
    ("splitter", "rest"),
    [
        (lambda: ByteChunker(10), b"good"),
        (lambda: TextChunker(10), "good"),
        (lambda: TextChunker(10, "ascii"), "good"),
    ],
)
def test_the_part_of_a_chunk_in_front_of_an_error_is_handed_over_first(walk, splitter, rest) -> None:
    error = ValueError("broken")
    it = walk(splitter(), b"0123456789", b"good", error)
    it.next()
    assert it.next() == rest
    assert it.reader.failures == [error]  # what it reads from is closed by then
    with pytest.raises(ValueError) as caught:
        it.next()
    assert caught.value is error
    with pytest.raises(StopIteration):
        it.next()


def test_a_part_of_a_line_is_no_line(walk) -> None:
    it = walk(LineSplitter(), b"whole\nhal", ValueError("broken"))
    assert it.next() == b"whole"
    with pytest.raises(ValueError):
        it.next()


def test_a_signal_waits_for_nothing(walk) -> None:
    it = walk(ByteChunker(10), b"good", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        it.next()
    with pytest.raises(StopIteration):
        it.next()


def test_a_close_in_front_of_a_held_error_drops_it(walk) -> None:
    it = walk(ByteChunker(10), b"good", ValueError("broken"))
    assert it.next() == b"good"
    it.close()
    with pytest.raises(StopIteration):
        it.next()


def test_an_error_of_the_start_is_an_error_like_any_other(walk) -> None:
    it = walk(ByteChunker(10))
    error = ValueError("no")

    def start(splitter: Splitter[Any]) -> None:
        raise error

    it.reader.start = start
    with pytest.raises(ValueError):
        it.next()
    with pytest.raises(StopIteration):
        it.next()
    assert it.reader.failures == [error]


def test_an_iterator_that_is_used_by_its_own_reader_says_so() -> None:
    class Greedy(Reader):
        def feed(self) -> bool:
            with pytest.raises(RuntimeError, match="by another thread"):
                next(items)
            return super().feed()

    items = Items(ByteChunker(None), Greedy(b"one"))
    assert list(items) == [b"one"]


def test_they_are_what_the_built_ins_want() -> None:
    items = Items(ByteChunker(2), Reader(b"abcd"))
    assert isinstance(items, Iterator)
    assert iter(items) is items
    with contextlib.closing(items):
        assert next(items) == b"ab"
    assert list(items) == []


def run_asyncio(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


@pytest.mark.parametrize("run", [run_asyncio, trio.run])
def test_the_async_one_too(run) -> None:
    async def scenario() -> None:
        items = AsyncItems(ByteChunker(2), AsyncReader(b"abcdef", b"gh"))
        assert isinstance(items, AsyncIterator)
        assert aiter(items) is items
        assert await anext(items) == b"ab"
        assert await anext(items, None) == b"cd"
        async with contextlib.aclosing(items):
            assert [item async for item in items] == [b"ef", b"gh"]
        assert await anext(items, None) is None

    run(scenario)


def test_items_that_are_there_and_items_to_come_are_awaited_by_tasks_alike() -> None:
    async def scenario() -> None:
        items = AsyncItems(ByteChunker(2), AsyncReader(b"abcdef"))
        assert await asyncio.ensure_future(items.__anext__()) == b"ab"
        assert await asyncio.wait_for(items.__anext__(), 1) == b"cd"
        assert await asyncio.gather(items.__anext__()) == [b"ef"]
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(items.__anext__(), 1)

    asyncio.run(scenario())


def test_a_second_task_is_told_that_the_iterator_is_in_use() -> None:
    class Waiting(AsyncReader):
        async def feed(self) -> bool:  # type: ignore[override]
            await gate.wait()
            return await super().feed()

    async def scenario() -> None:
        nonlocal gate
        gate = asyncio.Event()
        items = AsyncItems(ByteChunker(None), Waiting(b"one"))
        first = asyncio.ensure_future(items.__anext__())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="by another task"):
            await items.__anext__()
        gate.set()
        assert await first == b"one"

    gate: asyncio.Event
    asyncio.run(scenario())


@pytest.mark.parametrize("splitter", [ByteChunker, TextChunker, LineSplitter, lambda: LineSplitter("utf-16")])
def test_a_cycle_through_an_iterator_is_collected(walk, splitter) -> None:
    it = walk(splitter(), b"a\nb\nc\n" * 1000)
    it.next()
    it.reader.cycle = it.items
    alive = weakref.ref(it.reader)
    gc.collect()
    del it
    assert alive() is not None
    gc.collect()
    assert alive() is None


def test_an_error_that_was_raised_keeps_nothing_alive(walk) -> None:
    def fail() -> weakref.ref[Reader]:
        it = walk(ByteChunker(10), b"good", ValueError("broken"))
        it.next()
        with contextlib.suppress(ValueError):
            it.next()
        it.reader.failures.clear()
        return weakref.ref(it.reader)

    gc.disable()
    try:
        assert fail()() is None
    finally:
        gc.enable()
