"""The limit rows: the same jobs with nothing in the way, so that every table says what the machine can do.

`raw` is the bare socket (it receives into one reused buffer and looks at nothing, or at as little as the job allows;
on an event loop it is a BufferedProtocol). `ext` fills Python objects from compiled code (native/ext.c). `decoder` and
`isal` remove a content coding from memory, without a network. They trust the benchmark's own server.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench.build import ext_directory
from bench.job import Job
from bench.programs import AsyncPrograms, SyncPrograms

_BUFFER_BYTES = 1 << 20
_HEAD_DUE, _CHUNKED = -1, -2
_LAST_CHUNK = b"0\r\n\r\n"


def _request(target: str, fields: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode()


def _connect(job: Job) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", job.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if job.ca_file:
        sock = job.tls_context().wrap_socket(sock, server_hostname="127.0.0.1")
    return sock


def _open(sock: socket.socket, target: str) -> tuple[bytes, int]:
    """Send a GET; returns (content received with the head, content length or -1 for chunked)."""
    sock.sendall(_request(target))
    return _response_head(sock)


def _response_head(sock: socket.socket) -> tuple[bytes, int]:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += sock.recv(65536)
    return received[end + 4 :], _content_length(received[:end])


def _content_length(head: bytes) -> int:
    _, found, rest = head.partition(b"Content-Length: ")
    return int(rest.split(b"\r\n", 1)[0]) if found else -1


def _receive(job: Job, sock: socket.socket, target: str, view: memoryview) -> int:
    """Receive and drop; chunked content ends when the last bytes are those of a last chunk.

    Returns the bytes of the content; for chunked content, those that the job wants.
    """
    received, length = _open(sock, target)
    total, tail = len(received), received[-5:]
    if job.checked:
        job.take(received)
    while total < length or (length < 0 and tail != _LAST_CHUNK):
        n = sock.recv_into(view)
        total += n
        if length < 0:
            tail = (tail + view[max(n - 5, 0) : n])[-5:]
        if job.checked:
            job.take(view[:n])
    return total if length >= 0 else job.size


def _raw_stream(job: Job) -> None:
    sock = _connect(job)
    view = memoryview(bytearray(_BUFFER_BYTES))
    with job.timing():
        total = _receive(job, sock, job.target, view)
    job.bytes = total


def _raw_readinto_file(job: Job) -> None:
    """With a buffer of the size that the clients read into."""
    sock = _connect(job)
    view = memoryview(bytearray(job.chunk_size or _BUFFER_BYTES))
    with job.timing():
        total = _receive(job, sock, job.target, view)
    job.bytes = total


def _raw_http2(job: Job) -> None:
    """The same from the same server over HTTP/1.1, one after another: what it and TLS leave to HTTP/2."""
    sock = _connect(job)
    view = memoryview(bytearray(_BUFFER_BYTES))
    target = job.target.replace("/http2/", "/body/")
    with job.timing():
        total = sum(_receive(job, sock, target, view) for _ in range(job.count))
    job.bytes = total


def _raw_content(job: Job) -> None:
    """Receives into one object of the content's size."""
    sock = _connect(job)

    def fetch() -> bytearray:
        received, length = _open(sock, job.target)
        content = bytearray(length)
        content[: len(received)] = received
        view, at = memoryview(content), len(received)
        while at < length:
            at += sock.recv_into(view[at:])
        return content

    job.take_whole(fetch)


def _raw_small(job: Job) -> None:
    sock = _connect(job)
    request = _request(job.target)
    with job.timing():
        for _ in range(job.count):
            sock.sendall(request)
            job.take(_raw_answer(sock.recv(65536)))


def _raw_answer(received: bytes) -> bytes:
    return received[received.index(b"\r\n\r\n") + 4 :]


def _raw_small_threads(job: Job) -> None:
    def work(take: Any, count: int) -> None:
        sock = _connect(job)
        request = _request(job.target)
        for _ in range(count):
            sock.sendall(request)
            take(_raw_answer(sock.recv(65536)))

    with job.timing():
        job.in_threads(work)


def _upload_head(job: Job, framing: str) -> bytes:
    return f"POST {job.target} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode()


