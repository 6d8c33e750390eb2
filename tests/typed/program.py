"""A user's program, for a type checker: it is checked, not run. Each line must be what its annotation says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpstream as httpx


def show(done: int, total: int | None) -> None:
    print(done, total)


def as_files(client: httpx.Client) -> None:
    with client.stream("GET", "https://example.org/") as response:
        stream: httpx.Stream = response.stream
        head: bytes = stream.read(10)
        count: int = stream.readinto(memoryview(bytearray(10)))
        line: bytes = stream.readline()
        size: int | None = stream.size
        coding: str | None = stream.content_encoding
        print(head, count, line, size, coding, stream.content_type, stream.closed, stream.tell())
        with httpx.GZipStream(response.stream) as unpacked:
            values: list[Any] = list(unpacked.iter_json())
            text: list[str] = list(unpacked.iter_lines())
            lines: list[bytes] = list(unpacked.iter_lines_bytes())
            events: list[httpx.ServerSentEvent] = list(unpacked.iter_events())
            print(values, text, lines, events)
        total: int | None = response.num_bytes_total
        trailers: httpx.Headers = response.trailers
        print(total, trailers, response.num_bytes_downloaded)


def consumers(client: httpx.Client) -> None:
    with client.stream("GET", "https://example.org/") as response:
        shutil.copyfileobj(response.stream, io.BytesIO())
        json.load(response.stream)
        with tarfile.open(fileobj=response.stream, mode="r|gz") as archive:
            archive.next()
        with gzip.open(response.stream) as file:
            file.read()
        csv.reader(io.TextIOWrapper(response.stream))
        io.BufferedReader(response.stream)


def contents(client: httpx.Client) -> None:
    client.post("https://example.org/", content=httpx.FileStream(Path("a"), content_type="text/plain"))
    client.post("https://example.org/", content=httpx.ByteStream(b""))
    client.post("https://example.org/", content=httpx.IterStream([b"a"], size=1))
    client.post("https://example.org/", content=httpx.GZipStream(httpx.JSON({}), mode="compress", level=9))
    client.post("https://example.org/", content=httpx.File("a"))
    client.post("https://example.org/", content=httpx.MultiPart({"a": "b"}, {"c": "d"}))
    client.post("https://example.org/", content=httpx.Files({"c": Path("d")}))
    client.post("https://example.org/", data=httpx.Form({"a": ["b", "c"]}))
    client.post("https://example.org/", data=httpx.Text("a"))
    client.post("https://example.org/", content=httpx.HTML("a"), extensions={"on_progress": show})
    client.post(
        "https://example.org/", files={"a": httpx.FileStream("b"), "c": ("d", httpx.JSON(1), "text/plain")}
    )
    with open("b", "rb") as file:
        client.post("https://example.org/", files={"a": file, "c": ("d", b"e")})
        client.post("https://example.org/", content=file)
    with httpx.File("a") as opened, httpx.MultiPart(files={"a": "b"}) as form:
        print(opened.read(), opened.size, form.read(), form.boundary)


async def in_the_async_world(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "https://example.org/") as response:
        head: bytes = await response.stream.aread(10)
        async for line in response.stream.aiter_lines():
            print(head, line.upper())
        async for value in response.aiter_json(loads=json.loads):
            print(value)
        async for event in response.aiter_events():
            print(event.data.upper())
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for piece in response.stream:
            print(piece.hex())
    async with httpx.FileStream("a") as file:
        await client.post("https://example.org/", content=file)


class Numbers(httpx.Stream, httpx.SyncByteStream, httpx.AsyncByteStream):
    content_type = "text/plain"

    def __iter__(self) -> Iterator[bytes]:
        yield b"1"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"1"

    def can_be_sent_again(self) -> bool:
        return True


class Upper(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            yield piece.upper()

    def close(self) -> None:
        self._stream.close()


class Transport(httpx.BaseTransport):
    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = Upper(response.stream)
        return httpx.Response(response.status_code, headers=response.headers, stream=Upper(Numbers()))


class CSV(httpx.Content):
    content_type = "text/csv"

    def encode(self) -> httpx.Stream:
        stream = httpx.ByteStream(b"a,b")
        stream.content_type = self.content_type
        return stream


def duplex() -> bytes:
    stream = httpx.DuplexStream(b"a")
    stream.write(b"b")
    stream.feed(b"c")
    return stream.written + stream.read()


def of_every_kind(path: Path) -> Iterator[httpx.Stream]:
    """Each class is a Stream, and each module-level function takes one."""
    yield httpx.ByteStream(b"a")
    yield httpx.FileStream(path).open()
    yield httpx.MultiPartStream({"a": "b"}, {"c": b"d"}, boundary=b"e")
    yield httpx.AsyncIterStream(Numbers())
    yield httpx.post("https://example.org/", content=httpx.ByteStream(b"a")).stream
    yield httpx.Response(200, stream=httpx.ByteStream(b"a")).stream
    name: str = httpx.FileStream(path).name
    stream: httpx.HTTPStream | None = None
    print(name, stream)
