"""One HTTP/2 connection: a network stream, and the exchanges that share it (RFC 9113).

Whoever waits for something and finds nobody receiving, receives for all; the others wait for an event. Likewise one at
a time sends what did not fit at once. The lock is held for the state and for system calls that never wait, and what is
to be sent stands in one buffer in whole frames: whoever is cancelled in the middle of a wait leaves nothing behind that
another could not go on with, and takes only its own stream along.

Knows no pool, client, redirect or cookie; what the frames mean is the multiplexer's.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections import deque
from time import monotonic

from httpstream._backend import READ
from httpstream._exceptions import LocalProtocolError, ReadError, ReadTimeout, WriteError, WriteTimeout
from httpstream._network.sockets import seconds_left

from .http2_stream import Stream
from .multiplexer import Multiplexer, copy_of
from .route import origin_text

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from hpack import HeaderTuple

    from httpstream._backend import Backend, Event
    from httpstream._config import MessageLimits
    from httpstream._exceptions import TransportError
    from httpstream._network.sockets import SocketStream

    from .route import Origin

    T = TypeVar("T")

RECEIVE_BYTES = 256 * 1024
"""Of the receive buffer: what one system call may bring."""

OUTPUT_BYTES = 128 * 1024
"""Content waits in its stream while so much waits to be sent: it would only delay the frames of others."""

SENDER_PATIENCE = 0.5
"""Seconds after which a task that waits for the network to take more looks whether anybody still receives: a server
may take nothing more before it has got rid of what it sends."""


SETTINGS_PATIENCE = 1.0
"""Seconds that all but the first exchange wait for the server's settings, which are the first that it has to send."""


