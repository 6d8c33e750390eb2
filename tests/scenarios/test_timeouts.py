"""Every wait has its timeout: connect, TLS, read, write, pool. The message names the origin and the phase."""

from __future__ import annotations

import socket
import threading
import time

import anyio
import pytest

import httpstream
from httpstream import ConnectTimeout, PoolTimeout, ReadTimeout, Timeout, WriteTimeout
from tests.dialogue import CHUNKED, FIVE, OK, check_error, check_next_request, get_fails, head
from tests.servers.steps import (
    expect_end,
    expect_request,
    ignore_until_end,
    send,
    send_until_stopped,
    serve,
    sleep,
    wait_for,
    without_tls,
)

SHORT = 0.1


def only(**phases: float) -> Timeout:
    """A timeout for these phases alone."""
    return Timeout(20.0, **phases)


STALLS = {
    "before the head": b"",
    "inside the head": OK + b"Content-Le",
    "after an informational response": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "before the content": FIVE,
    "inside the content": FIVE + b"hel",
    "inside a chunk size": CHUNKED + b"5",
    "inside chunk data": CHUNKED + b"5\r\nhel",
    "before the last chunk": CHUNKED + b"5\r\nhello\r\n",
    "inside the trailers": CHUNKED + b"0\r\nX-Sum: 1\r\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", STALLS)
async def test_a_server_that_stalls_meets_the_read_timeout(world, fault_server, layer, stage):
    server = fault_server([expect_request("GET /fault"), send(STALLS[stage]), expect_end()], **layer.server)
    async with world.client(timeout=only(read=SHORT), **layer.client) as client:
        started = time.monotonic()
        await get_fails(client, server, ReadTimeout, "time|timed out|0.1")
        assert SHORT <= time.monotonic() - started < 3.0


async def test_what_came_before_the_stall_is_handed_over(world, fault_server):
    script = [expect_request("GET /fault"), send(FIVE + b"hel"), expect_end()]
    server = fault_server(script)
    async with world.client(timeout=only(read=SHORT)) as client:
        got = b""
        with pytest.raises(ReadTimeout) as caught:
            async with client.stream("GET", server.url + "/fault") as answer:
                async for piece in answer.iter("bytes"):
                    got += piece
        assert got == b"hel"
        check_error(caught.value, server, ReadTimeout)
        await check_next_request(client, server)


@pytest.mark.slow
async def test_a_slow_answer_with_progress_meets_no_read_timeout(world, fault_server):
    """The read timeout is time without progress, not time in all."""
    drip = [step for byte in b"hello" for step in (sleep(0.05), send(bytes([byte])))]
    server = fault_server([expect_request("GET /a"), send(FIVE), *drip, serve()], then=None)
    async with world.client(timeout=only(read=0.2)) as client:
        assert (await client.get(server.url + "/a")).content == b"hello"
        await check_next_request(client, server)


@pytest.mark.slow
async def test_the_pauses_of_the_caller_do_not_count(world, fault_server):
    script = [
        expect_request("GET /a"),
        send(head("Content-Length: 6") + b"one"),
        wait_for("two"),
        send(b"two"),
    ]
    server = fault_server(script)
    async with world.client(timeout=only(read=SHORT)) as client:
        got = b""
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes"):
                got += piece
                await world.sleep(2 * SHORT)
                server.gate("two").set()
        assert got == b"onetwo"


@pytest.mark.slow
async def test_endless_informational_responses_meet_the_read_timeout_or_a_limit(world, fault_server):
    """A wait that keeps receiving 1xx ends as well."""
    hint = b"HTTP/1.1 102 Processing\r\n\r\n"
    steps = [step for _ in range(120) for step in (send(hint), sleep(0.005))]
    server = fault_server([expect_request("GET /fault"), *steps, ignore_until_end()], strict=False)
    async with world.client(timeout=only(read=0.3)) as client:
        with pytest.raises((ReadTimeout, httpstream.RemoteProtocolError)) as caught:
            await client.get(server.url + "/fault")
        assert server.url.partition("//")[2] in str(caught.value)
        await check_next_request(client, server)


@pytest.mark.slow
@pytest.mark.parametrize("body", ["generator", "bytes"])
async def test_a_server_that_reads_nothing_meets_the_write_timeout(world, fault_server, layer, body):
    script = [expect_request("POST /fault"), wait_for("done"), ignore_until_end()]
    server = fault_server(script, **layer.server)
    async with world.client(timeout=only(write=SHORT), **layer.client) as client:
        with pytest.raises(WriteTimeout) as caught:
            content = world.pieces([b"x" * 65536] * 500) if body == "generator" else b"x" * 30_000_000
            await client.post(server.url + "/fault", content=content)
        check_error(caught.value, server, WriteTimeout, "time|timed out")
        server.gate("done").set()
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.slow
async def test_a_slow_upload_with_progress_meets_no_write_timeout(world, fault_server):
    def take_slowly(peer):
        for _ in range(10):
            time.sleep(0.04)
            peer.take(1_600_000)

    script = [expect_request("POST /a"), take_slowly, send(FIVE + b"hello"), serve()]
    server = fault_server(script, then=None)
    async with world.client(timeout=only(write=0.35)) as client:
        response = await client.post(server.url + "/a", content=b"x" * 16_000_000)
        assert response.content == b"hello"


