"""``Stream``: a body as a binary file, and as chunks, text, lines, in both worlds.

A stream is *iterated* when it is sent: that gives the whole content in pieces, and of a stream that can be sent again
from the beginning each time. It is *read* with a cursor, by `read` and its kin and by the iterators, which go on from
where the cursor stands. Subclasses define the iteration of their world; all reading is made of it here.
"""

from __future__ import annotations

from io import RawIOBase, UnsupportedOperation

from .bases import AsyncByteStream, SyncByteStream
from .iteration import Iteration

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Buffer, Iterable, Iterator  # type: ignore[attr-defined]  # Buffer: from 3.12 on
    from types import TracebackType
    from typing import Any, TypeVar

    Self = TypeVar("Self", bound="Stream")

__all__ = ["Stream", "writable_memory"]


def writable_memory(buffer: Buffer) -> memoryview:
    """The memory that `readinto` fills. Raises TypeError for what cannot be filled, as a file does."""
    view = memoryview(buffer)
    if view.readonly or not view.c_contiguous:
        raise TypeError(
            f"readinto() fills memory that is writable and contiguous, not this {type(buffer).__name__}"
        )
    return view


class Stream(Iteration):
    """Content that can be read like a binary file.

    To make one of your own, subclass it together with `SyncByteStream` and define ``__iter__``, or with
    `AsyncByteStream` and define ``__aiter__``, or both. A stream of one world raises RuntimeError in the other.

    content_type, content_encoding: the fields that describe the content when it is sent; None: no such field.
    """

    __module__ = "httpstream"

    content_type: str | None = None
    content_encoding: str | None = None
    mode = "rb"  # pandas asks

    _pieces: Any = None  # the iterator that is being read
    _ahead = b""  # the piece of it that the cursor is in,
    _at = 0  # and where in there the cursor stands
    _read_bytes = 0
    _closed = False

    if TYPE_CHECKING:  # io.TextIOWrapper wants it of types, and takes a file without; a FileStream has one

        @property
        def name(self) -> Any: ...

    @property
    def size(self) -> int | None:
        """The whole content in bytes, however much has been read; None: unknown."""
        return None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def readable(self) -> bool:
        """True."""
        return True

    def writable(self) -> bool:
        """Whether `write` works."""
        return False

    def seekable(self) -> bool:
        """Whether `seek` works."""
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the cursor, as a file does; returns where it stands. Raises io.UnsupportedOperation."""
        raise UnsupportedOperation(f"{type(self).__name__} cannot seek")

    def tell(self) -> int:
        """How many bytes have been read."""
        return self._read_bytes

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """False."""
        return False

    def fileno(self) -> int:
        """The descriptor, of what has one. Raises io.UnsupportedOperation."""
        raise UnsupportedOperation(f"{type(self).__name__} has no descriptor")

    def truncate(self, size: int | None = None) -> int:
        """Raises io.UnsupportedOperation."""
        raise UnsupportedOperation(f"{type(self).__name__} cannot be truncated")

    def write(self, data: Buffer) -> int:
        """Write bytes; returns their number. Raises NotImplementedError when the stream is not writable."""
        self._check_open()
        raise NotImplementedError(f"{type(self).__name__} cannot be written to")

    def writelines(self, lines: Iterable[Buffer]) -> None:
        """Write the items of an iterable, one after the other."""
        for line in lines:
            self.write(line)

    # -- the cursor --------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"this {type(self).__name__} has been closed")

    def _check_world(self, world: type, use: str) -> None:
        if not isinstance(self, world):
            kind = "async" if world is SyncByteStream else "sync"
            raise RuntimeError(f"{type(self).__name__} is {kind}: use {use}")

    def _receive(self) -> bytes:
        """The next piece, not empty; b"": the end."""
        self._check_open()
        if self._pieces is None:
            self._check_world(SyncByteStream, "aread(), aiter_...(), async for")
            self._pieces = iter(self)  # type: ignore[call-overload]  # it is a SyncByteStream
        for piece in self._pieces:
            if piece:
                return piece if type(piece) is bytes else bytes(memoryview(piece))
        return b""

    async def _areceive(self) -> bytes:
        self._check_open()
        if self._pieces is None:
            self._check_world(AsyncByteStream, "read(), iter_...(), for")
            self._pieces = self.__aiter__()  # type: ignore[attr-defined]  # it is an AsyncByteStream
        async for piece in self._pieces:
            if piece:
                return piece if type(piece) is bytes else bytes(memoryview(piece))
        return b""

    def _cut(self, size: int | None) -> bytes:
        """Move the cursor over at most ``size`` bytes of the piece that it is in; None: over the rest."""
        ahead, at = self._ahead, self._at
        end = len(ahead) if size is None else min(at + size, len(ahead))
        self._read_bytes += end - at
        if end == len(ahead):
            self._ahead, self._at = b"", 0
        else:
            self._at = end
        return ahead if end - at == len(ahead) else ahead[at:end]

    def _next_piece(self) -> bytes:
        """What the cursor comes to next; b"": the end."""
        if not self._ahead:
            self._ahead = self._receive()
        return self._cut(None)

    async def _anext_piece(self) -> bytes:
        if not self._ahead:
            self._ahead = await self._areceive()
        return self._cut(None)

    def replay(self, content: bytes) -> None:
        """Let ``content`` be read, from its beginning: that of a response which has been read, and so has closed this.

        Iterating gives what it gave before, or raises what it did.
        """
        self._closed = False
        self._pieces = NO_PIECES
        self._ahead, self._at, self._read_bytes = content, 0, 0

    # -- the sync world ----------------------------------------------------------------------------

    def read(self, size: int | None = -1) -> bytes:
        """Read at most ``size`` bytes: what is there, waiting only while nothing is. b"" is the end.

        size: negative or None: everything up to the end. Raises ValueError after `close`.
        """
        self._check_open()
        if size is None or size < 0:
            return b"".join(iter(self._next_piece, b""))
        if size and not self._ahead:
            self._ahead = self._receive()
        return self._cut(size)

    def read_buffer(self, nbytes: int) -> bytes:
        """Read ``nbytes`` bytes, fewer at the end alone. pyarrow asks by this name, and needs its blocks whole."""
        pieces: list[bytes] = []
        while nbytes > 0 and (piece := self.read(nbytes)):
            pieces.append(piece)
            nbytes -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: Buffer) -> int:
        """Read into the caller's memory; returns how many bytes came, as `read` does; 0 is the end."""
        self._check_open()
        with writable_memory(buffer) as view:
            if view.nbytes and not self._ahead:
                self._ahead = self._receive()
            return self._cut_into(view)

    def _cut_into(self, view: memoryview) -> int:
        if not view.nbytes:
            return 0  # and it could not be cast
        with memoryview(self._ahead) as ahead, view.cast("B") as into:
            size = min(len(ahead) - self._at, len(into))
            into[:size] = ahead[self._at : self._at + size]
        self._read_bytes += size
        self._at += size
        if self._at == len(self._ahead):
            self._ahead, self._at = b"", 0
        return size

    def readline(self, size: int | None = -1) -> bytes:
        r"""Read up to the next ``\n``, which is included, or the end. size: at most so many bytes."""
        self._check_open()
        left = None if size is None or size < 0 else size
        parts: list[bytes] = []
        while left != 0:
            if not self._ahead:
                self._ahead = self._receive()
            end = self._ahead.find(b"\n", self._at) + 1
            wanted = (end or len(self._ahead)) - self._at
            part = self._cut(wanted if left is None else min(left, wanted))
            parts.append(part)
            if end or not part:
                break
            if left is not None:
                left -= len(part)
        return b"".join(parts)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Read lines as `readline` does. hint: no more once they have so many bytes; below 1 or None: all."""
        lines: list[bytes] = []
        size = 0
        while line := self.readline():
            lines.append(line)
            size += len(line)
            if hint is not None and 0 < hint <= size:
                break
        return lines

    def readall(self) -> bytes:
        """Read everything up to the end."""
        return self.read()

    def close(self) -> None:
        """Give back what the stream holds. Reading and writing raise ValueError from now on."""
        if not self._closed:
            self._closed = True
            self._ahead, self._at = b"", 0
            pieces, self._pieces = self._pieces, None
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def __enter__(self: Self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    # -- the async world ---------------------------------------------------------------------------

    async def aread(self, size: int | None = -1) -> bytes:
        """See `read`."""
        self._check_open()
        if size is None or size < 0:
            pieces = []
            while piece := await self._anext_piece():
                pieces.append(piece)
            return b"".join(pieces)
        if size and not self._ahead:
            self._ahead = await self._areceive()
        return self._cut(size)

    async def areadinto(self, buffer: Buffer) -> int:
        """See `readinto`."""
        self._check_open()
        with writable_memory(buffer) as view:
            if view.nbytes and not self._ahead:
                self._ahead = await self._areceive()
            return self._cut_into(view)

    async def awrite(self, data: Buffer) -> int:
        """See `write`."""
        return self.write(data)

    async def aclose(self) -> None:
        """See `close`."""
        if not self._closed:
            pieces, self._pieces = self._pieces, None
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                await aclose()
            Stream.close(self)

    async def __aenter__(self: Self) -> Self:
        self._check_open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class _NoPieces:
    """Nothing, for both worlds."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __aiter__(self) -> _NoPieces:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


NO_PIECES = _NoPieces()

# What asks for a binary file by its type gets one: pandas, and io's own wrappers.
RawIOBase.register(Stream)