def _raw_upload_file(job: Job, before: bytes = b"", after: bytes = b"", fields: str = "") -> None:
    """The file, with something before and after it."""
    sock = _connect(job)
    with open(job.body_file, "rb") as body, job.timing():
        length = len(before) + job.size + len(after)
        sock.sendall(_upload_head(job, f"{fields}Content-Length: {length}") + before)
        at = 0
        while at < job.size:
            at += os.sendfile(sock.fileno(), body.fileno(), at, job.size - at)
        if after:
            sock.sendall(after)
        answer = _upload_answer(sock)
    job.answered(answer)


def _raw_upload_multipart(job: Job) -> None:
    before = b'--limit\r\nContent-Disposition: form-data; name="file"; filename="upload"\r\n\r\n'
    fields = "Content-Type: multipart/form-data; boundary=limit\r\n"
    _raw_upload_file(job, before, b"\r\n--limit--\r\n", fields)


def _raw_upload_generator(job: Job) -> None:
    sock = _connect(job)
    pieces = job.body_pieces()
    with job.timing():
        sock.sendall(_upload_head(job, "Transfer-Encoding: chunked"))
        for piece in pieces:
            size_line = b"%x\r\n" % len(piece)
            whole = len(size_line) + len(piece) + 2
            sent = sock.sendmsg((size_line, piece, b"\r\n"))
            if sent < whole:
                sock.sendall(b"".join((size_line, piece, b"\r\n"))[sent:])
        sock.sendall(_LAST_CHUNK)
        answer = _upload_answer(sock)
    job.answered(answer)


def _upload_answer(sock: socket.socket) -> str:
    received, length = _response_head(sock)
    while len(received) < length:
        received += sock.recv(length - len(received))
    return received.decode()


def _raw_events(job: Job) -> None:
    sock = _connect(job)
    with job.timing():
        received, _ = _open(sock, job.target)
        while len(job.latencies) < job.count:
            if b"data:" in received:
                job.event_piece(received)
            received = sock.recv(65536)


def _ext() -> Any:
    sys.path.insert(0, str(ext_directory()))
    import bench_ext

    return bench_ext


def _ext_stream(job: Job) -> None:
    ext = _ext()
    sock = _connect(job)
    with job.timing():
        received, length = _open(sock, job.target)
        job.count_pieces(ext.pieces(sock.fileno(), received, job.chunk_size, length))


def _ext_content(job: Job) -> None:
    ext = _ext()
    sock = _connect(job)

    def fetch() -> Any:
        received, length = _open(sock, job.target)
        return next(ext.pieces(sock.fileno(), received, length, length))

    job.take_whole(fetch)


def _ext_lines(job: Job) -> None:
    ext = _ext()
    sock = _connect(job)
    with job.timing():
        received, length = _open(sock, job.target)
        job.count_lines(ext.lines(sock.fileno(), received, length))


def _ext_values(job: Job, loads: Callable[[str], Any]) -> None:
    ext = _ext()
    sock = _connect(job)
    with job.timing():
        received, length = _open(sock, job.target)
        job.count_values(map(loads, ext.lines(sock.fileno(), received, length)))


def _ext_values_orjson(job: Job) -> None:
    import orjson

    _ext_values(job, orjson.loads)


def _coded_pieces(job: Job) -> Iterator[memoryview]:
    with open(job.body_file, "rb") as body:
        coded = memoryview(body.read())
    return (coded[at : at + 65536] for at in range(0, len(coded), 65536))


def _decode(job: Job, decoder: Any) -> None:
    pieces = list(_coded_pieces(job))
    decode = getattr(decoder, "process", None) or decoder.decompress
    with job.timing():
        job.count_pieces(decode(piece) for piece in pieces)


def _decoder(job: Job) -> None:
    """The module that everybody has: zlib; Brotli's own binding; the standard library's zstd or its backport."""
    if job.coding == "gzip":
        import zlib

        _decode(job, zlib.decompressobj(31))
    elif job.coding == "br":
        import brotli

        _decode(job, brotli.Decompressor())
    else:
        try:
            from compression import zstd
        except ImportError:
            from backports import zstd
        _decode(job, zstd.ZstdDecompressor())


