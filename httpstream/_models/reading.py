"""How the content of a response reaches a splitter: from memory, raw, or decoded.

Here live the readers of the two worlds (the protocol of `_iterators`: start, feed, failed). They know the
response and its stream, nothing of connections, and they neither cut nor keep content: that is the splitter's
part.

A stream that has ``attach(splitter)`` (the body of a live response) gives the splitter direct access to its
receive buffer and answers with the function that fills it. Any other stream is iterated, and its pieces are
pushed.
"""

from __future__ import annotations

from httpstream._backend import ASYNC
from httpstream._exceptions import DecodingError, RequestError, StreamClosed, StreamConsumed
from httpstream._streams import AsyncByteStream, Stream, SyncByteStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from typing import Any

    from httpstream._chunker import Splitter
    from httpstream._decoders import Decoder

    from .request import Request
    from .response import Response


PIECES_PER_TURN = 16
"""Decoded without a wait, 64 KiB each; then the tasks beside have their turn: content may unfold a millionfold."""


class UnattachedStream(Stream, AsyncByteStream, SyncByteStream):
    """The stream of a message that was pickled: its connection stayed behind. It raises StreamClosed."""

    def __iter__(self) -> Iterator[bytes]:
        raise StreamClosed()

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise StreamClosed()


def claim(response: Response, world: type, method: str) -> None:
    """Take the right to read the stream of a response: there is one reading only.

    Raises StreamConsumed, StreamClosed, or RuntimeError when the stream belongs to the other world.
    """
    # A live body has a splitter once it has given something by itself: that is missing from what could still be read.
    if response.is_stream_consumed or getattr(response.stream, "_splitter", None) is not None:
        raise StreamConsumed()
    if response.is_closed:
        raise StreamClosed()
    if not isinstance(response.stream, world):
        kind = "async" if world is SyncByteStream else "sync"
        raise RuntimeError(f"{method} was called on a response whose stream is {kind}")
    response.is_stream_consumed = True
    response._num_bytes_downloaded = 0


def blame(exc: BaseException, request: Request | None) -> None:
    """Tell an exception on its way out which request it belongs to: the one that the caller knows of."""
    if isinstance(exc, RequestError) and request is not None and exc._request is not request:
        is_new, exc._request = exc._request is None, request
        if is_new and isinstance(exc, DecodingError):
            # Who decodes knows no origin; a message must name it.
            exc.args = (f"{exc}, in the response from {request.url.scheme}://{request.url.netloc.decode()}",)


def abandon(response: Response, exc: BaseException) -> None:
    """Close a response because of an exception on its way out; that one is what the caller must see."""
    blame(exc, response._request)
    try:
        if hasattr(response.stream, "failed"):  # a live body: its connection is not used again after an error
            response.stream.failed(exc)
        response.close()
    except Exception:
        pass


async def aabandon(response: Response, exc: BaseException) -> None:
    """See `abandon`."""
    blame(exc, response._request)
    try:
        if hasattr(response.stream, "failed"):
            await response.stream.failed(exc)
        await response.aclose()
    except Exception:
        pass


