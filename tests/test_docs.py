"""The Python examples of `docs/` are run for real, each page from its top, against servers on loopback.

In an example `https://example.org` is a plain server and `https://internal.example` one that speaks TLS; the files
that it names are in its working directory. What it prints must be what stands beside it: in a comment behind each
`print`, or in an ``output`` block below. That links lead somewhere is checked by `tools/docs.py`.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import http.server
import inspect
import io
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import httpstream
from tests.servers.tls import Authority
from tests.test_examples import Handler as ExampleHandler
from tools.docs import FENCED, ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
OUTPUT = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


class Handler(ExampleHandler):
    """What the pages ask for, beyond what the programs of `examples/` do."""

    def do_GET(self) -> None:
        if self.path == "/trailers":
            self._head("text/plain", ("Transfer-Encoding", "chunked"), ("Trailer", "X-Checksum"))
            self._chunk(b"content")
            self.wfile.write(b"0\r\nX-Checksum: 7\r\n\r\n")
        elif self.path == "/hints":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
            self._answer(b"the page")
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/hello")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/sets-a-cookie":
            self._answer(b"", ("Set-Cookie", "session=1"))
        elif self.path == "/whoami":
            self._answer(self.headers.get("Authorization", "nobody").encode())
        elif self.path == "/digest":
            if self.headers.get("Authorization", "").startswith("Digest "):
                self._answer(b"come in")
            else:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
                self.send_header("Content-Length", "0")
                self.end_headers()
        elif self.path == "/upgrade":
            self.send_response(101)
            self.send_header("Connection", "upgrade")
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.end_headers()
            self.wfile.write(self.rfile.read(4))
            self.close_connection = True
        else:
            super().do_GET()


class Server(http.server.ThreadingHTTPServer):
    """A server that lets the request for `/stalls` wait until it is stopped."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stalled = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What the client did to its connection is shown by the example, not here."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def running(server: Server) -> Iterator[str]:
    """The authority of a server that runs while the block does."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"localhost:{server.server_address[1]}"
    finally:
        server.stalled.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def addresses(authority: Authority) -> Iterator[dict[str, str]]:
    """What stands for each address of the pages."""
    with Server() as plain, Server() as protected:
        context = authority.server_context("localhost")
        protected.socket = context.wrap_socket(
            protected.socket, server_side=True, do_handshake_on_connect=False
        )
        with running(plain) as public, running(protected) as internal:
            yield {
                "https://example.org": f"http://{public}",
                "https://internal.example": f"https://{internal}",
            }


@pytest.fixture
def files(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the examples."""
    chain, key = authority.certificate_files("client.example")
    (tmp_path / "ca.pem").write_bytes(authority.ca_file.read_bytes())
    (tmp_path / "client.pem").write_bytes(chain.read_bytes())
    (tmp_path / "client.key").write_bytes(key.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def examples(page: Path) -> Iterator[tuple[int, str, str]]:
    """The Python examples of a page: line, source, and the output that is promised."""
    text = page.read_text()
    for match in FENCED.finditer(text):
        if match[2] != "python":
            continue
        promised = "".join(f"{line}\n" for line in OUTPUT.findall(match[3]))
        following = FENCED.match(text, match.end() + 1)
        if following is not None and following[2] == "output":
            promised += following[3]
        yield text.count("\n", 0, match.start(3)) + 1, match[3], promised


def run(page: Path, line: int, source: str, namespace: dict[str, Any]) -> str:
    """Run an example as if it stood in its page, on an event loop when it awaits. Returns what it prints."""
    tree = ast.increment_lineno(ast.parse(source, str(page)), line - 1)
    code = compile(tree, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(eval(code, namespace))
        else:
            exec(code, namespace)
    return printed.getvalue()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_print_what_it_says(
    page: Path, addresses: dict[str, str], files: Path
) -> None:
    namespace: dict[str, Any] = {"httpstream": httpstream}
    for line, source, promised in examples(page):
        for documented, real in addresses.items():
            source = source.replace(documented, real)
        assert run(page, line, source, namespace) == promised, f"{page.name}, line {line}"


def test_every_limit_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "errors-and-timeouts.md").read_text()
    documented = dict(re.findall(r"^\| `(max_\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    limits, units = httpstream.MessageLimits(), {"KiB": 1024, "MiB": 1024 * 1024}
    for name in httpstream.MessageLimits.__slots__:
        number, _, unit = documented[name].partition(" ")
        told = None if number == "`None`" else int(number) * units.get(unit, 1)
        assert getattr(limits, name) == told, name


def test_every_exception_is_in_the_tree_of_the_page() -> None:
    page = (ROOT / "docs" / "errors-and-timeouts.md").read_text()
    tree = next(match[3] for match in FENCED.finditer(page))
    names = {
        name
        for name in httpstream.__all__
        if inspect.isclass(value := getattr(httpstream, name)) and issubclass(value, Exception)
    }
    assert names - {*re.findall(r"\w+", tree)} == set()


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    assert [page.name for page in PAGES if page.stem != "index" and f"({page.name})" not in index] == []
