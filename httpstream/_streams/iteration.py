"""``Iteration``: a stream as chunks, text, lines, events and JSON lines, by the splitters that responses use.

Each iterator goes on from where the stream's cursor stands, takes it along a piece at a time, and leaves the stream
open. The splitters load with the first use.
"""

from __future__ import annotations

from httpstream._config import AS_IT_ARRIVES

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from httpstream._iterators import AsyncItems, Items
    from httpstream._sse import ServerSentEvent


class Iteration:
    """The part of `Stream` that iterates."""

    content_type: str | None

    def iter_bytes(self, chunk_size: int | None = AS_IT_ARRIVES) -> Items[bytes]:
        """Iterate over the content in chunks. chunk_size: as in `Response.iter_bytes`."""
        from httpstream._chunker import ByteChunker

        return self._items(ByteChunker(chunk_size))

    def iter_text(self, chunk_size: int | None = AS_IT_ARRIVES) -> Items[str]:
        """Iterate over the content as text, in the charset of `content_type`, else UTF-8.

        chunk_size: as in `Response.iter_text`.
        """
        from httpstream._chunker import TextChunker

        return self._items(TextChunker(chunk_size, self._charset()))

    def iter_lines(self, *, max_line_bytes: int | None = None) -> Items[str]:
        """Iterate over the content as lines of text, without their ends: see `Response.iter_lines`."""
        return self._items(self._line_splitter(self._charset(), max_line_bytes))

    def iter_lines_bytes(self, *, max_line_bytes: int | None = None) -> Items[bytes]:
        """Iterate over the content as lines of bytes: see `Response.iter_lines_bytes`."""
        return self._items(self._line_splitter(None, max_line_bytes))

    def iter_json(
        self, *, loads: Callable[[bytes], Any] | None = None, max_line_bytes: int | None = None
    ) -> Items[Any]:
        """Iterate over JSON lines: see `Response.iter_json`. loads: None: `json.loads`."""
        return self._items(self._json_splitter(loads, max_line_bytes))

    def iter_events(self, *, max_event_bytes: int | None = None) -> Items[ServerSentEvent]:
        """Iterate over server-sent events: see `Response.iter_events`."""
        return self._items(self._event_splitter(max_event_bytes))

    def aiter_bytes(self, chunk_size: int | None = AS_IT_ARRIVES) -> AsyncItems[bytes]:
        """See `iter_bytes`."""
        from httpstream._chunker import ByteChunker

        return self._aitems(ByteChunker(chunk_size))

    def aiter_text(self, chunk_size: int | None = AS_IT_ARRIVES) -> AsyncItems[str]:
        """See `iter_text`."""
        from httpstream._chunker import TextChunker

        return self._aitems(TextChunker(chunk_size, self._charset()))

    def aiter_lines(self, *, max_line_bytes: int | None = None) -> AsyncItems[str]:
        """See `iter_lines`."""
        return self._aitems(self._line_splitter(self._charset(), max_line_bytes))

    def aiter_lines_bytes(self, *, max_line_bytes: int | None = None) -> AsyncItems[bytes]:
        """See `iter_lines_bytes`."""
        return self._aitems(self._line_splitter(None, max_line_bytes))

    def aiter_json(
        self, *, loads: Callable[[bytes], Any] | None = None, max_line_bytes: int | None = None
    ) -> AsyncItems[Any]:
        """See `iter_json`."""
        return self._aitems(self._json_splitter(loads, max_line_bytes))

    def aiter_events(self, *, max_event_bytes: int | None = None) -> AsyncItems[ServerSentEvent]:
        """See `iter_events`."""
        return self._aitems(self._event_splitter(max_event_bytes))

    # What they share.

    def _items(self, splitter: Any) -> Items[Any]:
        from httpstream._iterators import Items

        from .reading import SyncStreamReader

        return Items(splitter, SyncStreamReader(self))  # type: ignore[arg-type]  # self is a Stream

    def _aitems(self, splitter: Any) -> AsyncItems[Any]:
        from httpstream._iterators import AsyncItems

        from .reading import AsyncStreamReader

        return AsyncItems(splitter, AsyncStreamReader(self))  # type: ignore[arg-type]  # as above

    def _charset(self) -> str:
        from httpstream._models.charset import charset_of, is_charset

        charset = None if self.content_type is None else charset_of(self.content_type)
        return charset if charset is not None and is_charset(charset) else "utf-8"

    def _line_splitter(self, encoding: str | None, max_line_bytes: int | None) -> Any:
        from httpstream._config import MessageLimits
        from httpstream._lines import LineSplitter

        return LineSplitter(
            encoding, MessageLimits().max_line_bytes if max_line_bytes is None else max_line_bytes
        )

    def _json_splitter(self, loads: Callable[[bytes], Any] | None, max_line_bytes: int | None) -> Any:
        from httpstream._config import MessageLimits
        from httpstream._models.records import json_splitter

        return json_splitter(MessageLimits(), loads, max_line_bytes)

    def _event_splitter(self, max_event_bytes: int | None) -> Any:
        from httpstream._config import MessageLimits
        from httpstream._models.records import event_splitter

        return event_splitter(MessageLimits(), max_event_bytes)
