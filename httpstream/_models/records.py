"""``Records``: what `Response` says about content that is made of records, server-sent events and JSON lines.

The records are cut in C, by `_events` and `_json_lines`; both load with the first use, since most programs read
neither.
"""

from __future__ import annotations

from json import loads as json_loads

from httpstream._iterators import AsyncItems, Items

from .reading import AsyncReader, SyncReader

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from httpstream._config import MessageLimits
    from httpstream._events import EventSplitter
    from httpstream._json_lines import JSONLineSplitter
    from httpstream._sse import ServerSentEvent


class Records:
    """The part of `Response` that iterates over records. self: the response."""

    __slots__ = ()

    def iter_events(self: Any, *, max_event_bytes: int | None = None) -> Items[ServerSentEvent]:
        """Iterate over the content as server-sent events, each handed over as soon as its blank line is there.

        The content is UTF-8, whatever its charset; what is not becomes U+FFFD. An event that has no blank line
        at the end of the content is none. max_event_bytes: a larger event raises SSEError; None: what the
        transport's MessageLimits say (1 MiB). The content type is not looked at: `EventSource` does that.

        Raises as `iter_bytes` does. WHATWG HTML section 9.2.
        """
        return Items(event_splitter(self._limits(), max_event_bytes), SyncReader(self))

    def iter_json(
        self: Any, *, loads: Callable[[bytes], Any] | None = json_loads, max_line_bytes: int | None = None
    ) -> Items[Any]:
        """Iterate over JSON lines: the value of each line that is not blank. The last one needs no end.

        loads: makes a value of the bytes of one line; pass ``orjson.loads`` and its kin for speed. None: `json.loads`.
        max_line_bytes: a longer line raises LineTooLong; None: what the transport's MessageLimits say (64 MiB).

        A line that loads refuses raises InvalidJSONLine, a DecodingError and `json.JSONDecodeError` with the
        line's number as ``lineno``; nothing follows it. Else raises as `iter_bytes` does.
        """
        return Items(json_splitter(self._limits(), loads, max_line_bytes), SyncReader(self))

    def aiter_events(self: Any, *, max_event_bytes: int | None = None) -> AsyncItems[ServerSentEvent]:
        """See `iter_events`."""
        return AsyncItems(event_splitter(self._limits(), max_event_bytes), AsyncReader(self))

    def aiter_json(
        self: Any, *, loads: Callable[[bytes], Any] | None = json_loads, max_line_bytes: int | None = None
    ) -> AsyncItems[Any]:
        """See `iter_json`."""
        return AsyncItems(json_splitter(self._limits(), loads, max_line_bytes), AsyncReader(self))


def event_splitter(limits: MessageLimits, max_event_bytes: int | None) -> EventSplitter[ServerSentEvent]:
    """What cuts content into events."""
    from httpstream._events import EventSplitter
    from httpstream._sse import ServerSentEvent

    return EventSplitter(
        ServerSentEvent, limits.max_event_bytes if max_event_bytes is None else max_event_bytes
    )


def json_splitter(
    limits: MessageLimits, loads: Callable[[bytes], Any] | None, max_line_bytes: int | None
) -> JSONLineSplitter:
    """What makes values of content."""
    from httpstream._json_lines import JSONLineSplitter

    return JSONLineSplitter(
        loads or json_loads, limits.max_line_bytes if max_line_bytes is None else max_line_bytes
    )
