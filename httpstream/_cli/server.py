"""The demo's server: a program of its own that sends bytes, lines and events on loopback as fast as it can.

It is started by the demo, never imported by it, so that it shares no interpreter lock with anybody. All that
it sends is made before the first request; a request costs `send` calls and nothing else. Standard library
only.

Data goes over HTTP. What the data must hash to is announced on another way, so that no client under test can
touch it: one question per line on standard input (``digest file``, ``digest lines``), one JSON object per
line on standard output. The end of standard input, which also comes when the demo is killed, ends the server.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO

BLOCK = 1024 * 1024  # bytes; small enough for the processor's cache, so that reading it again costs little
MAX_HEAD = 16 * 1024  # bytes of a request head; the demo's clients send a few hundred
STAMP = 8  # bytes at the start of each block: its number, so that no two blocks are equal
LINES_AT_ONCE = 10_000  # lines that are written together while the file of lines is made


class Content:
    """What the server sends, made once; and the digests of it, made when they are asked for."""

    def __init__(self, size: int, lines: int, directory: str) -> None:
        """size: bytes of the file; lines: JSON lines to make; directory: for the (unnamed) file of lines."""
        self.size = size
        self.line_count = lines
        self._pattern = os.urandom(BLOCK - STAMP)
        with tempfile.TemporaryFile(dir=directory) as store:
            self._write_lines(store)
            # The mapping holds the file, which has no name from here on.
            self.lines = memoryview(mmap.mmap(store.fileno(), 0, access=mmap.ACCESS_READ))
        self._digests: dict[str, dict[str, object]] = {}

    def _write_lines(self, file: IO[bytes]) -> None:
        words = ("ant", "beetle", "cricket", "dragonfly", "earwig", "firefly", "grasshopper")
        for start in range(0, self.line_count, LINES_AT_ONCE):
            stop = min(start + LINES_AT_ONCE, self.line_count)
            file.write(
                "".join(
                    f'{{"n": {n}, "name": "{words[n % 7]}", "value": {n * 7919 % 10007}, "active": true, '
                    f'"tags": ["a", "b"], "note": "line {n} of a stream"}}\n'
                    for n in range(start, stop)
                ).encode()
            )
        file.flush()

    def blocks(self) -> Iterator[memoryview]:
        """The file of `size` bytes, block by block: one reused buffer whose stamp changes."""
        block = bytearray(STAMP) + self._pattern
        view = memoryview(block)
        left, number = self.size, 0
        while left:
            block[:STAMP] = number.to_bytes(STAMP, "big")
            length = min(left, BLOCK)
            yield view[:length]
            left, number = left - length, number + 1

    def digest(self, name: str) -> dict[str, object]:
        """name: "file" or "lines". Returns what the whole content must come to."""
        if name not in self._digests:
            if name == "file":
                sha256 = hashlib.sha256()
                for block in self.blocks():
                    sha256.update(block)
                self._digests[name] = {"size": self.size, "sha256": sha256.hexdigest()}
            else:
                self._digests[name] = {
                    "count": self.line_count,
                    "sum": sum(n * 7919 % 10007 for n in range(self.line_count)),
                    "characters": len(self.lines) - self.line_count,  # ASCII, without the line ends
                    "sha256": hashlib.sha256(self.lines).hexdigest(),
                }
        return self._digests[name]


class Server:
    """Answers GET /file, /lines and /events on one listening socket, a thread per connection."""

    def __init__(self, content: Content, events: int, interval: float) -> None:
        """events: how many /events sends; interval: seconds between two of them."""
        self._content = content
        self._events = events
        self._interval = interval
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while request := _read_request(connection):
                    target, is_last = request
                    self._answer(connection, target)
                    if is_last:
                        return
            except OSError:
                return  # the client has gone: that is its right

    def _answer(self, connection: socket.socket, target: str) -> None:
        if target == "/file":
            connection.sendall(_head("application/octet-stream", self._content.size))
            for block in self._content.blocks():
                connection.sendall(block)
        elif target == "/lines":
            connection.sendall(_head("application/jsonl", len(self._content.lines)))
            connection.sendall(self._content.lines)
        elif target == "/events":
            connection.sendall(_head("text/event-stream", None))
            self._send_events(connection)
        else:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _send_events(self, connection: socket.socket) -> None:
        """One event per interval, each a chunk, stamped with the system's monotonic clock as it leaves."""
        started = time.perf_counter()
        for number in range(self._events):
            wait = started + number * self._interval - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            event = b"id: %d\ndata: %d\n\n" % (number, time.perf_counter_ns())
            connection.sendall(b"%x\r\n%b\r\n" % (len(event), event))
        connection.sendall(b"0\r\n\r\n")


def _read_request(connection: socket.socket) -> tuple[str, bool] | None:
    """The next request's target, and whether it is the last one; None when the client has closed.

    The demo's requests are GETs without content.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        if not received or len(head) > MAX_HEAD:
            return None
        head += received
    return head.split(b" ", 2)[1].decode("ascii", "replace"), b"connection: close" in head.lower()


def _head(content_type: str, length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n".encode()


def main() -> None:
    """argv[1]: JSON object with size, lines, events, interval (seconds), directory."""
    settings = json.loads(sys.argv[1])
    content = Content(settings["size"], settings["lines"], settings["directory"])
    server = Server(content, settings["events"], settings["interval"])
    print(json.dumps({"port": server.port}), flush=True)
    for question in sys.stdin:
        print(json.dumps(content.digest(question.split()[1])), flush=True)


if __name__ == "__main__":
    main()
