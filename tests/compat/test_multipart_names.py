"""The private names of `_multipart` and `_content` that programs import, and how they behave."""

from __future__ import annotations

import importlib
import io
from typing import Any
from unittest import mock

import pytest

from tests.compat.harness import Lib, same


def module(httpx: Any, name: str) -> Any:
    return importlib.import_module(f"{httpx.__name__}.{name}")


def multipart(httpx: Any, *args: Any) -> Any:
    return module(httpx, "_multipart").MultipartStream(*args)


@same("MultipartStream takes its arguments by name only")
def test_a_multipart_stream_takes_data_files_and_boundary_by_position(httpx: Any) -> Any:
    stream = multipart(httpx, {"a": "1"}, {"f": b"content"}, b"BOUNDARY")
    return stream.boundary, stream.content_type, stream.get_content_length(), stream.get_headers()


@same("MultipartStream takes its arguments by position only")
def test_a_multipart_stream_takes_data_files_and_boundary_by_name(httpx: Any) -> Any:
    stream = module(httpx, "_multipart").MultipartStream(data={}, files={"f": b"content"}, boundary=b"B")
    return b"".join(stream)


@same("MultipartStream has no iter_chunks")
def test_a_multipart_stream_gives_its_chunks(httpx: Any) -> Any:
    return b"".join(multipart(httpx, {"a": "1"}, {}, b"B").iter_chunks())


@same("a boundary is not hexadecimal bytes")
def test_the_boundary_is_made_of_16_random_bytes(httpx: Any) -> Any:
    with mock.patch(f"{httpx.__name__}._multipart.os.urandom", return_value=b"\xab\x01") as random:
        stream = multipart(httpx, {}, {"f": b""})
    return stream.boundary, stream.content_type, random.call_args.args


@same("an unknown size has a length")
def test_the_headers_of_a_stream_of_unknown_size(httpx: Any) -> Any:
    class Unknown:
        def read(self, size: int) -> bytes:
            return b""

    stream = multipart(httpx, {}, {"f": Unknown()}, b"B")
    return stream.get_content_length(), stream.get_headers()


@same("the fields of a multipart stream have other names or values")
def test_a_multipart_stream_shows_its_fields(httpx: Any) -> Any:
    files = {"f": ("a.txt", b"content"), "g": "text", "h": ("n", b"x", "text/x", {"X-A": "1"})}
    fields = multipart(httpx, {"a": "1", "b": [2, None], "c": b"raw"}, files, b"B").fields
    return [
        (type(field).__name__, field.name, field.value)
        if hasattr(field, "value")
        else (type(field).__name__, field.name, field.filename, field.file, field.headers)
        for field in fields
    ]


@same("DataField renders something else")
def test_a_data_field_by_itself(httpx: Any) -> Any:
    field = module(httpx, "_multipart").DataField('na"me', 5)
    return field.render_headers(), field.render_data(), field.get_length(), b"".join(field.render())


@same("FileField renders something else")
def test_a_file_field_by_itself(httpx: Any) -> Any:
    field = module(httpx, "_multipart").FileField("name", ("a.txt", io.BytesIO(b"content")))
    return [
        field.render_headers(),
        b"".join(field.render_data()),
        field.get_length(),
        b"".join(field.render()),
        b"".join(field.render_data()),
    ]


@pytest.mark.parametrize("name", ["name", b"name"])
@same("DataField takes its arguments by position only")
def test_a_data_field_by_name(httpx: Any, name: Any) -> Any:
    return module(httpx, "_multipart").DataField(name=name, value="x").value


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"text/plain",
        b"multipart/form-data",
        b"multipart/form-data; boundary=abc",
        b"MULTIPART/form-data; b",
    ],
)
@same("the boundary is looked for elsewhere")
def test_the_boundary_in_a_content_type(httpx: Any, content_type: Any) -> Any:
    return module(httpx, "_multipart").get_multipart_boundary_from_content_type(content_type)


