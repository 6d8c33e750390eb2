"""A real ASGI server: uvicorn with a small application, in a process of its own (`python -m
tests.servers.asgi`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class AsgiServer:
    """The address of the running server."""

    def __init__(self, url: str) -> None:
        self.url = url


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The application: the first segment of the path names what it does."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # uvicorn runs with lifespan off: nothing else can come
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    routes = {
        "echo": echo,
        "upload": upload,
        "stream": stream,
        "events": events,
        "status": status,
        "page": page,
    }
    name = scope["path"].strip("/").split("/")[0]
    if name in routes:
        await routes[name](scope, query, receive, send)
    else:
        await answer(send, 404, b"no such path")


async def answer(send: Send, status_code: int, content: bytes, *fields: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(content))
    await send({"type": "http.response.start", "status": status_code, "headers": [length, *fields]})
    await send({"type": "http.response.body", "body": content})


async def read_content(receive: Receive) -> list[bytes]:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return pieces


async def echo(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """Method, target, fields and content, as JSON."""
    content = b"".join(await read_content(receive))
    fields = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    report = {
        "method": scope["method"],
        "path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "fields": fields,
        "content": content.decode("latin-1"),
    }
    await answer(send, 200, json.dumps(report).encode(), (b"content-type", b"application/json"))


async def upload(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """Length and hash of the content."""
    content = b"".join(await read_content(receive))
    report = {"length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    await answer(send, 200, json.dumps(report).encode(), (b"content-type", b"application/json"))


async def stream(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """`count` pieces of `size` bytes, chunked, with `pause` seconds before each."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(int(query.get("count", "10"))):
        await asyncio.sleep(float(query.get("pause", "0")))
        piece = bytes([number % 256]) * int(query.get("size", "100"))
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def events(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """`count` server-sent events, `pause` seconds apart."""
    fields = [(b"content-type", b"text/event-stream; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    for number in range(int(query.get("count", "5"))):
        event = f"id: {number}\ndata: grüße {number}\n\n".encode()
        await send({"type": "http.response.body", "body": event, "more_body": True})
        await asyncio.sleep(float(query.get("pause", "0.01")))
    await send({"type": "http.response.body", "body": b""})


async def status(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """The status code that the path ends with."""
    code = int(scope["path"].rsplit("/", 1)[1])
    await answer(send, code, b"" if code in (204, 304) else f"status {code}".encode())


async def page(scope: dict[str, Any], query: dict[str, str], receive: Receive, send: Send) -> None:
    """Three pages of items, then an empty one."""
    number = int(query.get("page", "1"))
    items = [f"item {number}.{n}" for n in range(3)] if number <= 3 else []
    await answer(send, 200, json.dumps({"items": items}).encode(), (b"content-type", b"application/json"))


@contextlib.contextmanager
def start_asgi() -> Iterator[AsgiServer]:
    """Run the server for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.asgi"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield AsgiServer(process.stdout.readline().decode().strip())
    finally:
        process.terminate()
        process.wait(10.0)
        process.stdin.close()
        process.stdout.close()


def main() -> None:
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(application, lifespan="off", log_level="warning", http="h11", ws="none")
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
