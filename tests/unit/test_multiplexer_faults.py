"""The streams of an HTTP/2 connection on frames that break the rules or the limits, and on settings (RFC 9113)."""

from __future__ import annotations

import random

import pytest

from httpstream import MessageLimits, RemoteProtocolError
from httpstream._connections import http2_stream, multiplexer
from httpstream._connections.multiplexer import Multiplexer
from tests import http2_frames as wire
from tests.http2_frames import (
    GET,
    OK,
    data,
    feed,
    frames_of,
    goaway,
    headers,
    kinds,
    new,
    opened,
    rst_stream,
    settings,
    taken,
    window_update,
)

# Broken frames


BROKEN = {
    "a frame that is too long": wire.frame(wire.DATA, 0, 1, bytes(16385)),
    "an unknown frame that is too long": wire.frame(200, 0, 1, bytes(16385)),
    "a short ping": wire.frame(wire.PING, 0, 0, b"1234567"),
    "a ping on a stream": wire.frame(wire.PING, 0, 1, b"12345678"),
    "a short reset": wire.frame(wire.RST_STREAM, 0, 1, b"123"),
    "a short goaway": wire.frame(wire.GOAWAY, 0, 0, b"1234567"),
    "a goaway on a stream": wire.frame(wire.GOAWAY, 0, 1, bytes(8)),
    "settings of a wrong size": wire.frame(wire.SETTINGS, 0, 0, b"12345"),
    "settings on a stream": wire.frame(wire.SETTINGS, 0, 1),
    "an acknowledgement with content": wire.frame(wire.SETTINGS, wire.ACK, 0, b"123456"),
    "a window that is too large": window_update(0, 2**31 - 1),
    "a window that opens by nothing": window_update(0, 0),
    "an initial window that is too large": settings(initial_window_size=2**31),
    "a maximum frame size that is too small": settings(max_frame_size=16383),
    "content on no stream": data(0, b"x"),
    "content on a stream of the server": data(2, b"x"),
    "content on a stream that was never opened": data(9, b"x"),
    "a head on a stream that was never opened": headers(9, OK),
    "more padding than payload": wire.frame(wire.DATA, wire.PADDED, 1, b"\x05abc"),
    "padding without a length": wire.frame(wire.DATA, wire.PADDED, 1),
    "a broken field section": wire.frame(
        wire.HEADERS, wire.END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff"
    ),
    "an index that does not exist": wire.frame(wire.HEADERS, wire.END_HEADERS, 1, b"\xff\x80\x01"),
    "a continuation of nothing": wire.frame(wire.CONTINUATION, wire.END_HEADERS, 1),
    "content inside a field section": wire.frame(wire.HEADERS, 0, 1, b"\x88") + data(1, b"x"),
    "goaway inside a field section": wire.frame(wire.HEADERS, 0, 1, b"\x88") + goaway(1),
    "another stream inside a field section": wire.frame(wire.HEADERS, 0, 1, b"\x88")
    + wire.frame(wire.CONTINUATION, wire.END_HEADERS, 3),
    "endless continuations": wire.frame(wire.HEADERS, 0, 1, b"\x88")
    + wire.frame(wire.CONTINUATION, 0, 1, b"") * 100,
    "a push that was not allowed": wire.frame(
        wire.PUSH_PROMISE, wire.END_HEADERS, 1, (2).to_bytes(4, "big") + b"\x82\x84\x86"
    ),
    "two contents lengths": headers(1, [*OK, (b"content-length", b"1"), (b"content-length", b"2")]),
    "a length that is no number": headers(1, [*OK, (b"content-length", b"+1")]),
    "an informational response that ends": headers(1, [(b":status", b"103")], end=True),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_rules_ends_the_connection_with_an_error_for_each_stream(name):
    mux = new()
    streams = [opened(mux), opened(mux)]
    taken(mux)
    feed(mux, BROKEN[name] + headers(3, OK, end=True))
    assert isinstance(mux.failure, RemoteProtocolError), name
    for stream in streams:
        assert type(stream.error) is RemoteProtocolError
        assert stream.head is None or stream.id == 1
    assert kinds(taken(mux))[-1] == wire.GOAWAY
    assert mux.capacity == 0


MALFORMED = {
    "no status": [(b"x", b"y")],
    "a status that is no number": [(b":status", b"2oo")],
    "a status of four digits": [(b":status", b"2000")],
    "a status below 100": [(b":status", b"099")],
    "101": [(b":status", b"101")],
    "two status": [*OK, *OK],
    "a pseudo-header field of requests": [*OK, (b":path", b"/")],
    "a status behind a field": [(b"x", b"y"), *OK],
    "a line end in a value": [*OK, (b"x", b"a\r\nb: c")],
    "a NUL in a value": [*OK, (b"x", b"a\x00")],
    "a blank in a name": [*OK, (b"x y", b"z")],
    "a colon in a name": [*OK, (b"x:y", b"z")],
    "an empty name": [*OK, (b"", b"z")],
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_head_ends_its_stream_alone(name):
    mux = new()
    stream, other = opened(mux), opened(mux)
    taken(mux)
    feed(mux, headers(1, MALFORMED[name]) + headers(3, OK, end=True))
    assert type(stream.error) is RemoteProtocolError
    assert stream.head is None
    assert (other.error, other.is_over) == (None, True)
    assert mux.failure is None
    assert kinds(taken(mux)) == [wire.RST_STREAM]


def test_content_before_the_head_ends_its_stream_alone():
    mux = new()
    stream, other = opened(mux), opened(mux)
    feed(mux, data(1, b"x") + headers(3, OK, end=True))
    assert type(stream.error) is RemoteProtocolError
    assert other.error is None


@pytest.mark.parametrize("fields", [[*OK], [(b"x", b"a\nb")]])
def test_malformed_trailers_end_their_stream_alone(fields):
    mux = new()
    stream, other = opened(mux), opened(mux)
    feed(mux, headers(1, OK) + data(1, b"x") + headers(1, fields, end=True) + headers(3, OK, end=True))
    assert type(stream.error) is RemoteProtocolError
    assert stream.trailers == []
    assert other.error is None


def test_unknown_frames_are_ignored():
    mux = new()
    stream = opened(mux)
    taken(mux)
    feed(
        mux,
        wire.frame(200, 255, 1, b"anything")
        + wire.frame(wire.PRIORITY, 0, 1, b"\0\0\0\0\1")
        + headers(1, OK, end=True),
    )
    assert (stream.is_over, stream.error) == (True, None)
    assert taken(mux) == []


# Limits


FIELD_BYTES = len(b"x-0: " + b"v" * 10 + b"\r\n")


@pytest.mark.parametrize(
    ("name", "limit", "fields"),
    [
        ("max_fields", 5, 5),
        ("max_head_bytes", 5 * FIELD_BYTES, 5),
        ("max_field_line_bytes", FIELD_BYTES, 1),
    ],
)
def test_at_the_limit_it_works_and_one_past_it_ends_the_stream(name, limit, fields):
    head = [*OK, *((b"x-%d" % number, b"v" * 10) for number in range(fields))]
    for less, is_accepted in ((0, True), (1, False)):
        mux = new(MessageLimits(**{name: limit - less}))
        stream, other = opened(mux), opened(mux)
        feed(mux, headers(1, head, end=True) + headers(3, OK, end=True))
        assert (stream.error is None) == is_accepted
        assert other.error is None


def test_trailers_have_a_limit():
    section = [(b"x-0", b"v" * 10)]
    for limit, is_accepted in ((FIELD_BYTES, True), (FIELD_BYTES - 1, False)):
        mux = new(MessageLimits(max_trailer_bytes=limit))
        stream = opened(mux)
        feed(mux, headers(1, OK) + headers(1, section, end=True))
        assert (stream.error is None) == is_accepted


def test_informational_responses_have_a_limit():
    for count, is_accepted in ((3, True), (4, False)):
        mux = new(MessageLimits(max_informational=3))
        stream = opened(mux)
        feed(mux, headers(1, [(b":status", b"103")]) * count + headers(1, OK, end=True))
        assert (stream.error is None) == is_accepted


def test_a_field_section_that_inflates_past_the_limit_ends_the_connection():
    """One field of 4 KiB in the compression state, named again 4000 times by a byte each: 16 MiB."""
    mux = new()
    stream = opened(mux)
    bomb = b"\x88\x40\x01x" + b"\x7f\x81\x1e" + b"v" * 3968 + b"\xbe" * 4000
    feed(mux, wire.frame(wire.HEADERS, wire.END_HEADERS, 1, bomb))
    assert isinstance(mux.failure, RemoteProtocolError)
    assert isinstance(stream.error, RemoteProtocolError)


@pytest.mark.parametrize(
    "flood", [wire.frame(wire.PING, 0, 0, b"12345678"), settings(max_concurrent_streams=9)]
)
def test_a_flood_that_wants_answers_ends_the_connection_when_it_does_not_take_them(flood):
    mux = new()
    stream = opened(mux)
    for _ in range(100):
        feed(mux, flood * 1000)
        if mux.failure is not None:
            break
    assert isinstance(stream.error, RemoteProtocolError)
    assert len(mux.output) < 2 * multiplexer.MAX_CONTROL_BYTES


def test_a_flood_whose_answers_are_taken_is_answered():
    mux = new()
    for _ in range(50):
        feed(mux, wire.frame(wire.PING, 0, 0, b"12345678") * 1000)
        assert len(taken(mux)) == 1000
    assert mux.failure is None


# Settings


def test_the_server_says_how_many_streams_there_may_be():
    mux = new()
    assert mux.capacity == 100
    feed(mux, settings(max_concurrent_streams=2))
    assert mux.capacity == 2
    first, second = opened(mux), opened(mux)
    assert mux.open(GET, False, True) is None
    feed(mux, settings(max_concurrent_streams=1) + headers(1, OK, end=True))
    assert first.is_over
    assert mux.open(GET, False, True) is None
    feed(mux, headers(3, OK, end=True))
    assert second.is_over
    assert opened(mux).id == 5
    feed(mux, settings(max_concurrent_streams=2**32 - 1))
    assert mux.capacity == multiplexer.MAX_STREAMS


def test_a_server_that_names_no_number_allows_as_many_as_we_do():
    mux = Multiplexer(MessageLimits(), "https://h")
    assert mux.capacity == multiplexer.ASSUMED_STREAMS
    feed(mux, settings())
    assert mux.capacity == multiplexer.MAX_STREAMS


def test_when_the_stream_numbers_are_used_up_no_stream_is_opened():
    mux = new()
    mux._h2.highest_outbound_stream_id = 2**31 - 3
    assert opened(mux).id == 2**31 - 1
    assert mux.open(GET, False, True) is None
    assert mux.capacity == 0


def test_what_is_said_first_is_the_preface_and_the_settings():
    mux = Multiplexer(MessageLimits(max_head_bytes=1000, max_fields=10), "https://h")
    assert mux.output.startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    first, second = frames_of(bytes(mux.output))
    values = {
        int.from_bytes(first[3][at : at + 2], "big"): int.from_bytes(first[3][at + 2 : at + 6], "big")
        for at in range(0, len(first[3]), 6)
    }
    assert values == {1: 4096, 2: 0, 3: 100, 4: http2_stream.WINDOW, 5: 16384, 6: 1320}
    assert second == (wire.WINDOW_UPDATE, 0, 0, (multiplexer.CONNECTION_WINDOW - 65535).to_bytes(4, "big"))


def test_closing_says_goodbye():
    mux = new()
    mux.close()
    assert kinds(taken(mux)) == [wire.GOAWAY]
    assert mux.capacity == 0


# Any bytes


@pytest.mark.parametrize("seed", range(40))
def test_any_bytes_raise_nothing_and_leave_documented_errors(seed):
    rng = random.Random(seed)
    good = (
        headers(1, [*OK, (b"a", b"b")])
        + data(1, b"x" * 300, padding=3)
        + settings(max_concurrent_streams=5)
        + goaway(9)
        + rst_stream(3, 8)
        + window_update(5, 70)
    )
    for _ in range(50):
        mux = new()
        streams = [opened(mux) for _ in range(3)]
        broken = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        feed(mux, bytes(broken) + rng.randbytes(rng.randrange(60)), rng.choice([1, 5, None]))
        assert mux.failure is None or type(mux.failure) is RemoteProtocolError
        assert {type(stream.error) for stream in streams} <= {type(None), RemoteProtocolError}
