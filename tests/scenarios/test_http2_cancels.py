"""Who is cancelled, closed or interrupted over HTTP/2 takes only its own stream along; opening is shared."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time

import anyio
import pytest

import httpstream
from tests import http2_frames as wire
from tests.servers.http2 import (
    begin,
    expect_frame,
    expect_goodbye,
    expect_head,
    expect_reset,
    reply,
    serve_http2,
    take_content,
)
from tests.servers.steps import ignore_until_end, send, wait_for, without_tls
from tests.together import together

PLAIN = {"http1": False, "http2": True}


@pytest.fixture
def server(fault_server):
    return lambda *scripts, **options: fault_server(*scripts, **{"then": [serve_http2()], **options})


async def cancelled_after(condition, job):
    """Run a job in a task, and cancel it when the condition holds."""
    async with anyio.create_task_group() as group:
        group.start_soon(job)
        while not condition():
            await anyio.sleep(0.002)
        group.cancel_scope.cancel()


def played(server, steps, peer=0):
    return lambda: len(server.peers) > peer and server.peer(peer).played >= steps


# Tasks


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_task_that_is_cancelled_while_it_awaits_the_head_takes_back_its_stream_alone(world, server):
    script = [
        begin(),
        expect_head(1, "GET /other"),
        expect_head(3, "GET /cancelled"),
        expect_reset(3),
        reply(1, b"other"),
        expect_head(5, "GET /next"),
        reply(5, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:

        async def other():
            assert (await client.get(one.url + "/other")).text == "other"

        async def cancelled():
            await client.get(one.url + "/cancelled")

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            await world.until(played(one, 2))
            await cancelled_after(played(one, 3), cancelled)
        assert (await client.get(one.url + "/next")).text == "next"


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_the_one_who_receives_for_all_may_be_cancelled(world, server):
    script = [
        begin(),
        expect_head(1, "GET /reader"),
        expect_head(3, "GET /other"),
        expect_reset(1),
        reply(3, b"other"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        got = []

        async def reader():
            await client.get(one.url + "/reader")

        async def other():
            got.append((await client.get(one.url + "/other")).text)

        async with anyio.create_task_group() as outer:
            async with anyio.create_task_group() as inner:
                inner.start_soon(reader)
                await world.until(played(one, 2))
                outer.start_soon(other)
                await world.until(played(one, 3))
                inner.cancel_scope.cancel()
        assert got == ["other"]


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_task_that_is_cancelled_while_it_reads_takes_back_its_stream(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"some")),
        expect_reset(1),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:

        async def read():
            await client.get(one.url)

        await cancelled_after(played(one, 3), read)
        assert (await client.get(one.url)).text == "next"


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_task_that_is_cancelled_while_it_sends_leaves_whole_frames_behind(world, server):
    """The server takes nothing for a while: megabytes wait, and the frame that was begun is sent to its end."""
    script = [
        begin(initial_window_size=1 << 30),
        send(wire.window_update(0, 1 << 30)),
        expect_head(1),
        reply(1, b"one"),
        expect_head(3),
        wait_for("cancelled"),
        expect_reset(3),
        expect_head(5),
        reply(5, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(timeout=20.0, **PLAIN) as client:
        assert (await client.get(one.url)).text == "one"
        full = []

        async def upload():
            await client.post(one.url, content=bytes(64 << 20))

        def is_stuck():
            full.append(len(client.inner._transport._pool.connections[0]._http2._mux.output))
            return played(one, 5)() and len(full) > 20 and full[-20:] == [full[-1]] * 20 and full[-1]

        await cancelled_after(is_stuck, upload)
        one.gate("cancelled").set()
        assert (await client.get(one.url)).text == "next"


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_whoever_opens_the_connection_may_be_cancelled_while_others_wait_for_it(
    world, server, authority
):
    context = authority.server_context(fresh=True)
    context.set_alpn_protocols(["h2"])
    one = server([without_tls(), ignore_until_end()], tls=context)
    async with world.client(http2=True, verify=authority.client_context(), timeout=20.0) as client:
        got = []

        async def opener():
            await client.get(one.url + "/opener")

        async def other():
            got.append((await client.get(one.url + "/other")).text)

        async with anyio.create_task_group() as outer:
            async with anyio.create_task_group() as inner:
                inner.start_soon(opener)
                await world.until(lambda: one.peers)
                for _ in range(5):
                    outer.start_soon(other)
                await anyio.sleep(0.02)
                inner.cancel_scope.cancel()
        assert got == ["GET /other"] * 5
        assert len(one.peers) == 2


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_two_hundred_tasks_and_random_cancels_get_their_own_answers(world, server):
    rng = random.Random(7)
    one = server(then=[serve_http2(lambda head: head[":path"].encode() * 3000)])
    got = []
    async with world.client(timeout=30.0, **PLAIN) as client:

        async def get(number):
            with anyio.move_on_after(rng.choice([0.001, 0.01, 0.05, 30, 30])) as scope:
                content = None if rng.random() < 0.5 else bytes(rng.randrange(100_000))
                response = await client.post(f"{one.url}/{number}", content=content)
                assert response.content == b"/%d" % number * 3000 + (content or b"")
            got.append(scope.cancelled_caught)

        for _ in range(3):
            async with anyio.create_task_group() as group:
                for number in range(70):
                    group.start_soon(get, number)
        assert (await client.get(one.url + "/x")).content == b"/x" * 3000
        pool = client.inner._transport._pool
        assert "Requests: 0 active, 0 queued" in repr(pool)
    assert got.count(True) > 10
    assert got.count(False) > 50


# Threads


@pytest.mark.slow
@pytest.mark.flavours("sync")
async def test_sixteen_threads_share_connections_and_get_their_own_answers(world, server):
    one = server(then=[serve_http2(lambda head: head[":path"].encode() * 3000)])
    errors = []
    with httpstream.Client(timeout=30.0, trust_env=False, **PLAIN) as client:

        def work(seed):
            rng = random.Random(seed)
            try:
                for number in range(40):
                    path = f"/{seed}-{number}"
                    content = None if rng.random() < 0.5 else bytes(rng.randrange(100_000))
                    if rng.random() < 0.2:
                        with client.stream("POST", one.url + path, content=content) as response:
                            next(response.iter_raw(10))
                        continue
                    response = client.post(one.url + path, content=content)
                    assert response.content == path.encode() * 3000 + (content or b"")
            except BaseException as exc:
                errors.append(exc)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert "Requests: 0 active, 0 queued" in repr(client._transport._pool)
        assert len(one.peers) == 1


@pytest.mark.flavours("sync")
async def test_a_response_may_be_closed_while_another_thread_reads_it(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"some")),
        expect_reset(1),
        expect_frame(wire.PING),
        send(wire.frame(wire.PING, wire.ACK, 0, bytes(8))),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    with httpstream.Client(timeout=20.0, trust_env=False, **PLAIN) as client:
        with client.stream("GET", one.url) as response:
            pieces = response.iter_raw()
            assert next(pieces) == b"some"
            caught = []

            def read():
                try:
                    next(pieces)
                except BaseException as exc:
                    caught.append(exc)

            thread = threading.Thread(target=read)
            thread.start()
            time.sleep(0.05)
            response.close()
            thread.join(5)
        assert [type(exc) for exc in caught] == [httpstream.StreamClosed]
        assert client.get(one.url).text == "next"


class Interrupt(BaseException):
    pass


@pytest.mark.flavours("sync")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads")
async def test_an_interrupted_reader_leaves_receiving_to_the_others(world, server):
    script = [
        begin(),
        expect_head(1, "GET /main"),
        expect_head(3, "GET /other"),
        expect_reset(1),
        reply(3, b"other"),
        expect_goodbye(),
    ]
    one = server(script)
    got = []

    def ring(signum, frame):
        raise Interrupt

    before = signal.signal(signal.SIGVTALRM, ring)
    main = threading.main_thread().ident
    try:
        with httpstream.Client(timeout=20.0, trust_env=False, **PLAIN) as client:

            def other():
                while not played(one, 2)():
                    time.sleep(0.002)
                threading.Thread(target=interrupt).start()
                got.append(client.get(one.url + "/other").text)

            def interrupt():
                while not played(one, 3)():
                    time.sleep(0.002)
                signal.pthread_kill(main, signal.SIGVTALRM)

            thread = threading.Thread(target=other)
            thread.start()
            with pytest.raises(Interrupt):
                client.get(one.url + "/main")
            thread.join(5)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert got == ["other"]


# Both worlds


async def test_leaving_a_response_early_takes_back_its_stream_and_keeps_the_connection(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"x" * 10_000)),
        expect_reset(1),
        send(wire.data(1, b"x" * 10_000) * 3),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        async with client.stream("GET", one.url) as answer:
            await answer.iter("bytes", chunk_size=10).__anext__()
        assert (await client.get(one.url)).text == "next"


async def test_leaving_a_response_that_has_come_completely_says_nothing(world, server):
    script = [
        begin(),
        expect_head(1),
        reply(1, b"x" * 10_000),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        async with client.stream("GET", one.url) as answer:
            await answer.iter("bytes", chunk_size=10).__anext__()
            await world.until(played(one, 3))
            await world.sleep(0.02)
            await client.inner._transport._pool.connections[0]._http2.wait(
                answer.stream._stream, lambda: answer.stream._stream.is_over, 5.0
            )
        assert (await client.get(one.url)).text == "next"


async def test_closing_the_client_wakes_its_readers_with_a_read_error(world, server):
    script = [begin(), expect_head(1), expect_head(3), ignore_until_end()]
    one = server(script)
    client = world.client(timeout=20.0, **PLAIN)

    async def get():
        with pytest.raises(httpstream.ReadError) as caught:
            await client.get(one.url)
        return str(caught.value)

    async def close():
        await world.until(played(one, 3))
        await world.sleep(0.02)
        await client.close()

    texts = await together(world, [get, get, close])
    assert "closed on this side" in texts[0]
    assert texts[0] == texts[1]


async def test_a_connection_that_cannot_be_opened_is_an_error_for_all_who_wait_for_it(world):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with world.client(timeout=20.0, **PLAIN) as client:

        async def get():
            with pytest.raises(httpstream.ConnectError) as caught:
                await client.get(f"http://127.0.0.1:{port}/")
            assert caught.value.request.url.port == port

        await together(world, [get] * 10)
        assert client.inner._transport._pool.connections == []


async def test_waiting_for_a_handshake_has_the_connect_timeout_of_the_one_who_waits(world, server, authority):
    one = server([without_tls(), ignore_until_end()], tls=authority.server_context(), strict=False)
    async with world.client(http2=True, verify=authority.client_context()) as client:

        async def get(connect):
            start = time.monotonic()
            with pytest.raises(httpstream.ConnectTimeout):
                await client.get(one.url, timeout=httpstream.Timeout(20.0, connect=connect))
            assert connect <= time.monotonic() - start < connect + 1.0

        async def first():
            await get(0.5)

        async def second():
            await world.until(lambda: one.peers)
            await get(0.1)

        await together(world, [first, second])


@pytest.mark.flavours("sync")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork() in a process with threads
async def test_the_child_of_a_fork_leaves_the_parents_connection_alone(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"some ")),
        wait_for("forked"),
        send(wire.data(1, b"more", end=True)),
        expect_head(3),
        reply(3, b"parent"),
        expect_goodbye(),
    ]
    one = server(script)
    with httpstream.Client(timeout=20.0, trust_env=False, **PLAIN) as client:
        with client.stream("GET", one.url) as response:
            pieces = response.iter_raw()
            assert next(pieces) == b"some "
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    try:
                        next(pieces)
                    except httpstream.ReadError:
                        code = 2 if client.get(one.url).text == "GET /" else 3
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 2
            one.gate("forked").set()
            assert next(pieces) == b"more"
        assert client.get(one.url).text == "parent"


async def test_an_upload_that_is_read_slowly_does_not_stop_a_response_on_the_same_connection(world, server):
    script = [
        begin(),
        expect_head(1, "POST /slow"),
        take_content(1, 65535),
        expect_head(3, "GET /fast"),
        reply(3, b"fast"),
        send(wire.window_update(0, 100_000) + wire.window_update(1, 100_000)),
        take_content(1, 34_465),
        reply(1, b"slow"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(timeout=20.0, **PLAIN) as client:

        async def slow():
            return (await client.post(one.url + "/slow", content=b"x" * 100_000)).text

        async def fast():
            await world.until(played(one, 3))
            return (await client.get(one.url + "/fast")).text

        assert await together(world, [slow, fast]) == ["slow", "fast"]
