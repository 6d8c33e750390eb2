"""One non-blocking stream over a connected TCP or Unix socket.

Every operation tries the system call first, and waits only when that would block; the waits are the
backend's, so this code serves both worlds. What the operating system reports leaves here as ReadError,
WriteError or a timeout, with the original as its cause. Here is no TLS, no name resolution, no HTTP.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from time import monotonic

from httpstream._backend import READ, WRITE, ready_sockets
from httpstream._exceptions import ReadError, ReadTimeout, WriteError, WriteTimeout

from .causes import doubled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from typing import Any

    from httpstream._backend import Backend

    from .tls import TLSStream

    Buffer = bytes | bytearray | memoryview

# Windows has no such call.
sendfile: Callable[[int, int, int, int], int] | None = getattr(os, "sendfile", None)

CANNOT = -2
"""What `try_sendfile` says of a file that the system cannot send by itself."""

FAIR_SHARE = 1024 * 1024
"""Bytes that a task may move on one stream without a wait before it lets the other tasks of its loop run: at
loopback speed about half a millisecond, which makes the turn around the loop (4 us) cost under one
percent."""


class SocketStream:
    """A connected, non-blocking stream socket, read and written by one task or thread at a time.

    sock: connected and non-blocking; the stream owns it from now on.
    peer: what error messages call the other end, "host:port" or the path of a Unix socket; may be changed.
    """

    __slots__ = (
        "_backend",
        "_full_share",
        "_readiness",
        "_recv_event",
        "_recv_into",
        "_send",
        "_send_event",
        "_share",
        "_shut_down",
        "_sock",
        "must_wait",
        "peer",
    )

    can_send_files = sendfile is not None

    def __init__(self, backend: Backend, sock: socket.socket, peer: str) -> None:
        self._backend = backend
        self._sock = sock
        self.peer = peer
        self._readiness = backend.readiness(sock)
        self._recv_into = sock.recv_into
        self._send = sock.send
        # `try_recv_into` would say -1 without asking the system. A fresh connection has nothing to read: whoever talks
        # first sends, and that sets this too.
        self.must_wait = False
        self._full_share = self._share = FAIR_SHARE if backend.is_async else sys.maxsize
        self._shut_down = False
        # Which event of the socket each direction waits for: TLS can swap them.
        self._recv_event = READ
        self._send_event = WRITE

    # Receiving.

    def try_recv_into(self, view: memoryview) -> int:
        """Receive what is there into `view` (not empty, bytes) and return how many bytes came.

        0: the peer has ended its side. -1: it would block, so `wait_recv` comes next. After a short read,
        after a send, and when this task has had its share of the loop, it is -1 without a system call.
        Raises ReadError.
        """
        if self.must_wait:
            return -1
        try:
            count = self._recv_into(view)
        except BlockingIOError:
            self.must_wait = True
            return -1
        except OSError as exc:
            raise self._read_error(exc) from doubled(exc)
        if count < len(view):
            # Most likely the socket is empty now: a poll is cheaper than a try that fails.
            self.must_wait = True
            if count == 0 and self._shut_down:
                raise self._shut_down_error()
        else:
            self._share -= count
            if self._share <= 0:
                self.must_wait = True
        return count

    async def wait_recv(self, deadline: float | None) -> None:
        """Wait until `try_recv_into` makes sense again.

        deadline: absolute, `time.monotonic()` seconds, or None.
        Raises ReadTimeout when it has passed; ReadError when the stream was closed or another task waits too.
        """
        if self._share <= 0:
            await self._backend.sleep(0)
        else:
            try:
                if self._recv_event == READ:
                    is_ready = await self._readiness.wait(deadline)
                else:
                    is_ready = bool(await self._backend.wait(((self._sock, self._recv_event),), deadline))
            except OSError as exc:
                raise self._read_error(exc) from doubled(exc)
            if not is_ready:
                raise ReadTimeout(f"{self.peer} sent nothing within the read timeout")
        self._share = self._full_share
        self.must_wait = False

    # Sending.

    def try_send(self, data: Buffer) -> int:
        """Send as much of `data` as fits now and return how many bytes went; -1: it would block.

        Raises WriteError.
        """
        if self._share <= 0:
            return -1
        try:
            count = self._send(data)
        except BlockingIOError:
            return -1
        except OSError as exc:
            raise self._write_error(exc) from doubled(exc)
        self.must_wait = True  # an answer takes at least one trip to the peer and back
        self._share -= count
        return count

    def try_sendfile(self, fd: int, offset: int, size: int) -> int:
        """Send bytes of a file without reading them; return how many went. -1: it would block. 0: the file has ended.

        fd: of a regular file. offset, size: in bytes; at most FAIR_SHARE of them go. CANNOT: this file must be read,
        and sent by `try_send`. Only where `can_send_files` holds. Raises WriteError.

        Pages of the file that are not in memory are waited for here, in the async world too, as asyncio's own sendfile
        does: at most so many at a time.
        """
        if self._share <= 0:
            return -1
        assert sendfile is not None
        try:
            count = sendfile(self._sock.fileno(), fd, offset, min(size, FAIR_SHARE))
        except BlockingIOError:
            return -1
        except OSError as exc:
            if exc.errno in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOVERFLOW):
                return CANNOT
            raise self._write_error(exc) from exc
        self.must_wait = True
        self._share -= count
        return count

    async def wait_send(self, timeout: float | None) -> None:
        """Wait until `try_send` makes sense again.

        timeout: seconds without progress, or None.
        Raises WriteTimeout; WriteError when the stream was closed, or another task waits on it.
        """
        if self._share <= 0:
            await self._backend.sleep(0)
        else:
            await self._wait_to_send(self._send_event, timeout)
        self._share = self._full_share

    async def wait_send_or_recv(self, timeout: float | None) -> int:
        """Wait until `try_send` or `try_recv_into` makes sense again; return READ, WRITE or both.

        For uploads: a server may answer, or hang up, before it has read everything.
        timeout: seconds without progress in either direction, or None. Raises WriteTimeout, WriteError.
        """
        if self._share <= 0:
            await self._backend.sleep(0)
            events = READ | WRITE
        else:
            events = await self._wait_to_send(self._recv_event | self._send_event, timeout)
        self._share = self._full_share
        can_recv = READ if events & self._recv_event else 0
        if can_recv:
            self.must_wait = False
        return can_recv | (WRITE if events & self._send_event else 0)

    async def send_all(self, data: Buffer, timeout: float | None) -> None:
        """Send all of `data`. timeout: seconds without progress, or None. Raises WriteTimeout, WriteError."""
        done = self.try_send(data)
        if done == len(data):
            return
        with memoryview(data) as view:
            done = max(done, 0)
            while done < len(view):
                with view[done:] as rest:
                    count = self.try_send(rest)
                if count < 0:
                    await self.wait_send(timeout)
                else:
                    done += count

    async def _wait_to_send(self, events: int, timeout: float | None) -> int:
        deadline = None if timeout is None else monotonic() + timeout
        if events & READ:
            self._readiness.pause()
        try:
            ready = await self._backend.wait(((self._sock, events),), deadline)
        except OSError as exc:
            raise self._write_error(exc) from doubled(exc)
        if not ready:
            raise WriteTimeout(f"{self.peer} took no data within the write timeout of {timeout} s")
        return ready[0][1]

    # Both.

    async def start_tls(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None,
        deadline: float | None,
        alpn: Sequence[str] | None = None,
    ) -> TLSStream:
        """Turn this stream into a TLS stream; this one is used up, whatever happens. See `tls.start_tls`."""
        from .tls import start_tls

        self._readiness.pause()  # the descriptor goes on in a socket of another kind
        return await start_tls(self._backend, self._sock, self.peer, context, server_hostname, deadline, alpn)

    def is_alive(self) -> bool:
        """Tell whether an idle stream can still be used: nothing came on it, and it has not ended."""
        return not self._readiness.is_readable()

    def look_again(self) -> None:
        """Make the next `try_recv_into` ask the system, whatever the tries before have met."""
        self.must_wait = False

    def shutdown(self) -> None:
        """End both directions, from any thread: whoever waits wakes, and gets ReadError or WriteError.

        The descriptor stays the owner's to close: another thread may be about to use it.
        """
        self._shut_down = True
        try:
            # A TLS socket's own method would drop its TLS state under a reader in another thread.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        except OSError:  # not connected any more
            pass

    def close(self) -> None:
        """Close at once. Never waits and never sends: the framing of HTTP needs no close_notify from us."""
        self._readiness.close()
        self._backend.notify_closing(self._sock)
        self._sock.close()

    def get_extra_info(self, name: str) -> Any:
        """Return "socket", "ssl_object", "client_addr", "server_addr" or "is_readable"; None: unknown."""
        if name == "socket":
            return self._sock
        if name == "client_addr":
            return self._sock.getsockname()
        if name == "server_addr":
            return self._sock.getpeername()
        if name == "is_readable":
            return bool(ready_sockets(((self._sock, READ),), 0.0))
        return None

    def _shut_down_error(self) -> ReadError:
        return ReadError(f"the connection to {self.peer} was closed on this side while it was being read")

    def _read_error(self, exc: OSError) -> ReadError:
        if self._shut_down:
            return self._shut_down_error()
        return ReadError(f"receiving from {self.peer} failed: {exc}")

    def _write_error(self, exc: OSError) -> WriteError:
        return WriteError(f"sending to {self.peer} failed: {exc}")


def seconds_left(deadline: float | None) -> float | None:
    """The timeout that ends with a deadline; negative: it has passed."""
    return None if deadline is None else deadline - monotonic()
