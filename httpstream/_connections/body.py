"""The content of a response that is being received: the stream of a live response.

Knows its connection, and gives it back when the content ends; knows no content coding and no caller's wishes: a
splitter that is attached here cuts its items out of the connection's own buffer.
"""

from __future__ import annotations

from time import monotonic

from httpstream._backend import run
from httpstream._chunker import ByteChunker
from httpstream._exceptions import StreamClosed, StreamConsumed
from httpstream._iterators import AsyncItems, Items
from httpstream._streams.bases import AsyncByteStream, SyncByteStream
from httpstream._streams.http import HTTPStream
from httpstream._streams.memory import OnePiece

from .progress import Progress
from .turn import Turn

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from httpstream._chunker import Splitter
    from httpstream._config import MessageLimits
    from httpstream._models.headers import Headers
    from httpstream._models.request import Request

    from .connection import Connection


class LiveBody(HTTPStream):
    """The content of a response that is being received: raw pieces, transfer coding removed.

    One reader at a time. The connection goes back to its pool when the last byte was handed over, on close, and when
    nobody has the response any more.
    """

    _open = False
    _splitter: Splitter[Any] | None = None  # what cuts its items out of the receive buffer
    _progress: Progress | None = None
    _read_timeout: float | None

    def __init__(
        self,
        connection: Connection,
        release: Callable[[Connection], None],
        request: Request,
        headers: Headers,
        trailers: list[tuple[bytes, bytes]],
    ) -> None:
        """request: what is answered. headers: of the response. trailers: filled at the end."""
        self._request = request
        self._headers = headers
        self._connection = connection
        self._parser = connection.parser
        self._release = release
        self._trailers = trailers
        self._open = True
        on_progress = request.extensions.get("on_progress")
        if on_progress is not None:
            self._progress = Progress(on_progress, self._raw_size())

    @property
    def bytes_taken(self) -> int:
        """Raw content bytes handed over so far."""
        return self._parser.bytes_taken if self._open else self._taken

    def _raw_size(self) -> int | None:
        if not self._open:
            return self._size
        left = self._parser.content_length
        return None if left is None else self._parser.bytes_taken + left

    @property
    def limits(self) -> MessageLimits:
        """How much of the content's parts is accepted, for whoever decodes it or splits it into lines."""
        return self._connection.limits

    async def _feed(self) -> bool:
        """Wait until more can be received; False: the content is complete."""
        if not self._open:
            raise StreamClosed()
        if self._parser.content_complete:
            self._finish()
            return False
        if self._progress is not None:
            self._progress.update(self._parser.bytes_taken)
        timeout = self._read_timeout
        await self._connection.stream.wait_recv(None if timeout is None else monotonic() + timeout)
        return True

    def take_arrived(self) -> bytes | None:
        """The whole content, when it came together with the head; None: it did not, and nothing is taken."""
        content = self._parser.take_arrived() if self._open and self._splitter is None else None
        if content is not None:
            self._finish()
            self._content = self._ahead = content
        return content

    def _abort(self) -> None:
        """After an error the connection is never used again."""
        self._connection.close()
        self._finish()

    def _finish(self) -> None:
        if self._open:
            is_complete = self._parser.content_complete
            self._taken = self._parser.bytes_taken
            self._size = self._taken if is_complete else self._raw_size()
            self._open = False
            if is_complete and self._parser.trailers:
                self._trailers.extend(self._parser.trailers)
            if self._splitter is not None:
                # The buffer's next content is another response's: an iterator that was left must not see it.
                self._splitter.detach()
            try:
                self._connection.finish()
            finally:
                self._release(self._connection)
            if is_complete and self._progress is not None:
                self._progress.end(self._taken)

    def __del__(self) -> None:
        # Dropped without a close, its place in the pool must not be lost. A tunnel belongs to its network stream.
        if self._open and not self._parser.tunnel:
            self._progress = None
            try:
                self._abort()
            except Exception:  # at the end of the interpreter, say, where half of it is gone
                pass

    # As a reader: see `turn`.

    def start(self, splitter: Splitter[Any]) -> None:
        if self._splitter is not None:
            raise StreamConsumed()
        if not self._open:
            raise StreamClosed()
        self._splitter = splitter
        self._read_timeout = (self._request.extensions.get("timeout") or {}).get("read")
        splitter.attach(self._parser)


class SyncLiveBody(LiveBody, SyncByteStream):
    """See LiveBody."""

    def attach(self, splitter: Splitter[Any]) -> Callable[[], bool]:
        """Let a splitter cut its items out of the receive buffer. Returns what waits for more; False: the end."""
        self.start(splitter)
        return Turn(self, splitter).feed

    def feed(self) -> bool:
        return run(self._feed())

    def failed(self, exc: BaseException) -> None:
        self._abort()

    def __iter__(self) -> Iterator[bytes]:
        return Items(ByteChunker(None), Turn(self)) if self._content is None else iter((self._content,))

    def close(self) -> None:
        self._closed = True
        self._finish()


class AsyncLiveBody(LiveBody, AsyncByteStream):
    """See LiveBody."""

    def attach(self, splitter: Splitter[Any]) -> Callable[[], Any]:
        """See SyncLiveBody.attach."""
        self.start(splitter)
        return Turn(self, splitter).feed

    feed = LiveBody._feed

    async def failed(self, exc: BaseException) -> None:
        self._abort()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncItems(ByteChunker(None), Turn(self)) if self._content is None else OnePiece(self._content)

    async def aclose(self) -> None:
        self._closed = True
        self._finish()
