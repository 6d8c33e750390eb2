"""Content in content codings for tests: how it is made, fed to a decoder, and what came out. No test lives here."""

from __future__ import annotations

import gzip
import sys
import zlib

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
    return b"".join(pieces), caught.value


def raw_deflate(data, level=6):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


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
