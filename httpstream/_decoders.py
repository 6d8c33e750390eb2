"""Content codings (RFC 9110 section 8.4): coded content in, the bytes that it stands for out.

No I/O and no clock. A piece of output never exceeds 1 MiB, whatever a small input unfolds to, and complete
means proven: end marker and checksum were seen. A library is imported when its coding is first met.

Two layers: a *member* decompresses one gzip member, zstd frame, or deflate or brotli stream, and ends where
that ends; a *decoder* feeds members, knows what may follow one, counts, and turns every library's errors into
DecodingError.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module

from ._exceptions import DecodingError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from ._config import MessageLimits

    class Member(Protocol):
        """One compressed stream.

        ``decompress`` gives about ``max_length`` bytes at most; while ``needs_input`` is False it is called
        with ``b""``. Past its end (``eof``), ``unused_data`` is the input that it did not take.
        """

        @property
        def eof(self) -> bool: ...
        @property
        def needs_input(self) -> bool: ...
        @property
        def unused_data(self) -> bytes: ...
        def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...

    # Given the first bytes of a member: the member and how many bytes to leave out; None: needs more.
    Opener = Callable[[bytes], tuple[Member, int] | None]


__all__ = ["Decoder", "make_decoder", "supported_codings"]

# Bytes asked of a library at a time; brotli gives up to twice of it. Memory of this size is reused by malloc and stays
# in the cache: measured whole, with the receiving, zstd costs 0.65 of what it does at 256 KiB, br 0.8, gzip 0.85.
_OUTPUT_BYTES = 64 * 1024
# Output is collected up to here before it is handed over: tiny members are worth a join, large ones not.
_COLLECT_BYTES = 64 * 1024
# Bytes given to a library at a time: each end of a member, and zlib at each piece of output, copies the rest.
_INPUT_BYTES = 64 * 1024
_MAX_PREFIX_BYTES = 1024  # as many bytes of a member are looked at to choose its decompressor
# Input for a brotli library without a limit for its output: all that can be done there is to feed it slowly.
_UNBOUNDED_INPUT_BYTES = 256


class Decoder:
    """Removes one content coding, or several in a row.

    Feed it with ``decode(data)``, with ``decode(b"")`` while ``needs_input`` is False, and call ``finish()``
    at the end of the content. One owner at a time.
    """

    needs_input: bool  # False: more output is waiting, call decode(b"") before the next piece of input

    def __init__(self) -> None:
        self.needs_input = True

    def decode(self, data: bytes) -> bytes:
        """The next piece of decoded content: at most 1 MiB, and all that was flushed by the sender.

        data: coded content, any number of bytes; ``b""`` while ``needs_input`` is False.
        Returns ``b""`` only when more input is needed.
        Raises DecodingError, after the good content in front of the fault was returned; the error stays.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Check, at the end of the content and after its last output, that the coding has come to its end.

        Content of no bytes at all is complete: a 304 and the answer to HEAD have a coding but no content.
        Raises DecodingError.
        """
        raise NotImplementedError


def supported_codings() -> list[str]:
    """The content codings that can be decoded here, in httpx's order for Accept-Encoding. Loads nothing."""
    codings = ["gzip", "deflate"]
    if _is_installed("brotli") or _is_installed("brotlicffi"):
        codings.append("br")
    if _is_installed("_zstd") or _is_installed("backports.zstd"):
        codings.append("zstd")
    return codings


def make_decoder(codings: Sequence[str], limits: MessageLimits) -> Decoder | None:
    """The decoder for content with these codings, named in the order in which they were applied.

    codings: tokens in any case. ``identity``, unknown ones, and those whose library is absent are passed
    over, as httpx does. Returns None when nothing is left: the content is given as it is. Raises
    DecodingError when more codings are left than ``limits.max_codings``.
    """
    names = [coding.strip().lower() for coding in codings]
    known = [(name, maker) for name in names if (maker := _MAKERS.get(name)) is not None]
    if len(known) > limits.max_codings:
        raise DecodingError(f"the content has {len(known)} codings, max_codings is {limits.max_codings}")
    stages = [stage for name, maker in reversed(known) if (stage := maker(name, limits)) is not None]
    if len(stages) <= 1:
        return stages[0] if stages else None
    if limits.max_decompression_ratio is not None:
        for stage in stages[1:]:
            stage.compare_with(stages[0])
    return _Chain(stages)


