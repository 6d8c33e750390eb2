"""``response.stream`` of an application behind WSGITransport or ASGITransport: a file like that of a live response."""

from __future__ import annotations

import pytest

import httpstream

PIECES = [b"first line\nsec", b"ond line\n", b"", b"last"]
CONTENT = b"".join(PIECES)


class Result:
    """What a WSGI application returns: counts its closings."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self):
        return iter(PIECES)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def wsgi():
    results = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        results.append(Result())
        return results[-1]

    app.results = results
    return app


async def asgi(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in PIECES:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def test_the_stream_of_a_wsgi_application_is_a_file(wsgi):
    with httpstream.Client(transport=httpstream.WSGITransport(app=wsgi)) as client:
        with client.stream("GET", "http://host/") as response:
            assert response.stream.read(5) == b"first"
            assert response.stream.readline() == b" line\n"
            assert list(response.stream.iter_lines()) == ["second line", "last"]
            assert not response.stream.closed
        assert response.stream.closed
        with pytest.raises(ValueError, match="closed"):
            response.stream.read()
        response.stream.close()
        assert client.get("http://host/").stream.read() == CONTENT
    assert [result.closed for result in wsgi.results] == [1, 1]


@pytest.mark.flavours("asyncio", "trio")
async def test_the_stream_of_an_asgi_application_is_a_file(world):
    async with httpstream.AsyncClient(transport=httpstream.ASGITransport(app=asgi)) as client:
        async with client.stream("GET", "http://host/") as response:
            assert await response.stream.aread(5) == b"first"
            assert [line async for line in response.stream.aiter_lines()] == [" line", "second line", "last"]
        with pytest.raises(ValueError, match="closed"):
            await response.stream.aread()
        response = await client.get("http://host/")
        assert await response.stream.aread() == CONTENT
