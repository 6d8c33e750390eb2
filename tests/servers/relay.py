"""A relay that speaks TLS on one side: in front of an http proxy it makes an https proxy. It knows no HTTP."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Iterator

SECONDS_PER_WAIT = 10.0


class TLSRelay:
    """Takes TLS on a free port of loopback and passes on what is inside to `target`, a port, and back.

    connections: how many have come. An end is passed on as an end, a reset as a reset.
    """

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self._context = context
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept, name="tls-relay", daemon=True)]
        self._open: set[socket.socket] = set()
        self._threads[0].start()

    def stop(self) -> None:
        for sock in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5.0)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,), name="tls-relay-hop", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            sock.settimeout(SECONDS_PER_WAIT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = stack.enter_context(self._context.wrap_socket(sock, server_side=True))
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", self._target)))
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open |= {tls, plain}
            stack.callback(self._open.difference_update, {tls, plain})
            try:
                _pump(tls, plain)
            except OSError:
                for end in (tls, plain):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _pump(tls: ssl.SSLSocket, plain: socket.socket) -> None:
    """Pass on bytes, each way whatever becomes of the other one, until the target has ended."""
    waiting = {tls: b"", plain: b""}  # what each end is still to take
    other: dict[socket.socket, socket.socket] = {tls: plain, plain: tls}
    reading: set[socket.socket] = {tls, plain}
    for sock in reading:
        sock.settimeout(0)
    while plain in reading or waiting[tls]:
        wanted = [sock for sock in reading if not waiting[other[sock]]]
        timeout = 0 if tls in wanted and tls.pending() else None
        ready, room, _ = select.select(wanted, [sock for sock, data in waiting.items() if data], [], timeout)
        for sock in [*ready, *([tls] if timeout == 0 and tls not in ready else [])]:
            data = _recv(sock)
            if data:
                waiting[other[sock]] = data
            elif data is not None:
                reading.remove(sock)
                if sock is tls:
                    plain.shutdown(socket.SHUT_WR)
        for sock in room:
            with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
                waiting[sock] = waiting[sock][sock.send(waiting[sock]) :]
    with contextlib.suppress(OSError):  # our close_notify goes out; the client's is not waited for
        tls.unwrap()
    tls.settimeout(SECONDS_PER_WAIT)
    socket.socket.shutdown(tls, socket.SHUT_WR)
    while socket.socket.recv(tls, 65536):
        pass


def _recv(sock: socket.socket) -> bytes | None:
    """What has come; b"" at the end, None after a part of a record."""
    try:
        return sock.recv(65536)
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLEOFError:  # clients of HTTP end without close_notify
        return b""


@contextlib.contextmanager
def tls_relay(context: ssl.SSLContext, target: int) -> Iterator[TLSRelay]:
    """Run a relay for the length of the block."""
    relay = TLSRelay(context, target)
    try:
        yield relay
    finally:
        relay.stop()
