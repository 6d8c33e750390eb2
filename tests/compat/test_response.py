"""Response made by hand: its fields, status, text, links, and its life as a value. Reading: `test_response_content`."""

from __future__ import annotations

import asyncio
import copy
import datetime
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.harness import same
from tests.compat.test_request import AsyncPieces, made, pieces

PROPERTIES = (
    "status_code",
    "reason_phrase",
    "http_version",
    "extensions",
    "history",
    "next_request",
    "is_closed",
)
MORE = ("is_stream_consumed", "num_bytes_downloaded", "encoding", "charset_encoding", "default_encoding")


def seen(response: Any) -> list[Any]:
    """All that a response says of itself."""
    try:
        content = response.content
    except RuntimeError as exc:
        content = exc
    stream = type(response.stream).__name__
    return [
        repr(response),
        response.headers.raw,
        content,
        stream,
        *(getattr(response, name) for name in PROPERTIES + MORE),
    ]


def request(httpx: Any) -> Any:
    return httpx.Request("GET", "http://host.example/p?q")


@same("a response without content has a Content-Length")
@pytest.mark.parametrize(
    "content", [None, b"", b"x", "é", [b"a", b"b"], (), pieces, AsyncPieces, bytes], ids=str
)
def test_content_has_its_framing(httpx: Any, content: Any) -> Any:
    return seen(httpx.Response(200, content=made(content)))


@same("a number is content of a response")
@pytest.mark.parametrize(
    "given", [{"content": 5}, {"content": {"a": 1}}, {"text": b"x"}, {"html": 5}, {"json": {1}}], ids=str
)
def test_what_is_no_content_is_refused(httpx: Any, given: Any) -> Any:
    try:
        return httpx.Response(200, **given)
    except (TypeError, AttributeError):
        return "wrong type"


@same("text has no charset")
@pytest.mark.parametrize(
    "given",
    [{"text": "é"}, {"text": ""}, {"html": "<é>"}, {"json": {"é": [1, None]}}, {"json": None}, {"json": 0}],
    ids=str,
)
def test_content_has_its_type(httpx: Any, given: Any) -> Any:
    return seen(httpx.Response(200, **given))


@same("html is stronger than text")
def test_the_first_kind_of_content_counts(httpx: Any) -> Any:
    given = {"content": b"c", "text": "t", "html": "h", "json": {}}
    names = list(given)
    return [seen(httpx.Response(200, **{name: given[name] for name in names[i:]})) for i in range(len(names))]


@same("a field that was set by hand is replaced in a response")
@pytest.mark.parametrize(
    "headers",
    [{"Content-Length": "3"}, {"content-type": "x/y; charset=latin-1"}, {"Transfer-Encoding": "chunked"}],
    ids=str,
)
@pytest.mark.parametrize("content", [b"x", pieces], ids=str)
def test_fields_that_are_given_stay(httpx: Any, headers: Any, content: Any) -> Any:
    return seen(httpx.Response(200, headers=headers, content=made(content))), seen(
        httpx.Response(200, headers=headers, text="é")
    )


@same("a stream gets fields")
def test_a_stream_comes_without_fields(httpx: Any) -> Any:
    stream = httpx.ByteStream(b"x")
    response = httpx.Response(200, stream=stream, content=b"ignored")
    return seen(response), response.stream is stream, response.read(), seen(response)


CODES = [
    0,
    99,
    100,
    101,
    103,
    199,
    200,
    204,
    226,
    299,
    300,
    301,
    302,
    303,
    304,
    307,
    308,
    399,
    400,
    404,
    499,
    500,
    599,
    600,
    -1,
]


@same("is_error is true for 600")
def test_the_class_of_a_status_code(httpx: Any) -> Any:
    names = (
        "is_informational",
        "is_success",
        "is_redirect",
        "is_client_error",
        "is_server_error",
        "is_error",
    )
    return [[getattr(httpx.Response(code), name) for name in names] for code in CODES]


