"""The same bytes give the same outcome, however they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference_splitters import cut
from tests.wire import BAD, GOOD, Outcome, parse

WIRE = {
    **{name: wire for name, (wire, _, _) in GOOD.items()},
    **{name: wire for name, (wire, _, _) in BAD.items()},
}


def outcomes(pieces: list[bytes]) -> tuple[Outcome, Outcome]:
    return parse(pieces), parse(pieces, end=False)


@pytest.mark.parametrize("name", WIRE)
def test_byte_by_byte(name: str) -> None:
    wire = WIRE[name]
    assert outcomes([wire[at : at + 1] for at in range(len(wire))]) == outcomes([wire] if wire else [])


@pytest.mark.parametrize("name", WIRE)
def test_cut_once_at_every_place(name: str) -> None:
    wire = WIRE[name]
    expected = outcomes([wire] if wire else [])
    for at in range(1, len(wire)):
        assert outcomes([wire[:at], wire[at:]]) == expected, at


@given(name=st.sampled_from(sorted(WIRE)), cuts=st.lists(st.integers(1, 200), max_size=8))
def test_any_split(name: str, cuts: list[int]) -> None:
    assert outcomes(cut(WIRE[name], cuts)) == outcomes(cut(WIRE[name], []))


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=5000), max_size=8),
    cuts=st.lists(st.integers(0, 12_000), max_size=8),
)
def test_chunked_content_survives_any_framing(chunks: list[bytes], cuts: list[int]) -> None:
    """Also where short spans are moved together and long ones are not."""
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"
    outcome = parse(cut(wire, cuts), end=False)
    assert (outcome.content, outcome.complete) == (b"".join(chunks), True)


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_any_bytes_at_all(data: bytes, cuts: list[int]) -> None:
    assert outcomes(cut(data, cuts)) == outcomes(cut(data, []))
