"""``GZipStream``: a stream compressed, or decompressed, while it is read (RFC 1952)."""

from __future__ import annotations

from httpstream._backend import ASYNC
from httpstream._exceptions import DecodingError

from .bases import AsyncByteStream, SyncByteStream, can_be_sent_again
from .iterables import as_stream
from .stream import Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, Literal

__all__ = ["GZipStream"]

INPUT_BYTES = 256 * 1024  # taken at a time, so that the output of what does not compress stays in bounds

PIECES_PER_TURN = 16
"""Of 64 KiB each; then the tasks beside have their turn: content may unfold a millionfold."""

LEVEL = 6
"""zlib's own default: a level more costs half as much time again for one percent of size."""


class GZipStream(Stream, AsyncByteStream, SyncByteStream):
    """The content of another stream in the gzip format, or taken out of it.

    source: a stream, a content type, bytes, a binary file, or an iterable of bytes; closed together with this one.
    mode: "decompress" takes all members, checks their checksums, and raises DecodingError for what ends before its
    coding does; "compress" makes one member, and sent as content it brings ``Content-Encoding: gzip``.
    level: 0 to 9, of "compress".

    It belongs to the worlds of its source, and can be sent again when that can. No piece exceeds 1 MiB. Over the stream
    of a response the `MessageLimits` of its transport hold, and an error names its request.
    """

    __module__ = "httpstream"

    def __init__(
        self, source: Any, mode: Literal["decompress", "compress"] = "decompress", *, level: int = LEVEL
    ) -> None:
        if mode not in ("decompress", "compress"):
            raise ValueError(f'mode is "decompress" or "compress", not {mode!r}')
        if not 0 <= level <= 9:
            raise ValueError(f"level is 0 to 9, not {level!r}")
        self.source = as_stream(source)
        self._level = level if mode == "compress" else None
        self.content_type = self.source.content_type
        if mode == "compress":
            self.content_encoding = "gzip"

    def _coder(self) -> Any:
        if self._level is not None:
            return _Compressor(self._level)
        from httpstream._config import DEFAULT_MESSAGE_LIMITS
        from httpstream._decoders import make_decoder

        return make_decoder(["gzip"], getattr(self.source, "limits", DEFAULT_MESSAGE_LIMITS))

    def __iter__(self) -> Iterator[bytes]:
        self._check_open()
        self.source._check_world(SyncByteStream, "aread(), aiter_...(), async for")
        return _Pieces(self.source, iter(self.source), self._coder())  # type: ignore[call-overload]  # a SyncByteStream

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._check_open()
        self.source._check_world(AsyncByteStream, "read(), iter_...(), for")
        return _AsyncPieces(self.source, self.source.__aiter__(), self._coder())  # type: ignore[attr-defined]  # as above

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return not self._closed and can_be_sent_again(self.source)

    def close(self) -> None:
        """Close this stream and its source."""
        super().close()
        self.source.close()

    async def aclose(self) -> None:
        """See `close`."""
        await super().aclose()
        await self.source.aclose()


class _Compressor:
    """Compression with the face of a decoder."""

    __slots__ = ("_rest", "_zlib", "needs_input")

    def __init__(self, level: int) -> None:
        import zlib

        self._zlib = zlib.compressobj(level, zlib.DEFLATED, 31)
        self._rest = memoryview(b"")
        self.needs_input = True

    def decode(self, data: bytes) -> bytes:
        if self.needs_input:
            self._rest = memoryview(data)
        piece, self._rest = self._rest[:INPUT_BYTES], self._rest[INPUT_BYTES:]
        self.needs_input = not self._rest
        return self._zlib.compress(piece)

    def finish(self) -> bytes:
        return self._zlib.flush()


class _Coding:
    """What the iterators of both worlds do with the pieces of their source."""

    __slots__ = ("_coder", "_count", "_ended", "_pieces", "_source")

    def __init__(self, source: Stream, pieces: Any, coder: Any) -> None:
        self._source = source
        self._pieces = pieces
        self._coder = coder
        self._count = 0  # of what was decoded
        self._ended = False

    def _decode(self, piece: bytes) -> bytes:
        try:
            return self._coder.decode(piece)  # type: ignore[no-any-return]  # see __init__
        except DecodingError as exc:
            self._blame(exc)
            raise

    def _blame(self, exc: DecodingError) -> None:
        """Where the source is a response's content, its request is the one that failed."""
        if hasattr(self._source, "_blame"):
            self._source._blame(exc)

    def _end(self) -> bytes:
        """What comes after the last piece of the source. Raises DecodingError when something is missing."""
        if self._ended:
            return b""
        try:
            rest: bytes = self._coder.finish() or b""
        except DecodingError as exc:
            self._blame(exc)
            raise
        self._ended = True  # not where it raised: what was cut does not end well when it is read once more
        return rest


class _Pieces(_Coding):
    __slots__ = ()

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        while not self._ended:
            piece: bytes | None = b""
            if self._coder.needs_input:
                piece = next(self._pieces, None)
                if piece is None:
                    break
            coded = self._decode(piece or b"")
            if coded:
                return coded
        rest = self._end()
        if not rest:
            raise StopIteration
        return rest

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


class _AsyncPieces(_Coding):
    __slots__ = ()

    def __aiter__(self) -> _AsyncPieces:
        return self

    async def __anext__(self) -> bytes:
        while not self._ended:
            piece = b""
            if self._coder.needs_input:
                try:
                    piece = await self._pieces.__anext__()
                except StopAsyncIteration:
                    break
            self._count += 1
            if self._count % PIECES_PER_TURN == 0:
                await ASYNC.sleep(0)
            coded = self._decode(piece)
            if coded:
                return coded
        rest = self._end()
        if not rest:
            raise StopAsyncIteration
        return rest

    async def aclose(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()
