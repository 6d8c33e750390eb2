"""The pool's table where a connection may carry several exchanges at once, as HTTP/2 lets it.

Pure code, as `PoolTable` is. A connection says by ``capacity`` how many exchanges it may carry now: 0 when it takes
no more, and many while it is not known yet what it will speak, so that the first requests to an origin meet on one
connection. Whoever waits for a place is served before whoever comes later and needs one; room on a connection that
is in use anyway takes no place from anybody, and is given at once.
"""

from __future__ import annotations

from collections import OrderedDict

from .pool import PoolTable

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from typing import Any

    from httpstream._config import Limits

    from .pool import PooledConnection, Taken, Waiter

    class SharedConnection(PooledConnection):
        """A pooled connection that may carry ``capacity`` exchanges at once."""

        @property
        def capacity(self) -> int: ...


class SharingTable(PoolTable):
    """Who has which connection, and how many exchanges each one carries.

    It makes the connections itself, in the same step in which it finds that none is there: two requests that come
    together would otherwise both open one. So no place is ever reserved, and a served waiter always has a connection.
    """

    _lent: dict[Any, int]  # type: ignore[assignment]  # the number of exchanges under way on each

    def __init__(self, limits: Limits, open_connection: Callable[[Any], PooledConnection]) -> None:
        """open_connection(key): makes a connection object that is not connected yet; no I/O."""
        super().__init__(limits)
        self._open_connection = open_connection
        # Lent connections that could carry one exchange more when this was last looked at.
        self._with_room: dict[Hashable, dict[Any, None]] = {}
        self._waiters_by_key: dict[Hashable, OrderedDict[Waiter, None]] = {}

    def take(self, key: Hashable, now: float) -> Taken:
        """See PoolTable. The connection may be one that carries other exchanges."""
        if self.is_closed:
            return False, None, []
        connection = self._room(key)
        if connection is not None and key not in self._waiters_by_key:  # they come first
            self._lend(connection)
            return True, connection, []
        has_place, connection, closing = super().take(key, now)
        if not has_place:
            return False, None, closing
        if connection is None:
            self._reserved -= 1  # if making one fails, nothing is left behind but what was to be closed
            connection = self._open_connection(key)
        self._lent[connection] = 0
        self._lend(connection)
        return True, connection, closing

    def take_or_wait(self, waiter: Waiter, now: float) -> Taken:
        """See PoolTable."""
        taken = super().take_or_wait(waiter, now)
        if waiter in self._waiters:
            self._waiters_by_key.setdefault(waiter.key, OrderedDict())[waiter] = None
        return taken

    def leave(self, waiter: Waiter) -> bool:
        """See PoolTable."""
        if waiter in self._waiters:
            self._forget(waiter)
        return super().leave(waiter)

    def give_back(
        self, connection: PooledConnection, is_reusable: bool, now: float
    ) -> tuple[Sequence[Waiter], list[PooledConnection]]:
        """See PoolTable: one exchange on the connection has ended."""
        carried = self._lent.get(connection, 0)
        if carried > 1:
            self._return(connection)
            return self._serve_room(connection), []
        if not carried or not self._waiters:
            self._no_room(connection)
            return super().give_back(connection, is_reusable, now)
        self._return(connection)
        first = next(iter(self._waiters))
        if is_reusable and first.key == connection.key:
            self._lent[connection] = 0
            return self._serve_room(connection), []
        opened = self._open_connection(first.key)
        self._lent[opened] = 0
        return self._serve_room(opened), [connection]

    def replace(self, dead: PooledConnection, now: float) -> Taken:
        """See PoolTable. Where others still use the dead connection, its place stays theirs."""
        if self._lent[dead] > 1:
            self._return(dead)
            return self.take(dead.key, now)
        self._return(dead)
        if self.is_closed:
            return False, None, [dead]
        has_place, connection, closing = self.take(dead.key, now)
        return has_place, connection, [dead, *closing]

    def close(self) -> tuple[list[PooledConnection], list[PooledConnection], list[Waiter]]:
        """See PoolTable."""
        self._with_room.clear()
        self._waiters_by_key.clear()
        return super().close()

    def _room(self, key: Hashable) -> Any:
        """A lent connection that can carry one exchange more, or None."""
        same_key = self._with_room.get(key)
        while same_key:
            connection = next(iter(same_key))
            if self._lent[connection] < connection.capacity:
                return connection
            self._no_room(connection)
        return None

    def _no_room(self, connection: Any) -> None:
        same_key = self._with_room.get(connection.key)
        if same_key is not None and connection in same_key:
            del same_key[connection]
            if not same_key:
                del self._with_room[connection.key]

    def _lend(self, connection: Any) -> None:
        """One exchange more on a connection that is lent."""
        self._lent[connection] = carried = self._lent[connection] + 1
        if carried < connection.capacity:
            self._with_room.setdefault(connection.key, {})[connection] = None
        else:
            self._no_room(connection)

    def _return(self, connection: Any) -> None:
        """One exchange less."""
        self._lent[connection] = carried = self._lent[connection] - 1
        if carried == 0:
            self._no_room(connection)
            del self._lent[connection]
        elif carried < connection.capacity:
            self._with_room.setdefault(connection.key, {})[connection] = None

    def _serve_room(self, connection: Any) -> tuple[Waiter, ...]:
        """Give the room on a lent connection to those who wait for its origin. Returns them, first come first.

        A connection that carries nothing yet serves at least one, whatever it can carry: it has been taken for that.
        """
        served: list[Waiter] = []
        waiting = self._waiters_by_key.get(connection.key)
        while waiting and (self._lent[connection] < connection.capacity or not self._lent[connection]):
            waiter = next(iter(waiting))
            self._forget(waiter)
            del self._waiters[waiter]
            waiter.is_served = True
            waiter.connection = connection
            self._lend(connection)
            served.append(waiter)
        return tuple(served)

    def _forget(self, waiter: Waiter) -> None:
        same_key = self._waiters_by_key[waiter.key]
        del same_key[waiter]
        if not same_key:
            del self._waiters_by_key[waiter.key]
