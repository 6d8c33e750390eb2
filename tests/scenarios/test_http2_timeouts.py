"""Time over HTTP/2: who waits too long is told so alone, and a connection from which nothing comes is left."""

from __future__ import annotations

import pytest

import httpstream
from tests import http2_frames as wire
from tests.servers.http2 import (
    begin,
    expect_frame,
    expect_goodbye,
    expect_head,
    expect_reset,
    reply,
    serve_http2,
    take_content,
)
from tests.servers.steps import (
    ignore_until_end,
    send,
    wait_for,
    wait_read,
)
from tests.together import together

PLAIN = {"http1": False, "http2": True}


@pytest.fixture
def server(fault_server):
    return lambda *scripts, **options: fault_server(*scripts, **{"then": [serve_http2()], **options})


async def check_next_request(client, server, connections=None):
    """The client goes on, and gets its own answer. connections: how many the server has seen then."""
    response = await client.get(server.url + "/next")
    assert (response.http_version, response.text) == ("HTTP/2", "GET /next")
    if connections is not None:
        assert len(server.peers) == connections


async def fails(client, error, method, url, **options):
    """The request raises exactly this error, which knows its request."""
    with pytest.raises(httpstream.HTTPError) as caught:
        await client.request(method, url, **options)
    assert type(caught.value) is error
    assert str(caught.value.request.url) == url
    return caught.value


async def test_a_response_that_does_not_come_times_out_alone(world, server):
    script = [
        begin(),
        expect_head(1, "GET /slow"),
        expect_head(3, "GET /fast"),
        reply(3, b"fast"),
        expect_reset(1),
        expect_head(5, "GET /next"),
        reply(5, b"GET /next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(timeout=5.0, **PLAIN) as client:
        done = []

        async def slow():
            timeout = httpstream.Timeout(5.0, read=0.3)
            error = await fails(client, httpstream.ReadTimeout, "GET", one.url + "/slow", timeout=timeout)
            done.append(error)

        async def fast():
            await world.until(lambda: one.peers and 1 in getattr(one.peer(0), "session", NOTHING).heads)
            done.append((await client.get(one.url + "/fast")).text)

        await together(world, [slow, fast])
        assert done[0] == "fast"
        await check_next_request(client, one, 1)


class NOTHING:
    heads: dict[int, dict[str, str]] = {}


async def test_content_that_does_not_come_times_out_and_is_taken_back(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"some")),
        expect_reset(1),
        ignore_until_end(),
    ]
    one = server(script)
    async with world.client(timeout=httpstream.Timeout(5.0, read=0.1), **PLAIN) as client:
        await fails(client, httpstream.ReadTimeout, "GET", one.url + "/")


async def test_a_server_from_which_nothing_comes_at_all_gets_no_further_request(world, server):
    one = server([begin(), expect_head(1), reply(1, b"one"), expect_head(3), ignore_until_end()])
    async with world.client(timeout=httpstream.Timeout(5.0, read=0.1), **PLAIN) as client:
        assert (await client.get(one.url + "/")).text == "one"
        await fails(client, httpstream.ReadTimeout, "GET", one.url + "/")
        await check_next_request(client, one, 2)


async def test_a_window_that_stays_shut_times_out_and_the_others_go_on(world, server):
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        send(wire.window_update(0, 1000)),
        expect_head(3, "GET /other"),
        reply(3, b"other"),
        expect_reset(1),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(timeout=httpstream.Timeout(5.0, write=0.3), **PLAIN) as client:

        async def upload():
            await fails(client, httpstream.WriteTimeout, "POST", one.url + "/", content=b"x" * 100_000)

        async def other():
            await world.until(lambda: one.peers and one.peer(0).played >= 4)
            assert (await client.get(one.url + "/other")).text == "other"

        await together(world, [upload, other])


async def test_a_server_that_reads_nothing_more_times_out(world, server):
    one = server(
        [
            begin(),
            expect_head(1),
            send(wire.window_update(0, 1 << 30) + wire.window_update(1, 1 << 30)),
            wait_for("end"),
        ]
    )
    async with world.client(timeout=httpstream.Timeout(5.0, write=0.3), **PLAIN) as client:
        await fails(client, httpstream.WriteTimeout, "POST", one.url + "/", content=bytes(64 << 20))
        one.gate("end").set()
        await check_next_request(client, one, 2)


async def test_a_response_that_needs_no_more_of_the_request_is_delivered_when_sending_stalls(world, server):
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        send(wire.headers(1, [(b":status", b"403")])),
        wait_read(),
        wait_for("head"),
        send(wire.data(1, b"no", end=True)),
        expect_frame(wire.RST_STREAM, 1),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(timeout=httpstream.Timeout(5.0, write=0.2), **PLAIN) as client:
        async with client.stream("POST", one.url + "/", content=b"x" * 100_000) as answer:
            assert answer.status_code == 403
            one.gate("head").set()
            assert await answer.read() == b"no"
