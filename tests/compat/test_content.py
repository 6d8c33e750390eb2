"""``content=``, ``data=``, ``json=``: what a request or a response is made of, in both libraries."""

from __future__ import annotations

import decimal
import enum
import io
from collections import OrderedDict, UserDict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.harness import Lib, same

URL = "http://host/"


def sent(httpx: Any, method: str = "POST", **content: Any) -> Any:
    """The field lines, the content and the kind of stream of a request."""
    request = httpx.Request(method, URL, **content)
    kind = type(request.stream).__name__
    return request.headers.raw, request.read(), kind


@pytest.mark.parametrize("content", [b"", b"x", "", "é ☃"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@same("text or bytes have another length")
def test_text_and_bytes(httpx: Any, method: Any, content: Any) -> Any:
    return sent(httpx, method, content=content)


@same("a list of pieces has a length")
def test_a_list_of_pieces(httpx: Any) -> Any:
    return sent(httpx, content=[b"a", b"", b"b"])


@same("a generator of pieces has a length")
def test_a_generator_of_pieces(httpx: Any) -> Any:
    return sent(httpx, content=(piece for piece in [b"a", b"b"]))


@same("a tuple or a set is refused")
def test_other_iterables_of_pieces(httpx: Any) -> Any:
    return sent(httpx, content=(b"a", b"b")), sent(httpx, content={b"a"}), sent(httpx, content=iter([b"x"]))


@pytest.mark.parametrize("content", [{}, {"a": 1}, OrderedDict(a=1)])
@same("a dict is sent as its keys")
def test_a_dict_as_content_is_refused(httpx: Any, content: Any) -> Any:
    return sent(httpx, content=content)


@pytest.mark.parametrize("content", [1, 1.5, True, object()])
@same("a number is content")
def test_what_is_no_content_is_refused(httpx: Any, content: Any) -> Any:
    return sent(httpx, content=content)


@same("an async iterable is refused as content, or a sync read gives something")
def test_an_async_iterable_is_content_of_unknown_size(httpx: Any) -> Any:
    async def generate() -> AsyncIterator[bytes]:
        yield b"a"

    request = httpx.Request("POST", URL, content=generate())
    return request.headers.raw, type(request.stream).__name__


@same("a file has no length")
def test_a_file_at_its_beginning(httpx: Any, tmp_path: Path) -> Any:
    path = tmp_path / "content"
    path.write_bytes(b"x" * 100_000)
    with path.open("rb") as file:
        return sent(httpx, content=file)


@same("a file in memory has no length")
def test_a_file_in_memory(httpx: Any) -> Any:
    return sent(httpx, content=io.BytesIO(b"x" * 100_000)), sent(httpx, content=io.BytesIO(b""))


@same("what has read() but cannot be iterated is content")
def test_what_can_only_be_read_is_no_content(httpx: Any) -> Any:
    class Readable:
        def read(self, size: int) -> bytes:
            return b""

    return sent(httpx, content=Readable())


@same("a file is iterated by lines")
def test_what_can_be_read_and_iterated_is_read(httpx: Any) -> Any:
    class Both:
        def __init__(self) -> None:
            self._inner = io.BytesIO(b"lines\nof\nbytes")

        def read(self, size: int) -> bytes:
            return self._inner.read(size)

        def __iter__(self) -> Iterator[bytes]:
            raise ValueError("iterated")

    return sent(httpx, content=Both())


@same("the user's own stream as content is not iterated")
def test_a_stream_of_the_user_as_content_has_no_length(httpx: Any) -> Any:
    class Stream(httpx.SyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"

    request = httpx.Request("POST", URL, content=Stream())
    return request.headers.raw, request.read()


@same("a stream gets field lines")
def test_a_stream_brings_no_field_lines(httpx: Any) -> Any:
    return httpx.Request("POST", URL, stream=httpx.ByteStream(b"content")).headers.raw


@same("ByteStream given as content is chunked", differs="A `ByteStream` given as `content=` has a length")
def test_a_byte_stream_as_content_has_a_length(httpx: Any) -> Any:
    return sent(httpx, content=httpx.ByteStream(b"content"))


@pytest.mark.parametrize(
    "data",
    [
        {"a": "1", "b": "2"},
        {"a": ["1", 2, None, True], "b": (), "c": ("x",)},
        {"a": None, "b": True, "c": False, "d": 1.5},
        {"é ": "☃ &=+%/?#"},
        {"a": b"\xff", b"k": 1, 5: 6},
        {"a": decimal.Decimal("1.50"), "b": {"nested": 1}},
        {"a": [["nested"]]},
        {"": ""},
    ],
)
@same("a form is encoded otherwise")
def test_forms(httpx: Any, data: Any) -> Any:
    return sent(httpx, data=data)


@same("only dict is a form")
def test_any_mapping_is_a_form(httpx: Any) -> Any:
    return sent(httpx, data=UserDict({"a": "1"})), sent(httpx, data=OrderedDict(b="1", a="2"))


@same("an empty form has a type")
def test_an_empty_form_is_no_content(httpx: Any) -> Any:
    return sent(httpx, data={}), sent(httpx, "GET", data={})


@same("a form of an enumeration is sent otherwise")
def test_members_of_an_enumeration_in_a_form(httpx: Any) -> Any:
    class Kind(str, enum.Enum):
        A = "a"

    return sent(httpx, data={"kind": Kind.A})


@pytest.mark.parametrize("data", [b"raw", "raw é", [b"a", b"b"], b"", [("a", "1")]])
@same("raw data has no warning, or is no content")
def test_raw_data_is_content_with_a_warning(httpx: Any, data: Any) -> Any:
    with pytest.warns(DeprecationWarning, match="content=") as warned:
        request = httpx.Request("POST", URL, data=data)
    return request.headers.raw, type(request.stream).__name__, len(warned)


@pytest.mark.parametrize(
    "json",
    [
        {"name": "é ☃ 😀", "list": [1, 2.5, None, True], "nested": {"a": {}}},
        [],
        {},
        0,
        False,
        "",
        "text\n\x00\u2028</script>",
        [1e100, -0.0, 10**30, 0.1],
        {2: "a", None: "b", True: "c", 1.5: "d"},
        ("a", ("b",)),
    ],
)
@same("JSON is written otherwise")
def test_json(httpx: Any, json: Any) -> Any:
    return sent(httpx, json=json)


@same("json=None is sent as null")
def test_json_none_is_no_content(httpx: Any) -> Any:
    return sent(httpx, json=None)


@pytest.mark.parametrize("json", [float("nan"), [float("inf")], -float("inf")])
@same("NaN is written")
def test_json_without_nan(httpx: Any, json: Any) -> Any:
    return sent(httpx, json=json)


@pytest.mark.parametrize("json", [object(), {1, 2}, b"x", {("a",): 1}, "\ud800"])
@same("what JSON cannot write raises something else")
def test_what_json_cannot_write_is_refused(httpx: Any, json: Any) -> Any:
    return sent(httpx, json=json)


@same("a circle in JSON raises something else")
def test_json_that_contains_itself_is_refused(httpx: Any) -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return sent(httpx, json=circle)


@same("members of an enumeration in JSON are written otherwise")
def test_subclasses_in_json(httpx: Any) -> Any:
    class Number(enum.IntEnum):
        ONE = 1

    return sent(httpx, json=[Number.ONE, OrderedDict(b=1, a=2)])


@same("JSON wins over a form")
def test_a_form_wins_over_json(httpx: Any) -> Any:
    return sent(httpx, data={"a": "1"}, json={"b": 2}), sent(httpx, data={}, json={"b": 2})


@same("a form wins over content")
def test_content_wins_over_a_form_and_json(httpx: Any) -> Any:
    return sent(httpx, content=b"", data={"a": "1"}, json={"b": 2})


@same("a content type that was set by hand is replaced")
def test_a_content_type_that_was_set_by_hand_stays(httpx: Any) -> Any:
    headers = {"content-type": "application/own"}
    return sent(httpx, headers=headers, json={"a": 1}), sent(httpx, headers=headers, data={"a": "1"})


@same("a length that was set by hand is joined by a transfer coding")
def test_a_length_that_was_set_by_hand_frames_pieces(httpx: Any) -> Any:
    return sent(httpx, headers={"Content-Length": "2"}, content=[b"a", b"b"])


@same("a transfer coding that was set by hand is dropped")
def test_a_transfer_coding_that_was_set_by_hand_stays(httpx: Any) -> Any:
    return sent(httpx, headers={"Transfer-Encoding": "chunked"}, content=[b"a", b"b"])


@same("GET has a length of 0, or POST has none")
def test_no_content(httpx: Any) -> Any:
    return [
        sent(httpx, method) for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "X")
    ]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"content": b"x"},
        {"content": "é"},
        {"content": [b"a", b"b"]},
        {"text": "é"},
        {"html": "<p>é</p>"},
        {"json": {"a": [1, None]}},
        {"json": 0},
        {"text": ""},
        {"content": b"", "text": "x"},
        {"text": "x", "html": "y", "json": 1},
    ],
)
@same("a response made by hand has other content")
def test_responses_made_by_hand(httpx: Any, content: Any) -> Any:
    response = httpx.Response(200, **content)
    return response.headers.raw, response.read(), response.text


