"""ResponseParser on scripted bytes: framing (RFC 9112 section 6.3), limits, errors, keep-alive."""

from __future__ import annotations

import codecs

import pytest

from httpstream import MessageLimits, RemoteProtocolError
from httpstream._chunker import ByteChunker, Splitter, TextChunker
from httpstream._lines import LineSplitter
from httpstream._parser import ResponseParser
from tests.wire import BAD, CHUNKED, GOOD, OK, parse


@pytest.mark.parametrize("name", GOOD)
def test_a_good_response(name: str) -> None:
    wire, content, keep_alive = GOOD[name]
    outcome = parse([wire], end=not keep_alive)
    assert (outcome.content, outcome.error, outcome.complete) == (content, None, True)
    assert outcome.keep_alive is keep_alive
    assert outcome.leftover == b""


@pytest.mark.parametrize("name", BAD)
def test_a_bad_response(name: str) -> None:
    wire, content, message = BAD[name]
    outcome = parse([wire], origin="http://example.org")
    assert outcome.content == content
    assert outcome.error is not None
    assert message in outcome.error
    assert outcome.error.endswith("from http://example.org")
    assert not outcome.keep_alive


def test_a_head_is_version_status_reason_and_fields_as_they_came() -> None:
    [head] = parse([OK + b"X-One:  a b \t\r\nx-one:\r\nContent-Length: 0\r\n\r\n"]).heads
    fields = [(b"X-One", b"a b"), (b"x-one", b""), (b"Content-Length", b"0")]
    assert head == (b"HTTP/1.1", 200, b"OK", fields)


def test_informational_heads_come_in_front_of_the_final_one() -> None:
    outcome = parse([GOOD["informational responses"][0]], end=False)
    assert [head[1] for head in outcome.heads] == [103, 102, 200]
    assert outcome.heads[0][3] == [(b"Link", b"</a>")]


def test_trailers_are_fields() -> None:
    outcome = parse([CHUNKED + b"1\r\nx\r\n0\r\nDigest: abc\r\nX: \r\n\r\n"], end=False)
    assert outcome.trailers == [(b"Digest", b"abc"), (b"X", b"")]


def test_the_answer_to_head_has_no_content_whatever_it_says() -> None:
    for framing in (b"Content-Length: 5", b"Transfer-Encoding: chunked"):
        outcome = parse([OK + framing + b"\r\n\r\n"], method=b"HEAD", end=False)
        assert (outcome.content, outcome.complete, outcome.keep_alive) == (b"", True, True)


@pytest.mark.parametrize("wire", [OK + b"Content-Length: 2\r\n\r\nok", CHUNKED + b"2\r\nok\r\n0\r\n\r\n"])
def test_one_byte_behind_a_response_ends_the_connection(wire: bytes) -> None:
    outcome = parse([wire + b"H"], end=False)
    assert (outcome.content, outcome.complete) == (b"ok", True)
    assert outcome.leftover == b"H"
    assert not outcome.keep_alive


def test_the_next_response_starts_afresh() -> None:
    parser = ResponseParser()
    for _ in range(3):
        parser.start(b"GET")
        assert parser.nothing_received
        parser.feed(CHUNKED + b"2\r\nok\r\n0\r\nT: 1\r\n\r\n")
        assert not parser.nothing_received
        assert parser.next_head()[1] == 200
        assert (parser.take(), parser.take()) == (b"ok", None)
        assert (parser.bytes_taken, parser.trailers, parser.keep_alive) == (2, [(b"T", b"1")], True)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        (b"GET", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        (b"CONNECT", b"HTTP/1.1 200 Connection established\r\n\r\n"),
        (b"CONNECT", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ],
)
def test_behind_the_head_of_a_tunnel_the_bytes_are_not_ours(method: bytes, head: bytes) -> None:
    parser = ResponseParser()
    parser.start(method)
    parser.feed(head + b"\x00\x01raw")
    assert parser.next_head() is not None
    assert parser.tunnel
    assert parser.take() is None
    assert parser.leftover() == b"\x00\x01raw"
    assert not parser.keep_alive


