"""Content types: values that do not change, and the streams and fields that they become."""

from __future__ import annotations

import copy
import gzip
import io
import pickle
from pathlib import Path
from typing import Any

import anyio
import pytest

import httpstream
from httpstream import (
    HTML,
    JSON,
    ByteStream,
    Content,
    File,
    Files,
    FileStream,
    Form,
    GZipStream,
    IterStream,
    MultiPart,
    Stream,
    Text,
)

POST = ("POST", "http://host/")


def fields(request: httpstream.Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name != "host"}


@pytest.mark.parametrize(
    ("content", "body", "content_type"),
    [
        (JSON({"name": "zelda", "score": "478"}), b'{"name":"zelda","score":"478"}', "application/json"),
        (JSON("é"), '"é"'.encode(), "application/json"),
        (Form({"a": ["1", "é"]}), b"a=1&a=%C3%A9", "application/x-www-form-urlencoded"),
        (Text("é"), "é".encode(), "text/plain; charset=utf-8"),
        (HTML("<p>"), b"<p>", "text/html; charset=utf-8"),
    ],
)
def test_content_in_memory(content: Any, body: bytes, content_type: str) -> None:
    stream = content.encode()
    assert (stream.read(), stream.content_type, content.content_type) == (body, content_type, content_type)
    for given in ({"content": content}, {"data": content}, {"content": content.encode()}):
        request = httpstream.Request(*POST, **given)
        assert fields(request) == {"content-length": str(len(body)), "content-type": content_type}
        assert request.content == body


def test_json_is_what_the_argument_json_sends() -> None:
    value = {"é": [1, 2.5, None, True, {"a": "\u2028"}]}
    assert JSON(value).encode().read() == httpstream.Request(*POST, json=value).content
    for wrong in (float("nan"), object()):
        with pytest.raises((TypeError, ValueError)):
            JSON(wrong)


def test_values_do_not_change() -> None:
    values: list[Any] = [JSON([1]), Form({}), Text("x"), HTML("x"), File("a.txt"), Files({}), MultiPart()]
    for value in values:
        with pytest.raises(AttributeError, match="does not change"):
            value.content_type = "other"
        with pytest.raises(AttributeError, match="does not change"):
            del value.content_type
    data = [1]
    value = JSON(data)
    data.append(2)
    assert value.encode().read() == b"[1]"


def test_values_that_are_equal_are_one() -> None:
    assert JSON([1]) == JSON([1]) != JSON([2])
    assert Text("x") != HTML("x")
    assert File("a.txt") == File("a.txt") != File("b.txt")
    assert len({JSON([1]), JSON([1]), File("a"), File("a"), Text("[1]")}) == 3
    assert [repr(one) for one in (JSON([1]), File("a"), MultiPart({"a": "1"}, {"f": b""}))] == [
        "<JSON(3 bytes)>",
        "<File('a')>",
        "<MultiPart('a', 'f')>",
    ]


def test_a_content_type_of_ones_own_defines_encode() -> None:
    class CSV(Content):
        content_type = "text/csv"

        def encode(self) -> Stream:
            return IterStream([b"a,b\r\n"], content_type=self.content_type)

    request = httpstream.Request(*POST, content=CSV())
    assert fields(request) == {"transfer-encoding": "chunked", "content-type": "text/csv"}
    assert request.read() == b"a,b\r\n"
    with pytest.raises(NotImplementedError, match="Content does not define"):
        Content().encode()


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "upload.json"
    path.write_bytes(b'{"msg": "Hello, world!"}')
    with File(path) as stream:
        assert stream.read() == b'{"msg": "Hello, world!"}'
    assert stream.closed
    request = httpstream.Request(*POST, content=File(str(path)))
    assert fields(request) == {"content-length": "24", "content-type": "application/json"}
    assert request.read() == path.read_bytes()
    assert File(path, content_type="own/type").encode().content_type == "own/type"
    assert File("unknown").content_type == "application/octet-stream"


def test_a_file_is_read_in_the_async_world(tmp_path: Path) -> None:
    path = tmp_path / "upload.json"
    path.write_bytes(b"content")

    async def scenario() -> None:
        async with File(path) as stream, File(path) as other:
            assert await stream.aread() == await other.aread() == b"content"
        assert stream.closed
        assert other.closed
        async with MultiPart(files={"f": path}) as parts:
            assert b"content" in await parts.aread()

    anyio.run(scenario)


def test_a_str_is_a_path_in_multipart_and_content_in_files(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"the image")
    for files in ({"f": str(path)}, {"f": path}, [("f", ("image.png", str(path)))], {"f": File(path)}):
        with MultiPart(files=files) as stream:
            body = stream.read()
            assert stream.size == len(body)
        assert b'name="f"; filename="image.png"\r\nContent-Type: image/png\r\n\r\nthe image\r\n' in body
        assert Files(files).encode().read()[40:-40] == body[40:-40]
    stream = httpstream.MultiPartStream(files={"f": str(path)})
    assert str(path).encode() in stream.read()


