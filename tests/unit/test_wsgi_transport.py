"""WSGITransport where httpx raises AssertionError, or leaves something open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

import httpstream


def client_of(app: Any) -> httpstream.Client:
    return httpstream.Client(transport=httpstream.WSGITransport(app=app))


@pytest.mark.parametrize("content", [[], [b"content"]])
def test_an_application_without_a_status_breaks_the_protocol(content: list[bytes]) -> None:
    with client_of(lambda environ, start_response: content) as client:
        with pytest.raises(httpstream.RemoteProtocolError, match="before a status") as caught:
            client.get("http://host/")
    assert caught.value.request.url == "http://host/"


@pytest.mark.parametrize(
    ("status", "fields"),
    [("", []), ("fine", []), ("200 OK", [("X-A", "\N{SNOWMAN}")]), ("200 OK", [("X-\N{SNOWMAN}", "")])],
)
def test_a_status_or_field_that_http_cannot_carry_breaks_the_protocol(
    status: str, fields: list[tuple[str, str]]
) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, fields)
        return []

    with client_of(app) as client, pytest.raises(httpstream.RemoteProtocolError, match="cannot carry"):
        client.get("http://host/")


def test_an_iterable_whose_response_is_not_delivered_is_closed() -> None:
    class Result:
        closed = 0

        def __iter__(self) -> Iterator[bytes]:
            return iter([])

        def close(self) -> None:
            self.closed += 1

    result = Result()
    with client_of(lambda environ, start_response: result) as client:
        with pytest.raises(httpstream.RemoteProtocolError):
            client.get("http://host/")
    assert result.closed == 1


def test_what_is_written_comes_in_its_place() -> None:
    """PEP 3333, "The write() Callable": before the iterable's next piece, also when it is called while that is made."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        write = start_response("200 OK", [])
        write(b"1")
        yield b"2"
        write(b"3")
        yield b"4"
        write(b"5")

    with client_of(app) as client:
        assert client.get("http://host/").content == b"12345"