async def test_a_tls_handshake_that_stalls_meets_the_connect_timeout(world, fault_server, authority):
    server = fault_server([without_tls(), ignore_until_end()], tls=authority.server_context())
    async with world.client(timeout=only(connect=SHORT), verify=authority.client_context()) as client:
        await get_fails(client, server, ConnectTimeout, "time|timed out|TLS")


@pytest.fixture
def deaf_port():
    """A port whose queue of connections is full: SYNs are dropped, connects hang."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    yield listener.getsockname()[1]
    for sock in (listener, *waiting):
        sock.close()


async def test_a_connect_that_hangs_meets_the_connect_timeout(world, deaf_port):
    async with world.client(timeout=only(connect=SHORT)) as client:
        started = time.monotonic()
        with pytest.raises(ConnectTimeout) as caught:
            await client.get(f"http://127.0.0.1:{deaf_port}/x")
        assert SHORT <= time.monotonic() - started < 3.0
        assert f"127.0.0.1:{deaf_port}" in str(caught.value)
        assert str(caught.value.request.url) == f"http://127.0.0.1:{deaf_port}/x"


async def test_a_refused_connect_is_a_connect_error(world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with world.client() as client:
        with pytest.raises(httpstream.ConnectError) as caught:
            await client.get(f"http://127.0.0.1:{port}/x")
        assert f"127.0.0.1:{port}" in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)


async def test_a_name_that_does_not_exist_is_a_connect_error(world):
    """RFC 6761: names under .invalid never resolve."""
    async with world.client() as client:
        with pytest.raises((httpstream.ConnectError, ConnectTimeout)) as caught:
            await client.get("http://nowhere.invalid/x")
        assert "nowhere.invalid" in str(caught.value)


async def test_no_free_place_meets_the_pool_timeout(world, fault_server):
    server = fault_server([expect_request("GET /held"), send(head("Content-Length: 9") + b"x"), expect_end()])
    limits = httpstream.Limits(max_connections=1)
    async with world.client(timeout=only(pool=SHORT), limits=limits) as client:
        async with client.stream("GET", server.url + "/held"):
            with pytest.raises(PoolTimeout) as caught:
                await client.get(server.url + "/fault")
            assert caught.value.request.url == server.url + "/fault"
            assert "max_connections" in str(caught.value)
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_freed_place_goes_to_who_waits(world, fault_server):
    server = fault_server([expect_request("GET /held"), send(head("Content-Length: 9") + b"x"), expect_end()])
    limits = httpstream.Limits(max_connections=1)
    async with world.client(timeout=only(pool=5.0), limits=limits) as client:
        texts = []

        async def other() -> None:
            texts.append((await client.get(server.url + "/other")).text)

        async with anyio.create_task_group() as tasks:
            async with client.stream("GET", server.url + "/held"):
                tasks.start_soon(other)
                await anyio.sleep(0.05)
                assert texts == []
        assert texts == ["GET /other"]


async def test_no_timeout_waits(world, fault_server):
    server = fault_server([expect_request("GET /a"), sleep(0.15), send(FIVE + b"hello")])
    async with world.client(timeout=None) as client:
        assert (await client.get(server.url + "/a")).content == b"hello"


async def test_the_timeout_of_a_request_wins_over_the_clients(world, fault_server):
    server = fault_server([expect_request("GET /fault"), expect_end()])
    async with world.client(timeout=20.0) as client:
        await get_fails(client, server, ReadTimeout, timeout=SHORT)


async def test_a_stopped_reader_stops_the_server(world, fault_server, layer):
    """Constant memory: what is not read stays with the sender."""
    script = [
        expect_request("GET /a"),
        send(head("Content-Length: 1000000000")),
        send_until_stopped(b"x" * 65536, at_most=64_000_000),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes"):
                assert piece
                break
            await world.sleep(0.15)
        await check_next_request(client, server)


@pytest.mark.flavours("sync")
async def test_closing_the_client_wakes_a_reader_in_another_thread(world, fault_server):
    server = fault_server([expect_request("GET /fault"), send(FIVE + b"he"), expect_end()])
    errors = []
    client = httpstream.Client(trust_env=False)

    def read() -> None:
        try:
            client.get(server.url + "/fault")
        except Exception as exc:  # whatever it is, the assertions below look at it
            errors.append(exc)

    thread = threading.Thread(target=read)
    thread.start()
    server.peer(0)
    await world.until(lambda: server.peer(0).received)
    time.sleep(0.05)
    client.close()
    thread.join(5.0)
    assert not thread.is_alive()
    assert len(errors) == 1
    assert isinstance(errors[0], httpstream.TransportError)
    assert "closed" in str(errors[0])
