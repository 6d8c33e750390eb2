"""From a name or address to a connected stream: resolution, the race of addresses, deadlines, cancels."""

from __future__ import annotations

import contextlib
import errno
import random
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

from httpstream._exceptions import ConnectError, ConnectTimeout
from httpstream._network.connect import STAGGER, connect_tcp, connect_unix, in_turn
from tests.far_end import HOST, FarEnd, after, backend_of, receive
from tests.flavours import open_descriptors


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def peer(stack: ExitStack) -> FarEnd:
    return FarEnd(stack)


def dead_port(stack: ExitStack, host: str = HOST, port: int = 0) -> int:
    """A port that neither accepts nor refuses: its backlog is full. One that is chosen here is free on the others."""
    if not port:
        with socket.socket() as everywhere:
            everywhere.bind(("", 0))
            port = everywhere.getsockname()[1]
    listener = stack.enter_context(socket.socket())
    listener.bind((host, port))
    listener.listen(0)
    for _ in range(4):
        sock = stack.enter_context(socket.socket())
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
    time.sleep(0.02)
    return int(listener.getsockname()[1])


def answer_lookups(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name have these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        if options.get("flags"):
            return real(host, port, **options)
        return [real(address, port, **options)[0] for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def closed_port() -> int:
    """A port of 127.0.0.1 that refuses."""
    with socket.create_server((HOST, 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
def slow_lookup(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that answers no name until the event is set; waited for at the end."""
    answer = threading.Event()
    before = threading.active_count()

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **options: Any) -> list[Any]:
        if options.get("flags") == socket.AI_NUMERICHOST:  # asks nobody
            return real(host, port, **options)
        answer.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield answer
    answer.set()
    while threading.active_count() > before:
        time.sleep(0.001)


@contextlib.contextmanager
def as_on_windows() -> Iterator[None]:
    """Without poll, epoll and Unix sockets; a pair of sockets is then a loopback connection. For use in the loop."""

    def socketpair() -> tuple[socket.socket, socket.socket]:
        with socket.create_server((HOST, 0)) as listener:
            left = socket.socket()
            left.connect(listener.getsockname())
            return left, listener.accept()[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(select, "poll", raising=False)
        patch.delattr(select, "epoll", raising=False)
        patch.delattr(socket, "AF_UNIX", raising=False)
        patch.setattr(socket, "socketpair", socketpair)
        yield


@contextlib.contextmanager
def no_more_descriptors() -> Iterator[None]:
    """The system gives out no descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as lowest:
        free = lowest.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Names.


async def test_a_name_is_resolved(world, peer):
    stream = await connect_tcp(backend_of(world), "localhost", peer.port, after(5))
    assert stream.get_extra_info("server_addr")[1] == peer.port
    stream.close()


async def test_an_address_needs_no_resolver(world, peer, slow_lookup):
    before = set(threading.enumerate())  # a resolver that an earlier test has left behind may still be ending
    stream = await connect_tcp(backend_of(world), HOST, peer.port, after(5))
    assert set(threading.enumerate()) <= before
    stream.close()


async def test_a_name_that_does_not_exist_is_a_connect_error(world, slow_lookup):
    slow_lookup.set()
    with pytest.raises(ConnectError, match=r"nowhere\.test:80: no such name") as caught:
        await connect_tcp(backend_of(world), "nowhere.test", 80, after(5))
    assert isinstance(caught.value.__cause__, socket.gaierror)


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "a..test", "\udcff.test", "a\0b"])
async def test_a_name_that_cannot_be_one_is_a_connect_error(world, host):
    with pytest.raises(ConnectError):
        await connect_tcp(backend_of(world), host, 80, after(5))


async def test_a_slow_resolver_does_not_outlast_the_deadline(world, slow_lookup):
    start = time.monotonic()
    with pytest.raises(ConnectTimeout, match=r"slow\.test:80"):
        await connect_tcp(backend_of(world), "slow.test", 80, after(0.05))
    assert time.monotonic() - start < 2


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_cancelled_task_leaves_a_slow_resolver_behind(world, slow_lookup):
    with anyio.move_on_after(0.02) as scope:
        await connect_tcp(backend_of(world), "slow.test", 80, None)
    assert scope.cancelled_caught


SLOW_PROGRAM = """
import asyncio, socket, sys, time
from httpstream._backend import ASYNC, SYNC, run
from httpstream._exceptions import ConnectTimeout
from httpstream._network.connect import connect_tcp
socket.getaddrinfo = lambda *args, **options: time.sleep(60)
async def main(backend):
    try:
        await connect_tcp(backend, "slow.test", 80, time.monotonic() + 0.05)
    except ConnectTimeout:
        print("timed out")
if sys.argv[1] == "sync":
    run(main(SYNC))
else:
    asyncio.run(main(ASYNC))
"""


@pytest.mark.parametrize("flavour", ["sync", "asyncio"])
def test_a_slow_resolver_does_not_hold_up_the_end_of_the_program(flavour):
    command = [sys.executable, "-c", SLOW_PROGRAM, flavour]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert (result.stdout, result.stderr) == ("timed out\n", "")


async def test_a_system_without_more_threads_is_a_connect_error(world, monkeypatch):
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(ConnectError, match="new thread"):
        await connect_tcp(backend_of(world), "localhost", 80, after(5))


# Addresses.


async def test_a_refused_connect_names_the_address_and_the_reason(world):
    port = closed_port()
    with pytest.raises(
        ConnectError, match=rf"127\.0\.0\.1:{port}: Connection refused \(127\.0\.0\.1\)"
    ) as caught:
        await connect_tcp(backend_of(world), HOST, port, after(5))
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_a_dead_host_is_a_connect_timeout(world, stack):
    with pytest.raises(ConnectTimeout, match="timed out"):
        await connect_tcp(backend_of(world), HOST, dead_port(stack), after(0.05))


@pytest.mark.parametrize("port", [-1, 65536, 2**40])
async def test_a_port_that_cannot_be_one_is_a_connect_error(world, port):
    with pytest.raises(ConnectError):
        await connect_tcp(backend_of(world), HOST, port, after(5))


async def test_the_next_address_is_tried_at_once_when_one_refuses(world, peer, monkeypatch):
    answer_lookups(monkeypatch, "127.0.0.9", "127.0.0.8", HOST)
    start = time.monotonic()
    stream = await connect_tcp(backend_of(world), "three.test", peer.port, after(5))
    assert time.monotonic() - start < STAGGER
    assert stream.get_extra_info("server_addr")[0] == HOST
    stream.close()


@pytest.mark.slow
async def test_an_address_that_fails_at_once_does_not_hold_up_the_next_one(world, stack, monkeypatch):
    """A dead one, then one without a route, then a good one: 250 ms in all, not 500."""
    port = dead_port(stack, "127.0.0.9")
    stack.enter_context(socket.create_server((HOST, port)))
    answer_lookups(monkeypatch, "127.0.0.9", "255.255.255.255", HOST)
    start = time.monotonic()
    stream = await connect_tcp(backend_of(world), "three.test", port, after(5))
    assert time.monotonic() - start < 2 * STAGGER
    stream.close()


async def test_an_ipv6_address_stands_in_brackets_in_messages(world):
    with pytest.raises(ConnectError, match=r"cannot connect to \[::1\]:1: "):
        await connect_tcp(backend_of(world), "::1", 1, after(5))


async def test_an_option_that_is_none_loses_no_descriptor(world, peer):
    """A mistake of the caller's, so it comes back as it is."""
    with pytest.raises(TypeError):
        await connect_tcp(backend_of(world), HOST, peer.port, None, socket_options=[("SO", 1, 1)])


async def test_all_addresses_are_named_when_none_answers(world, monkeypatch):
    answer_lookups(monkeypatch, "127.0.0.9", "127.0.0.8")
    with pytest.raises(ConnectError, match=r"two\.test.*\(127\.0\.0\.9\).*\(127\.0\.0\.8\)"):
        await connect_tcp(backend_of(world), "two.test", closed_port(), after(5))


@pytest.mark.slow
async def test_a_dead_address_costs_at_most_300_ms(world, stack, monkeypatch):
    """RFC 8305 section 5: the next one is tried after 250 ms, while the first may still answer."""
    port = dead_port(stack, "127.0.0.9")
    stack.enter_context(socket.create_server((HOST, port)))
    answer_lookups(monkeypatch, "127.0.0.9", HOST)
    start = time.monotonic()
    stream = await connect_tcp(backend_of(world), "two.test", port, after(5))
    assert time.monotonic() - start >= STAGGER
    assert time.monotonic() - start < 1  # 300 ms, and what a busy machine adds
    assert stream.get_extra_info("server_addr")[0] == HOST
    stream.close()


@pytest.mark.slow
async def test_dead_addresses_do_not_outlast_the_deadline(world, stack, monkeypatch):
    port = dead_port(stack)
    dead_port(stack, "127.0.0.9", port)
    answer_lookups(monkeypatch, HOST, "127.0.0.9")
    with pytest.raises(ConnectTimeout, match=r"two\.test"):
        await connect_tcp(backend_of(world), "two.test", port, after(STAGGER + 0.05))


@pytest.mark.slow
async def test_a_slow_address_still_wins_when_the_next_one_is_dead(world, stack, monkeypatch):
    """Its connect goes on while the other is tried. (The system sends the second SYN after a second.)"""
    with ExitStack() as full:
        port = dead_port(full)
        dead_port(stack, "127.0.0.9", port)
        answer_lookups(monkeypatch, HOST, "127.0.0.9")
        revived = full.pop_all()

    def revive() -> None:
        revived.close()
        stack.enter_context(socket.create_server((HOST, port)))

    timer = threading.Timer(STAGGER + 0.1, revive)
    timer.start()
    stream = await connect_tcp(backend_of(world), "two.test", port, after(5))
    assert stream.get_extra_info("server_addr")[0] == HOST
    stream.close()
    timer.join()


@pytest.mark.slow
async def test_names_and_races_work_as_on_windows(world, stack, monkeypatch):
    port = dead_port(stack, "127.0.0.9")
    stack.enter_context(socket.create_server((HOST, port)))
    answer_lookups(monkeypatch, "127.0.0.9", HOST)
    with as_on_windows():
        stream = await connect_tcp(backend_of(world), "two.test", port, after(5))
        assert stream.get_extra_info("server_addr")[0] == HOST
        stream.close()
        with pytest.raises(ConnectError, match="no Unix sockets"):
            await connect_unix(backend_of(world), "/run/s", None)


def test_families_take_turns_and_the_preferred_one_begins():
    """RFC 8305 section 4."""
    four, six = int(socket.AF_INET), int(socket.AF_INET6)
    given = [(family, 1, 6, "", number) for number, family in enumerate([six, six, six, four, four])]
    assert [info[4] for info in in_turn(given)] == [0, 3, 1, 4, 2]
    assert in_turn(given[:1]) == given[:1]


# Options.


async def test_nothing_waits_for_an_acknowledgement(world, peer):
    stream, _ = await peer.connect(world)
    assert stream.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert stream.get_extra_info("socket").gettimeout() == 0


async def test_the_local_address_and_socket_options_are_applied(world, peer):
    option = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    stream = await connect_tcp(
        backend_of(world), HOST, peer.port, after(5), local_address="127.0.0.7", socket_options=[option]
    )
    assert stream.get_extra_info("client_addr")[0] == "127.0.0.7"
    assert stream.get_extra_info("socket").getsockopt(*option[:2])
    stream.close()


async def test_an_option_that_the_system_refuses_is_a_connect_error(world, peer):
    with pytest.raises(ConnectError):
        await connect_tcp(
            backend_of(world), HOST, peer.port, None, socket_options=[(socket.SOL_SOCKET, 9999, 1)]
        )


async def test_a_local_address_of_another_machine_is_a_connect_error(world, peer):
    with pytest.raises(ConnectError) as caught:
        await connect_tcp(backend_of(world), HOST, peer.port, None, local_address="192.0.2.1")
    assert getattr(caught.value.__cause__, "errno", None) == errno.EADDRNOTAVAIL


# Unix sockets.


async def test_a_unix_socket_is_connected(world, stack, tmp_path: Path):
    path = str(tmp_path / "s")
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()
    stream = await connect_unix(
        backend_of(world), path, after(5), socket_options=[(socket.SOL_SOCKET, socket.SO_SNDBUF, 9999)]
    )
    other = stack.enter_context(listener.accept()[0])
    other.sendall(b"hello")
    assert await receive(stream, 5) == b"hello"
    stream.close()


@pytest.mark.parametrize("path", ["no/such/socket", "x" * 1000, "nul\0inside"])
async def test_a_unix_socket_that_is_not_there_is_a_connect_error(world, tmp_path, path):
    with pytest.raises(ConnectError):
        await connect_unix(backend_of(world), str(tmp_path / path), after(5))


async def test_a_unix_socket_whose_backlog_is_full_is_waited_for(world, stack, tmp_path):
    path = str(tmp_path / "s")
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen(0)
    stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
    with pytest.raises(ConnectTimeout, match="backlog"):
        await connect_unix(backend_of(world), path, after(0.03))
    timer = threading.Timer(0.03, lambda: listener.accept()[0].close())
    timer.start()
    stream = await connect_unix(backend_of(world), path, after(5))
    timer.join()
    stream.close()


# Descriptors.


async def test_no_descriptor_left_is_a_connect_error(world, peer):
    for host in (HOST, "localhost"):
        with no_more_descriptors(), pytest.raises(ConnectError, match="Too many open files"):
            await connect_tcp(backend_of(world), host, peer.port, after(5))
    with no_more_descriptors(), pytest.raises(ConnectError, match="Too many open files"):
        await connect_unix(backend_of(world), "/run/s", after(5))


@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_cancels_at_random_moments_leave_no_descriptor(world, peer, monkeypatch):
    chance = random.Random(8305)
    peer.listener.listen(200)
    before = len(open_descriptors())
    for _ in range(50):
        with anyio.move_on_after(chance.random() * 0.002):
            stream = await connect_tcp(backend_of(world), "localhost", peer.port, after(5))
            try:
                await stream.wait_recv(after(5))
            finally:
                stream.close()
    deadline = time.monotonic() + 5
    while len(open_descriptors()) > before and time.monotonic() < deadline:
        await anyio.sleep(0.01)  # threads of resolutions that were left behind
    assert len(open_descriptors()) <= before
