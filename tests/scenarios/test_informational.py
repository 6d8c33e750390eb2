"""Informational responses, `Expect: 100-continue`, upgrades, and final responses that come before the
request's end.

RFC 9110 sections 10.1.1 and 15.2, RFC 9112 sections 9.3 and 9.5.
"""

from __future__ import annotations

import time

import pytest

from httpstream import RemoteProtocolError
from tests.dialogue import FIVE, HELLO, check_next_request, get_fails, head
from tests.servers.steps import (
    expect_chunked,
    expect_content,
    expect_end,
    expect_request,
    expect_silence,
    fin,
    ignore_until_end,
    read_then_reset,
    send,
    send_in_pieces,
    serve,
    take_content,
    wait_for,
)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
EXPECT = {"Expect": "100-continue"}
TOO_LARGE = head("Content-Length: 9", status="413 Content Too Large") + b"too large"
TOO_LARGE_CLOSE = (
    head("Content-Length: 9", "Connection: close", status="413 Content Too Large") + b"too large"
)


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_informational_responses_come_before_the_final_one(world, fault_server, layer, count):
    script = [expect_request("GET /a"), send(HINTS * count + CONTINUE + HELLO), serve()]
    server = fault_server(script, then=None, **layer.server)
    async with world.client(**layer.client) as client:
        response = await client.get(server.url + "/a")
        assert (response.status_code, response.content) == (200, b"hello")
        assert "link" not in response.headers
        await check_next_request(client, server)


async def test_informational_responses_without_end_are_refused(world, fault_server):
    server = fault_server([expect_request("GET /fault"), send(HINTS * 500), ignore_until_end()])
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError, "informational|1xx")


async def test_the_content_waits_for_100_continue(world, fault_server, layer):
    script = [
        expect_request("PUT /a", "expect: 100-continue", "content-length: 5"),
        expect_silence(0.1),
        send(CONTINUE),
        expect_content(b"hello"),
        send(HELLO),
        serve(),
    ]
    server = fault_server(script, then=None, **layer.server)
    async with world.client(**layer.client) as client:
        response = await client.request("PUT", server.url + "/a", content=b"hello", headers=EXPECT)
        assert response.content == b"hello"
        await check_next_request(client, server)


