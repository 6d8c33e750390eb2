"""Every example of the reference document is run for real, as it stands, against a loopback server.

`import httpx` becomes `import httpstream as httpx`; the hosts of the document become the loopback server, which is
answered here per path. Names that an example leaves to the reader (`process_item`) record what they are given.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).with_name("streaming-api.md").read_text()
EXAMPLES = dict(re.findall(r"### (.+?)\n```python\n(.*?)```", DOCUMENT, re.DOTALL))

LARGE = random.Random(7).randbytes(300_000)
LINES = ["first", "", "grüße \u2028 in one line", "last without an end"]
OBJECTS = [{"n": 1}, {"n": 2, "text": "a\u2028b"}, {"n": 3}]
PACKED = gzip.compress(b"packed " * 1000, mtime=0)


class Handler(BaseHTTPRequestHandler):
    """The server behind the document's host names."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, dict(self.headers.items())))
        path, _, query = self.path.partition("?")
        status, content, fields = self.answer(path, query)
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self, path: str, query: str) -> tuple[int, bytes, dict[str, str]]:
        if path in ("/large-file.zip", "/file.zip", "/unknown-size-file"):
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if asked:
                start = int(asked[1])
                return 206, LARGE[start:], {"Content-Range": f"bytes {start}-{len(LARGE) - 1}/{len(LARGE)}"}
            return 200, LARGE, {"Content-Type": "application/zip"}
        if path == "/large-text-file.txt":
            return 200, "\r\n".join(LINES).encode(), {"Content-Type": "text/plain; charset=utf-8"}
        if path == "/data.jsonl":
            return 200, "\n\n".join(json.dumps(item) for item in OBJECTS).encode(), {}
        if path == "/compressed-data.gz":
            return 200, PACKED, {"Content-Encoding": "gzip"}
        if path == "/data":
            page = int(query.removeprefix("page="))
            items = [f"{page}.{number}" for number in range(2)] if page < 4 else []
            return 200, json.dumps({"items": items}).encode(), {}
        if path == "/events":
            return 200, b": hello\n\ndata: one\n\nid: 7\ndata: two\n\n", {"Content-Type": "text/event-stream"}
        if path == "/large-dataset":
            return 200, "\n".join(json.dumps(item) for item in OBJECTS).encode(), {}
        return 404, b"there is no such thing", {}

    def log_message(self, *args: Any) -> None:
        return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("RecordingHandler", (Handler,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Run:
    """One example that was run: what it printed, what it gave to the reader's functions, the server's record."""

    def __init__(self, server: ThreadingHTTPServer, output: str, given: list[Any]) -> None:
        self.output = output
        self.given = given
        self.asked = server.RequestHandlerClass.asked


@pytest.fixture
def run(server, capsys, tmp_path, monkeypatch):
    """Run an example by its heading, in an empty folder. replaced: texts of the example to be replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")

    def run_example(name: str, **replaced: str) -> Run:
        code = EXAMPLES[name].replace("import httpx\n", "import httpstream as httpx\n")
        code = re.sub(r"https://(api\.)?example\.com", f"http://127.0.0.1:{server.server_port}", code)
        for old, new in replaced.items():
            assert old in code
            code = code.replace(old, new)
        given: list[Any] = []
        names = dict.fromkeys(("process_line", "process_json_object", "process_item"), given.append)
        exec(compile(code, f"{name}.py", "exec"), {"__name__": "__main__", **names})
        return Run(server, capsys.readouterr().out, given)

    return run_example


def test_every_example_of_the_document_has_its_test():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    missing = {re.sub(r"[^a-z]+", "_", name.lower()).strip("_") for name in EXAMPLES} - tested
    assert not missing
    assert len(EXAMPLES) == 13


def test_basic_response_streaming(run):
    run("Basic Response Streaming")
    assert Path("large-file.zip").read_bytes() == LARGE


def test_streaming_with_client(run):
    ran = run("Streaming with Client")
    assert Path("large-file.zip").read_bytes() == LARGE
    assert ran.output == f"Content-Length: {len(LARGE)}\nDownloaded: {len(LARGE)} bytes\n"


def test_text_streaming(run):
    """Lines end at \\n, \\r\\n and \\r, and nowhere else."""
    assert run("Text Streaming").given == LINES


def test_json_streaming(run):
    assert run("JSON Streaming").given == OBJECTS


def test_async_response_streaming(run):
    run("Async Response Streaming")
    assert Path("large-file.zip").read_bytes() == LARGE


def test_streaming_with_progress(run):
    ran = run("Streaming with Progress")
    assert Path("file.zip").read_bytes() == LARGE
    lines = ran.output.splitlines()
    assert len(lines) == -(-len(LARGE) // 8192)
    assert lines[0] == f"Progress: {8192 / len(LARGE) * 100:.1f}% (8192/{len(LARGE)} bytes)"
    assert lines[-1] == f"Progress: 100.0% ({len(LARGE)}/{len(LARGE)} bytes)"


def test_raw_content_streaming(run):
    run("Raw Content Streaming")
    assert Path("compressed-data.gz").read_bytes() == PACKED


def test_conditional_streaming(run):
    ran = run("Conditional Streaming")
    assert Path("file.dat").read_bytes() == LARGE
    assert ran.output == "Small file, loading into memory...\n"


def test_conditional_streaming_of_a_large_file(run):
    ran = run("Conditional Streaming", **{"10_000_000": "100_000"})
    assert Path("file.dat").read_bytes() == LARGE
    assert ran.output == "Large file detected, streaming...\n"


def test_streaming_api_responses(run):
    ran = run("Streaming API Responses")
    assert ran.given == ["1.0", "1.1", "2.0", "2.1", "3.0", "3.1"]
    assert [path for path, _ in ran.asked] == [f"/data?page={number}" for number in range(1, 5)]


def test_server_sent_events_sse_simulation(run):
    ran = run("Server-Sent Events (SSE) Simulation")
    assert ran.output == "Event: one\nEvent: two\n"
    assert ran.asked[0][1]["Accept"] == "text/event-stream"


def test_error_handling_in_streaming(run):
    ran = run("Error Handling in Streaming")
    assert Path("file.zip").read_bytes() == LARGE
    assert ran.output == "Successfully downloaded file.zip\n"


def test_error_handling_in_streaming_shows_the_answer_of_the_server(run):
    """The content of the failed response can be read after its block has ended."""
    ran = run("Error Handling in Streaming", **{"/file.zip'": "/none.zip'"})
    assert ran.output == "HTTP error 404: there is no such thing\n"


def test_error_handling_in_streaming_names_a_refused_connection(run, server):
    ran = run("Error Handling in Streaming", **{f"127.0.0.1:{server.server_port}/": "127.0.0.1:1/"})
    assert ran.output.startswith("Request error: ")
    assert "127.0.0.1:1" in ran.output


def test_error_handling_in_streaming_leaves_file_errors_alone(run):
    ran = run("Error Handling in Streaming", **{"'file.zip')": "'no/such/folder/file.zip')"})
    assert ran.output.startswith("File error: ")


def test_memory_efficient_json_processing(run):
    assert run("Memory-Efficient JSON Processing").given == OBJECTS


def test_resumable_downloads(run):
    ran = run("Resumable Downloads")
    assert Path("large-file.zip").read_bytes() == LARGE
    assert ran.output == "Download completed: large-file.zip\n"
    assert "Range" not in ran.asked[0][1]


def test_resumable_downloads_resume(run):
    Path("large-file.zip").write_bytes(LARGE[:123_456])
    ran = run("Resumable Downloads")
    assert Path("large-file.zip").read_bytes() == LARGE
    assert ran.output == "Resuming download from byte 123456\nDownload completed: large-file.zip\n"
    assert ran.asked[0][1]["Range"] == "bytes=123456-"
