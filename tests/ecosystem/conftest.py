"""Loopback servers for the libraries that are tried here, in an environment of their own: `make ecosystem`.

The server says by a table from path to answer what a library's real service would. No test lives here.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Request:
    """One request as it came."""

    def __init__(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = handler.headers
        self.content = content

    def json(self) -> Any:
        return json.loads(self.content)


class Answer:
    """A status, fields and content; other content than bytes and a dict is sent piece by piece, chunked."""

    def __init__(self, content: Any = b"", status: int = 200, **fields: str) -> None:
        self.status = status
        self.fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if isinstance(content, dict):
            content = json.dumps(content).encode()
            self.fields.setdefault("content-type", "application/json")
        self.content = content


class Service:
    """A server on loopback: `on[path]` answers, by an Answer or a function from the request to one."""

    def __init__(self) -> None:
        self.on: dict[str, Answer | Callable[[Request], Answer]] = {}
        self.received: list[Request] = []
        self.connections = 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                service.connections += 1

            def log_message(self, *args: Any) -> None:
                pass

            def answer(self) -> None:
                request = Request(self, self._content())
                service.received.append(request)
                answer = service.on.get(request.path, Answer({"error": "not found"}, 404))
                self._send(answer if isinstance(answer, Answer) else answer(request))

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def _content(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    pieces = []
                    while size := int(self.rfile.readline(), 16):
                        pieces.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(pieces)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.fields.items():
                    self.send_header(name, value)
                if isinstance(answer.content, bytes):
                    self.send_header("Content-Length", str(len(answer.content)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(answer.content)
                    return
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for piece in answer.content:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args: Any) -> None:
                """A client that has left is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def events(*data: Any) -> list[bytes]:
    """Server-sent events, one piece each; a pair has the event's type in front."""
    pieces = []
    for one in data:
        kind, value = one if isinstance(one, tuple) else ("", one)
        text = value if isinstance(value, str) else json.dumps(value)
        pieces.append(f"{f'event: {kind}' + chr(10) if kind else ''}data: {text}\n\n".encode())
    return pieces


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """An ASGI application on loopback, by uvicorn in a thread; gives its URL."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline and thread.is_alive(), "uvicorn did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(autouse=True)
def everything_is_httpstream() -> Iterator[None]:
    """No test may pass because the real httpx did the work."""
    import sys

    yield
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("httpx", "httpx2"):
            assert module.__name__.partition(".")[0] == "httpstream", name
