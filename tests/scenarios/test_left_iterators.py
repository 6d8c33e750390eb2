"""An iterator that outlives its response: it never sees a byte of the next response on the same connection."""

from __future__ import annotations

import pytest

from httpstream import StreamClosed, StreamConsumed
from tests.servers.steps import expect_request, send, serve

KINDS = [("lines", {}), ("bytes", {}), ("bytes", {"chunk_size": 7}), ("text", {"chunk_size": 7}), ("raw", {})]


@pytest.mark.parametrize(("kind", "options"), KINDS)
async def test_after_the_close_of_its_response_an_iterator_says_so(world, fault_server, kind, options):
    """The connection has gone on to another response, whose content lies in the same buffer."""
    content = b"first response\n" * 500
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
    server = fault_server([expect_request("GET /first"), send(answer), serve()], then=None)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/first") as first:
            left = first.iter(kind, **options)
            await left.__anext__()
        async with client.stream("GET", server.url + "/second") as second:
            with pytest.raises(StreamClosed):
                await left.__anext__()
            with pytest.raises(StopAsyncIteration):
                await left.__anext__()
            assert await second.read() == b"GET /second"
    assert len(server.peers) == 1


async def test_a_live_stream_has_one_reader(world, fault_server):
    server = fault_server([serve()], then=None)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/x") as answer:
            assert [piece async for piece in world.iterate(answer.response.stream)] == [b"GET /x"]
            with pytest.raises(StreamConsumed):
                await world.iterate(answer.response.stream).__anext__()
    assert len(server.peers) == 1


PARTS = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n"]


@pytest.mark.parametrize("traced", [False, True])
async def test_an_iterator_that_somebody_else_has_read_on_from_says_so(world, fault_server, traced):
    """It must neither hang nor take what is the other one's."""
    seen = []

    async def trace(name, info):
        seen.append(name)

    options = (
        {"extensions": {"trace": trace if world.is_async else lambda name, info: seen.append(name)}}
        if traced
        else {}
    )
    server = fault_server([expect_request("GET /"), send(PARTS[0]), send(PARTS[1])])
    async with world.client() as client, client.stream("GET", server.url, **options) as answer:
        early = answer.iter("bytes", 2)
        assert await early.__anext__() == b"fi"
        rest = world.iterate(answer.response.stream)
        assert (await rest.__anext__()).startswith(b"rst")
        with pytest.raises(StreamConsumed):
            while True:
                await early.__anext__()
