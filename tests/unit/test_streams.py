"""The two stream bases and ``ByteStream``."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Coroutine
from typing import Any

import pytest

from httpstream._streams import AsyncByteStream, ByteStream, SyncByteStream


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine waits")


def pieces_of(stream: AsyncIterable[bytes]) -> list[bytes]:
    async def collect() -> list[bytes]:
        return [piece async for piece in stream]

    pieces: list[bytes] = finish(collect())
    return pieces


@pytest.mark.parametrize("content", [b"", b"x", b"a longer piece" * 1000])
def test_a_byte_stream_is_one_piece_in_both_worlds_as_often_as_asked(content: bytes) -> None:
    stream = ByteStream(content)
    for _ in range(2):
        assert list(stream) == [content]
        assert pieces_of(stream) == [content]
    assert next(iter(stream)) is content


def test_closing_a_byte_stream_changes_nothing() -> None:
    stream = ByteStream(b"x")
    stream.close()
    finish(stream.aclose())
    assert list(stream) == pieces_of(stream) == [b"x"]


def test_iterations_of_a_byte_stream_are_independent() -> None:
    stream = ByteStream(b"x")
    first, second = iter(stream), iter(stream)
    assert iter(first) is first
    assert next(first) == next(second) == b"x"
    ahead, behind = aiter(stream), aiter(stream)
    assert aiter(ahead) is ahead
    assert finish(anext(ahead)) == b"x"  # type: ignore[arg-type]  # our __anext__ is a coroutine function
    assert finish(anext(behind)) == b"x"  # type: ignore[arg-type]  # as above


def test_a_byte_stream_belongs_to_both_worlds() -> None:
    assert isinstance(ByteStream(b""), SyncByteStream)
    assert isinstance(ByteStream(b""), AsyncByteStream)
    assert not issubclass(SyncByteStream, AsyncByteStream)


def test_a_stream_of_a_user_must_say_what_it_yields() -> None:
    class Silent(SyncByteStream):
        pass

    class AsyncSilent(AsyncByteStream):
        pass

    with pytest.raises(NotImplementedError, match="Silent does not define __iter__"):
        iter(Silent())
    with pytest.raises(NotImplementedError, match="AsyncSilent does not define __aiter__"):
        aiter(AsyncSilent())


def test_a_stream_of_a_user_needs_no_close_and_may_have_attributes() -> None:
    class Counting(SyncByteStream, AsyncByteStream):
        def __init__(self) -> None:
            self.count = 0

    stream = Counting()
    stream.close()
    finish(stream.aclose())
    assert stream.count == 0


def test_aclose_is_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(AsyncByteStream.aclose)
    assert inspect.iscoroutinefunction(ByteStream.aclose)
