"""Content codings: which are known, what is decoded when, how much at a time, and what is refused."""

from __future__ import annotations

import gzip
import itertools
import random
import subprocess
import sys
import textwrap
import time
import zlib

import pytest

from httpstream import DecodingError, _decoders
from httpstream._config import MessageLimits
from httpstream._decoders import make_decoder, supported_codings
from tests.codings import (
    CODINGS,
    LIMITS,
    MIB,
    TEXT,
    Flushing,
    decode,
    decode_until_error,
    drain,
    encode,
    raw_deflate,
    zstd_module,
)

# Which codings


def test_codings_are_offered_in_the_order_of_httpx():
    assert supported_codings() == [coding for coding in CODINGS if coding in supported_codings()]
    assert supported_codings()[:2] == ["gzip", "deflate"]


@pytest.fixture
def _nothing_is_known_of_what_is_installed():
    _decoders._is_installed.cache_clear()
    yield
    _decoders._is_installed.cache_clear()


@pytest.mark.usefixtures("_nothing_is_known_of_what_is_installed")
def test_a_coding_whose_library_is_blocked_is_not_offered(monkeypatch):
    for name in ("brotli", "brotlicffi", "backports.zstd", "_zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    assert supported_codings() == ["gzip", "deflate"]


def test_the_libraries_are_loaded_only_for_their_coding():
    script = """
        import sys
        before = set(sys.modules)
        from httpstream._decoders import supported_codings
        supported_codings()
        libraries = {"zlib", "brotli", "_brotli", "brotlicffi", "isal", "_zstd", "backports.zstd"}
        print(sorted(libraries & (set(sys.modules) - before)))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("codings", [[], ["identity"], ["unknown"], ["identity", "compress"], [""]])
def test_identity_and_unknown_codings_leave_the_content_as_it_is(codings):
    assert make_decoder(codings, LIMITS) is None


def test_an_unknown_coding_beside_a_known_one_is_passed_over():
    assert decode(["unknown", "gzip", "identity"], gzip.compress(TEXT)) == TEXT


@pytest.mark.parametrize("name", ["GZip", " gzip ", "x-gzip", "X-GZIP"])
def test_names_of_codings_have_no_case_and_x_gzip_is_gzip(name):
    """RFC 9110 sections 8.4.1 and 8.4.1.3."""
    assert decode([name], gzip.compress(TEXT) + gzip.compress(TEXT) + b"\0\0") == TEXT + TEXT


def test_a_coding_whose_library_is_absent_leaves_the_content_as_it_is(monkeypatch):
    for name in ("brotli", "brotlicffi", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    assert make_decoder(["br"], LIMITS) is None
    assert make_decoder(["zstd"], LIMITS) is None


# Every coding: whole, cut, broken, empty


@pytest.mark.parametrize("size", [1, 2, 7, 1000, MIB])
@pytest.mark.parametrize("coding", CODINGS)
def test_content_is_decoded_whatever_pieces_it_comes_in(coding, size, inflate):
    assert decode([coding], encode(coding, TEXT), size) == TEXT


@pytest.mark.parametrize("coding", CODINGS)
def test_input_that_is_given_before_the_output_was_taken_is_not_lost(coding, inflate):
    body = random.Random(3).randbytes(3 * MIB)
    coded = encode(coding, body)
    decoder = make_decoder([coding], LIMITS)
    first = decoder.decode(coded[:-50])
    assert not decoder.needs_input
    assert first + b"".join(drain(decoder, coded[-50:])) == body
    decoder.finish()


@pytest.mark.parametrize("coding", CODINGS)
def test_the_coding_of_empty_content_is_decoded(coding, inflate):
    assert decode([coding], encode(coding, b""), 1) == b""


@pytest.mark.parametrize("codings", [["gzip"], ["deflate"], ["br"], ["zstd"], ["gzip", "deflate"]])
def test_content_of_no_bytes_is_complete(codings, inflate):
    """A 304 and the answer to HEAD have a Content-Encoding and no content."""
    decoder = make_decoder(codings, LIMITS)
    if decoder is None:
        pytest.skip("its library is not installed")
    decoder.finish()


@pytest.mark.parametrize("coding", CODINGS)
def test_content_that_ends_before_its_coding_is_an_error_after_the_good_data(coding, inflate):
    coded = encode(coding, TEXT[:600])
    for end in range(1, len(coded)):
        for size in (1, MIB):
            decoded, _ = decode_until_error([coding], coded[:end], size)
            assert TEXT[:600].startswith(decoded)
    # All of the content is there when only the trailer is cut; and the error comes with finish() alone.
    if coding in ("gzip", "deflate"):
        decoder = make_decoder([coding], LIMITS)
        assert b"".join(drain(decoder, coded[:-1])) == TEXT[:600]
        with pytest.raises(DecodingError, match="cut: it ends after"):
            decoder.finish()


@pytest.mark.parametrize("coding", CODINGS)
def test_neither_of_two_codings_may_be_cut(coding, inflate):
    coded = gzip.compress(encode(coding, TEXT)[:-1])
    _, error = decode_until_error([coding, "gzip"], coded)
    assert f"coded with {coding}, is cut" in str(error)
    coded = gzip.compress(encode(coding, TEXT))[:-1]
    decoded, error = decode_until_error([coding, "gzip"], coded)
    assert decoded == TEXT
    assert "coded with gzip, is cut" in str(error)


@pytest.mark.parametrize("coding", CODINGS)
def test_garbage_is_an_error_with_the_coding_named(coding, inflate):
    for size in (1, MIB):
        decoded, error = decode_until_error([coding], b"\xff\xfe this was never compressed", size)
        assert decoded == b""
        assert str(error).startswith(f"the content, coded with {coding}, is broken within its first ")


@pytest.mark.parametrize("coding", CODINGS)
def test_an_error_stays(coding, inflate):
    decoder = make_decoder([coding], LIMITS)
    errors = []
    for call in (
        lambda: decoder.decode(b"\xff" * 100),
        lambda: decoder.decode(encode(coding, TEXT)),
        decoder.finish,
    ):
        with pytest.raises(DecodingError) as caught:
            call()
        errors.append(str(caught.value))
    assert len(set(errors)) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_wrong_checksum_or_length_is_an_error(coding, inflate):
    coded = encode(coding, TEXT)
    for place in range(1, 9 if coding == "gzip" else 5):
        broken = bytearray(coded)
        broken[-place] ^= 0x10
        for size in (1, MIB):
            decode_until_error([coding], bytes(broken), size)


# Flushed data


@pytest.mark.parametrize("coding", CODINGS)
def test_flushed_data_is_handed_over_at_once(coding, inflate):
    compress = Flushing(coding)
    decoder = make_decoder([coding], LIMITS)
    for number in range(300):
        message = b"data: %d\n\n" % number
        assert drain(decoder, compress(message)) == [message]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [32_752, 32_768, 65_535, 65_536, 65_537, 131_072, 500_000])
def test_flushed_data_of_any_size_is_handed_over_at_once(coding, size, inflate):
    """A library gives its output in blocks of its own: brotli stops after the first, which has 32,752 bytes."""
    compress = Flushing(coding)
    decoder = make_decoder([coding], LIMITS)
    for message in (random.Random(size).randbytes(size), bytes(size)):
        assert b"".join(drain(decoder, compress(message))) == message


@pytest.mark.parametrize("codings", list(itertools.permutations(CODINGS, 2)))
def test_flushed_data_is_handed_over_at_once_through_two_codings(codings, inflate):
    inner, outer = map(Flushing, codings)
    decoder = make_decoder(codings, LIMITS)
    for number in range(50):
        message = b"data: %d\n\n" % number
        assert b"".join(drain(decoder, outer(inner(message)))) == message


# Several codings


@pytest.mark.parametrize("codings", list(itertools.product(CODINGS, CODINGS)))
@pytest.mark.parametrize("size", [1, 50, MIB])
def test_several_codings_are_removed_in_reverse_order(codings, size, inflate):
    coded = encode(codings[1], encode(codings[0], TEXT))
    assert decode(codings, coded, size) == TEXT


def test_the_number_of_codings_is_limited():
    coded = TEXT
    for _ in range(5):
        coded = gzip.compress(coded)
    assert decode(["gzip"] * 5, coded) == TEXT
    with pytest.raises(DecodingError, match="max_codings is 5"):
        make_decoder(["gzip"] * 6, LIMITS)
    # Those that are not decoded do not count: they cost nothing.
    assert make_decoder(["gzip"] * 5 + ["identity"] * 100, LIMITS) is not None


# Bounds


@pytest.mark.parametrize("coding", CODINGS)
def test_no_piece_is_larger_than_one_mebibyte(coding, inflate):
    decoder = make_decoder([coding], LIMITS)
    pieces = drain(decoder, encode(coding, bytes(20 * MIB)))
    decoder.finish()
    assert sum(map(len, pieces)) == 20 * MIB
    assert max(map(len, pieces)) <= MIB
    assert all(pieces[:-1])  # an empty piece comes only where more input is needed


def test_a_piece_that_is_just_full_does_not_hide_what_is_behind_it(inflate):
    """A library that gave as much as it was asked for may hold more, also where it has taken all of its input."""
    for size in range(256 * 1024 - 2, 256 * 1024 + 600, 19):
        body = bytes(size)
        assert decode(["deflate"], raw_deflate(body)) == body
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        decoder = make_decoder(["deflate"], LIMITS)
        flushed = compressor.compress(body) + compressor.flush(zlib.Z_PARTIAL_FLUSH)
        assert b"".join(drain(decoder, flushed)) == body


def test_no_piece_of_two_codings_is_larger_than_one_mebibyte(inflate):
    decoder = make_decoder(["deflate", "gzip"], LIMITS)
    pieces = drain(decoder, gzip.compress(zlib.compress(bytes(50 * MIB))))
    decoder.finish()
    assert sum(map(len, pieces)) == 50 * MIB
    assert max(map(len, pieces)) <= MIB


MEMORY_OF_A_FIRST_PIECE = """
    import re, sys
    from httpstream._config import MessageLimits
    from httpstream._decoders import make_decoder

    def peak():
        with open("/proc/self/status") as status:
            return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) * 1024

    codings, path = sys.argv[1].split(","), sys.argv[2]
    if sys.argv[3] == "zlib":
        sys.modules["isal.igzip_lib"] = None
    warm = make_decoder(codings, MessageLimits())  # loads the libraries
    with open(path, "rb") as file:
        coded = file.read()
    decoder = make_decoder(codings, MessageLimits())
    before = peak()
    piece = decoder.decode(coded)
    assert piece and not decoder.needs_input
    print(peak() - before)
