"""What has arrived is handed over at once, by every reader and through every coding.

The server sends ten bytes and waits until the reader has them before it sends the next ten: an acknowledgement
decides, never a clock. What is held back anywhere ends in the server's limit for a wait, and fails.
"""

from __future__ import annotations

import codecs
import itertools
import sys

import pytest

from httpstream import GZipStream, ServerSentEvent
from tests import http2_frames as wire
from tests.codings import CODINGS, flushed
from tests.dialogue import check_next_request, head
from tests.servers import http2
from tests.servers.steps import expect_request, fin, send, serve, wait_for, wait_read

COUNT = 12
LINES = [b"line %04d\n" % number for number in range(COUNT)]
EVENTS = [b"data: %02d\n\n" % number for number in range(COUNT)]
DATA = [ServerSentEvent("message", f"{number:02}", "", None) for number in range(COUNT)]
VALUES = [b'{"n": %02d}\n' % number for number in range(10, 10 + COUNT)]


class Reads:
    """An async iterator over what `stream.read(65536)` gives in either world."""

    def __init__(self, world, stream):
        self._read = stream.aread if world.is_async else stream.read
        self._is_async = world.is_async

    def __aiter__(self):
        return self

    async def __anext__(self):
        piece = await self._read(65536) if self._is_async else self._read(65536)
        if not piece:
            raise StopAsyncIteration
        return piece


def reading(kind, *args):
    return lambda world, answer: answer.iter(kind, *args)


def reading_stream(kind, make=lambda stream: stream):
    """By a method of a stream: the response's own, or one over it."""

    def items(world, answer):
        stream = make(answer.stream)
        if kind == "read":
            return Reads(world, stream)
        return world.iterate(getattr(stream, f"{'a' if world.is_async else ''}iter_{kind}")())

    return items


# name: (what iterates, what is sent, what must come of it: an item for each)
READERS = {
    "bytes": (reading("bytes"), LINES, LINES),
    "bytes as received": (reading("bytes", None), LINES, LINES),
    "bytes of ten": (reading("bytes", 10), LINES, LINES),
    "text": (reading("text"), LINES, [line.decode() for line in LINES]),
    "lines": (reading("lines"), LINES, [line.decode().strip() for line in LINES]),
    "lines ended by CR": (
        reading("lines"),
        [line[:-1] + b"\r" for line in LINES],
        [line.decode()[:-1] for line in LINES],
    ),
    "lines_bytes": (reading("lines_bytes"), LINES, [line.strip() for line in LINES]),
    "events": (reading("events"), EVENTS, DATA),
    "events ended by CR": (reading("events"), [event[:-2] + b"\r\r" for event in EVENTS], DATA),
    "json": (reading("json"), VALUES, [{"n": number} for number in range(10, 10 + COUNT)]),
}
# These keep the content coding.
RAW_READERS = {
    "raw": reading("raw"),
    "raw as received": reading("raw", None),
    "stream.read": reading_stream("read"),
    "stream.bytes": reading_stream("bytes"),
}
# The stream of a response as lines, and a stream that takes the coding off by hand.
STREAM_READERS = {
    "stream.lines": ("identity", reading_stream("lines"), *READERS["lines"][1:]),
    "stream.events": ("identity", reading_stream("events"), *READERS["events"][1:]),
    "stream.json": ("identity", reading_stream("json"), *READERS["json"][1:]),
    "GZipStream.read": ("gzip", reading_stream("read", GZipStream), LINES, LINES),
    "GZipStream.lines": ("gzip", reading_stream("lines", GZipStream), *READERS["lines"][1:]),
    "GZipStream.events": ("gzip", reading_stream("events", GZipStream), *READERS["events"][1:]),
}


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def sent_for(coding, messages):
    """What is sent for each message, and at last for the end of them."""
    codings = [] if coding == "identity" else coding.split(", ")
    return flushed(codings, [*messages, b""])


def dialogue(fields, sent, framing="chunked"):
    """Send each piece of content when the reader has acknowledged the one before.

    "chunked in packets": chunk header, data and line end, each when the client's program has read the one before.
    """
    *pieces, end = sent
    framed = {"length": [f"Content-Length: {sum(map(len, sent))}"], "until close": []}
    steps = [
        expect_request("GET /a"),
        send(head(*fields, *framed.get(framing, ["Transfer-Encoding: chunked"]))),
    ]
    for number, piece in enumerate(pieces):
        acknowledged = wait_for(f"got {number}")
        if framing == "chunked":
            steps += [send(chunk(piece)), acknowledged]
        elif framing == "chunked in packets":
            steps += [wait_read(), send(b"%x\r\n" % len(piece)), wait_read(), send(piece), acknowledged]
            steps.append(send(b"\r\n"))
        else:
            steps += [send(piece), acknowledged]
    if framing in framed:
        return [*steps, send(end), fin() if framing == "until close" else serve()]
    return [*steps, send(chunk(end) + b"0\r\n\r\n"), serve()]


async def acknowledging(items, server):
    """All items; the server is told of each."""
    got = []
    async for item in items:
        server.gate(f"got {len(got)}").set()
        got.append(item)
    return got


