"""A proxy for the scenarios, in as few lines as they need: CONNECT, or SOCKS5, and then a tunnel. Never here: a
scenario.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


class Hop:
    """A proxy on a free port; `told` is what each client said to it before the tunnel."""

    def __init__(self, greet: Callable[[socket.socket, list[bytes]], int]) -> None:
        self.told: list[bytes] = []
        self._greet = greet
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), near:
            near.settimeout(10.0)
            with socket.create_connection(("127.0.0.1", self._greet(near, self.told))) as far:
                back = threading.Thread(target=pump, args=(far, near), daemon=True)
                back.start()
                pump(near, far)
                back.join(10.0)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on bytes, and their end."""
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def connect(near: socket.socket, told: list[bytes]) -> int:
    """An http proxy that connects to any port of this machine."""
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += near.recv(1) or b"\r\n\r\n"
    told.append(said)
    near.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
    return int(said.split(b" ")[1].rpartition(b":")[2])


def socks5(near: socket.socket, told: list[bytes]) -> int:
    """A SOCKS5 proxy that wants a username and connects to any port of this machine."""
    greeting = near.recv(2)
    near.recv(greeting[1])
    near.sendall(b"\x05\x02")
    told.append(near.recv(512))
    near.sendall(b"\x01\x00")
    request = near.recv(512)
    told.append(request[:4])
    near.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
    return int.from_bytes(request[-2:], "big")


@contextlib.contextmanager
def hop(greet: Callable[[socket.socket, list[bytes]], int]) -> Iterator[Hop]:
    one = Hop(greet)
    try:
        yield one
    finally:
        one.close()
