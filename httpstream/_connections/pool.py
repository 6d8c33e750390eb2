"""The connection pool: which request gets which connection, and when a connection is closed instead.

``PoolTable`` counts and chooses: pure code without a lock, a wait or a socket. ``Pool`` puts a lock around it
that is never held across a wait or a close, and does what the table decided. Nothing here knows HTTP: a
connection has a key, is reusable or not, alive or not, and can be closed. Where a connection may carry several
exchanges at once, the table is the one of ``sharing``.

A request waits only while every connection is lent to another one, so whoever waits is served before whoever
comes later, and one connection given back serves exactly one waiter. Each request costs O(1), whatever the
pool holds.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from collections import OrderedDict, deque
from time import monotonic
from weakref import WeakSet

from httpstream._exceptions import PoolTimeout

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any, Protocol, TypeVar

    from httpstream._backend import Backend, Event
    from httpstream._config import Limits

    class PooledConnection(Protocol):
        """What a pool wants of a connection. None of this waits.

        is_reusable: its exchange has ended, and it may carry another. is_alive(): nothing came on the idle
        connection, and it has not ended. shutdown(), from any thread: wakes its reader with an error.
        abandon(): closes the descriptor in this process alone, after a fork. expires_at: the pool's own.
        """

        expires_at: float

        @property
        def key(self) -> Hashable: ...
        @property
        def is_reusable(self) -> bool: ...
        def is_alive(self) -> bool: ...
        def close(self) -> None: ...
        def shutdown(self) -> None: ...
        def abandon(self) -> None: ...

    T = TypeVar("T")
    Taken = tuple[bool, PooledConnection | None, list[PooledConnection]]


__all__ = ["Pool", "PoolTable", "Waiter"]


class Waiter:
    """A request that waits for its place in the pool, and what it was given."""

    __slots__ = ("connection", "event", "is_served", "key")

    def __init__(self, key: Hashable, event: Event) -> None:
        self.key = key
        self.event = event
        self.is_served = False
        self.connection: PooledConnection | None = None  # served, and None: a place for a new connection


class PoolTable:
    """Who has which connection. Every method takes the state and the time, and returns what is to be done.

    A *place* is one of ``max_connections``: it is held by a connection, idle or lent, or reserved for one
    that is about to be opened.
    """

    def __init__(self, limits: Limits) -> None:
        """limits: None in a field means no limit. ``keepalive_expiry`` is in seconds."""
        self._max_places = sys.maxsize if limits.max_connections is None else limits.max_connections
        self._max_idle = (
            sys.maxsize if limits.max_keepalive_connections is None else limits.max_keepalive_connections
        )
        self._expiry = limits.keepalive_expiry
        self._lent: dict[PooledConnection, None] = {}
        self._reserved = 0
        # All idle connections, longest idle first, which is also the order in which they expire. A plain dict
        # would do, but for what it costs to find its first key after many were deleted in front of it.
        self._idle: OrderedDict[PooledConnection, None] = OrderedDict()
        self._idle_by_key: dict[Hashable, dict[PooledConnection, None]] = {}
        self._waiters: OrderedDict[Waiter, None] = OrderedDict()
        self._first_expiry = float("inf")  # no idle connection expires before this
        self.is_closed = False

    def take(self, key: Hashable, now: float) -> Taken:
        """Ask for a connection with this key.

        Returns whether there is a place; the idle connection, lent from now on, or None: a place is reserved
        for a new one; and the connections to be closed. Without a place, or after close, there is nothing
        else.
        """
        if self.is_closed:
            return False, None, []
        closing = self._remove_expired(now) if now >= self._first_expiry else []
        same_key = self._idle_by_key.get(key)
        if same_key:
            # The one used last: its peer is the least likely to have closed it, and the others may expire.
            connection = next(reversed(same_key))
            self._remove_idle(connection)
            self._lent[connection] = None
            return True, connection, closing
        if len(self._lent) + len(self._idle) + self._reserved >= self._max_places:
            if not self._idle:
                return False, None, closing
            closing.append(self._remove_oldest())
        self._reserved += 1
        return True, None, closing

    def take_or_wait(self, waiter: Waiter, now: float) -> Taken:
        """Like ``take``; without a place, the request is queued."""
        taken = self.take(waiter.key, now)
        if not taken[0] and not self.is_closed:
            self._waiters[waiter] = None
        return taken

    def leave(self, waiter: Waiter) -> bool:
        """A waiter gives up. Returns False when it was served: what it has is to be used or given back."""
        if waiter.is_served:
            return False
        self._waiters.pop(waiter, None)
        return True

    def settle(self, connection: PooledConnection) -> None:
        """A connection was opened on a reserved place."""
        self._reserved -= 1
        self._lent[connection] = None

    def give_back_place(self) -> Sequence[Waiter]:
        """A reserved place is not used. Returns the waiter that has it now, if any."""
        self._reserved -= 1
        return (self._serve_first(None),) if self._waiters else ()

    def give_back(
        self, connection: PooledConnection, is_reusable: bool, now: float
    ) -> tuple[Sequence[Waiter], list[PooledConnection]]:
        """A lent connection comes back. Returns whom it served, and what is to be closed."""
        if connection not in self._lent:  # forgotten meanwhile
            return (), [connection]
        del self._lent[connection]
        if self._waiters:
            waiter = self._serve_first(connection if is_reusable else None)
            return (waiter,), [] if connection in self._lent else [connection]
        if not is_reusable or self.is_closed or self._max_idle <= 0:
            return (), [connection]
        closing = self._remove_expired(now) if now >= self._first_expiry else []
        if len(self._idle) >= self._max_idle:
            closing.append(self._remove_oldest())
        if self._expiry is not None:
            connection.expires_at = now + self._expiry
            if not self._idle:
                self._first_expiry = connection.expires_at
        self._idle[connection] = None
        self._idle_by_key.setdefault(connection.key, {})[connection] = None
        return (), closing

    def replace(self, dead: PooledConnection, now: float) -> Taken:
        """A connection that was just lent turned out to be dead; the request keeps its place.

        Returns what ``take`` returns, the dead connection among those to be closed.
        """
        del self._lent[dead]
        if self.is_closed:
            self._reserved += 1
            return True, None, [dead]
        has_place, connection, closing = self.take(dead.key, now)
        return has_place, connection, [dead, *closing]

    def close(self) -> tuple[list[PooledConnection], list[PooledConnection], list[Waiter]]:
        """Nothing is lent from now on. Returns the idle connections, the lent ones, and those who wait."""
        idle, lent, waiters = list(self._idle), list(self._lent), list(self._waiters)
        self._idle.clear()
        self._idle_by_key.clear()
        self._waiters.clear()
        self.is_closed = True
        return idle, lent, waiters

    def connections(self) -> list[PooledConnection]:
        """Those that are lent, then the idle ones."""
        return [*self._lent, *self._idle]

    def counts(self) -> tuple[int, int, int]:
        """How many places are in use, how many connections are idle, how many requests wait."""
        return len(self._lent) + self._reserved, len(self._idle), len(self._waiters)

    def _serve_first(self, connection: PooledConnection | None) -> Waiter:
        """Give a free place to the first waiter: with the connection that came back on it, if that fits."""
        waiter, _ = self._waiters.popitem(last=False)
        waiter.is_served = True
        if connection is not None and connection.key == waiter.key:
            waiter.connection = connection
            self._lent[connection] = None
        else:
            self._reserved += 1
        return waiter

    def _remove_expired(self, now: float) -> list[PooledConnection]:
        removed: list[PooledConnection] = []
        while self._idle and next(iter(self._idle)).expires_at <= now:
            removed.append(self._remove_oldest())
        self._first_expiry = next(iter(self._idle)).expires_at if self._idle else float("inf")
        return removed

    def _remove_oldest(self) -> PooledConnection:
        connection = next(iter(self._idle))
        self._remove_idle(connection)
        return connection

    def _remove_idle(self, connection: PooledConnection) -> None:
        del self._idle[connection]
        same_key = self._idle_by_key[connection.key]
        del same_key[connection]
        if not same_key:
            del self._idle_by_key[connection.key]


class Pool:
    """Lends connections to requests: a sync pool to any threads, an async one to the tasks of its loop."""

    def __init__(
        self,
        backend: Backend,
        limits: Limits,
        open_connection: Callable[[Any], PooledConnection],
        describe: Callable[[Any], str] = str,
        shares: bool = False,
    ) -> None:
        """open_connection(key): makes a connection object that is not connected yet; no I/O.

        describe(key): the key in messages. shares: connections may carry several exchanges at once, and have a
        ``capacity`` (see ``sharing``).
        """
        self._backend = backend
        self._limits = limits
        self._open_connection = open_connection
        self._describe = describe
        self._shares = shares
        self._table = self._new_table()
        self._lock = allocate_lock()
        # What came back and is not yet in the table. ``release`` never blocks, so that it may run anywhere:
        # in a finalizer or a signal handler that interrupted this very code while it held the lock.
        self._returned: deque[PooledConnection] = deque()
        _pools.add(self)

    def _new_table(self) -> PoolTable:
        if not self._shares:
            return PoolTable(self._limits)
        from .sharing import SharingTable

        return SharingTable(self._limits, self._open_connection)

    async def acquire(self, key: Hashable, timeout: float | None) -> Any:
        """A connection with this key: idle and alive, or new and not yet connected.

        timeout: seconds to wait for a place while ``max_connections`` are in use; None: no limit.
        The caller gives it back with ``release``, in every case and exactly once.
        Raises PoolTimeout; RuntimeError when the pool is closed, also while it waits.
        """
        connection = self.take(key)
        while connection is None:
            connection = self._checked(key, True, await self._wait(key, timeout), [], monotonic())
        return connection

    def take(self, key: Hashable) -> Any:
        """What ``acquire`` gives, as long as that needs no wait; else None."""
        now = monotonic()
        with self._lock:
            has_place, connection, closing = self._table.take(key, now)
        if self._returned:
            self._take_back()
        return self._checked(key, has_place, connection, closing, now)

    def _checked(
        self,
        key: Hashable,
        has_place: bool,
        connection: PooledConnection | None,
        closing: list[PooledConnection],
        now: float,
    ) -> Any:
        """What the table has given, made a connection that is alive, or new. None: it has no place to give."""
        try:
            while True:
                for surplus in closing:
                    surplus.close()
                if not has_place:
                    return None
                if connection is None or connection.is_alive():
                    break
                has_place, connection, closing = self._decide(self._table.replace, connection, now)
            if connection is None:
                opened = self._open_connection(key)
                self._decide(self._table.settle, opened)
                connection = opened
        except BaseException:
            if has_place:
                self._give_up(connection)
            raise
        if self._table.is_closed:
            self.release(connection)
            raise RuntimeError(_CLOSED)
        return connection

    def release(self, connection: Any) -> None:
        """Take back a connection that ``acquire`` gave: it is kept, handed on, or closed. Never blocks."""
        self._returned.append(connection)
        self._take_back()

    def close(self) -> None:
        """Close the idle connections, wake the readers of the lent ones and all waiters with an error.

        The lent connections are closed by ``release``. May be called again; later calls find nothing to do.
        """
        idle, lent, waiters = self._decide(self._table.close)
        for waiter in waiters:
            waiter.event.set()
        for connection in lent:
            connection.shutdown()
        for connection in idle:
            connection.close()

    @property
    def connections(self) -> list[Any]:
        """The connections of this moment, those in use first."""
        return self._decide(self._table.connections)

    @property
    def _requests(self) -> list[None]:
        """As many entries as requests are served or wait: tests of programs count them, by this name of httpcore's."""
        active, _, queued = self._decide(self._table.counts)
        return [None] * (active + queued)

    def __repr__(self) -> str:
        active, idle, queued = self._decide(self._table.counts)
        return (
            f"<{type(self).__name__} [Requests: {active} active, {queued} queued | "
            f"Connections: {active} active, {idle} idle]>"
        )

    async def _wait(self, key: Hashable, timeout: float | None) -> PooledConnection | None:
        """Wait for a place. Returns the connection that came with it, or None: a place for a new one."""
        deadline = None if timeout is None else monotonic() + timeout
        waiter = Waiter(key, self._backend.event())
        has_place, connection, closing = self._decide(self._table.take_or_wait, waiter, monotonic())
        if has_place:  # one came back since the first look
            try:
                for surplus in closing:
                    surplus.close()
            except BaseException:
                self._give_up(connection)
                raise
            return connection
        if self._table.is_closed and self._decide(self._table.leave, waiter):
            raise RuntimeError(_CLOSED)
        try:
            await waiter.event.wait(deadline)
        except BaseException:
            # Maybe it was served in the same moment: then its place goes on to the next.
            if not self._decide(self._table.leave, waiter):
                self._give_up(waiter.connection)
            raise
        if not self._decide(self._table.leave, waiter):
            return waiter.connection
        if self._table.is_closed:
            raise RuntimeError(_CLOSED)
        active, _, queued = self._decide(self._table.counts)
        raise PoolTimeout(
            f"no connection for {self._describe(key)} became free within {timeout} seconds: {active} of "
            f"max_connections={self._limits.max_connections} are in use, {queued} other requests wait; "
            "read or close responses, or raise Limits(max_connections=...)"
        )

    def _give_up(self, connection: PooledConnection | None) -> None:
        """Give back what a request was given and does not use: a connection, or the place for one."""
        if connection is not None:
            self.release(connection)
            return
        for waiter in self._decide(self._table.give_back_place):
            waiter.event.set()

    def _decide(self, decision: Callable[..., T], *args: Any) -> T:
        """Call a method of the table under the lock, and take back what came while it was held."""
        with self._lock:
            decided = decision(*args)
        if self._returned:
            self._take_back()
        return decided

    def _take_back(self) -> None:
        """Put what came back into the table, unless somebody holds the lock: whoever does comes here next."""
        returned = self._returned
        while returned and self._lock.acquire(blocking=False):
            waiters: Sequence[Waiter] = ()
            closing: list[PooledConnection] = []
            try:
                connection = returned.popleft() if returned else None
                if connection is not None:
                    waiters, closing = self._table.give_back(connection, connection.is_reusable, monotonic())
            finally:
                self._lock.release()
            try:
                for surplus in closing:  # before the waiter opens its own: never more than max_connections
                    surplus.close()
            finally:
                for waiter in waiters:
                    waiter.event.set()

    def _abandon(self) -> None:
        """In the child of a fork: the connections are the parent's. Forget them, and send nothing."""
        connections = self._table.connections()
        is_closed = self._table.is_closed
        self._lock = allocate_lock()  # another thread of the parent may have held it
        self._table = self._new_table()
        self._table.is_closed = is_closed
        self._returned.clear()
        for connection in connections:
            connection.abandon()


_CLOSED = "the client has been closed"

_pools: WeakSet[Pool] = WeakSet()


def _abandon_all() -> None:
    for pool in list(_pools):
        pool._abandon()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_abandon_all)