@pytest.mark.parametrize("coding", ["identity", *CODINGS])
@pytest.mark.parametrize("reader", READERS)
async def test_ten_bytes_are_handed_over_before_the_next_ten_are_sent(world, fault_server, coding, reader):
    items, messages, expected = READERS[reader]
    server = fault_server(dialogue([f"Content-Encoding: {coding}"], sent_for(coding, messages)))
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(items(world, answer), server) == expected
        await check_next_request(client, server)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("reader", RAW_READERS)
async def test_raw_content_is_handed_over_before_more_of_it_is_sent(world, fault_server, coding, reader):
    sent = sent_for(coding, LINES)
    server = fault_server(dialogue([f"Content-Encoding: {coding}"], sent))
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            got = await acknowledging(RAW_READERS[reader](world, answer), server)
        await check_next_request(client, server)
    assert got == [piece for piece in sent if piece]


@pytest.mark.parametrize("reader", STREAM_READERS)
async def test_a_stream_hands_over_what_there_is(world, fault_server, reader):
    coding, items, messages, expected = STREAM_READERS[reader]
    server = fault_server(dialogue([f"Content-Encoding: {coding}"], sent_for(coding, messages)))
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(items(world, answer), server) == expected
        await check_next_request(client, server)


@pytest.mark.parametrize("coding", ["gzip, br", "zstd, gzip", "deflate, zstd", "br, deflate"])
async def test_two_codings_hold_nothing_back(world, fault_server, coding):
    server = fault_server(dialogue([f"Content-Encoding: {coding}"], sent_for(coding, LINES)))
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(answer.iter("bytes"), server) == LINES
        await check_next_request(client, server)


@pytest.mark.parametrize("framing", ["length", "until close", "chunked", "chunked in packets"])
@pytest.mark.parametrize(
    ("coding", "reader"), [("identity", "bytes"), ("identity", "events"), ("gzip", "lines"), ("br", "json")]
)
async def test_no_framing_holds_anything_back(world, fault_server, layer, framing, coding, reader):
    """Over TLS too: a record is a packet of its own."""
    items, messages, expected = READERS[reader]
    script = dialogue([f"Content-Encoding: {coding}"], sent_for(coding, messages), framing)
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(items(world, answer), server) == expected
        await check_next_request(client, server)


@pytest.mark.parametrize("framing", ["length", "until close", "chunked", "chunked in packets"])
async def test_reading_the_stream_never_waits_for_more(world, fault_server, layer, framing):
    server = fault_server(dialogue([], sent_for("identity", LINES), framing), **layer.server)
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(Reads(world, answer.stream), server) == LINES
        await check_next_request(client, server)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_zlib_holds_nothing_back_either(world, fault_server, coding, monkeypatch):
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    server = fault_server(dialogue([f"Content-Encoding: {coding}"], sent_for(coding, LINES)))
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(answer.iter("bytes"), server) == LINES
        await check_next_request(client, server)


@pytest.mark.parametrize(
    ("coding", "reader"),
    [
        ("identity", "bytes"),
        ("identity", "stream.read"),
        ("gzip", "lines"),
        ("zstd", "events"),
        ("br", "json"),
    ],
)
async def test_a_frame_of_http2_is_handed_over_before_the_next_one_is_sent(
    world, fault_server, coding, reader
):
    items, messages, expected = READERS.get(reader) or (RAW_READERS[reader], LINES, LINES)
    *pieces, end = sent_for(coding, messages)
    fields = [(b":status", b"200"), (b"content-encoding", coding.encode())]
    script = [http2.begin(), http2.expect_head(1), send(wire.headers(1, fields))]
    for number, piece in enumerate(pieces):
        script += [send(wire.data(1, piece)), wait_for(f"got {number}")]
    server = fault_server([*script, send(wire.data(1, end, end=True)), http2.expect_goodbye()])
    async with world.client(http1=False, http2=True) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            assert await acknowledging(items(world, answer), server) == expected


TEXT = "ä€\U0001f600ö中文字\U0001f680 und Ende, " * 6


@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32", "gb18030"])
async def test_text_is_handed_over_up_to_the_character_that_a_flush_cuts(
    world, fault_server, charset, coding
):
    """The cut character goes to the next piece, and every whole one comes at once."""
    content = TEXT.encode(charset)
    messages = [content[at : at + 10] for at in range(0, len(content), 10)]
    decode = codecs.getincrementaldecoder(charset)().decode
    known = list(itertools.accumulate(map(decode, messages)))  # the text so far, with each message
    assert any(len(text.encode(charset)) % 10 for text in known)  # characters are cut
    fields = [f"Content-Type: text/plain; charset={charset}", f"Content-Encoding: {coding}"]
    server = fault_server(dialogue(fields, sent_for(coding, messages)))
    text, number = "", 0
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("text"):
                text += piece
                while number < len(known) and text == known[number]:
                    server.gate(f"got {number}").set()
                    number += 1
        await check_next_request(client, server)
    assert text == TEXT
