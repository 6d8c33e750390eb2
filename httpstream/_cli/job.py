"""One job of the demo, run as a program of its own, so that its CPU time and its peak memory are its own.

It is started by the demo, never imported by it, and imports the standard library and the one client that it
measures, nothing else; asyncio and hashlib where a job needs them, so that no other's memory holds them. The
loops are those that a user of the client writes: httpstream and httpx run the very same lines.
It prints JSON objects, a line each: ``{"done": n}`` on the way, then ``{"result": {...}}`` or ``{"error":
"..."}``.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

# Run by its path, a program finds its own folder first; ours must find the package that this very file is of.
_HERE = Path(__file__).resolve().parent
_ROOT = str(_HERE.parents[1])
_PLACES = [place for place in sys.path if place != str(_HERE)]
sys.path[:] = _PLACES if _ROOT in _PLACES else [_ROOT, *_PLACES]

TIMEOUT = 60.0  # seconds without a byte, the same for every client
BARE_BUFFER = 256 * 1024  # bytes; of 64 KiB, 256 KiB and 1 MiB the fastest that writes to a file
FILE_STEP = 16 * 1024 * 1024  # bytes between two reports: 64 for 1 GiB, far too few to cost anything
LINE_STEP = 1 << 16  # lines between two reports; a power of two, tested with one `and`
EVENT_STEP = 25  # events between two reports


def report(done: int) -> None:
    """Tell the demo how far the job is: bytes, lines or events."""
    sys.stdout.write(f'{{"done": {done}}}\n')
    sys.stdout.flush()


class Clock:
    """Wall and CPU seconds (user and system) between `start` and `stop` of this process."""

    def start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self.cpu = time.process_time() - self._cpu
        self.seconds = time.perf_counter() - self._wall


class Download:
    """The content to a file that has its space already, so that streaming is measured."""

    target = "/file"

    def __init__(self, path: str) -> None:
        self._path = path
        self._done = 0

    def _open(self) -> BinaryIO:
        return open(self._path, "r+b", buffering=0)

    def take(self, chunks: Iterator[bytes]) -> None:
        done, next_report = 0, FILE_STEP
        with self._open() as file:
            for chunk in chunks:
                file.write(chunk)
                done += len(chunk)
                if done >= next_report:
                    report(done)
                    next_report += FILE_STEP
        self._done = done

    async def atake(self, chunks: AsyncIterator[bytes]) -> None:
        done, next_report = 0, FILE_STEP
        with self._open() as file:
            async for chunk in chunks:
                file.write(chunk)
                done += len(chunk)
                if done >= next_report:
                    report(done)
                    next_report += FILE_STEP
        self._done = done

    def result(self) -> dict[str, Any]:
        return {"size": self._done}


class Lines:
    """Each line as `str`, counted, with its characters. What is in the lines is looked at by `Check`."""

    target = "/lines"

    def __init__(self) -> None:
        self._count = self._characters = 0

    def take(self, lines: Iterator[str]) -> None:
        count = characters = 0
        for line in lines:
            count += 1
            characters += len(line)
            if not count & (LINE_STEP - 1):
                report(count)
        self._count, self._characters = count, characters

    async def atake(self, lines: AsyncIterator[str]) -> None:
        count = characters = 0
        async for line in lines:
            count += 1
            characters += len(line)
            if not count & (LINE_STEP - 1):
                report(count)
        self._count, self._characters = count, characters

    async def atake_encoded(self, lines: AsyncIterator[bytes]) -> None:
        """For aiohttp, whose lines are bytes with their ends."""
        count = characters = 0
        async for encoded in lines:
            line = encoded.decode().rstrip("\r\n")
            count += 1
            characters += len(line)
            if not count & (LINE_STEP - 1):
                report(count)
        self._count, self._characters = count, characters

    def result(self) -> dict[str, Any]:
        return {"count": self._count, "characters": self._characters}


class Check:
    """Each line parsed as JSON: count, sum of the values, order, and a hash of every character. Not timed."""

    target = "/lines"

    def __init__(self) -> None:
        self._count = self._sum = 0
        self._in_order = True
        import hashlib

        self._sha256 = hashlib.sha256()

    def _line(self, line: str) -> None:
        value = json.loads(line)
        self._in_order = self._in_order and value["n"] == self._count
        self._count += 1
        self._sum += value["value"]
        self._sha256.update(line.encode() + b"\n")
        if not self._count & (LINE_STEP - 1):
            report(self._count)

    def take(self, lines: Iterator[str]) -> None:
        for line in lines:
            self._line(line)

    async def atake(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            self._line(line)

    def result(self) -> dict[str, Any]:
        return {
            "count": self._count,
            "sum": self._sum,
            "in_order": self._in_order,
            "sha256": self._sha256.hexdigest(),
        }


class Events:
    """Server-sent events as they come: the ids, and how long after its sending each one was in the program's
    hands.

    The sender's stamp and ours are of one clock: `perf_counter_ns` is the system's, the same in every
    process.
    """

    target = "/events"

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._latencies: list[int] = []

    def _line(self, line: str) -> None:
        if line.startswith("data: "):
            self._latencies.append(time.perf_counter_ns() - int(line[6:]))
        elif line.startswith("id: "):
            self._ids.append(int(line[4:]))
            if not len(self._ids) % EVENT_STEP:
                report(len(self._ids))

    def take(self, lines: Iterator[str]) -> None:
        for line in lines:
            self._line(line)

    async def atake(self, lines: AsyncIterator[str]) -> None:
        async for line in lines:
            self._line(line)

    def result(self) -> dict[str, Any]:
        latencies = sorted(self._latencies)
        count = len(latencies)
        return {
            "count": count,
            "in_order": self._ids == list(range(count)),
            "p50": latencies[count // 2] / 1e9 if count else None,
            "p99": latencies[count * 99 // 100] / 1e9 if count else None,
        }


Work = Download | Lines | Check | Events


def run_sync(module: Any, work: Work, url: str, clock: Clock) -> None:
    """With the sync client of httpstream, or of httpx."""
    with module.Client(trust_env=False, timeout=TIMEOUT) as client:
        clock.start()
        with client.stream("GET", url) as response:
            response.raise_for_status()
            if isinstance(work, Download):
                work.take(response.iter_bytes(chunk_size=None))
            else:
                work.take(response.iter_lines())
        clock.stop()


async def run_async(module: Any, work: Work, url: str, clock: Clock) -> None:
    """With the async client of httpstream, or of httpx, on asyncio's own loop."""
    async with module.AsyncClient(trust_env=False, timeout=TIMEOUT) as client:
        clock.start()
        async with client.stream("GET", url) as response:
            response.raise_for_status()
            if isinstance(work, Download):
                await work.atake(response.aiter_bytes(chunk_size=None))
            else:
                await work.atake(response.aiter_lines())
        clock.stop()


