"""`Response` as a value: status, text, errors, what is pickled. How content is read is in `test_reading`."""

from __future__ import annotations

import datetime
import gzip
import pickle
from typing import Any

import pytest

from httpstream import (
    DecodingError,
    Headers,
    HTTPStatusError,
    Request,
    Response,
    ResponseNotRead,
    StreamClosed,
)

REQUEST = Request("GET", "http://example.org/a")


def typed(content_type: str, content: bytes = b"", **options: Any) -> Response:
    return Response(200, headers={"Content-Type": content_type}, content=content, **options)


def test_the_first_content_that_is_given_counts_and_describes_itself() -> None:
    assert Response(200, content=b"abc").headers == {"Content-Length": "3"}
    text = Response(200, text="é")
    assert text.content == "é".encode()
    assert text.headers == {"Content-Length": "2", "Content-Type": "text/plain; charset=utf-8"}
    assert Response(200, html="<p>").headers["content-type"] == "text/html; charset=utf-8"
    assert Response(200, json={"a": 1}).headers["content-type"] == "application/json"


def test_fields_that_were_given_are_kept() -> None:
    response = Response(200, headers={"Content-Type": "text/x"}, text="a")
    assert response.headers.get_list("content-type") == ["text/x"]


def test_a_length_that_was_set_keeps_chunked_away() -> None:
    """RFC 9112 section 6.2: never both."""
    response = Response(200, headers={"Content-Length": "2"}, content=iter((b"a", b"b")))
    assert response.headers == {"Content-Length": "2"}


def test_a_stream_adds_no_field() -> None:
    assert Response(200, stream=Response(200, content=b"a").stream).headers.raw == []


def test_the_headers_that_were_given_are_not_changed() -> None:
    headers = Headers({"X-A": "1"})
    Response(200, headers=headers, content=b"abc").headers["X-B"] = "2"
    assert headers.raw == [(b"X-A", b"1")]


def test_content_in_memory_is_read_and_closed_from_the_start() -> None:
    response = Response(200, content=b"abc")
    assert (response.is_closed, response.is_stream_consumed, response.num_bytes_downloaded) == (True, True, 0)


def test_content_of_a_stream_must_be_read_first() -> None:
    response = Response(200, content=iter((b"a", b"b")))
    for name in ("content", "text"):
        with pytest.raises(ResponseNotRead):
            getattr(response, name)
    with pytest.raises(ResponseNotRead):
        response.json()
    assert response.read() == b"ab" == response.content
    assert response.is_closed


def test_content_that_is_given_coded_is_decoded() -> None:
    assert (
        Response(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"abc")).content == b"abc"
    )
    with pytest.raises(DecodingError):
        Response(200, headers={"Content-Encoding": "gzip"}, content=b"abc")


@pytest.mark.parametrize(
    "status, name",
    [
        (100, "is_informational"),
        (199, "is_informational"),
        (200, "is_success"),
        (299, "is_success"),
        (300, "is_redirect"),
        (399, "is_redirect"),
        (400, "is_client_error"),
        (499, "is_client_error"),
        (500, "is_server_error"),
        (599, "is_server_error"),
    ],
)
def test_a_status_code_belongs_to_one_class(status: int, name: str) -> None:
    names = ("is_informational", "is_success", "is_redirect", "is_client_error", "is_server_error")
    response = Response(status)
    assert [each for each in names if getattr(response, each)] == [name]
    assert response.is_error is (status >= 400)


@pytest.mark.parametrize("status", [99, 600])
def test_a_status_code_out_of_range_belongs_to_no_class(status: int) -> None:
    response = Response(status)
    assert not (response.is_informational or response.is_success or response.is_redirect or response.is_error)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_redirects_need_a_location_and_one_of_five_codes(status: int) -> None:
    """RFC 9110 section 15.4."""
    assert not Response(status).has_redirect_location
    redirects = status in (301, 302, 303, 307, 308)
    assert Response(status, headers={"Location": "/b"}).has_redirect_location is redirects


