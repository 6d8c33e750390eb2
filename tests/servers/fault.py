"""The scripted fault server: raw sockets, a list of steps per connection, and an exact record of the wire.

A script reads like a dialogue: `[expect_request("GET /"), send(HEAD), send(b"hel"), reset()]`. Connection
number i plays script number i; connections after the last script play `then`. Every byte that arrives is
recorded, whether a step asked for it or not. Where something must have arrived before the next step, a step
waits for the acknowledgement, not for a clock. The steps live in `tests.servers.steps`. Never here: what an
HTTP client should do.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence

SECONDS_PER_WAIT = 10.0
TCP_CLOSE = 7  # of the kernel's states

Step = Callable[["Peer"], None]
Script = Sequence[Step]


class PeerEnded(Exception):
    """The client ended the connection while a step wanted more of it."""


class ScriptFailure(AssertionError):
    """The client did something else than the script says."""


class Peer:
    """One accepted connection: what its script sees, and the record that stays.

    received: every byte that came (inside TLS: decrypted). ended: how the client ended it: None (not yet),
    "fin", "reset", or for TLS "close_notify" and "cut" (FIN alone).
    """

    def __init__(self, server: FaultServer, number: int, sock: socket.socket) -> None:
        self.server = server
        self.number = number
        self.sock = sock
        self.client_address = sock.getpeername()
        self.received = bytearray()
        self.consumed = 0
        self.ended: str | None = None
        self.played = 0
        self.script: Script = ()
        self.done = threading.Event()
        self.has_ended = threading.Event()
        self.thread: threading.Thread | None = None

    @property
    def pending(self) -> bytes:
        """What arrived and no step has asked for yet."""
        return bytes(self.received[self.consumed :])

    def fill(self) -> None:
        """Receive once. PeerEnded at the end of the connection."""
        try:
            data = self.sock.recv(65536)
        except ssl.SSLEOFError:
            self._end("cut")
        except (ConnectionError, ssl.SSLError) as exc:
            self._end("reset" if isinstance(exc, ConnectionError) else f"tls: {exc.reason}")
        except TimeoutError:
            raise ScriptFailure(f"waited {SECONDS_PER_WAIT} s in vain; received so far: {self.pending!r}")
        else:
            if not data:
                self._end("close_notify" if isinstance(self.sock, ssl.SSLSocket) else "fin")
            self.received += data

    def _end(self, how: str, what: str = "") -> None:
        if self.ended is None:
            self.ended = how
            self.has_ended.set()
        raise PeerEnded(
            f"the client ended the connection ({self.ended}); not consumed: {self.pending!r} {what}"
        )

    def take(self, size: int) -> bytes:
        """Exactly that many bytes."""
        while len(self.received) - self.consumed < size:
            self.fill()
        taken = bytes(self.received[self.consumed : self.consumed + size])
        self.consumed += size
        return taken

    def take_until(self, marker: bytes) -> bytes:
        """Everything up to and with the marker."""
        while (found := self.received.find(marker, self.consumed)) < 0:
            self.fill()
        return self.take(found + len(marker) - self.consumed)

    def send(self, data: bytes) -> None:
        """Send all. PeerEnded when the client is gone."""
        try:
            self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError) as exc:
            self._end("reset", f"could not send: {exc}")

    def shutdown_sending(self) -> None:
        """FIN, and nothing before it. Receiving goes on (an SSLSocket's own shutdown would end TLS for it)."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def reset(self) -> None:
        """RST, at once; what the client's kernel holds unread is lost to the client."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_until_read(self) -> None:
        """Wait until the client's program has read everything that was sent (Linux; elsewhere a short pause)."""
        if not sys.platform.startswith("linux"):
            time.sleep(0.05)
            return
        deadline = time.monotonic() + SECONDS_PER_WAIT
        while not self.server.is_stopping and not _is_all_read(self.sock, self.client_address):
            if time.monotonic() > deadline:
                raise ScriptFailure("the client did not read what was sent")
            time.sleep(0.0005)

    def wait_end(self, seconds: float = 5.0) -> str:
        """For tests: how the client ended this connection; AssertionError when it does not."""
        assert self.has_ended.wait(seconds), (
            f"connection {self.number} is still open, played {self.played} steps"
        )
        assert self.ended is not None
        return self.ended


def _is_all_read(sock: socket.socket, client_address: tuple[str, int]) -> bool:
    """Whether the client's kernel has acknowledged everything, and its program has read it.

    The client lives in this process: its socket is the one that is bound to `client_address`.
    """
    import fcntl  # neither module exists on Windows
    import termios

    def pending(descriptor: int, request: int) -> int:
        return int.from_bytes(fcntl.ioctl(descriptor, request, bytes(4)), sys.byteorder)

    if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE:
        return True  # the client has reset the connection
    if pending(sock.fileno(), termios.TIOCOUTQ):
        return False
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                other = socket.socket(fileno=int(name))
                try:
                    if other.getsockname() == client_address:
                        return pending(int(name), termios.FIONREAD) == 0
                finally:
                    other.detach()  # it is the client's: never closed here
    return True


class FaultServer:
    """Listens on loopback and plays scripts.

    tls: a server-side context; each connection then begins with the handshake, except where the script's
    first step is `without_tls`. then: the script of the connections after the last of `scripts`; None: there
    must be none. family: socket.AF_INET6 for [::1]. strict: every script must be played to its end (see
    `problems`).
    """

    def __init__(
        self,
        *scripts: Script,
        tls: ssl.SSLContext | None = None,
        then: Script | None = None,
        family: socket.AddressFamily = socket.AF_INET,
        strict: bool = True,
    ) -> None:
        self._scripts = scripts
        self._then = then
        self._tls = tls
        self._strict = strict
        self._gates: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self.is_stopping = False
        self.failures: list[str] = []
        self.peers: list[Peer] = []
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self._listener = socket.create_server((host, 0), family=family, backlog=128)
        self.host, self.port = self._listener.getsockname()[:2]
        authority = f"[{host}]:{self.port}" if family == socket.AF_INET6 else f"{host}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{authority}"
        self._thread = threading.Thread(target=self._accept, name="fault-server", daemon=True)
        self._thread.start()

    def gate(self, name: str) -> threading.Event:
        """The event that the step `wait_for(name)` waits for: the test sets it."""
        with self._lock:
            return self._gates.setdefault(name, threading.Event())

    def peer(self, number: int) -> Peer:
        """The record of connection `number`, counted from 0 in the order of accepting."""
        deadline = time.monotonic() + 5.0
        while len(self.peers) <= number and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.peers[number]

    @property
    def received(self) -> list[bytes]:
        """What each connection received."""
        return [bytes(peer.received) for peer in self.peers]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self.is_stopping:
                sock.close()
                return
            sock.settimeout(SECONDS_PER_WAIT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                peer = Peer(self, len(self.peers), sock)
            except OSError:  # reset before it was accepted
                sock.close()
                continue
            self.peers.append(peer)
            peer.thread = threading.Thread(target=self._play, args=(peer,), name="fault-peer", daemon=True)
            peer.thread.start()

    def _play(self, peer: Peer) -> None:
        try:
            self._play_script(peer)
        except PeerEnded as exc:
            if not self.is_stopping and peer.number < len(self._scripts):
                self._fail(peer, str(exc))
        except (ScriptFailure, OSError) as exc:
            if not self.is_stopping:
                self._fail(peer, f"{type(exc).__name__}: {exc}")
        finally:
            peer.sock.close()
            peer.done.set()
            peer.has_ended.set()

    def _play_script(self, peer: Peer) -> None:
        listed = peer.number < len(self._scripts)
        script = self._scripts[peer.number] if listed else self._then
        if script is None:
            raise ScriptFailure("a connection that no script expected")
        peer.script = script
        if self._tls is not None and not (script and getattr(script[0], "is_without_tls", False)):
            try:
                peer.sock = self._tls.wrap_socket(peer.sock, server_side=True, suppress_ragged_eofs=False)
            except (ssl.SSLError, ConnectionError) as exc:
                peer.ended = f"handshake: {exc}"
                raise PeerEnded(peer.ended) from exc
        for step in script:
            step(peer)
            peer.played += 1

    def _fail(self, peer: Peer, what: str) -> None:
        if not self._strict and not what.startswith("ScriptFailure"):
            return
        step = peer.script[peer.played] if peer.played < len(peer.script) else None
        name = getattr(step, "__name__", "the TLS handshake" if peer.played == 0 else "the end")
        self.failures.append(f"connection {peer.number}, step {peer.played} ({name}): {what}")

    def stop(self) -> None:
        """Let the scripts end, within a second; then end them. Closes every socket."""
        deadline = time.monotonic() + 1.0
        for peer in self.peers[: len(self._scripts)]:
            peer.done.wait(max(0.0, deadline - time.monotonic()))
        self.is_stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), timeout=1.0).close()
        self._listener.close()
        self._thread.join(5.0)
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        for event in self._gates.values():
            event.set()
        for peer in self.peers:
            if peer.thread is not None:
                peer.thread.join(5.0)

    def problems(self) -> list[str]:
        """Scripts that were not played to their end, and what the client did that they do not say."""
        problems = list(self.failures)
        if self._strict:
            problems += [
                f"connection {number} never came" for number in range(len(self.peers), len(self._scripts))
            ]
            problems += [
                f"connection {peer.number} stopped at step {peer.played} of {len(peer.script)}"
                for peer in self.peers[: len(self._scripts)]
                if peer.played < len(peer.script)
            ]
        return problems
