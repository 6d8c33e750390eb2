"""``HTTPStream``: the content of a response as a stream, raw while it is received, as read once it has been read.

How it is received is its subclasses' part (`_connections/body`, `_connections/http2_body`); here it meets the cursor of
`Stream`. No connection is known here.
"""

from __future__ import annotations

from sys import maxsize

from httpstream._chunker import ByteChunker
from httpstream._cursor import Cursor

from .bases import AsyncByteStream, SyncByteStream
from .stream import Stream, writable_memory

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Buffer, Callable  # type: ignore[attr-defined]  # Buffer: from 3.12 on
    from typing import Any

    from httpstream._chunker import Splitter
    from httpstream._models.headers import Headers
    from httpstream._models.request import Request

__all__ = ["HTTPStream"]

SYNC_USE, ASYNC_USE = "aread(), aiter_...(), async for", "read(), iter_...(), for"
"""What to use where a stream of the other world is met."""

PIECE_BYTES = 256 * 1024
"""What is taken at a time where nobody says how much: what one receive brings."""


class HTTPStream(Stream):
    """The content of a response: ``response.stream``.

    `read` gives it as it was sent, transfer coding removed, content coding kept: ``GZipStream(response.stream)`` takes
    that off, too. ``read(n)`` returns what is there, up to n bytes, and waits only while nothing is. It can be read
    once, by this stream or by the response's methods, else StreamConsumed; when the response has been read into
    memory, the stream gives that content, and its `content_encoding` is None.

    Raises RequestError while reading, with its ``request``; after that the connection is closed.
    """

    __module__ = "httpstream"

    _request: Request
    _headers: Headers
    _content: bytes | None = None  # of the response, once it has been read
    _cursor: Any = None  # a Cursor, once the stream is read
    _more: Callable[[], Any]  # waits for more, in its world; False: the end
    _over = False
    _is_busy = False  # somebody is in `_pull`

    if TYPE_CHECKING:
        attach: Callable[[Splitter[Any]], Callable[[], Any]]
        failed: Callable[[BaseException], Any]

        def _raw_size(self) -> int | None: ...

    def replay(self, content: bytes) -> None:
        """See `Stream.replay`; iterating gives it too."""
        super().replay(content)
        self._content = content

    @property
    def content_type(self) -> str | None:  # type: ignore[override]  # it follows from the response
        """The ``Content-Type`` of the response."""
        content_type: str | None = self._headers.get("content-type")
        return content_type

    @property
    def content_encoding(self) -> str | None:  # type: ignore[override]  # as above
        """The ``Content-Encoding`` of what this stream gives; None: it is the content itself."""
        coding: str | None = None if self._content is not None else self._headers.get("content-encoding")
        return coding

    @property
    def size(self) -> int | None:
        return self._raw_size() if self._content is None else len(self._content)

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`: once the response has been read."""
        return self._content is not None

    # -- what is received --------------------------------------------------------------------------

    def _begin(self, world: type, use: str, cursor: Any = None) -> Any:
        self._check_world(world, use)
        cursor = cursor or Cursor()
        self._more = self.attach(cursor)
        self._cursor = cursor
        return cursor

    def _is_at_hand(self) -> bool:
        """Whether what is read next is in memory already, or nothing more comes. Raises ValueError after `close`."""
        self._check_open()
        return bool(self._ahead) or self._content is not None or self._over

    def _blame(self, exc: BaseException) -> None:
        from httpstream._models.reading import blame

        blame(exc, self._request)

    def _receive(self) -> bytes:
        return b"" if self._is_at_hand() else self._pull(Cursor.take, PIECE_BYTES) or b""

    async def _areceive(self) -> bytes:
        return b"" if self._is_at_hand() else await self._apull(Cursor.take, PIECE_BYTES) or b""

    def _pull(self, how: Callable[..., Any], *amount: Any) -> Any:
        """What the cursor gives, waiting while nothing is there; None: the end."""
        cursor = self._cursor or self._begin(SyncByteStream, SYNC_USE)
        self._enter()
        try:
            while (got := how(cursor, *amount)) is None:
                if not self._more():
                    self._over = True
                    break
        except BaseException as exc:
            self._blame(exc)
            self.failed(exc)
            raise
        finally:
            self._is_busy = False
        return got

    async def _apull(self, how: Callable[..., Any], *amount: Any) -> Any:
        cursor = self._cursor or self._begin(AsyncByteStream, ASYNC_USE)
        self._enter()
        try:
            while (got := how(cursor, *amount)) is None:
                if not await self._more():
                    self._over = True
                    break
        except BaseException as exc:
            self._blame(exc)
            await self.failed(exc)
            raise
        finally:
            self._is_busy = False
        return got

    def _enter(self) -> None:
        if self._is_busy:  # whoever comes second must not take the connection from the first
            raise RuntimeError("this stream is being read by another thread or task")
        self._is_busy = True

    def close(self) -> None:
        """Close the response's connection, unless the content has been received: see `Stream.close`."""
        self._check_world(SyncByteStream, "aclose()")

    async def aclose(self) -> None:
        """See `close`."""
        self._check_world(AsyncByteStream, "close()")

    # -- reading -----------------------------------------------------------------------------------

    def read(self, size: int | None = -1) -> bytes:
        """See `Stream.read`."""
        if self._is_at_hand() or size == 0:
            return super().read(size)
        if size is not None and size > 0:
            data: bytes = self._pull(Cursor.take, size) or b""
        elif self._cursor is None:
            whole = self._begin(SyncByteStream, SYNC_USE, ByteChunker(maxsize))  # received into, not joined
            try:
                self._pull(ByteChunker.pop)
            finally:
                self._cursor = Cursor()
            data = whole.finish() or b""
        else:
            return super().read(size)
        self._read_bytes += len(data)
        return data

    async def aread(self, size: int | None = -1) -> bytes:
        """See `read`."""
        if self._is_at_hand() or size == 0:
            return await super().aread(size)
        if size is not None and size > 0:
            data: bytes = await self._apull(Cursor.take, size) or b""
        elif self._cursor is None:
            whole = self._begin(AsyncByteStream, ASYNC_USE, ByteChunker(maxsize))
            try:
                await self._apull(ByteChunker.pop)
            finally:
                self._cursor = Cursor()
            data = whole.finish() or b""
        else:
            return await super().aread(size)
        self._read_bytes += len(data)
        return data

    def readinto(self, buffer: Buffer) -> int:
        """Read into the caller's memory, at best straight from the socket: see `Stream.readinto`."""
        with writable_memory(buffer) as view:
            if not view.nbytes or self._is_at_hand():
                return super().readinto(buffer)
            count: int = self._pull(Cursor.fill, view) or 0
        self._read_bytes += count
        return count

    async def areadinto(self, buffer: Buffer) -> int:
        """See `readinto`."""
        with writable_memory(buffer) as view:
            if not view.nbytes or self._is_at_hand():
                return await super().areadinto(buffer)
            count: int = await self._apull(Cursor.fill, view) or 0
        self._read_bytes += count
        return count
