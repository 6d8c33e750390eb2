"""TLS inside TLS keeps the contract of a stream: the peer ends the inner TLS, a relay the outer one."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import pytest

from httpstream._backend import READ
from httpstream._exceptions import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from httpstream._network.connect import connect_tcp
from tests.far_end import HOST, FarEnd, after, backend_of, close_quietly, echo, receive, reset
from tests.servers.relay import TLSRelay, tls_relay


class NestedFarEnd(FarEnd):
    """A far end behind a relay: `connect` gives the outer TLS stream, and the socket behind the relay."""

    def __init__(self, stack: ExitStack, authority: Any) -> None:
        super().__init__(stack)
        self.outer = authority.client_context()
        self.relay: TLSRelay = stack.enter_context(tls_relay(authority.server_context(), self.port))

    async def connect(self, world: Any) -> tuple[Any, socket.socket]:
        stream = await connect_tcp(backend_of(world), HOST, self.relay.port, after(5))
        tls = await stream.start_tls(self.outer, HOST, after(5))
        self._stack.callback(close_quietly, tls)
        accepted, _ = self.listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls, self._stack.enter_context(accepted)


@pytest.fixture
def peer(authority: Any) -> Iterator[NestedFarEnd]:
    with ExitStack() as stack:
        yield NestedFarEnd(stack, authority)


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def contexts(request: pytest.FixtureRequest, authority: Any) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context that meet on one version of TLS."""
    server, client = authority.server_context("localhost", fresh=True), authority.client_context()
    server.minimum_version = server.maximum_version = ssl.TLSVersion[request.param]
    server.set_alpn_protocols(["h2", "http/1.1"])
    return server, client


# The handshake.


async def test_a_handshake_agrees_on_name_and_protocol(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts, alpn=["http/1.1"])
    ssl_object = tls.get_extra_info("ssl_object")
    assert ssl_object.selected_alpn_protocol() == "http/1.1"
    assert ("DNS", "localhost") in ssl_object.getpeercert()["subjectAltName"]
    assert tls.get_extra_info("server_addr") == (HOST, peer.relay.port)


async def test_what_the_inner_certificate_is_for_is_verified(world, peer, contexts):
    with pytest.raises(ConnectError, match="certificate verify failed: Hostname mismatch"):
        await peer.connect_tls(world, *contexts, name="other.test")


@pytest.mark.parametrize("name", ["", "a" * 64 + ".test", "a\0b", None])
async def test_a_name_that_tls_cannot_verify_is_a_connect_error(world, peer, authority, name):
    stream, _ = await peer.connect(world)
    with pytest.raises(ConnectError):
        await stream.start_tls(authority.client_context(), name, after(5))


@pytest.mark.parametrize("end", [socket.socket.close, reset])
async def test_a_peer_that_leaves_in_the_handshake_is_a_connect_error(world, peer, authority, end):
    stream, other = await peer.connect(world)
    end(other)
    with pytest.raises(ConnectError, match="TLS handshake"):
        await stream.start_tls(authority.client_context(), "localhost", after(5))


async def test_a_peer_that_speaks_no_tls_is_a_connect_error(world, peer, authority):
    stream, other = await peer.connect(world)
    other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ConnectError, match="TLS handshake") as caught:
        await stream.start_tls(authority.client_context(), "localhost", after(5))
    assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_a_peer_that_is_silent_in_the_handshake_is_a_connect_timeout(world, peer, authority):
    stream, _ = await peer.connect(world)
    with pytest.raises(ConnectTimeout, match="TLS handshake"):
        await stream.start_tls(authority.client_context(), "localhost", after(0.03))


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_a_cancelled_handshake_leaves_no_descriptor(world, peer, authority):
    stream, other = await peer.connect(world)
    with anyio.move_on_after(0.05) as scope:
        await stream.start_tls(authority.client_context(), "localhost", None)
    assert scope.cancelled_caught
    assert stream.get_extra_info("socket").fileno() == -1
    other.settimeout(5)
    while other.recv(65536):  # the greeting, then the end
        pass


async def test_it_nests_as_deep_as_asked(world, peer, authority):
    """Three layers: the stream below is any stream, a nested one too."""
    with tls_relay(authority.server_context(), peer.port) as inner:
        outermost = peer.relay._target
        peer.relay._target = inner.port
        stream = await connect_tcp(backend_of(world), HOST, peer.relay.port, after(5))
        first = await stream.start_tls(peer.outer, HOST, after(5))
        second = await first.start_tls(peer.outer, HOST, after(5))
        peer.relay._target = outermost
        accepted, _ = peer.listener.accept()
        thread = threading.Thread(target=echo, args=(authority.server_context(), accepted))
        thread.start()
        third = await second.start_tls(peer.outer, HOST, after(5))
        await third.send_all(b"deep", 5)
        assert await receive(third, 4) == b"deep"
        assert third.is_alive()
        third.close()
        thread.join()


# Receiving.


