"""How much of coded content is decoded: no piece over 1 MiB, a bomb's first piece costs little, limits hold."""

from __future__ import annotations

import functools
import gzip
import subprocess
import sys
import textwrap
import zlib

import anyio
import pytest

from httpstream import DecodingError, GZipStream, MessageLimits
from tests.codings import CODINGS, MIB, encode, zstd_module
from tests.dialogue import check_error, check_next_request, head
from tests.servers.steps import expect_request, ignore_until_end, send, serve

BOMBS = [*CODINGS, "gzip, gzip"]


@functools.cache
def bomb(codings, size):
    """Zeros, compressed without ever being in memory."""
    zeros = bytes(MIB)
    if codings == "gzip, gzip":
        return gzip.compress(bomb("gzip", size))
    if codings in ("gzip", "deflate"):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31 if codings == "gzip" else 15)
        return b"".join(packer.compress(zeros) for _ in range(size // MIB)) + packer.flush()
    if codings == "br":
        brotli = pytest.importorskip("brotli", reason="brotli is not installed").Compressor(quality=3)
        return b"".join(brotli.process(zeros) for _ in range(size // MIB)) + brotli.finish()
    zstd = zstd_module().ZstdCompressor()
    return b"".join(zstd.compress(zeros) for _ in range(size // MIB)) + zstd.flush()


def encode_all(codings, content):
    for coding in codings.split(", "):
        content = encode(coding, content)
    return content


def coded_response(codings, content):
    return head(f"Content-Encoding: {codings}", f"Content-Length: {len(content)}") + content


FIRST_PIECE = """
    import re, sys

    import httpstream

    flavour, url, library = sys.argv[1:]
    if library == "zlib":
        sys.modules["isal.igzip_lib"] = None

    def peak():
        with open("/proc/self/status") as status:
            return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) * 1024

    def sync():
        with httpstream.Client(trust_env=False) as client:
            client.get(url + "/warm")  # loads the libraries
            before = peak()
            with client.stream("GET", url + "/bomb") as response:
                for piece in response.iter_bytes(chunk_size=None):
                    break
                print(peak() - before, len(piece))

    async def main():
        async with httpstream.AsyncClient(trust_env=False) as client:
            await client.get(url + "/warm")
            before = peak()
            async with client.stream("GET", url + "/bomb") as response:
                async for piece in response.aiter_bytes(chunk_size=None):
                    break
                print(peak() - before, len(piece))

    if flavour == "sync":
        sync()
    else:
        import anyio
        anyio.run(main, backend=flavour)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
@pytest.mark.flavours("sync", "asyncio", "trio")
@pytest.mark.parametrize(
    ("codings", "library"),
    [
        (codings, library)
        for codings in BOMBS
        for library in ("isal", "zlib")
        if library == "isal" or codings not in ("br", "zstd")
    ],
)
def test_the_first_piece_of_a_bomb_costs_little(world, fault_server, codings, library):
    """Of 200 MB less than 8 MiB of the process's memory are ever in use, what the library holds back included."""
    warm, content = encode_all(codings, b"warm"), bomb(codings, 200 * MIB)
    script = [
        expect_request("GET /warm"),
        send(coded_response(codings, warm)),
        expect_request("GET /bomb"),
        send(coded_response(codings, content)),
        ignore_until_end(),
    ]
    server = fault_server(script, strict=False)
    command = [sys.executable, "-c", textwrap.dedent(FIRST_PIECE), world.name, server.url, library]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    growth, size = map(int, result.stdout.split())
    assert growth < 8 * MIB
    assert 0 < size <= MIB


@pytest.mark.parametrize("codings", BOMBS)
async def test_no_piece_is_larger_than_a_mebibyte(world, fault_server, codings):
    content = bomb(codings, 20 * MIB)
    server = fault_server([expect_request("GET /a"), send(coded_response(codings, content)), serve()])
    async with world.client() as client:
        sizes = []
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes", None):
                sizes.append(len(piece))  # noqa: PERF401 - a comprehension would keep the pieces
        assert sum(sizes) == 20 * MIB
        assert 0 < max(sizes) <= MIB
        await check_next_request(client, server)


# Limits


async def read(answer):
    return len(await answer.read())


def iterating(kind, *args):
    async def iterate(answer):
        return sum([len(item) async for item in answer.iter(kind, *args)])

    return iterate


async def gzip_stream(answer):
    stream = GZipStream(answer.stream)
    return len(await stream.aread() if answer._world.is_async else stream.read())


# What each gives of 100 lines of 10 bytes: their number, or without line ends, or the number of items.
READERS = {
    "read": (read, 1000),
    "bytes": (iterating("bytes"), 1000),
    "bytes of 64": (iterating("bytes", 64), 1000),
    "bytes as received": (iterating("bytes", None), 1000),
    "text": (iterating("text"), 1000),
    "lines": (iterating("lines"), 900),
    "lines_bytes": (iterating("lines_bytes"), 900),
    "gzip_stream": (gzip_stream, 1000),
}
LINES = b"".join(b"line %04d\n" % number for number in range(100))


@pytest.mark.parametrize(
    ("codings", "reader"),
    [
        (codings, reader)
        for codings in BOMBS
        for reader in READERS
        if reader != "gzip_stream" or codings == "gzip"
    ],
)
async def test_decoded_bytes_are_limited_whoever_reads(world, fault_server, codings, reader):
    """At the limit it works, one byte past it is an error."""
    read_by, count = READERS[reader]
    content = encode_all(codings, LINES)
    script = [expect_request("GET /fault"), send(coded_response(codings, content)), serve()]
    server = fault_server(script, script)
    for allowed in (1000, 999):
        limits = MessageLimits(max_decoded_bytes=allowed)
        async with world.client(transport=world.transport(message_limits=limits)) as client:
            if allowed == 1000:
                async with client.stream("GET", server.url + "/fault") as answer:
                    assert await read_by(answer) == count
            else:
                with pytest.raises(DecodingError) as caught:
                    async with client.stream("GET", server.url + "/fault") as answer:
                        await read_by(answer)
                check_error(caught.value, server, DecodingError, "more than 999 bytes.*max_decoded_bytes")
            await check_next_request(client, server)


@pytest.mark.parametrize("reader", ["read", "bytes"])
@pytest.mark.parametrize("codings", BOMBS)
async def test_the_decompression_ratio_is_limited_whoever_reads(world, fault_server, codings, reader):
    read_by, _ = READERS[reader]
    content = bomb(codings, MIB)
    ratio = MIB / len(content)
    script = [expect_request("GET /fault"), send(coded_response(codings, content)), serve()]
    server = fault_server(script, script)
    for allowed in (ratio * 1.01, ratio * 0.99):
        limits = MessageLimits(max_decompression_ratio=allowed)
        async with world.client(transport=world.transport(message_limits=limits)) as client:
            if allowed > ratio:
                async with client.stream("GET", server.url + "/fault") as answer:
                    assert await read_by(answer) == MIB
            else:
                with pytest.raises(DecodingError) as caught:
                    async with client.stream("GET", server.url + "/fault") as answer:
                        await read_by(answer)
                check_error(caught.value, server, DecodingError, "max_decompression_ratio")
            await check_next_request(client, server)


# The tasks beside


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("reader", ["read", "bytes as received", "gzip_stream"])
async def test_what_unfolds_to_very_much_does_not_hold_up_other_tasks(world, fault_server, reader):
    """Decoding never waits, so it gives way now and then: else nothing else would run, no timeout, no cancellation."""
    await check_turns(world, fault_server, "gzip", bomb("gzip", 50 * MIB), READERS[reader][0], 50 * MIB, 45)


@pytest.mark.slow
@pytest.mark.flavours("asyncio", "uvloop", "trio")
async def test_what_unfolds_to_very_much_of_nothing_does_not_hold_up_other_tasks(world, fault_server):
    content = gzip.compress(gzip.compress(b"") * 100_000)
    await check_turns(world, fault_server, "gzip, gzip", content, read, 0, 10)


async def check_turns(world, fault_server, codings, content, read_by, size, at_least):
    """Read while another task counts how often it has its turn."""
    server = fault_server([expect_request("GET /a"), send(coded_response(codings, content)), serve()])
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await anyio.sleep(0)
            turns += 1

    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            await world.sleep(0.05)  # all of it has arrived
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(count)
                assert await read_by(answer) == size
                tasks.cancel_scope.cancel()
        await check_next_request(client, server)
    assert turns >= at_least
