"""The formats of the content codings: where each begins and ends, and what may stand behind its end."""

from __future__ import annotations

import gzip
import random
import struct
import sys
import time
import types
import zlib

import pytest

from httpstream import DecodingError
from httpstream._decoders import make_decoder
from tests.codings import (
    LIMITS,
    MIB,
    TEXT,
    decode,
    decode_until_error,
    drain,
    encode,
    raw_deflate,
    skippable_frame,
)

# gzip


@pytest.mark.parametrize("size", [1, 3, 10, 64, MIB])
def test_all_members_are_decoded(size, inflate):
    bodies = [b"first", b"", TEXT, b"last"]
    assert decode(["gzip"], b"".join(map(gzip.compress, bodies)), size) == b"".join(bodies)


def test_members_may_be_cut_at_every_byte(inflate):
    coded = gzip.compress(b"one ") + gzip.compress(b"two ") + gzip.compress(b"three")
    for at in range(len(coded) + 1):
        decoder = make_decoder(["gzip"], LIMITS)
        decoded = b"".join(drain(decoder, coded[:at]) + drain(decoder, coded[at:]))
        decoder.finish()
        assert decoded == b"one two three"


def test_the_members_of_a_piece_are_handed_over_together(inflate):
    """A stream of events, each a member of its own, costs one piece per piece received."""
    events = [b'{"number": %d}\n' % number for number in range(1000)]
    coded = b"".join(gzip.compress(event) for event in events)
    decoder = make_decoder(["gzip"], LIMITS)
    assert drain(decoder, coded) == [b"".join(events)]
    decoder.finish()


def test_tiny_members_cost_the_same_however_many_are_in_a_piece(inflate):
    coded = gzip.compress(b"") * 10_000

    def seconds(data, size):
        start = time.process_time()
        decode(["gzip"], data, size)
        return time.process_time() - start

    seconds(coded, 1024)
    assert min(seconds(coded, MIB) for _ in range(3)) < 2 * min(seconds(coded, 1024) for _ in range(3)) + 0.01


@pytest.mark.parametrize("size", [1, 5, MIB])
def test_zeros_behind_the_last_member_are_padding(size, inflate):
    assert decode(["gzip"], gzip.compress(TEXT) + bytes(512), size) == TEXT
    coded = gzip.compress(TEXT) + bytes(7) + gzip.compress(b"more") + bytes(1)
    assert decode(["gzip"], coded, size) == TEXT + b"more"


@pytest.mark.parametrize(
    "tail", [b"x", b"\x1f", b"\x1f\x8b\x08", b"\r\n", b"\0\0garbage", b"\0x", bytes(100) + b"\x01"]
)
def test_anything_else_behind_a_member_is_an_error_after_the_good_data(tail, inflate):
    for size in (1, MIB):
        decoded, _ = decode_until_error(["gzip"], gzip.compress(TEXT) + tail, size)
        assert decoded == TEXT


def gzip_header(flags, extra=b"extra", name=b"name.txt", comment=b"comment", checksum_change=0):
    header = bytes([0x1F, 0x8B, 8, flags, 1, 2, 3, 4, 0, 3])
    if flags & 4:
        header += struct.pack("<H", len(extra)) + extra
    if flags & 8:
        header += name + b"\0"
    if flags & 16:
        header += comment + b"\0"
    if flags & 2:
        header += struct.pack("<H", (zlib.crc32(header) & 0xFFFF) ^ checksum_change)
    return header


def gzip_with(header, body):
    return header + gzip.compress(body)[10:]


@pytest.mark.parametrize("flags", range(32))
def test_every_kind_of_gzip_header_may_be_cut_at_every_byte(flags, inflate):
    """RFC 1952 section 2.3.1: text, header checksum, extra field, name, comment."""
    header = gzip_header(flags)
    coded = gzip_with(header, TEXT[:300]) + gzip_with(header, b"second")
    for size in (1, 3, MIB):
        assert decode(["gzip"], coded, size) == TEXT[:300] + b"second"
    for at in range(len(header) + 2):
        decoder = make_decoder(["gzip"], LIMITS)
        assert b"".join(drain(decoder, coded[:at]) + drain(decoder, coded[at:])) == TEXT[:300] + b"second"
        decoder.finish()


@pytest.mark.parametrize("length", [1000, 1013, 1014, 1015, 3000, 100_000])
@pytest.mark.parametrize("size", [1, 1000, MIB])
def test_a_gzip_header_may_be_long(length, size, inflate):
    if size == 1 and length > 3000:
        size = 100
    for flags in (8, 16, 24):
        coded = gzip_with(gzip_header(flags, name=b"n" * length, comment=b"c" * length), TEXT)
        assert decode(["gzip"], coded, size) == TEXT


@pytest.mark.parametrize(
    "header", [gzip_header(0x20), gzip_header(0x88), b"\x1f\x8b\x07" + bytes(7), b"\x1f\x8c" + bytes(8)]
)
def test_a_header_that_gzip_does_not_have_is_an_error(header, inflate):
    for size in (1, MIB):
        decode_until_error(["gzip"], gzip_with(header, TEXT), size)


def test_a_wrong_header_checksum_is_an_error(inflate):
    decode_until_error(["gzip"], gzip_with(gzip_header(2, checksum_change=1), TEXT))


