"""The request extension `trace`: which events come, in which order, and what they carry."""

from __future__ import annotations

import gzip
import socket
import tempfile
from typing import Any

from tests.compat.harness import Lib, same
from tests.compat.site import answer
from tests.compat.tracing import Recorder


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


@same("a failure while the head is awaited told as complete, or the connection not told closed")
async def test_a_broken_head_tells_that_receiving_failed_and_the_response_closed(lib: Lib) -> Any:
    trace = Recorder(lib)
    url = lib.site.on("/bad", b"nonsense\r\n\r\n")
    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(url, extensions={"trace": trace.extension}))
    failure = trace.info("http11.receive_response_headers.failed")["exception"]
    return caught, trace.names, type(failure).__name__


@same("a read timeout not told")
async def test_a_server_that_is_silent_tells_of_the_timeout(lib: Lib) -> Any:
    trace = Recorder(lib)
    url = lib.site.on("/silent", [])
    async with lib.client(timeout=0.05) as client:
        caught = await lib.caught(lambda: client.get(url, extensions={"trace": trace.extension}))
    return caught, trace.names[-3:], type(trace.events[-3][1]["exception"]).__name__


@same("content that is cut off told as complete")
async def test_content_that_is_cut_off_tells_that_receiving_failed(lib: Lib) -> Any:
    trace = Recorder(lib)
    url = lib.site.on("/cut", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc")
    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(url, extensions={"trace": trace.extension}))
    return caught, trace.names[-4:], type(trace.events[-3][1]["exception"]).__name__


@same("an error of the caller's content told as anything but the failure of sending it")
async def test_content_that_raises_tells_that_sending_failed(lib: Lib) -> Any:
    trace = Recorder(lib)
    pieces = lib.world.pieces([b"a", ValueError("mine")])
    async with lib.client() as client:
        caught = await lib.caught(
            lambda: client.post(lib.site.url, content=pieces, extensions={"trace": trace.extension})
        )
    return caught, trace.names[2:], trace.events[-3][1]["exception"].args


@same("a response that nobody reads told as received, or not told as closed")
async def test_a_response_that_is_closed_unread_tells_of_no_content(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url, extensions={"trace": trace.extension}):
            before = len(trace.events)
    return trace.names[before:]


@same("content left in the middle without an end of its event, or with another exception than GeneratorExit")
async def test_content_that_is_left_in_the_middle_tells_of_an_exit(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url, extensions={"trace": trace.extension}) as response:
            pieces = response.iter("raw", chunk_size=1)
            await pieces.__anext__()
            await pieces.close()
            del pieces
        await lib.world.sleep(0.01)
    # In async code httpcore tells of the exit when the garbage collector has found its generator.
    return sorted(trace.names), type(trace.info("http11.receive_response_body.failed")["exception"]).__name__


@same("receive_response_body told before the content is asked for")
async def test_the_content_starts_when_it_is_asked_for(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url, extensions={"trace": trace.extension}) as response:
            before = list(trace.names)
            content = await response.read()
    return before[-1], content, trace.names[len(before) :]


@same("the events of content other for one that is decoded")
async def test_content_with_a_coding_has_the_same_events(lib: Lib) -> Any:
    trace = Recorder(lib)
    content = gzip.compress(b"hello" * 100)
    url = lib.site.on("/gz", answer("200 OK", "Content-Encoding: gzip", content=content))
    async with lib.client() as client:
        response = await client.get(url, extensions={"trace": trace.extension})
    return response.content, trace.names[8:]


@same("the events of a response without content other than those of one with content")
async def test_a_response_without_content_has_the_same_events(lib: Lib) -> Any:
    trace = Recorder(lib)
    url = lib.site.on("/none", b"HTTP/1.1 204 No Content\r\n\r\n")
    async with lib.client() as client:
        await client.get(url, extensions={"trace": trace.extension})
    return trace.names


