"""Malformed responses: each is refused with a documented error, the connection is closed, the client goes on."""

from __future__ import annotations

import pytest

from httpstream import RemoteProtocolError
from tests.dialogue import CHUNKED, FIVE, HELLO, OK, check_next_request, get_fails, head
from tests.servers.steps import expect_end, expect_request, send, send_in_pieces

STATUS_LINES = {
    "garbage before the status line": (b"garbage\r\n" + HELLO, "status line|HTTP/|version"),
    "one blank before the status line": (b" " + HELLO, "status line|HTTP/|version"),
    "a TLS record": (b"\x15\x03\x01\x00\x02\x02\x16" + HELLO, "status line|HTTP/|version"),
    "a request instead of a response": (b"GET / HTTP/1.1\r\n\r\n", "status line|HTTP/|version"),
    "HTTP/2.0": (head("Content-Length: 0", version="HTTP/2.0"), "HTTP/2.0"),
    "HTTP/0.9": (head("Content-Length: 0", version="HTTP/0.9"), "HTTP/0.9"),
    "HTTP/1.2": (head("Content-Length: 0", version="HTTP/1.2"), "version"),
    "HTTP/1.10": (head("Content-Length: 0", version="HTTP/1.10"), "version|after"),
    "HTTP/11": (head("Content-Length: 0", version="HTTP/11"), "version|dot"),
    "lower-case http": (head("Content-Length: 0", version="http/1.1"), "HTTP/|version"),
    "no version number": (head("Content-Length: 0", version="HTTP/"), "version"),
    "ICY": (head("Content-Length: 0", version="ICY"), "HTTP/|version|protocol"),
    "no status code": (b"HTTP/1.1 \r\nContent-Length: 0\r\n\r\n", "status"),
    "status of two digits": (head("Content-Length: 0", status="99 Early"), "status"),
    "status 099": (head("Content-Length: 0", status="099 Early"), "status"),
    "status 000": (head("Content-Length: 0", status="000 Nothing"), "status"),
    "status of four digits": (head("Content-Length: 0", status="2000 OK"), "status"),
    "status with a letter": (head("Content-Length: 0", status="2x0 OK"), "status"),
    "negative status": (head("Content-Length: 0", status="-200 OK"), "status"),
    "NUL in the reason phrase": (head("Content-Length: 0", status="200 O\x00K"), "reason|status|character"),
    "bare CR in the reason phrase": (b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n", "CR|LF|line end"),
}

FIELD_LINES = {
    "no colon": (head("Content-Length 5") + b"hello", "field|header|colon"),
    "space before the colon": (head("Content-Length : 5") + b"hello", "field|header|colon"),
    "tab before the colon": (head("Content-Length\t: 5") + b"hello", "field|header|colon"),
    "empty field name": (head(": value", "Content-Length: 0"), "field|header"),
    "space in the field name": (head("X Y: value", "Content-Length: 0"), "field|header"),
    "NUL in the field name": (head("X\x00Y: value", "Content-Length: 0"), "field|header"),
    "NUL in the field value": (head("X: va\x00lue", "Content-Length: 0"), "field|header"),
    "control character in the field value": (head("X: va\x01lue", "Content-Length: 0"), "field|header"),
    "bare CR in the field value": (OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n", "CR|LF|field|header"),
    "bare CR as line end": (OK + b"X: a\rContent-Length: 0\r\n\r\n", "CR|LF|field|header"),
    "obs-fold": (head("X: a", " b", "Content-Length: 0"), "fold|field|header|space"),
    "obs-fold at the first line": (head(" X: a", "Content-Length: 0"), "fold|field|header|space"),
    "obs-fold with a tab": (head("X: a", "\tb", "Content-Length: 0"), "fold|field|header|tab"),
}

FRAMING = {
    "Content-Length twice": (head("Content-Length: 5", "Content-Length: 5") + b"hello", "Content-Length"),
    "two different Content-Lengths": (
        head("Content-Length: 5", "Content-Length: 6") + b"hello",
        "Content-Length",
    ),
    "a list of Content-Lengths": (head("Content-Length: 5, 5") + b"hello", "Content-Length"),
    "Content-Length with a sign": (head("Content-Length: +5") + b"hello", "Content-Length"),
    "negative Content-Length": (head("Content-Length: -5") + b"hello", "Content-Length"),
    "hexadecimal Content-Length": (head("Content-Length: 0x5") + b"hello", "Content-Length"),
    "Content-Length with an underscore": (head("Content-Length: 1_0") + b"hellohello", "Content-Length"),
    "Content-Length with a blank inside": (head("Content-Length: 1 0") + b"hellohello", "Content-Length"),
    "Content-Length with a fraction": (head("Content-Length: 5.0") + b"hello", "Content-Length"),
    "empty Content-Length": (head("Content-Length:") + b"hello", "Content-Length"),
    "Content-Length past 64 bits": (
        head("Content-Length: 18446744073709551621") + b"hello",
        "Content-Length",
    ),
    "Content-Length of 400 digits": (head("Content-Length: " + "9" * 400) + b"hello", "Content-Length"),
    "transfer coding gzip": (head("Transfer-Encoding: gzip") + b"hello", "transfer"),
    "transfer coding identity": (head("Transfer-Encoding: identity") + b"hello", "transfer"),
    "chunked twice": (head("Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n", "transfer"),
    "chunked in two lines": (head(*["Transfer-Encoding: chunked"] * 2) + b"0\r\n\r\n", "transfer"),
    "chunked not last": (head("Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n", "transfer"),
    "gzip, then chunked": (head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n", "transfer"),
    "chunked misspelt": (head("Transfer-Encoding: xchunked") + b"0\r\n\r\n", "transfer"),
    "chunked with a parameter": (head("Transfer-Encoding: chunked;q=1") + b"0\r\n\r\n", "transfer"),
    "empty Transfer-Encoding": (head("Transfer-Encoding:") + b"0\r\n\r\n", "transfer"),
}

CHUNKS = {
    "no chunk size": (CHUNKED + b"\r\nhello\r\n0\r\n\r\n", "chunk"),
    "chunk size with a sign": (CHUNKED + b"+5\r\nhello\r\n0\r\n\r\n", "chunk"),
    "negative chunk size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "chunk"),
    "chunk size with 0x": (CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n", "chunk"),
    "chunk size with an underscore": (CHUNKED + b"0_5\r\nhello\r\n0\r\n\r\n", "chunk"),
    "blank before the chunk size": (CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n", "chunk"),
    "a letter that is no hex digit": (CHUNKED + b"g\r\nhello\r\n0\r\n\r\n", "chunk"),
    "chunk size past 64 bits": (CHUNKED + b"10000000000000005\r\nhello\r\n0\r\n\r\n", "chunk"),
    "chunk data longer than its size": (CHUNKED + b"5\r\nhelloX\r\n0\r\n\r\n", "chunk|CR|LF"),
    "no CRLF after chunk data": (CHUNKED + b"5\r\nhello0\r\n\r\n", "chunk|CR|LF"),
    "CR alone after chunk data": (CHUNKED + b"5\r\nhello\r0\r\n\r\n", "chunk|CR|LF"),
    "CR alone after the chunk size": (CHUNKED + b"5\rhello\r\n0\r\n\r\n", "chunk|CR|LF"),
    "NUL in a chunk extension": (CHUNKED + b"5;a=\x00\r\nhello\r\n0\r\n\r\n", "chunk|extension"),
    "no colon in a trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum 1\r\n\r\n", "trailer|field|header"),
    "NUL in a trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: \x00\r\n\r\n", "trailer|field|header"),
    "obs-fold in a trailer": (CHUNKED + b"0\r\nX-Sum: 1\r\n 2\r\n\r\n", "trailer|field|header|fold|space"),
}

CASES = STATUS_LINES | FIELD_LINES | FRAMING | CHUNKS


@pytest.mark.parametrize("name", CASES)
async def test_a_malformed_response_is_refused(world, fault_server, name):
    """RFC 9112 sections 2.2, 4, 5, 6 and 7."""
    wire, what = CASES[name]
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()])
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError, what)
        assert server.peer(0).wait_end() in ("fin", "reset")


@pytest.mark.slow
@pytest.mark.flavours("sync", "asyncio")
@pytest.mark.parametrize("name", CASES)
async def test_a_malformed_response_is_refused_however_it_is_cut(world, fault_server, name):
    wire, what = CASES[name]
    cut = [wire[at : at + 1] for at in range(len(wire))]
    server = fault_server([expect_request("GET /fault"), send_in_pieces(*cut), expect_end()], strict=False)
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError, what)
        assert server.peer(0).wait_end() in ("fin", "reset")


async def test_good_content_is_handed_over_before_the_error(world, fault_server):
    wire = CHUNKED + b"5\r\nhello\r\n5\r\nworld\r\nno size\r\n"
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()])
    async with world.client() as client:
        got = b""
        with pytest.raises(RemoteProtocolError):
            async with client.stream("GET", server.url + "/fault") as answer:
                async for piece in answer.iter("bytes"):
                    got += piece
        assert got == b"helloworld"
        await check_next_request(client, server)


