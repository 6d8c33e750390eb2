"""How a stream's content reaches a splitter: the readers of the two worlds (the protocol of `_iterators`).

They move the stream's cursor, a piece at a time, and leave the stream open. Nothing is cut here.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._chunker import Splitter

    from .stream import Stream


class _Reader:
    __slots__ = ("_splitter", "_stream")

    _splitter: Splitter[Any]

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def start(self, splitter: Splitter[Any]) -> None:
        """Note where the pieces go."""
        self._splitter = splitter

    def _push(self, piece: bytes) -> bool:
        if piece:
            self._splitter.push(piece)
        return bool(piece)


class SyncStreamReader(_Reader):
    """Feeds a splitter in the sync world."""

    __slots__ = ()

    def feed(self) -> bool:
        """Give the splitter more. False: the content has ended."""
        return self._push(self._stream._next_piece())

    def failed(self, exc: BaseException) -> None:
        """Nothing: the stream stays as it is."""


class AsyncStreamReader(_Reader):
    """Feeds a splitter in the async world."""

    __slots__ = ()

    async def feed(self) -> bool:
        """See `SyncStreamReader.feed`."""
        return self._push(await self._stream._anext_piece())

    async def failed(self, exc: BaseException) -> None:
        """See `SyncStreamReader.failed`."""
