"""br: one brotli stream (RFC 7932)."""

from __future__ import annotations

from .coding import OneCoding, optional_import

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._config import MessageLimits

    from .coding import Member

# Input for a library without a limit for its output: all that can be done there is to feed it slowly.
_UNBOUNDED_INPUT_BYTES = 256


def make(coding: str, limits: MessageLimits) -> OneCoding | None:
    """The decoder, or None where no library is installed."""
    brotli = optional_import("brotli") or optional_import("brotlicffi")
    if brotli is None:
        return None

    def open_member(prefix: bytes) -> tuple[Member, int]:
        decompressor = brotli.Decompressor()
        if hasattr(decompressor, "can_accept_more_data"):  # 1.2 and later
            return _BrotliMember(decompressor), 0
        return _UnboundedBrotliMember(decompressor), 0

    return OneCoding(coding, limits, open_member, (brotli.error,))


class _BrotliMember:
    """A stream by ``brotli`` or ``brotlicffi``. Data behind its end is an error of the library."""

    unused_data = b""

    def __init__(self, decompressor: Any) -> None:
        self._brotli = decompressor
        self.eof = False
        self.needs_input = True

    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes:
        piece: bytes = self._brotli.process(bytes(data), output_buffer_limit=max_length)
        # A library accepts more input while it still holds output: brotli 1.2.1 stops at the end of its own first
        # block, 32,752 bytes. Only when it gives nothing has it given all.
        self.needs_input = not piece and self._brotli.can_accept_more_data()
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
            self._output = self._brotli.process(given)  # b"" too: see above
            self._at = 0
        piece = self._output[self._at : self._at + max_length]
        self._at += len(piece)
        self.needs_input = not self._input and not piece
        self.eof = self.needs_input and self._brotli.is_finished()
        return piece
