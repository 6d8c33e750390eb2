"""Scenarios of a response that is read on by its stream, behind what an iterator has taken: programs drain it so."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.servers.fault import FaultServer
from tests.servers.http2 import serve_http2

PIECES = [b"one\n", b"two\n", b"three"]
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def chunked(pieces: list[bytes], *fields: bytes) -> list[bytes]:
    """An answer on the wire, each chunk by itself."""
    head = HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n"
    return [head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


async def rest_of(lib: Lib, answer: Any) -> bytes:
    return b"".join([piece async for piece in lib.world.iterate(answer.response.stream)])


@pytest.mark.parametrize("kind", ["bytes", "raw", "text", "lines"])
@same("the stream of a response that is being iterated cannot be read to its end")
async def test_the_stream_may_be_drained(lib: Lib, kind: str) -> Any:
    """openai does so behind the last event, in order that its connection carries the next request."""
    lib.site.on("/a", chunked(PIECES))
    async with lib.client() as client:
        for _ in range(2):
            async with client.stream("GET", lib.site.url + "/a") as answer:
                iterator = answer.iter(kind)  # in httpx dropping it closes the connection
                await iterator.__anext__()
                await rest_of(lib, answer)
    return lib.site.connections, len(lib.site.received)


@pytest.mark.parametrize("kind", ["bytes", "raw"])
@same("what an iterator has received and not handed over is lost to whoever reads on")
async def test_the_stream_goes_on_behind_what_was_taken(lib: Lib, kind: str) -> Any:
    lib.site.on("/a", chunked(PIECES))
    async with lib.client() as client, client.stream("GET", lib.site.url + "/a") as answer:
        iterator = answer.iter(kind)
        first = await iterator.__anext__()
        return first + await rest_of(lib, answer)


@same("decoded content cannot be read on by the stream, or is decoded there")
async def test_a_coded_stream_may_be_drained(lib: Lib) -> Any:
    lib.site.on("/a", chunked([gzip.compress(b"content " * 1000)], b"Content-Encoding: gzip"))
    async with lib.client() as client:
        for _ in range(2):
            async with client.stream("GET", lib.site.url + "/a") as answer:
                iterator = answer.iter("bytes")
                await iterator.__anext__()
                await rest_of(lib, answer)
    return lib.site.connections, len(lib.site.received)


@same("the stream itself cannot be iterated twice, each time for a part")
async def test_the_stream_may_be_iterated_in_parts(lib: Lib) -> Any:
    lib.site.on("/a", chunked(PIECES))
    async with lib.client() as client, client.stream("GET", lib.site.url + "/a") as answer:
        iterator = lib.world.iterate(answer.response.stream)
        first = await iterator.__anext__()
        return first + await rest_of(lib, answer)


@same("the stream of an HTTP/2 response cannot be read on")
async def test_a_response_of_http2_goes_on_behind_what_was_taken(lib: Lib) -> Any:
    content = bytes(range(256)) * 20
    server = FaultServer(then=[serve_http2(lambda head: content)], strict=False)
    try:
        async with lib.client(http1=False, http2=True) as client:
            async with client.stream("GET", server.url) as answer:
                iterator = answer.iter("raw")
                first = await iterator.__anext__()
                return first + await rest_of(lib, answer)
    finally:
        server.stop()
