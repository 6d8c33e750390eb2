"""From a host and a port to a connected stream: name resolution, and the race of its addresses.

Names are resolved in a thread that wakes the engine through a pair of sockets, so that one code serves both
worlds and a deadline or a cancelled task can leave a slow resolver behind. Addresses are tried as RFC 8305
says: families in turn, the next one after 250 ms or as soon as one has failed. What goes wrong is a
ConnectError or ConnectTimeout.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from time import monotonic

from httpstream._backend import READ, WRITE
from httpstream._exceptions import ConnectError, ConnectTimeout

from .causes import doubled
from .sockets import SocketStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from httpstream._backend import Backend

    SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
    # What getaddrinfo returns: family, type, protocol, canonical name, address.
    AddressInfo = tuple[int, int, int, str, Any]

STAGGER = 0.25
"""Seconds until the next address is tried as well: the "Connection Attempt Delay" of RFC 8305, section 5."""

_RETRY_FULL_BACKLOG = 0.01
"""Seconds between two tries at a Unix socket whose backlog is full: nothing tells when that has changed."""

_CONNECTING = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR}


async def connect_tcp(
    backend: Backend,
    host: str,
    port: int,
    deadline: float | None,
    *,
    local_address: str | None = None,
    socket_options: Iterable[SocketOption] | None = None,
    peer: str | None = None,
) -> SocketStream:
    """Connect to a host by name or address literal (an IPv6 one without brackets).

    deadline: absolute, `time.monotonic()` seconds, for resolution and connect together; None: no limit.
    local_address: the address to connect from. socket_options: the arguments of `setsockopt`, a tuple each.
    peer: what messages call the other end; None: host and port. Raises ConnectError, ConnectTimeout.
    """
    if peer is None:
        peer = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    addresses = await _resolve(backend, host, port, peer, deadline)
    race = _Race(backend, peer, local_address, tuple(socket_options or ()))
    return SocketStream(backend, await race.run(addresses, deadline), peer)


async def connect_unix(
    backend: Backend,
    path: str,
    deadline: float | None,
    *,
    socket_options: Iterable[SocketOption] | None = None,
) -> SocketStream:
    """Connect to a Unix socket. deadline as in `connect_tcp`. Raises ConnectError, ConnectTimeout."""
    if not hasattr(socket, "AF_UNIX"):
        raise ConnectError(f"cannot connect to {path}: this system has no Unix sockets")
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except OSError as exc:
        raise ConnectError(f"cannot connect to {path}: {exc}") from doubled(exc)
    try:
        sock.setblocking(False)
        for option in socket_options or ():
            sock.setsockopt(*option)
        while True:
            try:
                sock.connect(path)
            except BlockingIOError:
                if deadline is not None and monotonic() >= deadline:
                    raise ConnectTimeout(f"connecting to {path} timed out: its backlog is full") from None
                await backend.sleep(_RETRY_FULL_BACKLOG)
            else:
                return SocketStream(backend, sock, path)
    except BaseException as exc:
        sock.close()
        if isinstance(exc, (OSError, ValueError)):
            raise ConnectError(f"cannot connect to {path}: {exc}") from doubled(exc)
        raise


def _words(reason: Exception | None) -> str:
    """Return what an error says, without its number."""
    return (isinstance(reason, OSError) and reason.strerror) or str(reason)


# Names.


async def _resolve(
    backend: Backend, host: str, port: int, peer: str, deadline: float | None
) -> Sequence[AddressInfo]:
    lookup = _Lookup(host, port)
    if ":" in host or host[-1:].isdigit():  # it may be a literal, which needs neither thread nor name server
        lookup.resolve(socket.AI_NUMERICHOST)
    try:
        if not lookup.addresses and not await lookup.resolve_in_thread(backend, deadline):
            raise ConnectTimeout(f"resolving the name of {peer} took longer than the connect timeout")
    except OSError as exc:  # no descriptor left for the pair of sockets, say
        raise ConnectError(f"cannot resolve the name of {peer}: {exc}") from doubled(exc)
    if lookup.addresses:
        return lookup.addresses
    assert lookup.error is not None
    raise ConnectError(f"cannot resolve the name of {peer}: {_words(lookup.error)}") from doubled(
        lookup.error
    )


class _Lookup:
    """One call of getaddrinfo, and what came of it: addresses, or an error."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.addresses: Sequence[AddressInfo] = ()
        self.error: Exception | None = None

    def resolve(self, flags: int = 0) -> None:
        try:
            self.addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=flags)
        # UnicodeError is a ValueError: a label that is empty or too long for the idna codec.
        except (OSError, ValueError, OverflowError) as exc:
            self.error = exc

    async def resolve_in_thread(self, backend: Backend, deadline: float | None) -> bool:
        """Resolve, waiting no longer than the deadline; False: it has passed.

        The end of file on one of two sockets says that the thread is done. A thread that is left behind ends
        by itself, and, being a daemon, does not hold up the end of the program.
        """
        import threading

        ours, its = socket.socketpair()

        def work() -> None:
            with its:
                self.resolve()

        with ours:
            try:
                threading.Thread(target=work, name=f"resolve {self.host}", daemon=True).start()
            except RuntimeError as exc:  # the system gives us no more threads
                its.close()
                raise OSError(errno.EAGAIN, str(exc)) from exc
            try:
                return bool(await backend.wait(((ours, READ),), deadline))
            finally:
                backend.notify_closing(ours)


