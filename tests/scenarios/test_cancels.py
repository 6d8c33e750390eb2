"""Cancelled at any await, hit by a signal: the connection is dead, its place is free, the next request is
answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import threading
import time
from collections import Counter

import anyio
import pytest

import httpstream
from tests.dialogue import CHUNKED, FIVE, HELLO, check_next_request, head
from tests.servers.fault import Peer, PeerEnded
from tests.servers.steps import (
    expect_end,
    expect_request,
    ignore_until_end,
    own_answer,
    send,
    serve,
    wait_for,
)

PLACES = 3


def serve_slowly(peer: Peer) -> None:
    """Answer each request in many small pieces with pauses, so that a cancel meets every stage."""
    with contextlib.suppress(PeerEnded):
        while True:
            request = peer.take_until(b"\r\n\r\n")
            if request.startswith(b"GET /next"):
                peer.send(own_answer("GET", "/next"))
                continue
            time.sleep(0.001)
            peer.send(CHUNKED)
            for _ in range(10):
                time.sleep(0.001)
                peer.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
            peer.send(b"0\r\n\r\n")


async def check_places(client, server) -> None:
    """Every place of the pool is free: that many answers at the same time, and no PoolTimeout."""
    texts = []

    async def one() -> None:
        async with client.stream("GET", server.url + "/next", timeout=5.0) as answer:
            assert answer.status_code == 200
            texts.append(await answer.read())

    async with anyio.create_task_group() as tasks:
        for _ in range(PLACES):
            tasks.start_soon(one)
    assert texts == [b"GET /next"] * PLACES


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("seed", [1, 2])
async def test_200_random_cancels_lose_no_place(world, fault_server, layer, seed):
    """In connects, handshakes, waits for a place, waits for a head, and in mid-body."""
    chance = random.Random(seed)
    server = fault_server(then=[serve_slowly], **layer.server)
    limits = httpstream.Limits(max_connections=PLACES, max_keepalive_connections=PLACES)
    struck: Counter[str] = Counter()

    async def one(scope: anyio.CancelScope) -> None:
        stage = "before the head"
        with scope:
            async with client.stream("GET", server.url + "/slow", timeout=10.0) as answer:
                stage = "before the content"
                async for _ in answer.iter("bytes"):
                    stage = "in mid-body"
            stage = "never"
        struck[stage] += 1

    async with world.client(limits=limits, **layer.client) as client:
        for _ in range(25):
            async with anyio.create_task_group() as tasks:
                scopes = [anyio.CancelScope() for _ in range(8)]
                for scope in scopes:
                    tasks.start_soon(one, scope)
                for scope in chance.sample(scopes, len(scopes)):
                    if chance.random() < 0.7:
                        await anyio.sleep(chance.uniform(0, 0.008))
                    else:
                        for _ in range(chance.randrange(12)):
                            await anyio.sleep(0)
                    scope.cancel()
        await check_places(client, server)
    assert struck.total() == 200
    assert min(struck["before the head"], struck["in mid-body"]) > 10, struck


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop")
async def test_200_double_cancels_of_tasks_lose_no_place(world, fault_server):
    """asyncio's own cancel, a second one while the first is on its way."""
    chance = random.Random(3)
    server = fault_server(then=[serve_slowly])
    limits = httpstream.Limits(max_connections=PLACES)

    async def one() -> None:
        async with client.stream("GET", server.url + "/slow", timeout=10.0) as answer:
            await answer.read()

    async with world.client(limits=limits) as client:
        for _ in range(40):
            tasks = [asyncio.create_task(one()) for _ in range(5)]
            for task in tasks:
                await asyncio.sleep(chance.choice([0, 0, 0.001, 0.004]))
                task.cancel()
                if chance.random() < 0.5:
                    await asyncio.sleep(0)
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert result is None or isinstance(result, asyncio.CancelledError), repr(result)
        await check_places(client, server)


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "trio")
async def test_200_random_cancels_of_uploads_lose_no_place(world, fault_server):
    chance = random.Random(4)

    def take_slowly(peer: Peer) -> None:
        with contextlib.suppress(PeerEnded):
            while True:
                if peer.take_until(b"\r\n\r\n").startswith(b"GET"):
                    peer.send(own_answer("GET", "/next"))
                    continue
                while True:
                    time.sleep(0.001)
                    peer.take(50_000)

    server = fault_server(then=[take_slowly])
    limits = httpstream.Limits(max_connections=PLACES)

    async def one(scope: anyio.CancelScope) -> None:
        with scope:
            headers = {"Content-Length": str(20 * 1024 * 1024)}
            await client.post(server.url + "/up", content=world.pieces([b"x" * 65536] * 320), headers=headers)

    async with world.client(limits=limits, timeout=10.0) as client:
        for _ in range(25):
            async with anyio.create_task_group() as tasks:
                scopes = [anyio.CancelScope() for _ in range(8)]
                for scope in scopes:
                    tasks.start_soon(one, scope)
                for scope in scopes:
                    await anyio.sleep(chance.choice([0, 0, 0.001, 0.003]))
                    scope.cancel()
        await check_places(client, server)


