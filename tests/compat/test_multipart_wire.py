"""``files=`` through the clients: what the server gets from both libraries."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.compat.harness import Lib, same

FIXED = {"Content-Type": "multipart/form-data; boundary=BOUNDARY"}


async def posted(lib: Lib, headers: Any = FIXED, **content: Any) -> Any:
    """Send a request with files, and give what came: the fields of its head, and its content without framing."""
    request = lib.httpx.Request("POST", lib.site.url + "/a", headers=headers, **content)
    async with lib.client() as client:
        response = await client.send(request)
    (received,) = lib.site.received
    return (
        response.status_code,
        received.fields,
        unframed(received.content, received.field(b"transfer-encoding")),
    )


def unframed(content: bytes, coding: bytes | None) -> bytes:
    """Content without its chunks: where they are cut is each library's own."""
    if coding is None:
        return content
    whole = b""
    while content:
        line, _, content = content.partition(b"\r\n")
        size = int(line, 16)
        whole, content = whole + content[:size], content[size + 2 :]
    return whole


@same("a form with a small file goes out otherwise")
async def test_a_form_with_a_small_file(lib: Lib) -> Any:
    return await posted(lib, data={"a": ["1", "2"]}, files={"f": ("a.txt", io.BytesIO(b"content"))})


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 1_000_000])
@same("a file of some size is cut or framed otherwise")
async def test_a_file_on_disk(lib: Lib, tmp_path: Path, size: Any) -> Any:
    path = tmp_path / "a.bin"
    path.write_bytes((b"0123456789abcdef" * (size // 16 + 1))[:size])
    with path.open("rb") as file:
        return await posted(lib, files={"f": file, "g": ("b.txt", b"behind")})


@same("a file of unknown size is sent with a length")
async def test_a_file_of_unknown_size(lib: Lib) -> Any:
    class Unknown:
        def __init__(self) -> None:
            self._inner = io.BytesIO(b"content" * 20_000)

        def read(self, size: int) -> bytes:
            return self._inner.read(size)

    return await posted(lib, files={"f": Unknown()})


@same("a name adds a line to the wire")
async def test_names_add_no_line_to_the_wire(lib: Lib) -> Any:
    name = "x\r\nX-Added: 1\r\n\r\n--BOUNDARY"
    return await posted(lib, data={name: "1"}, files={name: (name, b"content")})


@same("the same request cannot be sent twice")
async def test_a_request_with_a_file_can_be_sent_twice(lib: Lib) -> Any:
    request = lib.httpx.Request(
        "POST", lib.site.url + "/a", headers=FIXED, files={"f": io.BytesIO(b"content" * 20_000)}
    )
    async with lib.client() as client:
        await client.send(request)
        await client.send(request)
    return lib.site.wire


@same("an empty file is not sent")
async def test_an_empty_file(lib: Lib) -> Any:
    return await posted(lib, files={"f": ("a.txt", b""), "g": io.BytesIO()})


@same("a file that fails while it is read raises something else")
async def test_a_file_that_fails(lib: Lib) -> Any:
    class Failing:
        def read(self, size: int) -> bytes:
            raise ZeroDivisionError

    request = lib.httpx.Request("POST", lib.site.url + "/a", files={"f": Failing()})
    async with lib.client() as client:
        return await lib.caught(lambda: client.send(request))
