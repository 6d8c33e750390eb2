"""One request, one answer: what is kept for the next request, what is closed, and what is sent a second time.

RFC 9112 section 9: persistence, retrying, tear-down.
"""

from __future__ import annotations

import pytest

import httpstream
from httpstream import ReadError, RemoteProtocolError
from tests.dialogue import CHUNKED, FIVE, HELLO, OK, check_error, check_next_request, get_fails, head
from tests.servers.steps import (
    announce,
    expect_end,
    expect_request,
    fin,
    ignore_until_end,
    own_answer,
    read_then_reset,
    reset,
    send,
    serve,
    wait_for,
)

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"


async def test_a_complete_response_keeps_the_connection(world, fault_server, layer):
    server = fault_server([serve()], then=None, **layer.server)
    async with world.client(**layer.client) as client:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            response = await client.request(method, server.url + "/x")
            assert response.text == ("" if method == "HEAD" else f"{method} /x")
    assert len(server.peers) == 1


@pytest.mark.parametrize(
    "extra",
    [b"\r\n", b"x", b"HTTP/1.1 ", EVIL, EVIL * 200],
    ids=["CRLF", "one byte", "start", "response", "many"],
)
@pytest.mark.parametrize(
    "complete",
    [HELLO, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", head(status="204 No Content"), head("Content-Length: 0")],
    ids=["fixed", "chunked", "204", "empty"],
)
async def test_bytes_behind_a_response_are_never_the_next_answer(world, fault_server, layer, complete, extra):
    server = fault_server(
        [expect_request("GET /fault"), send(complete + extra), expect_end()], **layer.server
    )
    async with world.client(**layer.client) as client:
        response = await client.get(server.url + "/fault")
        assert response.content in (b"hello", b"")
        await check_next_request(client, server)


@pytest.mark.parametrize("extra", [b"x", EVIL], ids=["one byte", "response"])
async def test_an_unsolicited_response_on_an_idle_connection_is_not_an_answer(
    world, fault_server, layer, extra
):
    script = [
        expect_request("GET /fault"),
        send(HELLO),
        wait_for("idle"),
        send(extra),
        announce("sent"),
        expect_end(),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        server.gate("idle").set()
        assert server.gate("sent").wait(5)
        await check_next_request(client, server)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("ending", [fin, reset], ids=["fin", "reset"])
async def test_an_idle_connection_that_ended_is_noticed_before_use(
    world, fault_server, layer, method, ending
):
    script = [expect_request("GET /first"), send(HELLO), wait_for("idle"), ending(), announce("ended")]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/first")).content == b"hello"
        server.gate("idle").set()
        assert server.gate("ended").wait(5)
        response = await client.request(method, server.url + "/second")
        assert response.text == f"{method} /second"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("ending", [fin, read_then_reset], ids=["fin", "reset"])
async def test_an_idempotent_request_is_sent_again_when_a_reused_connection_ends(
    world, fault_server, layer, method, ending
):
    """RFC 9110 section 9.2.2: nothing of an answer came, and the connection had carried an answer before."""
    script = [expect_request("GET /first"), send(HELLO), expect_request(f"{method} /second"), ending()]
    server = fault_server(
        script,
        [expect_request(f"{method} /second"), send(own_answer(method, "/second"))],
        then=None,
        **layer.server,
    )
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/first")).content == b"hello"
        response = await client.request(method, server.url + "/second")
        assert response.text == ("" if method == "HEAD" else f"{method} /second")


async def test_it_is_sent_again_only_once(world, fault_server, layer):
    gone = [expect_request("GET /fault"), fin()]
    server = fault_server([expect_request("GET /first"), send(HELLO), *gone], gone, **layer.server)
    async with world.client(**layer.client) as client:
        await client.get(server.url + "/first")
        await get_fails(client, server, RemoteProtocolError)


@pytest.mark.slow
async def test_a_request_whose_answer_is_late_is_not_sent_again(world, fault_server, layer):
    script = [expect_request("GET /first"), send(HELLO), expect_request("GET /second"), expect_end()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/first")).content == b"hello"
        with pytest.raises(httpstream.ReadTimeout):
            await client.get(server.url + "/second", timeout=httpstream.Timeout(5.0, read=0.2))
        await check_next_request(client, server)
    assert sum(b"GET /second" in received for received in server.received) == 1


@pytest.mark.parametrize("ending", [fin, read_then_reset], ids=["fin", "reset"])
async def test_a_post_is_never_sent_again(world, fault_server, layer, ending):
    script = [expect_request("GET /first"), send(HELLO), expect_request("POST /second"), ending()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        await client.get(server.url + "/first")
        with pytest.raises(httpstream.TransportError) as caught:
            await client.post(server.url + "/second")
        check_error(caught.value, server, RemoteProtocolError if ending is fin else ReadError)
        await check_next_request(client, server)
    assert sum(b"POST" in received for received in server.received) == 1


async def test_a_request_on_a_new_connection_is_never_sent_again(world, fault_server, layer):
    server = fault_server([expect_request("GET /fault"), fin(), expect_end()], **layer.server)
    async with world.client(**layer.client) as client:
        await get_fails(client, server, RemoteProtocolError)
    assert sum(b"GET /fault" in received for received in server.received) == 1


async def test_a_request_is_not_sent_again_once_something_of_the_answer_came(world, fault_server, layer):
    script = [
        expect_request("GET /first"),
        send(HELLO),
        expect_request("GET /fault"),
        send(b"HTTP"),
        fin(),
        expect_end(),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        await client.get(server.url + "/first")
        await get_fails(client, server, RemoteProtocolError)
    assert sum(b"GET /fault" in received for received in server.received) == 1


async def test_a_body_that_cannot_be_rewound_is_not_sent_again(world, fault_server):
    """The method is idempotent, but the generator is used up: the caller hears what the connection did."""
    script = [
        expect_request("GET /first"),
        send(HELLO),
        expect_request("PUT /second"),
        fin(),
        ignore_until_end(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        await client.get(server.url + "/first")
        with pytest.raises(RemoteProtocolError) as caught:
            await client.request("PUT", server.url + "/second", content=world.pieces([b"once"]))
        check_error(caught.value, server, RemoteProtocolError)
        await check_next_request(client, server)
    assert sum(b"PUT" in received for received in server.received) == 1


@pytest.mark.parametrize(
    "wire",
    [
        head("Connection: close", "Content-Length: 5") + b"hello",
        head("Connection: keep-alive, CLOSE", "Content-Length: 5") + b"hello",
        head("Content-Length: 5", version="HTTP/1.0") + b"hello",
        head("Transfer-Encoding: chunked", "Content-Length: 3") + b"5\r\nhello\r\n0\r\n\r\n",
        head("Content-Length: 3", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
        head("Connection: close", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n",
    ],
    ids=[
        "close",
        "close in a list",
        "HTTP/1.0",
        "chunked and length",
        "length and chunked",
        "chunked and close",
    ],
)
async def test_after_such_a_response_the_connection_is_closed(world, fault_server, layer, wire):
    """RFC 9112 sections 6.3 and 9.6. The server itself does not close."""
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()], **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


async def test_http_1_0_with_keep_alive_is_kept(world, fault_server):
    wire = head("Connection: Keep-Alive", "Content-Length: 5", version="HTTP/1.0") + b"hello"
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert (response.http_version, response.content) == ("HTTP/1.0", b"hello")
        await check_next_request(client, server)
    assert len(server.peers) == 1


async def test_http_1_0_with_transfer_encoding_closes(world, fault_server):
    """RFC 9112 section 6.1: the framing is not to be trusted."""
    wire = (
        head("Connection: keep-alive", "Transfer-Encoding: chunked", version="HTTP/1.0")
        + b"5\r\nhello\r\n0\r\n\r\n"
    )
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()])
    async with world.client() as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        await check_next_request(client, server)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_such_a_response_has_no_content_whatever_its_length_says(world, fault_server, status):
    """RFC 9112 section 6.3, rule 1."""
    wire = head("Content-Length: 5", status=status)
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        assert (await client.get(server.url + "/a")).content == b""
        await check_next_request(client, server)


@pytest.mark.parametrize("fields", [["Content-Length: 500"], ["Transfer-Encoding: chunked"], []], ids=str)
async def test_the_response_to_head_has_no_content(world, fault_server, fields):
    server = fault_server([expect_request("HEAD /a"), send(head(*fields)), serve()], then=None)
    async with world.client() as client:
        response = await client.request("HEAD", server.url + "/a")
        assert response.content == b""
        await check_next_request(client, server)


async def test_a_connection_past_its_keepalive_expiry_is_not_used(world, fault_server):
    server = fault_server([expect_request("GET /a"), send(HELLO), expect_end()])
    limits = httpstream.Limits(max_connections=10, max_keepalive_connections=10, keepalive_expiry=0.05)
    async with world.client(limits=limits) as client:
        await client.get(server.url + "/a")
        await world.sleep(0.1)
        await check_next_request(client, server)


async def test_without_places_for_idle_connections_each_is_closed(world, fault_server):
    server = fault_server([expect_request("GET /a"), send(HELLO), expect_end()])
    async with world.client(limits=httpstream.Limits(max_keepalive_connections=0)) as client:
        await client.get(server.url + "/a")
        assert server.peer(0).wait_end()
        await check_next_request(client, server)
    assert len(server.peers) == 3


async def test_leaving_a_body_early_closes_the_connection(world, fault_server, layer):
    script = [
        expect_request("GET /fault"),
        # One send of one TLS record: the client, which leaves at once, must not end it in the middle.
        send(head("Content-Length: 10000000") + b"x" * 10_000),
        expect_end(),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/fault") as answer:
            async for piece in answer.iter("bytes"):
                assert piece
                break
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


async def test_leaving_a_body_whose_rest_is_there_keeps_the_connection(world, fault_server):
    """At most 64 KiB are drained, and only what has arrived."""
    server = fault_server(
        [expect_request("GET /a"), send(head("Content-Length: 3000") + b"x" * 3000), serve()], then=None
    )
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes"):
                assert len(piece) <= 1024
                break
        await check_next_request(client, server)
    assert len(server.peers) == 1


async def test_an_exception_of_the_caller_leaves_nothing_behind(world, fault_server, layer):
    script = [expect_request("GET /fault"), send(FIVE + b"he"), expect_end()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        with pytest.raises(ZeroDivisionError):
            async with client.stream("GET", server.url + "/fault"):
                1 / 0  # noqa: B018  # the caller's own mistake is the point
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


async def test_a_response_is_never_read_by_two(world, fault_server):
    server = fault_server([expect_request("GET /a"), send(HELLO), serve()], then=None)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert [piece async for piece in answer.iter("bytes")] == [b"hello"]
            with pytest.raises(httpstream.StreamConsumed):
                async for _ in answer.iter("bytes"):
                    pass
        with pytest.raises(httpstream.StreamClosed):
            await (await closed_answer(client, server)).read()


async def closed_answer(client, server):
    async with client.stream("GET", server.url + "/b") as answer:
        pass
    return answer


async def test_what_was_read_can_be_read_again(world, fault_server):
    server = fault_server([expect_request("GET /a"), send(HELLO), serve()], then=None)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await answer.read() == b"hello"
            assert await answer.read() == b"hello"
            assert [piece async for piece in answer.iter("bytes", chunk_size=2)] == [b"he", b"ll", b"o"]
            assert answer.content == b"hello"


async def test_two_origins_have_two_connections(world, fault_server):
    first, second = fault_server([serve()], then=None), fault_server([serve()], then=None)
    async with world.client() as client:
        for _ in range(2):
            for server in (first, second):
                assert (await client.get(server.url + "/x")).text == "GET /x"
    assert (len(first.peers), len(second.peers)) == (1, 1)


async def test_closing_the_client_closes_its_connections(world, fault_server, layer):
    server = fault_server([serve()], **layer.server)
    client = world.client(**layer.client)
    await client.get(server.url + "/x")
    await client.close()
    assert server.peer(0).wait_end() in ("fin", "close_notify", "cut", "reset")
    with pytest.raises(RuntimeError):
        await client.get(server.url + "/x")


async def test_a_body_until_close_is_not_kept(world, fault_server, layer):
    script = [expect_request("GET /fault"), send(OK + b"\r\nhello"), fin(), expect_end()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        await check_next_request(client, server)