def _isal_decoder(job: Job) -> None:
    """The fast decoder for gzip."""
    from isal import igzip_lib

    _decode(job, igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


class _Receiver(asyncio.BufferedProtocol):
    """Receives into one reused buffer and drops it, until the content is complete."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._view = memoryview(bytearray(_BUFFER_BYTES))
        self._head = b""
        self._left = _HEAD_DUE  # or _CHUNKED, or the bytes still to come
        self._tail = b""
        self.complete = asyncio.get_running_loop().create_future()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        if self._left != _HEAD_DUE:
            self._content(self._view[:nbytes])
            return
        self._head += self._view[:nbytes]
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _content_length(self._head[:end])
        self._left = length if length >= 0 else _CHUNKED
        self._content(memoryview(self._head)[end + 4 :])

    def _content(self, piece: memoryview) -> None:
        if self._job.checked:
            self._job.take(piece)
        if self._left == _CHUNKED:
            self._tail = (self._tail + piece[-5:])[-5:]
            if self._tail == _LAST_CHUNK:
                self.complete.set_result(None)
            return
        self._left -= len(piece)
        if self._left == 0:
            self.complete.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.complete.done():
            self.complete.set_exception(exc or EOFError("the connection ended before the content"))


async def _buffered_stream(job: Job) -> None:
    options = {"ssl": job.tls_context(), "server_hostname": "127.0.0.1"} if job.ca_file else {}
    loop = asyncio.get_running_loop()
    transport, receiver = await loop.create_connection(
        lambda: _Receiver(job), "127.0.0.1", job.port, **options
    )
    with job.timing():
        transport.write(_request(job.target))
        await receiver.complete
    transport.close()
    job.bytes = job.size


class _Asker(asyncio.Protocol):
    """Sends the same request again and again and takes what comes back in one piece."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._left = 0
        self._request = _request(job.target)
        self.complete = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def ask(self, count: int) -> asyncio.Future[None]:
        self._left = count
        self._transport.write(self._request)
        return self.complete

    def data_received(self, data: bytes) -> None:
        self._job.take(_raw_answer(data))
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self.complete.set_result(None)


async def _protocol_small(job: Job) -> None:
    loop = asyncio.get_running_loop()
    askers = [
        (await loop.create_connection(lambda: _Asker(job), "127.0.0.1", job.port))[1]
        for _ in range(job.workers)
    ]
    with job.timing():
        await asyncio.gather(*[asker.ask(job.count // job.workers) for asker in askers])


class _EventReceiver(asyncio.Protocol):
    """Notes the latency of each event as it is handed over."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.complete = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if b"data:" in data:
            self._job.event_piece(data)
        if len(self._job.latencies) == self._job.count and not self.complete.done():
            self.complete.set_result(None)


async def _protocol_events(job: Job) -> None:
    loop = asyncio.get_running_loop()
    transport, receiver = await loop.create_connection(lambda: _EventReceiver(job), "127.0.0.1", job.port)
    with job.timing():
        transport.write(_request(job.target))
        await receiver.complete
    transport.close()


SYNC: dict[str, SyncPrograms] = {
    "raw": {
        "stream": _raw_stream,
        "readinto_file": _raw_readinto_file,
        "http2": _raw_http2,
        "sse": _raw_stream,
        "content": _raw_content,
        "lines": _raw_stream,
        "small": _raw_small,
        "small_threads": _raw_small_threads,
        "upload_file": _raw_upload_file,
        "upload_generator": _raw_upload_generator,
        "upload_multipart": _raw_upload_multipart,
        "events": _raw_events,
    },
    "ext": {
        "stream": _ext_stream,
        "read_file": _ext_stream,
        "content": _ext_content,
        "lines": _ext_lines,
        "values": lambda job: _ext_values(job, json.loads),
        "values_orjson": _ext_values_orjson,
    },
    "decoder": {"decoded": _decoder},
    "isal": {"decoded": _isal_decoder},
}
ASYNC: dict[str, AsyncPrograms] = {
    "raw": {
        "stream": _buffered_stream,
        "sse": _buffered_stream,
        "content": _buffered_stream,
        "lines": _buffered_stream,
        "small": _protocol_small,
        "small_tasks": _protocol_small,
        "events": _protocol_events,
    }
}
