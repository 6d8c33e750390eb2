"""The connection itself, as `extensions["network_stream"]` hands it out for what follows a 101 or a CONNECT."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from httpstream._exceptions import ConnectError, ReadTimeout
from httpstream._network.upgraded import AsyncNetworkStream, NetworkStream
from tests.far_end import FarEnd, echo


@pytest.fixture
def peer() -> Iterator[FarEnd]:
    with ExitStack() as stack:
        yield FarEnd(stack)


async def test_the_network_stream_reads_what_came_early_first(world, peer):
    stream, other = await peer.connect(world)
    upgraded = (AsyncNetworkStream if world.is_async else NetworkStream)(stream, b"early")
    call = stepper(world)
    assert upgraded.get_extra_info("is_readable") is True
    assert await call(upgraded.read, 3) == b"ear"
    assert await call(upgraded.read, 100) == b"ly"
    assert upgraded.get_extra_info("is_readable") is False
    other.sendall(b"late")
    assert await call(upgraded.read, 100, timeout=5) == b"late"
    assert await call(upgraded.read, 0) == b""
    await call(upgraded.write, b"hello", timeout=5)
    assert other.recv(10) == b"hello"
    with pytest.raises(ReadTimeout):
        await call(upgraded.read, 100, timeout=0.01)
    other.close()
    assert await call(upgraded.read, 100) == b""
    await call(upgraded.aclose if world.is_async else upgraded.close)


async def test_the_network_stream_can_start_tls(world, peer, authority):
    stream, other = await peer.connect(world)
    upgraded = (AsyncNetworkStream if world.is_async else NetworkStream)(stream)
    call = stepper(world)
    thread = threading.Thread(target=echo, args=(authority.server_context("localhost"), other))
    thread.start()
    tls = await call(upgraded.start_tls, authority.client_context(), "localhost", timeout=5)
    await call(tls.write, b"ping")
    assert await call(tls.read, 100, timeout=5) == b"ping"
    assert tls.get_extra_info("ssl_object").version()
    await call(tls.aclose if world.is_async else tls.close)
    thread.join()


async def test_bytes_in_clear_text_do_not_become_part_of_the_tls_stream(world, peer, authority):
    stream, _ = await peer.connect(world)
    upgraded = (AsyncNetworkStream if world.is_async else NetworkStream)(stream, b"early")
    with pytest.raises(ConnectError, match="5 bytes arrived before"):
        await stepper(world)(upgraded.start_tls, authority.client_context(), "localhost")


def stepper(world: Any) -> Any:
    """Call a method of this world."""

    async def call(method: Any, *args: Any, **options: Any) -> Any:
        result = method(*args, **options)
        return await result if world.is_async else result

    return call