def test_version_and_phrase_are_what_the_transport_says_else_the_registered_ones() -> None:
    response = Response(404, extensions={"http_version": b"HTTP/1.0", "reason_phrase": b"Gone Fishing"})
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.0", "Gone Fishing")
    assert (Response(404).http_version, Response(404).reason_phrase) == ("HTTP/1.1", "Not Found")
    assert Response(200, extensions={"reason_phrase": b""}).reason_phrase == ""
    assert Response(200, extensions={"reason_phrase": b"OK\xff"}).reason_phrase == "OK"


def test_request_and_url_need_a_request() -> None:
    response = Response(200)
    for name in ("request", "url"):
        with pytest.raises(RuntimeError, match="request"):
            getattr(response, name)
    with pytest.raises(RuntimeError, match="request"):
        response.raise_for_status()
    response.request = REQUEST
    assert (response.request, response.url) == (REQUEST, REQUEST.url)


def test_raise_for_status_returns_a_success() -> None:
    response = Response(204, request=REQUEST)
    assert response.raise_for_status() is response


@pytest.mark.parametrize(
    "status, kind",
    [
        (101, "Informational response '101 Switching Protocols'"),
        (304, "Redirect response '304 Not Modified'"),
        (404, "Client error '404 Not Found'"),
        (500, "Server error '500 Internal Server Error'"),
        (600, "Invalid status code '600 '"),
    ],
)
def test_raise_for_status_says_what_came_and_for_which_url(status: int, kind: str) -> None:
    response = Response(status, request=REQUEST)
    with pytest.raises(HTTPStatusError) as caught:
        response.raise_for_status()
    assert str(caught.value) == (
        f"{kind} for url 'http://example.org/a'\n"
        f"For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/{status}"
    )
    assert caught.value.response is response
    assert caught.value.request is REQUEST


def test_raise_for_status_names_the_location_of_a_redirect() -> None:
    response = Response(301, headers={"Location": "/b"}, request=REQUEST)
    with pytest.raises(HTTPStatusError) as caught:
        response.raise_for_status()
    assert str(caught.value).splitlines() == [
        "Redirect response '301 Moved Permanently' for url 'http://example.org/a'",
        "Redirect location: '/b'",
        "For more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/301",
    ]


@pytest.mark.parametrize(
    "url, shown",
    [
        ("http://user:secret@example.org/a?b@c", "http://user:[secure]@example.org/a?b@c"),
        ("http://user@example.org/a:b@c", "http://user@example.org/a:b@c"),
        ("http://:secret@example.org/", "http://:[secure]@example.org/"),
    ],
)
def test_messages_do_not_show_the_password_of_a_url(url: str, shown: str) -> None:
    with pytest.raises(HTTPStatusError) as caught:
        Response(404, request=Request("GET", url)).raise_for_status()
    assert f"for url '{shown}'" in str(caught.value)


@pytest.mark.parametrize(
    "location, shown",
    [
        ("//user:secret@example.org/b", "//user:[secure]@example.org/b"),
        ("/b@c:d", "/b@c:d"),
        ("http://user:secret@example.org:x/", "[no URL]"),
    ],
)
def test_messages_do_not_show_the_password_of_a_location(location: str, shown: str) -> None:
    with pytest.raises(HTTPStatusError) as caught:
        Response(302, headers={"Location": location}, request=REQUEST).raise_for_status()
    assert f"Redirect location: '{shown}'" in str(caught.value)


@pytest.mark.parametrize(
    "content_type, charset",
    [
        ("text/plain", None),
        ("text/plain; charset=utf-8", "utf-8"),
        ("text/plain;charset=UTF-8", "utf-8"),
        ('text/plain; charset="iso-8859-1"', "iso-8859-1"),
        ("text/plain; format=flowed; charset=latin-1; x=y", "latin-1"),
        ('multipart/mixed; boundary="a; charset=b"; charset=utf-16', "utf-16"),
        ('multipart/mixed; boundary="charset=b"', None),
        ("text/plain; charset*=utf-8''ascii", "ascii"),
        ("text/plain; charset=", ""),
        ("", None),
    ],
)
def test_the_charset_is_a_parameter_of_the_content_type(content_type: str, charset: str | None) -> None:
    assert typed(content_type).charset_encoding == charset


def test_without_a_content_type_there_is_no_charset() -> None:
    response = Response(200, content=b"\xff")
    assert (response.charset_encoding, response.encoding, response.text) == (None, "utf-8", "\ufffd")


