"""Flows of authentication that users write: several requests, failures, early ends. They leave nothing open."""

from __future__ import annotations

import anyio
import pytest

import httpstream
from tests.dialogue import FIVE, HELLO, check_next_request
from tests.servers.steps import (
    announce,
    expect_chunked,
    expect_content,
    expect_end,
    expect_request,
    send,
    serve,
)


class Token(httpstream.Auth):
    """Asks another URL for a token first."""

    requires_response_body = True

    def __init__(self, url):
        self.url = url
        self.notes = []

    def auth_flow(self, request):
        try:
            response = yield httpstream.Request("POST", self.url, content=b"please")
            request.headers["Authorization"] = "Bearer " + response.text
            response = yield request
            self.notes.append(response.text)
        finally:
            self.notes.append("closed")


async def test_a_flow_may_ask_for_a_token_first(world, fault_server, layer):
    script = [
        *(expect_request("POST /token", without=("authorization",)), expect_content(b"please"), send(HELLO)),
        *(expect_request("POST /a", "authorization: bearer hello"), expect_chunked(b"content"), send(HELLO)),
    ]
    server = fault_server(script, then=None, **layer.server)
    auth = Token(server.url + "/token")
    async with world.client(auth=auth, **layer.client) as client:
        response = await client.post(server.url + "/a", content=world.pieces([b"con", b"tent"]))
    assert (response.request.method, response.text, auth.notes) == ("POST", "hello", ["hello", "closed"])
    assert [one.request.url.path for one in response.history] == ["/token"]


async def test_a_stream_of_one_s_own_is_sent_after_the_request_for_the_token(world, fault_server):
    """It was not sent yet, so nothing has to be known of whether it can be sent again."""
    script = [
        *(expect_request("POST /token"), expect_content(b"please"), send(HELLO)),
        *(expect_request("POST /a", "authorization: bearer hello"), expect_content(b"content"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=Token(server.url + "/token")) as client:
        request = httpstream.Request(
            "POST", server.url + "/a", headers={"Content-Length": "7"}, stream=Own(world.pieces([b"content"]))
        )
        request.headers["Host"] = server.url.partition("//")[2]
        await client.send(request)


class Own(httpstream.SyncByteStream, httpstream.AsyncByteStream):
    def __init__(self, pieces):
        self._pieces = pieces

    def __iter__(self):
        return iter(self._pieces)

    def __aiter__(self):
        return self._pieces.__aiter__()


async def test_a_flow_that_fails_after_a_response_leaves_nothing_open(world, fault_server):
    """The response that it did not like has content that never comes to its end."""

    class Failing(httpstream.Auth):
        def auth_flow(self, request):
            yield request
            raise LookupError

    server = fault_server([expect_request("GET /a"), send(FIVE + b"he"), expect_end()])
    async with world.client() as client:
        with pytest.raises(LookupError):
            await client.get(server.url + "/a", auth=Failing())
        await check_next_request(client, server)


async def test_a_flow_is_closed_when_the_network_fails(world, fault_server):
    server = fault_server(
        [expect_request("POST /token"), expect_content(b"please"), send(b"junk\r\n\r\n"), expect_end()]
    )
    auth = Token(server.url + "/token")
    async with world.client() as client:
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            await client.get(server.url + "/a", auth=auth)
        assert caught.value.request.url.path == "/token"
        assert auth.notes == ["closed"]
        await check_next_request(client, server)


async def test_content_that_a_flow_needs_and_that_breaks_off_is_an_error_of_its_request(world, fault_server):
    server = fault_server(
        [expect_request("POST /token"), expect_content(b"please"), send(FIVE + b"he")], then=[serve()]
    )
    auth = Token(server.url + "/token")
    async with world.client() as client:
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            await client.get(server.url + "/a", auth=auth)
        assert caught.value.request.url.path == "/token"
        assert auth.notes == ["closed"]
        await check_next_request(client, server)


async def test_a_flow_is_over_before_its_last_response_is_read(world, fault_server):
    class Noted(httpstream.Auth):
        notes = ()

        def auth_flow(self, request):
            try:
                yield request
            finally:
                self.notes = ("closed",)

    server = fault_server([expect_request("GET /a"), send(HELLO)])
    auth = Noted()
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a", auth=auth) as response:
            assert auth.notes == ("closed",)
            assert not response.is_closed
            assert [piece async for piece in response.iter("bytes")] == [b"hello"]


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_user_s_async_generator_is_closed_by_the_client(world, fault_server):
    notes = []

    class Own(httpstream.Auth):
        async def async_auth_flow(self, request):
            try:
                await anyio.sleep(0)
                response = yield request
                await response.aread()
                notes.append(response.text)
                yield request
            finally:
                await anyio.sleep(0)
                notes.append("closed")

    server = fault_server(
        [expect_request("GET /a"), send(HELLO), expect_request("GET /a"), send(b"junk\r\n\r\n"), expect_end()]
    )
    async with world.client() as client:
        with pytest.raises(httpstream.RemoteProtocolError):
            await client.get(server.url + "/a", auth=Own())
        assert notes == ["hello", "closed"]
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_flow_is_closed_when_its_task_is_cancelled(world, fault_server):
    server = fault_server(
        [expect_request("POST /token"), expect_content(b"please"), announce("asked"), expect_end()]
    )
    auth = Token(server.url + "/token")
    async with world.client() as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.get(server.url + "/a", auth=auth))
            await world.until(server.gate("asked").is_set)
            group.cancel_scope.cancel()
        assert auth.notes == ["closed"]
        await check_next_request(client, server)


async def test_a_function_sees_the_request_as_it_will_be_sent(world, fault_server):
    seen = []

    def note(request):
        seen.append((request.method, str(request.url), request.headers["content-length"], request.content))
        request.headers["X-Signature"] = "1"
        return request

    server = fault_server([expect_request("POST /a", "x-signature: 1"), expect_content(b"abc"), send(HELLO)])
    async with world.client() as client:
        await client.post(server.url + "/a", content=b"abc", auth=note)
    assert seen == [("POST", server.url + "/a", "3", b"abc")]
