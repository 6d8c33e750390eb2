"""Against a real nginx: files, TLS, gzip, keep-alive limits, early refusals."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest

import httpstream
from tests.servers.nginx import BIG_BYTES, KEEPALIVE_REQUESTS, LINE_COUNT


def url_of(nginx, secure: bool) -> str:
    return nginx.tls_url if secure else nginx.url


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def secure(request):
    return request.param


@pytest.fixture
def options(secure, authority):
    return {"verify": authority.client_context()} if secure else {}


async def test_a_small_file(world, nginx, secure, options):
    async with world.client(**options) as client:
        response = await client.get(url_of(nginx, secure) + "/small.txt")
    assert response.text == "hello from nginx\n"
    assert response.headers["content-type"] == "text/plain"
    assert response.headers["server"].startswith("nginx")


async def test_an_empty_file(world, nginx):
    async with world.client() as client:
        response = await client.get(nginx.url + "/empty.txt")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("chunk_size", ["left out", None, 65536, 1_000_003])
async def test_a_large_file_arrives_byte_for_byte(world, nginx, secure, options, chunk_size):
    expected = hashlib.sha256((nginx.files / "big.bin").read_bytes()).hexdigest()
    chosen = {} if chunk_size == "left out" else {"chunk_size": chunk_size}
    got, sizes = hashlib.sha256(), []
    async with world.client(**options) as client:
        async with client.stream("GET", url_of(nginx, secure) + "/big.bin") as answer:
            assert answer.headers["content-length"] == str(BIG_BYTES)
            async for piece in answer.iter("bytes", **chosen):
                got.update(piece)
                sizes.append(len(piece))
            assert answer.num_bytes_downloaded == BIG_BYTES
    assert got.hexdigest() == expected
    if isinstance(chunk_size, int):
        assert set(sizes[:-1]) == {chunk_size}


async def test_read_gives_the_whole_file(world, nginx, secure, options):
    async with world.client(**options) as client:
        response = await client.get(url_of(nginx, secure) + "/big.bin")
    assert response.content == (nginx.files / "big.bin").read_bytes()


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "gzip"])
async def test_json_lines(world, nginx, packed):
    path = "/packed/lines.jsonl" if packed else "/lines.jsonl"
    count = 0
    async with world.client() as client:
        async with client.stream("GET", nginx.url + path) as answer:
            assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
            async for line in answer.iter("lines"):
                assert json.loads(line)["n"] == count
                count += 1
    assert count == LINE_COUNT


async def test_raw_content_stays_packed(world, nginx):
    got = b""
    async with world.client() as client:
        async with client.stream("GET", nginx.url + "/packed/lines.jsonl") as answer:
            async for piece in answer.iter("raw"):
                got += piece
    assert gzip.decompress(got) == (nginx.files / "lines.jsonl").read_bytes()


async def test_a_gz_file_is_no_content_coding(world, nginx):
    async with world.client() as client:
        response = await client.get(nginx.url + "/lines.txt.gz")
    assert response.content == (nginx.files / "lines.txt.gz").read_bytes()


async def test_a_range_is_resumed(world, nginx):
    whole = (nginx.files / "big.bin").read_bytes()
    async with world.client() as client:
        response = await client.get(nginx.url + "/big.bin", headers={"Range": "bytes=8000000-"})
    assert response.status_code == 206
    assert response.content == whole[8_000_000:]


async def test_head_tells_the_size(world, nginx):
    async with world.client() as client:
        response = await client.request("HEAD", nginx.url + "/big.bin")
        assert (response.headers["content-length"], response.content) == (str(BIG_BYTES), b"")
        assert (await client.get(nginx.url + "/small.txt")).status_code == 200


async def test_not_modified_has_no_content(world, nginx):
    async with world.client() as client:
        etag = (await client.get(nginx.url + "/small.txt")).headers["etag"]
        response = await client.get(nginx.url + "/small.txt", headers={"If-None-Match": etag})
    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize("path, status", [("/none", 404), ("/error", 503), ("/gone", 204)])
async def test_statuses(world, nginx, path, status):
    async with world.client() as client:
        response = await client.get(nginx.url + path)
        assert response.status_code == status
        if status >= 400:
            with pytest.raises(httpstream.HTTPStatusError, match=str(status)):
                response.raise_for_status()


async def test_a_limit_of_requests_per_connection_is_met(world, nginx):
    """nginx says Connection: close with the last one, or just closes; no request is lost."""
    async with world.client() as client:
        for _ in range(4 * KEEPALIVE_REQUESTS + 1):
            response = await client.get(nginx.limited_url + "/small.txt")
            assert response.text == "hello from nginx\n"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_that_nginx_closed_at_rest_is_not_used(world, nginx, method):
    async with world.client() as client:
        await client.get(nginx.limited_url + "/small.txt")
        await world.sleep(1.6)
        response = await client.request(method, nginx.limited_url + "/small.txt")
        assert response.status_code == (200 if method == "GET" else 405)


async def test_an_upload_that_is_too_large_is_told_so(world, nginx):
    """nginx answers 413 without reading, and closes."""
    async with world.client() as client:
        response = await client.post(nginx.url + "/post", content=b"x" * 20_000_000)
        assert response.status_code == 413
        assert (await client.post(nginx.url + "/post", content=b"x" * 60_000)).text == "taken\n"


async def test_an_upload_may_expect_100_continue(world, nginx):
    async with world.client() as client:
        response = await client.post(
            nginx.url + "/post", content=b"x" * 60_000, headers={"Expect": "100-continue"}
        )
        assert response.text == "taken\n"
        refused = await client.post(
            nginx.url + "/post", content=b"x" * 90_000, headers={"Expect": "100-continue"}
        )
        assert refused.status_code == 413


async def test_a_slow_file_streams(world, nginx):
    got = 0
    async with world.client() as client:
        async with client.stream("GET", nginx.url + "/slow/big.bin") as answer:
            async for piece in answer.iter("bytes"):
                got += len(piece)
                if got > 100_000:
                    break
        assert (await client.get(nginx.url + "/small.txt")).status_code == 200


async def test_many_requests_use_one_connection(world, nginx, secure, options):
    ports = set()
    async with world.client(**options) as client:
        for _ in range(50):
            async with client.stream("GET", url_of(nginx, secure) + "/small.txt") as answer:
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr")[1])
                await answer.read()
    assert len(ports) == 1