def test_text_is_decoded_by_the_charset_and_never_fails() -> None:
    assert typed("text/plain; charset=latin-1", b"\xe9").text == "é"
    assert typed("text/plain; charset=utf-8", b"\xe9a").text == "\ufffda"
    assert typed("text/plain; charset=utf-16-le", "é".encode("utf-16-le") + b"x").text == "é\ufffd"


@pytest.mark.parametrize(
    "charset",
    [
        *("hex", "zlib", "rot13", "base64", "bz2", "idna", "punycode", "undefined", "unicode_escape"),
        *("no-such", "a" * 5000, "..", "utf-8.x", "\u00fc"),
    ],
)
def test_what_is_no_encoding_of_text_falls_back_to_utf_8(charset: str) -> None:
    headers = [(b"Content-Type", f"text/plain; charset={charset}".encode())]
    response = Response(200, headers=headers, content="é".encode())
    assert (response.encoding, response.text) == ("utf-8", "é")


def test_the_default_encoding_counts_without_a_charset_only() -> None:
    assert typed("text/plain", b"\xe9", default_encoding="latin-1").text == "é"
    assert typed("text/plain; charset=utf-8", "é".encode(), default_encoding="latin-1").text == "é"


def test_the_default_encoding_may_be_found_in_the_content() -> None:
    seen: list[bytes] = []

    def detect(content: bytes) -> str:
        seen.append(content)
        return "latin-1"

    assert typed("text/plain", b"\xe9", default_encoding=detect).text == "é"
    assert seen == [b"\xe9"]
    assert Response(200, content=iter((b"a",)), default_encoding=detect).encoding == "utf-8"
    assert seen == [b"\xe9"]


def test_the_encoding_may_be_set_until_the_text_is_read() -> None:
    response = typed("text/plain; charset=utf-8", b"\xe9")
    response.encoding = "latin-1"
    assert response.text == "é"
    with pytest.raises(ValueError, match="encoding"):
        response.encoding = "utf-8"


def test_json_finds_the_encoding_itself_and_takes_the_arguments_of_loads() -> None:
    assert Response(200, content='{"a": 1.5}'.encode("utf-16")).json() == {"a": 1.5}
    assert Response(200, content=b"1.5").json(parse_float=str) == "1.5"
    with pytest.raises(ValueError):
        Response(200, content=b"{").json()


def test_elapsed_is_known_when_it_is_over() -> None:
    response = Response(200)
    with pytest.raises(RuntimeError, match="elapsed"):
        _ = response.elapsed
    response.elapsed = datetime.timedelta(seconds=1.5)
    assert response.elapsed == datetime.timedelta(seconds=1.5)


def test_there_is_no_next_request() -> None:
    assert Response(301, headers={"Location": "/b"}).next_request is None


def test_history_and_extensions_are_copied() -> None:
    history: list[Response] = []
    extensions: dict[str, object] = {}
    response = Response(200, history=history, extensions=extensions)
    response.history.append(Response(301))
    response.extensions["a"] = 1
    assert (history, extensions) == ([], {})


def test_its_repr_names_status_and_phrase() -> None:
    assert repr(Response(200)) == "<Response [200 OK]>"
    assert repr(Response(418)) == "<Response [418 I'm a teapot]>"


def test_a_pickled_response_keeps_what_was_read_and_is_closed() -> None:
    response = Response(404, text="é", request=REQUEST, extensions={"x": 1}, history=[Response(301)])
    response.elapsed = datetime.timedelta(seconds=1)
    copy = pickle.loads(pickle.dumps(response))
    assert (copy.status_code, copy.headers, copy.text) == (404, response.headers, "é")
    assert (copy.url, copy.elapsed) == (REQUEST.url, response.elapsed)
    assert [each.status_code for each in copy.history] == [301]
    assert copy.is_closed
    assert copy.extensions == {}
    with pytest.raises(StreamClosed):
        list(copy.stream)


def test_a_pickled_response_that_was_not_read_cannot_be_read() -> None:
    copy = pickle.loads(pickle.dumps(Response(200, content=iter((b"a",)), request=REQUEST)))
    with pytest.raises(ResponseNotRead):
        _ = copy.content
    with pytest.raises(StreamClosed):
        copy.read()
