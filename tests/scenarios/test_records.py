"""Events and JSON lines over real connections: when they reach the caller, and what errors do to the connection."""

from __future__ import annotations

import zlib

import pytest

import httpstream
from tests.dialogue import CHUNKED, check_next_request, head
from tests.servers.steps import expect_end, expect_request, fin, send, serve, wait_for

STREAM = "Content-Type: text/event-stream"
EVENTS = [b"data: one\n\n", b"id: 2\r\ndata: two\r\ndata: lines\r\n\r\n", b": note\rdata: three\r\r"]
VALUES = [b'{"number": 1}\n', b"\nnull\r\n", b"[3]\r"]
PARTS = {"events": EVENTS, "json": VALUES}
EXPECTED = {
    "events": [
        httpstream.ServerSentEvent("message", "one", "", None),
        httpstream.ServerSentEvent("message", "two\nlines", "2", None),
        httpstream.ServerSentEvent("message", "three", "2", None),
    ],
    "json": [{"number": 1}, None, [3]],
}


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def flushed(coding: str, parts: list[bytes]) -> list[bytes]:
    """Each part as the bytes that a server sends for it when it flushes."""
    if coding == "identity":
        return parts
    packer = zlib.compressobj(wbits=31)
    found = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    return [*found, packer.flush()]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("kind", ["events", "json"])
async def test_each_is_handed_over_before_the_server_sends_the_next_one(
    world, fault_server, layer, kind, coding
):
    """The server waits until the caller has what it sent: no clock decides."""
    fields = (STREAM, "Transfer-Encoding: chunked", *(["Content-Encoding: gzip"] if coding == "gzip" else []))
    script = [expect_request("GET /a"), send(head(*fields))]
    for number, part in enumerate(flushed(coding, PARTS[kind])):
        script += [send(chunk(part)), *([wait_for(f"got {number}")] if number < 3 else [])]
    server = fault_server([*script, send(b"0\r\n\r\n"), serve()], **layer.server)
    got = []
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for item in answer.iter(kind):
                server.gate(f"got {len(got)}").set()
                got.append(item)
        await check_next_request(client, server)
    assert got == EXPECTED[kind]


async def test_sse_hands_over_at_once_too(world, fault_server):
    script = [expect_request("GET /a"), send(head(STREAM, "Transfer-Encoding: chunked"))]
    for number, part in enumerate(EVENTS):
        script += [send(chunk(part)), wait_for(f"got {number}")]
    server = fault_server([*script, send(b"0\r\n\r\n"), serve()])
    got = []
    async with world.client() as client:
        async with client.block(client.inner.sse(server.url + "/a")) as source:
            async for event in world.iterate(source):
                server.gate(f"got {len(got)}").set()
                got.append(event)
        await check_next_request(client, server)
    assert got == EXPECTED["events"]


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize("kind", ["events", "json"])
async def test_they_are_the_same_however_they_arrive(world, fault_server, kind, step):
    content = b"".join(PARTS[kind])
    pieces = [content[at : at + step] for at in range(0, len(content), step)]
    steps = [*(send(chunk(piece)) for piece in pieces), send(b"0\r\n\r\n")]
    server = fault_server([expect_request("GET /a"), send(CHUNKED), *steps, serve()])
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert [item async for item in answer.iter(kind)] == EXPECTED[kind]
        await check_next_request(client, server)


async def test_events_without_a_length_end_with_the_connection(world, fault_server):
    wire = head(STREAM) + b"".join(EVENTS) + b"data: without a blank line\n"
    server = fault_server([expect_request("GET /a"), send(wire), fin()])
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert [item async for item in answer.iter("events")] == EXPECTED["events"]
        await check_next_request(client, server)


async def fails(world, server, kind: str, error: type[Exception], what: str, **options) -> list:
    """Read until the error, after which the client works. Returns what came in front of it."""
    got: list = []
    async with world.client() as client:
        with pytest.raises(httpstream.RequestError) as caught:
            async with client.stream("GET", server.url + "/a") as answer:
                async for item in answer.iter(kind, **options):
                    got.append(item)  # noqa: PERF401 - what comes before the error counts
        assert answer.is_closed
        await check_next_request(client, server)
    assert type(caught.value) is error, caught.value
    assert str(caught.value.request.url) == server.url + "/a"
    assert what in str(caught.value)
    return got


@pytest.mark.parametrize(
    ("kind", "part", "error", "what", "options"),
    [
        ("events", b"data: " + b"x" * 20, httpstream.SSEError, "25 bytes", {"max_event_bytes": 25}),
        ("json", b"[" * 21, httpstream.LineTooLong, "max_line_bytes=20", {"max_line_bytes": 20}),
        ("json", b"[3\n", httpstream.InvalidJSONLine, "line 4 of the content", {}),
        ("json", b'"\xff"\n', httpstream.InvalidJSONLine, "line 4 of the content", {}),
    ],
)
async def test_an_error_is_raised_at_once_and_closes_the_connection(
    world, fault_server, kind, part, error, what, options
):
    """The rest, which never comes, is not waited for."""
    before = PARTS[kind][:2]
    server = fault_server(
        [expect_request("GET /a"), send(CHUNKED + chunk(b"".join(before) + part)), expect_end()]
    )
    assert await fails(world, server, kind, error, what, **options) == EXPECTED[kind][:2]


@pytest.mark.parametrize("kind", ["events", "json"])
async def test_what_is_whole_comes_in_front_of_a_broken_connection(world, fault_server, kind):
    wire = CHUNKED + chunk(b"".join(PARTS[kind])) + b"5\r\ndata:"
    server = fault_server([expect_request("GET /a"), send(wire), fin()])
    got = await fails(world, server, kind, httpstream.RemoteProtocolError, "")
    assert got == EXPECTED[kind]


async def test_an_unfinished_gzip_stream_of_events_is_an_error(world, fault_server):
    coded = flushed("gzip", EVENTS)[:-1]
    wire = head(STREAM, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
    server = fault_server(
        [expect_request("GET /a"), send(wire + chunk(b"".join(coded)) + b"0\r\n\r\n"), serve()]
    )
    assert await fails(world, server, "events", httpstream.DecodingError, "") == EXPECTED["events"]


async def test_a_response_of_another_type_can_be_read_after_the_error(world, fault_server):
    script = [
        expect_request("GET /a"),
        send(head("Content-Type: text/plain", "Content-Length: 5") + b"hello"),
        serve(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            with pytest.raises(httpstream.SSEError) as caught:
                await anext(world.iterate(httpstream.EventSource(answer.response)))
            assert caught.value.request is answer.request
            assert await answer.read() == b"hello"
        await check_next_request(client, server)


async def test_an_iterator_that_was_left_sees_nothing_of_the_next_response(world, fault_server):
    """The events are cut out of a buffer that the next response fills."""
    content = b"data: 1\n\ndata: 2\n\n"
    script = [expect_request("GET /a"), send(head(f"Content-Length: {len(content)}") + content), serve()]
    server = fault_server(script)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            events = answer.iter("events")
            assert (await anext(events)).data == "1"
        await check_next_request(client, server)
        with pytest.raises(httpstream.StreamClosed):
            await anext(events)
