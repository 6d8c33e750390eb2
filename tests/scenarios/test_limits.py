"""The limits of one message, over the wire: at the limit it works, one past it raises a named error."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

import httpstream
from httpstream import DecodingError, LineTooLong, MessageLimits, RemoteProtocolError
from tests.dialogue import CHUNKED, check_error, check_next_request, get_fails, head
from tests.servers.steps import expect_request, ignore_until_end, send, serve


def field(size: int) -> str:
    """A field line of `size` bytes, name and colon included, line end not."""
    return "X-Long: " + "x" * (size - 8)


def fields(count: int) -> bytes:
    """A response without content that has `count` field lines."""
    return head("Content-Length: 0", *(f"X-{number}: 1" for number in range(count - 1)))


def informational(count: int) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\n\r\n" * count + head("Content-Length: 0")


def extension(size: int) -> bytes:
    """One chunk with an extension of `size` bytes, its semicolon not counted."""
    return CHUNKED + b"5;" + b"e" * size + b"\r\nhello\r\n0\r\n\r\n"


def trailers(size: int) -> bytes:
    return CHUNKED + b"0\r\n" + field(size).encode() + b"\r\n\r\n"


# name: (limits, what is well inside them, what is past them, what the message says)
LIMITS = {
    "status line": (
        MessageLimits(max_status_line_bytes=100),
        head("Content-Length: 0", status="200 " + "O" * 70),
        head("Content-Length: 0", status="200 " + "O" * 110),
        "status line|max_status_line_bytes",
    ),
    "field line": (
        MessageLimits(max_field_line_bytes=1000),
        head(field(990), "Content-Length: 0"),
        head(field(1010), "Content-Length: 0"),
        "field line|max_field_line_bytes",
    ),
    "head": (
        MessageLimits(max_head_bytes=2000),
        head(field(900), field(900), "Content-Length: 0"),
        head(field(900), field(900), field(300), "Content-Length: 0"),
        "head|max_head_bytes",
    ),
    "number of fields": (
        MessageLimits(max_fields=50),
        fields(50),
        fields(51),
        "fields|max_fields",
    ),
    "trailers": (
        MessageLimits(max_trailer_bytes=1000),
        trailers(950),
        trailers(1100),
        "trailer|max_trailer_bytes",
    ),
    "chunk extension": (
        MessageLimits(max_chunk_extension_bytes=200),
        extension(190),
        extension(210),
        "extension|max_chunk_extension_bytes",
    ),
    "informational responses": (
        MessageLimits(max_informational=3),
        informational(3),
        informational(4),
        "informational|max_informational",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_inside_the_limit_it_works(world, fault_server, name):
    limits, inside, _, _ = LIMITS[name]
    server = fault_server([expect_request("GET /a"), send(inside), serve()], then=None)
    async with world.client(transport=world.transport(message_limits=limits)) as client:
        response = await client.get(server.url + "/a")
        assert (response.status_code, response.content) in ((200, b""), (200, b"hello"))
        await check_next_request(client, server)


@pytest.mark.parametrize("name", LIMITS)
async def test_past_the_limit_it_is_refused(world, fault_server, name):
    limits, _, past, what = LIMITS[name]
    server = fault_server([expect_request("GET /fault"), send(past), ignore_until_end()])
    async with world.client(transport=world.transport(message_limits=limits)) as client:
        await get_fails(client, server, RemoteProtocolError, what)


# What has no end: name: (how it begins, what repeats)
ENDLESS = {
    "status line": (b"HTTP/1.1 200 ", b"O" * 60_000),
    "field name": (b"HTTP/1.1 200 OK\r\n", b"X" * 60_000),
    "field value": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 60_000),
    "field section": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 10_000),
    "chunk extension": (CHUNKED + b"5;", b"e" * 60_000),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 10_000),
    "chunk size": (CHUNKED, b"0" * 60_000),
    "informational responses": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3000),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_nothing_of_a_message_grows_without_end(world, fault_server, name):
    """With the default limits: the client gives up after 4 MB at most."""
    begin, more = ENDLESS[name]
    steps = [expect_request("GET /fault"), send(begin), *[send(more)] * 70]
    server = fault_server(steps, strict=False)
    async with world.client() as client:
        await get_fails(client, server, RemoteProtocolError)


async def test_a_field_of_16_kib_is_accepted(world, fault_server):
    server = fault_server(
        [expect_request("GET /a"), send(head(field(16 * 1024), "Content-Length: 0")), serve()]
    )
    async with world.client() as client:
        response = await client.get(server.url + "/a")
        assert len(response.headers["x-long"]) == 16 * 1024 - 8
        await check_next_request(client, server)


@pytest.mark.parametrize("kind", ["lines", "lines_bytes"])
async def test_a_line_has_a_limit(world, fault_server, kind):
    content = b"short\n" + b"x" * 1000 + b"\n"
    server = fault_server(
        [expect_request("GET /fault"), send(head("Content-Length: 1007") + content), serve()]
    )
    async with world.client() as client:
        got = []
        with pytest.raises(LineTooLong) as caught:
            async with client.stream("GET", server.url + "/fault") as answer:
                async for line in answer.iter(kind, max_line_bytes=999):
                    got.append(line)  # noqa: PERF401  # a comprehension would lose what came first
        assert got in (["short"], [b"short"])
        check_error(caught.value, server, LineTooLong, "999")
        await check_next_request(client, server)


@pytest.mark.parametrize("kind", ["lines", "lines_bytes"])
async def test_a_line_at_the_limit_is_read(world, fault_server, kind):
    content = b"x" * 999 + b"\nshort"
    server = fault_server([expect_request("GET /a"), send(head("Content-Length: 1005") + content), serve()])
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a") as answer:
            lines = [line async for line in answer.iter(kind, max_line_bytes=999)]
        assert [len(line) for line in lines] == [999, 5]


@pytest.mark.parametrize("count", [5, 6])
async def test_at_most_five_codings_are_removed(world, fault_server, count):
    content = b"hello"
    for _ in range(count):
        content = gzip.compress(content)
    wire = (
        head(f"Content-Encoding: {', '.join(['gzip'] * count)}", f"Content-Length: {len(content)}") + content
    )
    server = fault_server([expect_request("GET /fault"), send(wire), serve()])
    async with world.client() as client:
        if count == 5:
            assert (await client.get(server.url + "/fault")).content == b"hello"
        else:
            with pytest.raises(DecodingError) as caught:
                await client.get(server.url + "/fault")
            check_error(caught.value, server, DecodingError, "coding")
        await check_next_request(client, server)


def bomb(size: int) -> bytes:
    """Zeros, compressed a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1024 * 1024)
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


