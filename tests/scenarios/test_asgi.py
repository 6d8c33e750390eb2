"""Against a real ASGI server (uvicorn): what arrives there, and what comes back as it comes."""

from __future__ import annotations

import hashlib
import json
import time
from itertools import pairwise

import pytest

import httpstream


async def report_of(client, method: str, url: str, **options):
    return (await client.request(method, url, **options)).json()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods_and_content_arrive(world, asgi, method):
    async with world.client() as client:
        report = await report_of(client, method, asgi.url + "/echo/a%20b?x=1&y=%26", content=b"\x00hello\xff")
    assert report["method"] == method
    assert (report["path"], report["query"]) == ("/echo/a%20b", "x=1&y=%26")
    assert report["content"] == "\x00hello\xff"


async def test_params_and_headers_of_client_and_request_are_merged(world, asgi):
    options = {"params": {"a": "1", "b": "2"}, "headers": {"X-One": "client", "X-Two": "client"}}
    async with world.client(base_url=asgi.url, **options) as client:
        report = await report_of(
            client, "GET", "/echo", params={"b": "3", "c": "4"}, headers={"X-Two": "request"}
        )
    fields = dict(report["fields"])
    assert report["query"] == "a=1&b=3&c=4"
    assert (fields["x-one"], fields["x-two"]) == ("client", "request")


async def test_the_default_fields_arrive_once(world, asgi):
    async with world.client() as client:
        report = await report_of(client, "GET", asgi.url + "/echo")
    names = [name for name, _ in report["fields"]]
    fields = dict(report["fields"])
    assert sorted(names) == sorted(set(names))
    assert fields["host"] == asgi.url.removeprefix("http://")
    assert fields["accept"] == "*/*"
    assert fields["connection"] == "keep-alive"
    assert fields["user-agent"] == f"python-httpstream/{httpstream.__version__}"
    assert {"gzip", "deflate"} <= set(fields["accept-encoding"].split(", "))


async def test_a_field_that_the_caller_sets_wins(world, asgi):
    headers = {"Host": "other.example", "User-Agent": "mine", "Accept-Encoding": "identity"}
    async with world.client() as client:
        fields = dict((await report_of(client, "GET", asgi.url + "/echo", headers=headers))["fields"])
    assert fields["host"] == "other.example"
    assert (fields["user-agent"], fields["accept-encoding"]) == ("mine", "identity")


async def test_repeated_fields_stay_repeated(world, asgi):
    headers = [("X-A", "1"), ("X-A", "2")]
    async with world.client() as client:
        report = await report_of(client, "GET", asgi.url + "/echo", headers=headers)
    assert [value for name, value in report["fields"] if name == "x-a"] == ["1", "2"]


async def test_json_arrives(world, asgi):
    async with world.client() as client:
        report = await report_of(client, "POST", asgi.url + "/echo", json={"grüße": [1, None]})
    assert json.loads(report["content"].encode("latin-1")) == {"grüße": [1, None]}
    assert dict(report["fields"])["content-type"] == "application/json"


async def test_form_data_arrives(world, asgi):
    async with world.client() as client:
        report = await report_of(client, "POST", asgi.url + "/echo", data={"a": "x y", "b": ["1", "2"]})
    assert report["content"] == "a=x+y&b=1&b=2"
    assert dict(report["fields"])["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", ["sized", "chunked"])
async def test_an_upload_arrives_byte_for_byte(world, asgi, kind):
    pieces = [bytes([number % 256]) * 30_011 for number in range(100)]
    whole = b"".join(pieces)
    headers = {"Content-Length": str(len(whole))} if kind == "sized" else {}
    async with world.client(timeout=20) as client:
        response = await client.post(asgi.url + "/upload", content=world.pieces(pieces), headers=headers)
    assert response.json() == {"length": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}