async def run_aiohttp(module: Any, work: Work, url: str, clock: Clock) -> None:
    """With aiohttp, on asyncio's own loop."""
    timeout = module.ClientTimeout(total=None, sock_read=TIMEOUT)
    async with module.ClientSession(timeout=timeout, raise_for_status=True) as session:
        clock.start()
        async with session.get(url) as response:
            if isinstance(work, Download):
                await work.atake(response.content.iter_any())
            elif isinstance(work, Lines):
                await work.atake_encoded(response.content)
            else:
                await work.atake(_decoded(response.content))
        clock.stop()


async def _decoded(lines: AsyncIterator[bytes]) -> AsyncIterator[str]:
    async for line in lines:
        yield line.decode().rstrip("\r\n")


def run_bare(work: Work, url: str, clock: Clock) -> None:
    """With a socket and nothing else: what a loop of Python can reach. It believes what it receives."""
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    request = f"GET {work.target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
    clock.start()
    with socket.create_connection((host, int(port)), TIMEOUT) as connection:
        connection.settimeout(None)  # a timeout would cost a poll before each receive
        connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(4096)
        content = received.partition(b"\r\n\r\n")[2]
        if isinstance(work, Download):
            work.take(_bare_chunks(connection, content))
        else:
            work.take(_bare_lines(connection, content))
    clock.stop()


def _bare_chunks(connection: socket.socket, content: bytes) -> Iterator[Any]:
    """content: what came behind the head. Yields views of one reused buffer."""
    yield content
    buffer = memoryview(bytearray(BARE_BUFFER))
    while received := connection.recv_into(buffer):
        yield buffer[:received]


def _bare_lines(connection: socket.socket, content: bytes) -> Iterator[str]:
    """Lines, and between events the framing of the chunks, which looks like no event and is passed over."""
    buffer = memoryview(bytearray(BARE_BUFFER))
    while True:
        complete, found, content = content.rpartition(b"\n")
        if found:
            yield from complete.decode().split("\n")
        if not (received := connection.recv_into(buffer)):
            return
        content += buffer[:received]


def peak_memory() -> int | None:
    """The most memory (bytes, resident) that this process ever had; None where the system does not tell.

    Linux: the high-water mark of this program's own memory. `ru_maxrss` would include the parent's, which a
    child inherits between fork and exec.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run(settings: dict[str, Any]) -> dict[str, Any]:
    """settings: work, program, asynchronous, url (origin), path (of the file). Returns the result."""
    works: dict[str, Any] = {"lines": Lines, "check": Check, "events": Events}
    work: Work = Download(settings["path"]) if settings["work"] == "download" else works[settings["work"]]()
    program, url, clock = settings["program"], settings["url"] + work.target, Clock()
    module: Any = None if program == "socket" else importlib.import_module(program)
    if module is None:
        run_bare(work, url, clock)
    elif settings["asynchronous"]:
        import asyncio

        asyncio.run((run_aiohttp if program == "aiohttp" else run_async)(module, work, url, clock))
    else:
        run_sync(module, work, url, clock)
    version = getattr(module, "__version__", "")
    figures = {"seconds": clock.seconds, "cpu": clock.cpu, "peak": peak_memory(), "version": version}
    return figures | work.result()


def main() -> None:
    answer: dict[str, Any]
    try:
        answer = {"result": run(json.loads(sys.argv[1]))}
    except Exception as exc:  # whatever the client raised is an answer: the demo goes on with others
        answer = {"error": f"{type(exc).__name__}: {exc}"}
    try:
        print(json.dumps(answer), flush=True)
    except BrokenPipeError:  # the demo was ended meanwhile: nobody wants the answer
        os._exit(1)  # without the interpreter's own try to flush


if __name__ == "__main__":
    main()
