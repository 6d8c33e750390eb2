"""Server-sent events as callers see them: ``ServerSentEvent``, ``EventSource``, and what ``client.sse()`` returns.

How events are cut out of bytes is in `_events`; how content reaches it, in `_models/reading`. Nothing here
connects, and nothing reconnects.
"""

from __future__ import annotations

from httpstream._config import DEFAULT_MAX_EVENT_SIZE_BYTES
from httpstream._events import Event, EventSplitter
from httpstream._exceptions import SSEError
from httpstream._iterators import AsyncItems, Items
from httpstream._models.headers import Headers
from httpstream._models.reading import AsyncReader, SyncReader

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from types import TracebackType
    from typing import Any

    from httpstream._chunker import Splitter
    from httpstream._models.response import Response
    from httpstream._types import HeaderTypes

__all__ = ["EventSource", "SSEError", "ServerSentEvent"]

FIELDS = ("event", "data", "id", "retry")


class LikeDataclass:
    """An attribute by which `dataclasses` knows its own; it is made, and that module loaded, when asked for."""

    __slots__ = ("_name", "_value")

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        if not hasattr(self, "_value"):
            from dataclasses import make_dataclass

            fields = [
                ("event", str, "message"),
                ("data", str, ""),
                ("id", str, ""),
                ("retry", int | None, None),
            ]
            self._value = getattr(make_dataclass(owner.__name__, fields, frozen=True), self._name)
        return self._value


class ServerSentEvent(Event):
    """One server-sent event. It can't be changed, and equals another one with the same values.

    event: its type. data: its data lines, joined by line feeds. id: the last id that the stream has given, so far.
    retry: milliseconds to wait before connecting again, where this event says so.

    `dataclasses` takes it for a dataclass. WHATWG HTML section 9.2.
    """

    __module__ = "httpstream"
    __slots__ = ()
    __match_args__ = ("event", "data", "id", "retry")
    __dataclass_fields__ = LikeDataclass()
    __dataclass_params__ = LikeDataclass()

    def __init__(
        self, event: str = "message", data: str = "", id: str = "", retry: int | None = None
    ) -> None:
        super().__init__(event, data, id, retry)

    def json(self) -> Any:
        """The data as JSON. Raises ValueError when it is none."""
        from json import loads

        return loads(self.data)

    def _values(self) -> tuple[str, str, str, int | None]:
        return self.event, self.data, self.id, self.retry

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerSentEvent) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in FIELDS)
        return f"{type(self).__qualname__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()

    def __replace__(self, /, **changes: Any) -> ServerSentEvent:
        return type(self)(**{**dict(zip(FIELDS, self._values(), strict=True)), **changes})

    def __setattr__(self, name: str, value: object) -> None:
        if type(self) is ServerSentEvent or name in FIELDS:
            raise_frozen(f"cannot assign to field {name!r}")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if type(self) is ServerSentEvent or name in FIELDS:
            raise_frozen(f"cannot delete field {name!r}")
        super().__delattr__(name)


def raise_frozen(message: str) -> None:
    """Raise what changing a frozen dataclass raises: an AttributeError."""
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(message)


class EventSource:
    """The server-sent events of a response, for both worlds: iterate over it.

    response: from ``stream()``, or one that was read. max_event_size: how many bytes an event may have (its lines
    without their ends; comments are not counted); None: no limit.

    Iterating raises SSEError when the response's content type is not ``text/event-stream``, and for a larger event;
    else what `Response.iter_events` raises; RuntimeError for a response without a request. It never connects again:
    the ``id`` and ``retry`` of the last event say how to.
    """

    __module__ = "httpstream"

    def __init__(self, response: Response, max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE_BYTES) -> None:
        self._response = response
        self._max_event_size = max_event_size

    @property
    def response(self) -> Response:
        """The response whose events these are."""
        return self._response

    def __iter__(self) -> Items[ServerSentEvent]:
        splitter = EventSplitter(ServerSentEvent, self._max_event_size)
        return Items(splitter, CheckingReader(self._response))

    def __aiter__(self) -> AsyncItems[ServerSentEvent]:
        splitter = EventSplitter(ServerSentEvent, self._max_event_size)
        return AsyncItems(splitter, AsyncCheckingReader(self._response))


class CheckingReader(SyncReader):
    """Reads a response whose content is events, and no other."""

    __slots__ = ()

    def start(self, splitter: Splitter[Any]) -> None:
        check_content_type(self._response)
        super().start(splitter)


class AsyncCheckingReader(AsyncReader):
    """See `CheckingReader`."""

    __slots__ = ()

    def start(self, splitter: Splitter[Any]) -> None:
        check_content_type(self._response)
        super().start(splitter)


def check_content_type(response: Response) -> None:
    """Raise SSEError unless the content is events, before any of it is read."""
    request = response.request
    content_type = response.headers.get("content-type", "").partition(";")[0].strip()
    if content_type.lower() != "text/event-stream":
        raise SSEError(
            f"the content type of a stream of events is 'text/event-stream', not {content_type!r}",
            request=request,
        )


def event_headers(headers: HeaderTypes | None) -> Headers:
    """The header fields of a request for events, and those of the caller, which win."""
    merged = Headers({"Accept": "text/event-stream", "Cache-Control": "no-store"})
    merged.update(headers)
    return merged


class SSEContext:
    """What `Client.sse` returns: entering it sends the request, leaving it closes the response."""

    __slots__ = ("_max_event_size", "_stream")

    def __init__(self, stream: AbstractContextManager[Response], max_event_size: int | None) -> None:
        self._stream = stream
        self._max_event_size = max_event_size

    def __enter__(self) -> EventSource:
        return EventSource(self._stream.__enter__(), self._max_event_size)

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._stream.__exit__(exc_type, exc_value, traceback)


class AsyncSSEContext:
    """See `SSEContext`."""

    __slots__ = ("_max_event_size", "_stream")

    def __init__(self, stream: AbstractAsyncContextManager[Response], max_event_size: int | None) -> None:
        self._stream = stream
        self._max_event_size = max_event_size

    async def __aenter__(self) -> EventSource:
        return EventSource(await self._stream.__aenter__(), self._max_event_size)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._stream.__aexit__(exc_type, exc_value, traceback)
