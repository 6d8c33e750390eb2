"""Content codings: what is decoded, where it ends, what is refused, and how much comes at a time."""

from __future__ import annotations

import gzip
import itertools
import random
import struct
import subprocess
import sys
import textwrap
import time
import types
import zlib

import pytest

from httpstream import DecodingError, _decoders
from httpstream._config import MessageLimits
from httpstream._decoders import make_decoder, supported_codings

LIMITS = MessageLimits()
CODINGS = ["gzip", "deflate", "br", "zstd"]
MIB = 1024 * 1024
TEXT = " ".join(str(number) for number in range(3000)).encode()


@pytest.fixture(params=["isal", "zlib"])
def inflate(request, monkeypatch):
    """Both libraries for gzip and deflate, one after the other."""
    if request.param == "isal":
        pytest.importorskip("isal", reason="isal is not installed")
    else:
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    return request.param


def encode(coding, data):
    if coding == "gzip":
        return gzip.compress(data)
    if coding == "deflate":
        return zlib.compress(data)
    if coding == "br":
        return pytest.importorskip("brotli", reason="brotli is not installed").compress(data, quality=5)
    return zstd_module().compress(data)


def zstd_module():
    if sys.version_info >= (3, 14):
        return pytest.importorskip("compression.zstd", reason="this Python was built without zstd")
    return pytest.importorskip("backports.zstd", reason="backports.zstd is not installed")


def drain(decoder, data):
    """What becomes of one piece of input, as a list of pieces."""
    pieces = [decoder.decode(data)]
    while not decoder.needs_input:
        pieces.append(decoder.decode(b""))
    return pieces


def decode(codings, data, size=MIB, limits=LIMITS):
    """Decode complete content that comes in pieces of `size` bytes."""
    decoder = make_decoder(codings, limits)
    pieces = []
    for at in range(0, len(data), size):
        pieces += drain(decoder, data[at : at + size])
    decoder.finish()
    return b"".join(pieces)


def decode_until_error(codings, data, size=MIB, limits=LIMITS):
    """What was handed over before the DecodingError, and the error."""
    decoder = make_decoder(codings, limits)
    pieces = []
    with pytest.raises(DecodingError) as caught:
        for at in range(0, len(data), size):
            pieces.append(decoder.decode(data[at : at + size]))
            while not decoder.needs_input:
                pieces.append(decoder.decode(b""))
        decoder.finish()
    return b"".join(pieces), caught.value


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


def raw_deflate(data, level=6):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


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


def skippable_frame(size):
    """RFC 8878 section 3.1.2."""
    return struct.pack("<II", 0x184D2A53, size) + b"s" * size


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


# Flushed data


def flushing(coding):
    """A function that compresses a message and flushes it."""
    if coding in ("gzip", "deflate"):
        compressor = zlib.compressobj(6, zlib.DEFLATED, 31 if coding == "gzip" else 15)
        return lambda data: compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    if coding == "br":
        compressor = pytest.importorskip("brotli", reason="brotli is not installed").Compressor()
        return lambda data: compressor.process(data) + compressor.flush()
    zstd = zstd_module()
    compressor = zstd.ZstdCompressor()
    return lambda data: compressor.compress(data, zstd.ZstdCompressor.FLUSH_BLOCK)


@pytest.mark.parametrize("coding", CODINGS)
def test_flushed_data_is_handed_over_at_once(coding, inflate):
    compress = flushing(coding)
    decoder = make_decoder([coding], LIMITS)
    for number in range(300):
        message = b"data: %d\n\n" % number
        assert drain(decoder, compress(message)) == [message]


@pytest.mark.parametrize("codings", list(itertools.permutations(CODINGS, 2)))
def test_flushed_data_is_handed_over_at_once_through_two_codings(codings, inflate):
    inner, outer = map(flushing, codings)
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