STAGES = {
    "before the head": b"",
    "inside the head": FIVE[:20],
    "before the content": FIVE,
    "inside the content": FIVE + b"hel",
    "inside a chunk": CHUNKED + b"5\r\nhel",
}


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("stage", STAGES)
async def test_a_cancel_closes_the_connection_at_once(world, fault_server, layer, stage):
    server = fault_server([expect_request("GET /fault"), send(STAGES[stage]), expect_end()], **layer.server)
    limits = httpstream.Limits(max_connections=1)
    async with world.client(limits=limits, **layer.client) as client:
        with anyio.move_on_after(0.1) as scope:
            await client.get(server.url + "/fault")
        assert scope.cancelled_caught
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_cancel_in_the_wait_for_a_place_gives_the_turn_on(world, fault_server):
    script = [expect_request("GET /held"), send(FIVE), wait_for("go on"), send(b"hello"), serve()]
    server = fault_server(script, then=None)
    limits = httpstream.Limits(max_connections=1)
    texts = []

    async def one(target: str, scope: anyio.CancelScope) -> None:
        with scope:
            texts.append((await client.get(server.url + target)).text)

    async with world.client(limits=limits) as client:
        first, second = anyio.CancelScope(), anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            async with client.stream("GET", server.url + "/held") as answer:
                tasks.start_soon(one, "/first", first)
                await anyio.sleep(0.02)
                tasks.start_soon(one, "/second", second)
                await anyio.sleep(0.02)
                first.cancel()
                server.gate("go on").set()
                assert await answer.read() == b"hello"
        assert texts == ["GET /second"]


@pytest.mark.flavours("asyncio", "trio")
async def test_a_cancel_in_the_middle_of_a_block_leaves_nothing(world, fault_server):
    """The cancel strikes the caller's own await inside the block."""
    script = [expect_request("GET /fault"), send(FIVE + b"hel"), expect_end()]
    server = fault_server(script)
    async with world.client(limits=httpstream.Limits(max_connections=1)) as client:
        with anyio.move_on_after(0.05):
            async with client.stream("GET", server.url + "/fault"):
                await anyio.sleep(10)
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


class Struck(Exception):
    """What the signal handler of these tests raises."""


@contextlib.contextmanager
def struck_after(seconds: float):
    """A signal whose handler raises, once, after this time."""

    def strike(signum, frame):
        raise Struck

    before = signal.signal(signal.SIGVTALRM, strike)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(seconds, signal.pthread_kill, [main, signal.SIGVTALRM])
    timer.start()
    try:
        yield
    finally:
        timer.join()
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.slow
@pytest.mark.flavours("sync")
@pytest.mark.parametrize("stage", STAGES)
async def test_a_signal_closes_the_connection_at_once(world, fault_server, layer, stage):
    server = fault_server([expect_request("GET /fault"), send(STAGES[stage]), expect_end()], **layer.server)
    async with world.client(limits=httpstream.Limits(max_connections=1), **layer.client) as client:
        with pytest.raises(Struck), struck_after(0.4):
            await client.get(server.url + "/fault")
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.slow
@pytest.mark.flavours("sync")
async def test_a_signal_in_an_upload_closes_the_connection(world, fault_server):
    server = fault_server([expect_request("POST /fault"), wait_for("done"), ignore_until_end()])
    content = b"x" * 50_000_000
    async with world.client(limits=httpstream.Limits(max_connections=1), timeout=20) as client:
        with pytest.raises(Struck), struck_after(0.4):
            await client.post(server.url + "/fault", content=content)
        server.gate("done").set()
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "trio")
async def test_50_tasks_on_few_connections_get_their_own_answers(world, fault_server):
    server = fault_server()
    texts = {}

    async def one(number: int) -> None:
        texts[number] = (await client.get(f"{server.url}/{number}", timeout=20)).text

    async with world.client(limits=httpstream.Limits(max_connections=PLACES)) as client:
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(one, number)
    assert texts == {number: f"GET /{number}" for number in range(50)}
    assert len(server.peers) <= PLACES


async def test_a_head_in_time_and_a_content_left_alone(world, fault_server):
    """Leaving the block with the content unread, again and again: no place is lost."""
    wire = head("Content-Length: 100000") + b"x" * 10
    script = [expect_request("GET /a"), send(wire), expect_end()]
    server = fault_server(*[script] * 10, [expect_request("GET /a"), send(HELLO)], then=None)
    async with world.client(limits=httpstream.Limits(max_connections=1)) as client:
        for _ in range(10):
            async with client.stream("GET", server.url + "/a") as answer:
                assert answer.status_code == 200
        assert (await client.get(server.url + "/a")).content == b"hello"