def test_a_multipart_value_has_one_boundary(tmp_path: Path) -> None:
    value = MultiPart({"a": ["1", 2]}, {"f": ("n", io.BytesIO(b"x"))}, boundary=b"BB")
    assert value.content_type == value.encode().content_type == "multipart/form-data; boundary=BB"
    assert value.encode().read() == value.encode().read()
    request = httpstream.Request(*POST, content=value)
    assert fields(request) == {
        "content-length": str(len(value.encode().read())),
        "content-type": "multipart/form-data; boundary=BB",
    }
    value = MultiPart({"a": "1"})
    assert value.content_type == value.encode().content_type != MultiPart().content_type


def test_streams_can_be_files_of_a_form(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"from disk")
    files = {
        "disk": FileStream(path),
        "coded": ("a.gz", GZipStream(b"x", "compress")),
        "memory": JSON([1]),
        "plain": ByteStream(b"bytes"),
    }
    body = httpstream.MultiPartStream(files=files).read()
    assert b'filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfrom disk\r\n' in body
    assert b'name="memory"; filename="upload"\r\nContent-Type: application/json\r\n\r\n[1]\r\n' in body
    assert b'name="plain"; filename="upload"\r\nContent-Type: application/octet-stream\r\n\r\nbytes' in body
    assert httpstream.MultiPartStream(files=files).size is None


def test_one_file_of_a_form_is_open_at_a_time(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_bytes(b"x" * 200_000)

    def open_files() -> int:
        links = [link.resolve() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sum(path in links for path in paths)

    pieces = iter(MultiPart(files=[("f", path) for path in paths]).encode())
    assert open_files() == 0
    assert {open_files() for _ in pieces} <= {0, 1}
    assert open_files() == 0
    pieces = iter(MultiPart(files={"f": paths[0]}).encode())
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # ours has it
    assert open_files() == 0


def test_a_part_of_the_other_world_says_so() -> None:
    with pytest.raises(RuntimeError, match="IterStream is sync"):
        anyio.run(httpstream.MultiPartStream(files={"f": IterStream([b"x"])}).aread)


@pytest.mark.parametrize(
    "headers", [{"Content-Type": "own/type"}, {"Content-Length": "3"}, {"Content-Encoding": "x"}]
)
def test_fields_that_were_set_by_hand_win(headers: dict[str, str]) -> None:
    stream = GZipStream(FileStream(io.BytesIO(b"x"), content_type="text/x"), "compress")
    request = httpstream.Request(*POST, content=stream, headers=headers)
    (name,) = headers
    assert request.headers[name] == headers[name]
    assert "content-length" not in request.headers or "transfer-encoding" not in request.headers


def test_a_compressed_request_says_so() -> None:
    request = httpstream.Request(*POST, content=GZipStream(b"x", "compress"))
    assert fields(request) == {"transfer-encoding": "chunked", "content-encoding": "gzip"}
    assert gzip.decompress(request.read()) == b"x"


def test_an_empty_stream_is_no_content_as_empty_bytes_are() -> None:
    assert fields(httpstream.Request("GET", "http://h/", content=ByteStream(b""))) == {}
    assert fields(httpstream.Request("GET", "http://h/", content=Text(""))) == {
        "content-length": "0",
        "content-type": "text/plain; charset=utf-8",
    }


def test_a_response_may_be_made_of_a_stream() -> None:
    assert httpstream.Response(200, content=JSON({"a": 1})).json() == {"a": 1}
    assert httpstream.Response(200, content=IterStream([b"a", b"b"])).read() == b"ab"


def test_values_can_be_copied_and_pickled(tmp_path: Path) -> None:
    values: list[Any] = [
        JSON([1]),
        Form({"a": "1"}),
        File("a.txt"),
        MultiPart({"a": "1"}, {"f": ("n", b"x")}),
    ]
    for value in values:
        for again in (copy.copy(value), pickle.loads(pickle.dumps(value))):
            assert again.content_type == value.content_type
            assert repr(again) == repr(value)
    assert pickle.loads(pickle.dumps(JSON([1]))) == JSON([1])


def test_a_content_type_beyond_ascii_is_utf_8_and_adds_no_line() -> None:
    request = httpstream.Request(*POST, content=IterStream([b"x"], content_type="text/é"))
    assert (b"Content-Type", "text/é".encode()) in request.headers.raw
    transport = httpstream.HTTPTransport()
    with pytest.raises(httpstream.LocalProtocolError), transport:
        transport.handle_request(
            httpstream.Request(*POST, content=IterStream([b"x"], content_type="text/x\r\nX-Added: 1"))
        )
