"""HTTP/2 against a real nginx: files, many streams on one connection, readers that stop, uploads, GOAWAY."""

from __future__ import annotations

import pytest

import httpstream
from tests.servers.nginx import BIG_BYTES, KEEPALIVE_REQUESTS
from tests.together import together


@pytest.fixture
def options(authority):
    return {"verify": authority.client_context(), "http2": True}


async def test_a_file_comes_over_http_2(world, nginx, options):
    async with world.client(**options) as client:
        response = await client.get(nginx.http2_url + "/small.txt")
    assert response.text == "hello from nginx\n"
    assert response.http_version == "HTTP/2"
    assert response.extensions["stream_id"] == 1
    assert response.reason_phrase == "OK"
    assert response.headers["content-type"] == "text/plain"


async def test_a_server_that_does_not_speak_it_is_spoken_to_over_http_1_1(world, nginx, options):
    async with world.client(**options) as client:
        responses = [await client.get(nginx.tls_url + "/small.txt") for _ in range(3)]
    assert [response.http_version for response in responses] == ["HTTP/1.1"] * 3
    assert {response.text for response in responses} == {"hello from nginx\n"}
    assert "stream_id" not in responses[0].extensions


async def test_without_tls_http_1_1_is_spoken_unless_nothing_but_http_2_is_wanted(world, nginx):
    async with world.client(http2=True) as client:
        assert (await client.get(nginx.url + "/small.txt")).http_version == "HTTP/1.1"
    async with world.client(http1=False, http2=True) as client:
        response = await client.get(nginx.http2_plain_url + "/small.txt")
    assert (response.http_version, response.text) == ("HTTP/2", "hello from nginx\n")


async def test_by_default_http_2_is_not_offered(world, nginx, authority):
    async with world.client(verify=authority.client_context()) as client:
        response = await client.get(nginx.http2_url + "/protocol")
    assert (response.http_version, response.text) == ("HTTP/1.1", "HTTP/1.1")


@pytest.mark.parametrize("chunk_size", ["left out", None, 65536, 1_000_003])
async def test_a_large_file_arrives_byte_for_byte(world, nginx, options, chunk_size):
    chosen = {} if chunk_size == "left out" else {"chunk_size": chunk_size}
    got = bytearray()
    async with world.client(**options) as client:
        async with client.stream("GET", nginx.http2_url + "/big.bin") as answer:
            async for piece in answer.iter("bytes", **chosen):
                got += piece
            assert answer.num_bytes_downloaded == BIG_BYTES
    assert got == (nginx.files / "big.bin").read_bytes()


async def test_packed_content_is_decoded_and_split_into_lines(world, nginx, options):
    expected = (nginx.files / "lines.jsonl").read_text().splitlines()
    async with world.client(**options) as client:
        async with client.stream("GET", nginx.http2_url + "/packed/lines.jsonl") as answer:
            assert answer.headers["content-encoding"] == "gzip"
            assert [line async for line in answer.iter("lines")] == expected


async def test_head_and_no_content(world, nginx, options):
    async with world.client(**options) as client:
        head = await client.request("HEAD", nginx.http2_url + "/big.bin")
        gone = await client.get(nginx.http2_url + "/gone")
    assert (head.headers["content-length"], head.content) == (str(BIG_BYTES), b"")
    assert (gone.status_code, gone.content) == (204, b"")


@pytest.mark.slow
async def test_a_hundred_streams_of_a_mebibyte_come_at_once_over_one_connection(world, nginx, options):
    expected = (nginx.files / "mib.bin").read_bytes()
    timeout = httpstream.Timeout(60.0)
    async with world.client(timeout=timeout, **options) as client:

        async def get() -> int:
            response = await client.get(nginx.http2_url + "/mib.bin")
            assert response.content == expected
            return int(response.extensions["stream_id"])

        ids = await together(world, [get] * 100)
        last = await client.get(nginx.http2_url + "/connection")
        connections = client.inner._transport._pool.connections
    assert sorted(ids) == list(range(1, 200, 2))  # all on one connection, which the server counts too
    assert last.extensions["stream_id"] == 201
    assert len(connections) == 1


async def test_requests_that_come_first_and_at_once_wait_for_one_handshake(world, nginx, options):
    async with world.client(**options) as client:

        async def get() -> str:
            return str((await client.get(nginx.http2_url + "/connection")).text)

        numbers = await together(world, [get] * 20)
    assert len(set(numbers)) == 1


