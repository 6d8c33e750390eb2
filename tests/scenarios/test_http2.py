"""HTTP/2 as it stands on the wire: what a request becomes, what a response brings, how uploads go (RFC 9113)."""

from __future__ import annotations

import pytest

import httpstream
from tests import http2_frames as wire
from tests.servers.http2 import (
    begin,
    expect_content,
    expect_frame,
    expect_goodbye,
    expect_head,
    expect_pause,
    expect_reset,
    reply,
    serve_http2,
    take_content,
)
from tests.servers.steps import announce, send, wait_for, wait_read

PLAIN = {"http1": False, "http2": True}
"""Of a client that speaks nothing else: then it needs no TLS."""


@pytest.fixture
def server(fault_server):
    return lambda *scripts, **options: fault_server(*scripts, **{"then": [serve_http2()], **options})


async def check_next_request(client, server):
    response = await client.get(server.url + "/next")
    assert (response.http_version, response.text) == ("HTTP/2", "GET /next")


# The request


async def test_a_request_becomes_pseudo_header_fields_and_lower_case_names(world, server):
    asked = expect_head(
        1,
        "POST /path?a=%20b",
        without=("host", "connection", "keep-alive", "upgrade", "x-hop", "transfer-encoding"),
        x_own_name="Value",
        cookie="a=1; b=2",
        te="trailers",
        content_length="5",
    )
    one = server([begin(), asked, expect_content(1, b"hello"), reply(1, b"ok"), expect_goodbye()])
    headers = [
        ("X-Own-Name", "Value"),
        ("Connection", "keep-alive, X-Hop"),
        ("Keep-Alive", "timeout=5"),
        ("Upgrade", "h2c"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
        ("Cookie", "a=1; b=2"),
    ]
    async with world.client(**PLAIN) as client:
        response = await client.post(one.url + "/path?a= b", headers=headers, content=b"hello")
    assert response.text == "ok"
    head = one.peer(0).session.heads[1]
    assert list(head)[:4] == [":method", ":authority", ":scheme", ":path"]
    assert head[":authority"] == f"127.0.0.1:{one.port}"
    assert head[":scheme"] == "http"


async def test_the_host_field_becomes_the_authority(world, server):
    one = server([begin(), expect_head(1, "GET /"), reply(1, b"ok")])
    async with world.client(**PLAIN) as client:
        await client.get(one.url, headers={"Host": "example.org"})
    assert one.peer(0).session.heads[1][":authority"] == "example.org"


async def test_secrets_stay_out_of_the_compression_state(world, server):
    """A literal that is never indexed begins with 0001, RFC 7541 section 6.2.3; after it nobody can refer to it."""
    script = [begin(), expect_head(1), reply(1), expect_head(3), reply(3)]
    one = server(script)
    async with world.client(**PLAIN) as client:
        for _ in range(2):
            await client.get(one.url, headers={"Authorization": "Bearer secret", "X-Known": "v" * 50})
    first, second = [frame[3] for frame in one.peer(0).session.frames if frame[0] == wire.HEADERS]
    assert len(second) < len(first)
    assert one.peer(0).session.heads[3]["authorization"] == "Bearer secret"
    table = {name for name, _ in one.peer(0).session.decoder.header_table.dynamic_entries}
    assert b"x-known" in table
    assert b"authorization" not in table


@pytest.mark.parametrize(
    ("method", "headers", "extensions"),
    [
        ("GET /", {}, {}),
        ("GET", {"X": "a\r\nb: c"}, {}),
        ("GET", {"X\r\nY": "a"}, {}),
        ("GET", {":path": "/other"}, {}),
        ("GET", {"TE": "gzip"}, {}),
        ("GET", {"Content-Length": "+1"}, {}),
        ("GET", {}, {"target": b"/a b"}),
        ("GET", {}, {"target": b"/a\r\nb"}),
    ],
)
async def test_what_would_not_stand_on_the_wire_is_not_sent(world, server, method, headers, extensions):
    one = server(then=[serve_http2()])
    async with world.client(**PLAIN) as client:
        await check_next_request(client, one)
        with pytest.raises(httpstream.LocalProtocolError) as caught:
            await client.request(method, one.url, headers=headers, extensions=extensions)
        assert caught.value.request.method == method
        await check_next_request(client, one)
    assert len(one.peers) == 1
    assert len(one.peer(0).session.heads) == 2


async def test_the_target_extension_is_the_path(world, server):
    one = server([begin(), expect_head(1, "OPTIONS *"), reply(1, b"ok")])
    async with world.client(**PLAIN) as client:
        response = await client.request("OPTIONS", one.url, extensions={"target": b"*"})
    assert response.text == "ok"


# The response


async def test_a_response_over_tls_is_negotiated(world, server, authority):
    context = authority.server_context(fresh=True)
    context.set_alpn_protocols(["h2", "http/1.1"])
    one = server(tls=context)
    async with world.client(http2=True, verify=authority.client_context()) as client:
        await check_next_request(client, one)
        response = await client.get(one.url + "/a")
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "h2"
    assert response.extensions["http_version"] == b"HTTP/2"
    assert response.extensions["stream_id"] == 3
    assert "reason_phrase" not in response.extensions
    assert one.peer(0).wait_end() == "cut"
    assert one.peer(0).session.frames[-1][0] == wire.GOAWAY


async def test_trailers_are_in_the_extensions(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"abc") + wire.headers(1, [(b"x-sum", b"9")], end=True)),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        response = await client.get(one.url)
    assert response.content == b"abc"
    assert response.extensions["trailers"] == [(b"x-sum", b"9")]


