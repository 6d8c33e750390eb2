"""One measured piece of work, as the program that does it sees it.

A Job says what to fetch and counts what was delivered. Programs call `timing()` around the work and hand every item
to one of the counting methods; they never look at a clock themselves. Nothing here knows a client library.
"""

from __future__ import annotations

import builtins
import json
import resource
import threading
import time
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


def peak_kib() -> int:
    """The process's peak resident memory, KiB.

    VmHWM, since Linux's ru_maxrss starts with the parent's peak after a fork.
    """
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def cpu_seconds() -> float:
    """User and system time of all threads of this process, seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Job:
    """What to do, and what was done.

    size: bytes of content that the job delivers in all. items: lines or events in it, if it is text. chunk_size: bytes,
    None = as received. count: requests, or events of the paced stream. workers: threads or tasks that share the
    requests. checked: compute the CRC-32 of everything delivered (untimed pass).
    """

    program: str
    kind: str
    origin: str
    target: str
    size: int = 0
    items: int = 0
    chunk_size: int | None = None
    count: int = 0
    workers: int = 1
    coding: str = ""
    ca_file: str = ""
    body_file: str = ""
    checked: bool = False
    bytes: int = field(default=0, init=False)
    crc: int = field(default=0, init=False)
    latencies: list[int] = field(default_factory=list, init=False)
    _measured: dict[str, float] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @property
    def url(self) -> str:
        """What to fetch, or where to send the upload."""
        return self.origin + self.target

    @property
    def small_url(self) -> str:
        """200 bytes from the same origin: opens the connection before the clock runs."""
        return self.origin + "/body/random/200"

    @property
    def port(self) -> int:
        """The origin's port."""
        return int(self.origin.rpartition(":")[2])

    def tls_context(self) -> Any:
        """A fresh ssl.SSLContext that trusts the benchmark's server."""
        import ssl

        context = ssl.create_default_context(cafile=self.ca_file)
        context.set_alpn_protocols(["http/1.1"])
        return context

    @contextmanager
    def timing(self) -> Iterator[None]:
        """The measured region."""
        before_kib, cpu, wall = peak_kib(), cpu_seconds(), time.perf_counter()
        yield
        self._measured = {
            "wall": time.perf_counter() - wall,
            "cpu": cpu_seconds() - cpu,
            "peak_kib": peak_kib(),
            "growth_kib": peak_kib() - before_kib,
        }

    def result(self) -> dict[str, Any]:
        """What the parent process reads."""
        return {**self._measured, "bytes": self.bytes, "crc": self.crc, "latencies": self.latencies}

    def take(self, piece: Any) -> None:
        """One item of content was delivered. Safe from several threads only when the job is not checked."""
        self.bytes += len(piece)
        if self.checked:
            self.crc = zlib.crc32(piece, self.crc)

    def take_whole(self, fetch: Callable[[], Any]) -> None:
        """Measure ``fetch()``, which returns the whole content; its second run, not its first.

        Memory that no process has used for a while costs a virtual machine several times what it costs hardware
        (the host has taken it back): that would be the largest part of a first run.
        """
        before_kib = peak_kib()
        fetch()
        with self.timing():
            content = fetch()
        self.take(content)
        self._measured["growth_kib"] = peak_kib() - before_kib

    async def atake_whole(self, fetch: Callable[[], Awaitable[Any]]) -> None:
        """See take_whole."""
        before_kib = peak_kib()
        await fetch()
        with self.timing():
            content = await fetch()
        self.take(content)
        self._measured["growth_kib"] = peak_kib() - before_kib

    def count_pieces(self, pieces: Iterable[Any]) -> None:
        """Consume an iterator of content."""
        if self.checked:
            for piece in pieces:
                self.take(piece)
            return
        total = 0
        for piece in pieces:
            total += len(piece)
        self.bytes += total

    def count_reads(self, readinto: Callable[[bytearray], int]) -> None:
        """Read to the end by ``readinto(buffer)``, with one buffer of `chunk_size` bytes."""
        buffer = bytearray(self.chunk_size or 65536)
        view = memoryview(buffer)
        total = 0
        while n := readinto(buffer):
            total += n
            if self.checked:
                self.crc = zlib.crc32(view[:n], self.crc)
        self.bytes += total

    async def acount_pieces(self, pieces: AsyncIterable[Any]) -> None:
        """See count_pieces."""
        if self.checked:
            async for piece in pieces:
                self.take(piece)
            return
        total = 0
        async for piece in pieces:
            total += len(piece)
        self.bytes += total

    def count_lines(self, lines: Iterable[str], *, with_ends: bool = False) -> None:
        """Consume an iterator of lines. with_ends: each line still carries its line feed."""
        total = 0
        if self.checked:
            for line in lines:
                total += self._check_line(line, with_ends)
        else:
            for line in lines:
                total += len(line)
        self.bytes += total if with_ends else total + self.items

    async def acount_lines(self, lines: AsyncIterable[str], *, with_ends: bool = False) -> None:
        """See count_lines."""
        total = 0
        if self.checked:
            async for line in lines:
                total += self._check_line(line, with_ends)
        else:
            async for line in lines:
                total += len(line)
        self.bytes += total if with_ends else total + self.items

    def _check_line(self, line: str, with_ends: bool) -> int:
        if not isinstance(line, str):
            raise TypeError(f"lines must be str, got {type(line).__name__}")
        self.crc = zlib.crc32((line if with_ends else line + "\n").encode(), self.crc)
        return len(line)

    def count_values(self, values: Iterable[Any]) -> None:
        """Consume an iterator of the values of JSON lines."""
        count = 0
        for value in values:
            count += 1
            if self.checked:
                self._check_value(value)
        self._counted(count)

    async def acount_values(self, values: AsyncIterable[Any]) -> None:
        """See count_values."""
        count = 0
        async for value in values:
            count += 1
            if self.checked:
                self._check_value(value)
        self._counted(count)

    def count_events(self, events: Iterable[Any]) -> None:
        """Consume an iterator of server-sent events."""
        count = 0
        for event in events:
            if event.data:
                count += 1
            if self.checked:
                self._check_event(event)
        self._counted(count)

    async def acount_events(self, events: AsyncIterable[Any]) -> None:
        """See count_events."""
        count = 0
        async for event in events:
            if event.data:
                count += 1
            if self.checked:
                self._check_event(event)
        self._counted(count)

    def _check_event(self, event: Any) -> None:
        wire = f"id: {event.id}\nevent: {event.event}\ndata: {event.data}\n\n"
        self.crc = zlib.crc32(wire.encode(), self.crc)

    def _check_value(self, value: Any) -> None:
        self.crc = zlib.crc32(json.dumps(value).encode() + b"\n", self.crc)

    def _counted(self, count: int) -> None:
        self.bytes = self.size if count == self.items else count

    def event_lines(self, lines: Iterable[str]) -> None:
        """Consume the lines of the event stream and note each event's latency."""
        for line in lines:
            self.event_line(line)

    def event_line(self, line: str) -> None:
        """One line of the event stream; those that are not data are the events' ends."""
        if line.startswith("data:"):
            self.latencies.append(time.monotonic_ns() - int(line[5:]))

    def event_piece(self, piece: Any) -> None:
        """A piece of the event stream that holds whole events."""
        now = time.monotonic_ns()
        for event in bytes(piece).split(b"\n\n")[:-1]:
            self.latencies.append(now - int(event[event.rindex(b"data:") + 5 :]))

    def answered(self, text: str) -> None:
        """The server's answer to an upload: what arrived there."""
        answer = json.loads(text)
        self.bytes += answer["bytes"]
        self.crc = answer["crc"]

    def body_pieces(self) -> Iterator[builtins.bytes]:
        """The upload's content in pieces of 64 KiB, made without touching the disk."""
        with open(self.body_file, "rb") as body:
            block = body.read(1 << 20)
        pieces = [block[at : at + 65536] for at in range(0, len(block), 65536)]
        for number in range(self.size // 65536):
            yield pieces[number % len(pieces)]

    async def abody_pieces(self) -> Any:
        """See body_pieces."""
        for piece in self.body_pieces():
            yield piece

    def in_threads(self, work: Callable[[Callable[[Any], None], int], None]) -> None:
        """Run ``work(take, count)`` in `workers` threads that share the requests; `take` is this thread's own.

        What each request delivers must be the same: the checksum does not know their order.
        """
        share = self.count // self.workers
        failures: list[BaseException] = []

        def thread() -> None:
            own = Job(self.program, self.kind, self.origin, self.target)
            kept: list[Any] = []
            try:
                work(kept.append if self.checked else own.take, share)
            except BaseException as exc:  # handed to the thread that waits
                failures.append(exc)
            with self._lock:
                self.bytes += own.bytes
                for content in kept:
                    self.take(content)

        threads = [threading.Thread(target=thread) for _ in range(self.workers)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if failures:
            raise failures[0]
