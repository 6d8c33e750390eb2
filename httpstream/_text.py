"""Text out of bytes: decoding in pieces that never fails (what does not fit becomes U+FFFD), and what an error message
shows of the wire. Neither lines nor limits.
"""

from __future__ import annotations

import codecs
import sys

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Protocol

    class TextDecoder(Protocol):
        """decode(data, final): the text of what has come so far; final: nothing comes after this."""

        def decode(self, data: bytes, final: bool = False) -> str: ...


# The encodings that a byte order mark completes: its length, and the name without a mark.
_MARKED = {"utf-16": (2, "utf-16"), "utf-32": (4, "utf-32")}


def incremental_decoder(encoding: str) -> TextDecoder:
    """A decoder whose output, joined, is ``whole.decode(encoding, "replace")``. Raises LookupError."""
    name = codecs.lookup(encoding).name
    if name in _MARKED:
        return _MarkedDecoder(name)
    return codecs.getincrementaldecoder(name)(errors="replace")


class _MarkedDecoder:
    """utf-16 and utf-32: without a mark the machine's byte order counts, where codecs' own decoders raise."""

    def __init__(self, name: str) -> None:
        self._size, self._name = _MARKED[name]
        self._start = b""
        self._decoder: TextDecoder | None = None

    def decode(self, data: bytes, final: bool = False) -> str:
        if self._decoder is None:
            data = self._start + data
            if len(data) < self._size and not final:
                self._start = data
                return ""
            marks = {("\ufeff").encode(f"{self._name}-{order}") for order in ("le", "be")}
            order = "" if data[: self._size] in marks else f"-{sys.byteorder[0]}e"
            self._decoder = codecs.getincrementaldecoder(self._name + order)(errors="replace")
        return self._decoder.decode(data, final)


def in_our_words(reason: str) -> str:
    """llhttp's reason as a part of a sentence of ours. Names of fields keep their capitals."""
    if reason.startswith("Expected HTTP/"):  # it goes on with two protocols that are refused here
        return "expected HTTP/"
    first = reason.partition(" ")[0]
    return reason[0].lower() + reason[1:] if first.isalpha() and first[1:].islower() else reason


def with_caret(line: bytes, at: int) -> str:
    """Bytes of the wire on one line and a caret below the one in question. No control character gets through."""
    return f"  {_printable(line)}\n  {' ' * len(_printable(line[:at]))}^"


def _printable(data: bytes) -> str:
    return data.decode("latin-1").encode("unicode_escape").decode("ascii")