@same("the pieces of a list are joined, or framed otherwise")
async def test_pieces_on_the_wire(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.post(lib.site.url + "/a", content=lib.world.pieces([b"one", b"", b"three" * 100]))
    return lib.site.wire


@same("JSON or a form goes out otherwise")
async def test_json_and_forms_on_the_wire(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.post(lib.site.url + "/a", json={"é": [1, None]})
        await client.put(lib.site.url + "/b", data={"a": ["1", "é"]})
        await client.request("DELETE", lib.site.url + "/c", json=[])
    return lib.site.wire


@same("a request of pieces with a length is sent chunked")
async def test_pieces_with_a_length_on_the_wire(lib: Lib) -> Any:
    async with lib.client() as client:
        pieces = lib.world.pieces([b"one", b"two"])
        await client.post(lib.site.url + "/a", content=pieces, headers={"Content-Length": "6"})
    return lib.site.wire


@same("content of the other world raises something else")
async def test_content_of_the_other_world_is_refused(lib: Lib) -> Any:
    async def generate() -> AsyncIterator[bytes]:
        yield b"a"

    content = (piece for piece in [b"a"]) if lib.is_async else generate()
    async with lib.client() as client:
        return await lib.caught(lambda: client.inner.post(lib.site.url + "/a", content=content))
