"""Content as the caller gives it, to header fields and a stream of pieces."""

from __future__ import annotations

import array
import gzip
import io
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpstream._content import AsyncIteratorByteStream, IteratorByteStream, encode_request, encode_response
from httpstream._exceptions import StreamConsumed
from httpstream._streams import ByteStream, can_be_sent_again
from tests.unit.test_streams import finish, pieces_of

CHUNKED = {"Transfer-Encoding": "chunked"}
BIG = bytes(range(256)) * 1024  # 256 KiB: several reads of a file


def sent(encoded: tuple[dict[str, str], Any]) -> tuple[dict[str, str], bytes]:
    fields, stream = encoded
    return fields, b"".join(stream)


class AsyncPieces:
    """An async iterator, written as a class, as a user may."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = iter(pieces)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class AsyncList:
    """An async iterable that can be iterated again."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncPieces(b"a", b"b")


class AsyncFile:
    """A file as an async library has it."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("a file is read in pieces, not in lines")

    async def aread(self, size: int) -> bytes:
        return self._file.read(size)


def test_no_content_has_no_fields_and_no_bytes() -> None:
    assert sent(encode_request()) == ({}, b"")
    assert sent(encode_response()) == ({}, b"")


@pytest.mark.parametrize("content", ["é", "é".encode(), bytearray("é".encode()), memoryview("é".encode())])
def test_text_and_bytes_have_a_content_length_in_bytes(content: Any) -> None:
    assert sent(encode_request(content=content)) == ({"Content-Length": "2"}, "é".encode())


def test_a_memoryview_of_numbers_is_its_bytes() -> None:
    numbers = array.array("H", [1, 2, 3])
    fields, body = sent(encode_request(content=memoryview(numbers)))  # type: ignore[arg-type]  # not in httpx
    assert fields == {"Content-Length": "6"}
    assert body == numbers.tobytes()


def test_empty_content_has_no_fields() -> None:
    assert sent(encode_request(content=b"")) == sent(encode_request(content="")) == ({}, b"")


def test_an_iterable_is_sent_chunked() -> None:
    assert sent(encode_request(content=[b"a", b"b"])) == (CHUNKED, b"ab")
    assert sent(encode_request(content=(piece for piece in [b"a", b"b"]))) == (CHUNKED, b"ab")


def test_an_async_iterable_is_sent_chunked() -> None:
    fields, stream = encode_request(content=AsyncPieces(b"a", b"b"))
    assert fields == CHUNKED
    assert isinstance(stream, AsyncIteratorByteStream)
    assert pieces_of(stream) == [b"a", b"b"]


def test_an_async_file_is_read_in_pieces() -> None:
    stream = AsyncIteratorByteStream(AsyncFile(BIG))
    pieces = pieces_of(stream)
    assert b"".join(pieces) == BIG
    assert {len(piece) for piece in pieces} == {64 * 1024}
    with pytest.raises(StreamConsumed):
        aiter(stream)


@pytest.mark.parametrize("make", [lambda: iter([b"a", b"b"]), lambda: (piece for piece in [b"a", b"b"])])
def test_an_iterator_can_be_streamed_only_once(make: Callable[[], Iterator[bytes]]) -> None:
    """Sending it again would send nothing, silently."""
    stream = IteratorByteStream(make())
    assert b"".join(stream) == b"ab"
    with pytest.raises(StreamConsumed):
        iter(stream)


def test_an_async_iterator_can_be_streamed_only_once() -> None:
    stream = AsyncIteratorByteStream(AsyncPieces(b"a", b"b"))
    assert pieces_of(stream) == [b"a", b"b"]
    with pytest.raises(StreamConsumed):
        aiter(stream)


def test_an_async_generator_can_be_streamed_only_once() -> None:
    async def generate() -> AsyncIterator[bytes]:
        yield b"a"

    stream = AsyncIteratorByteStream(generate())
    assert pieces_of(stream) == [b"a"]
    with pytest.raises(StreamConsumed):
        aiter(stream)


def test_a_list_or_another_iterable_can_be_streamed_again() -> None:
    stream = IteratorByteStream([b"a", b"b"])
    assert b"".join(stream) == b"".join(stream) == b"ab"
    again = AsyncIteratorByteStream(AsyncList())
    assert pieces_of(again) == pieces_of(again) == [b"a", b"b"]


def test_a_file_has_a_length_is_read_in_pieces_and_can_be_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(BIG)
    with path.open("rb") as file:
        fields, stream = encode_request(content=file)
        assert fields == {"Content-Length": str(len(BIG))}
        assert isinstance(stream, IteratorByteStream)
        assert {len(piece) for piece in stream} == {64 * 1024}
        assert b"".join(stream) == BIG


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_file_counts_from_where_it_stands(tmp_path: Path, buffering: int) -> None:
    path = tmp_path / "content"
    path.write_bytes(b"0123456789")
    with path.open("rb", buffering=buffering) as file:
        file.read(4)
        fields, stream = encode_request(content=file)
        for _ in range(2):
            assert sent((fields, stream)) == ({"Content-Length": "6"}, b"456789")


def test_what_was_written_to_a_file_and_not_yet_flushed_counts(tmp_path: Path) -> None:
    with (tmp_path / "content").open("w+b") as file:
        file.write(b"0123456789")
        file.seek(2)
        file.write(b"xy")
        file.seek(0)
        assert sent(encode_request(content=file)) == ({"Content-Length": "10"}, b"01xy456789")


def test_a_gzip_file_counts_what_it_gives_and_not_its_size_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "content.gz"
    path.write_bytes(gzip.compress(BIG))
    with gzip.open(path) as file:
        assert sent(encode_request(content=file)) == ({"Content-Length": str(len(BIG))}, BIG)


def test_files_in_memory_have_a_length() -> None:
    assert sent(encode_request(content=io.BytesIO(b"12345"))) == ({"Content-Length": "5"}, b"12345")
    with tempfile.SpooledTemporaryFile() as file:
        file.write(b"12345")
        file.seek(1)
        assert sent(encode_request(content=file)) == ({"Content-Length": "4"}, b"2345")


def test_a_file_that_is_past_its_end_sends_nothing() -> None:
    file = io.BytesIO(b"12345")
    file.seek(9)
    assert sent(encode_request(content=file)) == ({"Content-Length": "0"}, b"")


def test_a_pipe_is_sent_chunked_and_only_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"12345")
    os.close(writing)
    with open(reading, "rb") as file:
        fields, stream = encode_request(content=file)
        assert sent((fields, stream)) == (CHUNKED, b"12345")
        assert isinstance(stream, IteratorByteStream)
        with pytest.raises(StreamConsumed):
            iter(stream)


def test_a_device_is_sent_chunked() -> None:
    with open(os.devnull, "rb") as file:
        assert sent(encode_request(content=file)) == (CHUNKED, b"")


def test_a_file_in_text_mode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_text("text")
    with path.open() as file, pytest.raises(TypeError, match="binary mode"):
        encode_request(content=file)  # type: ignore[arg-type]  # the mistake that is tested
    with pytest.raises(TypeError, match="binary mode"):
        encode_request(content=io.StringIO("text"))  # type: ignore[arg-type]  # as above


def test_a_closed_file_is_refused() -> None:
    file = io.BytesIO(b"12345")
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        encode_request(content=file)


@pytest.mark.parametrize("content", [{"a": 1}, 5, object()])
def test_content_of_another_type_is_refused(content: Any) -> None:
    with pytest.raises(TypeError, match="content must be"):
        encode_request(content=content)


def test_content_wins_over_data_and_data_over_json() -> None:
    assert sent(encode_request(content=b"c", data={"d": "1"}, json={}))[1] == b"c"
    assert sent(encode_request(data={"d": "1"}, json={}))[1] == b"d=1"
    assert sent(encode_request(data={}, json={}))[1] == b"{}"


def test_raw_bytes_as_data_are_content_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match="content="):
        encoded = encode_request(data=b"raw")  # type: ignore[arg-type]  # accepted, as requests has it
    assert sent(encoded) == ({"Content-Length": "3"}, b"raw")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_json_has_no_nan(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_request(json=[value])


def test_json_is_compact_utf_8() -> None:
    fields, body = sent(encode_request(json={"name": "é", "list": [1, None]}))
    assert body == '{"name":"é","list":[1,null]}'.encode()
    assert fields == {"Content-Length": "29", "Content-Type": "application/json"}


FORMS: list[dict[Any, Any]] = [
    {"a": "1"},
    {"a": [1, 2.5, None, True, False], "b": ()},
    {"é": "é &=+/?#"},
    {"t": ("a", "b"), "u": ""},
    {"x": b"y"},
    {b"k": "v", 1: 2},
]
# Characters that some encoding treats in a special way.
ODD = 'a0é☃😀 &=+%/"\\\n\t\x00\x7f\x85\u2028'
plain = st.one_of(st.text(ODD, max_size=6), st.integers(), st.booleans(), st.none())
JSON = st.recursive(
    plain, lambda inner: st.lists(inner) | st.dictionaries(st.text("aé", max_size=3), inner), max_leaves=6
)


@pytest.mark.parametrize("data", FORMS)
def test_forms_are_the_bytes_that_httpx_sends(data: Any) -> None:
    content = pytest.importorskip("httpx._content")
    assert sent(encode_request(data=data)) == sent(content.encode_request(data=data))


@settings(deadline=None)
@given(data=st.dictionaries(st.text("aé& ", max_size=3), plain | st.lists(plain, max_size=3), max_size=3))
def test_any_form_is_the_bytes_that_httpx_sends(data: Any) -> None:
    content = pytest.importorskip("httpx._content")
    assert sent(encode_request(data=data)) == sent(content.encode_request(data=data))


@settings(deadline=None)
@given(value=JSON)
def test_any_json_is_the_bytes_that_httpx_sends(value: Any) -> None:
    content = pytest.importorskip("httpx._content")
    assert sent(encode_request(json=value)) == sent(content.encode_request(json=value))
    assert sent(encode_response(json=value)) == sent(content.encode_response(json=value))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"content": b"x"},
        {"content": ""},
        {"content": [b"a"]},
        {"text": "é"},
        {"text": ""},
        {"html": "<p>é"},
        {"json": 0},
    ],
)
def test_content_of_a_response_is_what_it_is_in_httpx(kwargs: dict[str, Any]) -> None:
    content = pytest.importorskip("httpx._content")
    assert sent(encode_response(**kwargs)) == sent(content.encode_response(**kwargs))


def test_content_in_memory_is_a_byte_stream_for_both_worlds() -> None:
    for _, stream in (encode_request(content="x"), encode_request(json=1), encode_response(text="x")):
        assert isinstance(stream, ByteStream)


def test_an_empty_async_file_gives_nothing() -> None:
    assert pieces_of(AsyncIteratorByteStream(AsyncFile(b""))) == []


def test_the_pieces_of_a_file_are_iterators() -> None:
    pieces = iter(IteratorByteStream(io.BytesIO(b"a")))
    assert iter(pieces) is pieces
    more = aiter(AsyncIteratorByteStream(AsyncFile(b"a")))
    assert aiter(more) is more


def test_a_stream_of_pieces_can_be_closed() -> None:
    IteratorByteStream([b"a"]).close()
    finish(AsyncIteratorByteStream(AsyncPieces()).aclose())


def streamed(stream: Any) -> Any:
    if hasattr(stream, "__iter__"):
        list(stream)
    else:
        pieces_of(stream)
    return stream


def test_what_can_be_iterated_again_can_be_sent_again() -> None:
    again: list[Any] = [b"x", "", [b"a"], io.BytesIO(b"x"), AsyncList()]
    for content in again:
        _, stream = encode_request(content=content)
        assert can_be_sent_again(stream)
        assert can_be_sent_again(streamed(stream))


def test_an_iterator_that_has_been_sent_cannot_be_sent_again() -> None:
    once: list[Any] = [iter([b"a"]), AsyncPieces(b"a")]
    for content in once:
        _, stream = encode_request(content=content)
        assert can_be_sent_again(stream)
        assert not can_be_sent_again(streamed(stream))
    assert not can_be_sent_again(streamed(AsyncIteratorByteStream(AsyncFile(b"x"))))


def test_a_stream_that_does_not_say_whether_it_can_be_sent_again_cannot() -> None:
    assert not can_be_sent_again(object())


def test_one_class_may_inherit_the_streams_of_both_worlds() -> None:
    """Test libraries make such a class; with slots in both bases Python refuses it."""

    class Both(AsyncIteratorByteStream, IteratorByteStream):
        def __init__(self, pieces: list[bytes]) -> None:
            IteratorByteStream.__init__(self, pieces)

    assert list(Both([b"a", b"b"])) == [b"a", b"b"]