async def test_an_error_in_the_content_leaves_the_connection_closed(world, fault_server):
    server = fault_server([expect_request("GET /fault"), send(FIVE + b"hello" + HELLO), expect_end()])
    async with world.client() as client:
        response = await client.get(server.url + "/fault")
        assert response.content == b"hello"
        await check_next_request(client, server)
        assert server.peer(0).wait_end() in ("fin", "reset")


async def test_a_malformed_informational_response_is_refused(world, fault_server):
    wire = b"HTTP/1.1 103 Early Hints\r\nLink <a>\r\n\r\n" + HELLO
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()])
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError, "field|header")


async def test_the_message_shows_the_place(world, fault_server):
    """The offending line with a caret under the byte."""
    wire = head("Content-Type: text/plain", "Conten t-Length: 12") + b"hello"
    server = fault_server([expect_request("GET /fault"), send(wire), expect_end()])
    async with world.client() as client:
        error = await get_fails(client, server, RemoteProtocolError, "field name|header token")
        assert "Conten t-Length: 12" in str(error)
        lines = str(error).splitlines()
        shown = next(number for number, line in enumerate(lines) if "Conten t-Length" in line)
        assert lines[shown + 1].index("^") == lines[shown].index("Conten t-Length") + len("Conten")


async def test_the_message_holds_no_credentials(world, fault_server):
    server = fault_server([expect_request("GET /fault"), send(b"garbage\r\n\r\n"), expect_end()])
    url = server.url.replace("//", "//user:secret@")
    async with world.client() as client:
        with pytest.raises(RemoteProtocolError) as caught:
            await client.get(url + "/fault?token=hidden", headers={"Authorization": "Bearer hidden"})
        assert "secret" not in str(caught.value)
        assert "hidden" not in str(caught.value)
