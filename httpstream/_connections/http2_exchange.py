"""One exchange on an HTTP/2 connection, up to the head of its response: what is sent, what is awaited (RFC 9113).

Knows requests, and the connection they go out on; no frames, no pool. The content of the response is `http2_body`'s.
"""

from __future__ import annotations

from httpstream._exceptions import LocalProtocolError, ReadTimeout, WriteError, WriteTimeout
from httpstream._streams import ByteStream

from .connection import CONTINUE_TIMEOUT, ascii_of, given_target
from .exchange import HeaderSection, request_line
from .http2_fields import request_fields
from .route import origin_text
from .trace import HTTP2
from .upload import Upload

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._models.request import Request

    from .connection import Head, Timeouts
    from .http2 import Http2Connection
    from .http2_stream import Stream
    from .trace import Events


class NoRoom(Exception):
    """Nothing of the request was sent, and its content not touched: it needs another connection."""


class NotProcessed(Exception):
    """The server says that it did not process the request. Its `__cause__` is what to raise, if that is the end."""


async def exchange(
    connection: Http2Connection, request: Request, timeouts: Timeouts, events: Events | None
) -> Exchange:
    """Send a request and return the exchange, whose stream has the head of the final response.

    timeouts: seconds, "read" and "write". After an exception the exchange has let go of its stream.
    Raises NoRoom, NotProcessed, ReadError, ReadTimeout, WriteError, WriteTimeout, LocalProtocolError,
    RemoteProtocolError.
    """
    method = ascii_of(request.method)
    target = given_target(request.extensions.get("target"), request.url.raw_path)
    request_line(method, target)  # raises for what may not stand there
    section = HeaderSection(request.headers.raw)
    fields = request_fields(method, request.url.scheme, target, request.headers.raw)
    has_content = (
        section.content_length != 0 or type(request.stream) is not ByteStream or bool(request.stream.content)
    )
    stream = connection.begin(fields, method == b"HEAD", is_sent=not has_content)
    if stream is None:
        raise NoRoom()
    try:
        begun = Exchange(connection, stream, request, timeouts, events)
        await begun.run(section, has_content)
        return begun
    except BaseException as exc:
        connection.abandon(stream)
        if events is not None:
            async with events.phase(HTTP2, "response_closed", {"stream_id": stream.id}):
                pass
        if stream.was_not_processed and isinstance(exc, Exception):
            raise NotProcessed() from exc
        raise