# Addresses.


def in_turn(addresses: Sequence[AddressInfo]) -> list[AddressInfo]:
    """Order addresses so that the families alternate, the preferred one first (RFC 8305, section 4)."""
    preferred = addresses[0][0]
    first = deque(info for info in addresses if info[0] == preferred)
    other = deque(info for info in addresses if info[0] != preferred)
    ordered: list[AddressInfo] = []
    while first or other:
        ordered.extend(queue.popleft() for queue in (first, other) if queue)
    return ordered


class _Race:
    """Connects to the addresses of one host, several at once when the first ones do not answer."""

    def __init__(
        self, backend: Backend, peer: str, local_address: str | None, options: Sequence[SocketOption]
    ) -> None:
        self.backend = backend
        self.peer = peer
        self.local_address = local_address
        self.options = options
        self.pending: dict[socket.socket, str] = {}  # what is connecting, and to which address
        self.failures: list[tuple[str, Exception]] = []

    async def run(self, addresses: Sequence[AddressInfo], deadline: float | None) -> socket.socket:
        """Return the first socket that is connected; close all others, whatever happens."""
        try:
            return await self._first_connected(deque(in_turn(addresses)), deadline)
        except OSError as exc:  # the wait itself failed: no descriptor left for it, say
            raise ConnectError(f"cannot connect to {self.peer}: {exc}") from doubled(exc)
        finally:
            for sock in self.pending:
                sock.close()

    async def _first_connected(self, waiting: deque[AddressInfo], deadline: float | None) -> socket.socket:
        next_start = 0.0
        while waiting or self.pending:
            if waiting and (not self.pending or monotonic() >= next_start):
                if self._start(waiting.popleft()):
                    next_start = monotonic() + STAGGER
                continue
            until = deadline
            if waiting:
                until = next_start if deadline is None else min(next_start, deadline)
            ready = await self.backend.wait([(sock, WRITE) for sock in self.pending], until)
            sock: socket.socket
            for sock, _ in ready:
                address = self.pending.pop(sock)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code == 0:
                    return sock
                sock.close()
                self.failures.append((address, OSError(code, os.strerror(code))))
                next_start = 0.0
            if not ready and deadline is not None and monotonic() >= deadline:
                raise ConnectTimeout(f"connecting to {self.peer} timed out")
        raise self._error()

    def _start(self, info: AddressInfo) -> bool:
        """Begin to connect to one address; False: that has failed already."""
        family, kind, protocol, _, address = info
        text = str(address[0])
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as exc:  # a family that this system has not, or no descriptor left
            self.failures.append((text, exc))
            return False
        try:
            sock.setblocking(False)
            # Head and first piece of content leave in one send; nothing else may wait for an acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in self.options:
                sock.setsockopt(*option)
            if self.local_address is not None:
                sock.bind((self.local_address, 0))
            code = sock.connect_ex(address)
            if code not in _CONNECTING:
                raise OSError(code, os.strerror(code))
        except BaseException as exc:
            sock.close()
            if not isinstance(exc, (OSError, OverflowError)):
                raise
            self.failures.append((text, exc))
            return False
        self.pending[sock] = text
        return True

    def _error(self) -> ConnectError:
        reasons = ", ".join(f"{_words(reason)} ({address})" for address, reason in self.failures)
        error = ConnectError(f"cannot connect to {self.peer}: {reasons}")
        error.__cause__ = doubled(self.failures[0][1])
        return error
