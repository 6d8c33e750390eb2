"""The server of the differential scenarios: answers by path, and records each request as it came on the wire.

Plain sockets and a thread per connection; it knows just enough HTTP/1.1 to find where a request ends. Never here: what
a client should do.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

SECONDS_PER_WAIT = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"

Answer = bytes | list[bytes] | Callable[["Received"], "bytes | list[bytes]"]


class Received:
    """One request as it came: method, target, head and content in bytes, and the field lines."""

    def __init__(self, head: bytes, content: bytes) -> None:
        self.head = head
        self.content = content
        line, *fields = head.split(b"\r\n")
        self.method, self.target = line.split(b" ")[:2]
        self.fields = [tuple(field.split(b": ", 1)) for field in fields if field]

    def field(self, name: bytes) -> bytes | None:
        """The last value of a field, by its name in lower case; None: it did not come."""
        return {one[0].lower(): one[1] for one in self.fields if len(one) == 2}.get(name)


class Site:
    """A loopback server. `on(path, answer)` says what a path gives; `wire` is what has come."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self.origin = self.url
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Forget the answers and what has come; end the connections that are left."""
        with self._lock:
            self._answers: dict[str, Answer] = {}
            self.received: list[Received] = []
            self.connections = 0
            left = list(self._open)
            self._open.clear()
        for sock in left:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def on(self, path: str, answer: Answer) -> str:
        """Answer requests for this path (without its query) so; returns its URL. answer: the bytes of the wire, a
        list of pieces, or a function from the request to either. Other paths answer 200 and "ok".
        """
        self._answers[path] = answer
        return self.url + path

    @property
    def wire(self) -> list[bytes]:
        """Every request that has come, head and content, in the order of its coming."""
        return [without_defaults(one.head) + one.content for one in self.received]

    def close(self) -> None:
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _forget(self, sock: socket.socket) -> None:
        with self._lock:
            self._open.discard(sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), contextlib.ExitStack() as stack:
            sock.settimeout(SECONDS_PER_WAIT)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stack.callback(sock.close)
            if self._context is not None:
                sock = stack.enter_context(self._context.wrap_socket(sock, server_side=True))
            with self._lock:
                self._open.add(sock)
                self.connections += 1
            stack.callback(self._forget, sock)
            incoming = stack.enter_context(sock.makefile("rb"))
            while True:
                request = read_request(incoming)
                with self._lock:
                    self.received.append(request)
                    answer: Any = self._answers.get(request.target.decode("latin-1").partition("?")[0], OK)
                if callable(answer):
                    answer = answer(request)
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    sock.sendall(piece)
                if re.search(
                    rb"(?i)\r\nconnection: close\r\n",
                    answer if isinstance(answer, bytes) else b"".join(answer),
                ):
                    return


def read_request(incoming: Any) -> Received:
    """One request. EOFError when none comes."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = incoming.readline()
        if not line:
            raise EOFError
        head += line
    if head.count(b" ") < 2:
        raise EOFError  # what a client left behind a request that it framed wrongly
    lowered = head.lower()
    length = re.search(rb"\r\ncontent-length: *(\d+)\r\n", lowered)
    content = b""
    if length is not None:
        content = incoming.read(int(length[1]))
    elif b"\r\ntransfer-encoding: chunked\r\n" in lowered:
        while True:
            line = incoming.readline()
            if not line:  # a body that was not ended
                raise EOFError
            size = int(line, 16)
            content += line + incoming.read(size + 2)
            if size == 0:
                break
    return Received(head, content)


def without_defaults(head: bytes) -> bytes:
    """A head without the value of a default field that depends on which decoders are installed."""
    return re.sub(rb"(?i)(\r\naccept-encoding: )gzip, deflate[^\r]*", rb"\1<codings>", head)


def answer(status: str, *fields: str, content: bytes = b"") -> bytes:
    """A response as bytes, with the length of its content: `answer("302 Found", "Location: /b")`."""
    lines = [f"HTTP/1.1 {status}", *fields]
    if not any(field.lower().startswith(("content-length:", "transfer-encoding:")) for field in fields):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