@same("304 with a Location is a redirect")
def test_a_redirect_has_a_location(httpx: Any) -> Any:
    located = [httpx.Response(code, headers={"location": "/x"}).has_redirect_location for code in CODES]
    return located, [httpx.Response(code).has_redirect_location for code in CODES]


@same("an unknown status code has a reason phrase")
def test_the_reason_phrase_of_a_status_code(httpx: Any) -> Any:
    return [(repr(httpx.Response(code)), httpx.Response(code).reason_phrase) for code in CODES]


@same("the reason phrase that was sent does not count")
@pytest.mark.parametrize("phrase", [b"", b"Own Words", b"\xe9x"])
def test_the_reason_phrase_that_was_sent_counts(httpx: Any, phrase: bytes) -> Any:
    response = httpx.Response(200, extensions={"reason_phrase": phrase})
    return response.reason_phrase, repr(response)


@same("the version is always HTTP/1.1")
@pytest.mark.parametrize(
    "extensions", [None, {}, {"http_version": b"HTTP/2"}, {"http_version": b"\xff"}], ids=str
)
def test_the_version_that_was_sent_counts(httpx: Any, extensions: Any) -> Any:
    response = httpx.Response(200, extensions=extensions)
    return response.http_version, response.extensions, response.extensions is extensions


@same("the message of raise_for_status says another class")
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("headers", [{}, {"Location": "/other"}], ids=str)
def test_a_status_that_is_no_success_is_raised(httpx: Any, code: int, headers: Any) -> Any:
    response = httpx.Response(
        code, headers=headers, request=request(httpx), extensions={"reason_phrase": b"Own"}
    )
    try:
        return response.raise_for_status() is response
    except httpx.HTTPStatusError as exc:
        return str(exc), exc.args, exc.request is response.request, exc.response is response


@same(
    "the message of raise_for_status has the password",
    differs="The password of a URL is `[secure]` in the log line",
)
def test_the_message_of_a_status_hides_the_password(httpx: Any) -> Any:
    response = httpx.Response(404, request=httpx.Request("GET", "http://user:secret@host.example/"))
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as exc:
        return str(exc)


@same("raise_for_status needs no request")
@pytest.mark.parametrize("name", ["request", "url", "raise_for_status", "elapsed"])
def test_what_is_not_known_yet_raises(httpx: Any, name: str) -> Any:
    value = getattr(httpx.Response(200), name)
    return value() if callable(value) else value


@same("a response's request cannot be set")
def test_the_request_can_be_set(httpx: Any) -> Any:
    response = httpx.Response(200)
    response.request = request(httpx)
    return response.request, response.url, response._request


@same("elapsed is rounded to milliseconds")
@pytest.mark.parametrize("microseconds", [0, 1, 123457, 1_500_000, 86_400_000_001])
def test_elapsed_can_be_set(httpx: Any, microseconds: int) -> Any:
    response = httpx.Response(200)
    response.elapsed = datetime.timedelta(microseconds=microseconds)
    return response.elapsed


@same("the list of the history is used itself")
def test_the_history_is_copied(httpx: Any) -> Any:
    history = [httpx.Response(301)]
    response = httpx.Response(200, history=history)
    return response.history, response.history is history


CONTENT_TYPES = [
    None,
    "text/plain",
    "text/plain; charset=latin-1",
    'text/plain; charset="utf-8"',
    "text/plain;charset=UTF-8",
    "text/plain; charset=nope",
    "text/plain; charset=",
    "text/plain; charset",
    "charset=latin-1",
    "text/plain; foo=bar; charset=cp1252",
    "text/plain; charset=utf-8; charset=latin-1",
    "text/plain; charset='latin-1'",
    "text/plain; charset*=utf-8''latin-1",
    "TEXT/PLAIN; CHARSET=LATIN-1",
    "text/plain; charset= latin-1 ",
    "",
    "text/plain; charset=utf_8_sig",
    "application/json",
    "text/plain, text/html; charset=latin-1",
    "text/plain; charset=shift_jis",
    "text/plain; charset=utf-7",
    "text/plain; xcharset=latin-1",
    "text/plain; charset=a b",
]
BODIES = [
    b"",
    b"abc",
    "é".encode(),
    b"\xe9",
    "日本".encode(),
    b"\xff\xfe\xfd",
    b"\xef\xbb\xbfabc",
    b"a\x80b",
    "日本".encode("shift_jis"),
]


