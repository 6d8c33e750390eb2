"""What reaches the caller, when, and at what cost: text, lines, codings in time, memory, leaving in the
middle.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import anyio
import pytest

import httpstream
from tests.dialogue import CHUNKED, FIVE, HELLO, OK, check_next_request, head
from tests.servers.steps import announce, expect_end, expect_request, send, send_in_pieces, serve, wait_for

TEXT = "grüße\r\nzweite \u2028 zeile\rdritte\x85 zeile\n\nletzte \U0001f600"
LINES = ["grüße", "zweite \u2028 zeile", "dritte\x85 zeile", "", "letzte \U0001f600"]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "gb18030"])
async def test_text_and_lines_are_the_same_however_they_arrive(world, fault_server, charset, step):
    """iter_text equals decoding the whole; iter_lines equals splitting it at \\n, \\r\\n and \\r."""
    content = TEXT.encode(charset)
    pieces = [content[at : at + step] for at in range(0, len(content), step)]
    wire = head(f"Content-Type: text/plain; charset={charset}", "Transfer-Encoding: chunked")
    script = [
        expect_request("GET /a"),
        send(wire),
        *(send(chunk(piece)) for piece in pieces),
        send(b"0\r\n\r\n"),
    ]
    server = fault_server(script, script)
    async with world.client(limits=httpstream.Limits(max_keepalive_connections=0)) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert "".join([text async for text in answer.iter("text")]) == TEXT
        async with client.stream("GET", server.url + "/a") as answer:
            assert [line async for line in answer.iter("lines")] == LINES


@pytest.mark.parametrize(
    "charset", ["hex", "zlib", "rot13", "base64", "idna", "undefined", "no-such-charset", "utf\x80"]
)
async def test_what_is_no_text_encoding_is_read_as_utf_8(world, fault_server, charset):
    wire = head(f"Content-Type: text/plain; charset={charset}", "Content-Length: 7") + "grüße".encode()
    server = fault_server([expect_request("GET /a"), send(wire), serve()])
    async with world.client() as client:
        assert (await client.get(server.url + "/a")).text == "grüße"


async def test_bytes_that_are_no_text_become_replacement_characters(world, fault_server):
    wire = head("Content-Type: text/plain; charset=utf-8", "Content-Length: 4") + b"a\xff\xc3b"
    server = fault_server([expect_request("GET /a"), send(wire), serve()])
    async with world.client() as client:
        assert (await client.get(server.url + "/a")).text == "a\ufffd\ufffdb"


@pytest.mark.parametrize("kind", ["bytes", "raw", "text", "lines", "lines_bytes"])
async def test_what_has_arrived_is_handed_over_at_once(world, fault_server, layer, kind):
    """The server sends the next part only after the caller has the one before."""
    script = [expect_request("GET /a"), send(CHUNKED)]
    for number in range(3):
        script += [send(chunk(b"part %d\n" % number)), wait_for(f"got {number}")]
    server = fault_server([*script, send(b"0\r\n\r\n"), serve()], **layer.server)
    got = []
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for item in answer.iter(kind):
                server.gate(f"got {len(got)}").set()
                got.append(item if isinstance(item, str) else item.decode())
    assert [item.strip() for item in got] == ["part 0", "part 1", "part 2"]


def flushed(coding: str, parts: list[bytes]) -> list[bytes]:
    """Each part as the bytes that a server sends for it when it flushes."""
    if coding == "gzip members":
        return [gzip.compress(part) for part in parts]
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    found = [packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH) for part in parts]
    return [*found[:-1], found[-1] + packer.flush()]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip members"])
async def test_a_flushed_event_comes_through_its_coding_at_once(world, fault_server, coding):
    parts = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"]
    script = [
        expect_request("GET /a"),
        send(head(f"Content-Encoding: {coding.split()[0]}", "Transfer-Encoding: chunked")),
    ]
    for number, part in enumerate(flushed(coding, parts)):
        script += [send(chunk(part)), wait_for(f"got {number}")]
    server = fault_server([*script, send(b"0\r\n\r\n"), serve()])
    got = []
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes"):
                server.gate(f"got {len(got)}").set()
                got.append(piece)
        await check_next_request(client, server)
    assert got == parts


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
@pytest.mark.parametrize("chunk_size", ["left out", None, 65536])
async def test_memory_stays_flat(world, fault_server, framing, chunk_size):
    """32 MiB pass through; never more than a small part of them is held."""
    total, piece = 32 * 1024 * 1024, b"x" * 65536
    if framing == "length":
        steps = [send(head(f"Content-Length: {total}"))] + [send(piece)] * (total // len(piece))
    elif framing == "chunked":
        steps = [send(CHUNKED)] + [send(chunk(piece))] * (total // len(piece)) + [send(b"0\r\n\r\n")]
    else:
        packed = gzip.compress(bytes(1024 * 1024))
        fields = ["Content-Encoding: gzip", f"Content-Length: {32 * len(packed)}"]
        steps = [send(head(*fields))] + [send(packed)] * 32
    server = fault_server([expect_request("GET /a"), *steps, serve()])
    chosen = {} if chunk_size == "left out" else {"chunk_size": chunk_size}
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            got = 0
            tracemalloc.start()
            try:
                async for part in answer.iter("bytes", **chosen):
                    got += len(part)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert got == total
        assert peak < 6 * 1024 * 1024
        await check_next_request(client, server)


async def test_a_long_line_is_read_in_linear_time_and_memory(world, fault_server):
    line = b"x" * (8 * 1024 * 1024)
    wire = head(f"Content-Length: {len(line) + 1}") + line + b"\n"
    server = fault_server([expect_request("GET /a"), send(wire), serve()])
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert [len(found) async for found in answer.iter("lines")] == [len(line)]


async def test_trailers_are_there_at_the_end(world, fault_server):
    wire = CHUNKED + chunk(b"hello") + b"0\r\nX-Sum: 1\r\nX-More: a b\r\n\r\n"
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert response.extensions["trailers"] == [(b"X-Sum", b"1"), (b"X-More", b"a b")]
        assert "x-sum" not in response.headers
        await check_next_request(client, server)


async def test_an_iterator_that_is_closed_gives_no_more_items(world, fault_server):
    """The response goes on until its block ends; then the connection, in mid-body, is closed."""
    script = [expect_request("GET /fault"), send(head("Content-Length: 90000") + b"x" * 3000), expect_end()]
    server = fault_server(script)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/fault") as answer:
            pieces = answer.iter("bytes")
            assert len(await pieces.__anext__()) <= 1024
            await pieces.close()
            assert [piece async for piece in pieces] == []
            assert not answer.is_closed
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


async def test_a_response_that_is_closed_says_so(world, fault_server):
    script = [expect_request("GET /fault"), send(head("Content-Length: 9000") + b"x" * 3000), expect_end()]
    server = fault_server(script)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/fault") as answer:
            await answer.close()
            assert answer.is_closed
            with pytest.raises(httpstream.StreamClosed):
                await answer.read()
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_closing_the_client_wakes_a_reading_task(world, fault_server, layer):
    script = [expect_request("GET /fault"), send(FIVE + b"he"), announce("sent"), expect_end()]
    server = fault_server(script, **layer.server)
    errors = []
    client = world.client(**layer.client)

    async def read() -> None:
        try:
            await client.get(server.url + "/fault")
        except Exception as exc:  # whatever it is, the assertions below look at it
            errors.append(exc)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        await world.until(server.gate("sent").is_set)
        await anyio.sleep(0.05)
        await client.close()
    assert len(errors) == 1
    assert isinstance(errors[0], httpstream.TransportError)
    assert "closed" in str(errors[0])


URLS = [
    *("http://", "http:///x", "//127.0.0.1/", "127.0.0.1", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"),
    *(
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://[g::]/",
        "http://a b/",
        "http://a\x00b/",
    ),
    *(
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 200 + "example/",
        "http://xn--a\x80/",
        "http://\u2488.example/",
    ),
    *("http://exa\u0301mple\u00ad.invalid/", "http://.invalid/", "http://%00/", "http://127.0.0.1:0/"),
]


@pytest.mark.parametrize("url", URLS, ids=lambda url: repr(url)[:40])
async def test_a_url_that_leads_nowhere_is_a_documented_error(world, url):
    """Never UnicodeError, OSError, OverflowError or ValueError out of us."""
    async with world.client(timeout=5.0) as client:
        with pytest.raises((httpstream.InvalidURL, httpstream.UnsupportedProtocol, httpstream.ConnectError)):
            await client.get(url)


EXITS = {
    "sync": "r = httpstream.Client().send(httpstream.Request('GET', URL), stream=True); next(r.iter_bytes())",
    "asyncio": """