async def test_what_was_sent_is_received(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    data = random.Random(2).randbytes(1_000_000)
    thread = threading.Thread(target=other.sendall, args=(data,))
    thread.start()
    assert await receive(tls, len(data)) == data
    thread.join()
    assert tls.try_recv_into(memoryview(bytearray(1))) == -1


async def test_what_is_held_back_is_received_without_a_wait(world, peer, contexts):
    """The socket is empty then, and a wait would never end: not after a read, nor after a send."""
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"abcdef")
    view = memoryview(bytearray(2))
    assert await receive(tls, 2) == b"ab"
    assert tls.try_recv_into(view) == 2
    await tls.send_all(b"x", 5)
    assert await tls.wait_send_or_recv(5) & READ
    assert tls.try_recv_into(view) == 2
    assert view == b"ef"
    assert tls.try_recv_into(view) == -1


async def test_close_notify_is_the_end(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"last")
    with contextlib.suppress(OSError):
        other.settimeout(0)
        other.unwrap()
    assert await receive(tls, 10) == b"last"
    assert await receive(tls, 10) == b""


async def test_an_end_of_the_outer_tls_alone_is_a_read_error_after_the_content(world, peer, contexts):
    """The outer close_notify is the relay's word, not the peer's."""
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"last")
    socket.socket.shutdown(other, socket.SHUT_WR)
    buffer = memoryview(bytearray(10))
    await tls.wait_recv(after(5))
    time.sleep(0.05)  # until the end has arrived as well, so that one try meets the content and the end
    while (count := tls.try_recv_into(buffer)) < 0:  # session tickets came in front of it
        await tls.wait_recv(after(5))
    assert count == 4
    for _ in range(2):  # and it stays so
        with pytest.raises(ReadError, match="ended the connection without close_notify"):
            await receive(tls, 10)


async def test_a_reset_is_a_read_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    reset(other)
    with pytest.raises(ReadError) as caught:
        await receive(tls, 10)
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_damaged_record_is_a_read_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    socket.socket.sendall(other, b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(ReadError) as caught:
        await receive(tls, 10)
    assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_a_silent_peer_is_a_read_timeout(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    with pytest.raises(ReadTimeout):
        await receive(tls, 10, 0.03)
    other.sendall(b"late")
    assert await receive(tls, 4) == b"late"


# Sending.


async def test_send_all_sends_all(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    data = random.Random(3).randbytes(3_000_000)
    received = bytearray()

    def drain() -> None:
        while len(received) < len(data):
            received.extend(other.recv(1 << 20))

    thread = threading.Thread(target=drain)
    thread.start()
    await tls.send_all(b"", 5)
    await tls.send_all(data, 5)
    thread.join()
    assert received == data


async def test_what_was_taken_has_left(world, peer, contexts):
    """A try that encrypted more than the stream below took has not sent it: nobody would send the rest."""
    tls, other = await peer.connect_tls(world, *contexts)
    taken = 0
    while (count := tls.try_send(bytes(65536))) > 0:
        taken += count
    assert taken
    other.settimeout(5)
    while taken > 0:
        taken -= len(other.recv(1 << 20))


async def test_a_peer_that_reads_nothing_is_a_write_timeout(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts)
    with pytest.raises(WriteTimeout):
        await tls.send_all(bytes(50_000_000), 0.05)


async def test_sending_to_a_peer_that_is_gone_is_a_write_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    reset(other)
    with pytest.raises(WriteError) as caught:
        for _ in range(1000):
            await tls.send_all(bytes(65536), 5)
    assert isinstance(caught.value.__cause__, OSError)


async def test_an_upload_hears_an_early_answer(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    data = bytes(1_000_000)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:  # until neither relay nor peer takes more
        if tls.try_send(data) < 0:
            with contextlib.suppress(WriteTimeout):
                await tls.wait_send(0.05)
    timer = threading.Timer(0.02, other.sendall, [b"413"])
    timer.start()
    while not (events := await tls.wait_send_or_recv(5)) & READ:
        tls.try_send(data)
    assert events & READ
    assert await receive(tls, 3) == b"413"
    timer.join()


# An idle stream, and the end on this side.


async def test_an_idle_stream_is_alive_until_something_comes(world, peer, contexts):
    """TLS 1.3 sends its tickets after the handshake: they are not data, on neither layer."""
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"x")  # the tickets are in front of it
    assert await receive(tls, 1) == b"x"
    assert tls.is_alive()
    other.sendall(b"y")
    await world.until(lambda: not tls.is_alive())


@pytest.mark.parametrize("end", [lambda sock: socket.socket.shutdown(sock, socket.SHUT_WR), reset])
async def test_an_idle_stream_that_ended_is_dead(world, peer, contexts, end):
    tls, other = await peer.connect_tls(world, *contexts)
    assert tls.is_alive()
    end(other)
    await world.until(lambda: not tls.is_alive())


@pytest.mark.flavours("sync")
async def test_shutdown_wakes_the_reader(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts)
    timer = threading.Timer(0.03, tls.shutdown)
    timer.start()
    with pytest.raises(ReadError, match="closed on this side"):
        await receive(tls, 10)
    timer.join()
