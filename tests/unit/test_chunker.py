"""ByteChunker and TextChunker on pushed bytes: the three meanings of chunk_size, and what they refuse."""

from __future__ import annotations

import copy
import pickle
import sys
import time

import pytest

from httpstream._chunker import ByteChunker, Splitter, TextChunker
from httpstream._config import AS_IT_ARRIVES
from httpstream._lines import LineSplitter


def test_the_default_is_at_most_1024_and_never_waits() -> None:
    chunker = ByteChunker()
    chunker.push(b"token")
    assert chunker.pop() == b"token"
    chunker.push(b"x" * 2500)
    assert [len(chunker.pop()) for _ in range(3)] == [1024, 1024, 452]
    assert chunker.pop() is None


def test_an_explicit_1024_waits_for_1024() -> None:
    chunker = ByteChunker(1024)
    chunker.push(b"x" * 1000)
    assert chunker.pop() is None
    chunker.push(b"y" * 1000)
    assert chunker.pop() == b"x" * 1000 + b"y" * 24
    assert chunker.pop() is None
    assert chunker.finish() == b"y" * 976
    assert chunker.finish() is None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda size: pickle.loads(pickle.dumps(size))])
def test_a_copy_of_the_default_still_never_waits(copied) -> None:
    chunker = ByteChunker(copied(AS_IT_ARRIVES))
    chunker.push(b"token")
    assert chunker.pop() == b"token"


def test_a_chunk_larger_than_the_input_costs_no_more_than_the_input() -> None:
    chunker = ByteChunker(1 << 50)
    chunker.push(b"small")
    assert chunker.pop() is None
    assert chunker.finish() == b"small"


def test_a_large_chunk_of_many_pieces_is_whole() -> None:
    chunker = ByteChunker(5 * 1024 * 1024)
    pieces = [bytes([n % 251]) * 70_001 for n in range(100)]
    found = []
    for piece in pieces:
        chunker.push(piece)
        while (chunk := chunker.pop()) is not None:
            found.append(chunk)
    found.append(chunker.finish())
    assert [len(chunk) for chunk in found] == [5 * 1024 * 1024, 70_001 * 100 - 5 * 1024 * 1024]
    assert b"".join(found) == b"".join(pieces)


@pytest.mark.parametrize("chunker", [ByteChunker, TextChunker])
@pytest.mark.parametrize("size", [0, -1, -(1 << 70), sys.maxsize + 1, 1 << 70])
def test_a_size_below_one_or_past_what_an_object_can_hold_is_refused(chunker, size: int) -> None:
    with pytest.raises(ValueError, match=r"at least 1 and at most sys\.maxsize"):
        chunker(size)


def test_the_largest_size_gives_everything_in_one_chunk() -> None:
    chunker = ByteChunker(sys.maxsize)
    for _ in range(3):
        chunker.push(b"x" * 700_000)
        assert chunker.pop() is None
    assert len(chunker.finish()) == 2_100_000


@pytest.mark.parametrize("size", ["64", 1.5, b"1"])
def test_a_size_that_is_no_int_is_refused(size: object) -> None:
    with pytest.raises(TypeError, match="int or None"):
        ByteChunker(size)


def test_pushing_before_all_was_popped_is_refused_and_loses_nothing() -> None:
    chunker = ByteChunker()
    chunker.push(b"one")
    with pytest.raises(RuntimeError, match="before pop"):
        chunker.push(b"two")
    assert chunker.pop() == b"one"


@pytest.mark.parametrize("wrong", ["text", bytearray(b"x"), None])
def test_only_bytes_are_taken(wrong: object) -> None:
    with pytest.raises(TypeError):
        ByteChunker().push(wrong)


def test_a_character_cut_by_the_border_goes_to_the_next_chunk() -> None:
    chunker = TextChunker(2, "utf-8")
    chunker.push("a€b".encode())  # a, three bytes, b
    assert [chunker.pop(), chunker.pop(), chunker.pop(), chunker.finish()] == ["a", "€", None, "b"]


def test_an_unfinished_character_at_the_end_is_replaced() -> None:
    chunker = TextChunker(None, "utf-8")
    chunker.push(b"a\xe2\x82")
    assert chunker.pop() == "a"
    assert chunker.finish() == "\ufffd"
    assert chunker.finish() is None


def test_an_unknown_encoding_is_refused_at_once() -> None:
    with pytest.raises(LookupError):
        TextChunker(None, "no-such-encoding")


def test_the_base_class_cuts_nothing() -> None:
    with pytest.raises(TypeError, match="base class"):
        Splitter().pop()


def best_of_three(work) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_one_byte_pieces_cost_the_same_at_any_size() -> None:
    def feed(total: int) -> None:
        chunker = ByteChunker(1 << 30)
        for _ in range(total):
            chunker.push(b"x")
            chunker.pop()
        assert len(chunker.finish()) == total

    # Quadratic code would need 64 times as long for 8 times the input.
    assert best_of_three(lambda: feed(800_000)) < 24 * best_of_three(lambda: feed(100_000))


@pytest.mark.parametrize(
    ("splitter", "taken"),
    [
        (ByteChunker(2), b"ab"),
        (ByteChunker(3), b"abc"),
        (ByteChunker(), b"abcde\nfgh"),
        (TextChunker(2), "ab"),
        (LineSplitter(), b"abcde"),
        (LineSplitter("utf-8"), "abcde"),
    ],
)
def test_whoever_reads_on_gets_what_has_not_been_taken(splitter, taken) -> None:
    splitter.push(b"abcde\nfgh")
    assert splitter.pop() == taken
    size = len(taken) + (1 if isinstance(splitter, LineSplitter) else 0)  # the end of the line is gone, too
    assert splitter.leave() == b"abcde\nfgh"[size:]
    assert splitter.pop() is None


def test_whoever_reads_on_gets_the_chunk_under_construction() -> None:
    chunker = ByteChunker(4)
    chunker.push(b"abcdef")
    assert (chunker.pop(), chunker.pop()) == (b"abcd", None)
    assert chunker.leave() == b"ef"


def test_whoever_reads_on_gets_the_beginning_of_a_character() -> None:
    chunker = TextChunker(2)
    chunker.push("aé".encode())
    assert chunker.pop() == "a"
    assert chunker.leave() == "é".encode()


def test_recoded_text_is_not_given_back() -> None:
    """What is held of it is no longer as it came."""
    splitter = LineSplitter("utf-16-le")
    splitter.push("ab\ncd".encode("utf-16-le"))
    assert splitter.pop() == "ab"
    assert splitter.leave() == b""
