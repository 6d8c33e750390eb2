"""The pool in the sync world: nothing is lost, whatever happens while it lends and takes back."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from httpstream import Limits, PoolTimeout
from httpstream._backend import SYNC, run
from httpstream._connections.pool import Pool
from tests.pooled import A, B, C, Line


@pytest.fixture
def opened():
    """All connections that the pool of the test has opened."""
    return []


@pytest.fixture
def make_pool(opened):
    def make(**limits):
        def open_connection(key):
            opened.append(Line(key))
            return opened[-1]

        return Pool(SYNC, Limits(**limits), open_connection)

    return make


def test_a_connection_is_opened_once_and_used_again(make_pool, opened):
    pool = make_pool()
    for _ in range(3):
        line = run(pool.acquire(A, 1.0))
        pool.release(line)
    assert opened == [line]
    assert line.log == []


def test_dead_idle_connections_are_noticed_before_use(make_pool, opened):
    pool = make_pool()
    lines = [run(pool.acquire(A, 1.0)) for _ in range(3)]
    for line in lines:
        pool.release(line)
    lines[2].alive = lines[1].alive = False
    assert run(pool.acquire(A, 1.0)) is lines[0]
    assert [line.log for line in lines] == [[], ["close"], ["close"]]
    assert pool.connections == [lines[0]]


def test_a_connection_that_is_not_reusable_is_closed_when_it_comes_back(make_pool, opened):
    pool = make_pool()
    line = run(pool.acquire(A, 1.0))
    line.is_reusable = False
    pool.release(line)
    assert line.log == ["close"]
    assert pool.connections == []
    assert run(pool.acquire(A, 1.0)) is not line


def test_a_full_pool_times_out_and_says_what_to_do(make_pool):
    pool = make_pool(max_connections=2)
    lines = [run(pool.acquire(A, 1.0)), run(pool.acquire(B, 1.0))]
    start = time.monotonic()
    with pytest.raises(PoolTimeout) as caught:
        run(pool.acquire(A, 0.05))
    assert 0.05 <= time.monotonic() - start < 1.0
    assert "within 0.05 seconds: 2 of max_connections=2 are in use" in str(caught.value)
    with pytest.raises(PoolTimeout):
        run(pool.acquire(A, 0))
    pool.release(lines[0])
    assert run(pool.acquire(A, 0.05)) is lines[0]


def test_a_connection_that_cannot_be_made_leaves_its_place_free():
    class Refused(Exception):
        pass

    def refuse(key):
        raise Refused

    pool = Pool(SYNC, Limits(max_connections=1), refuse)
    for _ in range(3):
        with pytest.raises(Refused):
            run(pool.acquire(A, 0.0))
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"


@pytest.mark.parametrize("moment", ["is_alive", "close of a dead one", "close of an evicted one"])
def test_an_exception_from_a_connection_leaves_its_place_free(make_pool, opened, moment):
    """KeyboardInterrupt, for one, may come anywhere."""
    pool = make_pool(max_connections=1)
    line = run(pool.acquire(A, 0.0))
    pool.release(line)

    def interrupt():
        line.log.append("close")
        raise KeyboardInterrupt

    if moment == "is_alive":
        line.is_alive = interrupt
    else:
        line.close = interrupt
        line.alive = False
    with pytest.raises(KeyboardInterrupt):
        run(pool.acquire(B if moment == "close of an evicted one" else A, 0.0))
    line.is_reusable = False
    line.close = lambda: None
    line.is_alive = lambda: False
    assert run(pool.acquire(C, 0.0)).key == C


def test_a_release_while_the_pool_is_busy_does_not_block_and_is_not_lost(make_pool, opened):
    """A finalizer or a signal handler may release a connection at any moment, also inside the pool's own code."""
    pool = make_pool(max_connections=2)
    inner = run(pool.acquire(A, 0.0))
    outer = run(pool.acquire(A, 0.0))

    class Busy(Line):
        @property
        def is_reusable(self):  # asked for while the pool decides
            pool.release(inner)
            return True

        @is_reusable.setter
        def is_reusable(self, value):
            pass

    outer.__class__ = Busy
    pool.release(outer)
    assert pool.connections == [outer, inner]
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 2 idle]>"


