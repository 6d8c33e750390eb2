"""One HTTP/1.1 connection: a network stream, and one exchange after the other on it.

Knows no pool, client, redirect or cookie. Whatever ends an exchange before its last byte closes the connection.
"""

from __future__ import annotations

from enum import Enum
from logging import DEBUG
from time import monotonic

from httpstream._backend import READ
from httpstream._exceptions import LocalProtocolError, ReadError, ReadTimeout, RemoteProtocolError, WriteError
from httpstream._network.upgraded import AsyncNetworkStream, NetworkStream
from httpstream._parser import ResponseParser
from httpstream._streams import ByteStream, can_be_sent_again

from .exchange import IDEMPOTENT, ContentWriter, HeaderSection, merge_fields, request_line
from .route import origin_text
from .trace import CONNECTION, HTTP11, events_of
from .upload import Upload

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._backend import Backend
    from httpstream._config import MessageLimits
    from httpstream._models.request import Request
    from httpstream._network.sockets import SocketStream

    from .route import Origin, Route
    from .trace import Events

    Head = tuple[bytes, int, bytes, list[tuple[bytes, bytes]]]
    Timeouts = dict[str, float | None]

CONTINUE_TIMEOUT = 1.0
"""Seconds to wait for the 100 of a server that may not know Expect: RFC 9110 10.1.1 forbids to wait for ever."""

DRAIN_BYTES = 64 * 1024
"""Content of an abandoned response that is dropped to keep its connection, when that much is already there."""


class State(Enum):
    NEW = "new"  # not connected yet
    IDLE = "idle"  # may carry an exchange
    ACTIVE = "active"  # an exchange is under way
    CLOSED = "closed"


# By names of this module: until CPython 3.12 each look into an Enum goes through its metaclass (0.1 us).
NEW, IDLE, ACTIVE, CLOSED = State


