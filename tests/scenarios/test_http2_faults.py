"""Faults over HTTP/2: a documented error for whom it concerns, nothing for the others, and a next request."""

from __future__ import annotations

import pytest

import httpstream
from tests import http2_frames as wire
from tests.servers.http2 import (
    PASSED_OVER,
    begin,
    expect_content,
    expect_goodbye,
    expect_head,
    expect_pause,
    expect_reset,
    read_frame,
    reply,
    serve_http2,
    take_content,
)
from tests.servers.steps import (
    cut,
    ignore_until_end,
    named,
    read_then_reset,
    reset,
    send,
    send_until_stopped,
    wait_for,
    wait_read,
)
from tests.together import together

PLAIN = {"http1": False, "http2": True}
CODES = range(15)


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


# The end of a connection

NEXT_ON_THE_SAME = [expect_head(3, "GET /next"), reply(3, b"GET /next"), expect_goodbye()]


@pytest.mark.parametrize("end", [cut, read_then_reset, reset])
@pytest.mark.parametrize("sent", ["nothing", "a head", "a part of a frame", "some content"])
async def test_a_connection_that_ends_in_the_middle_is_an_error(world, server, end, sent):
    frames = {
        "nothing": b"",
        "a head": wire.headers(1, wire.OK),
        "a part of a frame": wire.headers(1, wire.OK) + wire.data(1, b"x" * 100)[:50],
        "some content": wire.headers(1, wire.OK) + wire.data(1, b"some"),
    }[sent]
    one = server([begin(), expect_head(1), send(frames), wait_read(), end()])
    async with world.client(**PLAIN) as client:
        with pytest.raises((httpstream.RemoteProtocolError, httpstream.ReadError)) as caught:
            await client.get(one.url)
        # A reset that a send has met (of an acknowledgement, say) is an end for whoever receives.
        assert end is not cut or type(caught.value) is httpstream.RemoteProtocolError
        await check_next_request(client, one, 2)


async def test_good_content_in_front_of_an_error_is_handed_over(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"good") + wire.frame(wire.PING, 0, 0, b"bad")),
        expect_goodbye(),
    ]
    one = server(script)
    got = b""
    async with world.client(**PLAIN) as client:
        with pytest.raises(httpstream.RemoteProtocolError):
            async with client.stream("GET", one.url) as answer:
                async for piece in answer.iter("bytes", chunk_size=100):
                    got += piece
        await check_next_request(client, one, 2)
    assert got == b"good"


async def test_the_end_of_a_connection_is_an_error_for_each_of_its_streams(world, server):
    script = [begin(), *(expect_head(number) for number in range(1, 21, 2)), reset()]
    one = server(script)
    async with world.client(**PLAIN) as client:

        async def get():
            return await fails(client, httpstream.ReadError, "GET", one.url + "/")

        errors = await together(world, [get] * 10)
        assert len(set(map(id, errors))) == 10
        await check_next_request(client, one, 2)


# GOAWAY


