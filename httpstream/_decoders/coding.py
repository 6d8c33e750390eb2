"""A decoder: feeds members one after the other, bounds and counts what they give, and says what is wrong.

Here is what all codings share. What differs from one to the next is in its own module: its members, and how the
first bytes of one choose what decompresses it.
"""

from __future__ import annotations

from importlib import import_module

from httpstream._exceptions import DecodingError

from .replay import Replay

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from httpstream._config import MessageLimits

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


# Bytes asked of a library at a time; brotli gives up to twice of it. Memory of this size is reused by malloc and stays
# in the cache: measured whole, with the receiving, zstd costs 0.65 of what it does at 256 KiB, br 0.8, gzip 0.85.
OUTPUT_BYTES = 64 * 1024
# Output is collected up to here before it is handed over: tiny members are worth a join, large ones not.
_COLLECT_BYTES = 64 * 1024
# Bytes given to a library at a time: each end of a member, and zlib at each piece of output, copies the rest.
_INPUT_BYTES = 64 * 1024
# Pieces of up to 64 KiB from one coding to the next before the caller has its turn, also with nothing yet.
_TURNS = 2
MAX_PREFIX_BYTES = 1024  # as many bytes of a member are looked at to choose its decompressor


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
        Returns ``b""`` when more input is needed; or, of several codings, so that what unfolds to very much that stands
        for nothing does not keep the caller: `needs_input` says which.
        Raises DecodingError, after the good content in front of the fault was returned; the error stays.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Check, at the end of the content and after its last output, that the coding has come to its end.

        Content of no bytes at all is complete: a 304 and the answer to HEAD have a coding but no content.
        Raises DecodingError.
        """
        raise NotImplementedError


class OneCoding(Decoder):
    """Removes one content coding: feeds its members, one after the other."""

    def __init__(
        self,
        coding: str,
        limits: MessageLimits,
        open_member: Opener,
        errors: tuple[type[Exception], ...],
        *,
        allows_more: bool = False,
        skips_zeros: bool = False,
    ) -> None:
        """open_member: see Opener. errors: what members raise. allows_more, skips_zeros: what may follow a member."""
        super().__init__()
        self._coding = coding
        self._limits = limits
        self._is_limited = limits.max_decoded_bytes is not None or limits.max_decompression_ratio is not None
        self._open = open_member
        self._errors = errors
        self._allows_more = allows_more
        self._skips_zeros = skips_zeros
        self._member: Member | None = None
        self._replay: Replay | None = None  # what the member has taken, as long as that is kept
        self._past_first = False  # a member has ended
        self._prefix = b""  # the first bytes of a member that is not open yet
        self._data = b""  # the current piece of input; self._at: how much of it was taken
        self._at = 0
        self.received_bytes = 0
        self._decoded_bytes = 0
        self._reference = self  # the stage whose input the decompression ratio is counted from
        self._error: DecodingError | None = None

    def compare_with(self, first: OneCoding) -> None:
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
                replay = self._replay
                piece = b"" if replay is None else replay.good_output(self._errors)
                self._fail(f"broken within its first {self._taken_bytes()} bytes: {exc}", exc)
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
            if self._replay is not None:
                self._replay.take(given)
            piece = member.decompress(given, OUTPUT_BYTES)
        else:
            piece = member.decompress(b"", OUTPUT_BYTES)
        if self._replay is not None:
            self._replay = self._replay.give(member, len(piece))
        if member.eof:
            self._at -= len(member.unused_data)
            self._member = self._replay = None
            self._past_first = True
        return piece

    def _next_member(self) -> Member | None:
        """Open the member that begins at the current input; None: more input is needed, if there is more."""
        if self._past_first:
            if not self._allows_more:
                if self._at < len(self._data):
                    self._fail(f"followed by something else, after {self._taken_bytes()} bytes")
                return None
            if self._skips_zeros and not self._prefix:
                self._skip_zeros()
        fresh = self._data[self._at : self._at + MAX_PREFIX_BYTES]
        if not fresh:
            return None
        prefix = self._prefix + fresh
        opened = self._open(prefix)
        if opened is None:
            self._prefix = prefix
            self._at += len(fresh)
            return None
        self._member, skipped = opened
        self._replay = Replay(self._open, prefix)
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
        self._member = self._replay = None
        self._data = b""
        self._at = 0
        return error


class Chain(Decoder):
    """Removes several content codings in a row; each stage has its own bound, limits and end."""

    def __init__(self, stages: list[OneCoding]) -> None:
        """stages: the coding that was applied last comes first."""
        super().__init__()
        self._stages = stages

    def decode(self, data: bytes) -> bytes:
        self._turns = _TURNS
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
            self._turns -= 1
            if piece or not self._turns:
                return piece


def optional_import(name: str) -> Any:
    """The module of this name, or None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None
