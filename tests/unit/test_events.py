r"""EventSplitter on pushed bytes: the rules of WHATWG HTML section 9.2.6, wherever the pieces are cut."""

from __future__ import annotations

import sys
import time

import pytest

from httpstream import ServerSentEvent, SSEError
from httpstream._events import Event, EventSplitter


def splitter(limit: int | None = 1024 * 1024) -> EventSplitter:
    return EventSplitter(ServerSentEvent, limit)


def events_of(*pieces: bytes, limit: int | None = 1024 * 1024) -> list[ServerSentEvent]:
    cutter = splitter(limit)
    found = []
    for piece in pieces:
        cutter.push(piece)
        while (event := cutter.pop()) is not None:
            found.append(event)
    assert cutter.finish() is None
    return found


def data_of(*pieces: bytes) -> list[str]:
    return [event.data for event in events_of(*pieces)]


def test_a_blank_line_makes_an_event_of_its_fields() -> None:
    [event] = events_of(b"event: added\ndata: 1\nid: 7\nretry: 1500\n\n")
    assert (event.event, event.data, event.id, event.retry) == ("added", "1", "7", 1500)


def test_what_is_not_set_has_its_default() -> None:
    assert events_of(b"data: 1\n\n") == [ServerSentEvent("message", "1", "", None)]


def test_an_event_is_there_as_soon_as_its_blank_line() -> None:
    cutter = splitter()
    for piece in (b"data: a\n", b"data: b"):
        cutter.push(piece)
        assert cutter.pop() is None
    cutter.push(b"\r\n\r")
    assert cutter.pop().data == "a\nb"
    cutter.push(b"\ndata: c\n\n")  # the \n belongs to the \r before it: it is no second blank line
    assert cutter.pop().data == "c"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_will_do(end: bytes) -> None:
    assert data_of(b"data: a" + end + b"data: b" + end * 2 + b"data: c" + end * 2) == ["a\nb", "c"]


def test_data_lines_are_joined_by_line_feeds() -> None:
    assert data_of(b"data\n\ndata\ndata\n\ndata:\n\ndata: a\ndata:\ndata: b\n\n") == ["", "\n", "", "a\n\nb"]


def test_one_space_behind_the_colon_is_dropped() -> None:
    assert data_of(b"data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta\n\ndata: a: b\n\n") == [
        "a",
        "a",
        " a",
        "\ta",
        "a: b",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"Data: a",
        b" data: a",
        b"data : a",
        b"dat: a",
        b"datas: a",
        b"x",
        b"events: a",
        b"\xef\xbb\xbfdata: a",
    ],
)
def test_other_fields_are_ignored(line: bytes) -> None:
    assert data_of(b"data: 1\n" + line + b"\n\n" + line + b"\n\n") == ["1"]


def test_comments_are_ignored_and_make_no_event() -> None:
    assert data_of(b": hello\n\n:\n\ndata: a\n: data: b\n:\n\n") == ["a"]


def test_the_last_event_type_counts_and_an_empty_one_is_none() -> None:
    kinds = [
        event.event for event in events_of(b"event: a\nevent: b\ndata\n\ndata\n\nevent: a\nevent\ndata\n\n")
    ]
    assert kinds == ["b", "message", "message"]


def test_an_id_stays_until_another_one_comes() -> None:
    ids = [event.id for event in events_of(b"id: 1\ndata\n\ndata\n\nid: a\0b\ndata\n\nid\ndata\n\n")]
    assert ids == ["1", "1", "1", ""]


@pytest.mark.parametrize(
    "value", [b"", b"-1", b"+1", b"1_0", b" 1", b"1 ", b"1.0", b"0x1", "١".encode(), b"9" * 4301]
)
def test_a_retry_that_is_not_made_of_digits_is_ignored(value: bytes) -> None:
    assert events_of(b"retry: " + value + b"\n\n") == []


def test_a_retry_may_be_large_and_counts_for_its_event_alone() -> None:
    assert [event.retry for event in events_of(b"retry: %d\ndata\n\ndata\n\n" % 10**30)] == [10**30, None]


@pytest.mark.parametrize("field", ["event: a", "id: a", "id", "retry: 1", "event"])
def test_a_field_without_data_is_an_event_too(field: str) -> None:
    [event] = events_of(f"{field}\n\n".encode())
    assert event.data == ""


@pytest.mark.parametrize("rest", [b"data: b", b"data: b\n", b"data: b\r", b"data: b\r\n", b"\xff", b":"])
def test_what_has_no_blank_line_at_the_end_is_no_event(rest: bytes) -> None:
    assert data_of(b"data: a\n\n" + rest) == ["a"]


