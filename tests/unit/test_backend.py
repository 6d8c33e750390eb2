"""The two worlds: what a wait returns and when, in each of them; and `run()`, which must never hide a suspension."""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from httpstream._backend import ASYNC, READ, SYNC, WRITE, Backend, ready_sockets, run

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two connected sockets: writable, not readable."""
    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right:
        yield left, right


@pytest.fixture(params=["poll", "select"])
def poll_or_select(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the system's poll, and as on Windows, which has none."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll")
    return str(request.param)


@pytest.fixture(params=["epoll", "tasks"])
def race_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """How several events are waited for: through an epoll object, or on systems without one. Called in the loop."""
    if request.param == "epoll":
        return lambda: None
    return lambda: monkeypatch.delattr(select, "epoll", raising=False)


def backend_of(world: Any) -> Backend:
    return ASYNC if world.is_async else SYNC


def fill(sock: socket.socket) -> None:
    """Send until nothing more fits."""
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(bytes(65536))


async def soon(seconds: float, act: Any) -> None:
    await anyio.sleep(seconds)
    act()


# run()


def test_run_returns_the_value_of_the_coroutine():
    async def answer(value: int) -> int:
        await SYNC.sleep(0)
        return value + 1

    assert run(answer(41)) == 42


def test_run_lets_exceptions_through():
    async def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        run(fail())


def test_run_refuses_a_coroutine_that_suspends_and_ends_it():
    ended = []

    async def suspend() -> None:
        try:
            await anyio.sleep(0)
        finally:
            ended.append(True)

    async def inside_a_loop() -> None:
        with pytest.raises(RuntimeError, match=r"suspend.* suspended"):
            run(suspend())
        assert ended == [True]

    anyio.run(inside_a_loop)


# Waiting in the calling thread.


@pytest.mark.parametrize(
    ("sent", "asked", "answer"),
    [
        (b"", READ, 0),
        (b"", WRITE, WRITE),
        (b"", READ | WRITE, WRITE),
        (b"x", READ, READ),
        (b"x", READ | WRITE, READ | WRITE),
    ],
)
def test_the_events_returned_are_those_that_are_asked_for_and_true(pair, poll_or_select, sent, asked, answer):
    left, right = pair
    right.sendall(sent)
    assert ready_sockets([(left, asked)], 0.0) == ([(left, answer)] if answer else [])


def test_a_socket_that_takes_no_more_is_not_writable(pair, poll_or_select):
    left, _ = pair
    fill(left)
    assert ready_sockets([(left, WRITE)], 0.0) == []


def test_only_the_sockets_that_are_ready_are_returned(pair, poll_or_select):
    left, right = pair
    right.sendall(b"x")
    assert ready_sockets([(right, READ), (left, READ)], None) == [(left, READ)]


def test_the_end_of_the_peer_makes_ready(pair, poll_or_select):
    left, right = pair
    right.close()
    assert ready_sockets([(left, READ)], None) == [(left, READ)]
    assert ready_sockets([(left, WRITE)], None) == [(left, WRITE)]


def test_a_closed_socket_counts_as_ready_because_the_next_try_tells(pair, poll_or_select):
    left, _ = pair
    left.close()
    assert ready_sockets([(left, READ)], None) == [(left, READ)]


def test_a_refused_connect_makes_writable(poll_or_select):
    with socket.socket() as bound, socket.socket() as sock:
        bound.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        sock.connect_ex(bound.getsockname())
        assert ready_sockets([(sock, WRITE)], time.monotonic() + 5) == [(sock, WRITE)]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


def test_the_wait_ends_at_its_deadline_and_not_before(pair, poll_or_select):
    deadline = time.monotonic() + 0.02
    assert ready_sockets([(pair[0], READ)], deadline) == []
    assert time.monotonic() >= deadline


def test_a_deadline_that_has_passed_still_tells_what_is_ready(pair, poll_or_select):
    assert ready_sockets([(pair[0], WRITE)], time.monotonic() - 5) == [(pair[0], WRITE)]


def test_a_deadline_in_years_is_no_overflow(pair, poll_or_select):
    pair[1].sendall(b"x")
    assert ready_sockets([(pair[0], READ)], time.monotonic() + 1e12) == [(pair[0], READ)]


def test_poll_is_looked_up_at_each_call_and_its_timeout_is_rounded_up(pair, monkeypatch):
    """Whoever replaces select.poll later, as gevent does, is heard; and 0.4 ms are no busy loop."""
    timeouts = []
    real = select.poll

    class Recorder:
        def __init__(self) -> None:
            self.poller = real()
            self.register = self.poller.register

        def poll(self, timeout: float | None) -> list[tuple[int, int]]:
            timeouts.append(timeout)
            return self.poller.poll(timeout)

    monkeypatch.setattr(select, "poll", Recorder)
    assert ready_sockets([(pair[0], READ)], time.monotonic() + 0.0004) == []
    assert timeouts[0] == 1
    assert len(timeouts) <= 2


# Waiting in either world.


async def test_a_wait_returns_what_is_ready(world, pair):
    left, right = pair
    backend = backend_of(world)
    right.sendall(b"x")
    assert await backend.wait([(left, READ)], None) == [(left, READ)]
    assert await backend.wait([(left, WRITE)], time.monotonic() + 5) == [(left, WRITE)]
    assert await backend.wait([(left, READ | WRITE)], time.monotonic() + 5) == [(left, READ | WRITE)]


async def test_several_sockets_can_be_waited_for(world, pair, race_by):
    race_by()
    left, right = pair
    backend = backend_of(world)
    right.sendall(b"x")
    assert await backend.wait([(right, READ), (left, READ)], time.monotonic() + 5) == [(left, READ)]
    assert await backend.wait([(right, WRITE), (left, READ)], None) == [(right, WRITE), (left, READ)]


async def test_a_wait_for_both_events_ends_with_the_first(world, pair, race_by):
    race_by()
    left, right = pair
    fill(left)
    timer = threading.Timer(0.02, right.sendall, [b"x"])
    timer.start()
    assert await backend_of(world).wait([(left, READ | WRITE)], time.monotonic() + 5) == [(left, READ)]
    timer.join()


@pytest.mark.parametrize("events", [READ, READ | WRITE])
async def test_a_deadline_ends_the_wait(world, pair, race_by, events):
    race_by()
    left, _ = pair
    fill(left)
    deadline = time.monotonic() + 0.02
    assert await backend_of(world).wait([(left, events)], deadline) == []
    assert time.monotonic() >= deadline
    assert await backend_of(world).wait([(left, events)], deadline) == []


async def test_a_deadline_that_passes_while_the_loop_is_busy_hides_no_data(world, pair):
    """The timer and the socket are seen in the same turn of the loop: the data counts."""
    left, right = pair
    if world.is_async:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(soon, 0.01, lambda: (time.sleep(0.05), right.sendall(b"x")))
            assert await ASYNC.wait([(left, READ)], time.monotonic() + 0.03) == [(left, READ)]
    else:
        right.sendall(b"x")
        assert await SYNC.wait([(left, READ)], time.monotonic() - 1) == [(left, READ)]


async def test_a_loop_whose_clock_lags_does_not_end_a_wait_early(world, pair):
    """uvloop reads the clock once per turn: its timers start from there."""
    time.sleep(0.05)
    deadline = time.monotonic() + 0.03
    assert await backend_of(world).wait([(pair[0], READ)], deadline) == []
    assert time.monotonic() >= deadline


async def test_a_socket_closed_before_the_wait_counts_as_ready(world, pair, race_by):
    race_by()
    left, right = pair
    left.close()
    assert await backend_of(world).wait([(left, READ)], None) == [(left, READ)]
    assert (left, WRITE) in await backend_of(world).wait([(right, READ), (left, WRITE)], None)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("events", [READ, READ | WRITE])
async def test_closing_wakes_the_tasks_that_wait(world, pair, race_by, events):
    race_by()
    left, _ = pair
    fill(left)

    def close() -> None:
        ASYNC.notify_closing(left)
        left.close()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(soon, 0.01, close)
        with pytest.raises(OSError) as caught:
            await ASYNC.wait([(left, events)], time.monotonic() + 5)
    assert caught.value.errno == errno.EBADF


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("events", [READ, READ | WRITE])
async def test_two_tasks_cannot_wait_for_the_same(world, pair, race_by, events):
    race_by()
    left, right = pair
    fill(left)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ASYNC.wait, [(left, events)], None)
        await anyio.sleep(0.01)
        with pytest.raises(OSError) as caught:
            await ASYNC.wait([(left, events)], time.monotonic() + 5)
        right.sendall(b"x")
    assert caught.value.errno == errno.EBUSY


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("deadline", [None, 60.0])
@pytest.mark.parametrize("events", [READ, READ | WRITE])
async def test_a_cancel_goes_through_a_wait_untouched(world, pair, race_by, events, deadline):
    race_by()
    left, right = pair
    fill(left)
    until = deadline and time.monotonic() + deadline
    reached = []
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(soon, 0.01, scope.cancel)
            try:
                await ASYNC.wait([(left, events)], until)
            except anyio.get_cancelled_exc_class():
                reached.append("cancelled")
                raise
            reached.append("went on")
    assert reached == ["cancelled"]
    right.sendall(b"x")
    assert await ASYNC.wait([(left, events)], until) == [(left, READ)]


def test_closing_outside_of_a_loop_wakes_nobody_and_fails_nobody(pair):
    ASYNC.notify_closing(pair[0])
    SYNC.notify_closing(pair[0])
    pair[0].close()
    ASYNC.notify_closing(pair[0])


# Time, events, threads, calls.


async def test_sleep_takes_its_time(world):
    start = time.monotonic()
    await backend_of(world).sleep(0.02)
    assert time.monotonic() - start >= 0.015


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_sleeping_for_nothing_lets_the_other_tasks_run(world):
    ran = []

    async def other() -> None:
        ran.append(True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        while not ran:
            await ASYNC.sleep(0)


async def test_an_event_is_waited_for_until_its_deadline(world):
    event = backend_of(world).event()
    deadline = time.monotonic() + 0.02
    assert await event.wait(deadline) is False
    assert time.monotonic() >= deadline - 0.001
    assert not event.is_set()
    event.set()
    assert event.is_set()
    assert await event.wait(deadline) is True
    assert await event.wait(None) is True
    assert await event.wait(time.monotonic() + 1e12) is True


@pytest.mark.flavours("sync")
async def test_any_thread_may_set_a_sync_event(world):
    event = SYNC.event()
    timer = threading.Timer(0.02, event.set)
    timer.start()
    assert await event.wait(time.monotonic() + 5) is True
    timer.join()


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_another_task_sets_an_async_event(world):
    event = ASYNC.event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(soon, 0.01, event.set)
        assert await event.wait(None) is True


async def test_a_slow_function_runs_beside_the_loop(world):
    thread = await backend_of(world).in_thread(lambda name: (threading.get_ident(), name), "x")
    assert (thread == (threading.get_ident(), "x")) is not world.is_async
    assert thread[1] == "x"


async def test_a_call_takes_the_kind_of_function_that_its_world_has(world):
    def plain(value: int) -> int:
        return value * 2

    async def coroutine(value: int) -> int:
        return value * 2

    assert await backend_of(world).call(coroutine if world.is_async else plain, 21) == 42
