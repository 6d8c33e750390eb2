"""The pool's rules as plain code: who gets which connection, who waits, and what is closed instead."""

from __future__ import annotations

import random
import time

import pytest

from httpstream import Limits
from httpstream._backend import SYNC
from httpstream._connections.pool import PoolTable, Waiter
from tests.pooled import A, B, C, Line


def table_of(connections=None, idle=None, expiry=None):
    return PoolTable(
        Limits(max_connections=connections, max_keepalive_connections=idle, keepalive_expiry=expiry)
    )


def lend(table, key, now=0.0):
    """Take a place and open a connection on it."""
    assert table.take(key, now) == (True, None, [])
    line = Line(key)
    table.settle(line)
    return line


def waiting(table, key):
    waiter = Waiter(key, SYNC.event())
    assert table.take_or_wait(waiter, 0.0) == (False, None, [])
    return waiter


# The table: places


def test_a_place_is_given_until_all_connections_are_in_use():
    table = table_of(connections=3)
    for key in (A, A, B):
        assert table.take(key, 0.0) == (True, None, [])
    assert table.take(C, 0.0) == (False, None, [])
    assert table.counts() == (3, 0, 0)


def test_without_a_limit_there_is_always_a_place():
    table = table_of()
    assert all(table.take(A, 0.0)[0] for _ in range(1000))


def test_a_place_that_is_not_used_is_free_again():
    table = table_of(connections=1)
    assert table.take(A, 0.0)[0]
    assert table.give_back_place() == ()
    assert table.take(A, 0.0) == (True, None, [])


def test_an_idle_connection_is_lent_again_to_its_own_origin_only():
    table = table_of()
    line = lend(table, A)
    assert table.give_back(line, True, 0.0) == ((), [])
    assert table.take(B, 0.0) == (True, None, [])
    assert table.take(C, 0.0) == (True, None, [])
    assert table.take(A, 0.0) == (True, line, [])


def test_the_connection_that_was_used_last_is_lent_first():
    table = table_of()
    lines = [lend(table, A) for _ in range(3)]
    for line in lines:
        table.give_back(line, True, 0.0)
    assert [table.take(A, 0.0)[1] for _ in range(4)] == [lines[2], lines[1], lines[0], None]


def test_a_connection_that_is_not_reusable_is_closed():
    table = table_of(connections=1)
    line = lend(table, A)
    assert table.give_back(line, False, 0.0) == ((), [line])
    assert table.counts() == (0, 0, 0)
    assert table.take(A, 0.0) == (True, None, [])


def test_a_full_pool_closes_the_connection_that_was_idle_longest():
    table = table_of(connections=3)
    lines = [lend(table, key) for key in (A, B, B)]
    for line in lines:
        table.give_back(line, True, 0.0)
    assert table.take(C, 0.0) == (True, None, [lines[0]])
    assert table.take(C, 0.0) == (True, None, [lines[1]])
    assert table.take(B, 0.0) == (True, lines[2], [])


def test_a_connection_that_the_table_does_not_know_is_closed():
    table = table_of()
    line = lend(table, A)
    table.give_back(line, False, 0.0)
    assert table.give_back(line, True, 0.0) == ((), [line])
    assert table.counts() == (0, 0, 0)


# The table: idle connections


def test_at_most_max_keepalive_connections_are_kept_and_the_oldest_goes():
    table = table_of(idle=2)
    lines = [lend(table, key) for key in (A, B, A)]
    closed = [table.give_back(line, True, 0.0)[1] for line in lines]
    assert closed == [[], [], [lines[0]]]
    assert table.connections() == lines[1:]


def test_with_no_keepalive_connections_allowed_each_is_closed():
    table = table_of(idle=0)
    line = lend(table, A)
    assert table.give_back(line, True, 0.0) == ((), [line])


def test_an_idle_connection_is_closed_when_it_has_expired_and_not_before():
    table = table_of(expiry=5.0)
    line = lend(table, A)
    table.give_back(line, True, 10.0)
    assert table.take(B, 14.999) == (True, None, [])
    assert table.take(A, 14.999) == (True, line, [])
    table.give_back(line, True, 20.0)
    assert table.take(A, 25.0) == (True, None, [line])


def test_expired_connections_of_every_origin_are_closed_when_one_comes_back():
    table = table_of(expiry=5.0)
    lines = [lend(table, key) for key in (A, B, C)]
    table.give_back(lines[0], True, 0.0)
    table.give_back(lines[1], True, 3.0)
    assert table.give_back(lines[2], True, 6.0) == ((), [lines[0]])
    assert table.give_back(lend(table, A, 7.0), True, 100.0) == ((), lines[1:])


def test_without_an_expiry_an_idle_connection_is_kept():
    table = table_of(expiry=None)
    line = lend(table, A)
    table.give_back(line, True, 0.0)
    assert table.take(A, 1e12) == (True, line, [])


def test_an_expiry_of_zero_means_no_second_exchange():
    table = table_of(expiry=0.0)
    line = lend(table, A)
    table.give_back(line, True, 1.0)
    assert table.take(A, 1.0) == (True, None, [line])


def test_a_dead_connection_is_replaced_by_another_idle_one_or_by_a_new_one():
    table = table_of(connections=2)
    lines = [lend(table, A), lend(table, A)]
    for line in lines:
        table.give_back(line, True, 0.0)
    assert table.take(A, 0.0) == (True, lines[1], [])
    assert table.replace(lines[1], 0.0) == (True, lines[0], [lines[1]])
    assert table.replace(lines[0], 0.0) == (True, None, [lines[0]])
    assert table.counts() == (1, 0, 0)


