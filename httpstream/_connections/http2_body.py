"""The content of an HTTP/2 response that is being received: the stream of a live response.

What it is to its reader, `body` says. Knows its connection's stream, and gives the connection back when the content
ends; knows no frames, no content coding and no caller's wishes.
"""

from __future__ import annotations

from httpstream._backend import run
from httpstream._chunker import ByteChunker
from httpstream._exceptions import ReadTimeout, StreamClosed, StreamConsumed
from httpstream._iterators import AsyncItems, Items
from httpstream._streams.bases import AsyncByteStream, SyncByteStream
from httpstream._streams.http import HTTPStream
from httpstream._streams.memory import OnePiece

from .progress import Progress
from .route import origin_text
from .trace import HTTP2
from .turn import Turn

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from httpstream._chunker import Splitter
    from httpstream._config import MessageLimits
    from httpstream._models.headers import Headers
    from httpstream._models.request import Request

    from .http2 import Http2Connection
    from .http2_stream import Stream
    from .trace import Events, Phase


class Http2Body(HTTPStream):
    """The content of a response that is being received. One reader at a time; what it does not take, is not sent."""

    _open = False

    def __init__(
        self,
        connection: Http2Connection,
        stream: Stream,
        release: Callable[[], None],
        request: Request,
        headers: Headers,
        limits: MessageLimits,
        trailers: list[tuple[bytes, bytes]],
        events: Events | None,
    ) -> None:
        """release: called once, when the exchange has ended. request, headers, trailers: as in LiveBody."""
        self._request = request
        self._headers = headers
        self._connection = connection
        self._stream = stream
        self._release = release
        self._read_timeout: float | None = (request.extensions.get("timeout") or {}).get("read")
        self._trailers = trailers
        self._events = events
        self._phase: Phase | None = None
        self._open = True
        self._splitter: Splitter[Any] | None = None
        self.limits = limits
        on_progress = request.extensions.get("on_progress")
        self._progress = None if on_progress is None else Progress(on_progress, self._raw_size())

    def _raw_size(self) -> int | None:
        return self._stream.size()

    @property
    def bytes_taken(self) -> int:
        """Raw content bytes handed over so far."""
        return self._stream.bytes_taken

    def take_arrived(self) -> bytes | None:
        """The whole content, when it has come already; None: it has not, and nothing is taken."""
        stream = self._stream
        if not self._open or self._splitter is not None or self._events is not None:
            return None
        if not stream.is_over or stream.error is not None:
            return None
        pieces = []
        while (piece := self._connection.take(stream)) is not None:
            pieces.append(piece)
        self._finish()
        self._content = self._ahead = b"".join(pieces)
        return self._content

    async def _feed(self) -> bool:
        """Give the splitter the next piece; False: the content is complete."""
        if not self._open:
            raise StreamClosed()
        if self._events is not None and self._phase is None:
            info = {"request": self._events.request, "stream_id": self._stream.id}
            self._phase = self._events.phase(HTTP2, "receive_response_body", info)
            await self._phase.start()
        connection, stream = self._connection, self._stream
        while True:
            is_over = stream.is_over  # asked first: between two questions the last piece may come
            piece = connection.take(stream)
            if not self._open:
                raise StreamClosed()
            if piece is not None:
                if self._progress is not None:
                    self._progress.update(stream.bytes_taken)
                assert self._splitter is not None
                self._splitter.push(piece)
                return True
            if is_over:
                break
            if not await connection.wait(stream, stream.has_content, self._read_timeout):
                raise ReadTimeout(f"{origin_text(connection.key)} sent nothing within the read timeout")
        if stream.error is not None:
            raise stream.error
        if self._phase is not None:
            phase, self._phase = self._phase, None
            await phase.complete()
        await self._end()
        return False

    async def _end(self, exc: BaseException | None = None) -> None:
        """Close, with the events of it. exc: why, when it is no good end."""
        if not self._open:
            return
        if self._events is None:
            self._finish()
            return
        closed = self._events.phase(HTTP2, "response_closed", {"stream_id": self._stream.id})
        try:
            if self._phase is not None:
                phase, self._phase = self._phase, None
                await phase.fail(GeneratorExit() if exc is None else exc)
            await closed.start()
        finally:
            self._finish()
        await closed.complete()

    def _finish(self) -> None:
        if self._open:
            self._open = False
            self._trailers.extend(self._stream.trailers)
            try:
                self._connection.abandon(self._stream)
            finally:
                self._release()
            if self._progress is not None and self._stream.is_over and self._stream.error is None:
                self._progress.end(self._stream.bytes_taken)

    def __del__(self) -> None:
        if self._open:  # see LiveBody
            self._progress = None
            try:
                self._finish()
            except Exception:
                pass

    # As a reader: see `turn`.

    def start(self, splitter: Splitter[Any]) -> None:
        if self._splitter is not None:
            raise StreamConsumed()
        if not self._open:
            raise StreamClosed()
        self._splitter = splitter


class SyncHttp2Body(Http2Body, SyncByteStream):
    """See Http2Body."""

    def attach(self, splitter: Splitter[Any]) -> Callable[[], bool]:
        """Let a splitter have the content. Returns what gives it more; False: the end."""
        self.start(splitter)
        return Turn(self, splitter).feed

    def feed(self) -> bool:
        return run(self._feed())

    def failed(self, exc: BaseException) -> None:
        run(self._end(exc))

    def __iter__(self) -> Iterator[bytes]:
        return Items(ByteChunker(None), Turn(self)) if self._content is None else iter((self._content,))

    def close(self) -> None:
        self._closed = True
        run(self._end())


class AsyncHttp2Body(Http2Body, AsyncByteStream):
    """See Http2Body."""

    def attach(self, splitter: Splitter[Any]) -> Callable[[], Any]:
        """See SyncHttp2Body.attach."""
        self.start(splitter)
        return Turn(self, splitter).feed

    feed = Http2Body._feed

    async def failed(self, exc: BaseException) -> None:
        await self._end(exc)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncItems(ByteChunker(None), Turn(self)) if self._content is None else OnePiece(self._content)

    async def aclose(self) -> None:
        self._closed = True
        await self._end()