class Connection:
    """One connection to an origin.

    `open`, then for each exchange `exchange` and, when its response is done with, `finish`; `close` at any time.
    """

    __slots__ = (
        "_backend",
        "_forwarding_fields",
        "_route",
        "_section",
        "_sent_all",
        "_state",
        "events",
        "expires_at",
        "key",
        "network_stream",
        "parser",
        "reused",
        "stream",
    )

    # From `open` on; the last one is what a response has as its extension.
    stream: SocketStream
    parser: ResponseParser
    network_stream: NetworkStream | AsyncNetworkStream

    def __init__(self, backend: Backend, origin: Origin, route: Route) -> None:
        self.key = origin
        self.expires_at = 0.0  # for the pool
        self.events: Events | None = None  # of the current exchange, when somebody listens
        self.reused = False  # whether the current exchange is not the first one
        self._backend = backend
        self._route = route
        self._forwarding_fields = route.forwarding_fields(origin)
        self._state = NEW
        self._sent_all = False
        self._section: HeaderSection | None = None  # of the exchange before

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {origin_text(self.key)!r} {self._state.value}>"

    # For the pool.

    @property
    def is_reusable(self) -> bool:
        return self._state is IDLE

    def is_alive(self) -> bool:
        """Whether nothing came, and no end, while nobody asked for anything."""
        return self._state is IDLE and self.stream.is_alive()

    def close(self) -> None:
        """Close at once, whatever is under way. Never waits. Closing twice is harmless."""
        if self._state is IDLE and CONNECTION.isEnabledFor(DEBUG):
            # Of an exchange that ends the connection the events are told; this one nobody asked for.
            CONNECTION.debug("close.started")
            CONNECTION.debug("close.complete")
        if self._state in (IDLE, ACTIVE):
            self.stream.close()
        self._state = CLOSED

    def shutdown(self) -> None:
        """From any thread: wake whoever waits on this connection; the owner closes it."""
        if self._state in (IDLE, ACTIVE):
            self.stream.shutdown()

    def abandon(self) -> None:
        """In a forked child: close the descriptor of what is the parent's connection, and nothing more.

        No event loop is told: the child shares the parent's epoll, and would make the parent deaf to the socket.
        """
        if self._state in (IDLE, ACTIVE):
            self.stream.get_extra_info("socket").close()
        self._state = CLOSED

    # An exchange.

    async def open(self, request: Request, timeouts: Timeouts) -> None:
        """Connect for a request. timeouts: seconds, "connect". See `Route.open`."""
        self.stream, _ = await self._route.open(self._backend, self.key, request, timeouts.get("connect"))
        self.network_stream = (AsyncNetworkStream if self._backend.is_async else NetworkStream)(self.stream)
        self.parser = ResponseParser(self._route.limits, origin_text(self.key), self.stream.try_recv_into)
        self._state = IDLE

    async def exchange(self, request: Request, timeouts: Timeouts) -> Head:
        """Send a request and return the head of its final response; its content is read through a `LiveBody`.

        timeouts: seconds, "connect", "read" and "write". After an exception the connection is good for nothing but
        `close`. Raises ReadError, ReadTimeout, WriteError, WriteTimeout, LocalProtocolError, RemoteProtocolError.
        """
        method = ascii_of(request.method)
        target, fields = request.url._parts.raw_path, request.headers._fields
        if self._forwarding_fields is not None:
            target = origin_text(self.key).encode("ascii") + target  # RFC 9112 section 3.2.2
            fields = merge_fields(self._forwarding_fields, fields)
        informational = events = None
        extensions = request.extensions
        if len(extensions) != 1 or "timeout" not in extensions:  # most requests have none but that
            target = given_target(extensions.get("target"), target)
            informational = extensions.get("informational")
            events = events_of(self._backend, request, HTTP11, target, fields)
        elif HTTP11.isEnabledFor(DEBUG):
            events = events_of(self._backend, request, HTTP11, target, fields)
        head = request_line(method, target)
        section = self._section
        if section is None or section.fields != fields:
            # Most requests on a connection have the same field lines: checked once, they stand for the next one.
            section = self._section = HeaderSection(fields)
        head += section.data
        self.reused = self._state is not NEW
        if not self.reused:
            await self.open(request, timeouts)
        self._state = ACTIVE
        self._sent_all = False
        self.parser.start(method)
        self.events = events
        if events is not None:
            return await self._exchange_with_events(events, head, section, request, timeouts, informational)
        stream = request.stream
        try:
            if section.content_length == 0 and type(stream) is ByteStream and not stream.content:
                done = self.stream.try_send(head)
                early = None
                if done != len(head):
                    early = await self._send_rest(head, done, timeouts.get("write"), informational)
            else:
                early = await self._send_with_content(head, section, request, timeouts, informational)
        except WriteError as exc:
            return await self._answer_to_a_broken_send(exc, timeouts, informational)
        if early is not None:
            return early
        self._sent_all = True
        return await self._receive_head(timeouts.get("read"), informational)

    async def _exchange_with_events(
        self,
        events: Events,
        head: bytes,
        section: HeaderSection,
        request: Request,
        timeouts: Timeouts,
        informational: Any,
    ) -> Head:
        """The rest of `exchange` when somebody listens: head and content go out one after the other."""
        info = {"request": events.request}
        early: Head | None = None
        broken: WriteError | None = None
        try:
            try:
                async with events.phase(HTTP11, "send_request_headers", info):
                    early = await self.send(head, timeouts.get("write"), informational)
                async with events.phase(HTTP11, "send_request_body", info):
                    if early is None:
                        early = await self._send_with_content(b"", section, request, timeouts, informational)
            except WriteError as exc:
                broken = exc
            async with events.phase(HTTP11, "receive_response_headers", info) as phase:
                if broken is not None:
                    early = await self._answer_to_a_broken_send(broken, timeouts, informational)
                elif early is None:
                    self._sent_all = True
                    early = await self._receive_head(timeouts.get("read"), informational)
                phase.result = early
        except BaseException:
            async with events.phase(HTTP11, "response_closed"):
                self.close()
            raise
        return early

    def may_send_again(self, request: Request, error: BaseException) -> bool:
        """After a failed exchange: whether the request may go out once more, on another connection.

        Only when the connection had been idle and ended (its end may have crossed with the request), nothing of
        an answer came, and sending twice changes nothing: RFC 9110 section 9.2.2.
        """
        return (
            isinstance(error, (ReadError, WriteError, RemoteProtocolError))
            and self.reused
            and self.parser.nothing_received
            and ascii_of(request.method) in IDEMPOTENT
            and can_be_sent_again(request.stream)
        )

    async def _send_with_content(
        self, head: bytes, section: HeaderSection, request: Request, timeouts: Timeouts, informational: Any
    ) -> Head | None:
        """Send head (empty: it has gone out) and content. Returns the head of a final response that came before
        all was sent.
        """
        write = timeouts.get("write")
        unsent = head
        if section.expects_continue:
            if unsent:
                await self.send(unsent, write, informational)
            early = await self._await_continue(timeouts, informational)
            if early is not None:
                return early
            unsent = b""
        writer = ContentWriter(section.content_length)
        upload = Upload(self, writer, unsent, write, informational)
        upload.watch(request, section.content_length)
        if self._backend.is_async:
            early = await upload.send_each_async(request.stream)
        else:
            early = await upload.send_each(request.stream)
        if early is not None:
            return early
        return await upload.end()

    async def _await_continue(self, timeouts: Timeouts, informational: Any) -> Head | None:
        """Wait for a 100, or a final response (which is returned), or until waiting longer makes no sense."""
        read = timeouts.get("read")
        patience = CONTINUE_TIMEOUT if read is None else min(read, CONTINUE_TIMEOUT)
        try:
            head = await self._receive_head(patience, informational, or_continue=True)
        except ReadTimeout:
            return None
        return None if head[1] == 100 else head

    async def send(self, data: bytes | memoryview, timeout: float | None, informational: Any) -> Head | None:
        """Send all of it, unless a final response comes before: then stop and return its head."""
        done = self.stream.try_send(data)
        return None if done == len(data) else await self._send_rest(data, done, timeout, informational)

    async def _send_rest(
        self, data: bytes | memoryview, done: int, timeout: float | None, informational: Any
    ) -> Head | None:
        """See `send`. done: what the first `try_send` has said."""
        stream = self.stream
        view = memoryview(data)
        done = max(done, 0)
        while done < len(view):
            count = stream.try_send(view[done:])
            if count >= 0:
                done += count
            elif await stream.wait_send_or_recv(timeout) & READ:
                early = await self.head_that_is_there(informational)
                if early is not None:
                    return early
        return None

    async def head_that_is_there(self, informational: Any) -> Head | None:
        """A final response that has come before it was waited for; None: none, or not all of its head."""
        while True:
            head = self.parser.next_head()
            if head is None:
                if self.parser.fill() < 0:
                    return None
            elif head[1] >= 200 or await self._is_final(head, informational):
                return head

    async def _receive_head(
        self, timeout: float | None, informational: Any, *, or_continue: bool = False
    ) -> Head:
        """The head of the final response (or of a 100, when asked for). timeout: for all of it, also past 1xx."""
        deadline = None if timeout is None else monotonic() + timeout
        parser, stream = self.parser, self.stream
        while True:
            head = parser.next_head()
            if head is None:
                if stream.must_wait or parser.fill() < 0:
                    try:
                        await stream.wait_recv(deadline)
                    except ReadTimeout as exc:
                        if parser.nothing_received:
                            raise
                        raise ReadTimeout(
                            f"no complete response head from {origin_text(self.key)} within the read timeout"
                        ) from exc
            elif (
                head[1] >= 200
                or await self._is_final(head, informational)
                or (or_continue and head[1] == 100)
            ):
                return head

    async def _is_final(self, head: Head, informational: Any) -> bool:
        """Whether nothing comes behind this head of a 1xx."""
        if head[1] == 101:
            if self._section is None or not self._section.offers_upgrade:
                raise RemoteProtocolError(
                    f"101 without an Upgrade field in the request, from {origin_text(self.key)}"
                )
            return True
        if informational is not None:
            await self._backend.call(informational, head[1], head[3])
        return False

    async def _answer_to_a_broken_send(
        self, error: WriteError, timeouts: Timeouts, informational: Any
    ) -> Head:
        """A server may answer and stop reading: then the answer counts, not the failed send (RFC 9112 9.5)."""
        try:
            return await self._receive_head(timeouts.get("read"), informational)
        except (ReadError, ReadTimeout, RemoteProtocolError):
            raise error from error.__cause__

    def finish(self) -> None:
        """The response is done with: become idle when another exchange is safe, else close."""
        if self._state is not ACTIVE:
            return
        assert self._section is not None
        parser = self.parser
        if (
            self._sent_all
            and not self._section.closes
            and (parser.keep_alive if parser.content_complete else self._drain())
        ):
            self._state = IDLE
        else:
            self.close()

    def _drain(self) -> bool:
        """Drop what is left of the content if it is already there and little. True: the connection is clean."""
        parser, dropped = self.parser, 0
        try:
            while dropped <= DRAIN_BYTES:
                piece = parser.take()
                if piece is None:
                    return bool(parser.keep_alive)
                dropped += len(piece)
                if not piece and parser.fill() < 0:
                    return False
        except (ReadError, RemoteProtocolError):
            pass
        return False

    @property
    def limits(self) -> MessageLimits:
        """How much of a response's parts is accepted."""
        return self._route.limits


def given_target(target: bytes | str | None, default: bytes) -> bytes:
    """The request target that an extension wants."""
    if target is None:
        return default
    return ascii_of(target) if isinstance(target, str) else target


def ascii_of(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise LocalProtocolError(f"not a method or a request target: {text[:40]!r}") from None
