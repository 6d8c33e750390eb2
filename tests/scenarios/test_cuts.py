"""Responses that end too early, at each stage and in each way: complete means proven.

RFC 9112 section 8: Content-Length reached, last chunk seen, or a clean close. FIN is clean, RST is not; over
TLS only close_notify is.
"""

from __future__ import annotations

import gzip
import zlib

import pytest

from httpstream import ConnectError, DecodingError, ReadError, RemoteProtocolError
from tests.dialogue import CHUNKED, FIVE, OK, check_error, check_next_request, get_fails, head
from tests.servers.steps import (
    announce,
    cut,
    expect_end,
    expect_request,
    fin,
    ignore_until_end,
    read_then_reset,
    reset,
    send,
    serve,
    wait_for,
    without_tls,
)

UNTIL_CLOSE = OK + b"Content-Type: text/plain\r\n\r\n"

# name: what arrives before the connection ends
STAGES = {
    "nothing": b"",
    "inside the status line": b"HTTP/1.1 20",
    "inside the field section": OK + b"Content-Le",
    "before the empty line": OK + b"Content-Length: 5\r\n",
    "before fixed content": FIVE,
    "inside fixed content": FIVE + b"hel",
    "before the first chunk": CHUNKED,
    "inside a chunk size": CHUNKED + b"1",
    "inside a chunk extension": CHUNKED + b"5;ext",
    "before chunk data": CHUNKED + b"5\r\n",
    "inside chunk data": CHUNKED + b"5\r\nhel",
    "before the CRLF of a chunk": CHUNKED + b"5\r\nhello",
    "inside the CRLF of a chunk": CHUNKED + b"5\r\nhello\r",
    "before the last chunk": CHUNKED + b"5\r\nhello\r\n",
    "after the last chunk's size": CHUNKED + b"5\r\nhello\r\n0\r\n",
    "inside the trailers": CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1",
    "before the end of the trailers": CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n",
    "after an informational response": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


@pytest.mark.parametrize("stage", STAGES)
async def test_an_early_end_is_an_error(world, fault_server, layer, stage):
    server = fault_server(
        [expect_request("GET /fault"), send(STAGES[stage]), fin(), expect_end()], **layer.server
    )
    async with world.client(**layer.client) as client:
        await get_fails(client, server, RemoteProtocolError, "closed|ended|end of|incomplete")


@pytest.mark.parametrize("stage", STAGES)
async def test_a_reset_is_an_error(world, fault_server, layer, stage):
    server = fault_server(
        [expect_request("GET /fault"), send(STAGES[stage]), read_then_reset()], **layer.server
    )
    async with world.client(**layer.client) as client:
        await get_fails(client, server, ReadError, "reset|connection")


@pytest.mark.parametrize("stage", [*STAGES, "until close"])
async def test_tls_cut_without_close_notify_is_an_error(world, fault_server, authority, stage):
    """RFC 9112 section 9.8: an incomplete close makes the message incomplete."""
    wire = STAGES.get(stage, UNTIL_CLOSE + b"hello")
    script = [expect_request("GET /fault"), send(wire), cut(), expect_end()]
    server = fault_server(script, tls=authority.server_context())
    async with world.client(verify=authority.client_context()) as client:
        await get_fails(client, server, ReadError, "close_notify|TLS")


@pytest.mark.parametrize(
    "complete", [FIVE + b"hello", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"], ids=["fixed", "chunked"]
)
async def test_a_complete_response_needs_no_close_notify(world, fault_server, authority, complete):
    script = [expect_request("GET /fault"), send(complete), cut(), announce("cut"), expect_end()]
    server = fault_server(script, tls=authority.server_context())
    async with world.client(verify=authority.client_context()) as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        assert server.gate("cut").wait(5)  # else the next request may be on its way before the end is
        await check_next_request(client, server)


async def test_content_until_close_is_complete_at_a_clean_end(world, fault_server, layer):
    script = [expect_request("GET /fault"), send(UNTIL_CLOSE + b"hello"), fin(), expect_end()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/fault")).content == b"hello"
        await check_next_request(client, server)


async def test_content_until_close_is_incomplete_at_a_reset(world, fault_server, layer):
    script = [expect_request("GET /fault"), send(UNTIL_CLOSE + b"hello"), read_then_reset()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        await get_fails(client, server, ReadError)


@pytest.mark.parametrize("framing", ["fixed", "chunked", "until close"])
async def test_what_came_before_the_reset_is_handed_over(world, fault_server, layer, framing):
    wire = {
        "fixed": head("Content-Length: 9") + b"hel",
        "chunked": CHUNKED + b"9\r\nhel",
        "until close": OK + b"\r\nhel",
    }
    script = [expect_request("GET /fault"), send(wire[framing]), wait_for("got it"), reset()]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        got = b""
        with pytest.raises(ReadError) as caught:
            async with client.stream("GET", server.url + "/fault") as answer:
                async for piece in answer.iter("bytes"):
                    got += piece
                    server.gate("got it").set()
        assert got == b"hel"
        check_error(caught.value, server, ReadError)
        await check_next_request(client, server)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_content_whose_coding_did_not_end_is_an_error(world, fault_server, coding):
    """Good framing around a cut representation: the good data comes, then the error."""
    plain = b"line\n" * 1000
    encoded = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    wire = head(f"Content-Encoding: {coding}", f"Content-Length: {len(encoded) - 4}") + encoded[:-4]
    server = fault_server([expect_request("GET /fault"), send(wire), serve()])
    async with world.client() as client:
        got = b""
        with pytest.raises(DecodingError) as caught:
            async with client.stream("GET", server.url + "/fault") as answer:
                async for piece in answer.iter("bytes"):
                    got += piece
        assert got == plain
        check_error(caught.value, server, DecodingError, coding)
        await check_next_request(client, server)


async def test_a_plain_answer_to_a_tls_handshake_is_a_connect_error(world, fault_server, authority):
    script = [without_tls(), send(FIVE + b"hello"), fin(), ignore_until_end()]
    server = fault_server(script, tls=authority.server_context(), strict=False)
    async with world.client(verify=authority.client_context()) as client:
        await get_fails(client, server, ConnectError, "TLS|SSL")


@pytest.mark.parametrize("ending", [fin, reset], ids=["fin", "reset"])
async def test_an_end_inside_the_tls_handshake_is_a_connect_error(world, fault_server, authority, ending):
    server = fault_server([without_tls(), ending()], tls=authority.server_context(), strict=False)
    async with world.client(verify=authority.client_context()) as client:
        await get_fails(client, server, ConnectError)
