"""The programs of pycurl: callbacks instead of iterators; libcurl delivers pieces of at most 16 KiB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pycurl

from bench.job import Job
from bench.programs import SyncPrograms

_RECEIVE_BYTES = 512 << 10


def _handle(job: Job) -> Any:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.BUFFERSIZE, _RECEIVE_BYTES)
    if job.ca_file:
        curl.setopt(pycurl.CAINFO, job.ca_file)
    if job.kind == "decoded":
        curl.setopt(pycurl.ACCEPT_ENCODING, "")
    _fetch(curl, job.small_url, len)
    return curl


def _fetch(curl: Any, url: str, write: Callable[[bytes], object]) -> None:
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEFUNCTION, write)
    curl.perform()


def _stream(job: Job) -> None:
    curl = _handle(job)
    with job.timing():
        _fetch(curl, job.url, job.take)


def _content(job: Job) -> None:
    curl = _handle(job)
    curl.setopt(pycurl.URL, job.url)
    job.take_whole(curl.perform_rb)


def _one(curl: Any, take: Callable[[Any], None]) -> None:
    pieces: list[bytes] = []
    curl.setopt(pycurl.WRITEFUNCTION, pieces.append)
    curl.perform()
    take(b"".join(pieces))


def _small(job: Job) -> None:
    curl = _handle(job)
    curl.setopt(pycurl.URL, job.url)
    with job.timing():
        for _ in range(job.count):
            _one(curl, job.take)


def _small_threads(job: Job) -> None:
    """A handle for each thread: a handle must not be shared."""

    def work(take: Callable[[Any], None], count: int) -> None:
        curl = _handle(job)
        curl.setopt(pycurl.URL, job.url)
        for _ in range(count):
            _one(curl, take)

    with job.timing():
        job.in_threads(work)


def _http2(job: Job) -> None:
    """All streams from one thread: what libcurl has for it. The connection is there before the clock runs."""
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    first = _stream_of(job, job.small_url, len)
    _perform(multi, [first])
    contents: list[list[bytes]] = [[] for _ in range(job.count)]
    handles = [_stream_of(job, job.url, pieces.append) for pieces in contents]
    with job.timing():
        _perform(multi, handles)
        for pieces in contents:
            job.take(b"".join(pieces))


def _stream_of(job: Job, url: str, write: Callable[[bytes], object]) -> Any:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.BUFFERSIZE, _RECEIVE_BYTES)
    curl.setopt(pycurl.CAINFO, job.ca_file)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.PIPEWAIT, 1)
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEFUNCTION, write)
    return curl


def _perform(multi: Any, handles: list[Any]) -> None:
    for curl in handles:
        multi.add_handle(curl)
    running = len(handles)
    while running:
        running = multi.perform()[1]
        if running:
            multi.select(1.0)
    for failed in multi.info_read()[2]:
        raise pycurl.error(*failed[1:])
    for curl in handles:
        multi.remove_handle(curl)


def _upload(job: Job, read: Callable[[int], bytes], size: int | None) -> None:
    curl = _handle(job)
    curl.setopt(pycurl.UPLOAD, 1)
    curl.setopt(pycurl.CUSTOMREQUEST, "POST")
    curl.setopt(pycurl.UPLOAD_BUFFERSIZE, 65536 + 32)
    curl.setopt(pycurl.READFUNCTION, read)
    if size is None:
        curl.setopt(pycurl.HTTPHEADER, ["Transfer-Encoding: chunked"])
    else:
        curl.setopt(pycurl.INFILESIZE_LARGE, size)
    _answered(curl, job)


def _answered(curl: Any, job: Job) -> None:
    pieces: list[bytes] = []
    with job.timing():
        _fetch(curl, job.url, pieces.append)
    job.answered(b"".join(pieces).decode())


def _upload_multipart(job: Job) -> None:
    curl = _handle(job)
    curl.setopt(pycurl.HTTPPOST, [("file", (pycurl.FORM_FILE, job.body_file))])
    curl.setopt(pycurl.UPLOAD_BUFFERSIZE, 65536)
    _answered(curl, job)


def _upload_file(job: Job) -> None:
    with open(job.body_file, "rb") as body:
        _upload(job, body.read, job.size)


def _upload_generator(job: Job) -> None:
    _upload(job, _reader(job.body_pieces()), None)


def _reader(pieces: Iterator[bytes]) -> Callable[[int], bytes]:
    rest = b""

    def read(size: int) -> bytes:
        nonlocal rest
        if not rest:
            rest = next(pieces, b"")
        piece, rest = rest[:size], rest[size:]
        return piece

    return read


def _events(job: Job) -> None:
    curl = _handle(job)
    with job.timing():
        _fetch(curl, job.url, job.event_piece)


SYNC: SyncPrograms = {
    "stream": _stream,
    "decoded": _stream,
    "content": _content,
    "small": _small,
    "small_threads": _small_threads,
    "http2": _http2,
    "upload_file": _upload_file,
    "upload_generator": _upload_generator,
    "upload_multipart": _upload_multipart,
    "events": _events,
}
