"""Proxies that fail: every step of a CONNECT, limits, time, cancels. Nothing ever goes around a proxy."""

from __future__ import annotations

import time

import anyio
import pytest

import httpstream
from httpstream import (
    ConnectError,
    ConnectTimeout,
    MessageLimits,
    Proxy,
    ProxyError,
    ReadError,
    RemoteProtocolError,
    Timeout,
)
from tests.proxied import (
    CREDENTIALS,
    ESTABLISHED,
    HTTP,
    HTTPS,
    SECRETS,
    client_through,
    fails,
    proxy_url,
    socks,
    tunnel,
    works,
)
from tests.servers.proxies import free_port
from tests.servers.relay import tls_relay
from tests.servers.steps import (
    expect_end,
    expect_request,
    fin,
    reset,
    send,
    send_in_pieces,
    send_until_stopped,
    serve,
    start_tls,
)

CONNECT = expect_request("CONNECT origin.test:443 HTTP/1.1\r\n")
SHORT = Timeout(10.0, connect=0.1)


@pytest.mark.parametrize(
    "status",
    [
        "100 Continue\r\n\r\nHTTP/1.1 403 Forbidden",
        "300 Multiple Choices",
        "302 Found\r\nLocation: https://origin.test/",
        "403 Forbidden",
        "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic",
        "500 Internal Server Error",
        "502 ",
        "599 \xe4\xf6",
    ],
)
async def test_an_answer_that_is_no_success_is_a_proxy_error(world, fault_server, authority, status):
    """With status and reason. Its content is nobody's answer, and the connection is not used again."""
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nhello".encode("latin-1")
    proxy = fault_server([CONNECT, send(answer), expect_end()], tunnel(authority))
    final = status.rpartition("HTTP/1.1 ")[2].partition("\r\n")[0]
    async with client_through(world, proxy_url(proxy, credentials=CREDENTIALS), authority) as client:
        error = await fails(client, HTTPS, ProxyError, f": {final.encode('ascii', 'ignore').decode()}$")
        assert f"through the proxy http://127.0.0.1:{proxy.port}" in str(error)
        await works(client, HTTPS)


@pytest.mark.parametrize(
    "answer",
    [
        b"hello",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tls\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x03\x00\x05hello",
    ],
)
async def test_an_answer_that_is_no_http_is_a_protocol_error(world, fault_server, authority, answer):
    proxy = fault_server([CONNECT, send(answer), fin(), expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy, credentials=CREDENTIALS), authority) as client:
        error = await fails(client, HTTPS, RemoteProtocolError)
        assert f"127.0.0.1:{proxy.port}" in str(error)
        await works(client, HTTPS)


