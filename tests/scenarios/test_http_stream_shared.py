"""``response.stream`` in several hands: after its own reads, beside the response's, in two tasks or threads at once."""

from __future__ import annotations

import gzip
import threading
import tracemalloc

import anyio
import pytest

from httpstream import StreamConsumed
from tests.dialogue import FIVE, OK, check_next_request
from tests.scenarios.test_http_stream import framed, read, readinto
from tests.servers.steps import expect_request, send, wait_for


@pytest.mark.parametrize("size", [20, 1_000_000])
@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("first", ["read", "iterate"])
@pytest.mark.parametrize("then", ["whole", "bytes", "lines", "raw"])
async def test_what_the_stream_has_given_is_missing_from_no_reading_of_the_response(
    world, fault_server, size, coded, first, then
):
    """A short success would pass for all of it; so would a gzip member without its head, for a broken one."""
    content = b"".join(b"%09d\n" % number for number in range(size // 10))
    wire = gzip.compress(content) if coded else content
    fields = b"Content-Encoding: gzip\r\n" if coded else b""
    server = fault_server(
        [expect_request("GET /"), send(OK + fields + b"Content-Length: %d\r\n\r\n" % len(wire) + wire)]
    )
    async with world.client() as client, client.stream("GET", server.url) as response:
        if first == "read":
            taken = await read(world, response.stream, 7)
        else:
            taken = await world.iterate(response.stream).__anext__()
        with pytest.raises(StreamConsumed):
            if then == "whole":
                await response.read()
            else:
                async for _ in response.iter(then):
                    pass
        if first == "read":
            assert taken + await read(world, response.stream) == wire  # the failed try has cost nothing


async def test_memory_that_cannot_be_filled_does_not_cost_the_connection(world, fault_server):
    server = fault_server([expect_request("GET /"), send(FIVE + b"hello")])
    async with world.client() as client:
        async with client.stream("GET", server.url) as response:
            for memory in (b"1234", memoryview(bytearray(8))[::2], None):
                with pytest.raises(TypeError):
                    await readinto(world, response.stream, memory)
            assert await read(world, response.stream) == b"hello"
        await check_next_request(client, server)


async def test_who_reads_beside_somebody_else_is_told_so_and_disturbs_nothing(world, fault_server):
    server = fault_server([expect_request("GET /"), send(FIVE), wait_for("two readers"), send(b"hello")])
    async with world.client() as client, client.stream("GET", server.url) as response:
        stream, outcomes = response.stream, []

        async def one() -> None:
            try:
                outcomes.append(await read(world, stream, 5))
            except RuntimeError as exc:
                outcomes.append(str(exc))
                server.gate("two readers").set()

        if world.is_async:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one)
                tasks.start_soon(one)
        else:

            def in_thread() -> None:
                with pytest.raises(StopIteration):
                    one().send(None)

            threads = [threading.Thread(target=in_thread) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert outcomes == ["this stream is being read by another thread or task", b"hello"]


@pytest.mark.flavours("sync", "asyncio")
async def test_reading_everything_takes_the_memory_of_one_content(world, fault_server):
    content = bytes(16 << 20)
    server = fault_server([expect_request("GET /"), send(framed(content, "length"))])
    async with world.client() as client, client.stream("GET", server.url) as response:
        tracemalloc.start()
        try:
            assert await read(world, response.stream) == content
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert response.stream.tell() == len(content)
        assert await read(world, response.stream) == b""
    assert peak < 1.5 * len(content)
