"""The streams of an HTTP/2 connection on scripted frames: windows, lengths, resets, ends (RFC 9113)."""

from __future__ import annotations

import random

import pytest

from httpstream import MessageLimits, ReadError, RemoteProtocolError
from httpstream._connections import http2_stream, multiplexer
from httpstream._connections.multiplexer import Multiplexer
from tests import http2_frames as wire
from tests.http2_frames import (
    GET,
    OK,
    content,
    data,
    feed,
    goaway,
    h2_server,
    headers,
    kinds,
    new,
    opened,
    rst_stream,
    settings,
    taken,
    window_update,
)

# A response


def test_a_response_brings_its_head_its_content_and_its_end():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, [*OK, (b"x-a", b"1")]) + data(1, b"hel") + data(1, b"lo", end=True))
    assert stream.head == (200, [(b"x-a", b"1")])
    assert content(mux, stream) == b"hello"
    assert (stream.is_over, stream.error, stream.trailers) == (True, None, [])
    assert mux.is_idle


@pytest.mark.parametrize("step", [1, 2, 7, 9, 10, 100])
def test_any_split_gives_the_same(step):
    frames = (
        headers(1, [(b":status", b"103"), (b"link", b"<a>")])
        + headers(1, OK)
        + data(1, b"abc", padding=5)
        + wire.frame(wire.PING, 0, 0, b"12345678")
        + data(1, b"d" * 5000)
        + headers(1, [(b"x-sum", b"9")], end=True)
    )
    mux = new()
    stream = opened(mux)
    assert feed(mux, frames, step) == b""
    assert list(stream.informational) == [(103, [(b"link", b"<a>")])]
    assert content(mux, stream) == b"abc" + b"d" * 5000
    assert (stream.is_over, stream.error, stream.trailers) == (True, None, [(b"x-sum", b"9")])


def test_many_streams_each_get_their_own():
    mux = new()
    streams = [opened(mux) for _ in range(50)]
    rng = random.Random(1)
    expected = {stream.id: b"" for stream in streams}
    feed(mux, b"".join(headers(stream.id, OK) for stream in streams))
    for _ in range(2000):
        number = rng.choice(streams).id
        piece = rng.randbytes(rng.randrange(100))
        expected[number] += piece
        feed(mux, data(number, piece))
    for stream in rng.sample(streams, 50):
        feed(mux, data(stream.id, b"", end=True))
        assert content(mux, stream) == expected[stream.id]
        assert stream.is_over
    assert mux.is_idle


def test_single_bytes_are_held_together():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, OK) + b"".join(data(1, bytes([n % 256])) for n in range(20_000)))
    assert len(stream._pieces) <= 3
    assert content(mux, stream) == bytes(n % 256 for n in range(20_000))


# Lengths


@pytest.mark.parametrize("frames", [data(1, b"abc", end=True), data(1, b"abc") + data(1, b"def")])
def test_a_content_that_does_not_keep_to_its_length_ends_its_stream_alone(frames):
    mux = new()
    stream, other = opened(mux), opened(mux)
    taken(mux)
    feed(
        mux, headers(1, [*OK, (b"content-length", b"5")]) + headers(3, OK) + frames + data(3, b"ok", end=True)
    )
    assert isinstance(stream.error, RemoteProtocolError)
    assert content(mux, stream) == (b"" if len(frames) == 12 else b"abc")
    assert content(mux, other) == b"ok"
    assert mux.failure is None
    has_ended = len(frames) == 12
    assert kinds(taken(mux)) == ([] if has_ended else [wire.RST_STREAM])


def test_an_end_in_the_head_does_not_excuse_missing_content():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, [*OK, (b"content-length", b"5")], end=True))
    assert isinstance(stream.error, RemoteProtocolError)


@pytest.mark.parametrize(("is_head_request", "status"), [(True, b"200"), (False, b"204"), (False, b"304")])
def test_no_content_follows_where_there_is_none_whatever_is_announced(is_head_request, status):
    mux = new()
    fields = [(b":status", status), (b"content-length", b"5")]
    stream, other = (opened(mux, is_head_request=is_head_request) for _ in range(2))
    feed(mux, headers(1, fields, end=True) + headers(3, fields) + data(3, b"12345", end=True))
    assert (stream.is_over, stream.error) == (True, None)
    assert isinstance(other.error, RemoteProtocolError)


# Windows


def test_the_window_of_a_stream_follows_its_reader():
    mux = new()
    stream = opened(mux)
    taken(mux)
    feed(mux, headers(1, OK) + data(1, b"x" * 16384) * 15)
    assert taken(mux) == []
    assert len(mux.take(stream)) == 16384
    for _ in range(6):
        mux.take(stream)
    assert taken(mux) == []
    mux.take(stream)  # half of it
    assert taken(mux) == [(wire.WINDOW_UPDATE, 0, 1, (8 * 16384).to_bytes(4, "big"))]