@pytest.mark.parametrize("early", [b"x", b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_clear_text_behind_the_answer_never_gets_into_the_tls_stream(
    world, fault_server, authority, early
):
    proxy = fault_server([CONNECT, send(ESTABLISHED + early), expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ProxyError, "bytes arrived before the TLS handshake")
        await works(client, HTTPS)


PARTS = {
    "nothing": b"",
    "a status line": b"HTTP/1.1 200 OK\r\n",
    "only a 1xx": b"HTTP/1.1 102 Processing\r\n\r\n",
}


@pytest.mark.parametrize("part", PARTS)
async def test_an_end_in_the_answer_is_a_protocol_error(world, fault_server, authority, part):
    proxy = fault_server([CONNECT, send(PARTS[part]), fin(), expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, RemoteProtocolError, "closed")
        await works(client, HTTPS)


@pytest.mark.parametrize("part", PARTS)
async def test_a_reset_in_the_answer_is_a_read_error(world, fault_server, authority, part):
    proxy = fault_server([CONNECT, send(PARTS[part]), reset()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ReadError)
        await works(client, HTTPS)


@pytest.mark.parametrize("part", PARTS)
async def test_silence_in_the_answer_is_a_connect_timeout(world, fault_server, authority, part):
    """Whatever the read timeout: nothing of the request has been sent."""
    proxy = fault_server([CONNECT, send(PARTS[part]), expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ConnectTimeout, "no tunnel to https://origin.test", timeout=SHORT)
        await works(client, HTTPS)


async def test_informational_responses_do_not_move_the_deadline(world, fault_server, authority):
    processing = b"HTTP/1.1 102 Processing\r\n\r\n"
    proxy = fault_server([CONNECT, send_slowly(processing, 0.02)], tunnel(authority))
    started = time.monotonic()
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ConnectTimeout, timeout=SHORT)
        assert time.monotonic() - started < 2.0
        await works(client, HTTPS)


def send_slowly(piece, pause):
    """Send the piece again and again, until the client leaves."""

    def step(peer):
        peer.sock.settimeout(pause)
        while True:
            try:
                if not peer.sock.recv(100):
                    return
            except TimeoutError:
                pass
            except ConnectionError:
                return
            peer.sock.sendall(piece)

    return step


async def test_the_handshake_in_the_tunnel_has_what_is_left_of_the_time(world, fault_server, authority):
    """One deadline for the whole of it: connect, CONNECT, TLS."""
    proxy = fault_server([CONNECT, send(ESTABLISHED), expect_tls_greeting, expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ConnectTimeout, "TLS handshake with https://origin.test", timeout=SHORT)
        await works(client, HTTPS)


def expect_tls_greeting(peer):
    """Read the first record of a TLS client, and answer nothing."""
    head = peer.take(5)
    assert head[:2] == b"\x16\x03", head
    peer.take(int.from_bytes(head[3:], "big"))


@pytest.mark.parametrize("end", [fin, reset])
async def test_an_end_in_the_handshake_in_the_tunnel_is_a_connect_error(world, fault_server, authority, end):
    proxy = fault_server(
        [CONNECT, send(ESTABLISHED), expect_tls_greeting, end()], tunnel(authority), strict=False
    )
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, ConnectError, "TLS handshake with https://origin.test")
        await works(client, HTTPS)


@pytest.mark.parametrize(
    "limits, answer",
    [
        (MessageLimits(max_status_line_bytes=100), b"HTTP/1.1 200 " + b"x" * 100),
        (MessageLimits(max_field_line_bytes=100), b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100),
        (MessageLimits(max_head_bytes=200), b"HTTP/1.1 200 OK\r\n" + b"A: %b\r\n" % (b"x" * 50) * 5),
        (MessageLimits(max_fields=3), b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 4),
        (MessageLimits(max_informational=3), b"HTTP/1.1 102 Processing\r\n\r\n" * 4),
    ],
)
async def test_the_answer_has_the_limits_of_every_head(world, fault_server, authority, limits, answer):
    proxy = fault_server([CONNECT, send(answer + b"\r\n\r\n"), expect_end()], tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority, message_limits=limits) as client:
        await fails(client, HTTPS, RemoteProtocolError, "max_")
        await works(client, HTTPS)


async def test_a_head_without_end_is_not_read_for_ever(world, fault_server, authority):
    script = [CONNECT, send(b"HTTP/1.1 200 OK\r\n"), send_until_stopped(b"A: b\r\n" * 1000, 64 * 1024 * 1024)]
    proxy = fault_server(script, tunnel(authority), strict=False)
    async with client_through(world, proxy_url(proxy), authority) as client:
        await fails(client, HTTPS, RemoteProtocolError, "max_")
        await works(client, HTTPS)
    assert not proxy.failures


async def test_an_answer_in_pieces_is_an_answer(world, fault_server, authority):
    pieces = (bytes([byte]) for byte in b"HTTP/1.1 102 P\r\n\r\n" + ESTABLISHED)
    proxy = fault_server([CONNECT, send_in_pieces(*pieces), *tunnel(authority)[2:]])
    async with client_through(world, proxy_url(proxy), authority) as client:
        await works(client, HTTPS)


@pytest.mark.parametrize("ending", [fin, reset])
async def test_a_tunnel_that_ended_while_idle_is_replaced(world, fault_server, authority, ending):
    first = [*tunnel(authority)[:3], serve(at_most=2), ending()]
    proxy = fault_server(first, tunnel(authority))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await works(client, HTTPS)
        proxy.peer(0).done.wait(5)
        await works(client, HTTPS)


# Nothing goes around a proxy.


@pytest.mark.parametrize("layer", ["plain", "tls"], indirect=True)
@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
async def test_a_proxy_that_is_not_there_is_a_connect_error(world, fault_server, layer, authority, scheme):
    origin = fault_server(strict=False, **layer.server)
    settings = Proxy(f"{scheme}://{CREDENTIALS}127.0.0.1:{free_port()}")
    async with client_through(world, settings, **layer.client) as client:
        await fails(client, origin.url + "/a", ConnectError, "cannot connect to .*127.0.0.1:")
    assert not origin.peers


async def test_a_proxy_whose_name_is_none_is_a_connect_error(world, fault_server):
    origin = fault_server(strict=False)
    async with client_through(world, "http://proxy.invalid:3128") as client:
        await fails(client, origin.url + "/a", ConnectError, "proxy.invalid")
    assert not origin.peers


FAULTS = {
    "end": [fin(), expect_end()],
    "reset": [reset()],
    "garbage": [send(b"garbage\r\n\r\n"), fin(), expect_end()],
    "refusal": [send(b"HTTP/1.1 403 Forbidden\r\n\r\n"), expect_end()],
    "silence": [expect_end()],
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_when_a_tunnel_fails_the_origin_is_left_alone(world, fault_server, authority, fault):
    origin = fault_server(tls=authority.server_context(), strict=False)
    proxy = fault_server([expect_request("CONNECT"), *FAULTS[fault]])
    async with client_through(world, proxy_url(proxy), authority) as client:
        with pytest.raises(httpstream.TransportError):
            await client.get(origin.url + "/a", timeout=SHORT)
    assert not origin.peers


# Cancels, places, logs.


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("stage", ["connect", "tls", "socks"])
async def test_a_cancelled_tunnel_gives_its_place_back(world, fault_server, authority, stage):
    scripts = {
        "connect": [CONNECT, expect_end()],
        "tls": [CONNECT, send(ESTABLISHED), expect_tls_greeting, expect_end()],
        "socks": [*socks(port=443)[:3], expect_end()],
    }
    good = tunnel(authority)
    if stage == "socks":
        good = [*socks(port=443), start_tls(authority.server_context("origin.test")), serve()]
    proxy = fault_server(scripts[stage], good)
    address = proxy_url(proxy, "socks5" if stage == "socks" else "http")
    limits = httpstream.Limits(max_connections=1)
    async with client_through(world, address, authority, limits=limits) as client:
        with anyio.move_on_after(0.05) as scope:
            await client.get(HTTPS, timeout=None)
        assert scope.cancelled_caught
        await works(client, HTTPS)


@pytest.mark.flavours("sync", "asyncio")
async def test_failed_tunnels_hold_no_place(world, fault_server, authority):
    refusal = [CONNECT, send(b"HTTP/1.1 503 Busy\r\n\r\n"), expect_end()]
    proxy = fault_server(*[refusal] * 5, tunnel(authority))
    limits = httpstream.Limits(max_connections=1)
    async with client_through(world, proxy_url(proxy), authority, limits=limits) as client:
        for _ in range(5):
            await fails(client, HTTPS, ProxyError, "503 Busy")
        await works(client, HTTPS)


@pytest.mark.flavours("sync", "asyncio")
async def test_no_log_line_shows_a_credential(world, fault_server, authority, caplog):
    caplog.set_level("DEBUG")
    proxy = fault_server(tunnel(authority), [serve()])
    async with client_through(world, proxy_url(proxy, credentials=CREDENTIALS), authority) as client:
        await works(client, HTTPS)
        await works(client, HTTP)
    with tls_relay(authority.server_context(), proxy.port) as relay:
        settings = Proxy(
            f"https://{CREDENTIALS}127.0.0.1:{relay.port}", ssl_context=authority.client_context()
        )
        async with client_through(world, settings, authority) as client:
            await works(client, HTTP)
    locked = fault_server(strict=False)
    async with client_through(world, proxy_url(locked, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ConnectTimeout, timeout=SHORT)
    assert "send_request_headers" in caplog.text and "setup_socks5_connection" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)
