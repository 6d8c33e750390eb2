"""The one interface in which the sync and the async world differ.

Here live the two worlds: how to wait for sockets, for time, for an event, for a thread; and, from `_run`, what drives
a coroutine of the sync world to its end. Nothing else knows in which world it runs, and nothing here
knows HTTP, TLS or our exceptions: what goes wrong in a wait is an `OSError`. No module that only one world
needs is loaded before its first use; anyio is imported in this file alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import ceil
from time import monotonic

from ._run import run as run

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any, Protocol, TypeVar

    import anyio

    from ._readiness import TaskReadiness, ThreadReadiness

    T = TypeVar("T")

    class Waitable(Protocol):
        """What can be waited for: a socket, or anything with the descriptor of one."""

        def fileno(self) -> int: ...

    Interests = Sequence[tuple[Any, int]]  # of Waitables
    Ready = list[tuple[Any, int]]

READ, WRITE = 1, 2
"""Event masks: trying to receive, or to send, makes sense (which includes: it will say what went wrong)."""

_LONGEST_POLL = 24 * 3600.0
"""Seconds. C's poll takes an int of milliseconds, so a far deadline is waited for in several steps."""


def ready_sockets(interests: Interests, deadline: float | None) -> Ready:
    """Wait in the calling thread until a socket is ready, and return those that are, with their events.

    deadline: absolute, `time.monotonic()` seconds; one that has passed asks without waiting; None: no limit.
    Returns [] when the deadline has passed. A socket that is already closed counts as ready, and so does one
    with an error: the next try tells. `select.poll` is looked up at each call, because gevent replaces it,
    and because Windows has none.
    """
    import select

    if not hasattr(select, "poll"):
        return _select(interests, deadline)
    poll, by_fd = select.poll(), {}
    for sock, events in interests:
        fd = sock.fileno()
        if fd < 0:
            return [(sock, events)]
        poll.register(fd, (select.POLLIN if events & READ else 0) | (select.POLLOUT if events & WRITE else 0))
        by_fd[fd] = sock, events
    found = poll.poll(milliseconds(deadline))
    while not found and (deadline is None or monotonic() < deadline):
        found = poll.poll(milliseconds(deadline))
    ready = []
    for fd, flags in found:
        sock, events = by_fd[fd]
        if not flags & ~(select.POLLIN | select.POLLOUT):  # else an error or a hang-up: any try tells
            events &= (READ if flags & select.POLLIN else 0) | (WRITE if flags & select.POLLOUT else 0)
        ready.append((sock, events))
    return ready


def milliseconds(deadline: float | None) -> int | None:
    """Return what is left until the deadline, rounded up: 0.4 ms rounded down to 0 would be a busy loop."""
    if deadline is None:
        return None
    seconds = deadline - monotonic()
    return ceil(min(seconds, _LONGEST_POLL) * 1000) if seconds > 0 else 0


def _select(interests: Interests, deadline: float | None) -> Ready:
    import select

    closed = [(sock, events) for sock, events in interests if sock.fileno() < 0]
    if closed:
        return closed
    readers = [sock for sock, events in interests if events & READ]
    writers = [sock for sock, events in interests if events & WRITE]
    while True:
        left = milliseconds(deadline)
        # Windows reports a connect that failed as an exceptional condition, not as writable.
        found = select.select(readers, writers, writers, None if left is None else left / 1000)
        ready = []
        for sock, events in interests:
            can = (READ if sock in found[0] else 0) | (WRITE if sock in found[1] or sock in found[2] else 0)
            if can:
                ready.append((sock, can & events))
        if ready or (deadline is not None and monotonic() >= deadline):
            return ready


class Event(ABC):
    """A flag that is set once and can be waited for; `Backend.event()` makes them."""

    __slots__ = ()

    @abstractmethod
    def set(self) -> None:
        """Set it, once and for all."""

    @abstractmethod
    def is_set(self) -> bool:
        """Tell whether it is set."""

    @abstractmethod
    async def wait(self, deadline: float | None) -> bool:
        """Wait until the event is set; False: the deadline (`time.monotonic()` seconds) has passed before."""


