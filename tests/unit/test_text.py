"""Decoding in pieces gives what decoding the whole gives; and what an error message shows of the wire."""

from __future__ import annotations

import sys

import pytest

from httpstream._text import in_our_words, incremental_decoder, with_caret

TEXT = "a€𝄞\r\nÿ\u0a0a"


def decoded(encoding: str, data: bytes, step: int) -> str:
    decoder = incremental_decoder(encoding)
    pieces = [decoder.decode(data[at : at + step]) for at in range(0, len(data), step)]
    return "".join(pieces) + decoder.decode(b"", True)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030", "utf-7"]
)
def test_any_pieces_give_the_text(encoding: str, step: int) -> None:
    assert decoded(encoding, TEXT.encode(encoding), step) == TEXT


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_a_byte_order_mark_counts_and_is_no_text(encoding: str, order: str, step: int) -> None:
    assert decoded(encoding, ("\ufeff" + TEXT).encode(f"{encoding}-{order}"), step) == TEXT


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_without_a_mark_the_order_of_the_machine_counts(encoding: str, step: int) -> None:
    data = TEXT.encode(f"{encoding}-{sys.byteorder[0]}e")
    assert decoded(encoding, data, step) == TEXT == data.decode(encoding)


@pytest.mark.parametrize("data", [b"", b"a", b"\xff", b"\xff\xfe", b"\xff\xfe\x00", b"a\xff\xd8"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "shift_jis", "ascii"])
def test_what_does_not_fit_is_replaced_and_never_an_error(encoding: str, data: bytes) -> None:
    assert decoded(encoding, data, 1) == data.decode(encoding, "replace")


def test_an_encoding_that_is_none_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        incremental_decoder("no-such-encoding")


def test_reasons_are_parts_of_a_sentence() -> None:
    assert in_our_words("Invalid header token") == "invalid header token"
    assert in_our_words("Content-Length overflow") == "Content-Length overflow"
    assert in_our_words("Expected HTTP/, RTSP/ or ICE/") == "expected HTTP/"
    assert in_our_words("`on_reset` callback error") == "`on_reset` callback error"


def test_the_caret_stands_below_the_byte_however_wide_it_is_shown() -> None:
    assert with_caret(b"X: \x1b\xe9b", 5) == "  X: \\x1b\\xe9b\n             ^"
    assert with_caret(b"", 0) == "  \n  ^"