async def test_goaway_lets_the_streams_that_it_names_come_to_their_end(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"first ") + wire.goaway(1)),
        wait_for("second"),
        send(wire.data(1, b"last", end=True)),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        async with client.stream("GET", one.url) as answer:
            pieces = answer.iter("bytes")
            assert await pieces.__anext__() == b"first "
            await check_next_request(client, one, 2)
            one.gate("second").set()
            assert await pieces.__anext__() == b"last"
        await check_next_request(client, one, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_goaway_says_was_not_processed_is_sent_again_elsewhere(world, server, method):
    content = [expect_content(1, b"content")] if method == "POST" else []
    script = [begin(), expect_head(1, method), *content, send(wire.goaway(0)), expect_goodbye()]
    one = server(script)
    async with world.client(**PLAIN) as client:
        response = await client.request(
            method, one.url + "/a", content=b"content" if method == "POST" else b""
        )
        assert response.text == f"{method} /a" + ("content" if method == "POST" else "")
        await check_next_request(client, one, 2)


async def test_content_that_cannot_be_sent_again_is_not(world, server):
    script = [begin(), expect_head(1), expect_content(1, b"content"), send(wire.goaway(0)), expect_goodbye()]
    one = server(script)
    async with world.client(**PLAIN) as client:
        await fails(
            client,
            httpstream.RemoteProtocolError,
            "POST",
            one.url + "/",
            content=world.pieces([b"content"]),
        )
        await check_next_request(client, one, 2)


async def test_what_may_have_been_processed_is_not_sent_again(world, server):
    script = [begin(), expect_head(1), send(wire.goaway(1, wire.INTERNAL_ERROR, b"oops")), cut()]
    one = server(script)
    async with world.client(**PLAIN) as client:
        error = await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        assert "INTERNAL_ERROR" in str(error)
        assert "oops" in str(error)
        await check_next_request(client, one, 2)


async def test_goaway_on_all_connections_comes_to_an_end(world, server):
    script = [begin(), expect_head(1), send(wire.goaway(0)), expect_goodbye()]
    one = server(*[script] * 6)
    async with world.client(**PLAIN) as client:
        await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        await check_next_request(client, one, 7)


# Resets


@pytest.mark.parametrize("code", CODES)
async def test_a_reset_before_the_head_is_an_error_and_the_connection_goes_on(world, server, code):
    script = [begin(), expect_head(1), send(wire.rst_stream(1, code)), *NEXT_ON_THE_SAME]
    if code == wire.REFUSED_STREAM:  # the one that says that nothing was done: the request goes out again
        script = [
            begin(),
            expect_head(1),
            send(wire.rst_stream(1, code)),
            expect_head(3, "GET /"),
            reply(3, b"again"),
            expect_goodbye(),
        ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        if code == wire.REFUSED_STREAM:
            assert (await client.get(one.url + "/")).text == "again"
            return
        await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        await check_next_request(client, one, 1)


@pytest.mark.parametrize("code", CODES)
async def test_a_reset_in_the_content_is_an_error_behind_what_has_come(world, server, code):
    frames = wire.headers(1, wire.OK) + wire.data(1, b"some") + wire.rst_stream(1, code)
    one = server([begin(), expect_head(1), send(frames), *NEXT_ON_THE_SAME])
    got = b""
    async with world.client(**PLAIN) as client:
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            async with client.stream("GET", one.url + "/") as answer:
                async for piece in answer.iter("bytes", chunk_size=100):
                    got += piece
        assert got == b"some"
        assert str(caught.value.request.url) == one.url + "/"
        await check_next_request(client, one, 1)


async def test_a_server_that_always_refuses_is_left_alone_after_some_time(world, server):
    script = [begin()]
    for number in range(1, 13, 2):
        script += [expect_head(number), send(wire.rst_stream(number, wire.REFUSED_STREAM))]
    one = server([*script, expect_head(13), reply(13, b"GET /next"), expect_goodbye()])
    async with world.client(**PLAIN) as client:
        error = await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        assert "REFUSED_STREAM" in str(error)
        await check_next_request(client, one, 1)


async def test_a_reset_of_an_upload_stops_it(world, server):
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        send(wire.rst_stream(1, wire.CANCEL)),
        *NEXT_ON_THE_SAME,
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        await fails(client, httpstream.RemoteProtocolError, "POST", one.url + "/", content=b"x" * 1_000_000)
        await check_next_request(client, one, 1)


# What breaks the rules

BROKEN = {
    "a short ping": wire.frame(wire.PING, 0, 0, b"short"),
    "a frame that is too long": wire.frame(wire.DATA, 0, 1, bytes(20_000)),
    "content on a stream that was never opened": wire.data(9, b"x"),
    "a field section that cannot be read": wire.frame(wire.HEADERS, wire.END_HEADERS, 1, b"\xff" * 8),
    "another frame inside a field section": wire.frame(wire.HEADERS, 0, 1, b"\x88") + wire.data(1, b"x"),
    "HTTP/1.1": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "a bomb": wire.frame(
        wire.HEADERS,
        wire.END_HEADERS,
        1,
        b"\x88\x40\x01x\x7f\x81\x1e" + b"v" * 3968 + b"\xbe" * 8000,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_breaks_the_connection_is_an_error_and_the_next_one_works(world, server, name):
    one = server([begin(), expect_head(1), send(BROKEN[name]), ignore_until_end()])
    async with world.client(**PLAIN) as client:
        await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        await check_next_request(client, one, 2)


MALFORMED = {
    "no status": wire.headers(1, [(b"x", b"y")], end=True),
    "a line end in a value": wire.headers(1, [*wire.OK, (b"x", b"a\r\nset-cookie: b=c")], end=True),
    "too little content": wire.headers(1, [*wire.OK, (b"content-length", b"9")])
    + wire.data(1, b"x", end=True),
    "content before the head": wire.data(1, b"x"),
    "too many fields": wire.headers(1, [*wire.OK, *[(b"x", b"y")] * 2000], end=True),
    "a head that is too long": wire.headers(1, [*wire.OK, *[(b"x", b"y" * 30_000)] * 9], end=True),
    "too many informational responses": wire.headers(1, [(b":status", b"103")]) * 200,
}


def pass_over_resets():
    """Read the head of the next request; for what came behind its reset, a stream may have been reset again."""

    @named("pass_over_resets")
    def step(peer):
        while (frame := read_frame(peer))[0] != wire.HEADERS:
            assert frame[0] == wire.RST_STREAM or frame[0] in PASSED_OVER, frame

    return step


@pytest.mark.parametrize("name", MALFORMED)
async def test_what_breaks_a_response_is_an_error_and_the_connection_goes_on(world, server, name):
    has_ended = any(flags & wire.END_STREAM for _, flags, _, _ in wire.frames_of(MALFORMED[name]))
    code = wire.ENHANCE_YOUR_CALM if "informational" in name else wire.PROTOCOL_ERROR
    resets = [] if has_ended else [expect_reset(1, code)]
    one = server(
        [
            begin(),
            expect_head(1),
            send(MALFORMED[name]),
            *resets,
            pass_over_resets(),
            *NEXT_ON_THE_SAME[1:],
        ]
    )
    async with world.client(**PLAIN) as client:
        await fails(client, httpstream.RemoteProtocolError, "GET", one.url + "/")
        await check_next_request(client, one, 1)


@pytest.mark.slow
async def test_a_flood_of_pings_from_a_server_that_reads_nothing_is_ended(world, server):
    ping = wire.frame(wire.PING, 0, 0, b"12345678")
    one = server([begin(), expect_head(1), send_until_stopped(ping * 1000, 1 << 28)])
    async with world.client(timeout=20.0, **PLAIN) as client:
        with pytest.raises((httpstream.RemoteProtocolError, httpstream.ReadError)):
            await client.get(one.url + "/")
        await check_next_request(client, one, 2)


# Settings


async def test_settings_that_change_in_the_middle_are_kept_to(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.settings(header_table_size=0, max_frame_size=32768, initial_window_size=40_000)),
        reply(1, b"one"),
        expect_head(3),
        take_content(3, 40_000),
        send(wire.settings(initial_window_size=50_000)),
        take_content(3, 10_000),
        send(wire.window_update(3, 100_000) + wire.window_update(0, 100_000)),
        expect_content(3, b"x" * 50_000),
        reply(3, b"two"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        assert (await client.get(one.url)).text == "one"
        assert (await client.post(one.url, content=b"x" * 100_000)).text == "two"
    assert max(len(frame[3]) for frame in one.peer(0).session.frames) == 32768


async def test_a_window_that_shrinks_below_nothing_is_waited_for(world, server):
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        send(
            wire.settings(initial_window_size=0)
            + wire.window_update(0, 100_000)
            + wire.window_update(1, 65_000)
        ),
        expect_pause(0.05),
        send(wire.window_update(1, 10_535)),
        take_content(1, 10_000),
        send(wire.window_update(1, 100_000)),
        expect_content(1, b"x" * 4465),
        reply(1, b"ok"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        assert (await client.post(one.url, content=b"x" * 80_000)).text == "ok"


async def test_fewer_streams_than_requests_make_them_wait_or_take_another_connection(world, server):
    def script():
        return [begin(max_concurrent_streams=1), *one_by_one(5), expect_goodbye()]

    def one_by_one(count):
        steps = []
        for number in range(1, 2 * count, 2):
            steps += [expect_head(number), expect_pause(0.01), reply(number, b"ok")]
        return steps

    one = server(script())
    limits = httpstream.Limits(max_connections=1)
    async with world.client(limits=limits, timeout=20.0, **PLAIN) as client:

        async def get():
            return (await client.get(one.url)).text

        assert await together(world, [get] * 5) == ["ok"] * 5
