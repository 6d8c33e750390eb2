"""A smoke test of an installed httpstream, on the standard library alone: `python tests/smoke.py`.

Wheels are tried with it on every interpreter and platform, so it needs no pytest, no checkout and no network.
The server is a child process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpstream

BLOCK = bytes(range(256)) * 256
BLOCKS = 256  # 16 MiB in all
LINES = [{"line": number, "text": "caf\u00e9 \u2028 " * (number % 7)} for number in range(1000)]


class Handler(BaseHTTPRequestHandler):
    """`/blocks`: 16 MiB of known length; `/lines`: JSON lines in chunks; POST: what was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/blocks", "/lines") else 404)
        if self.path == "/blocks":
            self.send_header("Content-Length", str(len(BLOCK) * BLOCKS))
            self.end_headers()
            for _ in range(BLOCKS):
                self.wfile.write(BLOCK)
        elif self.path == "/lines":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for value in LINES:
                line = json.dumps(value, ensure_ascii=False).encode() + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


def serve() -> None:
    """Serve on a free port of loopback, which is the first line of output, until the parent ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


def check(what: str, got: object, expected: object) -> None:
    if got != expected:
        raise SystemExit(f"smoke test: {what}: got {got!r}, expected {expected!r}")


BLOCKS_SHA256 = hashlib.sha256(BLOCK * BLOCKS).hexdigest()


def check_sync(base_url: str) -> None:
    with httpstream.Client(base_url=base_url) as client:
        response = client.post("/", json={"a": [1, 2]})
        check("status code of a POST", response.status_code, 200)
        check("json()", response.json(), {"a": [1, 2]})
        check("status code of an unknown path", client.get("/none").status_code, 404)
        digest = hashlib.sha256()
        with client.stream("GET", "/blocks") as stream:
            for piece in stream.iter_bytes(chunk_size=65536):
                digest.update(piece)
        check("16 MiB in pieces of 64 KiB", digest.hexdigest(), BLOCKS_SHA256)
        with client.stream("GET", "/lines") as stream:
            check("lines", [json.loads(line) for line in stream.iter_lines()], LINES)
        try:
            client.get("/none").raise_for_status()
        except httpstream.HTTPStatusError as exc:
            check("response of the error", exc.response.status_code, 404)
        else:
            raise SystemExit("smoke test: a 404 did not raise")
    check("httpstream.get", len(httpstream.get(base_url + "/blocks").content), len(BLOCK) * BLOCKS)


async def check_async(base_url: str) -> None:
    async with httpstream.AsyncClient(base_url=base_url) as client:
        response = await client.post("/", json={"a": [1, 2]})
        check("json() of an async POST", response.json(), {"a": [1, 2]})
        digest = hashlib.sha256()
        async with client.stream("GET", "/blocks") as stream:
            async for piece in stream.aiter_bytes():
                digest.update(piece)
        check("16 MiB as it arrives", digest.hexdigest(), BLOCKS_SHA256)
        async with client.stream("GET", "/lines") as stream:
            check("async lines", [json.loads(line) async for line in stream.aiter_lines()], LINES)


def main() -> None:
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            base_url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            check_sync(base_url)
            asyncio.run(check_async(base_url))
        finally:
            server.kill()
    version = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"httpstream {httpstream.__version__} works on {version}, {platform.platform()}")


if __name__ == "__main__":
    serve() if "serve" in sys.argv[1:] else main()
