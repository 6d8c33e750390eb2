"""``response.stream``: the content of a live response as a binary file, in four flavours and each framing of HTTP/1.1.

The servers wait for the reader's acknowledgement, not for a clock, wherever something must have been handed over.
"""

from __future__ import annotations

import gzip
import io

import pytest

import httpstream
from httpstream import GZipStream, HTTPStream, RemoteProtocolError, StreamConsumed
from tests.dialogue import FIVE, HELLO, OK, check_next_request, head
from tests.servers.steps import cut, expect_request, fin, reset, send, wait_for

TEXT = b"".join(b"line %d\n" % number for number in range(50_000))
CODED = gzip.compress(TEXT)


async def call(world, method, *args):
    """A method of a stream: read(5) in the sync world, aread(5) in the others."""
    result = method(*args)
    return await result if world.is_async else result


def method_of(world, stream, name):
    return getattr(stream, ("a" if world.is_async else "") + name)


async def read(world, stream, *args):
    return await call(world, method_of(world, stream, "read"), *args)


async def readinto(world, stream, buffer):
    return await call(world, method_of(world, stream, "readinto"), buffer)


def framed(content, how):
    """The content in one of the three framings of HTTP/1.1."""
    if how == "length":
        return OK + b"Content-Length: %d\r\n\r\n" % len(content) + content
    if how == "until close":
        return OK + b"Connection: close\r\n\r\n" + content
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    return (
        OK
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces)
        + b"0\r\n\r\n"
    )


FRAMINGS = pytest.mark.parametrize("how", ["length", "chunked", "until close"])


def serving(content, how="length"):
    end = [fin()] if how == "until close" else []
    return [expect_request("GET /"), send(framed(content, how)), *end]