"""


def bomb(coding, path):
    """Write 200 MB of zeros, compressed without ever being in memory; the end is never reached."""
    zeros, rounds = bytes(MIB), 200
    if coding in ("gzip", "deflate"):
        compressor = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
        first = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
        block = compressor.compress(zeros) + compressor.flush(zlib.Z_FULL_FLUSH)
        pieces = [first] + [block] * rounds
    elif coding == "br":
        compressor = pytest.importorskip("brotli", reason="brotli is not installed").Compressor(quality=3)
        pieces = [compressor.process(zeros) for _ in range(rounds)] + [compressor.finish()]
    else:
        compressor = zstd_module().ZstdCompressor()
        pieces = [compressor.compress(zeros) for _ in range(rounds)] + [compressor.flush()]
    path.write_bytes(b"".join(pieces))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("coding", "library"),
    [("gzip", "isal"), ("gzip", "zlib"), ("deflate", "isal"), ("deflate", "zlib"), ("br", ""), ("zstd", "")],
)
def test_the_first_piece_of_a_bomb_costs_little_memory(coding, library, tmp_path):
    path = tmp_path / "bomb"
    bomb(coding, path)
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEMORY_OF_A_FIRST_PIECE), coding, str(path), library],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 8 * MIB


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [1, MIB])
def test_decoded_bytes_are_limited(coding, size, inflate):
    body = bytes(MIB) if size > 1 else TEXT
    coded = encode(coding, body)
    assert decode([coding], coded, size, MessageLimits(max_decoded_bytes=len(body))) == body
    limits = MessageLimits(max_decoded_bytes=len(body) - 1)
    decoded, error = decode_until_error([coding], coded, size, limits)
    assert decoded == body[:-1]
    assert f"more than {len(body) - 1} bytes" in str(error) and "max_decoded_bytes" in str(error)


def test_no_decoded_byte_at_all_may_be_allowed(inflate):
    assert decode(["gzip"], gzip.compress(b""), limits=MessageLimits(max_decoded_bytes=0)) == b""
    decode_until_error(["gzip"], gzip.compress(b"x"), limits=MessageLimits(max_decoded_bytes=0))


@pytest.mark.parametrize("coding", CODINGS)
def test_the_decompression_ratio_is_limited(coding, inflate):
    body = b"z" * MIB
    coded = encode(coding, body)
    ratio = len(body) / len(coded)
    assert decode([coding], coded, limits=MessageLimits(max_decompression_ratio=ratio * 1.0001)) == body
    decoded, error = decode_until_error(
        [coding], coded, limits=MessageLimits(max_decompression_ratio=ratio * 0.99)
    )
    assert len(decoded) == int(ratio * 0.99 * len(coded))
    assert f"from {len(coded)} received (max_decompression_ratio)" in str(error)


def test_the_decompression_ratio_of_two_codings_counts_from_what_was_received(inflate):
    body = bytes(10 * MIB)
    coded = gzip.compress(gzip.compress(body))
    ratio = len(body) / len(coded)
    assert ratio > 1100  # more than either of them alone could have
    limits = MessageLimits(max_decompression_ratio=1100)
    decode_until_error(["gzip", "gzip"], coded, limits=limits)
    assert decode(["gzip", "gzip"], coded, limits=MessageLimits(max_decompression_ratio=ratio + 1)) == body


def test_the_limits_hold_for_what_is_between_two_codings(inflate):
    """Content that unfolds to a great many members of nothing would otherwise keep the decoder busy for long."""
    coded = gzip.compress(gzip.compress(b"") * 10_000)
    assert decode(["gzip", "gzip"], coded) == b""
    decode_until_error(["gzip", "gzip"], coded, limits=MessageLimits(max_decoded_bytes=100_000))


def test_content_that_comes_byte_by_byte_is_decoded_in_linear_time(inflate):
    body = random.Random(2).randbytes(40_000)

    def seconds(length):
        coded = gzip.compress(body[:length])
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            decode(["gzip"], coded, 1)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(40_000) < 4 * 3 * seconds(10_000)


def test_the_pieces_of_the_input_stay_as_they_were(inflate):
    coded = gzip.compress(TEXT) * 3
    copy = bytes(bytearray(coded))
    assert decode(["gzip"], coded, 100) == TEXT * 3
    assert coded == copy
