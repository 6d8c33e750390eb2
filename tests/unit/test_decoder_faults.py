"""What is handed over in front of a fault inside a coding: all that the bytes before the faulty one stand for."""

from __future__ import annotations

import gzip
import random
import sys
import time
import tracemalloc
import zlib

import pytest

from httpstream._config import MessageLimits
from httpstream._decoders import make_decoder
from httpstream._decoders.replay import KEPT_BYTES
from tests.codings import CODINGS, LIMITS, MIB, TEXT, Flushing, decode_until_error, drain, encode, zstd_module


def broken_at(coding, good, size=300):
    """Content whose first `good` bytes can be decoded, all of it flushed, with something that no coding allows."""
    compress = Flushing(coding)
    coded = b"".join(compress(good[at : at + size]) for at in range(0, len(good), size))
    # deflate: a block of the type that does not exist; br and zstd: reserved bits.
    return coded + b"\xff" * 20


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, 100, MIB])
def test_everything_in_front_of_a_fault_is_handed_over(coding, size, inflate):
    decoded, error = decode_until_error([coding], broken_at(coding, TEXT), size)
    assert decoded == TEXT
    assert "is broken within its first" in str(error)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])  # br has none
def test_a_wrong_checksum_comes_behind_what_it_was_counted_from(coding, inflate):
    zstd = zstd_module()
    options = {zstd.CompressionParameter.checksum_flag: 1}
    coded = zstd.compress(TEXT, options=options) if coding == "zstd" else encode(coding, TEXT)
    decoded, _ = decode_until_error([coding], coded[:-1] + bytes([coded[-1] ^ 1]))
    assert decoded == TEXT


def test_what_stands_behind_brotli_does_not_cost_its_content():
    decoded, _ = decode_until_error(["br"], encode("br", TEXT) + b"x")
    assert decoded == TEXT


@pytest.mark.parametrize("codings", [("gzip", "gzip"), ("br", "gzip"), ("gzip", "zstd")])
def test_everything_in_front_of_a_fault_comes_through_two_codings(codings, inflate):
    inner, outer = codings
    assert decode_until_error(codings, encode(outer, broken_at(inner, TEXT)))[0] == TEXT
    compress = Flushing(outer)
    assert decode_until_error(codings, compress(encode(inner, TEXT)) + b"\xff" * 20)[0] == TEXT


def test_zlib_gives_everything_in_front_of_a_fault_however_late_it_comes(monkeypatch):
    """Its members are copied on the way."""
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    for body in (random.Random(1).randbytes(5 * KEPT_BYTES), bytes(5 * KEPT_BYTES)):
        for size in (1000, MIB, 8 * MIB):
            decoded, _ = decode_until_error(["gzip"], broken_at("gzip", body, 10_000), size)
            assert decoded == body


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_the_other_libraries_lose_less_than_one_piece_of_a_long_member(coding):
    body = random.Random(1).randbytes(5 * KEPT_BYTES)
    decoded, _ = decode_until_error([coding], broken_at(coding, body, 10_000))
    assert body.startswith(decoded)
    assert len(decoded) > len(body) - 128 * 1024


@pytest.mark.parametrize("coding", CODINGS)
def test_a_limit_holds_for_what_stands_in_front_of_a_fault(coding, inflate):
    limits = MessageLimits(max_decoded_bytes=len(TEXT) - 1)
    decoded, error = decode_until_error([coding], broken_at(coding, TEXT), limits=limits)
    assert decoded == TEXT[:-1]
    assert "max_decoded_bytes" in str(error)


@pytest.mark.slow
@pytest.mark.parametrize("coding", CODINGS)
def test_a_fault_behind_very_much_costs_little_more_than_that(coding, inflate):
    """The content in front of it is not decompressed again from its beginning, nor kept."""
    coded = broken_at(coding, bytes(16 * MIB), MIB)

    def seconds(data):
        start = time.process_time()
        decode_until_error([coding], data)
        return time.process_time() - start

    assert seconds(coded) < 5 * seconds(coded[:-20]) + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("coding", CODINGS)
def test_little_is_kept_of_what_was_taken(coding, inflate):
    coded = encode(coding, random.Random(7).randbytes(8 * MIB))
    decoder = make_decoder([coding], LIMITS)
    drain(decoder, coded[:100])  # what the library needs is not counted
    tracemalloc.start()
    for at in range(100, len(coded), 50_000):
        drain(decoder, coded[at : at + 50_000])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MIB
    decoder.finish()


def test_what_br_holds_back_comes_in_front_of_a_fault_in_bounded_pieces():
    """The library gives what it has decoded when its window is full, 4 MiB here, or at the end of its input."""
    brotli = pytest.importorskip("brotli", reason="brotli is not installed")
    packer = brotli.Compressor()
    coded = packer.process(bytes(3 * MIB)) + packer.flush()
    decoded, _ = decode_until_error(["br"], coded + b"\xff" * 20)
    assert KEPT_BYTES <= len(decoded) <= 3 * MIB
    assert decoded == bytes(len(decoded))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_members_of_zlib_and_of_isal_give_the_same_in_front_of_a_fault(coding, monkeypatch):
    pytest.importorskip("isal", reason="isal is not installed")
    rng = random.Random(6)
    cases = []
    for _ in range(100):
        coded = bytearray(gzip.compress(TEXT) if coding == "gzip" else zlib.compress(TEXT))
        coded[rng.randrange(20, len(coded))] ^= 1 << rng.randrange(8)
        cases.append(bytes(coded))
    by_isal = [decode_until_error([coding], coded)[0] for coded in cases]
    monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    by_zlib = [decode_until_error([coding], coded)[0] for coded in cases]
    # Within the byte that shows the fault either may be a few symbols ahead.
    for one, other in zip(by_isal, by_zlib, strict=True):
        assert one.startswith(other) or other.startswith(one)
        assert abs(len(one) - len(other)) < 1000
