"""HTTP/2 against hypercorn: what arrives at an application, and what comes back as it comes."""

from __future__ import annotations

import hashlib
import time
from itertools import pairwise

import pytest

import httpstream
from tests.together import together


@pytest.fixture
def options(authority):
    return {"verify": authority.client_context(), "http2": True, "timeout": 20.0}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_methods_and_content_arrive(world, hypercorn, options, method):
    async with world.client(**options) as client:
        response = await client.request(
            method, hypercorn.url + "/echo/a%20b?x=1&y=%26", content=b"\x00hello\xff", headers={"X-One": "1"}
        )
    report = response.json()
    assert response.http_version == "HTTP/2"
    assert report["method"] == method
    assert (report["path"], report["query"]) == ("/echo/a%20b", "x=1&y=%26")
    assert report["content"] == "\x00hello\xff"
    assert dict(report["fields"])["x-one"] == "1"


async def test_events_are_handed_over_as_they_come(world, hypercorn, options):
    async with world.client(**options) as client:
        async with client.stream("GET", hypercorn.url + "/events?count=4&pause=0.1") as answer:
            lines = answer.iter("lines")
            times = [time.monotonic() async for line in lines if line.startswith("data:")]
    assert len(times) == 4
    assert all(0.02 < later - earlier < 1.0 for earlier, later in pairwise(times))


async def test_an_upload_of_some_mebibytes_arrives_from_bytes_and_from_pieces(world, hypercorn, options):
    content = bytes(range(256)) * 12_000
    async with world.client(**options) as client:
        for given in (
            content,
            world.pieces([content[at : at + 70_000] for at in range(0, len(content), 70_000)]),
        ):
            response = await client.post(hypercorn.url + "/upload", content=given)
            assert response.json() == {
                "length": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }


async def test_what_is_sent_back_while_it_is_uploaded_comes_completely(world, hypercorn, options):
    """Less than the windows on the way: what comes back waits for its reader."""
    parts = [bytes([number]) * 9_000 for number in range(20)]
    async with world.client(**options) as client:
        response = await client.post(hypercorn.url + "/twoway", content=world.pieces(parts))
    assert response.content == b"".join(parts)


async def test_many_at_once_get_their_own(world, hypercorn, options):
    async with world.client(**options) as client:

        def job(number):
            async def get():
                response = await client.get(f"{hypercorn.url}/stream?count=20&size={number}&pause=0.001")
                return response.http_version, response.content

            return get

        results = await together(world, [job(number) for number in range(1, 41)])
        assert len(client.inner._transport._pool.connections) == 1
    for number, (version, content) in enumerate(results, 1):
        assert version == "HTTP/2"
        assert content == b"".join(bytes([n]) * number for n in range(20))


async def test_statuses_come_with_their_phrases(world, hypercorn, options):
    async with world.client(**options) as client:
        for status, phrase in (
            (200, "OK"),
            (204, "No Content"),
            (404, "Not Found"),
            (503, "Service Unavailable"),
        ):
            response = await client.get(f"{hypercorn.url}/status/{status}")
            assert (response.status_code, response.reason_phrase) == (status, phrase)
        with pytest.raises(httpstream.HTTPStatusError):
            (await client.get(f"{hypercorn.url}/status/500")).raise_for_status()