@pytest.fixture(scope="module")
def bomb_of_200_mb() -> bytes:
    return bomb(200 * 1024 * 1024)


@pytest.mark.slow
@pytest.mark.parametrize("chunk_size", ["left out", None, 4096])
async def test_one_piece_of_a_bomb_costs_little(world, fault_server, bomb_of_200_mb, chunk_size):
    """Bounded decoding: reading one piece of a 200 MB bomb costs less than 8 MiB, leaving early decodes
    nothing.
    """
    wire = head("Content-Encoding: gzip", f"Content-Length: {len(bomb_of_200_mb)}") + bomb_of_200_mb
    server = fault_server([expect_request("GET /a"), send(wire), ignore_until_end()], strict=False)
    options = {} if chunk_size == "left out" else {"chunk_size": chunk_size}
    async with world.client() as client:
        tracemalloc.start()
        try:
            async with client.stream("GET", server.url + "/a") as answer:
                async for piece in answer.iter("bytes", **options):
                    assert 0 < len(piece) <= 1024 * 1024
                    break
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 8 * 1024 * 1024
        await check_next_request(client, server)


async def test_no_piece_is_larger_than_1_mib(world, fault_server, bomb_of_200_mb):
    wire = head("Content-Encoding: gzip", f"Content-Length: {len(bomb_of_200_mb)}") + bomb_of_200_mb
    server = fault_server([expect_request("GET /a"), send(wire), ignore_until_end()], strict=False)
    async with world.client() as client:
        total = 0
        async with client.stream("GET", server.url + "/a") as answer:
            async for piece in answer.iter("bytes", chunk_size=None):
                assert 0 < len(piece) <= 1024 * 1024
                total += len(piece)
        assert total == 200 * 1024 * 1024


async def test_decoded_content_can_be_limited(world, fault_server, bomb_of_200_mb):
    wire = head("Content-Encoding: gzip", f"Content-Length: {len(bomb_of_200_mb)}") + bomb_of_200_mb
    server = fault_server([expect_request("GET /fault"), send(wire), ignore_until_end()], strict=False)
    limits = MessageLimits(max_decoded_bytes=1_000_000)
    async with world.client(transport=world.transport(message_limits=limits)) as client:
        with pytest.raises(httpstream.DecodingError) as caught:
            await client.get(server.url + "/fault")
        check_error(caught.value, server, DecodingError, "max_decoded_bytes|1000000")
        await check_next_request(client, server)