@pytest.mark.parametrize("cut", range(10))
def test_a_byte_order_mark_is_skipped_at_the_start_alone(cut: int) -> None:
    data = b"\xef\xbb\xbfdata: a\n\n"
    assert data_of(data[:cut], data[cut:], data) == ["a"]


def test_a_byte_order_mark_before_a_blank_line_and_before_a_comment() -> None:
    assert data_of(b"\xef\xbb\xbf\ndata: a\n\n") == ["a"]
    assert data_of(b"\xef\xbb\xbf: b\ndata: a\n\n") == ["a"]


def test_bytes_that_are_no_utf_8_become_replacement_characters() -> None:
    [event] = events_of(b"event: \xff\ndata: a\xe2\x82\ndata: \xc3\xa9\xf0\x9f\x98\x80\nid: \xed\xa0\x80\n\n")
    assert (event.event, event.data, event.id) == ("\ufffd", "a\ufffd\n\u00e9\U0001f600", "\ufffd" * 3)


def test_line_separators_of_unicode_end_no_line() -> None:
    text = "a\u2028b\x85c\x0bd"
    assert data_of(f"data: {text}\n\n".encode()) == [text]


def test_a_nul_is_data_like_any_other() -> None:
    assert data_of(b"data: a\0b\n\n") == ["a\0b"]


# -- the limit -------------------------------------------------------------------------------------------

LARGE = b"event: a\ndata: 12345\nx: y\n\n"  # 8 + 11 + 4 bytes
LIMIT = 23


@pytest.mark.parametrize("cut", range(len(LARGE)))
def test_the_limit_counts_the_lines_of_an_event_without_their_ends(cut: int) -> None:
    pieces = LARGE[:cut], LARGE[cut:], LARGE
    assert len(events_of(*pieces, limit=LIMIT)) == 2
    with pytest.raises(SSEError, match="22 bytes"):
        events_of(*pieces, limit=LIMIT - 1)


def test_comments_do_not_count() -> None:
    assert len(events_of(b": 12\n" * 1000 + LARGE, limit=LIMIT)) == 1


@pytest.mark.parametrize("cut", [10, 30])
def test_a_comment_past_the_limit_is_refused_however_it_comes(cut: int) -> None:
    comment = b":" * (LIMIT + 1) + b"\n"
    with pytest.raises(SSEError):
        events_of(comment[:cut], comment[cut:], limit=LIMIT)
    assert events_of(comment[1:cut], comment[cut:], LARGE, limit=LIMIT)


def test_events_before_the_one_that_is_too_large_are_handed_over() -> None:
    cutter = splitter(LIMIT)
    cutter.push(LARGE + b"data: " + b"x" * LIMIT)
    assert cutter.pop().data == "12345"
    for _ in range(2):  # an error stays
        with pytest.raises(SSEError):
            cutter.pop()


def test_many_small_lines_make_a_large_event() -> None:
    with pytest.raises(SSEError):
        events_of(*[b"data: 1\n"] * 100, limit=7 * 99)
    assert events_of(*[b"data: 1\n"] * 100, b"\n", limit=7 * 100)


@pytest.mark.parametrize("limit", [None, sys.maxsize])
def test_without_a_limit_an_event_has_any_size(limit: int | None) -> None:
    [event] = events_of(b"data: " + b"x" * 3_000_000 + b"\n\n", limit=limit)
    assert len(event.data) == 3_000_000


@pytest.mark.parametrize("limit", [-1, sys.maxsize + 1])
def test_a_limit_that_is_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=r"at least 0 and at most sys\.maxsize"):
        splitter(limit)


def test_events_are_made_of_events_alone() -> None:
    with pytest.raises(TypeError):
        EventSplitter(int)
    cutter = EventSplitter(Event)
    cutter.push(b"data: a\n\n")
    assert type(cutter.pop()) is Event


# -- what it costs ---------------------------------------------------------------------------------------


def seconds(work) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("piece", [b"x" * 10, b"\ndata:xxxx", b"\r: comment"])
def test_a_large_event_in_small_pieces_is_linear(piece: bytes) -> None:
    def feed(pieces: int) -> None:
        cutter = splitter(None)
        cutter.push(b"data:")
        for _ in range(pieces):
            assert cutter.pop() is None
            cutter.push(piece)
        cutter.pop()
        cutter.push(b"\n\n")
        assert cutter.pop() is not None

    # Quadratic code would need 64 times as long for 8 times the input.
    assert seconds(lambda: feed(400_000)) < 24 * seconds(lambda: feed(50_000))
