"""``FileStream``: a file on disk, or a file object, as a stream.

Reads that may wait for a disk happen in worker threads in the async world. Where nothing must touch the bytes, a file
of the operating system is handed on as a `FileSpan`, which a socket sends by itself.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader, BytesIO, FileIO, TextIOBase

from httpstream._exceptions import StreamConsumed
from httpstream._files import FILE_PIECE_BYTES, is_async_file, position_of, size_of

from .bases import AsyncByteStream, SyncByteStream
from .stream import Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Buffer, Iterator  # type: ignore[attr-defined]  # Buffer: 3.12
    from typing import Any, BinaryIO, TypeVar

    Self = TypeVar("Self", bound="FileStream")

__all__ = ["FilePieces", "FileSpan", "FileStream", "guess_content_type"]

THREAD_PIECE_BYTES = 512 * 1024
"""One read in a worker thread. Going there and back costs more than the reading: measured, half of this at a time makes
sending a file cost twice the CPU."""

# A file that is compressed is a representation of its own, not of what it was made from (RFC 9110 section 8.4).
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def guess_content_type(name: str) -> str | None:
    """The content type that goes with a file name; None: unknown."""
    from mimetypes import guess_type

    content_type, coding = guess_type(name)
    return content_type if coding is None else _COMPRESSED.get(coding, "application/octet-stream")


class PathFile(FileIO):
    """A file that was opened here.

    Closed while a worker thread reads it (its task was cancelled), it is closed when the thread comes back: else the
    thread could read from whatever has the descriptor's number by then.
    """

    _is_read = False
    _ends = False

    def read(self, size: int | None = -1) -> Any:
        self._is_read = True
        try:
            return b"" if self._ends else super().read(size)
        finally:
            self._is_read = False  # set before the question, there as here: so one of the two closes
            if self._ends:
                super().close()

    def close(self) -> None:
        self._ends = True
        if not self._is_read:
            super().close()


class FileStream(Stream, AsyncByteStream, SyncByteStream):
    """A file as a stream.

    file: a path, or an open binary file. A path is opened by `open` or ``with``, and needs neither to be sent. A file
    object counts from where it stands now, and stays the caller's: closing the stream closes it all the same.
    content_type: None: guessed from the name.

    Iterated, it gives the content from its beginning each time; a pipe once, and then raises StreamConsumed. `size` is
    None for what cannot tell, like a pipe. Raises TypeError for a file in text mode, OSError where a path is used.
    """

    __module__ = "httpstream"

    def __init__(
        self, file: str | os.PathLike[str] | BinaryIO | Any, *, content_type: str | None = None
    ) -> None:
        self._path: str | None = None
        self._file: Any = None  # what is being read
        self._start: int | None = 0
        self._size: int | None = None
        self._streamed = False
        self._content_type = content_type
        if isinstance(file, (str, os.PathLike)):
            self._path = os.fspath(file)
            return
        if is_async_file(file):
            raise TypeError("an async file is no FileStream: give it as it is, as content or in a form")
        if isinstance(file, TextIOBase) or not hasattr(file, "read"):
            raise TypeError(f"a FileStream is made of a path or a file in binary mode, not {type(file)}")
        self._file = file
        self._start = position_of(file)
        self._size = size_of(file)

    @classmethod
    def whole(cls, file: Any) -> FileStream:
        """A file object as a stream, from its very beginning if it can seek, wherever it stands."""
        stream = cls(file)
        if stream._start is not None:
            stream._start, stream._size = 0, size_of(file, 0)
        return stream

    @property
    def name(self) -> str:
        """The path, or the file object's own name; "" if it has none."""
        return self._path if self._path is not None else str(getattr(self._file, "name", ""))

    @property
    def content_type(self) -> str | None:
        return self._content_type or guess_content_type(self.name)

    @content_type.setter
    def content_type(self, content_type: str | None) -> None:
        self._content_type = content_type

    @property
    def size(self) -> int | None:
        if self._path is None or self._file is not None:
            return self._size
        status = os.stat(self._path)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def open(self: Self) -> Self:
        """Open the path for reading, from its beginning. Does nothing when it is open. Raises OSError."""
        if self._path is not None and self._file is None:
            self._begin(PathFile(self._path))
        return self

    def _begin(self, file: PathFile) -> None:
        self._file = file
        self._size = size_of(file)
        self._closed = False
        self._read_bytes = 0

    def __enter__(self: Self) -> Self:
        self.open()
        return super().__enter__()

    async def __aenter__(self: Self) -> Self:
        if self._path is not None and self._file is None:
            self._begin(await _open_in_thread(self._path))
        return await super().__aenter__()

    # Iterated: sent.

    def __iter__(self) -> Iterator[bytes]:
        return self._file_pieces(spans=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._file_pieces(spans=False)

    def pieces_and_spans(self) -> FilePieces:
        """What iterating gives, but as a `FileSpan` where that is possible."""
        return self._file_pieces(spans=True)

    def _file_pieces(self, *, spans: bool) -> FilePieces:
        """Raises StreamConsumed, and ValueError after `close`."""
        self._check_open()
        if getattr(self._file, "closed", False):
            raise ValueError("the file of this FileStream has been closed")
        if not self.can_be_sent_again():
            raise StreamConsumed()
        self._streamed = True
        if self._path is not None:
            return FilePieces(self._path, None, spans)
        if self._start is not None:
            self._file.seek(self._start)
        return FilePieces(None, self._file, spans)

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        if self._closed or getattr(self._file, "closed", False):
            return False
        return not self._streamed or (
            self._start is not None if self._path is None else os.path.isfile(self._path)
        )

    # Read.

    def _opened(self) -> Any:
        self._check_open()
        if self._file is None:
            raise ValueError(f"the file is not open: use `with` or open(): {self._path}")
        self._streamed = True
        return self._file

    def _receive(self) -> bytes:
        return self._opened().read(FILE_PIECE_BYTES) or b""

    async def _areceive(self) -> bytes:
        return await _read_in_thread(self._opened(), THREAD_PIECE_BYTES)

    def read(self, size: int | None = -1) -> bytes:
        """Read at most ``size`` bytes, as a file does: see `Stream.read`."""
        if self._ahead or size == 0:
            return super().read(size)
        data: bytes = self._opened().read(-1 if size is None else size) or b""
        self._read_bytes += len(data)
        return data

    async def aread(self, size: int | None = -1) -> bytes:
        """See `read`."""
        if self._ahead or size == 0:
            return await super().aread(size)
        data = await _read_in_thread(self._opened(), -1 if size is None else size)
        self._read_bytes += len(data)
        return data

    def readinto(self, buffer: Buffer) -> int:
        """Read into the caller's memory; returns how many bytes came; 0 is the end."""
        into = None if self._ahead else getattr(self._opened(), "readinto", None)
        if into is None:
            return super().readinto(buffer)
        count: int = into(buffer) or 0
        self._read_bytes += count
        return count

    def replay(self, content: bytes) -> None:
        """See `Stream.replay`; iterating gives it too."""
        self._content_type = self.content_type
        self._path, self._file, self._start, self._size = None, BytesIO(content), 0, len(content)
        self._closed = False
        self._ahead, self._at, self._read_bytes = b"", 0, 0

    def seekable(self) -> bool:
        return self._start is not None

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the cursor, as a file does; returns where it stands, counted from the stream's beginning."""
        if self._start is None:
            return super().seek(offset, whence)
        file = self._opened()
        if whence == os.SEEK_CUR:
            offset, whence = offset + self._read_bytes, os.SEEK_SET
        if whence == os.SEEK_SET:
            if offset < 0:
                raise ValueError(f"no place in a stream: {offset}")
            offset += self._start
        position: int = file.seek(offset, whence) - self._start
        self._ahead, self._at, self._read_bytes = b"", 0, position
        return position

    def writable(self) -> bool:
        writable = getattr(self._file, "writable", None)
        return writable is not None and bool(writable())

    def write(self, data: Buffer) -> int:
        """Write bytes to a file object that is writable; returns their number."""
        if not self.writable():
            return super().write(data)
        self._check_open()
        count: int = self._file.write(data)
        self._read_bytes += count
        return count

    async def awrite(self, data: Buffer) -> int:
        """See `write`."""
        count: int = await _in_thread(self.write, data)
        return count

    def flush(self) -> None:
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            flush()

    def fileno(self) -> int:
        """The descriptor of the file. Raises OSError when it has none."""
        descriptor: int = self._opened().fileno()
        return descriptor

    def close(self) -> None:
        """Close the file. Reading and writing raise ValueError from now on; a path can be opened again."""
        file = self._file
        if self._path is not None:
            self._file = None
        super().close()
        close = getattr(file, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        """See `close`."""
        self.close()


class FileSpan:
    """Bytes of a file of the operating system, that a socket can send by itself."""

    __slots__ = ("_file", "offset", "size")

    def __init__(self, file: Any, offset: int, size: int) -> None:
        self._file = file
        self.offset = offset
        self.size = size

    def fileno(self) -> int:
        descriptor: int = self._file.fileno()
        return descriptor

    def read(self, done: int, size: int) -> bytes:
        """Bytes of the span, for a socket that cannot send a file: at most ``size``, behind ``done`` of them."""
        self._file.seek(self.offset + done)
        data: bytes = self._file.read(min(size, self.size - done))
        return data


def _span_of(file: Any) -> FileSpan | None:
    """What is left of a file, when that is what its descriptor gives; None: it must be read."""
    if type(file) not in (PathFile, FileIO) and not (
        type(file) is BufferedReader and type(file.raw) is FileIO
    ):
        return None
    size = size_of(file)
    return FileSpan(file, file.tell(), size) if size else None


class FilePieces:
    """Iterator of what a file still holds, for both worlds. One that it has opened itself is closed at the end."""

    __slots__ = ("_ended", "_file", "_path", "_span", "_spans")

    def __init__(self, path: str | None, file: Any, spans: bool = False) -> None:
        self._path = path
        self._file = file
        self._spans = spans
        self._span: FileSpan | None = None
        self._ended = False

    def __iter__(self) -> FilePieces:
        return self

    def __next__(self) -> Any:
        piece = self._next(FILE_PIECE_BYTES)
        if not piece:
            raise StopIteration
        return piece

    def __aiter__(self) -> FilePieces:
        return self

    async def __anext__(self) -> Any:
        if self._file is None or type(self._file) is not BytesIO:
            piece = await _in_thread(self._next, THREAD_PIECE_BYTES)
        else:
            piece = self._next(FILE_PIECE_BYTES)
        if not piece:
            raise StopAsyncIteration
        return piece

    def _next(self, size: int) -> Any:
        if self._ended:
            return b""
        if self._file is None:
            assert self._path is not None
            self._file = PathFile(self._path)
            if self._ended:  # closed meanwhile, by a task that was cancelled
                self._file.close()
                return b""
        if self._spans:
            self._spans = False
            self._span = _span_of(self._file)
            if self._span is not None:
                return self._span
        if self._span is not None:
            self._file.seek(self._span.offset + self._span.size)  # where reading would have left it
            self._span = None
        piece = self._file.read(size)
        if isinstance(piece, str):
            piece = piece.encode("utf-8")
        if not piece:
            self.close()
        return piece

    def close(self) -> None:
        """Close a file that was opened here."""
        self._ended = True
        if self._path is not None and self._file is not None:
            self._file.close()

    async def aclose(self) -> None:
        """See `close`."""
        self.close()


async def _in_thread(call: Any, *args: Any) -> Any:
    from httpstream._backend import ASYNC

    return await ASYNC.in_thread(call, *args)


async def _open_in_thread(path: str) -> PathFile:
    """Open a path. Whoever is cancelled meanwhile does not wait: then the file is closed as soon as it is open."""
    opened: list[PathFile] = []
    is_awaited = True

    def open_it() -> None:
        opened.append(PathFile(path))
        if not is_awaited:
            opened[0].close()

    try:
        await _in_thread(open_it)
    except BaseException:
        is_awaited = False
        for file in opened:
            file.close()
        raise
    return opened[0]


async def _read_in_thread(file: Any, size: int) -> bytes:
    data: bytes = (file.read(size) if type(file) is BytesIO else await _in_thread(file.read, size)) or b""
    return data
