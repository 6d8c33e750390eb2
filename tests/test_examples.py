"""Every program of `examples/` is run for real, as a user runs it, against a server on loopback."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
FILE = bytes(range(256)) * 4096
LINES = b'{"value": 1, "text": "a\xe2\x80\xa8b"}\r\n\n{"value": 20}\n{"value": 300}'
TEXT = b"the same words again and again, " * 1000


class Handler(BaseHTTPRequestHandler):
    """What the examples ask for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/echo":
            self._echo(b"")
        elif path == "/events":
            self._head("text/event-stream", ("Transfer-Encoding", "chunked"))
            for event in (b"data: one\n\n", b"data: two\ndata: lines\n\n", b": silence\n\ndata:three\n\n"):
                self._chunk(event)
                time.sleep(0.01)
            self._chunk(b"")
        elif path == "/stalls":
            self._head("text/plain", ("Content-Length", "10"))
            self.server.stalled.wait(20)  # type: ignore[attr-defined]  # see the fixture
            self.close_connection = True
        elif path == "/cut-short":
            self._head("text/plain", ("Content-Length", "10"))
            self.wfile.write(b"four")
            self.close_connection = True
        elif path == "/coded":
            self._answer(gzip.compress(TEXT), ("Content-Encoding", "gzip"))
        elif path in (contents := {"/file": FILE, "/lines": LINES, "/hello": b"hello"}):
            self._answer(contents[path])
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        content = self._content()
        if self.path == "/echo":
            self._echo(content)
        else:
            framing = "chunked" if "Transfer-Encoding" in self.headers else "length"
            self._answer(f"{len(content)} bytes by {framing}".encode())

    do_PUT = do_POST

    def _content(self) -> bytes:
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _echo(self, content: bytes) -> None:
        report = {
            "method": self.command,
            "target": self.path,
            "client_port": self.client_address[1],
            "content": content.decode(),
        }
        self._answer(json.dumps(report).encode())

    def _head(self, content_type: str, *fields: tuple[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))

    def _answer(self, content: bytes, *fields: tuple[str, str]) -> None:
        self._head("application/octet-stream", ("Content-Length", str(len(content))), *fields)
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.stalled = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.stalled.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


def run(name: str, *arguments: str) -> list[str]:
    """The lines that the example prints. Warnings are errors here too."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(
        command, cwd=EXAMPLES.parent, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_download_writes_the_file_and_shows_progress(url: str, tmp_path: Path) -> None:
    printed = run("download", url + "/file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == FILE
    assert printed[-2:] == ["100 %", f"{len(FILE)} bytes"]


def test_json_lines_are_split_at_line_ends_and_nowhere_else(url: str) -> None:
    assert run("json_lines", url + "/lines") == ["3 records, sum 321"]


def test_json_lines_names_the_line_that_is_none(url: str) -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "json_lines.py"), url + "/hello"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (1, "line 1 is not JSON: Expecting value\n")


def test_live_events_are_joined_from_their_data_lines(url: str) -> None:
    assert run("live_events", url + "/events") == ["event: one", "event: two", "lines", "event: three"]


def test_async_downloads_reports_each_in_the_order_asked(url: str) -> None:
    paths = ["/file", "/hello", "/lines", "/file", "/hello", "/file"]
    sizes = {"/file": len(FILE), "/hello": 5, "/lines": len(LINES)}
    printed = run("async_downloads", *(url + path for path in paths))
    assert printed == [f"{sizes[path]} bytes from {url}{path}" for path in paths]


def test_upload_sends_chunked_and_with_a_length(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILE)
    printed = run("upload", url + "/upload", str(tmp_path / "file"))
    assert printed == [
        f"chunked: 200 {len(FILE)} bytes by chunked",
        f"with a length: 200 {len(FILE)} bytes by length",
    ]


def test_one_client_keeps_its_connection(url: str) -> None:
    *asked, posted = run("one_client", url)
    assert [line.partition(" from ")[0] for line in asked] == [f"GET /echo?number={n}" for n in range(3)]
    assert len({line.partition(" from ")[2] for line in asked}) == 1
    assert posted == 'the server received {"name":"httpstream"}'


def test_when_it_fails_names_each_failure(url: str) -> None:
    assert run("when_it_fails", url) == [
        "/hello      complete: 5 bytes",
        "/missing    the server refused: 404",
        "/stalls     too slow: ReadTimeout",
        "/cut-short  broken: RemoteProtocolError",
        "(nobody)    broken: ConnectError",
    ]


def test_raw_and_decoded_differ_by_the_content_coding(url: str) -> None:
    sent = len(gzip.compress(TEXT))
    assert run("raw_and_decoded", url + "/coded") == [
        f"content coding gzip: {sent} bytes as sent, {len(TEXT)} decoded ({sent} received for them)"
    ]


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text()
    missing = [path.stem for path in EXAMPLES.glob("*.py") if f'run("{path.stem}"' not in source]
    assert missing == []