def test_a_request_keeps_its_place_when_its_connection_is_dead_and_others_wait():
    table = table_of(connections=1)
    line = lend(table, A)
    waiting(table, B)
    assert table.replace(line, 0.0) == (True, None, [line])
    assert table.counts() == (1, 0, 1)


# The table: waiters


def test_the_first_waiter_is_served_first_and_gets_the_connection_if_it_fits():
    table = table_of(connections=2)
    lines = [lend(table, A), lend(table, B)]
    first, second = waiting(table, A), waiting(table, A)
    assert table.give_back(lines[0], True, 0.0) == ((first,), [])
    assert first.connection is lines[0]
    # The next in line waits for A: the connection to B is closed for it, not kept for one who comes later.
    assert table.give_back(lines[1], True, 0.0) == ((second,), [lines[1]])
    assert second.is_served and second.connection is None
    assert table.counts() == (2, 0, 0)


def test_a_waiter_gets_a_new_place_when_the_connection_cannot_be_used_again():
    table = table_of(connections=1)
    line = lend(table, A)
    waiter = waiting(table, A)
    assert table.give_back(line, False, 0.0) == ((waiter,), [line])
    assert waiter.is_served and waiter.connection is None


def test_one_who_comes_later_does_not_overtake_the_waiters():
    table = table_of(connections=1)
    line = lend(table, A)
    waiter = waiting(table, B)
    assert table.give_back(line, True, 0.0) == ((waiter,), [line])
    assert table.take(A, 0.0) == (False, None, [])


def test_a_place_that_is_not_used_goes_to_the_first_waiter():
    table = table_of(connections=1)
    assert table.take(A, 0.0)[0]
    first, second = waiting(table, B), waiting(table, A)
    assert table.give_back_place() == (first,)
    assert table.give_back_place() == (second,)
    assert table.give_back_place() == ()
    assert table.counts() == (0, 0, 0)


def test_a_waiter_that_leaves_is_not_served():
    table = table_of(connections=1)
    line = lend(table, A)
    first, second, third = (waiting(table, A) for _ in range(3))
    assert table.leave(second)
    assert table.give_back(line, True, 0.0) == ((first,), [])
    assert not table.leave(first)  # it was served: it must give back what it has
    assert table.give_back(line, True, 0.0) == ((third,), [])


# The table: closed


def test_closing_returns_what_is_to_be_closed_and_woken():
    table = table_of(connections=2)
    lent, idle = lend(table, A), lend(table, B)
    table.give_back(idle, True, 0.0)
    assert table.close() == ([idle], [lent], [])
    assert table.close() == ([], [lent], [])
    assert table.take(A, 0.0) == (False, None, [])
    assert table.give_back(lent, True, 0.0) == ((), [lent])
    full = table_of(connections=1)
    line = lend(full, A)
    waiters = [waiting(full, A), waiting(full, B)]
    assert full.close() == ([], [line], waiters)
    assert not any(waiter.is_served for waiter in waiters)
    assert full.give_back(line, True, 0.0) == ((), [line])


# The table against a plain model


@pytest.mark.parametrize("seed", range(60))
def test_any_history_keeps_the_limits_and_the_order(seed):
    """Random requests, returns and departures, with a count of everything after each step."""
    rng = random.Random(seed)
    connections, idle, expiry = rng.choice([1, 2, 5]), rng.choice([0, 1, 3, None]), rng.choice([None, 3.0])
    table = table_of(connections, idle, expiry)
    now, queue = 0.0, []
    lent, alive = [], set()

    def opened(key):
        line = Line(key)
        table.settle(line)
        lent.append(line)
        alive.add(line)
        assert len(alive) <= connections

    def closed(lines):
        for line in lines:
            alive.remove(line)

    def served(waiter):
        assert waiter is queue.pop(0), "not the first one in line"
        assert waiter.is_served
        if waiter.connection is None:
            opened(waiter.key)
        else:
            lent.append(waiter.connection)

    for _ in range(400):
        now += rng.random()
        step = rng.random()
        if step < 0.5:
            waiter = Waiter(rng.choice([A, B, C]), SYNC.event())
            has_place, line, closing = table.take_or_wait(waiter, now)
            closed(closing)
            if not has_place:
                assert len(lent) == connections
                queue.append(waiter)
            elif line is None:
                opened(waiter.key)
            else:
                assert line.key == waiter.key and line in alive and line not in lent
                lent.append(line)
        elif step < 0.9 and lent:
            line = lent.pop(rng.randrange(len(lent)))
            waiters, closing = table.give_back(line, rng.random() < 0.7, now)
            closed(closing)
            for waiter in waiters:
                served(waiter)
            assert waiters or not queue
        elif queue:
            assert table.leave(queue.pop(rng.randrange(len(queue))))
        in_use, kept, waiters = table.counts()
        assert (in_use, waiters) == (len(lent), len(queue))
        assert set(table.connections()) == alive == {*lent, *table.connections()[in_use:]}
        assert kept <= (connections if idle is None else idle)
        assert not (waiters and kept), "somebody waits although a connection is idle"


def test_a_request_costs_the_same_in_a_large_pool_as_in_a_small_one():
    def seconds(size):
        table = table_of(connections=size)
        lines = [lend(table, ("http", str(number), 80)) for number in range(size)]
        for line in lines:
            table.give_back(line, True, 0.0)
        start = time.process_time()
        for number in range(3000):  # each evicts the oldest connection
            _, _, [evicted] = table.take(("https", str(number), 443), 0.0)
            assert evicted is lines[number]
            line = Line(("https", str(number), 443))
            table.settle(line)
            table.give_back(line, True, 0.0)
        return time.process_time() - start

    assert min(seconds(60_000) for _ in range(2)) < 4 * min(seconds(3000) for _ in range(2)) + 0.01
