"""The programs of requests."""

from __future__ import annotations

from typing import Any

import requests

from bench.job import Job
from bench.programs import SyncPrograms


def _session(job: Job) -> requests.Session:
    session = requests.Session()
    if job.ca_file:
        session.verify = job.ca_file
        session.trust_env = False  # or else REQUESTS_CA_BUNDLE would win over it
    if job.workers > 1:
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=job.workers))
    session.get(job.small_url)
    return session


def _stream(job: Job) -> None:
    session = _session(job)
    with job.timing(), session.get(job.url, stream=True) as response:
        job.count_pieces(response.iter_content(job.chunk_size))


def _content(job: Job) -> None:
    session = _session(job)
    job.take_whole(lambda: session.get(job.url).content)


def _lines(job: Job) -> None:
    session = _session(job)
    with job.timing(), session.get(job.url, stream=True) as response:
        response.encoding = "utf-8"
        job.count_lines(response.iter_lines(chunk_size=65536, decode_unicode=True))


def _small(job: Job) -> None:
    session = _session(job)
    with job.timing():
        for _ in range(job.count):
            job.take(session.get(job.url).content)


def _small_threads(job: Job) -> None:
    session = _session(job)

    def work(take: Any, count: int) -> None:
        for _ in range(count):
            take(session.get(job.url).content)

    with job.timing():
        job.in_threads(work)


def _upload_file(job: Job) -> None:
    session = _session(job)
    with open(job.body_file, "rb") as body, job.timing():
        answer = session.post(job.url, data=body).text
    job.answered(answer)


def _upload_multipart(job: Job) -> None:
    """The form is made in memory."""
    session = _session(job)
    with open(job.body_file, "rb") as body, job.timing():
        answer = session.post(job.url, files={"file": body}).text
    job.answered(answer)


def _upload_generator(job: Job) -> None:
    session = _session(job)
    pieces = job.body_pieces()
    with job.timing():
        answer = session.post(job.url, data=pieces).text
    job.answered(answer)


def _events(job: Job) -> None:
    session = _session(job)
    with job.timing(), session.get(job.url, stream=True) as response:
        for piece in response.iter_content(None):
            job.event_piece(piece)


SYNC: SyncPrograms = {
    "stream": _stream,
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