class Http2Connection:
    """One connection to an origin, for up to `capacity` exchanges at a time.

    For each: `begin`, then `send_content` and `send_end` where there is content, `wait` for what comes, `take` it, and
    `abandon` in every case.
    """

    __slots__ = (
        "_abandoned",
        "_backend",
        "_buffer",
        "_filled",
        "_is_closed",
        "_lock",
        "_moved",
        "_mux",
        "_reader",
        "_send_error",
        "_senders",
        "_waiting",
        "_writer",
        "key",
        "stream",
    )

    def __init__(self, backend: Backend, origin: Origin, limits: MessageLimits, stream: SocketStream) -> None:
        """stream: connected, and HTTP/2 is what the server speaks on it."""
        self.key = origin
        self.stream = stream
        self._backend = backend
        self._mux = Multiplexer(limits, origin_text(origin))
        self._lock = allocate_lock()
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))
        self._filled = 0  # bytes at the front of the buffer: the part of a frame
        self._moved = 0  # bytes sent or received so far: what tells a slow network from a dead one
        self._reader: Stream | None = None  # whose task receives
        self._writer: Stream | None = None  # whose task waits until more can be sent
        self._waiting: dict[Stream, Event] = {}  # those that wait for the reader
        self._senders: list[Event] = []  # of those that wait for the writer
        self._send_error: WriteError | None = None
        # Streams that are done with, as long as somebody holds the lock: `abandon` never blocks, so that it may run
        # anywhere, in a finalizer or a signal handler too.
        self._abandoned: deque[Stream] = deque()
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {origin_text(self.key)!r} capacity={self.capacity}>"

    @property
    def is_async(self) -> bool:
        return self._backend.is_async

    async def call(self, hook: Callable[..., Any], *args: Any) -> None:
        """Call what the user has given, in the user's world."""
        await self._backend.call(hook, *args)

    # For the pool.

    @property
    def capacity(self) -> int:
        """How many exchanges there may be at a time; 0: no new one."""
        return self._mux.capacity

    def is_alive(self) -> bool:
        """Whether a new exchange may begin. What came while nobody was receiving is taken into account."""
        if self._reader is None and self._mux.is_idle and self._mux.capacity:
            self._locked(self._catch_up)
        return self._mux.capacity > 0

    def close(self) -> None:
        """Close at once: nobody uses the connection. Never waits. Closing twice is harmless."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._lock.acquire(blocking=False):  # else this interrupts the one who holds it
                try:
                    self._mux.close()
                    self._send_now()
                finally:
                    self._lock.release()
        finally:
            self.stream.close()

    def shutdown(self) -> None:
        """From any thread: wake whoever waits on this connection with an error; the pool closes it."""
        peer = origin_text(self.key)
        text = f"the connection to {peer} was closed on this side while it was being read"
        self._locked(self._fail, ReadError(text))

    def abandon_all(self) -> None:
        """In a forked child: close the descriptor of what is the parent's connection, and nothing more."""
        self._lock = allocate_lock()  # another thread of the parent may have held it
        self._is_closed = True
        self._mux.fail(ReadError("the connection belongs to the parent process"))
        self._mux.output = bytearray()
        self.stream.get_extra_info("socket").close()

    def start(self) -> None:
        """Send what begins a connection, which otherwise goes out with the first request."""
        self._locked(self._send_now)

    @property
    def has_settings(self) -> bool:
        """Whether the server has said how many exchanges it allows."""
        return self._mux.has_settings

    def settings_changes(self) -> list[object]:
        """What the server has set since the last call, as h2 tells it."""
        changes = list(self._mux.settings_changes)
        self._mux.settings_changes.clear()
        return changes

    async def wait_for_settings(self, timeout: float | None) -> None:
        """Wait until it has, for some time: an exchange too many would be refused."""
        newcomer = Stream(0, is_head_request=False, is_sent=True)
        self._mux.newcomers.append(newcomer)
        patience = SETTINGS_PATIENCE if timeout is None else min(timeout, SETTINGS_PATIENCE)
        await self.wait(newcomer, lambda: self._mux.has_settings, patience)

    # An exchange.

    def begin(self, fields: list[HeaderTuple], is_head_request: bool, *, is_sent: bool) -> Stream | None:
        """Begin an exchange: its head is sent, or at least on its way. is_sent: that is all of the request.

        Returns None when there is no room for it; nothing was sent then.
        """
        return self._locked(self._mux.open, fields, is_head_request, is_sent)

    async def send_content(
        self, stream: Stream, content: bytes, timeout: float | None, *, is_last: bool = False
    ) -> None:
        """Send content; stops early when the stream is over. timeout: seconds without progress, or None.

        is_last: that is all, so that no frame of its own has to say so; the content is not empty then.

        Raises WriteTimeout, WriteError.
        """
        if self._reader is None and self.stream.get_extra_info("is_readable"):
            self._locked(self._catch_up)  # sends that never block would not notice an early answer
        with memoryview(content) as view:
            at = 0
            while at < len(view) and not stream.is_over:
                count = self._locked(self._send_some, stream, view[at:], is_last)
                at += count
                if self._send_error is not None:
                    raise copy_of(self._send_error)
                if len(self._mux.output) >= OUTPUT_BYTES:
                    await self.flush(stream, timeout, OUTPUT_BYTES // 2)
                elif not count and not await self.wait(
                    stream, lambda: stream.is_over or self._mux.room(stream) > 0, timeout
                ):
                    raise WriteTimeout(f"{origin_text(self.key)} took no content within {timeout} s")

    async def send_end(self, stream: Stream, timeout: float | None) -> None:
        """The request is complete: send what is left of it. Raises WriteTimeout, WriteError."""
        self._locked(self._mux.end, stream)
        await self.flush(stream, timeout)

    async def flush(self, stream: Stream, timeout: float | None, most: int = 0) -> None:
        """Wait until no more than `most` bytes wait to be sent. timeout: seconds without progress, or None.

        Raises WriteTimeout, WriteError.
        """
        if self._locked(self._send_now):
            return
        moved, deadline = self._moved, None if timeout is None else monotonic() + timeout
        while len(self._mux.output) > most and not stream.is_over and self._send_error is None:
            if self._moved != moved:
                moved, deadline = self._moved, None if timeout is None else monotonic() + timeout
            elif deadline is not None and monotonic() >= deadline:
                self._mux.accepts = False
                raise WriteTimeout(
                    f"{origin_text(self.key)} took no data within the write timeout of {timeout} s"
                )
            await self._send_turn(stream, deadline)
        if self._send_error is not None and not stream.is_over:
            raise copy_of(self._send_error)

    async def wait(self, stream: Stream, has_come: Callable[[], Any], timeout: float | None) -> bool:
        """Wait until something has come. timeout: seconds, or None. False: it is over.

        Who finds nobody receiving, receives for all.
        """
        deadline = None if timeout is None else monotonic() + timeout
        moved = self._moved
        is_ready = True
        while is_ready:
            try:
                event = self._locked(self._come_in, stream, has_come)
                if self._reader is stream:
                    is_ready = await self._receive_until(stream, has_come, deadline)
                    break
                if event is None:
                    return True
                is_ready = await event.wait(deadline)
            finally:
                self._locked(self._leave, stream)
        if is_ready or has_come():
            return True
        if self._moved == moved and stream.id:
            self._mux.accepts = False  # maybe nobody is there any more: let no other request wait too
        return False

    def take(self, stream: Stream) -> bytes | None:
        """The next piece of content, if any."""
        return self._locked(self._take, stream)

    def abandon(self, stream: Stream) -> None:
        """The exchange is done with, whatever is missing. Never blocks. Twice is harmless."""
        self._abandoned.append(stream)
        self._drop_abandoned()

    # What a task does while it waits.

    async def _receive_until(
        self, stream: Stream, has_come: Callable[[], Any], deadline: float | None
    ) -> bool:
        """Receive for all streams until has_come(). False: the deadline has passed."""
        while True:
            has_received = self._locked(self._receive_now)
            if has_come():
                return True
            if deadline is not None and monotonic() >= deadline:  # what comes may be for the others alone
                return False
            if not has_received and not await self._wait_readable(stream, deadline):
                return False

    async def _wait_readable(self, stream: Stream, deadline: float | None) -> bool:
        try:
            if not self._mux.output or not self._locked(self._claim_writing, stream):
                await self.stream.wait_recv(deadline)
                return True
            try:
                # What could not be sent at once is the reader's to send, unless somebody else is at it.
                await self.stream.wait_send_or_recv(seconds_left(deadline))
            finally:
                self._locked(self._stop_writing, stream)
            self._locked(self._send_now)
        except (ReadTimeout, WriteTimeout):
            return False
        except (ReadError, WriteError) as exc:
            self._locked(self._fail, exc)
        return True

    async def _send_turn(self, stream: Stream, deadline: float | None) -> None:
        """Wait until more can be sent, or was sent by somebody else."""
        event = self._backend.event()
        patience = monotonic() + SENDER_PATIENCE
        if deadline is not None:
            patience = min(patience, deadline)
        try:
            if not self._locked(self._claim_sending, stream, event):
                await event.wait(patience)
            elif self._reader is not stream:
                await self.stream.wait_send(seconds_left(patience))
            elif await self.stream.wait_send_or_recv(seconds_left(patience)) & READ:
                self._locked(self._receive_now)
        except WriteTimeout:
            pass
        except WriteError as exc:
            self._locked(self._sending_failed, exc)
        finally:
            self._locked(self._leave, stream)
            self._locked(self._stop_writing, stream)
        self._locked(self._send_now)

    # What is done under the lock: nothing here waits.

    def _locked(self, action: Callable[..., T], *args: Any) -> T:
        with self._lock:
            result = self._do(action, *args)
        if self._abandoned:
            self._drop_abandoned()
        return result

    def _do(self, action: Callable[..., T], *args: Any) -> T:
        try:
            return action(*args)
        except BaseException as exc:  # an interrupt, say: nobody knows how far this got
            self._fail(ReadError(f"the connection was interrupted by {type(exc).__name__}"))
            if isinstance(exc, Exception):
                raise LocalProtocolError(f"what HTTP/2 does not allow: {exc}") from exc
            raise

    def _drop_abandoned(self) -> None:
        """Let go of abandoned streams, unless somebody holds the lock: whoever does comes here next."""
        while self._abandoned and self._lock.acquire(blocking=False):
            try:
                if self._abandoned:
                    self._do(self._let_go, self._abandoned.popleft())
            finally:
                self._lock.release()

    def _let_go(self, stream: Stream) -> None:
        self._mux.abandon(stream)
        if self._reader is stream:
            self._mux.ping()  # somebody else closed it: the answer wakes the one who receives
        if self._mux.output:
            self._send_now()

    def _take(self, stream: Stream) -> bytes | None:
        piece = self._mux.take(stream)
        if self._mux.output:
            self._send_now()
        return piece

    def _send_some(self, stream: Stream, content: memoryview, is_last: bool) -> int:
        """Send as much content as may be sent now. Returns how much."""
        count = min(self._mux.room(stream), len(content), OUTPUT_BYTES - len(self._mux.output))
        if count <= 0:
            return 0
        self._mux.send(stream, content[:count], is_last=is_last and count == len(content))
        self._send_now()
        return count

    def _send_now(self) -> bool:
        """Send what can be sent without waiting. False: something is left."""
        mux = self._mux
        try:
            while mux.output:
                count = self.stream.try_send(mux.output)
                if count < 0:
                    return False
                self._moved += count
                mux.sent(count)
        except WriteError as exc:
            self._sending_failed(exc)
        return True

    def _sending_failed(self, exc: WriteError) -> None:
        """Nothing more is sent. What the server has said before may still be there: that is read to its end."""
        if self._send_error is None:
            self._send_error = exc
        self._mux.accepts = False
        self._mux.sent(len(self._mux.output))

    def _catch_up(self) -> None:
        """Receive what has come while nobody was waiting for it."""
        self.stream.look_again()
        for _ in range(16):
            if not self._receive_now():
                break

    def _receive_now(self) -> bool:
        """Receive what is there, and let the streams have it. False: it would block."""
        mux = self._mux
        if mux.failure is not None:
            return True
        try:
            count = self.stream.try_recv_into(self._buffer[self._filled :])
        except ReadError as exc:
            self._fail(exc)
            return True
        if count < 0:
            return False
        if count == 0:
            self._fail(mux.ended())
            return True
        self._moved += count
        self._filled += count
        used = mux.receive(self._buffer[: self._filled])
        left = self._filled - used
        if left and used:
            self._buffer[:left] = self._buffer[used : self._filled]
        self._filled = left
        if mux.output:
            self._send_now()
        if mux.failure is not None:
            self._fail(mux.failure)
        return True

    def _fail(self, error: TransportError) -> None:
        """The connection is of no use any more: wake everybody who waits on it."""
        self._mux.fail(error)
        self.stream.shutdown()
        self._wake_senders()

    def _come_in(self, stream: Stream, has_come: Callable[[], Any]) -> Event | None:
        """Become the reader, if there is none; else an event to wait for. Neither, when it has come already."""
        if has_come() or self._mux.failure is not None:
            return None
        if self._reader is None:
            self._reader = stream
            return None
        event = self._waiting[stream] = self._backend.event()
        stream.wake = lambda: self._wake(stream)
        return event

    def _leave(self, stream: Stream) -> None:
        """A task has waited long enough. Somebody else receives from now on."""
        stream.wake = None
        self._waiting.pop(stream, None)
        if self._reader is stream:
            self._reader = None
        if self._reader is None and self._waiting:
            self._wake(next(iter(self._waiting)))

    def _wake(self, stream: Stream) -> None:
        event = self._waiting.pop(stream, None)
        if event is not None:
            event.set()

    def _claim_writing(self, stream: Stream) -> bool:
        """Become the writer if there is something to be written, and nobody at it."""
        if not self._mux.output or self._writer is not None:
            return False
        self._writer = stream
        return True

    def _claim_sending(self, stream: Stream, event: Event) -> bool:
        """Become the writer, and the reader if there is none. False: somebody writes, and will set the event."""
        if self._writer is not None:
            self._senders.append(event)
            return False
        self._writer = stream
        if self._reader is None:
            self._reader = stream
        return True

    def _stop_writing(self, stream: Stream) -> None:
        if self._writer is stream:
            self._writer = None
            self._wake_senders()

    def _wake_senders(self) -> None:
        senders, self._senders = self._senders, []
        for event in senders:
            event.set()
