"""`Request` as a value: its fields, its content, what is pickled."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from httpstream import URL, Headers, InvalidURL, Request, RequestNotRead, StreamClosed


def fields(request: Request) -> list[tuple[bytes, bytes]]:
    return request.headers.raw


class Pieces:
    """Two pieces, as often as asked for."""

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"ab", b"cd"))


class AsyncPieces:
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"


def test_the_method_is_made_upper_case() -> None:
    assert Request("get", "http://example.org").method == "GET"


def test_a_str_becomes_a_url_and_a_url_stays() -> None:
    url = URL("http://example.org/a")
    assert Request("GET", "http://example.org/a").url == url
    assert Request("GET", url).url is url


def test_params_become_the_query() -> None:
    assert (
        str(Request("GET", "http://example.org/a?x=1", params={"q": "é"}).url)
        == "http://example.org/a?q=%C3%A9"
    )


def test_an_invalid_url_is_refused() -> None:
    with pytest.raises(InvalidURL):
        Request("GET", "http://example.org:port/")


def test_host_comes_first_and_the_fields_of_the_content_last() -> None:
    """RFC 9110 section 7.2: Host should be the first field."""
    request = Request("POST", "http://example.org:8080/", headers={"X-A": "1"}, content=b"abc")
    assert fields(request) == [(b"Host", b"example.org:8080"), (b"X-A", b"1"), (b"Content-Length", b"3")]


def test_a_host_that_was_set_is_kept_where_it_stands() -> None:
    request = Request("GET", "http://example.org", headers={"X-A": "1", "host": "other"})
    assert fields(request) == [(b"X-A", b"1"), (b"host", b"other")]


def test_a_url_without_a_host_gets_no_host_field() -> None:
    assert fields(Request("GET", "/path")) == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_methods_with_content_say_that_there_is_none(method: str) -> None:
    """RFC 9110 section 8.6."""
    assert fields(Request(method, "http://example.org")) == [
        (b"Host", b"example.org"),
        (b"Content-Length", b"0"),
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"])
def test_methods_without_content_say_nothing_of_it(method: str) -> None:
    assert fields(Request(method, "http://example.org")) == [(b"Host", b"example.org")]


def test_content_of_unknown_size_is_chunked() -> None:
    assert Request("POST", "http://example.org", content=Pieces()).headers["transfer-encoding"] == "chunked"


def test_a_length_that_was_set_keeps_chunked_away() -> None:
    """RFC 9112 section 6.2: never both."""
    request = Request("POST", "http://example.org", headers={"Content-Length": "4"}, content=Pieces())
    assert fields(request) == [(b"Host", b"example.org"), (b"Content-Length", b"4")]


def test_chunked_that_was_set_keeps_the_zero_length_away() -> None:
    request = Request("POST", "http://example.org", headers={"Transfer-Encoding": "chunked"})
    assert "content-length" not in request.headers


def test_a_content_type_that_was_set_is_kept() -> None:
    request = Request("POST", "http://example.org", headers={"Content-Type": "text/x"}, json={"a": 1})
    assert request.headers.get_list("content-type") == ["text/x"]
    assert request.content == b'{"a":1}'


def test_the_headers_that_were_given_are_not_changed() -> None:
    headers = Headers({"X-A": "1"})
    Request("POST", "http://example.org", headers=headers, content=b"abc").headers["X-B"] = "2"
    assert headers.raw == [(b"X-A", b"1")]


def test_a_stream_adds_no_field_and_is_not_read() -> None:
    stream = Request("POST", "http://example.org", content=Pieces()).stream
    request = Request("POST", "http://example.org", headers={"X-A": "1"}, stream=stream)
    assert request.stream is stream
    assert fields(request) == [(b"X-A", b"1")]
    with pytest.raises(RequestNotRead):
        _ = request.content


def test_extensions_are_copied() -> None:
    extensions = {"timeout": {"read": 1.0}}
    request = Request("GET", "http://example.org", extensions=extensions)
    request.extensions["x"] = 1
    assert extensions == {"timeout": {"read": 1.0}}


def test_content_in_memory_is_there_at_once() -> None:
    assert Request("GET", "http://example.org").content == b""
    assert Request("POST", "http://example.org", content="é").content == "é".encode()
    assert Request("POST", "http://example.org", data={"a": "b c"}).content == b"a=b+c"


def test_streamed_content_must_be_read_first_and_can_be_sent_again_then() -> None:
    request = Request("POST", "http://example.org", content=iter((b"ab", b"cd")))
    with pytest.raises(RequestNotRead):
        _ = request.content
    assert request.read() == b"abcd" == request.content
    assert [b"".join(request.stream) for _ in range(2)] == [b"abcd", b"abcd"]  # type: ignore[arg-type]
    assert request.read() == b"abcd"


def test_async_content_is_read_by_aread() -> None:
    request = Request("POST", "http://example.org", content=AsyncPieces())
    with pytest.raises(RuntimeError, match="async"):
        request.read()
    assert anyio.run(request.aread) == b"abcd" == request.content


def test_sync_content_is_not_read_by_aread() -> None:
    with pytest.raises(RuntimeError, match="sync"):
        anyio.run(Request("POST", "http://example.org", content=Pieces()).aread)


def test_its_repr_names_method_and_url() -> None:
    assert repr(Request("GET", "http://example.org/a")) == "<Request('GET', 'http://example.org/a')>"


def test_a_pickled_request_keeps_its_content_but_neither_stream_nor_extensions() -> None:
    request = Request("POST", "http://example.org/a", content=b"abc", extensions={"x": 1})
    copy = pickle.loads(pickle.dumps(request))
    assert (copy.method, copy.url, copy.headers, copy.content) == (
        "POST",
        request.url,
        request.headers,
        b"abc",
    )
    assert copy.extensions == {}
    with pytest.raises(StreamClosed):
        list(copy.stream)


def test_a_pickled_request_whose_stream_was_not_read_has_no_content() -> None:
    copy = pickle.loads(pickle.dumps(Request("POST", "http://example.org/a", content=Pieces())))
    with pytest.raises(RequestNotRead):
        _ = copy.content
    with pytest.raises(StreamClosed):
        copy.read()
