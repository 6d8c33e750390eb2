"""Every example of the reference document of streams is run for real, as it stands, against a loopback server."""

from __future__ import annotations

import doctest
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import httpstream

DOCUMENT = Path(__file__).with_name("streams.md").read_text()
EXAMPLES = dict(re.findall(r"### (.+?)\n```python\n(.*?)```", DOCUMENT, re.DOTALL))
# What the examples that show no output must give.
EXPECTED = {"MultiPartStream": 'name="avatar-upload"; filename="image.png"', "HTTPStream": "b'the page'"}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"the page")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server behind the document's host name; its files stand in the working directory."""
    (tmp_path / "upload.json").write_bytes(b'{"msg": "Hello, world!"}')
    (tmp_path / "image.png").write_bytes(b"the image")
    monkeypatch.chdir(tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_the_document_says(name: str, url: str) -> None:
    source = EXAMPLES[name].replace("https://www.example.com", url)
    globs: dict[str, Any] = {"httpx": httpstream}
    test = doctest.DocTestParser().get_doctest(source, globs, name, None, None)
    printed: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    if name in EXPECTED:
        for example in test.examples:
            example.options[doctest.ELLIPSIS] = True
        test.examples[-1].want = "..." + EXPECTED[name] + "...\n"
    runner.run(test, out=printed.append, clear_globs=False)
    assert printed == []
    assert runner.tries == len(test.examples) > 0


def test_the_document_has_an_example_of_each_stream_that_it_names() -> None:
    assert set(EXAMPLES) == {"Stream", "ByteStream", "FileStream", "MultiPartStream", "HTTPStream"}
