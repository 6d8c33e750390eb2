"""TCP and Unix sockets on the engine's own terms: connect, receive, send, end; and what goes wrong with each."""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import anyio
import pytest

from httpstream._backend import READ, WRITE
from httpstream._exceptions import (
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from httpstream._network.sockets import FAIR_SHARE
from tests.far_end import BUFFER, HOST, FarEnd, after, fill, receive, reset


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def peer(stack: ExitStack) -> FarEnd:
    return FarEnd(stack)


# Receiving.


async def test_what_was_sent_is_received(world, peer):
    stream, other = await peer.connect(world)
    other.sendall(b"hello")
    assert await receive(stream, 5) == b"hello"


async def test_a_short_read_means_wait_before_the_next_try(world, peer):
    """The socket is most likely empty, and a wait costs less than a try that fails."""
    stream, other = await peer.connect(world)
    other.sendall(b"one")
    await stream.wait_recv(after(5))
    assert stream.try_recv_into(memoryview(bytearray(10))) == 3
    other.sendall(b"two")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.try_recv_into(memoryview(bytearray(10))) == -1
    await stream.wait_recv(after(5))
    assert stream.try_recv_into(memoryview(bytearray(10))) == 3


async def test_a_send_means_wait_before_the_next_try(world, peer):
    stream, other = await peer.connect(world)
    other.sendall(b"early")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    await stream.send_all(b"request", 5)
    assert stream.try_recv_into(memoryview(bytearray(10))) == -1
    assert await receive(stream, 5) == b"early"


async def test_a_full_read_is_followed_by_another_at_once(world, peer):
    stream, other = await peer.connect(world)
    other.sendall(b"abcdef")
    await stream.wait_recv(after(5))
    assert [stream.try_recv_into(memoryview(bytearray(3))) for _ in range(2)] == [3, 3]


async def test_an_empty_socket_would_block(world, peer):
    stream, _ = await peer.connect(world)
    assert stream.try_recv_into(memoryview(bytearray(10))) == -1


async def test_the_end_of_the_peer_is_zero_bytes_again_and_again(world, peer):
    stream, other = await peer.connect(world)
    other.sendall(b"last")
    other.close()
    assert await receive(stream, 10) == b"last"
    assert await receive(stream, 10) == b""


async def test_a_peer_that_has_ended_its_side_can_still_receive(world, peer):
    stream, other = await peer.connect(world)
    other.shutdown(socket.SHUT_WR)
    assert await receive(stream, 10) == b""
    await stream.send_all(b"still here", 5)
    assert other.recv(100) == b"still here"


async def test_a_reset_is_a_read_error_that_names_the_peer(world, peer):
    stream, other = await peer.connect(world)
    reset(other)
    with pytest.raises(ReadError, match=f"{HOST}:{peer.port}") as caught:
        await receive(stream, 10)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("timeout", [0, 0.03])
async def test_a_silent_peer_is_a_read_timeout(world, peer, timeout):
    stream, other = await peer.connect(world)
    start = time.monotonic()
    with pytest.raises(ReadTimeout, match=f"{HOST}:{peer.port}"):
        await receive(stream, 10, timeout)
    assert time.monotonic() - start >= timeout
    other.sendall(b"late")
    assert await receive(stream, 4) == b"late"


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_reader_that_never_waits_lets_the_other_tasks_run(world, peer):
    """After 1 MiB without a wait the stream asks for a turn of the loop, though there is more to read."""
    stream, other = await peer.connect(world)
    ran = []

    async def beside() -> None:
        ran.append(True)

    view = memoryview(bytearray(4096))
    read = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        while True:
            other.sendall(view)  # in this very task: it always finds something to read
            count = stream.try_recv_into(view)
            if count < 0:
                assert not ran
                await stream.wait_recv(None)
                if read:
                    break
            else:
                read += count
    assert ran
    assert read == FAIR_SHARE
    assert await receive(stream, 4096) == bytes(4096)


# Sending.


async def test_send_all_sends_all(world, peer):
    stream, other = await peer.connect(world)
    data = random.Random(1).randbytes(3_000_000)
    received = bytearray()

    def drain() -> None:
        while len(received) < len(data):
            received.extend(other.recv(1 << 20))

    thread = threading.Thread(target=drain)
    thread.start()
    await stream.send_all(data, 5)
    thread.join()
    assert received == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_any_bytes_like_object_can_be_sent_and_is_free_afterwards(world, peer, kind):
    stream, other = await peer.connect(world)
    memory = bytearray(b"x" * 1000)
    data = kind(memory)
    await stream.send_all(data, 5)
    assert other.recv(2000) == memory
    if kind is not bytes:
        if kind is memoryview:
            data.release()
        memory.clear()  # BufferError if a view on it were left


async def test_a_peer_that_reads_nothing_is_a_write_timeout(world, peer):
    stream, _ = await peer.connect(world)
    with pytest.raises(WriteTimeout, match=f"{HOST}:{peer.port}"):
        await stream.send_all(bytes(50_000_000), 0.03)


@pytest.mark.slow
async def test_progress_restarts_the_write_timeout(world, peer):
    """A peer that reads slowly is no peer that does not read."""
    stream, other = await peer.connect(world)
    sent = fill(stream)
    size = 10 * sent

    def drain() -> None:
        left = sent + size
        while left:
            time.sleep(0.03)
            for _ in range(min(8, left)):
                left -= len(other.recv(min(left, BUFFER)))

    thread = threading.Thread(target=drain)
    thread.start()
    start = time.monotonic()
    await stream.send_all(bytes(size), 0.2)
    assert time.monotonic() - start > 0.2
    thread.join()


async def test_sending_to_a_peer_that_is_gone_is_a_write_error(world, peer):
    stream, other = await peer.connect(world)
    reset(other)
    with pytest.raises(WriteError, match=f"{HOST}:{peer.port}") as caught:
        for _ in range(100):
            await stream.send_all(bytes(65536), 5)
    assert isinstance(caught.value.__cause__, (ConnectionResetError, BrokenPipeError))


async def test_an_upload_hears_an_early_answer(world, peer):
    stream, other = await peer.connect(world)
    fill(stream)
    timer = threading.Timer(0.02, other.sendall, [b"413"])
    timer.start()
    assert await stream.wait_send_or_recv(5) == READ
    assert await receive(stream, 3) == b"413"
    timer.join()


async def test_an_upload_goes_on_when_there_is_room(world, peer):
    stream, other = await peer.connect(world)
    left = fill(stream)

    def drain() -> None:
        nonlocal left
        while left:
            left -= len(other.recv(1 << 20))

    timer = threading.Timer(0.02, drain)
    timer.start()
    assert await stream.wait_send_or_recv(5) == WRITE
    timer.join()
    other.sendall(b"x")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert await stream.wait_send_or_recv(5) == READ | WRITE


async def test_an_upload_that_nobody_reads_or_answers_is_a_write_timeout(world, peer):
    stream, _ = await peer.connect(world)
    fill(stream)
    with pytest.raises(WriteTimeout, match=f"{HOST}:{peer.port}"):
        await stream.wait_send_or_recv(0.03)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("wait", ["wait_send", "wait_send_or_recv"])
async def test_a_writer_that_never_waits_lets_the_other_tasks_run(world, peer, wait):
    stream, other = await peer.connect(world)
    ran = []

    async def beside() -> None:
        ran.append(True)

    sent = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beside)
        while (count := stream.try_send(bytes(4096))) >= 0:
            sent += len(other.recv(count))  # in this very task: there is always room
        assert not ran
        await getattr(stream, wait)(None)
    assert ran
    assert sent == FAIR_SHARE
    assert stream.try_send(b"more") == 4


