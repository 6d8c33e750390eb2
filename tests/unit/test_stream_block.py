"""The blocks of `Client.stream` and `AsyncClient.stream`: closing, and the content of a status error."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from httpstream import Client, HTTPStatusError, ReadError, Request, Response, ResponseNotRead, Timeout
from tests.worlds import Either, Transport, failing

MIB = 1024 * 1024


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Either:
    return Either(request.param == "async")


def test_a_stream_block_gives_the_response_unread_and_closes_it(either: Either) -> None:
    transport, body = failing(200, b"abc", b"def")
    context = either.client(transport).stream("GET", "http://example.org/", headers={"X-A": "1"})
    assert transport.requests == []
    seen: list[Response] = []
    either.block(context, seen.append)
    assert transport.requests[0].headers["x-a"] == "1"
    assert (seen[0].is_closed, body.taken, body.closed) == (True, 0, 1)


def test_a_stream_block_is_entered_once(either: Either) -> None:
    context = either.client(Transport()).stream("GET", "http://example.org/")
    either.block(context, lambda response: None)
    with pytest.raises(RuntimeError, match="again"):
        either.block(context, lambda response: None)


def test_a_stream_block_closes_on_any_error(either: Either) -> None:
    transport, body = failing(200, b"abc")

    def fail(response: Response) -> None:
        raise KeyError("own")

    with pytest.raises(KeyError):
        either.block(either.client(transport).stream("GET", "http://example.org/"), fail)
    assert (body.taken, body.closed) == (0, 1)


def status_error(either: Either, transport: Transport, **options: Any) -> HTTPStatusError:
    client = either.client(transport)
    with pytest.raises(HTTPStatusError) as caught:
        either.block(client.stream("GET", "http://example.org/", **options), Response.raise_for_status)
    assert caught.value.response.is_closed
    return caught.value


def test_the_text_of_a_status_error_can_be_read_after_the_block(either: Either) -> None:
    transport, body = failing(404, b"not ", b"here")
    assert status_error(either, transport).response.text == "not here"
    assert body.closed == 1


def test_the_content_of_a_status_error_is_decoded(either: Either) -> None:
    transport, _ = failing(500, gzip.compress(b"broken"), content_encoding="gzip")
    assert status_error(either, transport).response.text == "broken"


def test_at_most_1_mib_of_a_status_error_is_kept(either: Either) -> None:
    transport, body = failing(500, *[bytes(MIB // 2 - 1)] * 10)
    assert len(status_error(either, transport).response.content) == MIB
    assert body.taken == 3


def test_an_error_while_reading_a_status_error_does_not_hide_it(either: Either) -> None:
    transport, body = failing(500, b"half", ReadError("broken"))
    assert status_error(either, transport).response.text == "half"
    assert body.closed == 1


def test_the_content_of_a_status_error_is_read_within_the_read_timeout(either: Either) -> None:
    transport, body = failing(500, b"a", b"b")
    assert status_error(either, transport, timeout=Timeout(5.0, read=0.0)).response.text == "a"
    assert body.taken == 1


def test_a_status_error_of_another_response_reads_nothing(either: Either) -> None:
    transport, body = failing(500, b"abc")
    other = Response(500, request=Request("GET", "http://example.org/other"))
    with pytest.raises(HTTPStatusError):
        either.block(
            either.client(transport).stream("GET", "http://example.org/"),
            lambda response: other.raise_for_status(),
        )
    assert (body.taken, body.closed) == (0, 1)


def test_a_status_error_after_reading_began_has_no_content() -> None:
    transport, _ = failing(500, b"abc", b"def")
    with pytest.raises(HTTPStatusError) as caught, Client(transport=transport) as client:
        with client.stream("GET", "http://example.org/") as response:
            next(response.iter_bytes())
            response.raise_for_status()
    with pytest.raises(ResponseNotRead):
        _ = caught.value.response.text
