r"""Any split of the input gives what plain Python gives for the whole."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpstream._chunker import ByteChunker, Splitter, TextChunker
from httpstream._lines import LineSplitter
from tests import reference_splitters as reference

# Bytes that matter to a line splitter or a decoder, often.
TRICKY = st.lists(
    st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\r\n",
            b"a",
            b"bc",
            b"",
            "é".encode(),
            "€".encode(),
            "𝄞".encode(),
            b"\xff",
            b"\xe2\x80",
        ]
    ),
    max_size=30,
).map(b"".join)
CUTS = st.lists(st.integers(0, 100), max_size=12)


def items_of(splitter: Splitter, pieces: Iterable[bytes]) -> list:
    found = []
    for piece in pieces:
        splitter.push(piece)
        while (item := splitter.pop()) is not None:
            found.append(item)
    while (item := splitter.finish()) is not None:
        found.append(item)
    return found


@given(data=TRICKY, cuts=CUTS)
def test_lines_of_bytes(data: bytes, cuts: list[int]) -> None:
    assert items_of(LineSplitter(), reference.cut(data, cuts)) == reference.lines(data)


@given(
    data=TRICKY,
    cuts=CUTS,
    encoding=st.sampled_from(
        [
            "utf-8",
            "latin-1",
            "ascii",
            "cp1252",
            "utf-16",
            "utf-16-le",
            "utf-8-sig",
            "shift_jis",
            "iso2022_jp",
            "gb18030",
        ]
    ),
)
def test_lines_of_text_are_the_lines_of_the_decoded_whole(
    data: bytes, cuts: list[int], encoding: str
) -> None:
    expected = reference.text_lines(data.decode(encoding, "replace"))
    assert items_of(LineSplitter(encoding), reference.cut(data, cuts)) == expected


@given(data=TRICKY, cuts=CUTS, size=st.integers(1, 40))
def test_exact_chunks(data: bytes, cuts: list[int], size: int) -> None:
    assert items_of(ByteChunker(size), reference.cut(data, cuts)) == reference.exact_chunks(data, size)


@given(data=TRICKY, cuts=CUTS)
def test_chunks_as_received_are_the_pieces_themselves(data: bytes, cuts: list[int]) -> None:
    pieces = reference.cut(data, cuts)
    chunks = items_of(ByteChunker(None), pieces)
    assert all(chunk is piece for chunk, piece in zip(chunks, pieces, strict=True))


@given(sizes=st.lists(st.integers(1, 5000), max_size=6))
def test_chunks_as_they_arrive_never_wait(sizes: list[int]) -> None:
    pieces = [random.Random(size).randbytes(size) for size in sizes]
    assert items_of(ByteChunker(), pieces) == reference.arriving_chunks(pieces, 1024)


@given(
    data=TRICKY,
    cuts=CUTS,
    size=st.integers(1, 9),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-32", "cp1252"]),
)
def test_text_chunks_count_bytes_before_decoding(
    data: bytes, cuts: list[int], size: int, encoding: str
) -> None:
    expected = reference.text_chunks(reference.exact_chunks(data, size), encoding)
    assert items_of(TextChunker(size, encoding), reference.cut(data, cuts)) == expected


@pytest.mark.slow
def test_a_million_random_splits_agree_with_plain_python() -> None:
    """Half of them lines, half of them chunks; the seed is fixed, so a failure can be repeated."""
    dice = random.Random(20260)
    alphabet = [b"\r", b"\n", b"\r\n", b"x", b"yz", "é".encode(), b"\xf0\x9d"]
    for _ in range(10_000):
        data = b"".join(dice.choices(alphabet, k=dice.randrange(1, 16)))
        expected_lines = reference.lines(data)
        size = dice.randrange(1, 8)
        expected_chunks = reference.exact_chunks(data, size)
        for _ in range(50):
            pieces = reference.cut(data, [dice.randrange(len(data)) for _ in range(dice.randrange(4))])
            assert items_of(LineSplitter(), pieces) == expected_lines, (data, pieces)
            assert items_of(ByteChunker(size), pieces) == expected_chunks, (data, pieces, size)