class _OneCoding(Decoder):
    """Removes one content coding: feeds its members, one after the other."""

    def __init__(
        self,
        coding: str,
        limits: MessageLimits,
        open_member: Opener,
        errors: tuple[type[Exception], ...],
        allows_more: bool,
    ) -> None:
        """open_member: see Opener. errors: what members raise. allows_more: a member may follow another."""
        super().__init__()
        self._coding = coding
        self._limits = limits
        self._is_limited = limits.max_decoded_bytes is not None or limits.max_decompression_ratio is not None
        self._open = open_member
        self._errors = errors
        self._allows_more = allows_more
        self._member: Member | None = None
        self._past_first = False  # a member has ended
        self._prefix = b""  # the first bytes of a member that is not open yet
        self._data = b""  # the current piece of input; self._at: how much of it was taken
        self._at = 0
        self.received_bytes = 0
        self._decoded_bytes = 0
        self._reference = self  # the stage whose input the decompression ratio is counted from
        self._error: DecodingError | None = None

    def compare_with(self, first: _OneCoding) -> None:
        """Count the decompression ratio from what ``first`` received: the content as sent."""
        self._reference = first

    def decode(self, data: bytes) -> bytes:
        if data:
            self.received_bytes += len(data)
            self._data = data if self._at >= len(self._data) else self._data[self._at :] + data
            self._at = 0
        pieces: list[bytes] = []
        size = 0
        while (error := self._error) is None:
            try:
                piece = self._advance()
            except self._errors as exc:
                self._fail(f"broken within its first {self._taken_bytes()} bytes: {exc}", exc)
                continue
            if piece is None and self._error is None:
                self.needs_input = True
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            if not piece:
                continue
            if self._is_limited:
                piece = self._within_limits(piece)
            self._decoded_bytes += len(piece)
            pieces.append(piece)
            size += len(piece)
            if size >= _COLLECT_BYTES:
                self.needs_input = False
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if size:  # the good content first, the error with the next call
            self.needs_input = False
            return b"".join(pieces)
        raise error

    def finish(self) -> None:
        if self._error is not None:
            raise self._error
        if self._member is not None or self._prefix:
            raise self._fail(f"cut: it ends after {self.received_bytes} bytes, before its coding does")

    def _advance(self) -> bytes | None:
        """The next output, maybe none yet (``b""``); None: all input is taken and all output given."""
        member = self._member
        if member is None:
            member = self._next_member()
            if member is None:
                return None
        if member.needs_input:
            at = self._at
            left = len(self._data) - at
            if not left:
                return None
            taken = min(left, _INPUT_BYTES)
            self._at = at + taken
            given: bytes | memoryview = self._data
            if taken < len(self._data):
                given = memoryview(self._data)[at : at + taken]
            piece = member.decompress(given, _OUTPUT_BYTES)
        else:
            piece = member.decompress(b"", _OUTPUT_BYTES)
        if member.eof:
            self._at -= len(member.unused_data)
            self._member = None
            self._past_first = True
        return piece

    def _next_member(self) -> Member | None:
        """Open the member that begins at the current input; None: more input is needed, if there is more."""
        if self._past_first:
            if not self._allows_more:
                if self._at < len(self._data):
                    self._fail(f"followed by something else, after {self._taken_bytes()} bytes")
                return None
            if self._coding in _GZIP and not self._prefix:
                self._skip_zeros()
        fresh = self._data[self._at : self._at + _MAX_PREFIX_BYTES]
        if not fresh:
            return None
        prefix = self._prefix + fresh
        opened = self._open(prefix)
        if opened is None:
            self._prefix = prefix
            self._at += len(fresh)
            return None
        self._member, skipped = opened
        self._at += skipped - len(self._prefix)
        if self._at < 0:  # the member wants bytes that were held back
            self._data = self._prefix[self._at :] + self._data
            self._at = 0
        self._prefix = b""
        return self._member

    def _skip_zeros(self) -> None:
        """Zeros may pad a gzip file to the block size of a tape or disk, as gzip(1) has always read it."""
        data = self._data
        while self._at < len(data) and data[self._at] == 0:
            block = data[self._at : self._at + _INPUT_BYTES]
            self._at += len(block) - len(block.lstrip(b"\0"))

    def _within_limits(self, piece: bytes) -> bytes:
        """What of ``piece`` the limits allow; the first byte over one of them is an error."""
        limits, received = self._limits, self._reference.received_bytes
        allowed, name = limits.max_decoded_bytes, "max_decoded_bytes"
        if limits.max_decompression_ratio is not None:
            by_ratio = int(limits.max_decompression_ratio * received)
            if allowed is None or by_ratio < allowed:
                allowed, name = by_ratio, "max_decompression_ratio"
        if allowed is None or self._decoded_bytes + len(piece) <= allowed:
            return piece
        self._fail(f"too large: more than {allowed} bytes decoded from {received} received ({name})")
        return piece[: max(0, allowed - self._decoded_bytes)]

    def _taken_bytes(self) -> int:
        return self.received_bytes - (len(self._data) - self._at)

    def _fail(self, what: str, cause: Exception | None = None) -> DecodingError:
        """From here on the decoder is broken: ``decode`` and ``finish`` raise this error."""
        error = self._error = DecodingError(f"the content, coded with {self._coding}, is {what}")
        error.__cause__ = cause
        self._member = None
        self._data = b""
        self._at = 0
        return error