@same("the charset parameter does not count")
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_text_is_in_the_charset_that_is_named(httpx: Any, content_type: str | None) -> Any:
    headers = {} if content_type is None else {"content-type": content_type}
    responses = [httpx.Response(200, headers=headers, content=body) for body in BODIES]
    return [(response.charset_encoding, response.encoding, response.text) for response in responses]


@same("default_encoding counts before the charset")
@pytest.mark.parametrize(
    "default",
    ["latin-1", "shift_jis", lambda content: "latin-1", lambda content: None, lambda content: "cp1252"],
)
def test_text_without_a_charset_is_in_the_default_encoding(httpx: Any, default: Any) -> Any:
    types = [
        {},
        {"content-type": "text/plain"},
        {"content-type": "text/plain; charset=utf-8"},
        {"content-type": "x/y; charset=nope"},
    ]
    responses = [
        httpx.Response(200, headers=headers, content="é".encode(), default_encoding=default)
        for headers in types
    ]
    return [(response.encoding, response.text) for response in responses]


@same("a default encoding that is none falls back to utf-8")
def test_an_unknown_default_encoding(httpx: Any) -> Any:
    return httpx.Response(200, content=b"x", default_encoding="nope").text


@same("default_encoding is asked with nothing")
def test_a_function_as_default_encoding_sees_the_content(httpx: Any) -> Any:
    asked = []
    response = httpx.Response(
        200, content=pieces(), default_encoding=lambda content: asked.append(content) or "latin-1"
    )
    before = response.encoding
    response.read()
    return before, response.encoding, response.text, asked


@same("the encoding cannot be set")
@pytest.mark.parametrize("encoding", ["latin-1", None, "cp1252"])
def test_the_encoding_can_be_set_before_the_text_is_read(httpx: Any, encoding: str | None) -> Any:
    response = httpx.Response(
        200, content="é".encode(), headers={"content-type": "text/plain; charset=utf-8"}
    )
    response.encoding = encoding
    return response.encoding, response.text


@same("the encoding can be set when the text was read")
def test_the_encoding_cannot_be_set_after_the_text_was_read(httpx: Any) -> Any:
    response = httpx.Response(200, content=b"x")
    assert response.text == "x"
    response.encoding = "latin-1"


@same("json() decodes by the charset")
@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b"[1, 2]",
        b"",
        b"x",
        b"\xef\xbb\xbf{}",
        '"é"'.encode("utf-16"),
        '"é"'.encode("utf-32"),
        b'"\xe9"',
        b'{"a":1,"a":2}',
    ],
)
def test_json_is_read_by_its_own_encoding(httpx: Any, content: bytes) -> Any:
    return httpx.Response(
        200, content=content, headers={"content-type": "application/json; charset=latin-1"}
    ).json()


@same("json() takes no arguments")
def test_json_hands_its_arguments_on(httpx: Any) -> Any:
    response = httpx.Response(200, content=b'{"a": 1.5, "b": NaN}')
    return response.json(parse_float=str, parse_constant=lambda word: word, object_pairs_hook=list)


@same("parameters of a link are dropped")
@pytest.mark.parametrize(
    "value",
    [
        '<http://a/1>; rel="next", <http://a/2>; rel=last',
        "<a>",
        "a",
        "",
        "<a>;",
        "<a>;rel",
        "<a>; rel='x'; type=\"y\"",
        '<a>; rel="b; c"',
        '<a>; title="x=y"; rel=z',
        "<a,b>; rel=x",
        "<a>;rel=x,<b>;rel=x",
        "<a>; rel=x , <b>;rel=y",
        " <a> ; rel = x ",
        '<a>; rel="x y"',
        "<>; rel=x",
        ",",
        '"',
        "<a>; =x; rel=y",
        "<a>; rel=",
        "<a?b=c;d>; rel=x",
    ],
)
def test_links_are_read(httpx: Any, value: str) -> Any:
    return httpx.Response(200, headers={"Link": value}).links


