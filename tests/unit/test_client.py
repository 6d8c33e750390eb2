"""Both clients over a transport of the test: what becomes of a request and a response, without a socket."""

from __future__ import annotations

import datetime
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

import httpstream
from httpstream import (
    URL,
    AsyncByteStream,
    ByteStream,
    Client,
    ConnectError,
    DecodingError,
    QueryParams,
    ReadError,
    Request,
    Response,
    SyncByteStream,
    Timeout,
)
from tests.worlds import Either, Transport, failing


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Either:
    return Either(request.param == "async")


# Building a request.


def test_the_default_fields_stand_behind_host_in_a_fixed_order() -> None:
    request = Client(transport=Transport()).build_request("GET", "http://example.org/")
    assert [name for name, _ in request.headers.raw] == [
        b"Host",
        b"Accept",
        b"Accept-Encoding",
        b"Connection",
        b"User-Agent",
    ]
    assert request.headers["accept"] == "*/*"
    assert request.headers["accept-encoding"].startswith("gzip, deflate")
    assert request.headers["connection"] == "keep-alive"
    assert request.headers["user-agent"] == f"python-httpstream/{httpstream.__version__}"


def test_the_fields_of_the_client_and_of_the_request_are_merged() -> None:
    client = Client(transport=Transport(), headers={"User-Agent": "own", "X-A": "client", "X-B": "client"})
    request = client.build_request("GET", "http://example.org/", headers={"x-a": "request", "X-C": "request"})
    assert request.headers["user-agent"] == "own"
    assert request.headers.get_list("x-a") == ["request"]
    assert (request.headers["x-b"], request.headers["x-c"]) == ("client", "request")
    assert client.headers["x-a"] == "client"
    assert "x-c" not in client.headers


def test_changed_fields_of_the_client_count_for_the_next_request() -> None:
    client = Client(transport=Transport())
    before = client.build_request("GET", "http://example.org/")
    client.headers["X-A"] = "1"
    assert client.build_request("GET", "http://example.org/").headers["x-a"] == "1"
    assert "x-a" not in before.headers
    client.headers = {"Accept": "text/html"}
    request = client.build_request("GET", "http://example.org/")
    assert request.headers["accept"] == "text/html"
    assert "x-a" not in request.headers
    assert "user-agent" in request.headers


def test_a_request_does_not_share_its_fields_with_the_client() -> None:
    client = Client(transport=Transport())
    client.build_request("GET", "http://example.org/").headers["X-A"] = "1"
    assert "x-a" not in client.headers


def test_params_are_merged() -> None:
    client = Client(transport=Transport(), params={"a": "1"})
    assert str(client.build_request("GET", "http://example.org/?x=y").url) == "http://example.org/?a=1"
    merged = client.build_request("GET", "http://example.org/", params={"b": "2"})
    assert str(merged.url) == "http://example.org/?a=1&b=2"
    client.params = {}
    assert client.params == QueryParams()
    assert str(client.build_request("GET", "http://example.org/?x=y").url) == "http://example.org/?x=y"


@pytest.mark.parametrize(
    "base, url, merged",
    [
        ("http://example.org", "/a", "http://example.org/a"),
        ("http://example.org/api", "/a?x=1", "http://example.org/api/a?x=1"),
        ("http://example.org/api/", "a", "http://example.org/api/a"),
        ("http://example.org/api", "", "http://example.org/api/"),
        ("http://example.org/api", "../a", "http://example.org/a"),
        ("http://example.org/api", "http://other.org/a", "http://other.org/a"),
        ("", "http://example.org/a", "http://example.org/a"),
        ("", "/a", "/a"),
    ],
)
def test_a_relative_url_is_appended_to_the_base_url(base: str, url: str, merged: str) -> None:
    client = Client(transport=Transport(), base_url=base)
    for each in (url, url, URL(url)):
        assert str(client.build_request("GET", each).url) == merged


def test_a_changed_base_url_counts_for_urls_that_were_used_before() -> None:
    client = Client(transport=Transport(), base_url="http://example.org/a")
    assert client.base_url == URL("http://example.org/a/")
    client.build_request("GET", "/x")
    client.base_url = "http://example.org/b"
    assert str(client.build_request("GET", "/x").url) == "http://example.org/b/x"


def test_ten_thousand_urls_are_not_all_remembered() -> None:
    client = Client(transport=Transport())
    for number in range(10_000):
        client.build_request("GET", f"http://example.org/{number}")
    assert len(client._merged_urls) <= 1000


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, {"connect": 5.0, "read": 5.0, "write": 5.0, "pool": 5.0}),
        ({"timeout": 1.5}, {"connect": 1.5, "read": 1.5, "write": 1.5, "pool": 1.5}),
        ({"timeout": None}, {"connect": None, "read": None, "write": None, "pool": None}),
        ({"timeout": 1.5, "extensions": {"timeout": {"read": 2.0}}}, {"read": 2.0}),
    ],
)
def test_the_timeout_of_the_request_wins_and_none_means_none(given: Any, expected: Any) -> None:
    request = Client(transport=Transport()).build_request("GET", "http://example.org/", **given)
    assert request.extensions["timeout"] == expected


