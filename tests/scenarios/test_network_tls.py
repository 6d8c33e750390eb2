"""TLS on the engine's own terms: contexts, handshakes and what breaks them, records, ends."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import select
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import pytest
import trustme

from httpstream._backend import READ
from httpstream._exceptions import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)
from httpstream._network.tls import create_context, default_context
from tests.far_end import HOST, FarEnd, after, echo, receive, reset
from tests.flavours import open_descriptors

RECORD = 16 * 1024
"""Bytes: the most content that one TLS record carries (RFC 8446, section 5.1)."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def peer(stack: ExitStack) -> FarEnd:
    return FarEnd(stack)


@pytest.fixture(params=["TLSv1_2", "TLSv1_3"])
def contexts(request: pytest.FixtureRequest, authority: Any) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context that meet on one version of TLS."""
    server, client = authority.server_context("localhost", fresh=True), authority.client_context()
    server.minimum_version = server.maximum_version = ssl.TLSVersion[request.param]
    server.set_alpn_protocols(["h2", "http/1.1"])
    return server, client


def readable(stream: Any) -> None:
    """Wait until something has arrived."""
    assert select.select([stream.get_extra_info("socket")], [], [], 5)[0]


# The handshake.


async def test_a_handshake_agrees_on_version_and_protocol(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts, alpn=["http/1.1"])
    ssl_object = tls.get_extra_info("ssl_object")
    assert ssl_object.version() in ("TLSv1.2", "TLSv1.3")
    assert ssl_object.selected_alpn_protocol() == "http/1.1"
    assert ("DNS", "localhost") in ssl_object.getpeercert()["subjectAltName"]
    assert tls.get_extra_info("server_addr") == (HOST, peer.port)


async def test_the_dot_of_the_root_is_no_part_of_the_name(world, peer, contexts):
    """RFC 6066 section 3."""
    tls, _ = await peer.connect_tls(world, *contexts, name="localhost.")
    assert tls.is_alive()


@pytest.mark.parametrize("name", ["other.test", HOST])
async def test_a_certificate_for_another_name_is_refused(world, peer, contexts, name):
    with pytest.raises(ConnectError, match=f"{HOST}:{peer.port}.*certificate verify failed") as caught:
        await peer.connect_tls(world, *contexts, name=name)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)


async def test_a_certificate_of_an_unknown_authority_is_refused(world, peer, contexts):
    server, _ = contexts
    with pytest.raises(ConnectError, match="certificate verify failed"):
        await peer.connect_tls(world, server, default_context())


async def test_a_self_signed_certificate_is_refused(world, peer, authority, tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other = trustme.CA()
    other.cert_pem.write_to_path(str(tmp_path / "cert.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises(ConnectError, match="certificate verify failed: self-signed certificate"):
        await peer.connect_tls(world, server, authority.client_context())


async def test_an_expired_certificate_is_refused(world, peer, authority):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    authority.ca.issue_cert("localhost", not_after=yesterday).configure_cert(server)
    with pytest.raises(ConnectError, match="certificate verify failed: certificate has expired"):
        await peer.connect_tls(world, server, authority.client_context())


async def test_a_peer_that_speaks_no_tls_is_a_connect_error(world, peer, authority):
    stream, other = await peer.connect(world)
    other.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ConnectError, match=f"TLS handshake with {HOST}:{peer.port} failed"):
        await stream.start_tls(authority.client_context(), "localhost", after(5))


@pytest.mark.parametrize("end", [socket.socket.close, reset])
async def test_a_peer_that_leaves_in_the_handshake_is_a_connect_error(world, peer, authority, end):
    stream, other = await peer.connect(world)
    end(other)
    with pytest.raises(ConnectError, match="TLS handshake"):
        await stream.start_tls(authority.client_context(), "localhost", after(5))


async def test_a_peer_that_is_silent_in_the_handshake_is_a_connect_timeout(world, peer, authority):
    stream, _ = await peer.connect(world)
    with pytest.raises(ConnectTimeout, match="TLS handshake"):
        await stream.start_tls(authority.client_context(), "localhost", after(0.03))


@pytest.mark.parametrize("name", ["", "a" * 64 + ".test", "a..test", "a\0b", None])
async def test_a_name_that_tls_cannot_verify_is_a_connect_error(world, peer, authority, name):
    stream, _ = await peer.connect(world)
    with pytest.raises(ConnectError):
        await stream.start_tls(authority.client_context(), name, after(5))


async def test_a_protocol_list_that_tls_cannot_offer_is_a_connect_error(world, peer, authority):
    stream, _ = await peer.connect(world)
    with pytest.raises(ConnectError):
        await stream.start_tls(authority.client_context(), "localhost", after(5), ["x" * 300])


async def test_nothing_below_tls_1_2_is_spoken(world, peer, authority):
    server = authority.server_context("localhost", fresh=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        server.minimum_version = ssl.TLSVersion.TLSv1
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ConnectError, match="TLS handshake"):
        await peer.connect_tls(world, server, create_context(False))


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_cancels_at_random_moments_leave_no_descriptor(world, peer, authority):
    """In the connect, in the handshake, or while waiting for what never comes."""
    server, client = authority.server_context("localhost"), authority.client_context()
    chance = random.Random(8446)
    before = len(open_descriptors())
    cancelled = 0
    for _ in range(50):
        with (
            contextlib.suppress(ConnectError, ReadError),
            anyio.move_on_after(chance.random() * 0.01) as scope,
        ):
            stream, other = await peer.connect(world)
            thread = threading.Thread(target=echo, args=(server, other))
            thread.start()
            try:
                tls = await stream.start_tls(client, "localhost", after(5))
                try:
                    await tls.send_all(b"ping", 5)
                    assert await receive(tls, 8) == b"ping"
                finally:
                    tls.close()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(thread.join)
        cancelled += scope.cancelled_caught
    assert cancelled
    assert len(open_descriptors()) <= before


# Client certificates.


@pytest.mark.parametrize("form", ["one file", "two files"])
async def test_a_client_certificate_is_shown(world, peer, authority, form, tmp_path):
    server = authority.server_context("localhost", fresh=True)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.ca.configure_trust(server)
    chain, key = authority.certificate_files("client.test")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + chain.read_bytes())
    with pytest.warns(DeprecationWarning, match="deprecated"):
        client = create_context(
            str(authority.ca_file), str(both) if form == "one file" else (str(chain), str(key))
        )
    tls, other = await peer.connect_tls(world, server, client)
    assert ("DNS", "client.test") in other.getpeercert()["subjectAltName"]
    assert tls.is_alive()


async def test_a_missing_client_certificate_is_a_connect_or_read_error(world, peer, authority, contexts):
    """TLS 1.3 tells after the handshake, TLS 1.2 in it."""
    server, client = contexts
    server.verify_mode = ssl.CERT_REQUIRED
    stream, other = await peer.connect(world)
    thread = threading.Thread(target=echo, args=(server, other))
    thread.start()
    with pytest.raises((ConnectError, ReadError)) as caught:
        tls = await stream.start_tls(client, "localhost", after(5))
        try:
            await receive(tls, 1)
        finally:
            tls.close()
    assert isinstance(caught.value.__cause__, ssl.SSLError)
    thread.join()


# Receiving.


async def test_a_try_goes_on_until_the_buffer_is_full(world, peer, contexts):
    """One read of OpenSSL yields one record."""
    tls, other = await peer.connect_tls(world, *contexts)
    data = random.Random(2).randbytes(2 * RECORD)
    thread = threading.Thread(target=other.sendall, args=(data,))
    thread.start()
    thread.join()
    await tls.wait_recv(after(5))
    time.sleep(0.02)  # until all of it has arrived
    buffer = bytearray(3 * RECORD)
    assert tls.try_recv_into(memoryview(buffer)) == 2 * RECORD
    assert buffer[: 2 * RECORD] == data
    assert tls.try_recv_into(memoryview(buffer)) == -1


async def test_the_first_record_after_a_send_comes_by_itself(world, peer, contexts):
    """Most answers are one record: no try that fails says so. What follows comes after the next wait, all of it."""
    tls, other = await peer.connect_tls(world, *contexts)
    await tls.send_all(b"x", 5)
    for record in (b"first", b"second", b"third"):
        other.sendall(record)
    await tls.wait_recv(after(5))
    time.sleep(0.02)  # until all of it has arrived
    view = memoryview(bytearray(100))
    assert tls.try_recv_into(view) == 5
    assert tls.try_recv_into(view) == -1
    await tls.wait_recv(after(5))
    assert tls.try_recv_into(view) == 11
    assert view[:11] == b"secondthird"


async def test_what_openssl_holds_back_is_received_without_a_wait(world, peer, contexts):
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


async def test_a_buffer_is_free_after_a_try_that_would_block(world, peer, contexts):
    """The traceback of the would-block must not keep a view on the memory of the caller."""
    tls, other = await peer.connect_tls(world, *contexts)
    memory = bytearray(100)
    with memoryview(memory) as view:
        assert tls.try_recv_into(view) == -1
    memory.clear()
    other.sendall(b"abc")
    memory.extend(bytes(100))
    await tls.wait_recv(after(5))
    with memoryview(memory) as view:
        assert tls.try_recv_into(view) == 3
    memory.clear()


async def test_close_notify_is_the_end(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"last")
    with contextlib.suppress(OSError):
        other.settimeout(0)
        other.unwrap()
    assert await receive(tls, 10) == b"last"
    assert await receive(tls, 10) == b""


async def test_an_end_without_close_notify_is_a_read_error_after_the_content(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    other.sendall(b"last")
    socket.socket.shutdown(other, socket.SHUT_WR)
    buffer = memoryview(bytearray(10))
    await tls.wait_recv(after(5))
    time.sleep(0.02)  # until the end has arrived as well, so that one try meets the content and the end
    assert tls.try_recv_into(buffer) == 4
    for _ in range(2):  # and it stays so
        with pytest.raises(ReadError, match=f"{HOST}:{peer.port} ended the connection without close_notify"):
            await receive(tls, 10)


async def test_a_reset_is_a_read_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    reset(other)
    with pytest.raises(ReadError, match=f"{HOST}:{peer.port}") as caught:
        await receive(tls, 10)
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_damaged_record_is_a_read_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    with socket.socket(fileno=os.dup(other.fileno())) as below:
        below.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
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


async def test_a_peer_that_reads_nothing_is_a_write_timeout(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts)
    with pytest.raises(WriteTimeout, match=f"{HOST}:{peer.port}"):
        await tls.send_all(bytes(50_000_000), 0.05)


async def test_sending_to_a_peer_that_is_gone_is_a_write_error(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    reset(other)
    with pytest.raises(WriteError) as caught:
        for _ in range(100):
            await tls.send_all(bytes(65536), 5)
    assert isinstance(caught.value.__cause__, OSError)


async def test_an_upload_hears_an_early_answer(world, peer, contexts):
    tls, other = await peer.connect_tls(world, *contexts)
    data = bytes(1_000_000)
    while tls.try_send(data) >= 0 or await has_room(tls):
        pass
    timer = threading.Timer(0.02, other.sendall, [b"413"])
    timer.start()
    while not (events := await tls.wait_send_or_recv(5)) & READ:
        tls.try_send(data)
    assert events & READ
    assert await receive(tls, 3) == b"413"
    timer.join()


async def has_room(tls: Any) -> bool:
    """Whether the stream stopped for fairness, and there is room."""
    if not select.select([], [tls.get_extra_info("socket")], [], 0.05)[1]:
        return False
    await tls.wait_send(1)
    return True


# What OpenSSL wants.


class Wanting(ssl.SSLSocket):
    """Meets, in each operation once, the opposite of what is usual: a renegotiation or a key update does that."""

    met: set[str]

    def want(self, operation: str, exc: Exception) -> None:
        self.__dict__.setdefault("met", set())
        if operation not in self.met:
            self.met.add(operation)
            raise exc

    def do_handshake(self, block: bool = False) -> None:
        self.want("handshake", ssl.SSLWantWriteError())
        super().do_handshake(block)

    def recv_into(self, *args: Any) -> int:
        self.want("recv", ssl.SSLWantWriteError())
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self.want("send", ssl.SSLWantReadError())
        return super().send(*args)


async def test_the_exception_says_what_to_wait_for_not_the_operation(world, peer, contexts):
    """To read, OpenSSL may have to write first: the wait is for room, though nothing has come."""
    server, client = contexts
    client.sslsocket_class = Wanting
    tls, other = await peer.connect_tls(world, server, client)
    buffer = memoryview(bytearray(10))
    assert tls.try_recv_into(buffer) == -1
    await tls.wait_recv(after(5))
    assert await receive(tls, 0) == b""
    assert tls.try_send(b"ping") == -1
    with pytest.raises(WriteTimeout):
        while True:  # only what the peer sends ends this wait; tickets may have come
            await tls.wait_send(0.03)
            tls.is_alive()
    other.sendall(b"x")
    await tls.wait_send(5)
    await tls.send_all(b"ping", 5)
    assert other.recv(10) == b"ping"
    assert await receive(tls, 1) == b"x"


# Idle, closed.


async def test_an_idle_stream_with_session_tickets_is_alive(world, peer, authority):
    """TLS 1.3 servers send tickets after the handshake: readable, and healthy."""
    server, client = authority.server_context("localhost", fresh=True), authority.client_context()
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    tls, other = await peer.connect_tls(world, server, client)
    readable(tls)
    assert tls.is_alive()
    other.sendall(b"unasked")
    readable(tls)
    assert not tls.is_alive()


@pytest.mark.parametrize("end", [socket.socket.close, reset])
async def test_an_idle_stream_whose_peer_has_gone_is_dead(world, peer, contexts, end):
    tls, other = await peer.connect_tls(world, *contexts)
    end(other)
    deadline = time.monotonic() + 5
    while tls.is_alive() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not tls.is_alive()


async def test_a_shutdown_from_another_thread_wakes_the_reader_with_an_error(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts)
    timer = threading.Timer(0.02, tls.shutdown)
    timer.start()
    with pytest.raises(ReadError):
        await receive(tls, 10)
    timer.join()


async def test_a_closed_stream_reads_and_writes_no_more(world, peer, contexts):
    tls, _ = await peer.connect_tls(world, *contexts)
    tls.close()
    tls.close()
    assert not tls.is_alive()
    with pytest.raises(ReadError):
        tls.try_recv_into(memoryview(bytearray(10)))
    with pytest.raises(WriteError):
        tls.try_send(b"x")