def test_a_refused_connect_is_a_response_like_any_other() -> None:
    outcome = parse([b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"], method=b"CONNECT", end=False)
    assert (outcome.content, outcome.keep_alive) == (b"no", True)


def test_an_error_stays() -> None:
    parser = ResponseParser(origin="http://example.org")
    parser.start(b"GET")
    parser.feed(b"nonsense\r\n\r\n")
    messages = []
    for _ in range(2):
        with pytest.raises(RemoteProtocolError) as caught:
            parser.next_head()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    with pytest.raises(RuntimeError):
        parser.start(b"GET")


def test_a_message_shows_the_line_and_a_caret_below_the_byte() -> None:
    parser = ResponseParser(origin="http://example.org")
    parser.start(b"GET")
    parser.feed(OK + b"Conten t-Length: 12\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_head()
    assert str(caught.value).split("\n") == [
        "invalid header token at byte 23 of the response head from http://example.org",
        "  Conten t-Length: 12\\r",
        "        ^",
    ]


def test_an_error_in_chunked_content_shows_position_and_bytes_of_the_wire() -> None:
    """The position counts from the beginning of the content.

    Short chunks have been moved together by then: what lies in front of them is not what came.
    """
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(CHUNKED + b"3\r\none\r\n3\r\ntwo!\r\n")
    parser.next_head()
    assert [parser.take()] == [b"onetwo"]
    with pytest.raises(RemoteProtocolError) as caught:
        parser.take()
    assert str(caught.value).split("\n") == [
        "expected LF after chunk data at byte 14 of the chunked content",
        "  two!\\r",
        "     ^",
    ]


@pytest.mark.parametrize("name", BAD)
def test_a_message_begins_in_lower_case_or_with_a_name(name: str) -> None:
    outcome = parse([BAD[name][0]])
    first = outcome.error.split()[0]
    assert first.islower() or first in ("Content-Length", "Transfer-Encoding") or first.startswith("HTTP/")


def test_a_message_shows_no_control_character() -> None:
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(b"\x1b[31mHTTP\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        parser.next_head()
    assert "\x1b" not in str(caught.value)


FILLER = b"x" * 1000
LIMITS = {
    "max_status_line_bytes": (
        5000,
        lambda n: b"HTTP/1.1 200 " + b"r" * (n - 13) + b"\r\nContent-Length: 0\r\n\r\n",
    ),
    "max_field_line_bytes": (
        16 * 1024,
        lambda n: OK + b"Name: " + b"v" * (n - 4) + b"\r\nContent-Length: 0\r\n\r\n",
    ),
    "max_fields": (50, lambda n: OK + b"A: b\r\n" * (n - 1) + b"Content-Length: 0\r\n\r\n"),
    "max_head_bytes": (
        4000,
        lambda n: OK + b"A: " + b"v" * (n - len(OK) - 3 - 2 - 19 - 2) + b"\r\nContent-Length: 0\r\n\r\n",
    ),
    "max_trailer_bytes": (3000, lambda n: CHUNKED + b"0\r\nT: " + b"v" * (n - 1) + b"\r\n\r\n"),
    "max_chunk_extension_bytes": (
        3000,
        lambda n: CHUNKED + (b"1;" + b"e" * n + b"\r\nx\r\n") * 3 + b"0\r\n\r\n",
    ),
    "max_informational": (
        7,
        lambda n: b"HTTP/1.1 102 Processing\r\n\r\n" * n + OK + b"Content-Length: 0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", LIMITS)
def test_at_the_limit_it_works_and_one_past_it_raises(name: str, step: int) -> None:
    limit, wire_of = LIMITS[name]
    limits = MessageLimits(**{name: limit})

    def outcome(size: int):
        wire = wire_of(size)
        return parse([wire[at : at + step] for at in range(0, len(wire), step)], limits=limits, end=False)

    assert outcome(limit).error is None
    assert outcome(limit).complete
    assert name in outcome(limit + 1).error


def test_a_field_of_16_kib_is_accepted_by_default() -> None:
    assert parse([OK + b"Cookie: " + b"c" * 16_384 + b"\r\nContent-Length: 0\r\n\r\n"]).error is None


def test_a_head_that_never_ends_is_refused() -> None:
    pieces = [OK] + [b"A: %b\r\n" % FILLER] * 2000
    assert "max_head_bytes" in parse(pieces, end=False).error


def test_content_in_front_of_an_error_is_handed_over_by_splitters_too() -> None:
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(CHUNKED + b"5\r\nhello\r\n!\r\n")
    parser.next_head()
    chunker = ByteChunker(None)
    chunker.attach(parser)
    assert chunker.pop() == b"hello"
    with pytest.raises(RemoteProtocolError):
        chunker.pop()


def scripted(pieces: list[bytes]):
    """A receive function that plays these pieces; None: it would block."""
    left = list(pieces)

    def receive(view: memoryview) -> int:
        if not left or left[0] is None:
            del left[:1]
            return -1
        size = min(len(view), len(left[0]))
        view[:size] = left[0][:size]
        left[0] = left[0][size:]
        if not left[0]:
            del left[0]
        return size

    return receive


@pytest.mark.parametrize("size", [1000, 70_000, None])
@pytest.mark.parametrize("framing", ["length", "close"])
def test_chunks_received_straight_into_their_own_object_are_the_content(
    size: int | None, framing: str
) -> None:
    content = bytes(range(256)) * 2000
    head = OK + (b"Content-Length: %d\r\n\r\n" % len(content) if framing == "length" else b"\r\n")
    pieces = [head + content[:10], content[10:300_000], None, content[300_000:]]
    pieces += [b""] if framing == "close" else []
    receive = scripted(pieces)
    parser = ResponseParser(receive=receive)
    parser.start(b"GET")
    assert parser.fill() > 0
    parser.next_head()
    chunker = ByteChunker(size)
    chunker.attach(parser)
    found = []
    for _ in range(2000):
        chunk = chunker.pop()
        if chunk is not None:
            found.append(chunk)
        elif parser.content_complete:
            break
    rest = chunker.finish()
    found += [rest] if rest else []
    assert b"".join(found) == content
    assert parser.bytes_taken == len(content)
    if size is not None:
        assert {len(chunk) for chunk in found[:-1]} == {size}


@pytest.mark.parametrize(
    "splitter", [ByteChunker(2), TextChunker(2), LineSplitter(), LineSplitter("utf-16-le")]
)
def test_a_splitter_that_was_detached_sees_nothing_more_of_the_buffer(splitter: Splitter) -> None:
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(OK + b"Content-Length: 12\r\n\r\n" + "a\nb\nc\n".encode("utf-16-le"))
    parser.next_head()
    splitter.attach(parser)
    assert splitter.pop() is not None
    splitter.detach()
    while parser.take():
        pass
    parser.start(b"GET")
    parser.feed(OK + b"Content-Length: 12\r\n\r\n" + "x\ny\nz\n".encode("utf-16-le"))
    parser.next_head()
    assert splitter.pop() is None


def test_a_splitter_that_is_detached_while_its_bytes_are_decoded_sees_nothing_of_them() -> None:
    """As by another thread: a decoder in Python lets it run."""

    class Detaching(codecs.IncrementalDecoder):
        def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]
            splitter.detach()
            return data.decode("ascii")

    info = codecs.CodecInfo(
        codecs.ascii_encode, codecs.ascii_decode, incrementaldecoder=Detaching, name="detaching"
    )
    search = {"detaching": info}.get
    codecs.register(search)
    try:
        parser = ResponseParser()
        parser.start(b"GET")
        parser.feed(OK + b"Content-Length: 6\r\n\r\na\nb\nc\n")
        parser.next_head()
        splitter = LineSplitter("detaching")
        splitter.attach(parser)
        del parser
        assert splitter.pop() is None
    finally:
        codecs.unregister(search)


def test_a_source_takes_no_place_of_bytes_that_were_pushed() -> None:
    for splitter in (ByteChunker(2), TextChunker(2), LineSplitter()):
        splitter.push(b"a\nb\n")
        with pytest.raises(RuntimeError, match="before pop"):
            splitter.attach(ResponseParser())
        assert splitter.pop() in (b"a\n", "a\n", b"a")


def test_finish_before_all_was_popped_still_finds_the_segment() -> None:
    """The splitter keeps its source alive: the lines lie in the source's buffer."""
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(OK + b"Content-Length: 6\r\n\r\na\nb\nc\n")
    parser.next_head()
    splitter = LineSplitter()
    splitter.attach(parser)
    del parser
    assert splitter.pop() == b"a"
    assert [splitter.finish(), splitter.finish(), splitter.finish()] == [b"b", b"c", None]


def test_a_huge_announced_length_takes_no_memory_before_it_comes() -> None:
    parser = ResponseParser(
        receive=scripted([OK + b"Content-Length: 9000000000000000000\r\n\r\nstart", None])
    )
    parser.start(b"GET")
    parser.fill()
    parser.next_head()
    chunker = ByteChunker(1 << 62)
    chunker.attach(parser)
    assert chunker.pop() is None
    assert chunker.finish() == b"start"


USES = {
    "take": lambda parser, chunker: parser.take(),
    "take_arrived": lambda parser, chunker: parser.take_arrived(),
    "fill": lambda parser, chunker: parser.fill(),
    "feed": lambda parser, chunker: parser.feed(b"x"),
    "start": lambda parser, chunker: parser.start(b"GET"),
    "next_head": lambda parser, chunker: parser.next_head(),
    "leftover": lambda parser, chunker: parser.leftover(),
    "pop": lambda parser, chunker: chunker.pop(),
}


@pytest.mark.parametrize("size", [10, 20_000, 1 << 20, None])
@pytest.mark.parametrize("use", USES)
def test_while_it_receives_a_parser_is_in_nobody_elses_hands(use: str, size: int | None) -> None:
    """What another thread does while `receive` has given the lock away, `receive` does here itself."""
    content = b"c" * 1_000_000
    inner = scripted([OK + b"Content-Length: %d\r\n\r\n" % len(content), content])
    refused = []

    def receive(view: memoryview) -> int:
        if parser.content_length is not None:
            with pytest.raises(RuntimeError, match="by another thread"):
                USES[use](parser, chunker)
            refused.append(use)
        return inner(view)

    parser = ResponseParser(receive=receive)
    parser.start(b"GET")
    parser.fill()
    parser.next_head()
    chunker = ByteChunker(size)
    chunker.attach(parser)
    found = []
    while (chunk := chunker.pop()) is not None:
        found.append(chunk)
    rest = chunker.finish()
    assert b"".join([*found, rest or b""]) == content
    assert refused


@pytest.mark.parametrize("use", ["finish", "detach"])
@pytest.mark.parametrize("size", [10, 20_000, 1 << 20, None])
def test_what_is_received_into_a_chunk_is_received_into_memory_of_its_own(use: str, size: int | None) -> None:
    """Even when the chunk is asked for, or its source taken away, in the middle."""
    inner = scripted([OK + b"Content-Length: 1000000\r\n\r\nfirst", b"content", None])
    handed_out = []

    def receive(view: memoryview) -> int:
        if parser.content_length is not None:
            handed_out.append(getattr(chunker, use)())
        return inner(view)

    parser = ResponseParser(receive=receive)
    parser.start(b"GET")
    parser.fill()
    parser.next_head()
    chunker = ByteChunker(size)
    chunker.attach(parser)
    for _ in range(2):
        chunker.pop()
    assert handed_out
    assert set(handed_out) == {None}


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_receive_function_that_claims_more_than_fits_is_refused(size: int) -> None:
    head = scripted([OK + b"Content-Length: 5000000\r\n\r\n"])
    parser = ResponseParser(receive=lambda view: head(view) if parser.content_length is None else 10_000_000)
    parser.start(b"GET")
    parser.fill()
    parser.next_head()
    chunker = ByteChunker(size)
    chunker.attach(parser)
    with pytest.raises(ValueError, match="10000000"):
        chunker.pop()


def test_filling_the_buffer_before_all_was_taken_is_refused_and_loses_nothing() -> None:
    parser = ResponseParser(receive=scripted([CHUNKED + b"2\r\nok\r\n0\r\n\r\n", b"more"]))
    parser.start(b"GET")
    parser.fill()
    with pytest.raises(RuntimeError, match="before"):
        parser.fill()
    parser.next_head()
    with pytest.raises(RuntimeError, match="before"):
        parser.fill()
    assert parser.take() == b"ok"


def test_a_response_that_is_parsed_but_not_taken_is_still_under_way() -> None:
    parser = ResponseParser()
    parser.start(b"GET")
    parser.feed(CHUNKED + b"%x\r\n%b\r\n" % (3000, b"a" * 3000) * 2 + b"0\r\n\r\n")
    parser.next_head()
    assert len(parser.take()) == 3000
    with pytest.raises(RuntimeError, match="under way"):
        parser.start(b"GET")
