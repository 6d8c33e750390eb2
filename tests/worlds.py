"""Stand-ins of the unit tests: a transport and content for both worlds, and one caller for both clients.

Users write such transports; nothing here replaces a class of the package.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio

from httpstream import (
    AsyncBaseTransport,
    AsyncByteStream,
    AsyncClient,
    BaseTransport,
    Client,
    Request,
    Response,
    SyncByteStream,
)


class Body(SyncByteStream, AsyncByteStream):
    """Content of a response in both worlds: yields the bytes, raises the exceptions, counts its closings."""

    def __init__(self, *items: bytes | BaseException) -> None:
        self.items = items
        self.taken = 0
        self.closed = 0

    def _next(self, item: bytes | BaseException) -> bytes:
        if isinstance(item, BaseException):
            raise item
        self.taken += 1
        return item

    def __iter__(self) -> Iterator[bytes]:
        for item in self.items:
            yield self._next(item)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for item in self.items:
            yield self._next(item)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Transport(BaseTransport, AsyncBaseTransport):
    """Answers in both worlds by a function from request to response, and keeps what was sent."""

    def __init__(self, answer: Callable[[Request], Response] | None = None) -> None:
        self.answer = answer or (lambda request: Response(200, text="hello"))
        self.requests: list[Request] = []
        self.entered = 0
        self.closed = 0

    def handle_request(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answer(request)

    async def handle_async_request(self, request: Request) -> Response:
        return self.handle_request(request)

    def __enter__(self) -> Transport:
        self.entered += 1
        return self

    async def __aenter__(self) -> Transport:
        self.entered += 1
        return self

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Either:
    """One of the two clients behind sync methods."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def client(self, transport: Any = None, **options: Any) -> Any:
        factory = AsyncClient if self.is_async else Client
        return factory(transport=transport or Transport(), **options)

    def call(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if not self.is_async:
            return method(*args, **options)

        async def call() -> Any:
            return await method(*args, **options)

        return anyio.run(call)

    def block(self, context: Any, body: Callable[[Any], object]) -> None:
        """Run the body inside the block of a context manager."""
        if not self.is_async:
            with context as value:
                body(value)
            return

        async def run() -> None:
            async with context as value:
                body(value)

        anyio.run(run)

    def close(self, client: Any) -> None:
        self.call(client.aclose if self.is_async else client.close)

    def read(self, response: Response) -> bytes:
        content: bytes = self.call(response.aread if self.is_async else response.read)
        return content


def failing(status: int, *items: bytes | BaseException, **headers: str) -> tuple[Transport, Body]:
    body = Body(*items)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Transport(lambda request: Response(status, headers=named, stream=body)), body
