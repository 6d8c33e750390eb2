"""Driving auth flows by hand, as a client does, in both worlds. Never here: a scenario."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

both_kinds = pytest.mark.parametrize("kind", ["sync", "async"])

URL = "http://host/dir/index.html"


def seen(request: Any) -> Any:
    """Of a request, what a flow may change. Asks for `raw` alone: httpx's Headers remember what they were asked."""
    fields = {name.lower(): value for name, value in request.headers.raw}
    return request.method, str(request.url), fields.get(b"authorization"), fields.get(b"cookie")


class Sync:
    """A flow of the sync world behind the names of the async one."""

    def __init__(self, flow: Any) -> None:
        self._flow = flow

    async def asend(self, value: Any) -> Any:
        try:
            return self._flow.send(value)
        except StopIteration:
            raise StopAsyncIteration from None

    async def athrow(self, exc: BaseException) -> Any:
        return self._flow.throw(exc)

    async def aclose(self) -> None:
        self._flow.close()


def start(auth: Any, request: Any, kind: str) -> Any:
    """The flow of this world; its methods are awaitable."""
    return Sync(auth.sync_auth_flow(request)) if kind == "sync" else auth.async_auth_flow(request)


def drive(auth: Any, request: Any, responses: Iterable[Any] = (), kind: str = "sync") -> list[Any]:
    """What the flow sends, and "end" where it ends by itself."""

    async def run() -> list[Any]:
        flow = start(auth, request, kind)
        current = await flow.asend(None)
        sent = [seen(current)]
        try:
            for response in responses:
                response.request = current
                current = await flow.asend(response)
                sent.append(seen(current))
        except StopAsyncIteration:
            sent.append("end")
        await flow.aclose()
        return sent

    return asyncio.run(run())


def challenged(httpx: Any, *values: str | bytes, status: int = 401, cookies: Iterable[str] = ()) -> Any:
    """A response with these WWW-Authenticate fields."""
    fields = [(b"WWW-Authenticate", one.encode() if isinstance(one, str) else one) for one in values]
    return httpx.Response(status, headers=fields + [(b"Set-Cookie", one.encode()) for one in cookies])


def digest(httpx: Any, username: Any = "Mufasa", password: Any = "Circle of Life") -> Any:
    """A DigestAuth whose own nonce is known."""

    class Digest(httpx.DigestAuth):  # type: ignore[misc]
        def _get_client_nonce(self, nonce_count: int, nonce: bytes) -> bytes:
            return b"%08x%s" % (nonce_count, nonce[:4].ljust(4, b"-").hex().encode())

    return Digest(username, password)
