"""HTTP/2 with each system call failing in turn: short reads, partial sends, would-block, resets.

Partial work changes no outcome; a failure is a documented error with its request, and the next request is answered.
"""

from __future__ import annotations

import errno

import pytest

import httpstream
from tests.faulty_sockets import faults_of_clients
from tests.servers.http2 import serve_http2

PLAIN = {"http1": False, "http2": True}


@pytest.fixture
def faults(monkeypatch):
    return faults_of_clients(monkeypatch)


@pytest.fixture
def server(fault_server):
    return fault_server(then=[serve_http2(lambda head: head[":path"].encode() * 2000)], strict=False)


async def dialogue(client, server, blocks=300):
    """A response, an upload that is sent back, and a response that is left early."""
    assert (await client.get(server.url + "/a")).content == b"/a" * 2000
    content = bytes(range(256)) * blocks
    assert (await client.post(server.url + "/b", content=content)).content == b"/b" * 2000 + content
    async with client.stream("GET", server.url + "/c") as answer:
        assert await answer.iter("bytes", chunk_size=100).__anext__() == b"/c" * 50
    assert (await client.get(server.url + "/d")).content == b"/d" * 2000


@pytest.mark.parametrize("most", [pytest.param(1, marks=pytest.mark.slow), 7, 1000])
async def test_short_reads_and_partial_sends_change_nothing(world, server, faults, most):
    faults.most = most
    async with world.client(timeout=20.0, **PLAIN) as client:
        await dialogue(client, server, 80 if most == 1 else 300)  # byte by byte it takes its time
    assert len(server.peers) == 1


async def test_calls_that_would_block_are_made_again(world, server, faults):
    faults.every_other_blocks = True
    async with world.client(timeout=20.0, **PLAIN) as client:
        await dialogue(client, server)
    assert len(server.peers) == 1


@pytest.mark.parametrize("error", [errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT])
async def test_each_call_fails_in_turn(world, server, faults, error):
    faults.error = error
    faults.most = 20_000
    failed = 0
    for number in range(1, 200):
        faults.calls, faults.fail_at = 0, number
        async with world.client(timeout=20.0, **PLAIN) as client:
            try:
                await dialogue(client, server)
            except (httpstream.ReadError, httpstream.WriteError, httpstream.RemoteProtocolError) as exc:
                assert exc.request.url.port == server.port
                failed += 1
            is_over = faults.calls < number
            faults.fail_at = None
            assert (await client.get(server.url + "/next")).content == b"/next" * 2000
        if is_over:
            break
    assert is_over
    assert failed > 10
