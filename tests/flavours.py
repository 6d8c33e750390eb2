"""One scenario, four flavours.

Here stands the one place where the tests of the sync and of the async client differ: a `World` gives both the
same awaitable surface, so that a scenario is written once, as a coroutine. In the sync world the scenario is
driven by one `send(None)` and calls `Client` directly, in this thread: nothing ever suspends. No thread
stands behind it. Never here: servers, assertions about HTTP.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib.util
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any

import anyio

import httpstream

FLAVOURS = ("sync", "asyncio", "uvloop", "trio")
ASYNC_FLAVOURS = FLAVOURS[1:]


class World:
    """One flavour: makes clients, runs scenarios, and waits as that flavour waits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_async = name != "sync"

    def __repr__(self) -> str:
        return f"World({self.name!r})"

    def client(self, **options: Any) -> Caller:
        """A client behind awaitable methods; trust_env is off, so that the machine's settings stay outside."""
        options.setdefault("trust_env", False)
        return Caller(self, options)

    def transport(self, **options: Any) -> Any:
        """An HTTPTransport or an AsyncHTTPTransport."""
        factory = httpstream.AsyncHTTPTransport if self.is_async else httpstream.HTTPTransport
        return factory(**options)

    def pieces(self, items: Iterable[bytes | Exception | Callable[[], object]]) -> Any:
        """A generator of this world (async or not) that yields the bytes, raises the exceptions, makes the
        calls.
        """
        return async_pieces(items) if self.is_async else sync_pieces(items)

    def iterate(self, iterable: Any) -> Walker:
        """An async iterator over an iterable of this world."""
        return Walker(iterable, self.is_async)

    async def sleep(self, seconds: float) -> None:
        if self.is_async:
            await anyio.sleep(seconds)
        else:
            time.sleep(seconds)

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until the condition holds; AssertionError when it does not within the seconds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"still not true after {seconds} s: {condition}"
            await self.sleep(0.002)

    def warm_up(self) -> None:
        """Let the loop open what it keeps for the life of the process (uvloop: a pipe for signals)."""

        async def nothing() -> None:
            return

        self.run(nothing)

    def run(self, scenario: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        """Run a scenario to its end and return its value."""
        if self.is_async:
            options = {"use_uvloop": True} if self.name == "uvloop" else {}
            backend = "trio" if self.name == "trio" else "asyncio"

            async def call() -> Any:
                return await scenario(*args)

            return anyio.run(call, backend=backend, backend_options=options)
        coroutine = scenario(*args)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        coroutine.close()
        raise AssertionError("a scenario suspended in the sync world")


def is_available(flavour: str) -> bool:
    """Whether this flavour can run on this machine (uvloop has no Windows build)."""
    return flavour != "uvloop" or importlib.util.find_spec("uvloop") is not None


class Caller:
    """A Client or an AsyncClient behind the same awaitable methods. `inner` is the client itself."""

    def __init__(self, world: World, options: dict[str, Any], library: Any = httpstream) -> None:
        self.world = world
        factory = library.AsyncClient if world.is_async else library.Client
        self.inner: Any = factory(**options)

    async def __aenter__(self) -> Caller:
        await self._enter(self.inner)
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._leave(self.inner, *exc_info)

    async def request(self, method: str, url: Any, **options: Any) -> Any:
        result = self.inner.request(method, url, **options)
        return await result if self.world.is_async else result

    async def get(self, url: Any, **options: Any) -> Any:
        return await self.request("GET", url, **options)

    async def post(self, url: Any, **options: Any) -> Any:
        return await self.request("POST", url, **options)

    async def send(self, request: Any, **options: Any) -> Any:
        result = self.inner.send(request, **options)
        return await result if self.world.is_async else result

    def stream(self, method: str, url: Any, **options: Any) -> StreamBlock:
        return StreamBlock(self, self.inner.stream(method, url, **options))

    def block(self, context: Any) -> Block:
        """A context manager of this world, for ``async with``."""
        return Block(self, context)

    async def close(self) -> None:
        if self.world.is_async:
            await self.inner.aclose()
        else:
            self.inner.close()

    async def _enter(self, block: Any) -> Any:
        return await block.__aenter__() if self.world.is_async else block.__enter__()

    async def _leave(self, block: Any, *exc_info: Any) -> Any:
        return await block.__aexit__(*exc_info) if self.world.is_async else block.__exit__(*exc_info)


class Block:
    """`async with` for a context manager of either world."""

    def __init__(self, caller: Caller, block: Any) -> None:
        self._caller = caller
        self._block = block

    async def __aenter__(self) -> Any:
        return await self._caller._enter(self._block)

    async def __aexit__(self, *exc_info: Any) -> Any:
        return await self._caller._leave(self._block, *exc_info)


class StreamBlock(Block):
    """`async with client.stream(...) as answer` in either world."""

    async def __aenter__(self) -> Answer:
        return Answer(self._caller.world, await super().__aenter__())


class Answer:
    """A response whose reading methods are the same in both worlds; everything else is the response's own."""

    def __init__(self, world: World, response: Any) -> None:
        self._world = world
        self.response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)

    async def read(self) -> bytes:
        content: bytes = await self.response.aread() if self._world.is_async else self.response.read()
        return content

    async def close(self) -> None:
        if self._world.is_async:
            await self.response.aclose()
        else:
            self.response.close()

    def iter(self, kind: str, *args: Any, **options: Any) -> Walker:
        """iter_<kind> or aiter_<kind>, as an async iterator."""
        name = f"aiter_{kind}" if self._world.is_async else f"iter_{kind}"
        return Walker(getattr(self.response, name)(*args, **options), self._world.is_async)


class Walker:
    """An async iterator over an iterator of either world; `inner` is that iterator."""

    def __init__(self, iterable: Any, is_async: bool) -> None:
        self._is_async = is_async
        self.inner = iterable.__aiter__() if is_async else iter(iterable)

    def __aiter__(self) -> Walker:
        return self

    async def __anext__(self) -> Any:
        if self._is_async:
            return await self.inner.__anext__()
        try:
            return next(self.inner)
        except StopIteration:
            raise StopAsyncIteration from None

    async def close(self) -> None:
        if self._is_async:
            await self.inner.aclose()
        else:
            self.inner.close()


def sync_pieces(items: Iterable[bytes | Exception | Callable[[], object]]) -> Iterator[bytes]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        if isinstance(item, bytes):
            yield item
        else:
            item()


async def async_pieces(items: Iterable[bytes | Exception | Callable[[], object]]) -> AsyncIterator[bytes]:
    for item in items:
        if isinstance(item, Exception):
            raise item
        if isinstance(item, bytes):
            yield item
        else:
            item()


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """A hard limit: an exception in the main thread first, the end of the process ten seconds later."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(signum: int, frame: object) -> None:
        raise TimeoutError(f"the test ran for more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + 10, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def open_descriptors() -> dict[str, str]:
    """Descriptors of this process and what they stand for; empty where /proc is absent."""
    found = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            # The listing's own descriptor is closed again by now.
            with contextlib.suppress(OSError):
                found[name] = os.readlink(f"/proc/self/fd/{name}")
    return found