async def test_informational_responses_are_told(world, server):
    script = [
        begin(),
        expect_head(1),
        send(
            wire.headers(1, [(b":status", b"103"), (b"link", b"<a>")])
            + wire.headers(1, [(b":status", b"102")])
        ),
        reply(1, b"ok"),
        expect_goodbye(),
    ]
    one = server(script)
    told = []

    def tell(status, fields):
        told.append((status, fields))

    async def tell_async(status, fields):
        tell(status, fields)

    async with world.client(**PLAIN) as client:
        hook = tell_async if world.is_async else tell
        response = await client.get(one.url, extensions={"informational": hook})
    assert response.text == "ok"
    assert told == [(103, [(b"link", b"<a>")]), (102, [])]


async def test_a_ping_is_answered_while_a_response_is_awaited(world, server):
    script = [
        begin(),
        expect_head(1),
        send(wire.frame(wire.PING, 0, 0, b"12345678")),
        expect_frame(wire.PING, 0, b"12345678"),
        reply(1, b"ok"),
        expect_goodbye(),
    ]
    async with world.client(**PLAIN) as client:
        assert (await client.get(server(script).url)).text == "ok"


async def test_what_comes_while_the_connection_is_idle_is_taken_into_account(world, server):
    script = [
        begin(),
        expect_head(1),
        reply(1, b"one"),
        wait_for("idle"),
        send(
            wire.settings(initial_window_size=10)
            + wire.frame(wire.PING, 0, 0, b"12345678")
            + wire.window_update(0, 100)
        ),
        announce("sent"),
        expect_frame(wire.PING, 0, b"12345678"),
        expect_head(3),
        take_content(3, 10),
        expect_pause(0.05),
        send(wire.window_update(3, 10)),
        take_content(3, 10),
        reply(3, b"two"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        assert (await client.get(one.url)).text == "one"
        one.gate("idle").set()
        one.gate("sent").wait(5)
        await world.sleep(0.05)
        assert (await client.post(one.url, content=b"x" * 20)).text == "two"


async def test_an_idle_connection_that_ended_is_replaced(world, server):
    for end in (wire.goaway(1), b""):
        script = [begin(), expect_head(1), reply(1, b"one"), wait_for("idle"), send(end), announce("sent")]
        one = server(script)
        async with world.client(**PLAIN) as client:
            assert (await client.get(one.url)).text == "one"
            one.gate("idle").set()
            one.gate("sent").wait(5)
            await world.sleep(0.05)
            await check_next_request(client, one)
        assert len(one.peers) == 2


# Uploads


async def test_uploads_of_any_kind_arrive_with_their_length(world, server):
    one = server(then=[serve_http2()])
    parts = [b"ab", b"", b"c" * 100_000]
    async with world.client(**PLAIN) as client:
        whole = await client.post(one.url + "/a", content=b"".join(parts))
        pieces = await client.post(one.url + "/b", content=world.pieces(parts))
        known = await client.post(
            one.url + "/c", content=world.pieces(parts), headers={"Content-Length": "100002"}
        )
        none = await client.post(one.url + "/d", content=b"")
    assert whole.content == b"POST /a" + b"".join(parts)
    assert pieces.content == b"POST /b" + b"".join(parts)
    assert known.content == b"POST /c" + b"".join(parts)
    assert none.content == b"POST /d"
    heads = one.peer(0).session.heads
    assert heads[1]["content-length"] == heads[5]["content-length"] == "100002"
    assert "content-length" not in heads[3]


@pytest.mark.parametrize(("length", "parts"), [("4", [b"abc", b"de"]), ("6", [b"abc", b"de"]), ("0", [b"a"])])
async def test_content_that_does_not_keep_to_its_length_is_an_aborted_upload(world, server, length, parts):
    script = [begin(), expect_head(1), expect_reset(1), expect_head(3), reply(3, b"next"), expect_goodbye()]
    one = server(script)
    async with world.client(**PLAIN) as client:
        with pytest.raises(httpstream.LocalProtocolError):
            await client.post(one.url, content=world.pieces(parts), headers={"Content-Length": length})
        assert (await client.get(one.url)).text == "next"


async def test_an_upload_whose_source_fails_is_aborted(world, server):
    script = [begin(), expect_head(1), expect_reset(1), expect_head(3), reply(3, b"next"), expect_goodbye()]
    one = server(script)
    async with world.client(**PLAIN) as client:
        with pytest.raises(ZeroDivisionError):
            await client.post(one.url, content=world.pieces([b"abc", ZeroDivisionError()]))
        assert (await client.get(one.url)).text == "next"


async def test_an_upload_waits_for_the_window(world, server):
    script = [
        begin(initial_window_size=5),
        expect_head(1),
        reply(1, b"one"),
        expect_head(3),
        take_content(3, 5),
        expect_pause(0.05),
        send(wire.window_update(3, 2)),
        take_content(3, 2),
        expect_pause(0.05),
        send(wire.window_update(3, 100)),
        expect_content(3, b"789"),
        reply(3, b"two"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        assert (await client.get(one.url)).text == "one"  # the settings have come by now
        assert (await client.post(one.url, content=b"0123456789")).text == "two"


async def test_an_answer_that_is_complete_stops_the_upload(world, server):
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        reply(1, b"too much", status=413),
        expect_reset(1),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        response = await client.post(one.url, content=b"x" * 1_000_000)
        assert (response.status_code, response.text) == (413, "too much")
        assert (await client.get(one.url)).text == "next"


async def test_an_answer_that_is_followed_by_a_reset_counts(world, server):
    """RFC 9113 section 8.1: a server may ask for the rest not to be sent, and the response is kept."""
    script = [
        begin(),
        expect_head(1),
        take_content(1, 65535),
        send(
            wire.headers(1, [(b":status", b"401")])
            + wire.data(1, b"who", end=True)
            + wire.rst_stream(1, wire.NO_ERROR)
        ),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        response = await client.post(one.url, content=b"x" * 1_000_000)
        assert (response.status_code, response.text) == (401, "who")
        assert (await client.get(one.url)).text == "next"


async def test_an_answer_that_has_begun_does_not_stop_the_upload(world, server):
    """Its content may depend on the rest: an echo."""
    script = [
        begin(),
        expect_head(1),
        send(wire.headers(1, wire.OK) + wire.data(1, b"first ")),
        expect_content(1, b"x" * 200_000),
        send(wire.data(1, b"last", end=True)),
        expect_goodbye(),
    ]
    async with world.client(**PLAIN) as client:
        response = await client.post(server(script).url, content=world.pieces([b"x" * 100_000] * 2))
    assert response.text == "first last"


async def test_an_upload_that_expects_100_continue_is_not_sent_when_the_answer_comes_instead(world, server):
    script = [
        begin(),
        expect_head(1, expect="100-continue"),
        send(wire.headers(1, [(b":status", b"417")]) + wire.data(1, b"no")),
        wait_read(),
        expect_pause(0.05),
        send(wire.data(1, b"thing", end=True)),
        expect_reset(1),
        expect_head(3),
        reply(3, b"next"),
        expect_goodbye(),
    ]
    one = server(script)
    async with world.client(**PLAIN) as client:
        response = await client.post(one.url, content=b"hello", headers={"Expect": "100-continue"})
        assert (response.status_code, response.text) == (417, "nothing")
        assert (await client.get(one.url)).text == "next"


async def test_an_upload_that_expects_100_continue_waits_for_it(world, server):
    script = [
        begin(),
        expect_head(1, expect="100-continue"),
        expect_pause(0.05),
        send(wire.headers(1, [(b":status", b"100")])),
        expect_content(1, b"hello"),
        reply(1, b"ok"),
        expect_goodbye(),
    ]
    async with world.client(**PLAIN) as client:
        response = await client.post(server(script).url, content=b"hello", headers={"Expect": "100-continue"})
    assert response.text == "ok"
