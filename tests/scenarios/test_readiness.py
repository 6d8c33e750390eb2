"""Waiting for one socket again and again, on asyncio and uvloop: registered between waits, and never deaf."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from time import monotonic
from typing import Any

import pytest
import uvloop

from httpstream._readiness import TaskReadiness

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    if request.param == "asyncio":
        return asyncio.run
    return uvloop.run


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, far = socket.socketpair()
    ours.setblocking(False)
    with ours, far:
        yield ours, far


def soon() -> float:
    return monotonic() + 5.0


def test_what_comes_while_nobody_waits_wakes_the_next_wait(run: Run, pair) -> None:
    """The event that nobody waited for ends the registration; the next wait makes a new one that lasts."""
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        for _ in range(20):
            far.send(b"x")
            assert await readiness.wait(soon())
            for _ in range(3):  # the loop sees the socket readable, and nobody waits
                await asyncio.sleep(0)
            assert await readiness.wait(soon())
            ours.recv(10)
        readiness.close()

    run(main())


def test_a_reset_behind_the_last_bytes_is_seen(run: Run) -> None:
    """Both come in one event; libuv stops watching then, though the bytes are read first."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            far, _ = listener.accept()
        ours.setblocking(False)
        with ours, far:
            readiness = TaskReadiness(ours)
            waiting = asyncio.ensure_future(readiness.wait(soon()))
            await asyncio.sleep(0)
            far.send(b"last")
            far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            far.close()
            assert await waiting
            assert ours.recv(10) == b"last"
            start = monotonic()
            assert await readiness.wait(soon())
            assert monotonic() - start < 2.5, "seen at the deadline alone"
            with pytest.raises(ConnectionResetError):
                ours.recv(10)
            readiness.close()

    run(main())


def test_a_wait_ends_at_its_deadline(run: Run, pair) -> None:
    async def main() -> None:
        readiness = TaskReadiness(pair[0])
        start = monotonic()
        assert not await readiness.wait(start + 0.05)
        assert monotonic() - start >= 0.05
        readiness.close()

    run(main())


def test_an_earlier_deadline_counts_though_the_timer_was_set_for_a_later_one(run: Run, pair) -> None:
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        far.send(b"x")
        assert await readiness.wait(monotonic() + 60)
        ours.recv(10)
        start = monotonic()
        while await readiness.wait(start + 0.05):
            pass  # at most one event is left from the byte before
        assert monotonic() - start < 5
        readiness.close()

    run(main())


def test_a_later_deadline_counts_though_the_timer_was_set_for_an_earlier_one(run: Run, pair) -> None:
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        assert not await readiness.wait(monotonic() + 0.01)
        far.send(b"x")
        assert await readiness.wait(monotonic() + 0.02)
        ours.recv(10)
        asyncio.get_running_loop().call_later(0.1, far.send, b"y")
        start = monotonic()
        while True:
            assert await readiness.wait(start + 5)
            try:
                assert ours.recv(10) == b"y"
                break
            except BlockingIOError:
                pass
        readiness.close()

    run(main())


def test_closing_wakes_the_task_that_waits(run: Run, pair) -> None:
    async def main() -> None:
        readiness = TaskReadiness(pair[0])
        task = asyncio.ensure_future(readiness.wait(None))
        await asyncio.sleep(0.01)
        readiness.close()
        with pytest.raises(OSError, match="closed") as caught:
            await task
        assert caught.value.errno == errno.EBADF

    run(main())


def test_a_second_task_is_refused_and_the_first_goes_on(run: Run, pair) -> None:
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        task = asyncio.ensure_future(readiness.wait(soon()))
        await asyncio.sleep(0.01)
        with pytest.raises(OSError, match="another task") as caught:
            await readiness.wait(soon())
        assert caught.value.errno == errno.EBUSY
        far.send(b"x")
        assert await task
        readiness.close()

    run(main())


def test_a_cancelled_wait_leaves_the_next_one_working(run: Run, pair) -> None:
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        task = asyncio.ensure_future(readiness.wait(None))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        far.send(b"x")
        assert await readiness.wait(soon())
        readiness.close()

    run(main())


def test_a_socket_can_go_on_with_another_loop(run: Run, pair) -> None:
    ours, far = pair
    readiness = TaskReadiness(ours)

    async def main() -> None:
        far.send(b"x")
        assert await readiness.wait(soon())
        ours.recv(10)

    run(main())
    run(main())
    readiness.close()


def test_a_pause_in_another_thread_does_not_undo_a_later_registration(run: Run, pair) -> None:
    ours, far = pair

    async def main() -> None:
        readiness = TaskReadiness(ours)
        far.send(b"x")
        assert await readiness.wait(soon())
        thread = threading.Thread(target=readiness.pause)
        thread.start()
        thread.join()
        await asyncio.sleep(0.01)
        assert await readiness.wait(soon())
        readiness.close()

    run(main())
