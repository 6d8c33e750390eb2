"""Request: the field lines that it adds, its content, and its life as a value."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.compat.harness import same

URL = "http://host.example:81/p"


def pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


class AsyncPieces:
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"


def made(content: Any) -> Any:
    """Content that can be used once is made anew for each library."""
    return content() if callable(content) else content


def seen(request: Any) -> list[Any]:
    """All that a request says of itself."""
    try:
        content = request.content
    except RuntimeError as exc:
        content = exc
    fields = [request.method, str(request.url), request.headers.raw, request.extensions]
    return [repr(request), *fields, content, type(request.stream).__name__]


@same("GET has a Content-Length of 0")
@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "TRACE", "FOO", ""]
)
def test_no_content(httpx: Any, method: str) -> Any:
    return [seen(httpx.Request(method, URL, content=content)) for content in (None, b"", "")]


@same("the method keeps its case")
@pytest.mark.parametrize("method", ["get", "Patch", "gét", b"GET"])
def test_a_method_is_in_upper_case(httpx: Any, method: str) -> Any:
    return httpx.Request(method, URL).method


@same("a method of None is GET")
@pytest.mark.parametrize("method", [None, 5])
def test_a_method_is_text(httpx: Any, method: Any) -> Any:
    return httpx.Request(method, URL)


@same("text is sent as ISO-8859-1")
@pytest.mark.parametrize(
    "content",
    [b"x", "é", [b"a", b"b"], (b"a",), [], {b"a"}, pieces, AsyncPieces, io.BytesIO, range(3)],
    ids=str,
)
def test_content_has_its_framing(httpx: Any, content: Any) -> Any:
    return seen(httpx.Request("POST", URL, content=made(content))), seen(
        httpx.Request("GET", URL, content=made(content))
    )


@same("a dict is content")
@pytest.mark.parametrize("content", [{}, {"a": 1}, 5, 1.5, True, object], ids=str)
def test_what_is_no_content_is_refused(httpx: Any, content: Any) -> Any:
    return httpx.Request("POST", URL, content=content)


@same("a form field that is None is left out")
@pytest.mark.parametrize(
    "data",
    [
        {"a": "b"},
        {"a": ["b", "c"]},
        {"a": 1},
        {"a": None},
        {"a": True},
        {"a": 1.5},
        {"a": ()},
        {"a": {"b": "c"}},
        {1: 2},
        {},
        None,
    ],
    ids=str,
)
def test_data_is_a_form(httpx: Any, data: Any) -> Any:
    return seen(httpx.Request("POST", URL, data=data))


@same("a blank in a form is %20")
@pytest.mark.parametrize("text", ["é", "b c", "&=+", "~-_.*", "'()", "/", "%", "\r\n", ""])
def test_a_form_is_encoded(httpx: Any, text: str) -> Any:
    return seen(httpx.Request("POST", URL, data={text: text}))


@same("data that is no mapping is refused")
@pytest.mark.parametrize("data", [b"x", "x", [b"a"], pieces], ids=str)
def test_data_that_is_no_form_is_deprecated(httpx: Any, data: Any) -> Any:
    with pytest.warns(DeprecationWarning, match="content="):
        return seen(httpx.Request("POST", URL, data=made(data)))


@same("json is written with blanks")
@pytest.mark.parametrize(
    "value",
    [{}, [], "", 0, False, "é", "\u2028", {"b": 1, "a": [2, 3]}, 1.0, 10**30, {1: None}, (1, 2)],
    ids=ascii,
)
def test_json_is_compact(httpx: Any, value: Any) -> Any:
    return seen(httpx.Request("POST", URL, json=value))


@same("NaN is written as json")
@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1}, b"x", object(), {(1,): 2}, "\ud800"], ids=ascii
)
def test_what_json_cannot_hold_is_refused(httpx: Any, value: Any) -> Any:
    return httpx.Request("POST", URL, json=value)


@same("json= is stronger than data=")
def test_the_first_kind_of_content_counts(httpx: Any) -> Any:
    given = {"content": b"content", "data": {"a": "b"}, "json": {"c": "d"}}
    pairs = [("content", "data"), ("content", "json"), ("data", "json"), ("content", "data", "json")]
    return [seen(httpx.Request("POST", URL, **{name: given[name] for name in names})) for names in pairs]


HEADERS: list[Any] = [
    {"Host": "x"},
    {"host": ""},
    {"Content-Length": "5"},
    {"content-type": "text/x"},
    [("a", "1"), ("A", "2")],
    {"Content-Length": "5", "Transfer-Encoding": "chunked"},
]


@same("a field that was set by hand is replaced")
@pytest.mark.parametrize("headers", HEADERS, ids=str)
@pytest.mark.parametrize("content", [None, b"x", pieces], ids=str)
def test_fields_that_are_given_stay(httpx: Any, headers: Any, content: Any) -> Any:
    given = [headers, httpx.Headers(headers)]
    requests = [httpx.Request("POST", URL, headers=each, content=made(content)) for each in given]
    return [seen(request) for request in requests], seen(httpx.Request("PUT", URL, headers=headers, json={}))


@same("a length stands beside chunks", differs="`Transfer-Encoding` that was set by hand no length is added")
def test_chunks_that_were_announced_by_hand(httpx: Any) -> Any:
    return httpx.Request("POST", URL, headers={"Transfer-Encoding": "chunked"}, content=b"x").headers.raw


@same("Host has the default port")
@pytest.mark.parametrize(
    "url",
    [
        "http://h:80",
        "https://h:444",
        "http://[::1]:8/",
        "http://bücher.example/",
        "http://u@h/",
        "/p",
        "mailto:x",
    ],
)
def test_host_is_that_of_the_url(httpx: Any, url: str) -> Any:
    return seen(httpx.Request("GET", url))


@same("params={} keeps the query")
@pytest.mark.parametrize("params", [{"b": "c"}, {}, "", "x=y", None, [("a", "1"), ("a", "2")]], ids=str)
def test_params_replace_the_query_of_the_url(httpx: Any, params: Any) -> Any:
    return [
        str(httpx.Request("GET", url, params=params).url)
        for url in ("http://h/?a=1#f", "http://h", httpx.URL("/?z"))
    ]


@same("a URL in bytes is taken")
@pytest.mark.parametrize("url", [None, b"http://h/", 5])
def test_a_url_is_text_or_a_url(httpx: Any, url: Any) -> Any:
    return httpx.Request("GET", url)


@same("a stream gets a Host field")
def test_a_stream_comes_without_fields(httpx: Any) -> Any:
    stream = httpx.ByteStream(b"x")
    request = httpx.Request("POST", URL, stream=stream, headers={"a": "b"}, content=b"ignored")
    return seen(request), request.stream is stream


@same("the dict of extensions is used itself")
@pytest.mark.parametrize("extensions", [None, {}, {"timeout": {"read": 1}}, [("a", 1)]], ids=str)
def test_extensions_are_copied(httpx: Any, extensions: Any) -> Any:
    request = httpx.Request("GET", URL, extensions=extensions)
    return request.extensions, request.extensions is extensions


@same("the headers that were given change with the request's")
def test_headers_are_copied(httpx: Any) -> Any:
    headers = httpx.Headers({"a": "b"})
    requests = [
        httpx.Request("GET", URL, headers=headers),
        httpx.Request("GET", URL, headers=headers, stream=httpx.ByteStream(b"")),
    ]
    for request in requests:
        request.headers["c"] = "d"
    return headers.raw, [request.headers.raw for request in requests]


@same("content of a generator is there before it is read")
@pytest.mark.parametrize("content", [pieces, AsyncPieces, io.BytesIO, list], ids=str)
def test_content_that_was_not_read_is_not_there(httpx: Any, content: Any) -> Any:
    return httpx.Request("POST", URL, content=made(content)).content


@same("read() keeps the generator")
def test_reading_makes_content_that_can_be_sent_again(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=pieces())
    return request.read(), request.read(), seen(request), b"".join(request.stream)


@same("aread() keeps the async generator")
def test_reading_async_content(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=AsyncPieces())
    return asyncio.run(request.aread()), asyncio.run(request.aread()), seen(request)


@same("aread() of bytes waits")
def test_both_worlds_read_what_is_in_memory(httpx: Any) -> Any:
    return httpx.Request("POST", URL, content=b"x").read(), asyncio.run(
        httpx.Request("POST", URL, content=b"x").aread()
    )


@same("reading in the other world gives nothing", differs="is read in the other world raises `RuntimeError`")
@pytest.mark.parametrize("content", [pieces, AsyncPieces])
def test_reading_in_the_other_world(httpx: Any, content: Any) -> Any:
    try:
        if content is AsyncPieces:
            return httpx.Request("POST", URL, content=AsyncPieces()).read()
        return asyncio.run(httpx.Request("POST", URL, content=pieces()).aread())
    except AssertionError:
        return "AssertionError"


@same("a generator is read twice")
def test_a_generator_is_read_once(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=pieces())
    return list(request.stream), list(request.stream)


@same("a pickled request loses its content")
@pytest.mark.parametrize(
    "again", [lambda request: pickle.loads(pickle.dumps(request)), copy.copy, copy.deepcopy]
)
def test_a_copy_has_content_but_no_stream_and_no_extensions(httpx: Any, again: Any) -> Any:
    request = again(httpx.Request("POST", URL, json={"a": 1}, headers={"X": "y"}, extensions={"e": 1}))
    return seen(request), request.read(), type(request.url).__name__


@same("a pickled generator is empty")
@pytest.mark.parametrize(
    "use",
    [
        lambda request: request.content,
        lambda request: request.read(),
        lambda request: asyncio.run(request.aread()),
    ],
)
def test_the_copy_of_a_streaming_request_cannot_be_read(httpx: Any, use: Any) -> Any:
    return use(pickle.loads(pickle.dumps(httpx.Request("POST", URL, content=pieces()))))


@same("a pickled request that was read cannot be sent")
def test_a_generator_that_was_read_is_pickled(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=pieces())
    request.read()
    return seen(pickle.loads(pickle.dumps(request)))


@same("the state of a request holds its stream")
def test_what_is_pickled(httpx: Any) -> Any:
    return sorted(httpx.Request("POST", URL, content=b"x").__getstate__())


@same("_content cannot be deleted from a request")
def test_content_can_be_dropped_and_read_again(httpx: Any) -> Any:
    request = httpx.Request("POST", URL, content=b"x")
    del request._content
    return request.read()


@same("two requests are equal when their parts are")
def test_a_request_is_equal_to_itself_alone(httpx: Any) -> Any:
    request = httpx.Request("GET", URL)
    return (
        request == request,
        request == httpx.Request("GET", URL),
        isinstance(hash(request), int),
        bool(request),
    )


@same("the parts of a request cannot be set")
def test_a_request_can_be_changed(httpx: Any) -> Any:
    request = httpx.Request("GET", URL)
    request.method, request.url, request.note = "own", httpx.URL("http://other/"), "mine"
    request.headers = httpx.Headers({"a": "b"})
    return seen(request), request.note


@same("a subclass's repr has the name of Request")
def test_a_request_can_be_subclassed(httpx: Any) -> Any:
    return repr(type("Own", (httpx.Request,), {})("GET", URL))


@same("the content type of json is text/json")
def test_json_can_be_read_back(httpx: Any) -> Any:
    value = {"é": [1, None, True, "\u2028"]}
    request = httpx.Request("POST", URL, json=value)
    return (
        json.loads(request.content) == value,
        request.headers["content-type"],
        request.headers["content-length"],
    )


@same("the password in the repr of a request", differs="in the repr of a `Request`")
def test_the_repr_of_a_request_for_a_url_with_a_password(httpx: Any) -> Any:
    shown = repr(httpx.Request("GET", "http://user:secret@host/"))
    if httpx.__name__ == "httpstream":
        assert shown == "<Request('GET', 'http://user:[secure]@host/')>"
    return shown