# deflate


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("body", [b"", b"a", TEXT])
@pytest.mark.parametrize("size", [1, 2, MIB])
def test_deflate_is_the_zlib_format_or_raw(level, body, size, inflate):
    """RFC 9110 section 8.4.1.2: the zlib format, but some servers send raw deflate."""
    assert decode(["deflate"], zlib.compress(body, level), size) == body
    assert decode(["deflate"], raw_deflate(body, level), size) == body


def test_raw_deflate_is_never_taken_for_the_zlib_format(inflate):
    """Its first bytes may be anything, also two that a zlib header's check would let through."""
    rng = random.Random(4)
    lookalikes = 0
    for _ in range(1500):
        body = bytes(rng.choices(b"abcdefgh \n", k=rng.randrange(1, 80)))
        coded = raw_deflate(body)
        lookalikes += int.from_bytes(coded[:2], "big") % 31 == 0
        assert decode(["deflate"], coded) == body
    assert lookalikes > 10


@pytest.mark.parametrize("wbits", range(9, 16))
def test_every_window_of_the_zlib_format_is_recognised(wbits, inflate):
    compressor = zlib.compressobj(6, zlib.DEFLATED, wbits)
    assert decode(["deflate"], compressor.compress(TEXT) + compressor.flush()) == TEXT


@pytest.mark.parametrize("coded", [zlib.compress(TEXT), raw_deflate(TEXT)], ids=["zlib", "raw"])
@pytest.mark.parametrize("tail", [b"x", b"\0", zlib.compress(b"more")])
def test_anything_behind_deflate_is_an_error_after_the_good_data(coded, tail, inflate):
    for size in (1, MIB):
        decoded, error = decode_until_error(["deflate"], coded + tail, size)
        assert decoded == TEXT
        assert f"followed by something else, after {len(coded)} bytes" in str(error)
    decoder = make_decoder(["deflate"], LIMITS)
    drain(decoder, coded)
    with pytest.raises(DecodingError):  # at once, not at the end of the content
        decoder.decode(tail)


def test_a_preset_dictionary_is_an_error(inflate):
    compressor = zlib.compressobj(zdict=b"dictionary")
    decode_until_error(["deflate"], compressor.compress(TEXT) + compressor.flush())
    flags = next(flags for flags in range(0x20, 0x40) if (0x7800 + flags) % 31 == 0)
    decode_until_error(
        ["deflate"], bytes([0x78, flags]) + zlib.compress(TEXT)[2:]
    )  # asked for, and not named


# br and zstd


@pytest.mark.parametrize("tail", [b"x", b"\0", b"\0" * 50])
def test_anything_behind_brotli_is_an_error(tail):
    for size in (1, MIB):
        decode_until_error(["br"], encode("br", TEXT) + tail, size)
    decoder = make_decoder(["br"], LIMITS)
    assert b"".join(drain(decoder, encode("br", TEXT))) == TEXT
    with pytest.raises(DecodingError):
        decoder.decode(tail)


@pytest.fixture
def old_brotli(monkeypatch):
    """A brotli library from before 1.2, whose output has no limit."""
    brotli = pytest.importorskip("brotli", reason="brotli is not installed")

    class Decompressor:
        def __init__(self):
            self._inner = brotli.Decompressor()

        def process(self, data):
            return self._inner.process(data)

        def is_finished(self):
            return self._inner.is_finished()

    monkeypatch.setitem(
        sys.modules, "brotli", types.SimpleNamespace(Decompressor=Decompressor, error=brotli.error)
    )
    return brotli


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 300, MIB])
def test_an_old_brotli_library_serves_too_and_its_pieces_are_bounded(size, old_brotli):
    random_bytes = random.Random(1).randbytes(100_000)
    assert decode(["br"], old_brotli.compress(random_bytes), size) == random_bytes
    zeros = old_brotli.compress(bytes(5 * MIB))
    decoder = make_decoder(["br"], LIMITS)
    pieces = drain(decoder, zeros)
    decoder.finish()
    assert sum(map(len, pieces)) == 5 * MIB
    assert max(map(len, pieces)) <= MIB
    decode_until_error(["br"], zeros[:-1], size)
    decode_until_error(["br"], zeros + b"x", size)


@pytest.mark.parametrize("size", [1, 3, MIB])
def test_all_zstd_frames_are_decoded_and_skippable_ones_skipped(size):
    one, two = encode("zstd", TEXT), encode("zstd", b"two")
    skip = skippable_frame(20)
    assert decode(["zstd"], one + two + encode("zstd", b"") + one, size) == TEXT + b"two" + TEXT
    assert decode(["zstd"], skip + one + skip + skip + two + skippable_frame(0), size) == TEXT + b"two"
    assert decode(["zstd"], skip, size) == b""


@pytest.mark.parametrize("tail", [b"x", b"\0\0\0\0", skippable_frame(9)[:-1], b"not a frame at all"])
def test_a_cut_frame_or_anything_else_behind_a_frame_is_an_error_after_the_good_data(tail):
    for size in (1, MIB):
        decoded, _ = decode_until_error(["zstd"], encode("zstd", TEXT) + tail, size)
        assert decoded == TEXT


def test_the_verdict_on_a_zstd_frame_does_not_depend_on_the_pieces():
    """libzstd refuses a frame with a wrong length only when it gets it whole."""
    coded = encode("zstd", b"")
    for place in range(len(coded)):
        changed = coded[:place] + bytes([coded[place] ^ 1]) + coded[place + 1 :]
        verdicts = set()
        for size in range(1, len(coded) + 1):
            try:
                verdicts.add(decode(["zstd"], changed, size))
            except DecodingError:
                verdicts.add("error")
        assert len(verdicts) == 1, place
