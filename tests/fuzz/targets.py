"""What the fuzzer feeds, and what must hold for any bytes at all: documented exceptions, and the same outcome
however the bytes are cut. Each target takes a source of chance and raises AssertionError on a find.
"""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Callable, Iterator

import h11

from httpstream import DecodingError, InvalidJSONLine, MessageLimits, ServerSentEvent, SSEError
from httpstream._chunker import ByteChunker, TextChunker
from httpstream._config import AS_IT_ARRIVES
from httpstream._decoders import make_decoder, supported_codings
from httpstream._events import EventSplitter
from httpstream._iterators import NULL_ITEM
from httpstream._json_lines import JSONLineSplitter
from httpstream._lines import LineSplitter
from tests.fuzz.mutate import mutate, random_cuts
from tests.reference_splitters import (
    BOM,
    arriving_chunks,
    cut,
    events,
    exact_chunks,
    json_values,
    lines,
    text_chunks,
)
from tests.wire import BAD, GOOD, Outcome, parse

Target = Callable[[random.Random], str]

RESPONSES = [wire for wire, *_ in (*GOOD.values(), *BAD.values())]
METHODS = (b"GET", b"GET", b"GET", b"HEAD", b"CONNECT", b"POST")
PLAIN = b"line one\nline two\r\n" + bytes(range(256)) + "grüße \u2028\n".encode() * 30
MIB = 1024 * 1024


def fuzz_parser(chance: random.Random) -> str:
    """A mutated response, whole and cut: the same outcome, and no exception but RemoteProtocolError."""
    wire = mutate(chance, chance.choice(RESPONSES), RESPONSES)
    method, end = chance.choice(METHODS), chance.random() < 0.5
    whole = parse([wire] if wire else [], method=method, end=end)
    pieces = cut(wire, random_cuts(chance, len(wire)))
    in_pieces = parse(pieces, method=method, end=end)
    assert in_pieces == whole, f"{method!r} {wire!r} in {pieces!r}:\n{in_pieces}\nnot\n{whole}"
    if whole.error is None and method == b"GET" and whole.complete:
        compare_with_h11(wire, whole, end)
    return "refused" if whole.error else "complete" if whole.complete else "incomplete"


