"""What Python and its users do with a binary file, done with streams: every method, any memory, zip files, digests."""

from __future__ import annotations

import array
import ctypes
import hashlib
import inspect
import io
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import httpstream
from httpstream import ByteStream, DuplexStream, FileStream, GZipStream, IterStream, Response
from httpstream._streams import can_be_sent_again
from tests.unit.test_stream_reading import CONTENT, sync_streams


def test_a_stream_has_every_method_of_a_raw_file() -> None:
    public = {name for name in dir(io.RawIOBase) if not name.startswith("_")}
    assert {name for name in public if not hasattr(httpstream.Stream, name)} == set()


@sync_streams
def test_lines_are_those_of_a_file(make: Callable[[bytes], Any]) -> None:
    file = io.BytesIO(CONTENT)
    assert make(CONTENT).readlines() == file.readlines()
    for hint in (None, 0, 1, 11, 12, 1000):
        file.seek(0)
        assert make(CONTENT).readlines(hint) == file.readlines(hint)
    assert make(CONTENT).readall() == CONTENT


@pytest.mark.parametrize("name", ["bytes", "text", "lines", "lines_bytes", "json", "events"])
def test_the_iterators_take_what_those_of_a_response_take(name: str) -> None:
    for prefix in ("iter_", "aiter_"):
        own, response_s = (
            inspect.signature(getattr(kind, prefix + name)).parameters.values()
            for kind in (httpstream.Stream, Response)
        )
        assert [(each.name, each.kind) for each in own] == [(each.name, each.kind) for each in response_s]
    assert list(ByteStream(b"1\n2").iter_json(loads=None)) == [1, 2]
    assert list(Response(200, content=b"1\n2").iter_json(loads=None)) == [1, 2]


def test_lines_are_written_one_after_the_other() -> None:
    stream = DuplexStream()
    stream.writelines([b"a\n", bytearray(b"b\n")])
    assert stream.written == b"a\nb\n"
    with pytest.raises(NotImplementedError):
        ByteStream(b"").writelines([b"a"])


def test_what_a_stream_has_not_is_an_unsupported_operation() -> None:
    for use in (ByteStream(b"").fileno, ByteStream(b"").truncate):
        with pytest.raises(io.UnsupportedOperation, match="ByteStream"):
            use()


MEMORY: dict[str, Callable[[], Any]] = {
    "bytearray": lambda: bytearray(8),
    "array of int": lambda: array.array("I", [0, 0]),
    "array of ctypes": lambda: (ctypes.c_uint16 * 4)(),
    "two dimensions": lambda: memoryview(bytearray(8)).cast("B", [2, 4]),
}


@sync_streams
@pytest.mark.parametrize("memory", MEMORY.values(), ids=MEMORY)
def test_any_memory_is_filled_by_its_bytes(make: Callable[[bytes], Any], memory: Callable[[], Any]) -> None:
    stream, into = make(CONTENT), memory()
    count = stream.readinto(into)
    assert 0 < count <= 8
    assert memoryview(into).tobytes()[:count] == CONTENT[:count]
    assert stream.read() == CONTENT[count:]


@sync_streams
@pytest.mark.parametrize(
    "memory", [b"1234", memoryview(bytearray(8))[::2], "text"], ids=["bytes", "gaps", "text"]
)
def test_memory_that_cannot_be_filled_is_refused_and_nothing_is_lost(
    make: Callable[[bytes], Any], memory: Any
) -> None:
    stream = make(CONTENT)
    with pytest.raises(TypeError):
        stream.readinto(memory)
    assert stream.read() == CONTENT


@sync_streams
def test_memory_of_no_size_is_full(make: Callable[[bytes], Any]) -> None:
    stream = make(CONTENT)
    assert stream.readinto(bytearray()) == stream.readinto(array.array("I")) == 0
    assert stream.read() == CONTENT


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_byte_stream_of_other_memory_gives_bytes(kind: Any) -> None:
    stream = ByteStream(kind(b"content"))
    assert [type(piece) for piece in (stream.read(3), stream.read(100))] == [bytes, bytes]
    stream.seek(2)
    assert stream.readline() == b"ntent"


@pytest.mark.parametrize("whence", [-1, 3])
def test_a_place_is_counted_from_beginning_cursor_or_end(whence: int) -> None:
    with pytest.raises(ValueError, match="whence"):
        ByteStream(b"abc").seek(0, whence)


@pytest.mark.parametrize("make", [ByteStream, lambda content: FileStream(io.BytesIO(content))])
def test_a_zip_file_is_read_from_a_stream(make: Callable[[bytes], Any]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", CONTENT * 1000)
        file.writestr("b.txt", b"")
    with zipfile.ZipFile(make(packed.getvalue())) as file:
        assert file.namelist() == ["a.txt", "b.txt"]
        assert file.testzip() is None
        assert file.read("a.txt") == CONTENT * 1000


@sync_streams
def test_copies_and_digests_are_those_of_the_content(make: Callable[[bytes], Any]) -> None:
    copy = io.BytesIO()
    shutil.copyfileobj(make(CONTENT), copy)
    assert copy.getvalue() == CONTENT
    if sys.version_info >= (3, 11):
        digest = hashlib.file_digest(make(CONTENT), "sha256")
        assert digest.hexdigest() == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_that_is_given_by_its_name_is_sent_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    stream = FileStream(path)
    assert can_be_sent_again(stream)
    pieces = iter(stream)  # opened with its first piece
    assert not can_be_sent_again(stream)
    with pytest.raises(httpstream.StreamConsumed):
        iter(stream)
    pieces.close()  # type: ignore[attr-defined]


def test_a_content_type_can_be_compressed() -> None:
    stream = GZipStream(httpstream.JSON({"a": 1}), "compress")
    assert (stream.content_type, stream.content_encoding) == ("application/json", "gzip")
    assert GZipStream(stream).read() == b'{"a":1}'


# -- the streams of responses that are made by hand -------------------------------------------------

MADE: dict[str, Callable[[], Any]] = {
    "bytes": lambda: CONTENT,
    "a ByteStream": lambda: ByteStream(CONTENT),
    "a generator": lambda: (piece for piece in (CONTENT[:5], CONTENT[5:])),
    "an IterStream": lambda: IterStream(iter([CONTENT])),
    "a FileStream": lambda: FileStream(io.BytesIO(CONTENT)),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_the_stream_of_a_mocked_response_that_was_read_gives_its_content(make: Callable[[], Any]) -> None:
    transport = httpstream.MockTransport(lambda request: Response(200, content=make()))
    with httpstream.Client(transport=transport) as client:
        response = client.get("http://host/")
        assert response.stream.read(10) == CONTENT[:10]
        assert response.stream.readline() == b"\n"
        with client.stream("GET", "http://host/") as response:
            assert response.read() == CONTENT
        assert response.stream.read() == CONTENT


def test_a_byte_stream_that_is_given_to_a_response_stays_its_stream() -> None:
    stream = ByteStream(b"given")
    assert Response(200, stream=stream).read() == b"given"
    response = Response(200, content=stream)
    assert response.stream is stream
    stream.read()
    assert Response(200, content=stream).stream.read() == b"given"  # of another response, from the beginning


def test_the_stream_of_a_response_that_was_pickled_says_that_it_is_closed() -> None:
    response = pickle.loads(pickle.dumps(Response(200, content=b"content")))
    assert response.content == b"content"
    with pytest.raises(httpstream.StreamClosed):
        response.stream.read()
