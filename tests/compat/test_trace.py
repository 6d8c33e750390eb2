"""The request extension `trace`: which events come, in which order, and what they carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.compat.harness import Lib, same
from tests.compat.site import answer


class Recorder:
    """A trace of either world: `names` of the events, and `events` with their info."""

    def __init__(self, lib: Lib, on_event: Callable[[str, Any], None] | None = None) -> None:
        self.events: list[tuple[str, Any]] = []
        self._on_event = on_event
        self.extension = self._coroutine if lib.is_async else self._function

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def info(self, name: str) -> Any:
        return next(info for one, info in self.events if one == name)

    def _function(self, name: str, info: Any) -> None:
        self.events.append((name, dict(info)))
        if self._on_event is not None:
            self._on_event(name, info)

    async def _coroutine(self, name: str, info: Any) -> None:
        self._function(name, info)


@same("an event left out, told twice, or out of order")
async def test_a_get_on_a_new_connection_tells_each_step(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        await client.get(lib.site.url, extensions={"trace": trace.extension})
    return trace.names


@same("connect_tcp told of a connection that was there")
async def test_a_request_on_an_idle_connection_tells_of_no_connect(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        await client.get(lib.site.url)
        await client.get(lib.site.url, extensions={"trace": trace.extension})
    return trace.names


@same("another key in an event's info")
async def test_the_keys_of_each_info(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        await client.post(lib.site.url, content=b"x", extensions={"trace": trace.extension})
    return [(name, list(info)) for name, info in trace.events]


@same("connect_tcp.started without the address, or with another timeout")
async def test_connect_tcp_starts_with_its_arguments(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client(timeout=7.0) as client:
        await client.get(lib.site.url, extensions={"trace": trace.extension})
    return trace.info("connection.connect_tcp.started")


@same("connect_tcp.complete without a stream that knows its addresses")
async def test_connect_tcp_gives_a_network_stream(lib: Lib) -> Any:
    trace = Recorder(lib)
    found: list[Any] = []

    def look(name: str, info: Any) -> None:
        if name == "connection.connect_tcp.complete":
            stream = info["return_value"]
            found.extend(stream.get_extra_info(key) for key in ("server_addr", "ssl_object", "unknown"))
            found.append([hasattr(stream, one) for one in ("read", "write", "start_tls", "close", "aclose")])

    trace = Recorder(lib, look)
    async with lib.client() as client:
        await client.get(lib.site.url, extensions={"trace": trace.extension})
    return found


@same("info['request'] with str where httpcore has bytes")
async def test_the_request_of_an_event_is_in_bytes(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        await client.get(lib.site.url + "/a?b=c", headers={"X-A": "b"}, extensions={"trace": trace.extension})
    request = trace.info("http11.send_request_headers.started")["request"]
    url = request.url
    return (
        repr(request),
        request.method,
        [field for field in request.headers if field[0] not in (b"User-Agent", b"Accept-Encoding")],
        [url.scheme, url.host, url.port, url.target],
        repr(url),
        list(request.extensions),
    )


@same("another order of the head in receive_response_headers.complete, or decoded text")
async def test_receive_response_headers_gives_the_head(lib: Lib) -> Any:
    trace = Recorder(lib)
    lib.site.on("/", answer("201 Made so", "X-Twice: a", "X-Twice: b", content=b"x"))
    async with lib.client() as client:
        await client.get(lib.site.url + "/", extensions={"trace": trace.extension})
    return trace.info("http11.receive_response_headers.complete")["return_value"]


@same("a connect_tcp.failed without its exception, or events of an exchange that never began")
async def test_a_refused_connection_tells_that_connecting_failed(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        caught = await lib.caught(
            lambda: client.get("http://127.0.0.1:1/", extensions={"trace": trace.extension})
        )
    failure = trace.info("connection.connect_tcp.failed")["exception"]
    return caught, trace.names, type(failure).__name__