async def test_over_http_1_1_requests_that_waited_for_the_handshake_take_connections_of_their_own(
    world, nginx, options
):
    async with world.client(**options) as client:

        async def get() -> str:
            response = await client.get(nginx.tls_url + "/small.txt")
            return f"{response.http_version} {response.text}"

        assert set(await together(world, [get] * 10)) == {"HTTP/1.1 hello from nginx\n"}
        assert 1 <= len(client.inner._transport._pool.connections) <= 10


async def test_a_reader_that_stops_does_not_stop_the_others(world, nginx, options):
    expected = (nginx.files / "big.bin").read_bytes()
    async with world.client(timeout=30.0, **options) as client:
        async with client.stream("GET", nginx.http2_url + "/big.bin") as first:
            pieces = first.iter("bytes", chunk_size=1000)
            got = bytearray(await pieces.__anext__())
            for _ in range(3):
                assert (await client.get(nginx.http2_url + "/big.bin")).content == expected
            async for piece in pieces:
                got += piece
    assert got == expected


async def test_what_is_not_read_is_not_held_in_memory(world, nginx, options):
    """The window of a stream follows its reader: 8 MiB are there to be sent, and far less is taken."""
    async with world.client(timeout=30.0, **options) as client:
        async with client.stream("GET", nginx.http2_url + "/big.bin") as first:
            for _ in range(3):
                await client.get(nginx.http2_url + "/mib.bin")
            held = sum(map(len, first.stream._stream._pieces))
    assert 0 < held <= 256 * 1024


async def test_streams_that_are_left_early_do_not_disturb_the_others(world, nginx, options):
    expected = (nginx.files / "mib.bin").read_bytes()
    async with world.client(timeout=30.0, **options) as client:

        async def leave() -> None:
            async with client.stream("GET", nginx.http2_url + "/big.bin") as answer:
                await answer.iter("bytes").__anext__()

        async def get() -> None:
            assert (await client.get(nginx.http2_url + "/mib.bin")).content == expected

        await together(world, [leave, get] * 8)
        last = await client.get(nginx.http2_url + "/connection")
    assert last.extensions["stream_id"] == 33


async def test_an_upload_larger_than_every_window_arrives(world, nginx, options):
    content = (nginx.files / "big.bin").read_bytes()
    async with world.client(timeout=30.0, **options) as client:
        whole = await client.request("PUT", nginx.http2_url + "/put/whole", content=content)
        pieces = world.pieces([content[at : at + 100_000] for at in range(0, BIG_BYTES, 100_000)])
        parts = await client.request("PUT", nginx.http2_url + "/put/parts", content=pieces)
    assert (whole.status_code, parts.status_code) == (201, 201)
    for name in ("whole", "parts"):
        assert (nginx.files.parent / "put" / name).read_bytes() == content
        (nginx.files.parent / "put" / name).unlink()


async def test_an_upload_that_is_answered_before_its_end_gets_its_answer(world, nginx, options):
    """nginx refuses what is announced to be too long; where no length is, it answers and lets the rest go."""
    async with world.client(timeout=30.0, **options) as client:
        for status, content in ((413, b"x" * 2_000_000), (200, world.pieces([b"x" * 50_000] * 40))):
            response = await client.post(nginx.http2_url + "/post", content=content)
            assert response.status_code == status
        assert (await client.get(nginx.http2_url + "/small.txt")).text == "hello from nginx\n"


async def test_a_connection_that_the_server_ends_by_goaway_is_replaced(world, nginx, options):
    async with world.client(**options) as client:
        numbers = [
            (await client.get(nginx.http2_limited_url + "/connection")).text
            for _ in range(3 * KEEPALIVE_REQUESTS)
        ]
    assert len(set(numbers)) >= 3


async def test_more_requests_than_streams_are_allowed_take_turns(world, nginx, authority):
    """Two streams at a time, three requests a connection, one connection: nothing is lost and nothing is refused."""
    limits = httpstream.Limits(max_connections=1)
    async with world.client(
        verify=authority.client_context(), http2=True, timeout=30.0, limits=limits
    ) as client:

        async def get() -> str:
            return str((await client.get(nginx.http2_limited_url + "/small.txt")).text)

        assert await together(world, [get] * 20) == ["hello from nginx\n"] * 20