class Backend(ABC):
    """What differs between the two worlds; `SYNC` and `ASYNC` are the two instances.

    deadline: absolute, `time.monotonic()` seconds; None: no limit.
    """

    __slots__ = ()
    is_async: bool

    @abstractmethod
    async def wait(self, interests: Interests, deadline: float | None) -> Ready:
        """Wait until at least one socket is ready, and return those that are, with their events.

        interests: pairs of a socket and READ, WRITE or both; each socket once.
        Returns [] when the deadline has passed.
        Raises OSError: EBADF when a socket was closed meanwhile, EBUSY when another task waits on it already.
        """

    @abstractmethod
    def readiness(self, sock: Waitable) -> ThreadReadiness | TaskReadiness:
        """Make what a stream waits with until its socket is readable, again and again."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Sleep; 0 lets the other tasks of an event loop run once, and does nothing in the sync world."""

    @abstractmethod
    def event(self) -> Event:
        """Make an Event. Sync: any thread may set it. Async: the tasks of its loop."""

    @abstractmethod
    async def in_thread(self, fn: Callable[..., T], *args: Any) -> T:
        """Call a function that may block for long: on the spot, or in a thread so that an event loop goes on.

        A cancelled task waits until the function has returned, so that nobody works on with what it is using.
        """

    @abstractmethod
    async def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call what a client was given by its user: a plain function, or one to be awaited."""

    @abstractmethod
    def notify_closing(self, sock: Waitable) -> None:
        """Wake the tasks that wait on a socket which is about to be closed: a loop would never tell them."""


class _ThreadEvent(Event):
    __slots__ = ("_event",)

    def __init__(self) -> None:
        import threading

        self._event: threading.Event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, deadline: float | None) -> bool:
        if deadline is None:
            return self._event.wait()
        import threading

        return self._event.wait(min(max(deadline - monotonic(), 0.0), threading.TIMEOUT_MAX))


class SyncBackend(Backend):
    """Waits block the calling thread; nothing ever suspends."""

    __slots__ = ()
    is_async = False

    async def wait(self, interests: Interests, deadline: float | None) -> Ready:
        return ready_sockets(interests, deadline)

    def readiness(self, sock: Waitable) -> ThreadReadiness:
        from ._readiness import ThreadReadiness

        return ThreadReadiness(sock)

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            import time

            time.sleep(seconds)

    def event(self) -> Event:
        return _ThreadEvent()

    async def in_thread(self, fn: Callable[..., T], *args: Any) -> T:
        return fn(*args)

    async def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        return fn(*args)

    def notify_closing(self, sock: Waitable) -> None:
        pass


class _TaskEvent(Event):
    __slots__ = ("_event",)

    def __init__(self) -> None:
        import anyio

        self._event: anyio.Event = anyio.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, deadline: float | None) -> bool:
        await _until(deadline, self._event.wait)
        return self._event.is_set()


class AsyncBackend(Backend):
    """Waits suspend the task, on whichever loop runs it: asyncio, uvloop or trio, through anyio."""

    __slots__ = ("_races",)
    is_async = True

    def __init__(self) -> None:
        # Which epoll object waits on behalf of a socket's descriptor, see _race.
        self._races: dict[int, Waitable] = {}

    async def wait(self, interests: Interests, deadline: float | None) -> Ready:
        import anyio

        if any(sock.fileno() < 0 for sock, _ in interests):
            return ready_sockets(interests, 0.0)
        sock, events = interests[0]
        try:
            if len(interests) > 1 or events == READ | WRITE:
                return await self._race(interests, deadline)
            done = await _until(
                deadline, anyio.wait_readable if events == READ else anyio.wait_writable, sock
            )
        except anyio.ClosedResourceError as exc:
            import errno

            raise OSError(errno.EBADF, "the socket was closed while a task waited on it") from exc
        except anyio.BusyResourceError as exc:
            import errno

            raise OSError(errno.EBUSY, "another task is already waiting on this socket") from exc
        # A timer can go off in the same turn of the loop in which the socket became ready: then look again.
        return [(sock, events)] if done else ready_sockets(interests, 0.0)

    def readiness(self, sock: Waitable) -> TaskReadiness:
        from ._readiness import TaskReadiness

        return TaskReadiness(sock)

    async def _race(self, interests: Interests, deadline: float | None) -> Ready:
        """Wait for several sockets, or for both events of one.

        An epoll object that holds them all is itself a descriptor that becomes readable, which costs a third
        of a task per socket (30 us against 100 here); the tasks are for systems that have none.
        """
        import select

        import anyio

        if not hasattr(select, "epoll"):
            await _until(deadline, _first_of, interests)
            return ready_sockets(interests, 0.0)
        fds = [sock.fileno() for sock, _ in interests]
        if any(fd in self._races for fd in fds):
            raise anyio.BusyResourceError("waiting on")
        with select.epoll() as epoll:
            for fd, (_, events) in zip(fds, interests, strict=True):
                epoll.register(
                    fd, (select.EPOLLIN if events & READ else 0) | (select.EPOLLOUT if events & WRITE else 0)
                )
                self._races[fd] = epoll
            try:
                await _until(deadline, anyio.wait_readable, epoll)
            finally:
                for fd in fds:
                    if (
                        self._races.get(fd) is epoll
                    ):  # else closed meanwhile, and the number is another's by now
                        del self._races[fd]
            return ready_sockets(interests, 0.0)

    async def sleep(self, seconds: float) -> None:
        import anyio

        await anyio.sleep(seconds)

    def event(self) -> Event:
        return _TaskEvent()

    async def in_thread(self, fn: Callable[..., T], *args: Any) -> T:
        import anyio

        return await anyio.to_thread.run_sync(fn, *args)

    async def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        return await fn(*args)

    def notify_closing(self, sock: Waitable) -> None:
        import anyio

        fd = sock.fileno()
        if fd < 0:
            return
        try:
            anyio.notify_closing(fd)
            if fd in self._races:
                anyio.notify_closing(self._races.pop(fd))
        except RuntimeError:  # no loop runs in this thread, so no task of it can be waiting
            pass


async def _until(deadline: float | None, wait: Callable[..., Awaitable[Any]], *args: Any) -> bool:
    """Await `wait(*args)`; False: the deadline has passed first. Without one it costs no scope (8 us)."""
    if deadline is None:
        await wait(*args)
        return True
    import anyio

    while True:
        # uvloop's clock stands still while a task computes: its timers can be early. Then wait for the rest.
        with anyio.CancelScope(deadline=anyio.current_time() + deadline - monotonic()):
            await wait(*args)
            return True
        if monotonic() >= deadline:
            return False


async def _first_of(interests: Interests) -> None:
    """Wait until one of several sockets is ready, with a task for each event."""
    import anyio

    failure: list[BaseException] = []

    async def watch(wait: Callable[[Any], Awaitable[None]], sock: Waitable) -> None:
        try:
            await wait(sock)
        except (anyio.ClosedResourceError, anyio.BusyResourceError) as exc:
            failure.append(exc)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for sock, events in interests:
            if events & READ:
                tasks.start_soon(watch, anyio.wait_readable, sock)
            if events & WRITE:
                tasks.start_soon(watch, anyio.wait_writable, sock)
    if failure:
        raise failure[0]


SYNC = SyncBackend()
ASYNC = AsyncBackend()
