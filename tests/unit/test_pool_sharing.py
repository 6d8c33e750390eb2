"""The pool's rules where a connection carries several exchanges at once: who gets which, who waits, what is closed."""

from __future__ import annotations

import random

import pytest

from httpstream import Limits, PoolTimeout
from httpstream._backend import SYNC, run
from httpstream._connections.pool import Pool, Waiter
from httpstream._connections.sharing import SharingTable
from tests.pooled import A, B, C, Line


class Wide(Line):
    """A connection that carries as many exchanges as it says."""

    capacity = 3


def table_of(connections=None, idle=None, expiry=None, make=Wide):
    limits = Limits(max_connections=connections, max_keepalive_connections=idle, keepalive_expiry=expiry)
    return SharingTable(limits, make)


def take(table, key, now=0.0):
    """Take a place that must be there. Returns its connection."""
    has_place, line, closing = table.take(key, now)
    assert has_place
    assert closing == []
    return line


def waiting(table, key):
    waiter = Waiter(key, SYNC.event())
    assert table.take_or_wait(waiter, 0.0) == (False, None, [])
    return waiter


def test_requests_to_one_origin_meet_on_one_connection_until_it_is_full():
    table = table_of()
    lines = [take(table, A) for _ in range(7)]
    assert lines == [lines[0]] * 3 + [lines[3]] * 3 + [lines[6]]
    assert len(set(lines)) == 3
    assert take(table, B) not in lines


def test_a_connection_is_idle_when_its_last_exchange_has_ended():
    table = table_of()
    line = take(table, A)
    assert take(table, A) is line
    assert table.give_back(line, True, 0.0) == ((), [])
    assert table.counts() == (1, 0, 0)
    assert table.give_back(line, True, 0.0) == ((), [])
    assert table.counts() == (0, 1, 0)
    assert take(table, A) is line


def test_room_on_a_lent_connection_is_used_before_another_one_is_opened():
    table = table_of(connections=2)
    lines = [take(table, A) for _ in range(4)]
    table.give_back(lines[0], True, 0.0)
    assert take(table, A) is lines[3]  # it had room before
    assert take(table, A) is lines[3]
    assert take(table, A) is lines[0]
    assert table.take(A, 0.0) == (False, None, [])


def test_a_connection_that_takes_no_more_is_not_given_though_it_carries_some():
    table = table_of()
    line = take(table, A)
    line.capacity = 0
    other = take(table, A)
    assert other is not line
    assert table.give_back(line, False, 0.0) == ((), [line])
    assert take(table, A) is other


def test_what_turns_out_to_carry_one_exchange_is_given_to_no_second_one():
    table = table_of(connections=2)
    first = [take(table, A) for _ in range(3)]
    first[0].capacity = 1
    assert table.give_back(first[0], True, 0.0) == ((), [])
    other = take(table, A)
    assert other is not first[0]
    assert table.give_back(first[0], True, 0.0) == ((), [])
    assert table.counts() == (2, 0, 0)
    assert take(table, A) is other


def test_an_ended_exchange_serves_one_who_waits_for_the_same_origin():
    table = table_of(connections=1)
    line, _, _ = (take(table, A) for _ in range(3))
    first, second = waiting(table, A), waiting(table, A)
    assert table.give_back(line, True, 0.0) == ((first,), [])
    assert first.connection is line
    assert table.give_back(line, True, 0.0) == ((second,), [])


def test_one_who_waits_for_another_origin_is_served_when_a_connection_is_free_as_a_whole():
    table = table_of(connections=1)
    line = take(table, A)
    take(table, A)
    waiter = waiting(table, B)
    assert table.give_back(line, True, 0.0) == ((), [])
    assert take(table, A) is line  # room takes no place from those who wait
    table.give_back(line, True, 0.0)
    assert table.give_back(line, True, 0.0) == ((waiter,), [line])
    assert waiter.connection.key == B


def test_a_new_connection_serves_all_who_wait_for_its_origin_and_fit():
    table = table_of(connections=1)
    line = take(table, A)
    waiters = [waiting(table, key) for key in (B, C, B, B, B)]
    served = [waiters[0], waiters[2], waiters[3]]
    assert table.give_back(line, False, 0.0) == (tuple(served), [line])
    assert {waiter.connection for waiter in served} == {waiters[0].connection}
    assert table.counts() == (1, 0, 2)


def test_one_who_comes_later_does_not_overtake_those_who_wait_for_the_same_room():
    table = table_of(connections=1)
    line, _, _ = (take(table, A) for _ in range(3))
    waiter = waiting(table, A)
    line.capacity = 4
    assert table.take(A, 0.0) == (False, None, [])
    assert table.give_back(line, True, 0.0)[0] == (waiter,)


def test_a_waiter_that_leaves_is_not_served():
    table = table_of(connections=1)
    line, _, _ = (take(table, A) for _ in range(3))
    first, second = waiting(table, A), waiting(table, A)
    assert table.leave(first)
    assert table.give_back(line, True, 0.0) == ((second,), [])
    assert not table.leave(second)