@same("encode_request has other parameters")
def test_encode_request_by_position(httpx: Any) -> Any:
    encode_request = module(httpx, "_content").encode_request
    headers, stream = encode_request(None, {"a": "1"}, {"f": b"content"}, None, b"B")
    return headers, b"".join(stream), type(stream).__name__


@same("encode_response has other parameters")
def test_encode_response_by_position(httpx: Any) -> Any:
    encode_response = module(httpx, "_content").encode_response
    given = [(b"x",), (None, "é"), (None, None, "<p>"), (None, None, None, {"a": 1}), ()]
    return [(headers, b"".join(stream)) for headers, stream in (encode_response(*one) for one in given)]


@same("one of the encoders has another name or other parameters")
def test_the_encoders_by_themselves(httpx: Any) -> Any:
    content = module(httpx, "_content")
    encoded = [
        content.encode_urlencoded_data({"a": ["1", None]}),
        content.encode_multipart_data({"a": "1"}, {"f": b"content"}, b"B"),
        content.encode_json({"a": 1}),
        content.encode_text("é"),
        content.encode_html("<p>"),
        content.encode_content(b"x"),
    ]
    return [(headers, b"".join(stream)) for headers, stream in encoded]


@same("encode_request does not look up the encoder that a program has put in its place")
def test_an_encoder_that_a_program_has_replaced_is_used(httpx: Any) -> Any:
    content = module(httpx, "_content")
    encoded = {"X-Own": "1"}, content.ByteStream(b"own")
    with mock.patch.object(content, "encode_json", return_value=encoded):
        request = httpx.Request("POST", "http://host/", json={"a": 1})
    return request.headers.raw, request.content


@same("the two kinds of streams have other names or bases")
def test_the_streams_of_iterables_have_their_names(httpx: Any) -> Any:
    content = module(httpx, "_content")
    sync, async_ = content.IteratorByteStream([b"a", b"b"]), content.AsyncIteratorByteStream(None)
    return [
        isinstance(sync, httpx.SyncByteStream),
        isinstance(sync, httpx.AsyncByteStream),
        isinstance(async_, httpx.AsyncByteStream),
        isinstance(async_, httpx.SyncByteStream),
        list(sync),
        list(sync),
    ]


@same("a generator may be streamed twice")
def test_a_generator_that_was_streamed_is_consumed(httpx: Any) -> Any:
    stream = module(httpx, "_content").IteratorByteStream(piece for piece in [b"a"])
    return list(stream), list(stream)


@same("an async generator may be streamed twice")
async def test_an_async_generator_that_was_streamed_is_consumed(lib: Lib) -> Any:
    async def generate() -> Any:
        yield b"a"

    async def pieces() -> Any:
        return [piece async for piece in stream]

    if not lib.is_async:
        return None
    stream = module(lib.httpx, "_content").AsyncIteratorByteStream(generate())
    return await pieces(), await lib.caught(pieces)


@same("a multipart stream cannot be iterated in the async world")
async def test_a_multipart_stream_serves_the_async_world(lib: Lib) -> Any:
    stream = multipart(lib.httpx, {"a": "1"}, {"f": io.BytesIO(b"content")}, b"B")
    if not lib.is_async:
        return b"".join(stream)
    return b"".join([piece async for piece in stream])


@same("MultipartStream is not of both worlds")
def test_a_multipart_stream_belongs_to_both_worlds(httpx: Any) -> Any:
    stream = multipart(httpx, {}, {}, b"B")
    return (
        isinstance(stream, httpx.SyncByteStream),
        isinstance(stream, httpx.AsyncByteStream),
        b"".join(stream),
    )


@pytest.mark.parametrize("boundary", [b"\xff", "é".encode()])
@same("a boundary beyond ASCII is sent")
def test_a_boundary_beyond_ascii_is_refused(httpx: Any, boundary: Any) -> Any:
    try:
        return multipart(httpx, {}, {}, boundary).boundary
    except ValueError:
        return "refused"
