"""The content of one request on its way out: framed, joined with its head, stopped by an early answer.

Knows the connection it goes out on, and streams of either world; the framing is the exchange's.
"""

from __future__ import annotations

from httpstream._network.sockets import CANNOT
from httpstream._streams import AsyncByteStream, SyncByteStream
from httpstream._streams.file import FileSpan

from .progress import Progress

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._models.request import Request

    from .connection import Connection, Head
    from .exchange import ContentWriter

FIRST_SEND_BYTES = 64 * 1024
"""Head and first piece of the content go out in one send up to here; above, joining costs more than a send."""

WATCHED_BYTES = 256 * 1024
"""A larger piece goes out in parts when somebody wants to know how far it has come."""


class Upload:
    """The content of one request on its way out."""

    __slots__ = ("_connection", "_done", "_informational", "_unsent", "_write", "_writer", "progress")

    def __init__(
        self,
        connection: Connection,
        writer: ContentWriter,
        unsent: bytes,
        write: float | None,
        informational: Any,
    ) -> None:
        self._connection = connection
        self._writer = writer
        self._unsent = unsent  # the head, as long as it has not gone out
        self._write = write
        self._informational = informational
        self._done = 0
        self.progress: Progress | None = None

    def watch(self, request: Request, content_length: int | None) -> None:
        """Tell whoever the request names how far its content has come."""
        on_progress = request.extensions.get("on_progress")
        if on_progress is not None:
            self.progress = Progress(on_progress, content_length)

    async def send_each(self, stream: SyncByteStream | AsyncByteStream) -> Head | None:
        """Send the pieces of a stream. Returns the head of an early response: then the rest is not wanted."""
        if not isinstance(stream, SyncByteStream):
            raise RuntimeError("the content of this request is an async stream: it needs an AsyncClient")
        pieces = self._spans_of(stream) or iter(stream)
        try:
            for piece in pieces:
                early = await self.send(piece)
                if early is not None:
                    return early
        finally:
            # A generator that is left in the middle is closed here, not when the collector finds it.
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return None

    async def send_each_async(self, stream: SyncByteStream | AsyncByteStream) -> Head | None:
        """See `send_each`."""
        if not isinstance(stream, AsyncByteStream):
            raise RuntimeError("the content of this request is a sync stream: it needs a Client")
        pieces = self._spans_of(stream) or stream.__aiter__()
        try:
            async for piece in pieces:
                early = await self.send(piece)
                if early is not None:
                    return early
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()
        return None

    def _spans_of(self, stream: SyncByteStream | AsyncByteStream) -> Any:
        """The pieces of a stream with its files as spans, for the socket to send; None: the bytes must come here."""
        pieces_and_spans = getattr(stream, "pieces_and_spans", None)
        return pieces_and_spans() if pieces_and_spans is not None and self.can_send_files else None

    @property
    def can_send_files(self) -> bool:
        """Whether `send` takes a part of a file."""
        return not self._writer.is_chunked and getattr(self._connection.stream, "can_send_files", False)

    async def send(self, piece: bytes | FileSpan) -> Head | None:
        """Send a piece. Returns the head of an early response: then the rest is not wanted.

        Raises TypeError for anything that is not bytes, and LocalProtocolError past the announced length.
        """
        if type(piece) is not bytes:
            if isinstance(piece, FileSpan):
                return await self._send_file(piece)
            piece = bytes(memoryview(piece))  # raises TypeError for None, text and numbers
        if self.progress is None or len(piece) <= WATCHED_BYTES:
            early = await self._send_piece(piece)
            self._note(len(piece))
            return early
        for at in range(0, len(piece), WATCHED_BYTES):
            part = piece[at : at + WATCHED_BYTES]
            early = await self._send_piece(part)
            if early is not None:
                return early
            self._note(len(part))
        return None

    def _note(self, size: int) -> None:
        """So many bytes more have gone out."""
        if self.progress is not None:
            self._done += size
            self.progress.update(self._done)

    async def _send_piece(self, piece: bytes) -> Head | None:
        data = self._writer.frame(piece)
        return await self._send(data) if data else None

    async def end(self) -> Head | None:
        """The content has ended. Raises LocalProtocolError when some is missing."""
        early = await self._send_end()
        if self.progress is not None:
            self.progress.end(self._done)
        return early

    async def _send_end(self) -> Head | None:
        data = self._writer.end()
        return await self._send(data) if data or self._unsent else None

    async def _send_file(self, span: FileSpan) -> Head | None:
        """Let the socket send a part of a file. When it has become shorter, `end` says so."""
        self._writer.count(span.size)
        unsent, self._unsent = self._unsent, b""
        early = await self._connection.send(unsent, self._write, self._informational) if unsent else None
        stream, done = self._connection.stream, 0
        while early is None and done < span.size:
            if done or not unsent:
                early = await self._early_answer()
                if early is not None:
                    break
            count = stream.try_sendfile(span.fileno(), span.offset + done, span.size - done)
            if count == CANNOT:
                data = span.read(done, FIRST_SEND_BYTES)
                early, count = await self._connection.send(data, self._write, self._informational), len(data)
            if count == 0:
                self._writer.count(done - span.size)
                break
            if count < 0:
                await stream.wait_send_or_recv(self._write)
            else:
                done += count
                self._note(count)
        return early

    async def _send(self, data: bytes) -> Head | None:
        connection = self._connection
        if self._unsent:
            unsent, self._unsent = self._unsent, b""
            if len(data) > FIRST_SEND_BYTES:
                early = await connection.send(
                    unsent + data[:FIRST_SEND_BYTES], self._write, self._informational
                )
                if early is not None:
                    return early
                return await connection.send(
                    memoryview(data)[FIRST_SEND_BYTES:], self._write, self._informational
                )
            data = unsent + data
        else:
            early = await self._early_answer()
            if early is not None:
                return early
        return await connection.send(data, self._write, self._informational)

    async def _early_answer(self) -> Head | None:
        """The head of a final response that is there: sends that never block would not notice it before the end."""
        stream = self._connection.stream
        if not stream.get_extra_info("is_readable"):
            return None
        await stream.wait_recv(None)
        return await self._connection.head_that_is_there(self._informational)