def compare_with_h11(wire: bytes, ours: Outcome, end: bool) -> None:
    """What both parsers take, both take alike: status, content, and where the response ends."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    content, status = b"", 0
    try:
        connection.receive_data(wire)
        if end:
            connection.receive_data(b"")
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                return  # it needs more, or switched protocols
    except h11.RemoteProtocolError:
        return
    rest = connection.trailing_data[0]
    assert (ours.heads[-1][1], ours.content, ours.leftover) == (status, content, rest), (
        f"{wire!r}:\nours {ours}\nh11 {(status, content, rest)}"
    )


def encoded(coding: str, data: bytes) -> bytes:
    if coding == "gzip":
        return gzip.compress(data, mtime=0)
    if coding == "deflate":
        return zlib.compress(data)
    if coding == "br":
        import brotli

        return bytes(brotli.compress(data, quality=4))
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return bytes(zstd.compress(data))


CODED = {
    coding: [encoded(coding, PLAIN), encoded(coding, b""), encoded(coding, bytes(5000))]
    for coding in supported_codings()
}
CODED["gzip"] += [encoded("gzip", b"one") + encoded("gzip", b"two"), encoded("gzip", b"one") + bytes(20)]
PACKER = zlib.compressobj(wbits=-15)
CODED["deflate"].append(PACKER.compress(PLAIN) + PACKER.flush())


def decode(codings: list[str], pieces: list[bytes]) -> tuple[bytes, bool]:
    """(what was decoded, whether it ended well)"""
    decoder = make_decoder(codings, MessageLimits())
    assert decoder is not None
    decoded = b""
    try:
        for piece in pieces:
            decoded += checked(decoder.decode(piece))
            while not decoder.needs_input:
                decoded += checked(decoder.decode(b""))
        decoder.finish()
    except DecodingError:
        return decoded, False
    return decoded, True


def checked(piece: bytes) -> bytes:
    assert len(piece) <= MIB
    return piece


def fuzz_decoders(chance: random.Random) -> str:
    """Mutated content of a coding, or of two in a row: the same outcome, and no exception but DecodingError."""
    coding = chance.choice(sorted(CODED))
    codings, content = [coding], chance.choice(CODED[coding])
    if chance.random() < 0.3:
        outer = chance.choice(sorted(CODED))
        codings, content = [coding, outer], encoded(outer, content)
    if chance.random() < 0.8:
        content = mutate(chance, content, CODED[coding])
    whole, whole_is_good = decode(codings, [content] if content else [])
    pieces = cut(content, random_cuts(chance, len(content)))
    in_pieces, pieces_are_good = decode(codings, pieces)
    assert pieces_are_good == whole_is_good, f"{codings} {content!r} in {pieces!r}: {pieces_are_good}"
    assert whole == in_pieces, f"{codings} {content!r} in {pieces!r}"  # also what stands in front of a fault
    return "complete" if whole_is_good else "refused"


ENCODINGS = (
    "utf-8",
    "latin-1",
    "ascii",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1252",
    "shift_jis",
    "gb18030",
    "euc-kr",
)


def items(splitter: object, pieces: list[bytes]) -> Iterator[object]:
    for piece in pieces:
        splitter.push(piece)
        while (item := splitter.pop()) is not None:
            yield item
    while (item := splitter.finish()) is not None:
        yield item


def split(splitter: object, pieces: list[bytes]) -> list[object]:
    return list(items(splitter, pieces))


def fuzz_splitters(chance: random.Random) -> str:
    """Chunks, lines and text of any bytes in any pieces: what the slow reference says."""
    data = mutate(chance, PLAIN * chance.choice((1, 1, 4)), [PLAIN, *RESPONSES])
    pieces = cut(data, random_cuts(chance, len(data)))
    size = chance.choice((1, 2, 3, 7, 100, 1024))
    encoding = chance.choice(ENCODINGS)
    kind = chance.choice(("exact", "arriving", "as received", "lines", "text"))
    if kind == "exact":
        found, expected = split(ByteChunker(size), pieces), exact_chunks(data, size)
    elif kind == "arriving":
        found, expected = split(ByteChunker(AS_IT_ARRIVES), pieces), arriving_chunks(pieces, AS_IT_ARRIVES)
    elif kind == "as received":
        found, expected = split(ByteChunker(None), pieces), pieces
    elif kind == "lines":
        found, expected = split(LineSplitter(), pieces), lines(data)
    else:
        found = split(TextChunker(size, encoding), pieces)
        expected = text_chunks(exact_chunks(data, size), encoding)
    assert found == expected, f"{kind} {size} {encoding} {pieces!r}"
    return kind


EVENTS = BOM + "event: a\nid: 1\ndata: grüße\ndata:\r\n\r\n: note\rretry: 20\rdata\r\rid: \0\n\n".encode() * 3
VALUES = b'{"a": [1, 2.5e3, "\\u00e9"]}\n\r\nnull\r[true, false]\n \t \n"text"\n-0.1\n'


def fuzz_records(chance: random.Random) -> str:
    """Events and JSON lines of any bytes in any pieces: what the slow reference says, or the documented error."""
    seed = chance.choice((EVENTS, VALUES))
    data = mutate(chance, seed, [EVENTS, VALUES, PLAIN])
    pieces = cut(data, random_cuts(chance, len(data)))
    refused = False
    if seed is EVENTS:
        limit = chance.choice((None, 5, 20, 60))
        expected, too_large = events(data, limit)
        splitter, found = EventSplitter(ServerSentEvent, limit), []
        try:
            found.extend((item.event, item.data, item.id, item.retry) for item in items(splitter, pieces))
        except SSEError:
            refused = True
        assert (found, refused) == (expected, too_large), f"{limit} {pieces!r}"
        return "events too large" if refused else "events"
    whole, ours = [], []
    for pieces_of, values in (([data] if data else [], whole), (pieces, ours)):
        try:
            for value in items(JSONLineSplitter(), pieces_of):
                values.append(repr(None if value is NULL_ITEM else value))
        except InvalidJSONLine as exc:
            values.append((exc.lineno, exc.doc, exc.pos))
    assert ours == whole, f"{pieces!r}"
    refused = bool(ours) and isinstance(ours[-1], tuple)
    try:
        expected = [repr(value) for value in json_values(data)]
    except ValueError:
        assert refused, f"{data!r}"
        return "values refused"
    assert ours == expected, f"{data!r}"
    return "values"


TARGETS: dict[str, Target] = {
    "parser": fuzz_parser,
    "decoders": fuzz_decoders,
    "splitters": fuzz_splitters,
    "records": fuzz_records,
}
