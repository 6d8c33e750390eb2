"""Files that are awaited (of anyio, trio, web frameworks) as content, in forms, compressed."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from httpstream import AsyncIterStream, FileStream, GZipStream, Request
from httpstream._streams import can_be_sent_again

CONTENT = b"a line\n" * 30_000


class Upload:
    """As frameworks hand over what they received: no iterable, but a read that is awaited."""

    filename = name = "upload.txt"

    def __init__(self, content: bytes) -> None:
        self._left = content

    async def read(self, size: int = -1) -> bytes:
        taken, self._left = self._left[:size], self._left[size:]
        return taken


@asynccontextmanager
async def upload(path: Path) -> AsyncIterator[Any]:
    yield Upload(path.read_bytes())


@asynccontextmanager
async def anyio_file(path: Path) -> AsyncIterator[Any]:
    async with await anyio.open_file(path, "rb") as file:
        yield file


@asynccontextmanager
async def trio_file(path: Path) -> AsyncIterator[Any]:
    import trio

    async with await trio.open_file(path, "rb") as file:
        yield file


FILES = {"anyio": (anyio_file, "asyncio"), "trio": (trio_file, "trio"), "a framework": (upload, "asyncio")}
files = pytest.mark.parametrize(("opened", "loop"), FILES.values(), ids=FILES)


def run(opened: Callable[[Path], Any], loop: str, tmp_path: Path, use: Callable[[Any], Any]) -> Any:
    path = tmp_path / "upload.txt"
    path.write_bytes(CONTENT)

    async def scenario() -> Any:
        async with opened(path) as file:
            return await use(file)

    return anyio.run(scenario, backend=loop)


@files
def test_an_async_file_is_content_in_large_pieces(opened: Any, loop: str, tmp_path: Path) -> None:
    async def use(file: Any) -> None:
        request = Request("POST", "http://host/", content=file)
        assert request.headers["Transfer-Encoding"] == "chunked"
        pieces = [piece async for piece in request.stream]  # type: ignore[union-attr]
        assert b"".join(pieces) == CONTENT
        assert len(pieces) == 4  # not a piece per line
        assert not can_be_sent_again(request.stream)

    run(opened, loop, tmp_path, use)


@files
def test_an_async_file_is_a_part_of_a_form(opened: Any, loop: str, tmp_path: Path) -> None:
    async def use(file: Any) -> None:
        request = Request("POST", "http://host/", files={"f": file}, data={"a": "1"})
        assert request.headers["Transfer-Encoding"] == "chunked"
        body = await request.aread()
        assert b'filename="upload.txt"\r\nContent-Type: text/plain\r\n\r\n' + CONTENT + b"\r\n--" in body

    run(opened, loop, tmp_path, use)


@files
def test_an_async_file_is_compressed(opened: Any, loop: str, tmp_path: Path) -> None:
    async def use(file: Any) -> None:
        assert gzip.decompress(await GZipStream(file, "compress").aread()) == CONTENT

    run(opened, loop, tmp_path, use)


def test_an_async_file_belongs_to_the_async_world() -> None:
    with pytest.raises(TypeError, match="async file"):
        FileStream(Upload(b""))
    request = Request("POST", "http://host/", content=Upload(b""))  # type: ignore[arg-type]
    assert isinstance(request.stream, AsyncIterStream)
    with pytest.raises(RuntimeError, match="aread"):
        request.read()
