"""The programs of urllib3."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import urllib3

from bench.job import Job
from bench.programs import SyncPrograms


def _pool(job: Job) -> Any:
    options: dict[str, Any] = {"ssl_context": job.tls_context()} if job.ca_file else {}
    pool = urllib3.PoolManager(maxsize=max(job.workers, 1), **options)
    pool.request("GET", job.small_url)
    return pool


def _open(pool: Any, job: Job) -> Any:
    return pool.request("GET", job.url, preload_content=False)


def _stream(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        response = _open(pool, job)
        if job.chunk_size is None:
            job.count_pieces(iter(response.read1, b""))
        else:
            job.count_pieces(response.stream(job.chunk_size))


def _read_file(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        job.count_pieces(iter(partial(_open(pool, job).read, job.chunk_size), b""))


def _readinto_file(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        job.count_reads(_open(pool, job).readinto)


def _content(job: Job) -> None:
    pool = _pool(job)
    job.take_whole(lambda: pool.request("GET", job.url).data)


def _lines(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        response = _open(pool, job)
        response.auto_close = False
        job.count_lines(io.TextIOWrapper(response, encoding="utf-8", newline="\n"), with_ends=True)


def _small(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        for _ in range(job.count):
            job.take(pool.request("GET", job.url).data)


def _small_threads(job: Job) -> None:
    pool = _pool(job)

    def work(take: Any, count: int) -> None:
        for _ in range(count):
            take(pool.request("GET", job.url).data)

    with job.timing():
        job.in_threads(work)


def _upload_file(job: Job) -> None:
    pool = _pool(job)
    with open(job.body_file, "rb") as body, job.timing():
        answer = pool.request("POST", job.url, body=body, headers={"Content-Length": str(job.size)}).data
    job.answered(answer.decode())


def _upload_multipart(job: Job) -> None:
    """The form is made in memory."""
    pool = _pool(job)
    with open(job.body_file, "rb") as body, job.timing():
        answer = pool.request("POST", job.url, fields={"file": ("upload", body.read())}).data
    job.answered(answer.decode())


def _upload_generator(job: Job) -> None:
    pool = _pool(job)
    pieces = job.body_pieces()
    with job.timing():
        answer = pool.request("POST", job.url, body=pieces).data
    job.answered(answer.decode())


def _events(job: Job) -> None:
    pool = _pool(job)
    with job.timing():
        for piece in _open(pool, job).read_chunked():
            job.event_piece(piece)


SYNC: SyncPrograms = {
    "stream": _stream,
    "read_file": _read_file,
    "readinto_file": _readinto_file,
    "decoded": _stream,
    "content": _content,
    "lines": _lines,
    "small": _small,
    "small_threads": _small_threads,
    "upload_file": _upload_file,
    "upload_generator": _upload_generator,
    "upload_multipart": _upload_multipart,
    "events": _events,
}