class SyncReader:
    """Feeds a splitter in the sync world. raw: keep the content coding, and never read from memory."""

    __slots__ = ("_claimed", "_decoder", "_pieces", "_raw", "_response", "_splitter", "_step")

    _step: Callable[[], bool]
    _splitter: Splitter[Any]
    _pieces: Iterator[bytes]
    _decoder: Decoder

    def __init__(self, response: Response, *, raw: bool = False) -> None:
        self._response = response
        self._raw = raw
        self._claimed = False  # whether the stream is this reader's to read and to close

    def start(self, splitter: Splitter[Any]) -> None:
        """Choose the way of the content. Raises what `claim` raises, and DecodingError."""
        response = self._response
        self._splitter = splitter
        if not self._raw and hasattr(response, "_content"):
            self._step = self._from_memory
            return
        claim(response, SyncByteStream, "a sync iterator")
        self._claimed = True
        stream = response.stream
        decoder = None if self._raw else response._content_decoder()
        if decoder is not None:
            self._decoder = decoder
            self._step = self._decoded
        elif hasattr(stream, "attach"):
            self._step = stream.attach(splitter)
            return
        else:
            self._step = self._pushed
        assert isinstance(stream, SyncByteStream)  # claim() has checked it; this line is for type checkers
        self._pieces = iter(stream)

    def feed(self) -> bool:
        """Give the splitter more. False: the content has ended, the response is closed."""
        if self._step():
            return True
        if self._claimed:
            self._response.close()
        return False

    def failed(self, exc: BaseException) -> None:
        """An exception is about to leave the iterator: nothing more can be read, so close."""
        if self._claimed:
            abandon(self._response, exc)
        else:
            blame(exc, self._response._request)

    def _from_memory(self) -> bool:
        self._step = self._end
        content = self._response.content
        if content:
            self._splitter.push(content)
        return bool(content)

    def _end(self) -> bool:
        return False

    def _next_raw(self) -> bytes | None:
        raw = next(self._pieces, None)
        if raw is not None:
            self._response._num_bytes_downloaded += len(raw)
        return raw

    def _pushed(self) -> bool:
        raw = self._next_raw()
        if raw is None:
            return False
        self._splitter.push(raw)
        return True

    def _decoded(self) -> bool:
        decoder = self._decoder
        while True:
            raw: bytes | None = b""
            if decoder.needs_input:
                raw = self._next_raw()
                if raw is None:
                    decoder.finish()
                    return False
            content = decoder.decode(raw or b"")
            if content:
                self._splitter.push(content)
                return True


class AsyncReader:
    """Feeds a splitter in the async world: see `SyncReader`."""

    __slots__ = ("_claimed", "_count", "_decoder", "_pieces", "_raw", "_response", "_splitter", "_step")

    _step: Callable[[], Awaitable[bool]]
    _splitter: Splitter[Any]
    _pieces: AsyncIterator[bytes]
    _decoder: Decoder

    def __init__(self, response: Response, *, raw: bool = False) -> None:
        self._response = response
        self._raw = raw
        self._claimed = False  # whether the stream is this reader's to read and to close

    def start(self, splitter: Splitter[Any]) -> None:
        """See `SyncReader.start`."""
        response = self._response
        self._splitter = splitter
        if not self._raw and hasattr(response, "_content"):
            self._step = self._from_memory
            return
        claim(response, AsyncByteStream, "an async iterator")
        self._claimed = True
        stream = response.stream
        decoder = None if self._raw else response._content_decoder()
        if decoder is not None:
            self._decoder = decoder
            self._count = 0
            self._step = self._decoded
        elif hasattr(stream, "attach"):
            self._step = stream.attach(splitter)
            return
        else:
            self._step = self._pushed
        assert isinstance(stream, AsyncByteStream)  # claim() has checked it; this line is for type checkers
        self._pieces = stream.__aiter__()

    async def feed(self) -> bool:
        """See `SyncReader.feed`."""
        if await self._step():
            return True
        if self._claimed:
            await self._response.aclose()
        return False

    async def failed(self, exc: BaseException) -> None:
        """See `SyncReader.failed`."""
        if self._claimed:
            await aabandon(self._response, exc)
        else:
            blame(exc, self._response._request)

    async def _from_memory(self) -> bool:
        self._step = self._end
        content = self._response.content
        if content:
            self._splitter.push(content)
        return bool(content)

    async def _end(self) -> bool:
        return False

    async def _next_raw(self) -> bytes | None:
        try:
            raw = await self._pieces.__anext__()
        except StopAsyncIteration:
            return None
        self._response._num_bytes_downloaded += len(raw)
        return raw

    async def _pushed(self) -> bool:
        raw = await self._next_raw()
        if raw is None:
            return False
        self._splitter.push(raw)
        return True

    async def _decoded(self) -> bool:
        decoder = self._decoder
        while True:
            raw: bytes | None = b""
            if decoder.needs_input:
                raw = await self._next_raw()
                if raw is None:
                    decoder.finish()
                    return False
            if self._count >= PIECES_PER_TURN:
                self._count = 0
                await ASYNC.sleep(0)
            content = decoder.decode(raw or b"")
            # Nothing, although nothing is needed: much was decoded that stands for nothing.
            self._count += 1 if content or decoder.needs_input else PIECES_PER_TURN
            if content:
                self._splitter.push(content)
                return True
