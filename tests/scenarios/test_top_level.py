"""`httpstream.get()` and its kin: one request each, on a connection that is closed afterwards."""

from __future__ import annotations

import pytest

import httpstream
from httpstream import HTTPStatusError, ReadTimeout, Response
from tests.servers.steps import expect_content, expect_end, expect_request, send, wait_read

HEAD = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"


@pytest.mark.parametrize("name", ["get", "options", "delete", "post", "put", "patch", "head"])
def test_a_function_sends_its_method_and_closes_its_connection(fault_server, name):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    server = fault_server([expect_request(f"{name.upper()} /a?q=1"), send(answer), expect_end()])
    response = getattr(httpstream, name)(
        server.url + "/a", params={"q": "1"}, headers={"X-A": "1"}, trust_env=False
    )
    assert (response.status_code, response.is_closed) == (200, True)
    assert response.request.headers["x-a"] == "1"


@pytest.mark.parametrize(
    "content, sent", [({"content": b"abc"}, b"abc"), ({"data": {"a": "b"}}, b"a=b"), ({"json": [1]}, b"[1]")]
)
def test_request_sends_content(fault_server, content, sent):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    server = fault_server([expect_request("POST /"), expect_content(sent), send(answer), expect_end()])
    assert httpstream.request("POST", server.url, trust_env=False, **content).is_success


def test_the_timeout_counts(fault_server):
    server = fault_server([expect_request("GET /"), expect_end()])
    with pytest.raises(ReadTimeout) as caught:
        httpstream.get(server.url, timeout=0.05, trust_env=False)
    assert caught.value.request.url == server.url


def test_stream_gives_the_response_unread_and_closes_its_connection(fault_server):
    server = fault_server([expect_request("GET /"), send(HEAD), wait_read(), send(b"hello"), expect_end()])
    with httpstream.stream("GET", server.url, trust_env=False) as response:
        assert not response.is_stream_consumed
        assert list(response.iter_bytes()) == [b"hello"]
    assert response.is_closed


def test_stream_left_early_closes_its_connection(fault_server):
    server = fault_server([expect_request("GET /"), send(HEAD), expect_end()])
    with httpstream.stream("GET", server.url, trust_env=False) as response:
        assert isinstance(response, Response)
    assert response.is_closed


def test_the_text_of_a_status_error_can_be_read_after_the_block(fault_server):
    server = fault_server([expect_request("GET /"), send(HEAD + b"hello"), expect_end()])
    with pytest.raises(HTTPStatusError) as caught:
        with httpstream.stream("GET", server.url, trust_env=False) as response:
            response.raise_for_status()
    assert caught.value.response.text == "hello"


def test_a_stream_that_fails_to_begin_closes_its_connection(fault_server):
    server = fault_server([expect_request("GET /"), expect_end()])
    with pytest.raises(ReadTimeout):
        httpstream.stream("GET", server.url, timeout=0.05, trust_env=False).__enter__()


def test_a_stream_block_is_entered_once(fault_server):
    server = fault_server([expect_request("GET /"), send(HEAD + b"hello"), expect_end()])
    context = httpstream.stream("GET", server.url, trust_env=False)
    with context:
        pass
    with pytest.raises(RuntimeError, match="again"):
        context.__enter__()


async def test_a_status_error_keeps_what_came_within_the_read_timeout(world, fault_server):
    """The server stops in the middle of the content: the status error is still what the caller sees."""
    server = fault_server([expect_request("GET /"), send(HEAD + b"hel"), expect_end()])
    async with world.client(timeout=0.1) as client:
        with pytest.raises(HTTPStatusError) as caught:
            async with client.stream("GET", server.url) as response:
                response.raise_for_status()
    assert caught.value.response.text == "hel"
