"""Each system call failing in turn: short reads, partial sends, would-block, resets, at every place of a
dialogue.

The calls of the socket itself are replaced, never a class of ours. What must hold: partial work changes no
outcome; a failure is a documented error, its connection is closed, its place is free, and the next request is
answered.
"""

from __future__ import annotations

import errno

import pytest

import httpstream
from tests.dialogue import CHUNKED, FIVE, check_next_request, head
from tests.faulty_sockets import faults_of_clients
from tests.servers.steps import expect_chunked, expect_content, expect_request, ignore_until_end, send, serve


@pytest.fixture
def faults(monkeypatch):
    return faults_of_clients(monkeypatch)


def dialogues(world):
    """name: (script, what the client does, what it must get)"""
    post = {"content": world.pieces([b"one", b"two" * 100])}
    return {
        "fixed": ([expect_request("GET /a"), send(FIVE + b"hello"), serve()], ("GET", {}), b"hello"),
        "chunked": (
            [
                expect_request("GET /a"),
                send(CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n"),
                serve(),
            ],
            ("GET", {}),
            b"hello",
        ),
        "after hints": (
            [expect_request("GET /a"), send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + FIVE + b"hello"), serve()],
            ("GET", {}),
            b"hello",
        ),
        "upload": (
            [expect_request("POST /a"), expect_content(b"x" * 300), send(FIVE + b"hello"), serve()],
            ("POST", {"content": b"x" * 300}),
            b"hello",
        ),
        "chunked upload": (
            [
                expect_request("POST /a"),
                expect_chunked(b"one" + b"two" * 100),
                send(FIVE + b"hello"),
                serve(),
            ],
            ("POST", post),
            b"hello",
        ),
        "after a 100": (
            [
                expect_request("PUT /a"),
                send(b"HTTP/1.1 100 Continue\r\n\r\n"),
                expect_content(b"xyz"),
                send(FIVE + b"hello"),
                serve(),
            ],
            ("PUT", {"content": b"xyz", "headers": {"Expect": "100-continue"}}),
            b"hello",
        ),
        "large": (
            [expect_request("GET /a"), send(head("Content-Length: 5000") + b"x" * 5000), serve()],
            ("GET", {}),
            b"x" * 5000,
        ),
    }


NAMES = ["fixed", "chunked", "after hints", "upload", "chunked upload", "after a 100", "large"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("most", [1, 2, 7])
async def test_short_reads_and_partial_sends_change_nothing(world, fault_server, faults, name, most):
    script, (method, options), expected = dialogues(world)[name]
    server = fault_server(script, then=None)
    faults.most = most
    async with world.client() as client:
        assert (await client.request(method, server.url + "/a", **options)).content == expected
        await check_next_request(client, server)
    assert len(server.peers) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_calls_that_would_block_are_made_again(world, fault_server, faults, name):
    """Also where the wait said that the socket is ready."""
    script, (method, options), expected = dialogues(world)[name]
    server = fault_server(script, strict=False)
    faults.every_other_blocks = True
    async with world.client() as client:
        assert (await client.request(method, server.url + "/a", **options)).content == expected
        await check_next_request(client, server)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOBUFS"])
@pytest.mark.parametrize("name", NAMES)
async def test_each_call_may_fail_in_turn(world, fault_server, faults, name, error):
    """The error is a documented one, or the request was sent again: then its answer is right."""
    faults.error = getattr(errno, error)
    faults.most = 40
    limits = httpstream.Limits(max_connections=1)
    for fail_at in range(1, 40):
        script, (method, options), expected = dialogues(world)[name]
        server = fault_server([*script[:-1], serve(), ignore_until_end()], strict=False)
        faults.calls, faults.fail_at = 0, fail_at
        async with world.client(limits=limits) as client:
            try:
                response = await client.request(method, server.url + "/a", **options)
            except httpstream.TransportError as exc:
                failure = exc
            else:
                assert response.content == expected
                failure = None
            if failure is not None:
                assert failure.request.url == server.url + "/a"
                assert not isinstance(failure, httpstream.ConnectError)
            was_struck = faults.calls >= fail_at
            faults.fail_at = None
            await check_next_request(client, server)
        server.stop()
        if not was_struck:
            return