# Idle, ended, closed.


async def test_an_idle_stream_is_alive_until_something_comes(world, peer):
    stream, other = await peer.connect(world)
    assert stream.is_alive()
    other.sendall(b"unasked")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert not stream.is_alive()
    assert await receive(stream, 7) == b"unasked"


@pytest.mark.parametrize("end", [socket.socket.close, reset])
async def test_an_idle_stream_whose_peer_has_gone_is_dead(world, peer, end):
    stream, other = await peer.connect(world)
    end(other)
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert not stream.is_alive()
    stream.close()
    assert not stream.is_alive()


async def test_a_shutdown_from_another_thread_wakes_the_reader_with_an_error(world, peer):
    """It must not look like the end of the peer, which is how some content ends."""
    stream, _ = await peer.connect(world)
    timer = threading.Timer(0.02, stream.shutdown)
    timer.start()
    with pytest.raises(ReadError, match="closed on this side"):
        await receive(stream, 10)
    timer.join()


async def test_a_shutdown_from_another_thread_wakes_the_writer_with_an_error(world, peer):
    stream, _ = await peer.connect(world)
    timer = threading.Timer(0.02, stream.shutdown)
    timer.start()
    with pytest.raises(WriteError):
        await stream.send_all(bytes(50_000_000), 5)
    timer.join()
    stream.shutdown()
    stream.close()
    stream.shutdown()  # again and too late is harmless


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("wait", ["recv", "send", "both"])
async def test_closing_wakes_the_task_that_waits(world, peer, wait):
    stream, _ = await peer.connect(world)
    fill(stream)

    async def close() -> None:
        await anyio.sleep(0.02)
        stream.close()

    waits = {
        "recv": lambda: stream.wait_recv(after(5)),
        "send": lambda: stream.wait_send(5),
        "both": lambda: stream.wait_send_or_recv(5),
    }
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(close)
        with pytest.raises(ReadError if wait == "recv" else WriteError) as caught:
            await waits[wait]()
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_two_tasks_that_read_one_stream_are_told_so(world, peer):
    stream, other = await peer.connect(world)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.wait_recv, None)
        await anyio.sleep(0.01)
        with pytest.raises(ReadError, match="another task"):
            await stream.wait_recv(after(5))
        other.sendall(b"x")


async def test_a_closed_stream_reads_and_writes_no_more(world, peer):
    stream, _ = await peer.connect(world)
    stream.close()
    stream.close()
    with pytest.raises(ReadError):
        stream.try_recv_into(memoryview(bytearray(10)))
    with pytest.raises(WriteError):
        stream.try_send(b"x")
    await stream.wait_recv(None)  # returns at once: trying tells


async def test_a_stream_tells_about_its_connection(world, peer):
    stream, other = await peer.connect(world)
    assert stream.get_extra_info("client_addr") == other.getpeername()
    assert stream.get_extra_info("server_addr") == (HOST, peer.port)
    assert stream.get_extra_info("socket").fileno() >= 0
    assert stream.get_extra_info("ssl_object") is None
    assert stream.get_extra_info("no such thing") is None
    assert stream.get_extra_info("is_readable") is False
    other.sendall(b"x")
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]
    assert stream.get_extra_info("is_readable") is True
