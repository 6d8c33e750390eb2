"""Streams whose content is in memory: ``ByteStream``, and ``DuplexStream`` for tests of protocols."""

from __future__ import annotations

from .bases import AsyncByteStream, SyncByteStream
from .stream import Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Buffer, Iterator  # type: ignore[attr-defined]  # Buffer: 3.12

__all__ = ["ByteStream", "DuplexStream"]


class ByteStream(Stream, AsyncByteStream, SyncByteStream):
    """Content that is in memory. Iterated, it is one piece, as often as asked for, also after `close`."""

    __module__ = "httpstream"

    def __init__(self, stream: bytes) -> None:
        self.content = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter((self.content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return OnePiece(self.content)

    def can_be_sent_again(self) -> bool:
        """True."""
        return True

    @property
    def size(self) -> int:
        return len(self.content)

    def _receive(self) -> bytes:
        self._check_open()
        return self._bytes() if self._read_bytes == 0 else b""

    def _bytes(self) -> bytes:
        """The content, also where a program gave other memory; not made so before it is read: sending need not."""
        content = self.content
        return content if type(content) is bytes else bytes(memoryview(content))

    async def _areceive(self) -> bytes:
        return self._receive()

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the cursor, as a file does; returns where it stands. Raises ValueError for a place before 0."""
        self._check_open()
        if whence not in (0, 1, 2):
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        position = offset + (0, self._read_bytes, len(self.content))[whence]
        if position < 0:
            raise ValueError(f"no place in a stream: {position}")
        self._read_bytes = position
        rest = position < len(self.content)
        self._ahead, self._at = (self._bytes(), position) if rest else (b"", 0)
        return position


class OnePiece:
    """Async iterator of a single piece."""

    __slots__ = ("_piece",)

    def __init__(self, piece: bytes) -> None:
        self._piece: bytes | None = piece

    def __aiter__(self) -> OnePiece:
        return self

    async def __anext__(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            raise StopAsyncIteration
        return piece


class DuplexStream(Stream, AsyncByteStream, SyncByteStream):
    """Both ends of a dialogue in memory: what is read was given, what is written is kept. For tests of protocols.

    content: what there is to read. `feed` gives more; `written` is what was written.
    """

    __module__ = "httpstream"
    mode = "r+b"

    def __init__(self, content: bytes = b"") -> None:
        self._incoming = [content]
        self._written: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Let more be read, behind what is there."""
        self._incoming.append(data)

    @property
    def written(self) -> bytes:
        """Everything that was written."""
        return b"".join(self._written)

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        """Keep bytes; returns their number. Raises ValueError after `close`."""
        self._check_open()
        self._written.append(bytes(memoryview(data)))
        return len(self._written[-1])

    def _receive(self) -> bytes:
        self._check_open()
        while self._incoming:
            piece = self._incoming.pop(0)
            if piece:
                return piece
        return b""

    async def _areceive(self) -> bytes:
        return self._receive()

    def __iter__(self) -> Iterator[bytes]:
        """What is there to be read."""
        return iter(self._next_piece, b"")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.aiter_bytes(None)
