"""Streams of what a program makes: iterables of the sync and of the async world, and any content as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable

from httpstream._exceptions import StreamConsumed
from httpstream._files import FILE_PIECE_BYTES, is_async_file

from .bases import AsyncByteStream, SyncByteStream
from .memory import ByteStream
from .stream import Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Any

__all__ = ["AsyncFilePieces", "AsyncIterStream", "IterStream", "as_stream"]


class IterStream(Stream, SyncByteStream):
    """Content from an iterable of bytes, for the sync world.

    size: of all of it in bytes, when it is known; then it is sent with a Content-Length, which it must keep. A list can
    be iterated again; an iterator or a generator once, and then raises StreamConsumed rather than giving nothing.
    """

    __module__ = "httpstream"

    def __init__(
        self, stream: Iterable[bytes], *, size: int | None = None, content_type: str | None = None
    ) -> None:
        self._stream = stream
        self._size = size
        self._streamed = False
        if content_type is not None:
            self.content_type = content_type

    @property
    def size(self) -> int | None:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        self._check_open()
        if not self.can_be_sent_again():
            raise StreamConsumed()
        self._streamed = True
        return iter(self._stream)

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return not self._streamed or not hasattr(self._stream, "__next__")

    def close(self) -> None:
        """Close the stream, and what it iterates over, if that can be closed."""
        super().close()
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        """Raises RuntimeError: the stream is sync."""
        self._check_world(AsyncByteStream, "close()")


class AsyncIterStream(Stream, AsyncByteStream):
    """Content from an async iterable of bytes, for the async world. See `IterStream`."""

    __module__ = "httpstream"

    def __init__(
        self, stream: AsyncIterable[bytes], *, size: int | None = None, content_type: str | None = None
    ) -> None:
        self._stream = stream
        self._size = size
        self._streamed = False
        if content_type is not None:
            self.content_type = content_type

    @property
    def size(self) -> int | None:
        return self._size

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._check_open()
        if not self.can_be_sent_again():
            raise StreamConsumed()
        self._streamed = True
        return self._stream.__aiter__()

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return not self._streamed or not hasattr(self._stream, "__anext__")

    async def aclose(self) -> None:
        """See `IterStream.close`."""
        await super().aclose()
        aclose = getattr(self._stream, "aclose", None)
        if aclose is not None:
            await aclose()

    def close(self) -> None:
        """Raises RuntimeError: the stream is async."""
        self._check_world(SyncByteStream, "aclose()")


class AsyncFilePieces:
    """Async iterator of what a file still holds. read: takes a size, returns bytes; awaited."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[int], Awaitable[bytes]]) -> None:
        self._read = read

    def __aiter__(self) -> AsyncFilePieces:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._read(FILE_PIECE_BYTES)
        if not piece:
            raise StopAsyncIteration
        return piece


def as_stream(content: Any) -> Stream:
    """What a program may give as content as a stream: bytes, a content type, a file, an iterable.

    A stream is returned as it is.

    Raises TypeError for anything else.
    """
    if isinstance(content, Stream):
        return content
    if isinstance(content, (bytes, bytearray, memoryview)):
        return ByteStream(bytes(content))
    if is_async_file(content):
        return AsyncIterStream(AsyncFilePieces(content.read))
    if hasattr(content, "read"):
        from .file import FileStream

        return FileStream(content)
    if isinstance(content, Iterable) and not isinstance(content, (str, dict)):
        return IterStream(content)
    if isinstance(content, AsyncIterable):
        return AsyncIterStream(content)
    if hasattr(content, "encode") and not isinstance(content, str):
        stream: Stream = content.encode()  # a content type, which stands above
        return stream
    raise TypeError(f"a stream is made of bytes, a binary file or an iterable of bytes, not {type(content)}")
