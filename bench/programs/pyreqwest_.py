"""The programs of pyreqwest (reqwest and hyper behind a Python face). Its pieces are buffers, not `bytes`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pyreqwest.client import ClientBuilder, SyncClientBuilder
from pyreqwest.multipart import FormBuilder, PartBuilder

from bench.job import Job
from bench.programs import AsyncPrograms, SyncPrograms


def _configured(builder: Any, job: Job) -> Any:
    if job.kind == "http2":
        builder = builder.http2(True)
    if job.ca_file:
        with open(job.ca_file, "rb") as certificates:
            builder = builder.add_root_certificate_pem(certificates.read())
    return builder.build()


def _client(job: Job) -> Any:
    client = _configured(SyncClientBuilder(), job)
    client.get(job.small_url).build().send().bytes()
    return client


async def _aclient(job: Job) -> Any:
    client = _configured(ClientBuilder(), job)
    await (await client.get(job.small_url).build().send()).bytes()
    return client


def _streamed(client: Any, job: Job) -> Any:
    request = client.get(job.url)
    if job.kind == "events":
        # By default 64 KiB are read ahead before the first piece is handed over: events would be old by then.
        request = request.streamed_read_buffer_limit(0)
    return request.build_streamed()


def _pieces(reader: Any, chunk_size: int | None) -> Iterator[Any]:
    if chunk_size is None:
        while (piece := reader.read_chunk()) is not None:
            yield piece
        return
    while piece := reader.read(chunk_size):
        yield piece


async def _apieces(reader: Any, chunk_size: int | None) -> AsyncIterator[Any]:
    if chunk_size is None:
        while (piece := await reader.read_chunk()) is not None:
            yield piece
        return
    while piece := await reader.read(chunk_size):
        yield piece


def _stream(job: Job) -> None:
    client = _client(job)
    with job.timing(), _streamed(client, job) as response:
        job.count_pieces(_pieces(response.body_reader, job.chunk_size))


def _content(job: Job) -> None:
    client = _client(job)
    job.take_whole(lambda: client.get(job.url).build().send().bytes())


def _small(job: Job) -> None:
    client = _client(job)
    with job.timing():
        for _ in range(job.count):
            job.take(client.get(job.url).build().send().bytes())


def _small_threads(job: Job) -> None:
    client = _client(job)

    def work(take: Any, count: int) -> None:
        for _ in range(count):
            take(client.get(job.url).build().send().bytes())

    with job.timing():
        job.in_threads(work)


def _file_pieces(job: Job) -> Iterator[bytes]:
    with open(job.body_file, "rb") as body:
        while piece := body.read(65536):
            yield piece


def _upload_file(job: Job) -> None:
    client = _client(job)
    with job.timing():
        request = client.post(job.url).header("Content-Length", str(job.size)).body_stream(_file_pieces(job))
        answer = request.build().send().text()
    job.answered(answer)


def _form(job: Job) -> FormBuilder:
    """The file in pieces of our own: those that its `file` reads are small, and ten times as slow."""
    part = PartBuilder.from_stream_with_length(_file_pieces(job), job.size).file_name("upload")
    return FormBuilder().part("file", part)


def _upload_multipart(job: Job) -> None:
    client = _client(job)
    with job.timing():
        form = _form(job)
        answer = client.post(job.url).multipart(form).build().send().text()
    job.answered(answer)


def _upload_generator(job: Job) -> None:
    client = _client(job)
    pieces = job.body_pieces()
    with job.timing():
        answer = client.post(job.url).body_stream(pieces).build().send().text()
    job.answered(answer)


def _events(job: Job) -> None:
    client = _client(job)
    with job.timing(), _streamed(client, job) as response:
        for piece in _pieces(response.body_reader, None):
            job.event_piece(piece)


async def _astream(job: Job) -> None:
    client = await _aclient(job)
    with job.timing():
        async with _streamed(client, job) as response:
            await job.acount_pieces(_apieces(response.body_reader, job.chunk_size))


async def _acontent(job: Job) -> None:
    client = await _aclient(job)

    async def fetch() -> Any:
        return await (await client.get(job.url).build().send()).bytes()

    await job.atake_whole(fetch)


async def _asmall(job: Job) -> None:
    client = await _aclient(job)

    async def work() -> None:
        for _ in range(job.count // job.workers):
            job.take(await (await client.get(job.url).build().send()).bytes())

    with job.timing():
        await asyncio.gather(*[work() for _ in range(job.workers)])


async def _aupload_file(job: Job) -> None:
    client = await _aclient(job)
    with job.timing():
        request = client.post(job.url).header("Content-Length", str(job.size)).body_stream(_file_pieces(job))
        answer = await (await request.build().send()).text()
    job.answered(answer)


async def _aupload_multipart(job: Job) -> None:
    client = await _aclient(job)
    with job.timing():
        form = _form(job)
        answer = await (await client.post(job.url).multipart(form).build().send()).text()
    job.answered(answer)


async def _aupload_generator(job: Job) -> None:
    client = await _aclient(job)
    with job.timing():
        answer = await (await client.post(job.url).body_stream(job.abody_pieces()).build().send()).text()
    job.answered(answer)


async def _aevents(job: Job) -> None:
    client = await _aclient(job)
    with job.timing():
        async with _streamed(client, job) as response:
            async for piece in _apieces(response.body_reader, None):
                job.event_piece(piece)


SYNC: SyncPrograms = {
    "stream": _stream,
    "read_file": _stream,
    "decoded": _stream,
    "content": _content,
    "small": _small,
    "small_threads": _small_threads,
    "http2": _small_threads,
    "upload_file": _upload_file,
    "upload_generator": _upload_generator,
    "upload_multipart": _upload_multipart,
    "events": _events,
}
ASYNC: AsyncPrograms = {
    "stream": _astream,
    "decoded": _astream,
    "content": _acontent,
    "small": _asmall,
    "small_tasks": _asmall,
    "http2": _asmall,
    "upload_file": _aupload_file,
    "upload_generator": _aupload_generator,
    "upload_multipart": _aupload_multipart,
    "events": _aevents,
}