import asyncio
async def main():
    client = httpstream.AsyncClient()
    r = await client.send(httpstream.Request('GET', URL), stream=True)
    await r.aiter_bytes().__anext__()
    keep.append((client, r))
asyncio.run(main())""",
    "threads": """
import threading
client = httpstream.Client(timeout=30)
thread = threading.Thread(target=lambda: client.get(URL), daemon=True)
thread.start()
thread.join(0.3)""",
}


@pytest.mark.flavours("sync")
@pytest.mark.parametrize("how", EXITS)
async def test_the_end_of_the_interpreter_neither_hangs_nor_complains(world, fault_server, how):
    script = [expect_request("GET /a"), send(head("Content-Length: 90000") + b"x" * 2000), expect_end()]
    server = fault_server(script)
    code = f"import httpstream; keep = []; URL = {server.url + '/a'!r}\n{EXITS[how]}\n"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")


async def test_a_redirect_is_an_answer_like_any_other(world, fault_server):
    """Redirects are not followed unless asked for; `next_request` belongs to that."""
    wire = head("Location: /elsewhere", "Content-Length: 0", status="302 Found")
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert (response.status_code, response.headers["location"]) == (302, "/elsewhere")
        await check_next_request(client, server)


async def test_bare_line_feeds_are_line_ends_too(world, fault_server):
    """RFC 9112 section 2.2 allows it, real servers need it."""
    wire = b"HTTP/1.1 200 OK\nContent-Length: 5\nX-A: 1\n\nhello"
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert (response.content, response.headers["x-a"]) == (b"hello", "1")
        await check_next_request(client, server)


@pytest.mark.parametrize("reason", ["", " ", " Strange Reason", " Gr\xfc\xdfe"])
async def test_a_reason_phrase_may_be_anything(world, fault_server, reason):
    wire = f"HTTP/1.1 200{reason}\r\nContent-Length: 5\r\n\r\nhello".encode("latin-1")
    server = fault_server([expect_request("GET /a"), send(wire), serve()], then=None)
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert response.content == b"hello"
        assert response.extensions["reason_phrase"] == reason.strip().encode("latin-1")
        await check_next_request(client, server)


async def test_a_head_and_content_in_many_pieces(world, fault_server, layer):
    pieces = [*(HELLO[at : at + 4] for at in range(0, len(HELLO), 4))]
    server = fault_server(
        [expect_request("GET /a"), send_in_pieces(*pieces), serve()], then=None, **layer.server
    )
    async with world.client(**layer.client) as client:
        assert (await client.get(server.url + "/a")).content == b"hello"
        await check_next_request(client, server)


async def test_the_obsolete_content_is_kept_as_it_is(world, fault_server):
    """A field value outside ASCII reaches the caller; it breaks nothing."""
    server = fault_server(
        [
            expect_request("GET /a"),
            send(OK + b"X-Name: Gr\xc3\xbc\xc3\x9fe\r\nContent-Length: 0\r\n\r\n"),
            serve(),
        ]
    )
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert (b"X-Name", "Grüße".encode()) in response.headers.raw
        await check_next_request(client, server)