def test_what_is_not_read_is_bounded_by_the_window():
    mux = new()
    stream, other = opened(mux), opened(mux)
    feed(mux, headers(1, OK) + headers(3, OK) + data(1, b"x" * 16384) * 17 + data(3, b"ok", end=True))
    assert isinstance(stream.error, RemoteProtocolError)
    assert "window" in str(stream.error)
    assert len(content(mux, stream)) == http2_stream.WINDOW
    assert content(mux, other) == b"ok"


def test_unread_streams_do_not_exhaust_the_connection():
    """Ninety windows are more than the connection's: what is not read is given back to the connection all the same."""
    mux = new()
    streams = [opened(mux) for _ in range(90)]
    for stream in streams:
        feed(mux, headers(stream.id, OK) + data(stream.id, b"x" * 16384) * 16)
    assert mux.failure is None
    opened_by = sum(
        int.from_bytes(payload, "big") for kind, _, number, payload in taken(mux) if kind == 8 and number == 0
    )
    assert opened_by >= 90 * http2_stream.WINDOW - multiplexer.CONNECTION_WINDOW // 2
    assert all(stream.error is None for stream in streams)


def test_the_window_grows_for_a_reader_that_keeps_up_and_for_all_of_them_by_no_more_than_a_limit():
    mux = new()
    streams = [opened(mux) for _ in range(20)]
    for stream in streams:
        feed(mux, headers(stream.id, OK))
        for _ in range(3000):
            feed(mux, data(stream.id, b"x" * 16384))
            content(mux, stream)
    sizes = [stream.window_size for stream in streams]
    assert max(sizes) == http2_stream.LARGEST_WINDOW
    assert sum(sizes) == 20 * http2_stream.WINDOW + multiplexer.GROWTH
    for stream in streams:
        mux.abandon(stream)
    last = opened(mux)
    feed(mux, headers(last.id, OK))
    for _ in range(3000):
        feed(mux, data(last.id, b"x" * 16384))
        content(mux, last)
    assert last.window_size == http2_stream.LARGEST_WINDOW


def test_the_window_of_a_reader_that_lags_does_not_grow():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, OK) + data(1, b"x" * 16384) * 2)
    for _ in range(100):
        feed(mux, data(1, b"x" * 16384))
        mux.take(stream)
    assert stream.window_size == http2_stream.WINDOW


def test_padding_counts_for_the_window_and_is_nobodys_content():
    mux = new()
    stream = opened(mux)
    taken(mux)
    feed(mux, headers(1, OK))
    for _ in range(2000):
        feed(mux, data(1, b"", padding=200))
    assert mux.take(stream) is None
    for _ in range(2000):
        feed(mux, data(1, b"ab", padding=200))
        assert content(mux, stream) == b"ab"
    assert (mux.failure, stream.error) == (None, None)
    assert stream.window + stream._taken == stream.window_size


def test_more_than_the_connections_window_ends_the_connection():
    mux = new()
    stream = opened(mux)
    mux._uncredited = multiplexer.CONNECTION_WINDOW - 10
    feed(mux, headers(1, OK) + data(1, b"x" * 11))
    assert isinstance(mux.failure, RemoteProtocolError)
    assert isinstance(stream.error, RemoteProtocolError)
    assert taken(mux)[-1][0] == wire.GOAWAY


def test_content_for_a_stream_that_was_left_is_dropped_and_given_back_without_a_word():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, OK) + data(1, b"abc"))
    taken(mux)
    mux.abandon(stream)
    assert taken(mux) == [(wire.RST_STREAM, 0, 1, wire.CANCEL.to_bytes(4, "big"))]
    feed(mux, data(1, b"x" * 16384) * 600)
    assert kinds(taken(mux)) == [wire.WINDOW_UPDATE]
    feed(mux, data(1, b"", end=True) + headers(1, [(b"x", b"y")], end=True) + rst_stream(1, wire.CANCEL))
    assert mux.failure is None


# What is sent


def test_content_respects_the_windows_and_the_frame_size():
    server = h2_server()
    mux = Multiplexer(MessageLimits(), "https://h")
    stream = opened(mux, is_sent=False)
    feed(mux, server.data_to_send())
    assert mux.room(stream) == 65535
    mux.send(stream, memoryview(b"x" * 65535))
    assert mux.room(stream) == 0
    events = server.receive_data(bytes(mux.output))
    mux.sent(len(mux.output))
    sizes = [len(event.data) for event in events if hasattr(event, "data")]
    assert sizes == [16384, 16384, 16384, 16383]
    feed(mux, window_update(1, 1000))
    assert mux.room(stream) == 0  # the connection's own is still used up
    feed(mux, window_update(0, 500))
    assert mux.room(stream) == 500
    feed(mux, settings(initial_window_size=10))
    assert mux.room(stream) == 0