def test_the_timeout_of_the_client_counts_where_the_request_names_none() -> None:
    client = Client(transport=Transport(), timeout=Timeout(1.0, read=2.0))
    assert client.timeout == Timeout(1.0, read=2.0)
    client.timeout = 3.0
    assert client.build_request("GET", "http://example.org/").extensions["timeout"] == Timeout(3.0).as_dict()


def test_extensions_of_the_caller_are_not_changed() -> None:
    extensions = {"trace": 1}
    request = Client(transport=Transport()).build_request("GET", "http://example.org/", extensions=extensions)
    assert extensions == {"trace": 1}
    assert request.extensions["trace"] == 1


def test_a_timeout_that_was_left_out_says_so_in_signatures() -> None:
    assert repr(httpstream.USE_CLIENT_DEFAULT) == "USE_CLIENT_DEFAULT"


def test_trust_env_is_what_was_given() -> None:
    assert Client(transport=Transport()).trust_env
    assert not Client(transport=Transport(), trust_env=False).trust_env


# Sending.


@pytest.mark.parametrize("name", ["get", "options", "head", "delete", "post", "put", "patch"])
def test_every_method_sends_a_request_of_its_name(either: Either, name: str) -> None:
    transport = Transport()
    client = either.client(transport)
    response = either.call(
        getattr(client, name), "http://example.org/a", params={"q": "1"}, headers={"X-A": "1"}
    )
    (request,) = transport.requests
    assert (request.method, str(request.url)) == (name.upper(), "http://example.org/a?q=1")
    assert request.headers["x-a"] == "1"
    assert response.request is request
    assert response.text == "hello"


@pytest.mark.parametrize("name", ["post", "put", "patch"])
@pytest.mark.parametrize(
    "content, sent", [({"content": b"abc"}, b"abc"), ({"data": {"a": "b"}}, b"a=b"), ({"json": [1]}, b"[1]")]
)
def test_methods_with_content_send_it(either: Either, name: str, content: Any, sent: bytes) -> None:
    transport = Transport()
    either.call(getattr(either.client(transport), name), "http://example.org/", **content)
    assert transport.requests[0].content == sent


def test_request_takes_every_argument(either: Either) -> None:
    transport = Transport()
    either.call(
        either.client(transport).request,
        "delete",
        "http://example.org/",
        content=b"abc",
        params={"q": "1"},
        headers={"X-A": "1"},
        timeout=1.0,
        extensions={"x": 1},
    )
    (request,) = transport.requests
    assert (request.method, request.content, request.headers["x-a"]) == ("DELETE", b"abc", "1")
    assert request.extensions == {"x": 1, "timeout": Timeout(1.0).as_dict()}


def test_send_sends_a_request_as_it_is_but_for_the_timeout(either: Either) -> None:
    transport = Transport()
    request = Request("GET", "http://example.org/")
    response = either.call(either.client(transport, headers={"X-A": "1"}, timeout=2.0).send, request)
    assert response.request is request
    assert request.headers.raw == [(b"Host", b"example.org")]
    assert request.extensions["timeout"] == Timeout(2.0).as_dict()


def test_a_response_is_read_and_closed_unless_it_is_streamed(either: Either) -> None:
    transport, body = failing(200, b"abc")
    client = either.client(transport)
    request = client.build_request("GET", "http://example.org/")
    response = either.call(client.send, request, stream=True)
    assert (response.is_closed, response.is_stream_consumed, body.taken) == (False, False, 0)
    assert either.read(response) == b"abc"
    assert either.call(client.send, request).content == b"abc"
    assert body.closed == 2


def test_elapsed_ends_when_the_response_is_closed(either: Either) -> None:
    transport, _ = failing(200, b"abc")
    client = either.client(transport)
    response = either.call(client.send, client.build_request("GET", "http://example.org/"), stream=True)
    with pytest.raises(RuntimeError):
        _ = response.elapsed
    either.read(response)
    assert datetime.timedelta(0) < response.elapsed < datetime.timedelta(seconds=30)


def test_the_default_encoding_of_the_client_counts(either: Either) -> None:
    client = either.client(
        Transport(lambda request: Response(200, content=b"\xe9")), default_encoding="latin-1"
    )
    assert either.call(client.get, "http://example.org/").text == "é"


