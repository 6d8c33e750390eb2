"""The steps of a fault server's script. Each is a function that makes a function of the peer.

`expect_*` reads and compares; `send*` writes; `fin`, `cut` and `reset` end; `wait_*` waits for an event.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from collections.abc import Callable

from tests.servers.fault import SECONDS_PER_WAIT, Peer, PeerEnded, ScriptFailure, Step


def named(name: str) -> Callable[[Step], Step]:
    """Give a step the name under which a failure shows it."""

    def rename(step: Step) -> Step:
        step.__name__ = name
        return step

    return rename


def expect_request(start: str, *lines: str, without: tuple[str, ...] = ()) -> Step:
    """Read one request head. It must start with `start` and hold each of the `lines` (field names in any
    case).
    """

    @named(f"expect_request({start!r})")
    def step(peer: Peer) -> None:
        head = peer.take_until(b"\r\n\r\n").decode("latin-1")
        if not head.startswith(start):
            raise ScriptFailure(f"expected a request starting with {start!r}, got {head!r}")
        held = [line.lower() for line in head.split("\r\n")]
        for line in lines:
            if line.lower() not in held:
                raise ScriptFailure(f"expected the line {line!r} in {head!r}")
        for word in without:
            if any(line.startswith(word.lower() + ":") for line in held):
                raise ScriptFailure(f"unexpected field {word!r} in {head!r}")

    return step


def expect_content(content: bytes) -> Step:
    """Read exactly this content (of a request with Content-Length)."""

    @named("expect_content")
    def step(peer: Peer) -> None:
        taken = peer.take(len(content))
        if taken != content:
            raise ScriptFailure(f"expected the content {content[:80]!r}, got {taken[:80]!r}")

    return step


def take_content(size: int) -> Step:
    """Read that many bytes of content, whatever they are."""

    @named(f"take_content({size})")
    def step(peer: Peer) -> None:
        peer.take(size)

    return step


def read_chunked(peer: Peer) -> bytes:
    """Read a chunked content strictly: sizes in hex digits alone, no trailers."""
    content = bytearray()
    while True:
        line = peer.take_until(b"\r\n")
        if not re.fullmatch(rb"[0-9a-fA-F]+\r\n", line):
            raise ScriptFailure(f"not a chunk size: {line!r}")
        size = int(line, 16)
        chunk = peer.take(size)
        if (end := peer.take(2)) != b"\r\n":
            raise ScriptFailure(f"no CRLF after a chunk of {size} bytes, but {end!r}")
        if size == 0:
            return bytes(content)
        content += chunk


def expect_chunked(content: bytes) -> Step:
    """Read a chunked content; without its framing it must be this."""

    @named("expect_chunked")
    def step(peer: Peer) -> None:
        taken = read_chunked(peer)
        if taken != content:
            raise ScriptFailure(f"expected the content {content[:80]!r}, got {taken[:80]!r}")

    return step


def expect_end(*ways: str) -> Step:
    """The client ends the connection and sends nothing before that. ways: see Peer.ended; none given: any
    way.
    """

    @named("expect_end")
    def step(peer: Peer) -> None:
        try:
            while True:
                if peer.pending:
                    raise ScriptFailure(f"expected the end of the connection, got {peer.pending[:200]!r}")
                peer.fill()
        except PeerEnded:
            if ways and peer.ended not in ways:
                raise ScriptFailure(f"the client ended the connection by {peer.ended!r}, not {ways}")

    return step


def ignore_until_end() -> Step:
    """Read and record whatever comes, until the client ends the connection."""

    @named("ignore_until_end")
    def step(peer: Peer) -> None:
        with contextlib.suppress(PeerEnded):
            while True:
                peer.fill()

    return step


def expect_silence(seconds: float) -> Step:
    """Nothing comes within this time."""

    @named(f"expect_silence({seconds})")
    def step(peer: Peer) -> None:
        if not peer.pending:
            peer.sock.settimeout(seconds)
            try:
                peer.fill()
            except ScriptFailure:
                return
            finally:
                peer.sock.settimeout(SECONDS_PER_WAIT)
        raise ScriptFailure(f"expected silence, got {peer.pending[:200]!r}")

    return step


def send(data: bytes) -> Step:
    """Send all of this."""

    @named(f"send({data[:40]!r})")
    def step(peer: Peer) -> None:
        peer.send(data)

    return step


def send_in_pieces(*pieces: bytes) -> Step:
    """Send each piece after the client's program has read the one before."""

    @named("send_in_pieces")
    def step(peer: Peer) -> None:
        for piece in pieces:
            peer.send(piece)
            peer.wait_until_read()

    return step


