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
            stream = answer.response.stream
            for error in (None, StreamConsumed):
                items = stream.__aiter__() if world.is_async else iter(stream)
                step = items.__anext__ if world.is_async else items.__next__
                if error is None:
                    assert (await step() if world.is_async else step()) == b"GET /x"
                    continue
                with pytest.raises(error):
                    await step() if world.is_async else step()
    assert len(server.peers) == 1
