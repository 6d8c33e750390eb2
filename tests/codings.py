"""Content in content codings for tests: how it is made, fed to a decoder, and what came out. No test lives here."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import NamedTuple

import pytest

from httpstream import DecodingError
from httpstream._config import MessageLimits
from httpstream._decoders import make_decoder

LIMITS = MessageLimits()
CODINGS = ["gzip", "deflate", "br", "zstd"]
MIB = 1024 * 1024
TEXT = " ".join(str(number) for number in range(3000)).encode()


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
    assert all(len(piece) <= MIB for piece in pieces)
    return b"".join(pieces), caught.value


def raw_deflate(data, level=6):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


class Flushing:
    """Compresses messages one after the other in one stream, and flushes each; `finish()` gives the end."""

    def __init__(self, coding):
        self._mode = ()
        if coding in ("gzip", "deflate"):
            self._compressor = zlib.compressobj(6, zlib.DEFLATED, 31 if coding == "gzip" else 15)
            self._compress, self._mode = self._compressor.compress, (zlib.Z_SYNC_FLUSH,)
            self.finish = self._compressor.flush
        elif coding == "br":
            brotli = pytest.importorskip("brotli", reason="brotli is not installed")
            self._compressor = brotli.Compressor()
            self._compress, self.finish = self._compressor.process, self._compressor.finish
        else:
            zstd = zstd_module()
            self._compressor = zstd.ZstdCompressor()
            self._compress, self._mode = self._compressor.compress, (zstd.ZstdCompressor.FLUSH_BLOCK,)
            self.finish = self._compressor.flush

    def __call__(self, message):
        return self._compress(message) + self._compressor.flush(*self._mode)


def flushed(codings, messages):
    """Each message as what a server sends for it when it flushes, and at last the end of the codings."""
    sent = list(messages)
    for coding in codings:
        compress = Flushing(coding)
        sent = [compress(piece) for piece in sent]
        sent[-1] += compress.finish()
    return sent


# Contents to cut


class Coded(NamedTuple):
    """Content in its codings. ends: at which offsets it may end, and what it is if it ends there."""

    codings: str
    coded: bytes
    ends: dict[int, bytes]

    @property
    def plain(self):
        return self.ends[len(self.coded)]

    def must_give(self, size):
        """What the first bytes must be decoded to, whatever follows: all members that are whole."""
        return self.ends[max(end for end in self.ends if end <= size)]


def joined(codings, *parts):
    """Parts of (coded, plain) that may stand alone: members and frames, one after the other."""
    coded, plain, ends = b"", b"", {0: b""}  # no content at all is complete
    for part, its_plain in parts:
        coded += part
        plain += its_plain
        ends[len(coded)] = plain
    return Coded(codings, coded, ends)


def _zstd(data, **options):
    """One frame made by a stream, so that its header need not tell the size; options: zstd's parameters."""
    zstd = zstd_module()
    named = {getattr(zstd.CompressionParameter, name): value for name, value in options.items()}
    compressor = zstd.ZstdCompressor(options=named or None)
    return compressor.compress(data) + compressor.flush()


def _br(data, **options):
    return pytest.importorskip("brotli", reason="brotli is not installed").compress(data, **options)


def gzip_with_fields(data):
    """A member with a name and a comment, a checksum of its header, and an extra field."""
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x05\0extra" + b"name.txt\0" + b"a comment\0"
    return header + (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little") + gzip.compress(data)[10:]


def skippable_frame(size):
    """RFC 8878 section 3.1.2."""
    return (0x184D2A53).to_bytes(4, "little") + size.to_bytes(4, "little") + b"s" * size


def contents_to_cut():
    """name: Coded, each about a hundred bytes, so that every offset can be tried."""
    one = b"".join(b"%d bottles on the wall\n" % number for number in range(20, 0, -1))
    two = b"\xc3\xa4" * 20 + b"and the end"
    stored = zlib.compressobj(0, zlib.DEFLATED, -15)
    contents = {
        "gzip": joined("gzip", (gzip.compress(one), one)),
        "gzip with all fields": joined("gzip", (gzip_with_fields(one), one)),
        "gzip of two members": joined("gzip", (gzip.compress(one), one), (gzip.compress(two), two)),
        "gzip of empty members": joined("gzip", *[(gzip.compress(b""), b"")] * 3, (gzip.compress(two), two)),
        "gzip and padding": joined("gzip", (gzip.compress(one), one), *[(b"\0", b"")] * 20),
        "x-gzip": joined("X-GZip", (gzip.compress(two), two)),
        "deflate": joined("deflate", (zlib.compress(one), one)),
        "raw deflate": joined("deflate", (raw_deflate(one), one)),
        "stored deflate": joined("deflate", (stored.compress(two) + stored.flush(), two)),
        "zstd": joined("zstd", (zstd_module().compress(one), one)),
        "zstd with a checksum": joined("zstd", (_zstd(one, checksum_flag=1), one)),
        "zstd with the smallest window": joined("zstd", (_zstd(one * 9, window_log=10), one * 9)),
        "zstd with the largest window": joined("zstd", (_zstd(one, window_log=27), one)),
        "zstd of three frames": joined("zstd", *[(_zstd(part), part) for part in (one, b"", two)]),
        "zstd with skippable frames": joined(
            "zstd", (skippable_frame(9), b""), (_zstd(two), two), (skippable_frame(0), b"")
        ),
        "br": joined("br", (_br(one), one)),
        "br with the largest window": joined("br", (_br(one, lgwin=24), one)),
        "br of bytes that do not compress": joined("br", (_br(bytes(range(90))), bytes(range(90)))),
    }
    for inner, outer in [("gzip", "gzip"), ("deflate", "br"), ("br", "zstd"), ("zstd", "deflate")]:
        coded = encode(outer, encode(inner, one))
        contents[f"{inner} in {outer}"] = joined(f"{inner}, {outer}", (coded, one))
    members = [(gzip.compress(line), line) for line in (b"%d\n" % number for number in range(1000))]
    contents["gzip of a thousand members"] = joined("gzip", *members)
    return contents


def offsets_to_cut(content, step=1):
    """Every offset; of long content those in its first and last members. step: that many, and all of the trailer."""
    size = len(content.coded)
    if size < 2000:
        return sorted({*range(0, size, step), *range(size - 12, size + 1)} - {-1})
    return [*range(0, 60, step), *range(size // 2, size // 2 + 30, step), *range(size - 60, size + 1)]
