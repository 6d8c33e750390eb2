"""A client that offers HTTP/2 to servers that speak HTTP/1.1: nothing of what HTTP/1.1 does is lost."""

from __future__ import annotations

import pytest

import httpstream
from tests.servers.steps import expect_request, ignore_until_end, own_answer, send
from tests.together import together

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


@pytest.fixture
def options(layer):
    return {"http2": True, "timeout": 10.0, **layer.client}


async def test_a_request_that_is_refused_here_leaves_no_connection_behind(
    world, fault_server, layer, options
):
    server = fault_server([ignore_until_end()], **layer.server)
    async with world.client(**options) as client:
        with pytest.raises(httpstream.LocalProtocolError):
            await client.get(server.url, headers={"X": "a\r\nb: c"})
        assert server.peer(0).wait_end()
        assert (await client.get(server.url + "/next")).text == "GET /next"
    assert server.peer(0).received == b""


async def test_an_error_closes_the_connection(world, fault_server, layer, options):
    server = fault_server([expect_request("GET /"), send(b"garbage\r\n"), ignore_until_end()], **layer.server)
    async with world.client(**options) as client:
        with pytest.raises(httpstream.RemoteProtocolError):
            await client.get(server.url)
        assert server.peer(0).wait_end()
        assert (await client.get(server.url + "/next")).text == "GET /next"


async def test_closing_the_client_wakes_its_readers(world, fault_server, layer, options):
    server = fault_server([expect_request("GET /"), send(HEAD + b"some"), ignore_until_end()], **layer.server)
    client = world.client(**options)

    async def get():
        with pytest.raises(httpstream.ReadError):
            await client.get(server.url)

    async def close():
        await world.until(lambda: server.peers and server.peer(0).played == 2)
        await world.sleep(0.02)
        await client.close()

    await together(world, [get, close])


async def test_the_events_of_a_request_are_those_of_http_1_1(world, fault_server, layer, options):
    server = fault_server(
        [expect_request("GET /a"), send(own_answer("GET", "/a")), ignore_until_end()], **layer.server
    )
    names = []

    def tell(name, info):
        names.append(name)

    async def tell_async(name, info):
        names.append(name)

    async with world.client(**options) as client:
        trace = tell_async if world.is_async else tell
        response = await client.get(server.url + "/a", extensions={"trace": trace})
    assert response.text == "GET /a"
    assert "http11.receive_response_body.complete" in names
    assert not [name for name in names if name.startswith("http2")]


async def test_connections_are_used_again_one_exchange_at_a_time(world, fault_server, layer, options):
    server = fault_server(**layer.server)
    async with world.client(limits=httpstream.Limits(max_connections=3), **options) as client:

        def job(number):
            async def get():
                return (await client.get(f"{server.url}/{number}")).text

            return get

        texts = await together(world, [job(number) for number in range(30)])
        assert texts == [f"GET /{number}" for number in range(30)]
        assert 1 <= len(client.inner._transport._pool.connections) <= 3
    assert len(server.peers) <= 3
