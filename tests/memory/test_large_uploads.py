"""A file of 3 GiB goes out in constant memory, with the length that the server counts; and what sendfile saves.

The file is sparse. Client and server run in processes of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MIB = 1024 * 1024
SIZE = 3 * 1024 * MIB

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc"),
]

SERVER = """
import socket, sys

address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX if address else socket.AF_INET)
listener.bind(address or ("127.0.0.1", 0))
listener.listen()
print(address or listener.getsockname()[1], flush=True)
buffer = bytearray(1 << 20)
while True:
    sock, _ = listener.accept()
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        head += sock.recv(65536)
    head, _, rest = head.partition(b"\\r\\n\\r\\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\\r\\n")[1:])
    length, came = int(lines[b"content-length"]), len(rest)
    while came < length and (count := sock.recv_into(buffer)):
        came += count
    sock.settimeout(0.05)
    try:
        came += len(sock.recv(1))
    except TimeoutError:
        pass
    sock.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\n%d %d" % (length, came))
    sock.close()
"""

CLIENT = """
import asyncio, json, sys, time
import httpstream
from httpstream._network.sockets import SocketStream

address, path, how, world, sendfile = sys.argv[1:]
SocketStream.can_send_files = SocketStream.can_send_files and sendfile == "True"
options = {"transport": {"uds": address} if "/" in address else {}, "timeout": 60}
url = "http://localhost/" if "/" in address else f"http://127.0.0.1:{address}/"


def content():
    if how == "files":
        return {"files": {"f": open(path, "rb")}}
    if how == "content":
        return {"content": httpstream.FileStream(path, content_type="own/type")}  # a guess would load a table
    if how == "loop":
        file = open(path, "rb", buffering=0)
        size = file.seek(0, 2)
        file.seek(0)
        return {"content": httpstream.IterStream(iter(lambda: file.read(65536), b""), size=size)}
    return {"content": b"warm"}


def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


async def aexchange():
    transport = httpstream.AsyncHTTPTransport(**options["transport"])
    async with httpstream.AsyncClient(transport=transport, timeout=60) as client:
        return (await client.post(url, **content())).text


def exchange():
    if world == "async":
        return asyncio.run(aexchange())
    transport = httpstream.HTTPTransport(**options["transport"])
    with httpstream.Client(transport=transport, timeout=60) as client:
        return client.post(url, **content()).text


how, real = "warm", how
exchange()
how = real
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")  # the peak counts from here
before, started = peak(), time.process_time()
length, came = map(int, exchange().split())
print(json.dumps([length, came, peak() - before, time.process_time() - started]))
"""


@pytest.fixture
def upload(tmp_path: Path) -> Iterator[Any]:
    """Sends a file and gives: the length announced, the bytes counted, the growth of memory, seconds of CPU."""
    servers: list[subprocess.Popen[str]] = []

    def run(size: int, how: str, world: str, *, unix: bool = False, sendfile: bool = True) -> Any:
        path = tmp_path / "sparse"
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(size)
        if not servers:
            command = [sys.executable, "-c", SERVER, str(tmp_path / "socket") if unix else ""]
            servers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert servers[0].stdout is not None
            run.address = servers[0].stdout.readline().strip()  # type: ignore[attr-defined]  # kept for the next run
        address: str = run.address  # type: ignore[attr-defined]  # as above
        command = [sys.executable, "-W", "ignore::ResourceWarning", "-c", CLIENT]
        done = subprocess.run(
            [*command, address, str(path), how, world, str(sendfile)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    yield run
    for server in servers:
        server.kill()
        server.communicate()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("how", ["content", "files"])
def test_a_file_of_3_gib_is_sent_whole_in_constant_memory(upload: Any, how: str, kind: str) -> None:
    length, came, growth, _ = upload(SIZE, how, kind)
    assert length == came
    assert length == SIZE if how == "content" else SIZE < length < SIZE + 1000
    assert growth < 10 * MIB


@pytest.mark.parametrize("how", ["content", "files"])
def test_a_file_that_must_be_read_takes_constant_memory_too(upload: Any, how: str) -> None:
    length, came, growth, _ = upload(256 * MIB, how, "async", sendfile=False)
    assert length == came
    assert growth < 10 * MIB


def test_sendfile_costs_at_most_seven_tenths_of_a_loop_that_reads_and_sends(upload: Any) -> None:
    """Over a Unix socket: the kernel's TCP, which both ways pay, hides what the copies cost."""

    def cost(how: str) -> float:
        return min(float(upload(1024 * MIB, how, "sync", unix=True)[3]) for _ in range(3))

    cost("loop")  # the pages of the file are in memory from now on
    assert cost("content") <= 0.7 * cost("loop")