@same("the links of two fields are those of the first")
def test_links_of_several_fields(httpx: Any) -> Any:
    several = [("link", "<a>; rel=x"), ("Link", "<b>; rel=y")]
    return httpx.Response(200).links, httpx.Response(200, headers=several).links


def consumed(response: Any) -> Iterator[Any]:
    """What is left of a copy."""
    for use in (
        lambda: response.read(),
        lambda: list(response.iter_bytes(None)),
        lambda: list(response.iter_raw(None)),
        lambda: response.close(),
        lambda: list(response.stream),
        lambda: asyncio.run(response.aread()),
        lambda: response.text,
    ):
        try:
            yield use()
        except RuntimeError as exc:
            yield exc


MADE: dict[str, Any] = {
    "content": lambda httpx: httpx.Response(
        200, content=b"x", request=request(httpx), extensions={"a": 1}, history=[httpx.Response(301)]
    ),
    "a stream": lambda httpx: httpx.Response(200, content=pieces()),
    "an async stream": lambda httpx: httpx.Response(200, content=AsyncPieces()),
    "an error": lambda httpx: httpx.Response(404, text="é", headers={"X": "y"}),
    "a function": lambda httpx: httpx.Response(200, content=b"x", default_encoding=len),
}


@same("a pickled response loses its content")
@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize(
    "again", [lambda response: pickle.loads(pickle.dumps(response)), copy.copy, copy.deepcopy]
)
def test_a_copy_has_content_but_no_stream_and_no_extensions(httpx: Any, kind: str, again: Any) -> Any:
    response = again(MADE[kind](httpx))
    return seen(response), list(consumed(response)), response._request


@same("a pickled response forgets what was set")
def test_a_copy_has_what_was_set(httpx: Any) -> Any:
    response = httpx.Response(301, content=b"\xe9")
    response.encoding, response.elapsed, response.next_request = (
        "latin-1",
        datetime.timedelta(seconds=1),
        request(httpx),
    )
    again = pickle.loads(pickle.dumps(response))
    return again.text, again.elapsed, again.next_request


@same("a response whose text was read is pickled without it")
def test_a_response_whose_text_was_read(httpx: Any) -> Any:
    response = httpx.Response(200, text="é")
    assert response.text == "é"
    again = pickle.loads(pickle.dumps(response))
    return again.text, seen(again)


@same(
    "cookies that were read are pickled", differs="A response whose `cookies` have been read can be pickled"
)
def test_a_response_whose_cookies_were_read(httpx: Any) -> Any:
    response = httpx.Response(200, headers={"set-cookie": "a=b"}, request=request(httpx))
    assert response.cookies["a"] == "b"
    return pickle.loads(pickle.dumps(response)).cookies


@same("two responses are equal when their parts are")
def test_a_response_is_equal_to_itself_alone(httpx: Any) -> Any:
    response = httpx.Response(404)
    return (
        response == response,
        response == httpx.Response(404),
        isinstance(hash(response), int),
        bool(response),
    )


@same("the repr of a response's subclass has the name of the subclass")
def test_a_response_can_be_subclassed(httpx: Any) -> Any:
    own = type("Own", (httpx.Response,), {})(200)
    own.note = "mine"
    return repr(own), own.note


@same("a response is a context manager")
def test_a_response_is_neither_iterable_nor_a_context_manager(httpx: Any) -> Any:
    return [
        hasattr(httpx.Response(200), name)
        for name in ("__enter__", "__aenter__", "__iter__", "__aiter__", "ok")
    ]
