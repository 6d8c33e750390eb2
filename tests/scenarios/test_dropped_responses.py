"""A response that is dropped without a close gives its place in the pool back; its connection is not used again."""

from __future__ import annotations

import gc

import pytest

import httpstream
from tests import http2_frames as wire
from tests.dialogue import HELLO, head
from tests.flavours import Answer
from tests.servers.http2 import begin, expect_head, expect_reset, reply
from tests.servers.steps import expect_content, expect_end, expect_request, ignore_until_end, send

HALF = head("Content-Length: 100") + b"line\n" * 10
ONE = httpstream.Limits(max_connections=1)


async def sent(world, client, url, **options):
    request = client.inner.build_request("GET", url, **options)
    return Answer(world, await client.send(request, stream=True))


async def nothing(world, answer):
    pass


async def an_iterator(world, answer):
    await answer.iter("bytes").__anext__()


async def lines(world, answer):
    assert await answer.iter("lines").__anext__() == "line"


async def the_stream_as_a_file(world, answer):
    read = answer.response.stream.aread if world.is_async else answer.response.stream.read
    data = await read(3) if world.is_async else read(3)
    assert data == b"lin"


async def pieces_of_the_stream(world, answer):
    await world.iterate(answer.response.stream).__anext__()


@pytest.mark.parametrize("layer", ["tcp", "tls"])
@pytest.mark.parametrize("use", [nothing, an_iterator, lines, the_stream_as_a_file, pieces_of_the_stream])
async def test_a_response_that_is_dropped_gives_its_place_back(world, fault_server, authority, layer, use):
    context = authority.server_context() if layer == "tls" else None
    server = fault_server(
        [expect_request("GET /first"), send(HALF), expect_end()],
        [expect_request("GET /second"), send(HELLO), ignore_until_end()],
        tls=context,
    )
    options = {"verify": authority.client_context()} if layer == "tls" else {}
    async with world.client(limits=ONE, timeout=5.0, **options) as client:
        answer = await sent(world, client, server.url + "/first")
        await use(world, answer)
        del answer
        gc.collect()
        assert client.inner._transport._pool.connections == []
        assert (await client.get(server.url + "/second")).text == "hello"


async def test_an_iterator_keeps_its_response(world, fault_server):
    server = fault_server(
        [expect_request("GET /"), send(HALF), send(b"line\n" * 10), ignore_until_end()], then=None
    )
    async with world.client() as client:
        left = (await sent(world, client, server.url)).iter("lines")
        gc.collect()
        assert [line async for line in left] == ["line"] * 20


async def test_over_http_2_its_stream_is_reset_and_the_others_go_on(world, fault_server):
    server = fault_server(
        [
            *(begin(), expect_head(1), send(wire.headers(1, wire.OK) + wire.data(1, b"x" * 1000))),
            *(expect_reset(1), expect_head(3), reply(3, b"next"), ignore_until_end()),
        ],
        then=None,
    )
    async with world.client(http1=False, http2=True) as client:
        answer = await sent(world, client, server.url)
        await an_iterator(world, answer)
        del answer
        gc.collect()
        assert (await client.get(server.url)).text == "next"


async def test_a_tunnel_outlives_its_response(world, fault_server):
    """What follows a 101 belongs to whoever has the network stream."""
    switch = head("Upgrade: echo", "Connection: upgrade", status="101 Switching Protocols")
    server = fault_server(
        [expect_request("GET /"), send(switch), expect_content(b"ping"), send(b"pong"), ignore_until_end()],
        then=None,
    )
    async with world.client() as client:
        fields = {"Connection": "upgrade", "Upgrade": "echo"}
        answer = await sent(world, client, server.url, headers=fields)
        network = answer.extensions["network_stream"]
        del answer
        gc.collect()
        if world.is_async:
            await network.write(b"ping")
            assert await network.read(4) == b"pong"
            await network.aclose()
        else:
            network.write(b"ping")
            assert network.read(4) == b"pong"
            network.close()
