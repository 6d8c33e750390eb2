"""gzip (RFC 1952) and deflate: the zlib format (RFC 1950) or a raw stream (RFC 1951)."""

from __future__ import annotations

import zlib

from .coding import MAX_PREFIX_BYTES, OneCoding, optional_import

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._config import MessageLimits

    from .coding import Member

_FTEXT, _FNAME, _FCOMMENT = 0x01, 0x08, 0x10  # flags of a gzip header (RFC 1952 section 2.3.1)


def make(coding: str, limits: MessageLimits) -> OneCoding:
    """The decoder for gzip, x-gzip or deflate: by ISA-L where that is installed, else by zlib."""
    igzip = optional_import("isal.igzip_lib")
    errors = (zlib.error,) if igzip is None else (zlib.error, igzip.error)
    if coding == "deflate":
        return OneCoding(coding, limits, lambda prefix: _open_deflate(igzip, prefix), errors)
    return OneCoding(
        coding, limits, lambda prefix: _open_gzip(igzip, prefix), errors, allows_more=True, skips_zeros=True
    )


def _open_gzip(igzip: Any, prefix: bytes) -> tuple[Member, int] | None:
    # ISA-L loses its place in a header with a name that comes in two pieces (isal 1.9), so a header of the usual form
    # is taken off here; one with rare fields, a very long one, or what is none goes to zlib.
    if igzip is None:
        return _ZlibMember(31), 0
    if len(prefix) < 10:
        return None
    flags = prefix[3]
    size = 10
    if prefix[:3] == b"\x1f\x8b\x08" and not flags & ~(_FTEXT | _FNAME | _FCOMMENT):
        for flag in (_FNAME, _FCOMMENT):
            if flags & flag and size:
                size = prefix.find(b"\0", size) + 1  # 0: its end is not here yet
        if size:
            return igzip.IgzipDecompressor(igzip.DECOMP_GZIP_NO_HDR_VER), size
        if len(prefix) < MAX_PREFIX_BYTES:
            return None
    return _ZlibMember(31), 0


def _open_deflate(igzip: Any, prefix: bytes) -> tuple[Member, int] | None:
    if len(prefix) < 2:
        return None
    # No raw stream looks like a zlib header: a low nibble of 8 is a stored block with padding other than 0.
    is_zlib = prefix[0] & 0x0F == 8 and prefix[0] >> 4 <= 7 and (prefix[0] << 8 | prefix[1]) % 31 == 0
    if is_zlib and (igzip is None or prefix[1] & 0x20):  # 0x20: a preset dictionary, which zlib refuses
        return _ZlibMember(15), 0
    if igzip is None:
        return _ZlibMember(-15), 0
    if is_zlib:
        return igzip.IgzipDecompressor(igzip.DECOMP_ZLIB_NO_HDR_VER), 2
    return igzip.IgzipDecompressor(igzip.DECOMP_DEFLATE), 0


class _ZlibMember:
    """A gzip, zlib or raw deflate stream by the standard library."""

    __slots__ = ("_inflate", "needs_input")

    def __init__(self, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        piece = self._inflate.decompress(data or self._inflate.unconsumed_tail, max_length)
        # A full piece may leave output behind even where no input is left.
        self.needs_input = len(piece) < max_length and not self._inflate.unconsumed_tail
        return piece

    def copy(self) -> _ZlibMember:
        """A member that goes on from here."""
        twin = _ZlibMember.__new__(_ZlibMember)
        twin._inflate = self._inflate.copy()
        twin.needs_input = self.needs_input
        return twin