async def test_it_is_an_http_stream_of_its_world(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream = response.stream
        assert isinstance(stream, HTTPStream)
        assert isinstance(stream, httpstream.AsyncByteStream) is world.is_async
        assert isinstance(stream, httpstream.SyncByteStream) is not world.is_async
        assert (stream.readable(), stream.writable(), stream.seekable(), stream.closed) == (
            True,
            False,
            False,
            False,
        )


async def test_read_gives_what_is_there_and_waits_only_while_nothing_is(world, fault_server):
    server = fault_server(
        [
            expect_request("GET /"),
            send(OK + b"Content-Length: 10\r\n\r\n"),
            send(b"abc"),
            wait_for("read"),
            send(b"defghij"),
        ]
    )
    async with world.client() as client, client.stream("GET", server.url) as response:
        assert await read(world, response.stream, 65536) == b"abc"
        server.gate("read").set()
        assert await read(world, response.stream, 2) == b"de"
        assert response.stream.tell() == 5
        assert await read(world, response.stream, 0) == b""
        assert await read(world, response.stream) == b"fghij"
        assert await read(world, response.stream) == b""
        assert await read(world, response.stream, 5) == b""


@FRAMINGS
@pytest.mark.parametrize("size", [1, 7, 4096, 65536, 10_000_000])
async def test_reads_of_any_size_give_the_content(world, fault_server, layer, how, size):
    content = TEXT[:3000] if size == 1 else TEXT
    server = fault_server(serving(content, how), **layer.server)
    parts = []
    async with world.client(**layer.client) as client, client.stream("GET", server.url) as response:
        while part := await read(world, response.stream, size):
            assert len(part) <= size
            parts.append(part)
        await check_next_request(client, server)
    assert b"".join(parts) == content


@FRAMINGS
@pytest.mark.parametrize("size", [1, 1000, 65536, 1_000_000])
async def test_readinto_fills_the_caller_s_memory(world, fault_server, layer, how, size):
    content = TEXT[:3000] if size == 1 else TEXT
    server = fault_server(serving(content, how), **layer.server)
    memory, got = bytearray(size), bytearray()
    async with world.client(**layer.client) as client, client.stream("GET", server.url) as response:
        while count := await readinto(world, response.stream, memory):
            got += memory[:count]
        assert await readinto(world, response.stream, memory) == 0
        await check_next_request(client, server)
    assert got == content


@FRAMINGS
async def test_reading_all_gives_all(world, fault_server, how):
    server = fault_server(serving(TEXT, how))
    async with world.client() as client, client.stream("GET", server.url) as response:
        assert await read(world, response.stream) == TEXT


async def test_read_and_readline_and_readinto_take_turns(world, fault_server):
    server = fault_server(serving(b"one\ntwo\nthree\nfour\nfive"))
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream = response.stream
        assert await read(world, stream, 2) == b"on"
        if not world.is_async:
            assert stream.readline() == b"e\n"
        else:
            assert await read(world, stream, 2) == b"e\n"
        memory = bytearray(3)
        assert await readinto(world, stream, memory) == 3
        assert bytes(memory) == b"two"
        assert await read(world, stream, 1) == b"\n"
        lines = [line async for line in world.iterate(method_of(world, stream, "iter_lines")())]
        assert lines == ["three", "four", "five"]


@pytest.mark.parametrize("kind", ["bytes", "lines", "lines_bytes", "text", "raw"])
async def test_it_is_read_once_by_the_stream_or_by_the_response(world, fault_server, kind):
    server = fault_server([expect_request("GET /"), send(FIVE + b"he"), wait_for("over"), send(b"llo")])
    async with world.client() as client, client.stream("GET", server.url) as response:
        assert await read(world, response.stream, 5) == b"he"
        with pytest.raises(StreamConsumed):
            async for _ in response.iter(kind):
                pass
        server.gate("over").set()


async def test_the_stream_cannot_be_read_beside_an_iterator_of_the_response(world, fault_server):
    server = fault_server([expect_request("GET /"), send(FIVE + b"he"), wait_for("over"), send(b"llo")])
    async with world.client() as client, client.stream("GET", server.url) as response:
        pieces = response.iter("raw")
        assert await pieces.__anext__() == b"he"
        with pytest.raises(StreamConsumed):
            await read(world, response.stream, 5)
        server.gate("over").set()


async def test_after_the_response_was_read_it_gives_the_decoded_content(world, fault_server):
    fields = (f"Content-Length: {len(CODED)}", "Content-Encoding: gzip", "Content-Type: text/plain")
    server = fault_server([expect_request("GET /"), send(head(*fields) + CODED)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream = response.stream
        assert (stream.size, stream.content_encoding, stream.content_type) == (
            len(CODED),
            "gzip",
            "text/plain",
        )
        await response.read()
        assert (stream.size, stream.content_encoding, stream.content_type) == (len(TEXT), None, "text/plain")
        assert await read(world, stream, 6) == b"line 0"
        assert await read(world, stream) == TEXT[6:]
        assert await read(world, stream) == b""


async def test_it_gives_the_content_of_a_plain_get(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO)])
    async with world.client() as client:
        response = await client.get(server.url)
    assert await read(world, response.stream, 2) == b"he"
    assert await read(world, response.stream) == b"llo"
    assert [piece async for piece in world.iterate(response.stream)] == [b"hello"]


async def test_raw_content_is_decoded_by_a_gzip_stream(world, fault_server):
    fields = (f"Content-Length: {len(CODED)}", "Content-Encoding: gzip")
    server = fault_server([expect_request("GET /"), send(head(*fields) + CODED)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        assert response.stream.content_encoding == "gzip"
        lines = [
            line
            async for line in world.iterate(
                method_of(world, GZipStream(response.stream), "iter_lines_bytes")()
            )
        ]
    assert lines == TEXT.splitlines()


@FRAMINGS
async def test_its_size_is_the_total_when_it_is_known(world, fault_server, how):
    server = fault_server(serving(TEXT, how))
    async with world.client() as client, client.stream("GET", server.url) as response:
        known = len(TEXT) if how == "length" else None
        assert (response.stream.size, response.num_bytes_total) == (known, known)
        await read(world, response.stream, 100)
        assert (response.stream.size, response.num_bytes_total) == (known, known)
        await read(world, response.stream)
        assert (response.stream.size, response.num_bytes_downloaded) == (len(TEXT), len(TEXT))


async def test_a_response_without_content_has_none(world, fault_server):
    server = fault_server([expect_request("HEAD /"), send(FIVE)])
    async with world.client() as client, client.stream("HEAD", server.url) as response:
        assert response.num_bytes_total == 0
        assert await read(world, response.stream, 10) == b""


async def test_after_close_it_cannot_be_read(world, fault_server):
    server = fault_server([expect_request("GET /"), send(FIVE + b"he"), wait_for("closed")])
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream = response.stream
        for _ in range(2):
            await call(world, stream.aclose if world.is_async else stream.close)
        server.gate("closed").set()
        assert stream.closed
        for use in (
            lambda: read(world, stream, 5),
            lambda: read(world, stream),
            lambda: readinto(world, stream, bytearray(5)),
        ):
            with pytest.raises(ValueError, match="closed"):
                await use()
        await check_next_request(client, server)


async def test_writing_says_that_it_cannot(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        with pytest.raises(NotImplementedError):
            response.stream.write(b"x")


async def test_the_methods_of_the_other_world_say_which_to_use(world, fault_server):
    server = fault_server([expect_request("GET /"), send(HELLO)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream = response.stream
        with pytest.raises(RuntimeError, match="async" if world.is_async else "sync"):
            if world.is_async:
                stream.read()
            else:
                stream.aread().send(None)
        with pytest.raises(RuntimeError, match="async" if world.is_async else "sync"):
            if world.is_async:
                stream.close()
            else:
                stream.aclose().send(None)
        await read(world, stream)


@pytest.mark.parametrize("end", [fin, reset, cut], ids=["fin", "reset", "cut"])
@pytest.mark.parametrize("use", ["read", "read all", "readinto", "lines"])
async def test_a_cut_body_is_an_error_with_its_request(world, fault_server, use, end):
    server = fault_server([expect_request("GET /fault"), send(FIVE + b"he"), wait_for("he"), end()])
    async with world.client() as client, client.stream("GET", server.url + "/fault") as response:
        stream = response.stream
        assert await read(world, stream, 2) == b"he"
        server.gate("he").set()
        with pytest.raises(httpstream.TransportError) as caught:
            if use == "read":
                await read(world, stream, 100)
            elif use == "read all":
                await read(world, stream)
            elif use == "readinto":
                await readinto(world, stream, bytearray(20_000))
            else:
                async for _ in world.iterate(method_of(world, stream, "iter_lines")()):
                    pass
        assert caught.value.request.url == server.url + "/fault"
        await check_next_request(client, server)


async def test_broken_framing_is_an_error_behind_the_good_content(world, fault_server):
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nrubbish"
    server = fault_server([expect_request("GET /fault"), send(chunked)])
    async with world.client() as client, client.stream("GET", server.url + "/fault") as response:
        assert await read(world, response.stream, 100) == b"hello"
        with pytest.raises(RemoteProtocolError):
            await read(world, response.stream, 100)
        await check_next_request(client, server)


async def test_a_read_timeout_is_an_error_with_its_request(world, fault_server):
    server = fault_server([expect_request("GET /fault"), send(FIVE + b"he"), wait_for("over")])
    async with world.client(timeout=0.1) as client, client.stream("GET", server.url + "/fault") as response:
        assert await read(world, response.stream, 2) == b"he"
        with pytest.raises(httpstream.ReadTimeout) as caught:
            await read(world, response.stream, 2)
        assert caught.value.request.url == server.url + "/fault"
        server.gate("over").set()


async def test_trailers_are_there_at_the_end(world, fault_server):
    wire = OK + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n"
    server = fault_server([expect_request("GET /"), send(wire)])
    async with world.client() as client, client.stream("GET", server.url) as response:
        assert await read(world, response.stream) == b"hello"
        assert response.trailers == {"x-sum": "7"}


@pytest.mark.flavours("sync")
async def test_a_buffered_reader_reads_it(world, fault_server):
    server = fault_server(serving(TEXT, "chunked"))
    async with world.client() as client, client.stream("GET", server.url) as response:
        with io.BufferedReader(response.stream, 100_000) as reader:
            assert reader.readline() == b"line 0\n"
            assert reader.peek(1)[:4] == b"line"
            assert reader.read() == TEXT[len(b"line 0\n") :]


@pytest.mark.flavours("sync")
async def test_a_text_wrapper_reads_it(world, fault_server):
    server = fault_server(serving("zwölf\r\nBoxkämpfer\n".encode(), "length"))
    async with world.client() as client, client.stream("GET", server.url) as response:
        with io.TextIOWrapper(io.BufferedReader(response.stream), encoding="utf-8") as text:
            assert list(text) == ["zwölf\n", "Boxkämpfer\n"]


# -- progress --------------------------------------------------------------------------------------


@FRAMINGS
async def test_progress_of_a_download(world, fault_server, how):
    told = []
    server = fault_server(serving(TEXT, how))
    extensions = {"on_progress": lambda done, total: told.append((done, total))}
    async with world.client() as client:
        response = await client.get(server.url, extensions=extensions)
    assert response.content == TEXT
    assert told[-1] == (len(TEXT), len(TEXT) if how == "length" else None)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("kind", ["bytes", "generator"])
async def test_progress_of_an_upload(world, fault_server, kind):
    told = []
    content = TEXT if kind == "bytes" else world.pieces([TEXT[:1000], TEXT[1000:]])

    def take_it(peer):
        peer.take_until(TEXT[-20:])
        if kind == "generator":
            peer.take_until(b"0\r\n\r\n")

    server = fault_server([expect_request("POST /"), take_it, send(OK + b"Content-Length: 0\r\n\r\n")])
    extensions = {"on_progress": lambda done, total: told.append((done, total))}
    async with world.client() as client:
        await client.post(server.url, content=content, extensions=extensions)
    total = len(TEXT) if kind == "bytes" else None
    assert (len(TEXT), total) in told
    assert told[-1] == (0, 0)  # of the answer, which has no content


async def test_progress_is_told_at_most_twenty_times_a_second(world, fault_server):
    told = []
    steps = [step for number in range(200) for step in (send(b"x"), wait_for(f"taken {number}"))]
    server = fault_server([expect_request("GET /"), send(OK + b"Content-Length: 200\r\n\r\n"), *steps])
    extensions = {"on_progress": lambda done, total: told.append(done)}
    async with world.client() as client, client.stream("GET", server.url, extensions=extensions) as response:
        number = 0
        async for _ in response.iter("raw", 1):
            server.gate(f"taken {number}").set()
            number += 1
    seconds = response.elapsed.total_seconds()
    assert told[-1] == 200
    assert len(told) <= 20 * seconds + 2


async def test_an_error_of_the_callable_reaches_the_caller(world, fault_server):
    def refuse(done, total):
        raise KeyError("enough")

    server = fault_server([expect_request("GET /fault"), send(FIVE + b"he"), wait_for("never")], strict=False)
    async with world.client() as client:
        with pytest.raises(KeyError, match="enough"):
            await client.get(server.url + "/fault", extensions={"on_progress": refuse})
        await check_next_request(client, server)
    server.gate("never").set()
