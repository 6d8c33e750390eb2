"""A connection of which it shows only when it is open what it speaks: HTTP/1.1 or HTTP/2.

The pool lends it before it is connected, to every request that comes to its origin meanwhile: the first one opens it,
the others wait for what comes out. Over HTTP/2 all of them go out on it; over HTTP/1.1 one does, and the others are
told to take another connection.
"""

from __future__ import annotations

from _thread import allocate_lock
from enum import Enum
from time import monotonic

from httpstream._exceptions import ConnectError, ConnectTimeout

from .connection import Connection
from .http2 import Http2Connection
from .http2_exchange import Exchange, NoRoom, exchange
from .multiplexer import MAX_STREAMS
from .route import origin_text
from .trace import HTTP2, Events, events_of

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from httpstream._backend import Backend, Event
    from httpstream._config import MessageLimits
    from httpstream._models.request import Request
    from httpstream._network.sockets import SocketStream
    from httpstream._network.upgraded import AsyncNetworkStream, NetworkStream
    from httpstream._parser import ResponseParser

    from .connection import Head, Timeouts
    from .exchange import Fields
    from .route import Origin, Route


class State(Enum):
    NEW = "new"  # not connected yet
    OPENING = "opening"  # somebody connects
    HTTP1 = "HTTP/1.1"
    HTTP2 = "HTTP/2"
    CLOSED = "closed"  # or it could not be opened


