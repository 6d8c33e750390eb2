r"""Any split of the input gives the events, and the values of JSON lines, that plain Python finds in the whole."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from httpstream import InvalidJSONLine, ServerSentEvent, SSEError
from httpstream._events import EventSplitter
from httpstream._iterators import NULL_ITEM
from httpstream._json_lines import JSONLineSplitter
from tests import reference_splitters as reference

EVENT_PARTS = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b":",
        b": ",
        b" ",
        b"data",
        b"data:",
        b"data: a\n",
        b"event: b\n",
        b"id:",
    ),
    *(b"id: 1\n", b"id: \0\n", b"retry: 10\n", b"retry:", b"1", b"x", b"\xef\xbb\xbf", b"\xff", b"\xe2\x80"),
    *("é".encode(), "\u2028".encode(), "𝄞".encode(), b": comment\n"),
]
EVENTS = st.lists(st.sampled_from(EVENT_PARTS), max_size=30).map(b"".join)
CUTS = st.lists(st.integers(0, 100), max_size=12)


def events_of(pieces: list[bytes], limit: int | None) -> tuple[list[reference.Event], bool]:
    splitter = EventSplitter(ServerSentEvent, limit)
    found = []
    try:
        for piece in pieces:
            splitter.push(piece)
            while (event := splitter.pop()) is not None:
                found.append((event.event, event.data, event.id, event.retry))
    except SSEError:
        return found, True
    assert splitter.finish() is None
    return found, False


@given(data=EVENTS, cuts=CUTS, limit=st.none() | st.integers(0, 40))
def test_events(data: bytes, cuts: list[int], limit: int | None) -> None:
    assert events_of(reference.cut(data, cuts), limit) == reference.events(data, limit)


LINES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"\t"])
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"),
    max_size=10,
).map(b"".join)


@given(data=LINES, bom=st.sampled_from([b"", reference.BOM]), cuts=CUTS)
def test_values_of_lines(data: bytes, bom: bytes, cuts: list[int]) -> None:
    splitter = JSONLineSplitter()
    found = []
    for piece in reference.cut(bom + data, cuts):
        splitter.push(piece)
        while (value := splitter.pop()) is not None:
            found.append(value)
    while (value := splitter.finish()) is not None:
        found.append(value)
    assert [None if value is NULL_ITEM else value for value in found] == reference.json_values(bom + data)


@given(lines=st.lists(st.sampled_from([b"1", b"", b" ", b"[]"]), max_size=9), cuts=CUTS)
def test_the_line_that_is_none_has_its_number(lines: list[bytes], cuts: list[int]) -> None:
    splitter = JSONLineSplitter()
    with pytest.raises(InvalidJSONLine) as caught:
        for piece in reference.cut(b"\r\n".join([*lines, b"{", b"1\n"]), cuts):
            splitter.push(piece)
            while splitter.pop() is not None:
                pass
    assert caught.value.lineno == len(lines) + 1


@pytest.mark.slow
def test_many_random_splits_agree_with_plain_python() -> None:
    """The seed is fixed, so a failure can be repeated."""
    dice = random.Random(20261)
    for _ in range(10_000):
        data = b"".join(dice.choices(EVENT_PARTS, k=dice.randrange(1, 20)))
        limit = dice.choice((None, None, 10, 20))
        expected = reference.events(data, limit)
        for _ in range(20):
            pieces = reference.cut(data, [dice.randrange(len(data) + 1) for _ in range(dice.randrange(5))])
            assert events_of(pieces, limit) == expected, (data, pieces, limit)