async def test_a_chunked_content_waits_for_100_continue(world, fault_server):
    script = [
        expect_request("PUT /a", "expect: 100-continue", "transfer-encoding: chunked"),
        expect_silence(0.1),
        send(CONTINUE),
        expect_chunked(b"hello"),
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client() as client:
        await client.request("PUT", server.url + "/a", content=world.pieces([b"hel", b"lo"]), headers=EXPECT)


async def test_another_informational_response_is_not_100_continue(world, fault_server):
    script = [
        expect_request("PUT /a"),
        send(HINTS),
        expect_silence(0.1),
        send(CONTINUE),
        expect_content(b"hello"),
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client() as client:
        assert (
            await client.request("PUT", server.url + "/a", content=b"hello", headers=EXPECT)
        ).content == b"hello"


@pytest.mark.parametrize("status", ["417 Expectation Failed", "413 Content Too Large", "401 Unauthorized"])
async def test_a_refused_expectation_sends_no_content(world, fault_server, layer, status):
    """The final answer is delivered; the connection, still owed a content, is closed."""
    refusal = head("Content-Length: 2", status=status) + b"no"
    server = fault_server([expect_request("PUT /a"), send(refusal), expect_end()], **layer.server)
    async with world.client(**layer.client) as client:
        response = await client.request("PUT", server.url + "/a", content=b"hello", headers=EXPECT)
        assert (response.status_code, response.content) == (int(status[:3]), b"no")
        await check_next_request(client, server)


@pytest.mark.slow
async def test_a_server_that_never_continues_gets_the_content_in_the_end(world, fault_server):
    """RFC 9110 10.1.1: a client should not wait indefinitely."""
    script = [expect_request("PUT /a"), expect_silence(0.1), expect_content(b"hello"), send(HELLO), serve()]
    server = fault_server(script)
    async with world.client() as client:
        started = time.monotonic()
        response = await client.request("PUT", server.url + "/a", content=b"hello", headers=EXPECT)
        assert response.content == b"hello"
        assert time.monotonic() - started < 4.0
        await check_next_request(client, server)


async def test_100_continue_that_nobody_asked_for_is_passed_over(world, fault_server):
    script = [
        expect_request("POST /a"),
        send(CONTINUE),
        expect_content(b"hello"),
        send(CONTINUE + HELLO),
        serve(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        assert (await client.post(server.url + "/a", content=b"hello")).content == b"hello"
        await check_next_request(client, server)


def endless(count: int = 4000) -> list[bytes]:
    return [b"x" * 65536] * count


@pytest.mark.parametrize("body", ["generator", "bytes"])
@pytest.mark.parametrize("answer", [TOO_LARGE, TOO_LARGE_CLOSE], ids=["open", "close"])
async def test_an_early_answer_is_delivered_while_the_server_stops_reading(
    world, fault_server, layer, body, answer
):
    """The server reads a little, answers 413, and reads no more: neither a write error nor a wait without
    end.
    """
    script = [
        expect_request("POST /a"),
        take_content(1000),
        send(answer),
        wait_for("done"),
    ]
    server = fault_server([*script, ignore_until_end()], **layer.server)
    async with world.client(**layer.client) as client:
        content = world.pieces(endless()) if body == "generator" else b"x" * 30_000_000
        response = await client.post(server.url + "/a", content=content)
        assert (response.status_code, response.content) == (413, b"too large")
        server.gate("done").set()
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.parametrize("ending", ["fin", "reset"])
async def test_an_early_answer_is_delivered_when_the_server_then_closes(world, fault_server, ending):
    end = fin() if ending == "fin" else read_then_reset()
    script = [expect_request("POST /a"), take_content(1000), send(TOO_LARGE_CLOSE), end, ignore_until_end()]
    server = fault_server(script, strict=False)
    async with world.client() as client:
        response = await client.post(server.url + "/a", content=world.pieces(endless()))
        assert (response.status_code, response.content) == (413, b"too large")
        await check_next_request(client, server)


async def test_an_early_answer_with_long_content_is_delivered_whole(world, fault_server):
    answer = head("Content-Length: 3000000", "Connection: close", status="403 Forbidden") + b"y" * 3_000_000
    script = [
        expect_request("POST /a"),
        take_content(1000),
        send(answer),
        ignore_until_end(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        response = await client.post(server.url + "/a", content=world.pieces(endless()))
        assert (response.status_code, len(response.content)) == (403, 3_000_000)
        await check_next_request(client, server)


async def test_an_early_answer_stops_the_generator(world, fault_server):
    asked = []
    script = [expect_request("POST /a"), send(TOO_LARGE), wait_for("done"), ignore_until_end()]
    server = fault_server(script)
    async with world.client() as client:
        items = []
        for _ in range(2000):
            items += [lambda: asked.append(1), b"x" * 65536]
        response = await client.post(server.url + "/a", content=world.pieces(items))
        assert response.status_code == 413
        assert len(asked) < 2000
        server.gate("done").set()
        await check_next_request(client, server)


async def test_a_malformed_early_answer_is_an_error(world, fault_server):
    script = [expect_request("POST /fault"), send(b"garbage\r\n\r\n"), wait_for("done"), ignore_until_end()]
    server = fault_server(script)
    async with world.client() as client:
        with pytest.raises(RemoteProtocolError):
            await client.post(server.url + "/fault", content=world.pieces(endless()))
        server.gate("done").set()
        await check_next_request(client, server)


async def test_an_upgrade_hands_over_the_connection_and_what_came_behind(world, fault_server, layer):
    """RFC 9110 7.8: after the 101 the connection speaks another protocol; not one byte of it is lost."""
    switching = head("Upgrade: echo", "Connection: Upgrade", status="101 Switching Protocols")
    script = [
        expect_request("GET /up", "upgrade: echo", "connection: upgrade"),
        send(switching + b"first"),
        expect_content(b"ping"),
        send(b"pong"),
        expect_end(),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        headers = {"Connection": "Upgrade", "Upgrade": "echo"}
        async with client.stream("GET", server.url + "/up", headers=headers) as answer:
            assert answer.status_code == 101
            network = answer.extensions["network_stream"]
            assert await read(world, network, 5) == b"first"
            await (network.write(b"ping") if world.is_async else done(network.write(b"ping")))
            assert await read(world, network, 4) == b"pong"
        await check_next_request(client, server)
    assert len(server.peers) == 2


async def done(value):
    return value


async def read(world, network, size):
    got = b""
    while len(got) < size:
        piece = network.read(size - len(got))
        got += await piece if world.is_async else piece
    return got


async def test_an_upgrade_that_nobody_asked_for_is_refused(world, fault_server):
    """RFC 9110 15.2.2: a server switches only to what the client offered."""
    switching = head("Upgrade: echo", "Connection: Upgrade", status="101 Switching Protocols")
    server = fault_server([expect_request("GET /fault"), send(switching + b"data"), expect_end()])
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError, "101|upgrade|switch")


async def test_a_refused_upgrade_is_an_ordinary_answer(world, fault_server):
    server = fault_server([expect_request("GET /up"), send(HELLO), serve()], then=None)
    async with world.client() as client:
        headers = {"Connection": "Upgrade", "Upgrade": "echo"}
        assert (await client.get(server.url + "/up", headers=headers)).content == b"hello"
        await check_next_request(client, server)


async def test_the_final_answer_may_come_byte_by_byte(world, fault_server):
    wire = HINTS + FIVE + b"hello"
    server = fault_server(
        [expect_request("GET /a"), send_in_pieces(*(bytes([b]) for b in wire)), serve()], then=None
    )
    async with world.client() as client:
        assert (await client.get(server.url + "/a")).content == b"hello"
        await check_next_request(client, server)