class NegotiatedConnection:
    """One connection to an origin, for several exchanges at a time if that is what the server speaks."""

    __slots__ = (
        "_backend",
        "_error",
        "_http1",
        "_http2",
        "_is_claimed",
        "_lock",
        "_opened",
        "_prior_knowledge",
        "_route",
        "_state",
        "_waiting",
        "expires_at",
        "key",
    )

    _http1: Connection
    _http2: Http2Connection

    def __init__(self, backend: Backend, origin: Origin, route: Route, *, prior_knowledge: bool) -> None:
        """prior_knowledge: HTTP/2 is spoken whatever the server says, also without TLS (RFC 9113 section 3.3)."""
        self.key = origin
        self.expires_at = 0.0  # for the pool
        self._backend = backend
        self._route = route
        self._prior_knowledge = prior_knowledge
        self._state = State.NEW
        self._lock = allocate_lock()  # for the state, and never held across a wait
        self._waiting: list[Event] = []  # of those who wait until it is open
        self._error: ConnectError | None = None
        self._is_claimed = False  # HTTP/1.1: an exchange is under way
        self._opened: SocketStream | None = None  # HTTP/1.1: before the first exchange

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {origin_text(self.key)!r} {self._state.value}>"

    # For the pool.

    @property
    def capacity(self) -> int:
        """How many exchanges there may be at a time; 0: no new one."""
        if self._state is State.HTTP2:
            return self._http2.capacity
        if self._state is State.HTTP1:
            return 1
        return 0 if self._state is State.CLOSED else MAX_STREAMS

    @property
    def is_reusable(self) -> bool:
        if self._state is State.HTTP2:
            return self._http2.capacity > 0
        return self._state is State.HTTP1 and self._http1.is_reusable

    def is_alive(self) -> bool:
        """Whether a new exchange may begin."""
        if self._state is State.HTTP2:
            return self._http2.is_alive()
        if self._state is State.HTTP1:
            return self._http1.is_alive()
        return self._state is not State.CLOSED

    def close(self) -> None:
        """Close at once: over HTTP/1.1 whatever is under way, over HTTP/2 when nothing is. Twice is harmless."""
        if self._state is State.HTTP2:
            self._http2.close()
        elif self._state is State.HTTP1:
            self._http1.close()
            if self._opened is not None:
                self._opened.close()
        self._state = State.CLOSED

    def shutdown(self) -> None:
        """From any thread: wake whoever waits on this connection; the pool closes it."""
        if self._state is State.HTTP2:
            self._http2.shutdown()
        elif self._state is State.HTTP1:
            self._http1.shutdown()

    def abandon(self) -> None:
        """In a forked child: close the descriptor of what is the parent's connection, and nothing more."""
        if self._state is State.HTTP2:
            self._http2.abandon_all()
        elif self._state is State.HTTP1:
            self._http1.abandon()
        self._state = State.CLOSED
        self._lock = allocate_lock()

    # An exchange.

    async def exchange(self, request: Request, timeouts: Timeouts) -> Head | Exchange:
        """Send a request. Returns the head of its final response, or the exchange that has received it.

        Raises NoRoom, NotProcessed, and what both kinds of exchange raise.
        """
        is_first = False
        if self._state in (State.NEW, State.OPENING):
            is_first = await self._open_or_wait(request, timeouts)
        if self._state is State.HTTP2:
            if not is_first and not self._http2.has_settings:
                await self._http2.wait_for_settings(timeouts.get("connect"))
            return await exchange(self._http2, request, timeouts, events_of(self._backend, request, HTTP2))
        if self._state is not State.HTTP1 or not self._claim():
            raise NoRoom()
        return await self._http1.exchange(request, timeouts)

    def exchange_failed(self) -> None:
        """An exchange has raised: over HTTP/1.1 the connection is good for nothing but to be closed."""
        if self._state is State.HTTP1 and self._is_claimed:
            self.close()

    def may_send_again(self, request: Request, error: BaseException) -> bool:
        """See Connection: of HTTP/1.1 only. Over HTTP/2 the server says what it did not process."""
        return hasattr(self, "_http1") and self._http1.may_send_again(request, error)

    def finish(self) -> None:
        """HTTP/1.1: the response is done with."""
        self._http1.finish()
        self._is_claimed = False

    async def _open_or_wait(self, request: Request, timeouts: Timeouts) -> bool:
        """Open the connection; or wait until it is open, and return False."""
        event = self._backend.event()
        with self._lock:
            is_first = self._state is State.NEW
            if is_first:
                self._state = State.OPENING
            elif self._state is State.OPENING:
                self._waiting.append(event)
            else:
                return False
        if is_first:
            await self._open(request, timeouts)
            return True
        connect = timeouts.get("connect")
        if not await event.wait(None if connect is None else monotonic() + connect):
            raise ConnectTimeout(f"no connection to {origin_text(self.key)} within the connect timeout")
        if self._error is not None:
            raise ConnectError(str(self._error)) from self._error.__cause__
        return False

    async def _open(self, request: Request, timeouts: Timeouts) -> None:
        state = State.CLOSED
        try:
            stream, protocol = await self._route.open(
                self._backend, self.key, request, timeouts.get("connect")
            )
            # A proxy that forwards requests is spoken to over HTTP/1.1.
            is_forwarded = self._route.forwarding_fields(self.key) is not None
            if protocol == "h2" or (self._prior_knowledge and not is_forwarded):
                await self._start_http2(stream, request)
                state = State.HTTP2
            else:
                self._opened = stream
                self._http1 = Connection(self._backend, self.key, _Opened(self))  # type: ignore[arg-type]  # what a connection asks of its route
                self._is_claimed = False
                state = State.HTTP1
        except ConnectError as exc:
            self._error = exc
            raise
        finally:
            with self._lock:
                self._state = state
                waiting, self._waiting = self._waiting, []
            for event in waiting:
                event.set()

    async def _start_http2(self, stream: SocketStream, request: Request) -> None:
        self._http2 = Http2Connection(self._backend, self.key, self._route.limits, stream)
        events = events_of(self._backend, request, HTTP2)
        if events is not None:
            try:
                async with events.phase(HTTP2, "send_connection_init", {"request": events.request}):
                    self._http2.start()
            except BaseException:
                self._http2.close()
                raise

    def _claim(self) -> bool:
        """Take the connection for an exchange over HTTP/1.1; False: somebody else has."""
        with self._lock:
            if self._is_claimed:
                return False
            self._is_claimed = True
            return True

    # What the transport makes a response over HTTP/1.1 of.

    @property
    def parser(self) -> ResponseParser:
        return self._http1.parser

    @property
    def limits(self) -> MessageLimits:
        return self._route.limits

    @property
    def stream(self) -> SocketStream:
        return self._http1.stream

    @property
    def network_stream(self) -> NetworkStream | AsyncNetworkStream:
        return self._http1.network_stream

    @property
    def events(self) -> Events | None:
        return self._http1.events


class _Opened:
    """The route of a connection that has been opened already."""

    __slots__ = ("_owner", "limits")

    def __init__(self, owner: NegotiatedConnection) -> None:
        self._owner = owner
        self.limits = owner.limits

    def forwarding_fields(self, origin: Origin) -> Fields | None:
        return self._owner._route.forwarding_fields(origin)

    async def open(self, *args: object) -> tuple[SocketStream, None]:
        stream, self._owner._opened = self._owner._opened, None
        assert stream is not None
        return stream, None