class _Chain(Decoder):
    """Removes several content codings in a row; each stage has its own bound, limits and end."""

    def __init__(self, stages: list[_OneCoding]) -> None:
        """stages: the coding that was applied last comes first."""
        super().__init__()
        self._stages = stages

    def decode(self, data: bytes) -> bytes:
        piece = self._pull(len(self._stages) - 1, data)
        self.needs_input = all(stage.needs_input for stage in self._stages)
        return piece

    def finish(self) -> None:
        for stage in self._stages:
            stage.finish()

    def _pull(self, depth: int, data: bytes) -> bytes:
        """The next output of a stage: what waits in it, else what becomes of the output of the one before."""
        stage = self._stages[depth]
        if depth == 0:
            return stage.decode(data) if data or not stage.needs_input else b""
        while True:
            coded = b""
            if stage.needs_input:
                coded = self._pull(depth - 1, data)
                data = b""
                if not coded:
                    return b""
            piece = stage.decode(coded)
            if piece:
                return piece


# Members


class _ZlibMember:
    """A gzip, zlib or raw deflate stream by the standard library."""

    def __init__(self, zlib: Any, wbits: int) -> None:
        self._inflate = zlib.decompressobj(wbits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof  # type: ignore[no-any-return]  # the object's class has no public name

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data  # type: ignore[no-any-return]  # see above

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        piece: bytes = self._inflate.decompress(data or self._inflate.unconsumed_tail, max_length)
        # A full piece may leave output behind even where no input is left.
        self.needs_input = len(piece) < max_length and not self._inflate.unconsumed_tail
        return piece


class _BrotliMember:
    """A brotli stream by ``brotli`` or ``brotlicffi``. Data behind its end is an error of the library."""

    unused_data = b""

    def __init__(self, decompressor: Any) -> None:
        self._brotli = decompressor
        self.eof = False
        self.needs_input = True

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        piece: bytes = self._brotli.process(bytes(data), output_buffer_limit=max_length)
        # A piece that stopped at the limit may have left output behind, also where more input is accepted.
        self.needs_input = len(piece) < max_length and self._brotli.can_accept_more_data()
        self.eof = self.needs_input and self._brotli.is_finished()
        return piece


class _UnboundedBrotliMember:
    """The same by a library before 1.2, which cannot limit its output: fed slowly, handed on in pieces."""

    unused_data = b""

    def __init__(self, decompressor: Any) -> None:
        self._brotli = decompressor
        self._input = b""
        self._output = b""
        self._at = 0  # how much of the output was handed on
        self.eof = False
        self.needs_input = True

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        self._input += bytes(data)
        if self._at >= len(self._output):
            given, self._input = self._input[:_UNBOUNDED_INPUT_BYTES], self._input[_UNBOUNDED_INPUT_BYTES:]
            self._output = self._brotli.process(given) if given else b""
            self._at = 0
        piece = self._output[self._at : self._at + max_length]
        self._at += len(piece)
        self.needs_input = not self._input and self._at >= len(self._output)
        self.eof = self.needs_input and self._brotli.is_finished()
        return piece


# Openers: they choose the member's decompressor by its first bytes

_GZIP = ("gzip", "x-gzip")  # RFC 9110 section 8.4.1.3: the same coding
_FTEXT, _FNAME, _FCOMMENT = 0x01, 0x08, 0x10  # flags of a gzip header (RFC 1952 section 2.3.1)


def _make_gzip(coding: str, limits: MessageLimits) -> _OneCoding:
    """gzip (RFC 1952): members in a row; zeros behind the last are padding."""
    zlib, igzip = import_module("zlib"), _optional_import("isal.igzip_lib")

    def open_member(prefix: bytes) -> tuple[Member, int] | None:
        # ISA-L loses its place in a header with a name that comes in two pieces (isal 1.9), so a header of
        # the usual form is taken off here; one with rare fields, a very long one, or what is none goes to
        # zlib.
        if igzip is None:
            return _ZlibMember(zlib, 31), 0
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
            if len(prefix) < _MAX_PREFIX_BYTES:
                return None
        return _ZlibMember(zlib, 31), 0

    errors = (zlib.error,) if igzip is None else (zlib.error, igzip.error)
    return _OneCoding(coding, limits, open_member, errors, allows_more=True)


def _make_deflate(coding: str, limits: MessageLimits) -> _OneCoding:
    """deflate: the zlib format (RFC 1950), or raw deflate (RFC 1951) as some servers send it."""
    zlib, igzip = import_module("zlib"), _optional_import("isal.igzip_lib")

    def open_member(prefix: bytes) -> tuple[Member, int] | None:
        if len(prefix) < 2:
            return None
        # No raw stream looks like a zlib header: a low nibble of 8 is a stored block with padding other than
        # 0.
        is_zlib = prefix[0] & 0x0F == 8 and prefix[0] >> 4 <= 7 and (prefix[0] << 8 | prefix[1]) % 31 == 0
        if is_zlib and (igzip is None or prefix[1] & 0x20):  # 0x20: a preset dictionary, which zlib refuses
            return _ZlibMember(zlib, 15), 0
        if igzip is None:
            return _ZlibMember(zlib, -15), 0
        if is_zlib:
            return igzip.IgzipDecompressor(igzip.DECOMP_ZLIB_NO_HDR_VER), 2
        return igzip.IgzipDecompressor(igzip.DECOMP_DEFLATE), 0

    errors = (zlib.error,) if igzip is None else (zlib.error, igzip.error)
    return _OneCoding(coding, limits, open_member, errors, allows_more=False)


def _make_brotli(coding: str, limits: MessageLimits) -> _OneCoding | None:
    """br (RFC 7932): one stream."""
    brotli = _optional_import("brotli") or _optional_import("brotlicffi")
    if brotli is None:
        return None

    def open_member(prefix: bytes) -> tuple[Member, int]:
        decompressor = brotli.Decompressor()
        if hasattr(decompressor, "can_accept_more_data"):  # 1.2 and later
            return _BrotliMember(decompressor), 0
        return _UnboundedBrotliMember(decompressor), 0

    return _OneCoding(coding, limits, open_member, (brotli.error,), allows_more=False)


def _make_zstd(coding: str, limits: MessageLimits) -> _OneCoding | None:
    """zstd (RFC 8878): frames in a row, skippable ones too."""
    zstd = _optional_import("compression.zstd") or _optional_import("backports.zstd")
    if zstd is None:
        return None

    def open_member(prefix: bytes) -> tuple[Member, int]:
        member = zstd.ZstdDecompressor()
        # libzstd checks a frame's length only when it comes whole: the verdict must not depend on that.
        member.decompress(prefix[:1])
        return member, 1

    return _OneCoding(coding, limits, open_member, (zstd.ZstdError,), allows_more=True)


_MAKERS: dict[str, Callable[[str, MessageLimits], _OneCoding | None]] = {
    "gzip": _make_gzip,
    "x-gzip": _make_gzip,
    "deflate": _make_deflate,
    "br": _make_brotli,
    "zstd": _make_zstd,
}


def _optional_import(name: str) -> Any:
    """The module of this name, or None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


@cache
def _is_installed(name: str) -> bool:
    """Whether a module can be found, without importing it (importlib.util would load contextlib for that)."""
    path = None
    for index in range(name.count(".") + 1):
        part = ".".join(name.split(".")[: index + 1])
        if part in sys.modules:
            if sys.modules[part] is None:  # how an import is blocked
                return False
            path = getattr(sys.modules[part], "__path__", None)
            continue
        specs = (finder.find_spec(part, path) for finder in sys.meta_path)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            return False
        path = spec.submodule_search_locations
    return True
