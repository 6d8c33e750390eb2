"""The pool under threads, tasks, cancels and a fork: no place lost, never too many, served in order."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import textwrap
import threading
import time

import anyio
import pytest

from httpstream import Limits, PoolTimeout
from httpstream._backend import ASYNC, SYNC, run
from httpstream._connections.pool import Pool

KEYS = [("http", "a", 80), ("http", "b", 80), ("https", "a", 443)]
MAX = 5


class Line:
    """A connection without a socket that notices when two hold it, and when it is used after its end."""

    def __init__(self, book, key):
        self.key = key
        self.is_reusable = True
        self.book = book
        self.holder = None
        with book.lock:
            book.alive.add(self)
            book.most = max(book.most, len(book.alive))

    def is_alive(self):
        return self.book.rng.random() < 0.9

    def close(self):
        with self.book.lock:
            self.book.alive.remove(self)  # KeyError: closed twice

    def take(self, holder):
        assert self.holder is None, "held by two"
        assert self in self.book.alive, "given away after its end"
        self.holder = holder

    def give(self, pool):
        self.holder = None
        self.is_reusable = self.book.rng.random() < 0.7
        pool.release(self)


class Book:
    """What the lines of one pool report."""

    def __init__(self, seed):
        self.lock = threading.Lock()
        self.rng = random.Random(seed)
        self.alive = set()
        self.most = 0
        self.served = 0

    def pool(self, backend, **limits):
        options = {"max_connections": MAX, "max_keepalive_connections": 3, "keepalive_expiry": 0.01, **limits}
        return Pool(backend, Limits(**options), lambda key: Line(self, key))

    def check_at_rest(self, pool):
        assert self.most == MAX
        assert repr(pool).startswith("<Pool [Requests: 0 active, 0 queued | Connections: 0 active,")
        assert set(pool.connections) == self.alive


def test_sixteen_threads_lose_no_place_and_never_hold_too_many():
    book = Book(1)
    pool = book.pool(SYNC)
    errors = []

    def work(seed):
        rng = random.Random(seed)
        try:
            for _ in range(150):
                try:
                    line = run(pool.acquire(rng.choice(KEYS), rng.choice([None, 0.0, 0.0005, 0.005])))
                except PoolTimeout:
                    continue
                line.take(seed)
                book.served += 1
                if rng.random() < 0.5:
                    time.sleep(rng.random() * 0.001)
                line.give(pool)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert book.served > 200
    book.check_at_rest(pool)
    lines = [run(pool.acquire(KEYS[0], 0.0)) for _ in range(MAX)]
    assert len(set(lines)) == MAX


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("seed", range(3))
async def test_two_hundred_tasks_with_random_cancels_and_double_cancels_lose_no_place(world, seed):
    book = Book(seed)
    pool = book.pool(ASYNC)
    rng = random.Random(seed)
    scopes = []

    async def work(number):
        for _ in range(6):
            with anyio.CancelScope() as outer, anyio.CancelScope() as inner:
                scopes.append((outer, inner))
                try:
                    line = await pool.acquire(rng.choice(KEYS), rng.choice([None, None, 0.0, 0.001, 0.01]))
                except PoolTimeout:
                    continue
                line.take(number)
                book.served += 1
                try:
                    await anyio.sleep(rng.random() * 0.002)
                finally:
                    line.give(pool)

    async def cancel():
        while True:
            outer, inner = rng.choice(scopes)
            inner.cancel()
            if rng.random() < 0.5:
                if rng.random() < 0.5:
                    await anyio.sleep(0)
                outer.cancel()
            await anyio.sleep(rng.random() * 0.002)

    async with anyio.create_task_group() as cancelling:
        cancelling.start_soon(anyio.sleep, 0)
        async with anyio.create_task_group() as working:
            for number in range(200):
                working.start_soon(work, number)
            await anyio.sleep(0)
            cancelling.start_soon(cancel)
        cancelling.cancel_scope.cancel()
    assert book.served > 100
    book.check_at_rest(pool)
    for _ in range(MAX):
        await pool.acquire(KEYS[0], 0.0)


@pytest.mark.flavours("asyncio", "uvloop")
@pytest.mark.parametrize("seed", range(3))
async def test_tasks_of_asyncio_that_are_cancelled_twice_lose_no_place(world, seed):
    book = Book(seed)
    pool = book.pool(ASYNC, max_keepalive_connections=1)
    rng = random.Random(seed)

    async def work(number):
        line = await pool.acquire(rng.choice(KEYS), rng.choice([None, 0.002]))
        line.take(number)
        book.served += 1
        try:
            await asyncio.sleep(rng.random() * 0.002)
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)  # where the second cancel finds it
            raise
        finally:
            line.give(pool)

    for _ in range(4):
        tasks = [asyncio.create_task(work(number)) for number in range(60)]
        while not all(task.done() for task in tasks):
            victim = rng.choice(tasks)
            victim.cancel()
            if rng.random() < 0.5:
                await asyncio.sleep(rng.choice([0, 0.0005]))
                victim.cancel()
            await asyncio.sleep(rng.random() * 0.001)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {type(None), PoolTimeout, asyncio.CancelledError}
    assert book.served > 20
    book.check_at_rest(pool)
    for _ in range(MAX):
        await pool.acquire(KEYS[0], 0.0)


def waiting(pool):
    return int(repr(pool).split(" active, ")[1].split(" queued")[0])


def test_threads_that_wait_are_served_in_order():
    book = Book(0)
    pool = book.pool(SYNC, max_connections=1, keepalive_expiry=None)
    first = run(pool.acquire(KEYS[0], None))
    order = []

    def work(number):
        line = run(pool.acquire(KEYS[number % 3], None))
        order.append(number)
        line.give(pool)

    threads = []
    for number in range(20):
        threads.append(threading.Thread(target=work, args=(number,)))
        threads[-1].start()
        deadline = time.monotonic() + 5
        while waiting(pool) < number + 1:
            assert time.monotonic() < deadline
            time.sleep(0.0005)
    pool.release(first)
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert book.most == 1


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_tasks_that_wait_are_served_in_order(world):
    book = Book(0)
    pool = book.pool(ASYNC, max_connections=1, keepalive_expiry=None)
    first = await pool.acquire(KEYS[0], None)
    order = []

    async def work(number):
        line = await pool.acquire(KEYS[number % 3], None)
        order.append(number)
        await anyio.sleep(0)
        line.give(pool)

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(work, number)
            await world.until(lambda number=number: waiting(pool) == number + 1)
        pool.release(first)
    assert order == list(range(30))
    assert book.most == 1


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("is_reusable", [True, False])
async def test_a_waiter_that_is_cancelled_when_it_was_just_served_hands_its_place_on(world, is_reusable):
    book = Book(0)
    book.rng.random = lambda: 0.0
    pool = book.pool(ASYNC, max_connections=1, keepalive_expiry=None)
    first = await pool.acquire(KEYS[0], None)
    first.is_reusable = is_reusable
    scope = anyio.CancelScope()
    order = []

    async def work(number, scope):
        with scope:
            line = await pool.acquire(KEYS[0], None)
            try:
                await anyio.sleep(0)
                order.append(number)
            finally:
                pool.release(line)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, 1, scope)
        await world.until(lambda: waiting(pool) == 1)
        tasks.start_soon(work, 2, anyio.CancelScope())
        await world.until(lambda: waiting(pool) == 2)
        pool.release(first)
        scope.cancel()  # in the same turn of the loop: it was served and does not know it yet
    assert order == [2]
    assert repr(pool).startswith("<Pool [Requests: 0 active, 0 queued")
    assert book.most == 1


async def test_closing_the_pool_wakes_those_who_wait(world):
    backend = ASYNC if world.is_async else SYNC
    book = Book(0)
    pool = book.pool(backend, max_connections=1)
    first = await pool.acquire(KEYS[0], None)
    first.shutdown = lambda: None
    errors = []

    async def work():
        with pytest.raises(RuntimeError, match="closed") as caught:
            await pool.acquire(KEYS[0], None)
        errors.append(caught.value)

    if world.is_async:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(work)
            await world.until(lambda: waiting(pool) == 3)
            pool.close()
    else:
        threads = [threading.Thread(target=run, args=(work(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        await world.until(lambda: waiting(pool) == 3)
        pool.close()
        for thread in threads:
            thread.join()
    assert len(errors) == 3
    pool.release(first)
    assert book.alive == set()


# Fork: in an interpreter of its own, since pytest's has threads and a collector that must not be forked

SERVER = """
    import os, socket, sys, threading, time
    import httpstream
    from httpstream._backend import run

    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    go_on = threading.Event()

    def serve(sock, number):
        with sock:
            served = 0
            while True:
                head = b""
                while not head.endswith(b"\\r\\n\\r\\n"):
                    data = sock.recv(4096)
                    if not data:
                        return
                    head += data
                served += 1
                text = b"connection %d request %d" % (number, served)
                sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(text) + text[:5])
                if b"/slow" in head:
                    go_on.wait(10)
                sock.sendall(text[5:])

    def accept():
        number = 0
        while True:
            sock, _ = listener.accept()
            number += 1
            threading.Thread(target=serve, args=(sock, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()

    def descriptors(client):
        return [line.stream.get_extra_info("socket").fileno() for line in client._transport._pool.connections]

    def is_closed(fd):
        try:
            os.fstat(fd)
        except OSError:
            return True
        return False

    def in_child(check):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                check()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0, "the child failed"
"""

FORK_OF_A_CLIENT = """
    closed = httpstream.Client(trust_env=False)
    closed_pool = closed._transport._pool
    closed.close()
    client = httpstream.Client(trust_env=False)
    pool = client._transport._pool
    assert client.get(url).text == "connection 1 request 1"
    with client.stream("GET", url + "slow") as response, client.stream("GET", url) as second:
        assert second.read() == b"connection 2 request 1"
        fds = descriptors(client)
        assert len(fds) == 2

        def check():
            assert all(map(is_closed, fds))
            assert pool.connections == []
            assert client.get(url).text == "connection 3 request 1"
            response.close()
            client.close()
            try:
                run(closed_pool.acquire(("http", "127.0.0.1", 80), None))
            except RuntimeError:
                pass
            else:
                raise AssertionError("the fork opened a closed pool again")

        with pool._lock:  # as another thread may hold it at this moment
            in_child(check)
        assert descriptors(client) == fds
        go_on.set()
        assert response.read() == b"connection 1 request 2"
    assert sorted(client.get(url).text for _ in range(2)) == ["connection 1 request 3", "connection 1 request 4"]
    client.close()
    print("as it should be")
"""

FORK_BESIDE_A_READER = """
    import anyio

    async def main():
        async with httpstream.AsyncClient(trust_env=False, timeout=20) as client, anyio.create_task_group() as tasks:
            texts = []

            async def read():
                texts.append((await client.get(url + "slow")).text)

            tasks.start_soon(read)
            while not descriptors(client):
                await anyio.sleep(0.01)
            await anyio.sleep(0.1)  # now it waits for the rest
            fds = descriptors(client)
            in_child(lambda: [is_closed(fd) or 1 / 0 for fd in fds])
            go_on.set()
            with anyio.fail_after(3):  # long before a timeout would look again
                while not texts:
                    await anyio.sleep(0.01)
            assert texts == ["connection 1 request 1"]
            assert (await client.get(url)).text == "connection 1 request 2"

    anyio.run(main, backend=sys.argv[1])
    print("as it should be")
"""


def run_script(script, *args):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(SERVER) + textwrap.dedent(script), *args],
        capture_output=True,
        text=True,
        timeout=25,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_closes_the_parents_connections_and_disturbs_none_of_them():
    result = run_script(FORK_OF_A_CLIENT)
    assert (result.stdout, result.stderr) == ("as it should be\n", "")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("loop", ["asyncio", "trio"])
def test_a_fork_does_not_make_the_parents_event_loop_deaf(loop):
    result = run_script(FORK_BESIDE_A_READER, loop)
    assert (result.stdout, result.stderr) == ("as it should be\n", "")


def test_the_pool_works_where_a_process_cannot_be_forked():
    script = """
        import os
        if hasattr(os, "register_at_fork"):
            del os.register_at_fork
        import httpstream
        from httpstream._connections.pool import Pool
        from httpstream._backend import SYNC
        print(Pool(SYNC, httpstream.Limits(), None))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=25
    )
    assert result.stderr == ""
    assert result.stdout.startswith("<Pool [Requests: 0 active")
