"""The programs of httpx, and of everything that has its API: the library is handed in, the code is the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.job import Job
from bench.programs import AsyncPrograms, SyncPrograms


def _options(library: Any, job: Job) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if job.ca_file:
        options["verify"] = job.tls_context()
    if job.workers > 1:
        # The default keeps 20 connections alive: 50 tasks would measure reconnecting.
        options["limits"] = library.Limits(max_connections=100, max_keepalive_connections=100)
    if job.kind == "http2":
        # All streams share one connection: with the default of 5 s some time out in slow libraries.
        options |= {"http2": True, "timeout": 60.0}
    return options


class _Sync:
    """The sync programs; a method for each kind of job."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def _client(self, job: Job) -> Any:
        return self._library.Client(**_options(self._library, job))

    def stream(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                job.count_pieces(response.iter_bytes(job.chunk_size))

    def content(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            job.take_whole(lambda: session.get(job.url).content)

    def lines(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                job.count_lines(response.iter_lines())

    def values(self, job: Job, loads: Callable[[Any], Any] = json.loads) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                if hasattr(response, "iter_json"):
                    job.count_values(response.iter_json(loads=loads))
                else:
                    job.count_values(map(loads, response.iter_lines()))

    def values_orjson(self, job: Job) -> None:
        import orjson

        self.values(job, orjson.loads)

    def small(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing():
                for _ in range(job.count):
                    job.take(session.get(job.url).content)

    def small_threads(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)

            def work(take: Any, count: int) -> None:
                for _ in range(count):
                    take(session.get(job.url).content)

            with job.timing():
                job.in_threads(work)

    def read_file(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                job.count_pieces(iter(partial(response.stream.read, job.chunk_size), b""))

    def readinto_file(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                job.count_reads(response.stream.readinto)

    def sse(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            if hasattr(session, "sse"):
                with job.timing(), session.sse(job.url) as source:
                    job.count_events(source)
                return
            from httpx_sse import connect_sse  # httpx has no events; its documentation names this

            with job.timing(), connect_sse(session, "GET", job.url) as source:
                job.count_events(source.iter_sse())

    def upload_file(self, job: Job) -> None:
        with self._client(job) as session, open(job.body_file, "rb") as body:
            session.get(job.small_url)
            with job.timing():
                response = session.post(job.url, content=body)
            job.answered(response.text)

    def upload_multipart(self, job: Job) -> None:
        with self._client(job) as session, open(job.body_file, "rb") as body:
            session.get(job.small_url)
            with job.timing():
                response = session.post(job.url, files={"file": body})
            job.answered(response.text)

    def upload_generator(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            pieces = job.body_pieces()
            with job.timing():
                response = session.post(job.url, content=pieces)
            job.answered(response.text)

    def events(self, job: Job) -> None:
        with self._client(job) as session:
            session.get(job.small_url)
            with job.timing(), session.stream("GET", job.url) as response:
                job.event_lines(response.iter_lines())


class _Async:
    """See _Sync."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def _client(self, job: Job) -> Any:
        return self._library.AsyncClient(**_options(self._library, job))

    async def stream(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with job.timing():
                async with session.stream("GET", job.url) as response:
                    await job.acount_pieces(response.aiter_bytes(job.chunk_size))

    async def content(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)

            async def fetch() -> Any:
                return (await session.get(job.url)).content

            await job.atake_whole(fetch)

    async def lines(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with job.timing():
                async with session.stream("GET", job.url) as response:
                    await job.acount_lines(response.aiter_lines())

    async def values(self, job: Job, loads: Callable[[Any], Any] = json.loads) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with job.timing():
                async with session.stream("GET", job.url) as response:
                    if hasattr(response, "aiter_json"):
                        await job.acount_values(response.aiter_json(loads=loads))
                    else:
                        await job.acount_values(loads(line) async for line in response.aiter_lines())

    async def values_orjson(self, job: Job) -> None:
        import orjson

        await self.values(job, orjson.loads)

    async def small(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)

            async def work() -> None:
                for _ in range(job.count // job.workers):
                    job.take((await session.get(job.url)).content)

            with job.timing():
                await asyncio.gather(*[work() for _ in range(job.workers)])

    async def sse(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            if hasattr(session, "sse"):
                with job.timing():
                    async with session.sse(job.url) as source:
                        await job.acount_events(source)
                return
            from httpx_sse import aconnect_sse

            with job.timing():
                async with aconnect_sse(session, "GET", job.url) as source:
                    await job.acount_events(source.aiter_sse())

    async def upload_file(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)

            async def pieces() -> Any:
                with open(job.body_file, "rb") as file:
                    while piece := file.read(65536):
                        yield piece

            if hasattr(self._library, "FileStream"):
                body, fields = self._library.FileStream(job.body_file), {}
            else:
                body, fields = pieces(), {"Content-Length": str(job.size)}
            with job.timing():
                response = await session.post(job.url, content=body, headers=fields)
            job.answered(response.text)

    async def upload_multipart(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with open(job.body_file, "rb") as body, job.timing():
                response = await session.post(job.url, files={"file": body})
            job.answered(response.text)

    async def upload_generator(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with job.timing():
                response = await session.post(job.url, content=job.abody_pieces())
            job.answered(response.text)

    async def events(self, job: Job) -> None:
        async with self._client(job) as session:
            await session.get(job.small_url)
            with job.timing():
                async with session.stream("GET", job.url) as response:
                    async for line in response.aiter_lines():
                        job.event_line(line)


def sync_programs(library: Any) -> SyncPrograms:
    """The sync programs of a library with httpx's API."""
    programs = _Sync(library)
    found: SyncPrograms = {
        "stream": programs.stream,
        "decoded": programs.stream,
        "content": programs.content,
        "lines": programs.lines,
        "sse": programs.sse,
        "values": programs.values,
        "values_orjson": programs.values_orjson,
        "small": programs.small,
        "small_threads": programs.small_threads,
        "http2": programs.small_threads,
        "upload_file": programs.upload_file,
        "upload_generator": programs.upload_generator,
        "upload_multipart": programs.upload_multipart,
        "events": programs.events,
    }
    if hasattr(library, "HTTPStream"):  # with httpx's API alone a body is no file
        found |= {"read_file": programs.read_file, "readinto_file": programs.readinto_file}
    return found


def async_programs(library: Any) -> AsyncPrograms:
    """The async programs of a library with httpx's API."""
    programs = _Async(library)
    return {
        "stream": programs.stream,
        "decoded": programs.stream,
        "content": programs.content,
        "lines": programs.lines,
        "sse": programs.sse,
        "values": programs.values,
        "values_orjson": programs.values_orjson,
        "small": programs.small,
        "small_tasks": programs.small,
        "http2": programs.small,
        "upload_file": programs.upload_file,
        "upload_generator": programs.upload_generator,
        "upload_multipart": programs.upload_multipart,
        "events": programs.events,
    }
