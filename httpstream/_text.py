"""Incremental decoding of text that never fails: what does not fit becomes U+FFFD. Bytes in, text out."""

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