@same("an informational response told as the response")
async def test_informational_responses_have_no_event(lib: Lib) -> Any:
    trace = Recorder(lib)
    url = lib.site.on(
        "/103", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    )
    async with lib.client() as client:
        await client.get(url, extensions={"trace": trace.extension})
    return trace.names, trace.info("http11.receive_response_headers.complete")["return_value"]


@same("send_request_body told for each piece, or only when there is content")
async def test_content_in_pieces_is_one_event(lib: Lib) -> Any:
    trace = Recorder(lib)
    pieces = lib.world.pieces([b"a", b"b", b"c"])
    async with lib.client() as client:
        await client.post(lib.site.url, content=pieces, extensions={"trace": trace.extension})
    return trace.names, lib.site.wire


@same("an exception of the trace swallowed, or its connection used again")
async def test_a_trace_that_raises_ends_the_request(lib: Lib) -> Any:
    def refuse(name: str, info: Any) -> None:
        if name == "http11.receive_response_headers.complete":
            raise LookupError("no")

    trace = Recorder(lib, refuse)
    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(lib.site.url, extensions={"trace": trace.extension}))
        after = await client.get(lib.site.url)
    return caught, trace.names[-3:], after.status_code, lib.site.connections


@same("an exception of the trace before the first event swallowed, or turned into another one")
async def test_a_trace_that_raises_at_once_opens_nothing(lib: Lib) -> Any:
    def refuse(name: str, info: Any) -> None:
        raise LookupError("no")

    trace = Recorder(lib, refuse)
    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(lib.site.url, extensions={"trace": trace.extension}))
    return caught, trace.names, lib.site.connections


@same("a trace of the other world taken")
async def test_a_trace_of_the_other_world_is_a_type_error(lib: Lib) -> Any:
    async def coroutine() -> None:
        raise AssertionError("it was run")

    made: list[Any] = []

    def wrong(name: str, info: Any) -> Any:
        if lib.is_async:
            return None
        made.append(coroutine())
        return made[-1]

    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(lib.site.url, extensions={"trace": wrong}))
    for left in made:
        left.close()  # httpcore leaves it behind
    return caught


@same("trace=None taken for a trace")
async def test_a_trace_of_none_is_no_trace(lib: Lib) -> Any:
    async with lib.client() as client:
        response = await client.get(lib.site.url, extensions={"trace": None})
    return response.status_code


@same("one request's trace told of another's")
async def test_a_trace_hears_of_its_own_request_alone(lib: Lib) -> Any:
    first, second = Recorder(lib), Recorder(lib)
    async with lib.client() as client:
        await client.get(lib.site.url + "/a", extensions={"trace": first.extension})
        await client.get(lib.site.url + "/b", extensions={"trace": second.extension})
    targets = [
        {info["request"].url.target for _, info in trace.events if "request" in info}
        for trace in (first, second)
    ]
    return targets, len(first.events), len(second.events)


@same("the Unix socket's event with the name or the keys of TCP's")
async def test_a_unix_socket_has_its_own_event(lib: Lib) -> Any:
    trace = Recorder(lib)
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()
        async with lib.client(transport=lib.transport(uds=f"{folder}/s"), timeout=0.05) as client:
            caught = await lib.caught(
                lambda: client.get("http://host/", extensions={"trace": trace.extension})
            )
    info = trace.info("connection.connect_unix_socket.started")
    return caught, trace.names, {**info, "path": info["path"].replace(folder, "")}


@same(
    "a connection opened for what cannot be sent", differs="raises before anything is opened: a trace hears"
)
async def test_a_request_that_cannot_be_sent_opens_nothing(lib: Lib) -> Any:
    trace = Recorder(lib)
    async with lib.client() as client:
        caught = await lib.caught(
            lambda: client.get(lib.site.url, headers={"A b": "c"}, extensions={"trace": trace.extension})
        )
    return caught, trace.names
