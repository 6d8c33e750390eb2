"""A client that is closed while its requests are under way: it sends nothing more, and keeps no connection."""

from __future__ import annotations

import threading

import pytest

import httpstream
from httpstream import ReadError
from tests.dialogue import HELLO, head
from tests.servers.steps import expect_end, expect_request, send, wait_for

MOVED = head("Location: /next", "Content-Length: 0", status="302 Found")


def hook_of(world, function):
    if not world.is_async:
        return function

    async def hook(message):
        function(message)

    return hook


def transport_that_is_late(world, close):
    """A transport of the network in front of which the client is closed."""
    if world.is_async:

        class Late(httpstream.AsyncHTTPTransport):
            async def handle_async_request(self, request):
                await close()
                return await super().handle_async_request(request)

    else:

        class Late(httpstream.HTTPTransport):
            def handle_request(self, request):
                close()
                return super().handle_request(request)

    return Late()


async def test_a_client_that_is_closed_does_not_follow(world, fault_server):
    server = fault_server([expect_request("GET /"), send(MOVED), expect_end()])

    def close(response):
        client.inner._note_closed()

    async with world.client(
        follow_redirects=True, event_hooks={"response": [hook_of(world, close)]}
    ) as client:
        with pytest.raises(RuntimeError, match="closed"):
            await client.get(server.url)


async def test_a_client_that_is_closed_does_not_go_on_with_a_flow(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO), expect_end()])

    class Twice(httpstream.Auth):
        def auth_flow(self, request):
            yield request
            client.inner._note_closed()
            yield request

    async with world.client(auth=Twice()) as client:
        with pytest.raises(RuntimeError, match="closed"):
            await client.get(server.url)


async def test_a_connection_that_opens_after_the_client_was_closed_is_not_kept(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO), expect_end()])

    def close():
        return client.inner.aclose() if world.is_async else client.inner.close()

    transport = transport_that_is_late(world, close)
    client = world.client(transport=transport)
    assert (await client.get(server.url)).text == "hello"
    assert transport._pool.connections == []


async def test_content_that_comes_after_the_client_was_closed_is_an_error(world, fault_server):
    """Also where closing came between the client's own look and the transport's."""
    server = fault_server(
        [expect_request("GET /"), send(head("Content-Length: 5") + b"he"), wait_for("never"), expect_end()]
    )

    def close():
        return client.inner.aclose() if world.is_async else client.inner.close()

    transport = transport_that_is_late(world, close)
    client = world.client(transport=transport)
    with pytest.raises(ReadError, match="closed on this side"):
        await client.get(server.url)
    server.gate("never").set()
    assert transport._pool.connections == []


@pytest.mark.flavours("sync")
async def test_threads_that_close_a_shared_transport_get_answers_or_clear_errors(world, asgi):
    transport, wrong = httpstream.HTTPTransport(), []

    def use():
        for _ in range(40):
            try:
                with httpstream.Client(transport=transport) as client:
                    assert client.get(asgi.url + "/status/200").status_code == 200
            except (httpstream.TransportError, RuntimeError):
                pass
            except BaseException as exc:
                wrong.append(exc)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert transport._pool.connections == []


async def test_the_requests_of_a_flow_have_the_clients_timeouts(world, fault_server):
    server = fault_server(
        [expect_request("GET /token"), send(HELLO), expect_request("GET /"), send(HELLO)],
    )
    seen = []

    class Token(httpstream.Auth):
        def auth_flow(self, request):
            token = httpstream.Request("GET", server.url + "/token")
            yield token
            seen.append(token.extensions.get("timeout"))
            yield request

    async with world.client(auth=Token(), timeout=3.0) as client:
        await client.get(server.url)
    assert seen == [httpstream.Timeout(3.0).as_dict()]
