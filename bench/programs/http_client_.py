"""The programs of the standard library's http.client: one connection, no pool, no content decoding."""

from __future__ import annotations

import http.client
import io
from functools import partial
from typing import Any

from bench.job import Job
from bench.programs import SyncPrograms

_BLOCK = 65536  # bytes; the default of 16 KiB is for small uploads


def _connect(job: Job) -> http.client.HTTPConnection:
    connection: http.client.HTTPConnection
    if job.ca_file:
        connection = http.client.HTTPSConnection("127.0.0.1", job.port, context=job.tls_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", job.port, blocksize=_BLOCK)
    connection.request("GET", "/body/random/200")
    connection.getresponse().read()
    return connection


def _get(connection: http.client.HTTPConnection, job: Job) -> http.client.HTTPResponse:
    connection.request("GET", job.target)
    return connection.getresponse()


def _stream(job: Job) -> None:
    connection = _connect(job)
    with job.timing(), _get(connection, job) as response:
        read = response.read1 if job.chunk_size is None else partial(response.read, job.chunk_size)
        job.count_pieces(iter(read, b""))


def _readinto_file(job: Job) -> None:
    connection = _connect(job)
    with job.timing(), _get(connection, job) as response:
        job.count_reads(response.readinto)


def _content(job: Job) -> None:
    connection = _connect(job)
    job.take_whole(lambda: _get(connection, job).read())


def _lines(job: Job) -> None:
    connection = _connect(job)
    with job.timing(), _get(connection, job) as response:
        job.count_lines(io.TextIOWrapper(response, encoding="utf-8", newline="\n"), with_ends=True)


def _small(job: Job) -> None:
    connection = _connect(job)
    with job.timing():
        for _ in range(job.count):
            job.take(_get(connection, job).read())


def _small_threads(job: Job) -> None:
    """A connection for each thread: this is what a program without a pool does."""

    def work(take: Any, count: int) -> None:
        connection = _connect(job)
        for _ in range(count):
            take(_get(connection, job).read())

    with job.timing():
        job.in_threads(work)


def _upload_file(job: Job) -> None:
    connection = _connect(job)
    with open(job.body_file, "rb") as body, job.timing():
        connection.request("POST", job.target, body=body, headers={"Content-Length": str(job.size)})
        answer = connection.getresponse().read()
    job.answered(answer.decode())


def _upload_generator(job: Job) -> None:
    connection = _connect(job)
    pieces = job.body_pieces()
    with job.timing():
        connection.request(
            "POST", job.target, body=pieces, headers={"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        answer = connection.getresponse().read()
    job.answered(answer.decode())


def _events(job: Job) -> None:
    connection = _connect(job)
    with job.timing(), _get(connection, job) as response:
        job.event_lines(line.decode() for line in response)


SYNC: SyncPrograms = {
    "stream": _stream,
    "read_file": _stream,
    "readinto_file": _readinto_file,
    "content": _content,
    "lines": _lines,
    "small": _small,
    "small_threads": _small_threads,
    "upload_file": _upload_file,
    "upload_generator": _upload_generator,
    "events": _events,
}