class Exchange:
    """What one exchange needs while its request goes out and the head of its response is awaited."""

    __slots__ = ("_informational", "_request", "_timeouts", "connection", "events", "stream")

    def __init__(
        self,
        connection: Http2Connection,
        stream: Stream,
        request: Request,
        timeouts: Timeouts,
        events: Events | None,
    ) -> None:
        self.connection = connection
        self.stream = stream
        self._request = request
        self._timeouts = timeouts
        self.events = events
        self._informational = request.extensions.get("informational")

    async def run(self, section: HeaderSection, has_content: bool) -> None:
        """Send all of it, and await the head."""
        write = self._timeouts.get("write")
        broken: WriteError | None = None
        try:
            async with self._phase("send_request_headers"):
                if not has_content or section.expects_continue or self.events is not None:
                    await self.connection.flush(self.stream, write)
            async with self._phase("send_request_body"):
                if has_content:
                    await self._send_content(section, write)
        except WriteError as exc:
            broken = exc  # a server may answer and stop reading: then the answer counts
        except WriteTimeout:
            if self.stream.head is None:
                raise
        async with self._phase("receive_response_headers") as phase:
            try:
                status, fields = await self._receive_head(self._timeouts.get("read"))
            except Exception:
                if broken is None or self.stream.was_not_processed:
                    raise
                raise broken from broken.__cause__
            phase.result = status, fields

    def _phase(self, name: str) -> Any:
        if self.events is None:
            return _UNTRACED
        info = {"request": self.events.request, "stream_id": self.stream.id}
        return self.events.phase(HTTP2, name, info)

    async def _send_content(self, section: HeaderSection, write: float | None) -> None:
        stream, content = self.stream, self._request.stream
        if section.expects_continue:
            # As over HTTP/1.1: a server that may not know Expect is not waited for any longer.
            read = self._timeouts.get("read")
            patience = CONTINUE_TIMEOUT if read is None else min(read, CONTINUE_TIMEOUT)
            await self.connection.wait(stream, stream.has_head, patience)
            if stream.head is not None:
                return  # a final response: the content is not wanted
        upload = Http2Upload(self, section.content_length, write)
        upload.watch(self._request, section.content_length)
        if (
            upload.progress is None
            and type(content) is ByteStream
            and len(content.content) == section.content_length
        ):
            await self.connection.send_content(stream, content.content, write, is_last=True)
            await self.connection.flush(stream, write)
        elif not (
            await upload.send_each_async(content)
            if self.connection.is_async
            else await upload.send_each(content)
        ):
            await upload.end()

    async def send(self, content: bytes, write: float | None) -> Head | None:
        """Send content. Returns the head of a response that is complete: then the rest is not wanted."""
        await self.connection.send_content(self.stream, content, write)
        if self.stream.informational:
            await self._tell_informational()
        return self._complete_answer()

    async def send_end(self, write: float | None) -> Head | None:
        await self.connection.send_end(self.stream, write)
        return self._complete_answer()

    def _complete_answer(self) -> Head | None:
        """A response that has begun is no reason to stop sending: its content may depend on the rest."""
        stream = self.stream
        if not stream.is_over:
            return None
        if stream.error is not None:
            raise stream.error
        assert stream.head is not None
        return b"HTTP/2", stream.head[0], b"", stream.head[1]

    async def _receive_head(self, read: float | None) -> tuple[int, list[tuple[bytes, bytes]]]:
        stream = self.stream
        while True:
            if not await self.connection.wait(stream, stream.has_head, read):
                peer = origin_text(self.connection.key)
                raise ReadTimeout(f"no response head from {peer} within the read timeout")
            await self._tell_settings()
            if stream.informational:
                await self._tell_informational()
            if stream.head is not None:
                return stream.head
            if stream.error is not None:
                raise stream.error

    async def _tell_settings(self) -> None:
        """Those that came while this exchange waited: a later one that is traced must not hear of them."""
        for change in self.connection.settings_changes():
            if self.events is not None:
                async with self.events.phase(HTTP2, "receive_remote_settings") as phase:
                    phase.result = change

    async def _tell_informational(self) -> None:
        while self.stream.informational:
            status, fields = self.stream.informational.popleft()
            if self._informational is not None:
                await self.connection.call(self._informational, status, fields)


class Http2Upload(Upload):
    """The content of one request on its way out: as over HTTP/1.1, but without framing of its own."""

    __slots__ = ("_exchange", "_left", "_timeout")

    can_send_files = False  # every piece goes into frames

    def __init__(self, exchange: Exchange, content_length: int | None, timeout: float | None) -> None:
        """content_length: bytes of content that must follow; None: unknown. timeout: without progress."""
        self._exchange = exchange
        self._left = content_length
        self._timeout = timeout
        self._done = 0
        self.progress = None

    async def _send_piece(self, piece: bytes) -> Head | None:
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise LocalProtocolError("the content is longer than its Content-Length")
        return await self._exchange.send(piece, self._timeout)

    async def _send_end(self) -> Head | None:
        if self._left:
            raise LocalProtocolError(f"the content ended {self._left} bytes before its Content-Length")
        return await self._exchange.send_end(self._timeout)


class _Untraced:
    """A phase that nobody is told of."""

    result: Any = None

    async def __aenter__(self) -> _Untraced:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None


_UNTRACED = _Untraced()