def test_content_of_the_other_world_is_refused_before_it_is_sent(either: Either) -> None:
    async def async_content() -> AsyncIterator[bytes]:
        yield b"a"

    transport = Transport()
    content: Any = iter((b"a",)) if either.is_async else async_content()
    with pytest.raises(RuntimeError, match="stream of the other world"):
        either.call(either.client(transport).post, "http://example.org/", content=content)
    assert transport.requests == []


def test_a_transport_that_answers_in_the_other_world_is_refused(either: Either) -> None:
    class Other(SyncByteStream if either.is_async else AsyncByteStream):  # type: ignore[misc]
        pass

    client = either.client(Transport(lambda request: Response(200, stream=Other())))
    with pytest.raises(RuntimeError, match="transport"):
        either.call(client.get, "http://example.org/")


def test_the_transport_is_looked_up_at_every_call(either: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    client = either.client(Transport())
    either.call(client.get, "http://example.org/")

    def patched(self: Transport, request: Request) -> Response:
        return Response(200, text="patched")

    async def apatched(self: Transport, request: Request) -> Response:
        return Response(200, text="patched")

    monkeypatch.setattr(Transport, "handle_request", patched)
    monkeypatch.setattr(Transport, "handle_async_request", apatched)
    assert either.call(client.get, "http://example.org/").text == "patched"


# Errors.


def test_an_error_of_the_transport_names_the_request(either: Either) -> None:
    def refuse(request: Request) -> Response:
        raise ConnectError("refused")

    transport = Transport(refuse)
    with pytest.raises(ConnectError) as caught:
        either.call(either.client(transport).get, "http://example.org/")
    assert caught.value.request is transport.requests[0]


def test_an_error_while_reading_names_the_request_and_closes(either: Either) -> None:
    transport, body = failing(200, b"abc", ReadError("broken"))
    with pytest.raises(ReadError) as caught:
        either.call(either.client(transport).get, "http://example.org/")
    assert caught.value.request is transport.requests[0]
    assert body.closed == 1


def test_content_that_does_not_decode_names_the_request_and_closes(either: Either) -> None:
    transport, body = failing(200, b"abc", content_encoding="gzip")
    with pytest.raises(DecodingError) as caught:
        either.call(either.client(transport).get, "http://example.org/")
    assert caught.value.request is transport.requests[0]
    assert body.closed == 1


def test_an_unknown_argument_is_a_type_error(either: Either) -> None:
    with pytest.raises(TypeError):
        either.client(Transport(), no_such=1)
    with pytest.raises(TypeError):
        either.call(either.client(Transport()).get, "http://example.org/", no_such=1)
    with pytest.raises(TypeError):
        either.client(Transport()).stream("GET", "http://example.org/", no_such=1)


# The life of a client.


def test_a_block_enters_and_closes_the_transport_once(either: Either) -> None:
    transport = Transport()
    client = either.client(transport)
    assert not client.is_closed
    either.block(client, lambda entered: None)
    assert (transport.entered, transport.closed, client.is_closed) == (1, 1, True)
    either.close(client)
    assert transport.closed == 1


def test_a_closed_client_sends_nothing(either: Either) -> None:
    transport = Transport()
    client = either.client(transport)
    either.close(client)
    with pytest.raises(RuntimeError, match="closed"):
        either.call(client.get, "http://example.org/")
    with pytest.raises(RuntimeError, match="closed"):
        either.block(client.stream("GET", "http://example.org/"), lambda response: None)
    assert transport.requests == []


def test_a_client_cannot_be_entered_twice_nor_after_use_nor_after_closing(either: Either) -> None:
    client = either.client(Transport())
    with pytest.raises(RuntimeError):
        either.block(client, lambda entered: either_enter(either, client))
    with pytest.raises(RuntimeError):
        either.block(client, lambda entered: None)
    used = either.client(Transport())
    either.call(used.get, "http://example.org/")
    with pytest.raises(RuntimeError):
        either.block(used, lambda entered: None)


def either_enter(either: Either, client: Any) -> None:
    """Enter a client inside its own block, without a second event loop."""
    if not either.is_async:
        client.__enter__()
        return
    client.__aenter__().send(None)


# The log.


def test_one_line_per_request_is_logged(either: Either, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpstream")
    client = either.client(Transport())
    either.call(client.get, "http://user:secret@example.org/a?b=c")
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("httpstream", "INFO", 'HTTP Request: GET http://user:[secure]@example.org/a?b=c "HTTP/1.1 200 OK"')
    ]


def test_nothing_is_logged_for_who_does_not_listen(either: Either, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="httpstream")
    either.call(either.client(Transport()).get, "http://example.org/")
    assert caplog.records == []


def test_content_in_memory_is_sent_in_both_worlds(either: Either) -> None:
    transport = Transport()
    either.call(either.client(transport).post, "http://example.org/", content=b"abc")
    assert isinstance(transport.requests[0].stream, ByteStream)
