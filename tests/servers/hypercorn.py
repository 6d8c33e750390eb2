"""A real HTTP/2 server in Python: hypercorn with the application of `asgi` and more, in a process of its own.

`python -m tests.servers.hypercorn CHAIN KEY`. It is told to stop by the end of its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.servers.asgi import AsgiServer, Receive, Send
from tests.servers.asgi import application as asgi_application
from tests.servers.tls import Authority


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """`/twoway` sends each piece of the content back as it comes; else see `asgi`."""
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/twoway":
        await twoway(receive, send)
    else:
        await asgi_application(scope, receive, send)


async def twoway(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        piece = message.get("body", b"")
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        if not message.get("more_body"):
            break
    await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def start_hypercorn(authority: Authority) -> Iterator[AsgiServer]:
    """Run the server for the length of the block."""
    chain, key = authority.certificate_files("127.0.0.1", "localhost")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.hypercorn", str(chain), str(key)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield AsgiServer(process.stdout.readline().decode().strip())
    finally:
        process.stdin.close()
        process.wait(10.0)
        process.stdout.close()


async def main(chain: str, key: str) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile, config.keyfile = chain, key
    config.alpn_protocols = ["h2", "http/1.1"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.1
    print(f"https://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    async def ended() -> None:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    await serve(application, config, shutdown_trigger=ended)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
