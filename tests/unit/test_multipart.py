"""Files and form fields as one stream: what is refused, how it is cut, and when it can be sent again."""

from __future__ import annotations

import array
import io
import os
from pathlib import Path
from typing import Any

import pytest

import httpstream
from httpstream._exceptions import StreamConsumed
from httpstream._multipart import DataField, FileField, MultipartStream
from httpstream._streams import can_be_sent_again
from tests.unit.test_streams import finish, pieces_of

PIECE = 64 * 1024


class Once:
    """A file that can only be read, and that notes what it is asked for."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)
        self.asked: list[int] = []

    def read(self, size: int) -> bytes:
        self.asked.append(size)
        return self._inner.read(size)


def stream_of(files: Any, data: Any = None) -> MultipartStream:
    return MultipartStream(data or {}, files, b"B")


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\rb", "a\0b"])
def test_a_field_value_adds_no_line_to_the_head_of_a_part(value: str) -> None:
    for file in (("n", b"x", value), ("n", b"x", None, {"X-A": value})):
        with pytest.raises(ValueError, match="cannot stand in the head"):
            httpstream.Request("POST", "http://h/", files={"f": file})


@pytest.mark.parametrize("name", ["", "X A", "X-A:", "X\r\nY", "X\0", "é", "X\n"])
def test_a_field_name_in_the_head_of_a_part_is_a_token(name: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in the head"):
        httpstream.Request("POST", "http://h/", files={"f": ("n", b"x", None, {name: "1"})})


@pytest.mark.parametrize("boundary", [b"a\r\nb", b"a\0", b"\xff"])
def test_a_boundary_adds_no_line(boundary: bytes) -> None:
    with pytest.raises(ValueError, match="not a boundary"):
        MultipartStream({}, {"f": b""}, boundary)


def test_the_field_values_of_a_part_are_text() -> None:
    with pytest.raises(TypeError, match="must be str"):
        httpstream.Request("POST", "http://h/", files={"f": ("n", b"x", None, {"X-A": b"1"})})  # type: ignore[dict-item]  # the mistake


@pytest.mark.parametrize("content", [None, 5, Path("x"), [b"x"], {"a": 1}])
def test_what_is_no_file_is_refused_at_once(content: Any) -> None:
    for file in (content, ("name", content)):
        with pytest.raises(TypeError):
            FileField("f", file)


@pytest.mark.parametrize("content", [bytearray(b"\x01\x02"), memoryview(array.array("H", [0x0201]))])
def test_any_bytes_are_a_file(content: Any) -> None:
    assert b"".join(FileField("f", content).render_data()) == b"\x01\x02"


def test_the_mapping_of_field_lines_stays_as_it_is() -> None:
    given = {"X-A": "1"}
    field = FileField("f", ("a.txt", b"", None, given))
    assert field.headers == {"X-A": "1", "Content-Type": "text/plain"}
    assert given == {"X-A": "1"}


def test_what_is_small_goes_out_in_one_piece() -> None:
    stream = stream_of({"f": ("a", b"1"), "g": ("b", io.BytesIO(b"2"))}, {"c": "3"})
    assert len(list(stream)) == 1
    assert len(pieces_of(stream)) == 1


def test_a_large_file_is_read_in_pieces_and_not_copied_together() -> None:
    file = Once(b"x" * (10 * PIECE))
    pieces = [len(piece) for piece in stream_of({"f": file})]
    assert set(file.asked) == {PIECE}
    assert pieces.count(PIECE) >= 8
    assert max(pieces) < 2 * PIECE


def test_large_content_in_memory_is_not_copied() -> None:
    content = b"x" * PIECE
    assert any(piece is content for piece in stream_of({"f": content}))


def test_a_file_that_can_tell_but_not_seek_is_sent_once() -> None:
    class Telling(Once):
        def tell(self) -> int:
            return self._inner.tell()

    stream = stream_of({"f": Telling(b"content")})
    assert b"content" in b"".join(stream)
    assert not can_be_sent_again(stream)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    file = Once(b"x")
    stream = stream_of({"f": file})
    pieces = iter(stream)
    assert iter(pieces) is pieces
    assert aiter(aiter(stream)) is not None
    assert stream.get_content_length() is None
    assert file.asked == []


def test_the_size_is_known_when_that_of_each_part_is(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 100_000)
    with path.open("rb") as file:
        stream = stream_of({"f": file, "g": b"1", "h": "é", "i": io.BytesIO(b"2")}, {"a": "é"})
        assert stream.get_content_length() == len(b"".join(stream))


def test_files_that_can_seek_can_be_sent_again() -> None:
    file = io.BytesIO(b"content")
    stream = stream_of({"f": file, "g": b"1"})
    first = b"".join(stream)
    assert can_be_sent_again(stream)
    assert b"".join(stream) == b"".join(pieces_of(stream)) == first
    file.close()
    assert not can_be_sent_again(stream)


def test_a_file_that_cannot_seek_is_sent_once() -> None:
    stream = stream_of({"f": Once(b"content")})
    assert can_be_sent_again(stream)
    list(stream)
    assert not can_be_sent_again(stream)
    with pytest.raises(StreamConsumed):
        list(stream)
    with pytest.raises(StreamConsumed):
        finish(anext(aiter(stream)))  # type: ignore[arg-type]  # our __anext__ is a coroutine function


def test_a_pipe_is_sent_chunked_and_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"content")
    os.close(writing)
    with open(reading, "rb") as file:
        stream = stream_of({"f": file})
        assert stream.get_headers()["Transfer-Encoding"] == "chunked"
        assert b"\r\n\r\ncontent\r\n" in b"".join(stream)
        assert not can_be_sent_again(stream)


def test_errors_name_what_was_wrong() -> None:
    with pytest.raises(TypeError, match="form field must be str, not <class 'bytes'>"):
        DataField(b"a", "x")  # type: ignore[arg-type]  # the mistake that is tested
    with pytest.raises(TypeError, match="binary mode"):
        FileField("f", io.StringIO())  # type: ignore[arg-type]  # as above
    with pytest.raises(ValueError, match="2 to 4 members, not 5"):
        FileField("f", ("a", b"", None, {}, 5))  # type: ignore[arg-type]  # as above
    with pytest.raises(TypeError, match="the filename of a part must be str"):
        FileField("f", (Path("a"), b"")).render_headers()  # type: ignore[arg-type]  # as above