class Hooked(tuple):
    """A key that calls a function when the pool looks it up, which it does while it is busy."""

    hooks = []

    def __hash__(self):
        if self.hooks:
            self.hooks.pop(0)()
        return super().__hash__()


@pytest.mark.parametrize("lookup", [1, 2])
def test_a_release_while_another_request_is_looked_up_serves_that_request(
    make_pool, opened, monkeypatch, lookup
):
    pool = make_pool(max_connections=1)
    line = run(pool.acquire(A, 0.0))
    release = [lambda: None] * (lookup - 1) + [lambda: pool.release(line)]
    monkeypatch.setattr(Hooked, "hooks", release)
    assert run(pool.acquire(Hooked(A), 0.0)) is line
    assert Hooked.hooks == []


def test_a_pool_that_is_closed_while_it_opens_a_connection_closes_that_too(opened):
    def open_connection(key):
        pool.close()
        opened.append(Line(key))
        return opened[-1]

    pool = Pool(SYNC, Limits(), open_connection)
    with pytest.raises(RuntimeError, match="closed"):
        run(pool.acquire(A, 0.0))
    assert opened[0].log == ["close"]
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"


def test_a_pool_that_is_closed_while_a_dead_connection_is_found_lends_no_other(make_pool, opened):
    pool = make_pool()
    for line in [run(pool.acquire(A, 0.0)) for _ in range(2)]:
        pool.release(line)
    opened[1].is_alive = pool.close  # None: dead
    with pytest.raises(RuntimeError, match="closed"):
        run(pool.acquire(A, 0.0))
    assert all(line.log[-1] == "close" for line in opened)
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"


def test_a_pool_that_is_closed_while_a_waiter_is_served_keeps_no_place_for_it(make_pool, opened, monkeypatch):
    pool = make_pool(max_connections=1)
    line = run(pool.acquire(A, 0.0))
    line.is_reusable = False
    line.close = pool.close  # another thread might, in this moment
    monkeypatch.setattr(Hooked, "hooks", [lambda: None, lambda: pool.release(line)])
    with pytest.raises(RuntimeError, match="closed"):
        run(pool.acquire(Hooked(B), None))
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"


def test_nothing_is_kept_of_origins_that_were_left():
    def visit(origins):
        for number in origins:
            pool.release(run(pool.acquire(("http", f"host{number}", 80), 0.0)))

    pool = Pool(SYNC, Limits(max_connections=10), Line)
    visit(range(100))
    tracemalloc.start()
    try:
        visit(range(100, 5100))
        assert tracemalloc.get_traced_memory()[0] < 50_000
    finally:
        tracemalloc.stop()


def test_close_closes_the_idle_and_wakes_the_readers_of_the_others(make_pool, opened):
    pool = make_pool()
    active, idle = run(pool.acquire(A, 0.0)), run(pool.acquire(B, 0.0))
    pool.release(idle)
    pool.close()
    assert (active.log, idle.log) == (["shutdown"], ["close"])
    with pytest.raises(RuntimeError, match="closed"):
        run(pool.acquire(A, None))
    pool.release(active)
    assert active.log == ["shutdown", "close"]
    pool.close()
    assert pool.connections == []
    assert len(opened) == 2


def test_the_repr_counts_requests_and_connections(make_pool):
    pool = make_pool()
    assert repr(pool) == "<Pool [Requests: 0 active, 0 queued | Connections: 0 active, 0 idle]>"
    lines = [run(pool.acquire(A, 0.0)) for _ in range(3)]
    pool.release(lines[0])
    assert repr(pool) == "<Pool [Requests: 2 active, 0 queued | Connections: 2 active, 1 idle]>"
    assert pool.connections == [*lines[1:], lines[0]]
