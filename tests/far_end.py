"""The far end of a stream in tests of the network floor: plain sockets, played by the test itself. No test, no HTTP."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from contextlib import ExitStack
from typing import Any

from httpstream._backend import ASYNC, SYNC, Backend
from httpstream._network.connect import connect_tcp
from httpstream._network.sockets import SocketStream
from httpstream._network.tls import TLSStream

HOST = "127.0.0.1"
BUFFER = 64 * 1024
"""Bytes: set, so that the system does not enlarge a buffer which a test has just filled."""


def backend_of(world: Any) -> Backend:
    return ASYNC if world.is_async else SYNC


def after(seconds: float | None) -> float | None:
    """The deadline so many seconds from now."""
    return None if seconds is None else time.monotonic() + seconds


class FarEnd:
    """A listening socket, and what it accepts: the other end of the streams of a test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.listener = stack.enter_context(socket.create_server((HOST, 0)))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.port: int = self.listener.getsockname()[1]

    async def connect(self, world: Any) -> tuple[SocketStream, socket.socket]:
        """A stream to this peer, and the socket at its other end."""
        options = [(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)]
        stream = await connect_tcp(backend_of(world), HOST, self.port, after(5), socket_options=options)
        self._stack.callback(close_quietly, stream)
        accepted, address = self.listener.accept()
        while address != stream.get_extra_info("client_addr"):  # left by a connect that was cancelled
            accepted.close()
            accepted, address = self.listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return stream, self._stack.enter_context(accepted)

    async def connect_tls(
        self,
        world: Any,
        server: ssl.SSLContext,
        client: ssl.SSLContext,
        name: str = "localhost",
        alpn: list[str] | None = None,
    ) -> tuple[TLSStream, ssl.SSLSocket]:
        """A TLS stream to this far end, and the TLS socket there, after the handshake."""
        stream, accepted = await self.connect(world)
        sockets: list[ssl.SSLSocket] = []

        def shake_hands() -> None:
            with contextlib.suppress(OSError):  # the client's end of it tells the test
                sockets.append(server.wrap_socket(accepted, server_side=True, suppress_ragged_eofs=False))

        thread = threading.Thread(target=shake_hands)
        thread.start()
        try:
            tls = await stream.start_tls(client, name, after(5), alpn)
        finally:
            thread.join()
            accepted.close()
        self._stack.callback(close_quietly, tls)
        return tls, self._stack.enter_context(sockets[0])


def close_quietly(stream: SocketStream) -> None:
    """Give the descriptor back; the event loop of the stream may be gone."""
    stream.get_extra_info("socket").close()


async def receive(stream: SocketStream, size: int, timeout: float | None = 5) -> bytes:
    """Receive `size` bytes, or less when the end comes first."""
    buffer = bytearray(size)
    got = 0
    while got < size:
        with memoryview(buffer) as whole, whole[got:] as view:
            count = stream.try_recv_into(view)
        if count == 0:
            break
        if count < 0:
            await stream.wait_recv(after(timeout))
        else:
            got += count
    return bytes(buffer[:got])


def reset(sock: socket.socket) -> None:
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(stream: SocketStream) -> int:
    """Send below the stream until nothing more fits for a while; return how many bytes went."""
    sock = stream.get_extra_info("socket")
    total = 0
    while select.select([], [sock], [], 0.05)[1]:
        total += sock.send(bytes(65536))
    return total


def echo(context: ssl.SSLContext, sock: socket.socket) -> None:
    """Do a handshake, send back once what comes, and stay until the client leaves."""
    with sock, contextlib.suppress(OSError), context.wrap_socket(sock, server_side=True) as tls:
        tls.sendall(tls.recv(100))
        tls.recv(1)
