"""The programs of aiohttp (async only)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

from bench.job import Job
from bench.programs import AsyncPrograms, SyncPrograms

_LONGEST_LINE = 64 << 20  # aiohttp refuses a line that is longer than its read buffer


async def _session(job: Job) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=job.tls_context()) if job.ca_file else None
    read_bufsize = _LONGEST_LINE if job.kind == "lines" and job.items < 16 else 65536
    session = aiohttp.ClientSession(connector=connector, read_bufsize=read_bufsize)
    async with session.get(job.small_url) as response:
        await response.read()
    return session


async def _stream(job: Job) -> None:
    async with await _session(job) as session:
        with job.timing():
            async with session.get(job.url) as response:
                if job.chunk_size is None:
                    await job.acount_pieces(response.content.iter_any())
                else:
                    await job.acount_pieces(response.content.iter_chunked(job.chunk_size))


async def _content(job: Job) -> None:
    async with await _session(job) as session:

        async def fetch() -> bytes:
            async with session.get(job.url) as response:
                return await response.read()

        await job.atake_whole(fetch)


async def _decoded_lines(content: aiohttp.StreamReader) -> AsyncIterator[str]:
    async for line in content:
        yield line.decode()


async def _lines(job: Job) -> None:
    async with await _session(job) as session:
        with job.timing():
            async with session.get(job.url) as response:
                await job.acount_lines(_decoded_lines(response.content), with_ends=True)


async def _small(job: Job) -> None:
    async with await _session(job) as session:

        async def work() -> None:
            for _ in range(job.count // job.workers):
                async with session.get(job.url) as response:
                    job.take(await response.read())

        with job.timing():
            await asyncio.gather(*[work() for _ in range(job.workers)])


async def _upload(job: Job, body: Any) -> None:
    async with await _session(job) as session:
        with job.timing():
            async with session.post(job.url, data=body) as response:
                answer = await response.text()
        job.answered(answer)


async def _upload_file(job: Job) -> None:
    with open(job.body_file, "rb") as body:
        await _upload(job, body)


async def _upload_multipart(job: Job) -> None:
    with open(job.body_file, "rb") as body:
        await _upload(job, {"file": body})


async def _upload_generator(job: Job) -> None:
    await _upload(job, job.abody_pieces())


async def _events(job: Job) -> None:
    async with await _session(job) as session:
        with job.timing():
            async with session.get(job.url) as response:
                async for line in response.content:
                    job.event_line(line.decode())


SYNC: SyncPrograms = {}
ASYNC: AsyncPrograms = {
    "stream": _stream,
    "decoded": _stream,
    "content": _content,
    "lines": _lines,
    "small": _small,
    "small_tasks": _small,
    "upload_file": _upload_file,
    "upload_generator": _upload_generator,
    "upload_multipart": _upload_multipart,
    "events": _events,
}
