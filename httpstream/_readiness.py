"""Waiting for one socket to become readable, again and again: what a stream does most.

Here lives, for each world, the object that does it for one stream. What any socket or event needs is in `_backend`;
this is its fast path. No HTTP, no TLS, no exception of ours: what goes wrong is an `OSError`.
"""

from __future__ import annotations

import errno
import select
import sys
from time import monotonic

from ._backend import ASYNC, READ, milliseconds, ready_sockets

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any


class Readiness:
    """What both worlds have: a poll object that knows the socket already."""

    __slots__ = ("_factory", "_poll", "_sock")

    def __init__(self, sock: Any) -> None:
        self._sock = sock  # held, so that no collector closes the descriptor while it is registered
        self._factory: Any = None  # what made the poll object
        self._poll: Any = None

    def is_readable(self) -> bool:
        """Whether trying to receive makes sense now; also when the socket is closed. Not while anybody waits."""
        poll = self._poll_object()
        return bool(ready_sockets(((self._sock, READ),), 0.0) if poll is None else poll.poll(0))

    def _poll_object(self) -> Any:
        """The poll object; None: the system has none, or the socket is closed."""
        # Looked up at each wait: gevent replaces it, and Windows has none.
        factory = getattr(select, "poll", None)
        if factory is None or self._sock.fileno() < 0:
            return None
        if factory is not self._factory:
            self._poll = factory()
            self._poll.register(self._sock, select.POLLIN)
            self._factory = factory
        return self._poll


class ThreadReadiness(Readiness):
    """The sync world: the calling thread polls."""

    __slots__ = ()

    async def wait(self, deadline: float | None) -> bool:
        """Wait until trying to receive makes sense; False: the deadline has passed. See `TaskReadiness`."""
        poll = self._poll_object()
        if poll is None:
            return bool(ready_sockets(((self._sock, READ),), deadline))
        found = poll.poll(milliseconds(deadline))
        while not found and (deadline is None or monotonic() < deadline):
            found = poll.poll(milliseconds(deadline))
        return bool(found)

    def pause(self) -> None:
        """Nothing stays registered with anybody else between two waits."""

    def close(self) -> None:
        """Nothing stays registered with anybody else between two waits."""


class TaskReadiness(Readiness):
    """The async world. On asyncio and uvloop the socket stays registered with the loop between two waits.

    That halves the CPU of a small request against registering anew, and one timer serves all deadlines: when it goes
    off early, it is set again for what is left. An event that nobody waits for ends the registration. On trio, and on
    loops that cannot watch sockets (Windows' default one), anyio waits.
    """

    __slots__ = ("_deadline", "_due", "_errors", "_fd", "_future", "_loop", "_timer")

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self._fd = -1
        self._loop: asyncio.AbstractEventLoop | None = None  # where the socket is registered
        self._future: asyncio.Future[bool] | None = None  # of the task that waits
        self._errors: Any = None  # a poll object that knows of errors alone, where the loop is uvloop
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the timer goes off
        self._deadline: float | None = None

    async def wait(self, deadline: float | None) -> bool:
        """Wait until trying to receive makes sense, which may turn out to be too early; False: the deadline has passed.

        deadline: absolute, `time.monotonic()` seconds, or None.
        Raises OSError: EBADF when the socket is closed meanwhile, EBUSY when another task waits on it already.
        """
        loop = asyncio_loop()
        if loop is None or not (loop is self._loop or self._register(loop)):
            return bool(await ASYNC.wait(((self._sock, READ),), deadline))
        if self._future is not None:
            raise OSError(errno.EBUSY, "another task is already waiting on this socket")
        self._future = future = loop.create_future()
        self._deadline = deadline
        if deadline is not None and (self._timer is None or self._due > deadline):
            self._set_timer(loop, deadline)
        try:
            # A timer can go off in the same turn of the loop in which the socket became ready: then look again.
            return await future or bool(ready_sockets(((self._sock, READ),), 0.0))
        finally:
            self._future = None

    def pause(self) -> None:
        """End the registration: somebody else is about to wait on this socket."""
        loop, self._loop = self._loop, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if loop is None or loop.is_closed():
            return
        if self._future is not None and not self._future.done():
            self._future.set_result(True)  # nothing would wake it any more
        if loop is _running_loop() or not loop.is_running():
            loop.remove_reader(self._fd)
        else:  # called in another thread: the loop is only to be touched in its own
            loop.call_soon_threadsafe(self._forget, loop, self._fd)

    def close(self) -> None:
        """The socket is about to be closed: wake the task that waits on it, with EBADF."""
        if self._future is not None and not self._future.done():
            self._future.set_exception(
                OSError(errno.EBADF, "the socket was closed while a task waited on it")
            )
        self.pause()

    def _register(self, loop: asyncio.AbstractEventLoop) -> bool:
        if self._sock.fileno() < 0:
            return False
        self.pause()  # what an earlier loop of this client may still have
        self._fd = self._sock.fileno()
        try:
            loop.add_reader(self._fd, self._ready)
        except NotImplementedError:
            return False
        self._loop = loop
        self._errors = None
        if type(loop).__module__.partition(".")[0] == "uvloop":
            self._errors = select.poll()
            self._errors.register(self._fd, 0)
        return True

    def _forget(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        if self._loop is None:  # else registered anew meanwhile
            loop.remove_reader(fd)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = deadline
        self._timer = loop.call_later(max(deadline - monotonic(), 0.0), self._late)

    def _ready(self) -> None:
        if self._future is None or (self._errors is not None and self._errors.poll(0)):
            # libuv watches no socket any longer on which it has met an error. What came in front of the error is read
            # first, so the next wait has to register anew: it would never end.
            self.pause()
        elif not self._future.done():
            self._future.set_result(True)

    def _late(self) -> None:
        self._timer = None
        if self._future is None or self._future.done() or self._deadline is None or self._loop is None:
            return
        if self._deadline > monotonic():
            self._set_timer(self._loop, self._deadline)
        else:
            self._future.set_result(False)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The asyncio loop that runs in this thread."""
    module = sys.modules.get("asyncio")
    try:
        loop: asyncio.AbstractEventLoop | None = None if module is None else module.get_running_loop()
    except RuntimeError:
        return None
    return loop


def asyncio_loop() -> asyncio.AbstractEventLoop | None:
    """The running loop, when the caller is a task of it: trio as a guest of asyncio has a loop, but no task."""
    loop = _running_loop()
    return None if loop is None or sys.modules["asyncio"].current_task(loop) is None else loop
