r"""LineSplitter on pushed bytes: line ends are \n, \r\n and \r alone, wherever the pieces are cut."""

from __future__ import annotations

import sys
import time

import pytest

from httpstream import LineTooLong
from httpstream._lines import LineSplitter


def lines_of(splitter: LineSplitter, *pieces: bytes) -> list:
    found = []
    for piece in pieces:
        splitter.push(piece)
        while (line := splitter.pop()) is not None:
            found.append(line)
    while (line := splitter.finish()) is not None:
        found.append(line)
    return found


def test_a_carriage_return_at_the_end_of_a_piece_ends_the_line_at_once() -> None:
    splitter = LineSplitter()
    splitter.push(b"one\r")
    assert splitter.pop() == b"one"


def test_a_line_feed_that_comes_first_in_the_next_piece_belongs_to_it() -> None:
    assert lines_of(LineSplitter(), b"one\r", b"\ntwo") == [b"one", b"two"]


def test_only_one_line_feed_belongs_to_it() -> None:
    assert lines_of(LineSplitter(), b"one\r", b"\n", b"\ntwo\n") == [b"one", b"", b"two"]


@pytest.mark.parametrize("other", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_nothing_else_ends_a_line(other: str) -> None:
    text = f'{{"a": "x{other}y"}}'
    assert lines_of(LineSplitter("utf-8"), f"{text}\n{text}".encode()) == [text, text]


def test_empty_lines_count_and_an_end_at_the_end_makes_no_line() -> None:
    assert lines_of(LineSplitter("utf-8"), b"\n\na\r\r\n") == ["", "", "a", ""]


def test_no_input_no_lines() -> None:
    assert lines_of(LineSplitter()) == []


@pytest.mark.parametrize("cut", range(1, 6))
def test_the_limit_counts_the_line_without_its_end(cut: int) -> None:
    data = b"12345\n"
    assert lines_of(LineSplitter(None, 5), data[:cut], data[cut:]) == [b"12345"]
    with pytest.raises(LineTooLong, match="max_line_bytes=4"):
        lines_of(LineSplitter(None, 4), data[:cut], data[cut:])


@pytest.mark.parametrize("limit", [-1, sys.maxsize + 1, -(1 << 70), 1 << 70])
def test_a_limit_that_is_none_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=r"at least 0 and at most sys\.maxsize"):
        LineSplitter(None, limit)


@pytest.mark.parametrize("limit", [0, sys.maxsize])
def test_the_smallest_and_the_largest_limit(limit: int) -> None:
    data = b"\n" * 3 + b"x" * limit if limit == 0 else b"x" * 100_000
    assert sum(map(len, lines_of(LineSplitter(None, limit), data[:2], data[2:]))) == data.count(b"x")


def test_a_line_past_the_limit_is_refused_before_it_ends() -> None:
    splitter = LineSplitter(None, 1000)
    splitter.push(b"x" * 600)
    assert splitter.pop() is None
    splitter.push(b"x" * 600)
    with pytest.raises(LineTooLong):
        splitter.pop()


def test_lines_before_the_one_that_is_too_long_are_handed_over() -> None:
    splitter = LineSplitter(None, 5)
    splitter.push(b"good\ntoo long\n")
    assert splitter.pop() == b"good"
    for _ in range(2):  # an error stays
        with pytest.raises(LineTooLong):
            splitter.pop()


def test_a_carried_line_that_becomes_too_long_is_never_glued_to_the_next_one() -> None:
    splitter = LineSplitter(None, 5)
    splitter.push(b"four")
    assert splitter.pop() is None
    splitter.push(b" more\nnext\n")
    for _ in range(2):
        with pytest.raises(LineTooLong):
            splitter.pop()


def test_text_in_an_encoding_whose_characters_contain_line_feeds() -> None:
    text = "\u0a0a\u010d one\r\ntwo \u0d0a"  # bytes 0x0A and 0x0D all over
    for cut in range(len(text.encode("utf-16-le"))):
        data = text.encode("utf-16-le")
        assert lines_of(LineSplitter("utf-16-le"), data[:cut] or b"", data[cut:]) == text.split("\r\n")


def test_bytes_that_do_not_fit_are_replaced() -> None:
    assert lines_of(LineSplitter("utf-8"), b"a\xff\n\xe2\x82\nb") == ["a\ufffd", "\ufffd", "b"]


def seconds(work) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_a_long_line_in_small_pieces_is_linear() -> None:
    def feed(pieces: int) -> None:
        splitter = LineSplitter()
        for _ in range(pieces):
            splitter.push(b"x" * 10)
            splitter.pop()
        assert len(splitter.finish()) == pieces * 10

    # Quadratic code would need 64 times as long for 8 times the input.
    assert seconds(lambda: feed(800_000)) < 24 * seconds(lambda: feed(100_000))


def test_carriage_returns_alone_are_linear_too() -> None:
    def feed(lines: int) -> None:
        splitter = LineSplitter()
        splitter.push(b"ab\r" * lines)
        while splitter.pop() is not None:
            pass

    assert seconds(lambda: feed(800_000)) < 24 * seconds(lambda: feed(100_000))