def send_until_stopped(piece: bytes, at_most: int) -> Step:
    """Send the piece again and again until the client is gone; ScriptFailure when it takes more than
    `at_most` bytes.
    """

    @named("send_until_stopped")
    def step(peer: Peer) -> None:
        sent = 0
        with contextlib.suppress(PeerEnded):
            while sent < at_most:
                peer.send(piece)
                sent += len(piece)
            raise ScriptFailure(f"the client took {sent} bytes")

    return step


def send_if_open(data: bytes) -> Step:
    """Send; a client that is gone is no failure."""

    @named("send_if_open")
    def step(peer: Peer) -> None:
        with contextlib.suppress(PeerEnded):
            peer.send(data)

    return step


def wait_read() -> Step:
    """Wait until the client's program has read everything that was sent."""

    @named("wait_read")
    def step(peer: Peer) -> None:
        peer.wait_until_read()

    return step


def wait_for(name: str) -> Step:
    """Wait until the test sets `server.gate(name)`."""

    @named(f"wait_for({name!r})")
    def step(peer: Peer) -> None:
        if not peer.server.gate(name).wait(SECONDS_PER_WAIT):
            raise ScriptFailure(f"the test never set the gate {name!r}")

    return step


def announce(name: str) -> Step:
    """Set `server.gate(name)`, for the test to see."""

    @named(f"announce({name!r})")
    def step(peer: Peer) -> None:
        peer.server.gate(name).set()

    return step


def sleep(seconds: float) -> Step:
    """Time passes: for scenarios about time alone."""

    @named(f"sleep({seconds})")
    def step(peer: Peer) -> None:
        time.sleep(seconds)

    return step


def fin() -> Step:
    """End the sending side in order: close_notify (TLS), then FIN."""

    @named("fin")
    def step(peer: Peer) -> None:
        if isinstance(peer.sock, ssl.SSLSocket):
            peer.sock.settimeout(0)  # our close_notify goes out; the client's is not waited for
            with contextlib.suppress(ssl.SSLError, OSError):
                peer.sock.unwrap()
            peer.sock.settimeout(SECONDS_PER_WAIT)
        peer.shutdown_sending()

    return step


def cut() -> Step:
    """FIN alone: over TLS there is no close_notify before it."""

    @named("cut")
    def step(peer: Peer) -> None:
        peer.shutdown_sending()

    return step


def reset() -> Step:
    """RST at once."""

    @named("reset")
    def step(peer: Peer) -> None:
        peer.reset()

    return step


def read_then_reset() -> Step:
    """RST after the client's program has read everything that was sent."""

    @named("read_then_reset")
    def step(peer: Peer) -> None:
        peer.wait_until_read()
        peer.reset()

    return step


def start_tls(context: ssl.SSLContext) -> Step:
    """TLS begins here, as in a tunnel; what comes is recorded decrypted. A client that refuses it ends the script."""

    @named("start_tls")
    def step(peer: Peer) -> None:
        try:
            peer.sock = context.wrap_socket(peer.sock, server_side=True, suppress_ragged_eofs=False)
        except (ssl.SSLError, ConnectionError) as exc:
            peer.ended = f"handshake: {exc}"
            raise PeerEnded(peer.ended) from exc

    return step


def without_tls() -> Step:
    """First in a script: this connection has no TLS handshake."""

    @named("without_tls")
    def step(peer: Peer) -> None:
        return

    step.is_without_tls = True  # type: ignore[attr-defined]  # the server looks for it before the handshake
    return step


def serve(at_most: int | None = None) -> Step:
    """Answer every request with its own method and target, until the client ends (or `at_most` were
    answered).
    """

    @named("serve")
    def step(peer: Peer) -> None:
        answered = 0
        while at_most is None or answered < at_most:
            try:
                head = peer.take_until(b"\r\n\r\n").decode("latin-1")
            except PeerEnded:
                if peer.pending:
                    raise
                return
            fields = dict(re.findall(r"\r\n([^:\r\n]+): *([^\r\n]*)", head.lower()))
            if fields.get("transfer-encoding") == "chunked":
                read_chunked(peer)
            else:
                peer.take(int(fields.get("content-length", "0")))
            method, target = head.split(" ")[:2]
            peer.send(own_answer(method, target))
            answered += 1

    return step


def own_answer(method: str, target: str) -> bytes:
    """The complete response of `serve` to this request."""
    content = f"{method} {target}".encode("latin-1")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(content)
    return head if method == "HEAD" else head + content