def test_a_dead_connection_is_closed_when_nobody_else_uses_it():
    table = table_of(connections=1)
    line = take(table, A)
    table.give_back(line, True, 0.0)
    assert take(table, A) is line
    has_place, other, closing = table.replace(line, 0.0)
    assert (has_place, closing) == (True, [line])
    assert other is not line


def test_a_dead_connection_that_others_use_stays_theirs():
    table = table_of(connections=1)
    line = take(table, A)
    assert take(table, A) is line
    line.capacity = 0
    assert table.replace(line, 0.0) == (False, None, [])
    assert table.give_back(line, False, 0.0) == ((), [line])
    assert table.counts() == (0, 0, 0)


def test_a_connection_that_cannot_be_made_leaves_nothing_behind():
    def make(key):
        raise MemoryError

    table = table_of(connections=1, make=make)
    for _ in range(2):
        with pytest.raises(MemoryError):
            table.take(A, 0.0)
        assert table.counts() == (0, 0, 0)


def test_closing_returns_each_connection_once_however_many_exchanges_it_carries():
    table = table_of(connections=1)
    line = take(table, A)
    take(table, A)
    waiter = waiting(table, B)
    assert table.close() == ([], [line], [waiter])
    assert table.take(A, 0.0) == (False, None, [])
    assert table.give_back(line, True, 0.0) == ((), [])
    assert table.give_back(line, True, 0.0) == ((), [line])
    assert table.give_back(line, True, 0.0) == ((), [line])


@pytest.mark.parametrize("seed", range(60))
def test_any_history_keeps_the_limits_and_the_order(seed):
    """Random requests, returns, departures and changes of capacity, with a count of everything after each step."""
    rng = random.Random(seed)
    connections, idle = rng.choice([1, 2, 5]), rng.choice([0, 1, 3, None])
    alive, carried, queue = set(), [], []

    def make(key):
        line = Wide(key)
        line.capacity = rng.choice([1, 2, 5])
        alive.add(line)
        return line

    def lent(line, key):
        assert line.key == key
        assert line in alive
        carried.append(line)

    def closed(lines):
        for line in lines:
            alive.remove(line)
            assert line not in carried

    table = table_of(connections, idle, 3.0, make)
    now = 0.0
    for _ in range(400):
        now += rng.random()
        step = rng.random()
        if step < 0.5:
            waiter = Waiter(rng.choice([A, B, C]), SYNC.event())
            has_place, line, closing = table.take_or_wait(waiter, now)
            closed(closing)
            if has_place:
                assert all(other.key != waiter.key for other in queue)
                lent(line, waiter.key)
                assert carried.count(line) <= max(line.capacity, 1)
            else:
                queue.append(waiter)
        elif step < 0.9 and carried:
            line = carried.pop(rng.randrange(len(carried)))
            waiters, closing = table.give_back(line, rng.random() < 0.8, now)
            closed(closing)
            for waiter in waiters:
                same_key = [other for other in queue if other.key == waiter.key]
                assert waiter is same_key[0], "not the first one in line"
                queue.remove(waiter)
                lent(waiter.connection, waiter.key)
        elif step < 0.95 and carried:
            rng.choice(carried).capacity = rng.choice([0, 1, 3])
        elif queue:
            assert table.leave(queue.pop(rng.randrange(len(queue))))
        in_use, kept, waiters = table.counts()
        assert (in_use, waiters) == (len(set(carried)), len(queue))
        assert set(table.connections()) == alive
        assert len(alive) <= connections
        assert not (waiters and kept), "somebody waits although a connection is idle"


# The pool


def test_the_pool_shares_and_gives_back_each_exchange():
    opened = []

    def make(key):
        opened.append(Wide(key))
        return opened[-1]

    pool = Pool(SYNC, Limits(max_connections=1), make, shares=True)
    lines = [run(pool.acquire(A, 1.0)) for _ in range(3)]
    assert lines == opened * 3
    with pytest.raises(PoolTimeout):
        run(pool.acquire(A, 0.0))
    for line in lines:
        pool.release(line)
    assert pool.connections == opened
    assert repr(pool).endswith("Connections: 0 active, 1 idle]>")
    pool.close()
    assert opened[0].log == ["close"]


def test_a_dead_connection_that_others_use_is_not_closed_under_them():
    opened = []

    def make(key):
        opened.append(Wide(key))
        return opened[-1]

    pool = Pool(SYNC, Limits(max_connections=2), make, shares=True)
    first = run(pool.acquire(A, 1.0))
    first.alive, first.capacity = False, 2
    original = first.is_alive

    def is_alive():
        first.capacity = 0
        return original()

    first.is_alive = is_alive
    second = run(pool.acquire(A, 1.0))
    assert second is not first
    assert first.log == []
    first.is_reusable = False
    pool.release(first)
    assert first.log == ["close"]