@pytest.mark.parametrize("chunk_size", ["left out", None, 7, 100_000])
async def test_a_chunked_content_comes_in_the_size_that_was_asked_for(world, asgi, chunk_size):
    chosen = {} if chunk_size == "left out" else {"chunk_size": chunk_size}
    async with world.client() as client:
        async with client.stream("GET", asgi.url + "/stream?count=50&size=333") as answer:
            pieces = [piece async for piece in answer.iter("bytes", **chosen)]
    assert b"".join(pieces) == b"".join(bytes([number]) * 333 for number in range(50))
    limit = {"left out": 1024, None: 10**9}.get(chunk_size, chunk_size)
    assert all(0 < len(piece) <= limit for piece in pieces)
    if isinstance(chunk_size, int):
        assert all(len(piece) == chunk_size for piece in pieces[:-1])


@pytest.mark.slow
async def test_events_are_handed_over_as_they_come(world, asgi):
    """Never held back for a fuller chunk: each event is there long before the next one is sent."""
    arrivals, lines = [], []
    async with world.client() as client:
        async with client.stream("GET", asgi.url + "/events?count=3&pause=0.2") as answer:
            async for line in answer.iter("lines"):
                if line.startswith("data:"):
                    arrivals.append(time.monotonic())
                    lines.append(line)
    assert lines == [f"data: grüße {number}" for number in range(3)]
    gaps = [later - earlier for earlier, later in pairwise(arrivals)]
    assert all(gap > 0.1 for gap in gaps)


@pytest.mark.parametrize("kind", ["bytes", "raw", "text"])
async def test_the_default_chunk_size_never_waits_for_more(world, asgi, kind):
    async with world.client() as client:
        async with client.stream("GET", asgi.url + "/stream?count=4&size=10&pause=0.05") as answer:
            sizes = [len(piece) async for piece in answer.iter(kind)]
    assert sizes == [10, 10, 10, 10]


@pytest.mark.parametrize("code", [200, 204, 301, 304, 404, 418, 500, 599])
async def test_statuses(world, asgi, code):
    async with world.client() as client:
        response = await client.get(f"{asgi.url}/status/{code}")
        assert response.status_code == code
        assert response.content == (b"" if code in (204, 304) else f"status {code}".encode())


async def test_an_error_status_can_be_read_after_the_block(world, asgi):
    """design: when the block ends with the HTTPStatusError of that very response, its content is read first."""
    async with world.client() as client:
        with pytest.raises(httpstream.HTTPStatusError) as caught:
            async with client.stream("GET", asgi.url + "/status/404") as answer:
                answer.raise_for_status()
        assert caught.value.response.text == "status 404"
        assert caught.value.request.url == asgi.url + "/status/404"


async def test_elapsed_is_a_time_once_the_response_is_closed(world, asgi):
    async with world.client() as client:
        response = await client.get(asgi.url + "/stream?count=2&pause=0.05")
    assert 0.09 < response.elapsed.total_seconds() < 5


@pytest.mark.flavours("sync")
async def test_the_top_level_functions(world, asgi):
    assert httpstream.get(asgi.url + "/echo", trust_env=False).json()["method"] == "GET"
    for method in ("post", "put", "patch"):
        response = getattr(httpstream, method)(asgi.url + "/echo", content=b"x", trust_env=False)
        assert (response.json()["method"], response.json()["content"]) == (method.upper(), "x")
    for method in ("delete", "options"):
        assert (
            getattr(httpstream, method)(asgi.url + "/echo", trust_env=False).json()["method"]
            == method.upper()
        )
    assert httpstream.head(asgi.url + "/echo", trust_env=False).content == b""
    assert httpstream.request("GET", asgi.url + "/status/200", trust_env=False).text == "status 200"
    with httpstream.stream("GET", asgi.url + "/stream?count=3&size=5", trust_env=False) as response:
        assert b"".join(response.iter_bytes()) == b"\x00" * 5 + b"\x01" * 5 + b"\x02" * 5