def test_the_last_content_ends_the_stream_without_a_frame_of_its_own():
    mux = new()
    stream = opened(mux, is_sent=False)
    taken(mux)
    mux.send(stream, memoryview(b"abc"), is_last=True)
    assert taken(mux) == [(wire.DATA, wire.END_STREAM, 1, b"abc")]
    assert stream.is_sent


def test_a_complete_answer_may_come_before_the_request_is_complete():
    mux = new()
    stream = opened(mux, is_sent=False)
    feed(
        mux,
        headers(1, [(b":status", b"413")]) + data(1, b"too much", end=True) + rst_stream(1, wire.NO_ERROR),
    )
    assert (stream.head, stream.is_over, stream.error) == ((413, []), True, None)
    assert content(mux, stream) == b"too much"
    taken(mux)
    mux.abandon(stream)
    assert taken(mux) == []


def test_the_rest_of_a_request_whose_answer_is_complete_is_taken_back():
    mux = new()
    stream = opened(mux, is_sent=False)
    feed(mux, headers(1, [(b":status", b"413")], end=True))
    taken(mux)
    assert not mux.is_idle
    mux.abandon(stream)
    assert kinds(taken(mux)) == [wire.RST_STREAM]
    assert mux.is_idle


def test_an_answer_that_is_complete_when_the_request_ends_leaves_nothing_open():
    mux = new()
    stream = opened(mux, is_sent=False)
    feed(mux, headers(1, OK) + data(1, b"", end=True))
    taken(mux)
    mux.end(stream)
    assert kinds(taken(mux)) == [wire.DATA]
    mux.abandon(stream)
    assert taken(mux) == []
    assert mux.is_idle


# Resets and ends


@pytest.mark.parametrize("code", range(15))
def test_a_reset_ends_one_stream_and_says_why(code):
    mux = new()
    stream, other = opened(mux), opened(mux)
    feed(mux, rst_stream(1, code) + headers(3, OK, end=True))
    assert isinstance(stream.error, RemoteProtocolError)
    assert stream.was_not_processed == (code == wire.REFUSED_STREAM)
    assert (other.is_over, other.error) == (True, None)
    assert mux.capacity == 100


@pytest.mark.parametrize(
    "late", [headers(1, OK) * 3, data(1, b"x") * 3, window_update(1, 5), rst_stream(1, wire.CANCEL)]
)
def test_what_still_comes_for_a_stream_that_was_reset_has_no_answer(late):
    """RFC 9113 section 5.1."""
    mux = new()
    stream = opened(mux)
    mux.abandon(stream)
    assert taken(mux)[-1][0] == wire.RST_STREAM
    feed(mux, late)
    assert (taken(mux), mux.failure) == ([], None)


def test_a_reset_after_the_end_changes_nothing():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, OK) + data(1, b"ok", end=True) + rst_stream(1, wire.CANCEL))
    assert (stream.is_over, stream.error) == (True, None)
    assert content(mux, stream) == b"ok"


def test_goaway_ends_what_was_not_processed_and_lets_the_rest_go_on():
    mux = new()
    streams = [opened(mux) for _ in range(3)]
    feed(mux, goaway(3, debug=b"bye"))
    assert mux.capacity == 0
    assert mux.open(GET, False, True) is None
    assert [stream.was_not_processed for stream in streams] == [False, False, True]
    assert "'bye'" in str(streams[2].error)
    feed(mux, headers(1, OK) + data(1, b"a", end=True) + headers(3, OK, end=True))
    assert [stream.error for stream in streams[:2]] == [None, None]
    assert content(mux, streams[0]) == b"a"
    assert mux.is_idle


def test_a_second_goaway_may_name_an_earlier_stream():
    mux = new()
    streams = [opened(mux) for _ in range(2)]
    feed(mux, goaway(2**31 - 1))
    assert not any(stream.is_over for stream in streams)
    feed(mux, goaway(1))
    assert [stream.was_not_processed for stream in streams] == [False, True]


def test_when_the_connection_ends_each_stream_has_an_error_of_its_own():
    mux = new()
    streams = [opened(mux) for _ in range(3)]
    feed(mux, goaway(5, wire.INTERNAL_ERROR))
    mux.fail(mux.ended())
    errors = [stream.error for stream in streams]
    assert len(set(map(id, errors))) == 3
    assert all(str(error) == "https://h ended the connection with INTERNAL_ERROR" for error in errors)
    assert mux.capacity == 0


def test_content_in_front_of_an_error_is_there():
    mux = new()
    stream = opened(mux)
    feed(mux, headers(1, OK) + data(1, b"good") + wire.frame(wire.PING, 0, 0, b"short"))
    assert content(mux, stream) == b"good"
    assert isinstance(stream.error, RemoteProtocolError)


def test_a_failure_is_not_replaced_by_a_later_one():
    mux = new()
    mux.fail(ReadError("first"))
    mux.fail(ReadError("second"))
    assert str(mux.failure) == "first"
