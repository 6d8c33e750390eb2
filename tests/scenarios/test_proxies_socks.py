"""Through a SOCKS5 proxy: RFC 1928 and RFC 1929 byte by byte, and what each of its refusals becomes."""

from __future__ import annotations

import sys

import pytest

import httpstream
from httpstream import ConnectTimeout, LocalProtocolError, Proxy, ProxyError, ReadError
from tests.proxied import CREDENTIALS, HTTP, HTTPS, client_through, fails, proxy_url, socks, works
from tests.servers.steps import (
    expect_content,
    expect_end,
    fin,
    reset,
    send,
    send_in_pieces,
    serve,
    start_tls,
)

GREETING = [expect_content(b"\5\1\0"), send(b"\5\0")]
LOCKED_GREETING = [expect_content(b"\5\1\2"), send(b"\5\2")]
LOGIN = expect_content(b"\1\7aladdin\x0bopen sesame")
REQUEST = b"\5\1\0\3\x0borigin.test\0\x50"  # origin.test:80
REPLY = b"\5\0\0\1\x7f\0\0\1\x04\x38"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_name_goes_to_the_proxy_as_it_is(world, fault_server, scheme):
    proxy = fault_server([*GREETING, expect_content(REQUEST), send(REPLY), serve()])
    async with client_through(world, proxy_url(proxy, scheme)) as client:
        await works(client, HTTP)


@pytest.mark.parametrize(
    "host, address",
    [
        ("192.0.2.7", b"\1\xc0\0\2\7"),
        ("[2001:db8::7]", b"\4\x20\x01\x0d\xb8" + bytes(11) + b"\7"),
        ("xn--bcher-kva.test", b"\3\x12xn--bcher-kva.test"),
        ("bücher.test", b"\3\x12xn--bcher-kva.test"),
    ],
)
async def test_an_address_goes_as_an_address(world, fault_server, host, address):
    proxy = fault_server([*GREETING, expect_content(b"\5\1\0" + address + b"\x1f\x90"), send(REPLY), serve()])
    async with client_through(world, proxy_url(proxy, "socks5")) as client:
        await works(client, f"http://{host}:8080")


async def test_the_credentials_are_shown_to_the_proxy_alone(world, fault_server):
    script = [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(REPLY), serve()]
    proxy = fault_server(script)
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await works(client, HTTP)
    inside = proxy.received[0].partition(REQUEST)[2]
    assert inside.startswith(b"GET /next HTTP/1.1\r\nHost: origin.test\r\n")
    assert b"proxy" not in inside.lower()


async def test_headers_of_the_proxy_go_nowhere(world, fault_server):
    """SOCKS5 has none."""
    proxy = fault_server([*socks(), serve()])
    settings = Proxy(proxy_url(proxy, "socks5"), headers={"X-Proxy": "1"})
    async with client_through(world, settings) as client:
        await works(client, HTTP)
    assert b"X-Proxy" not in proxy.received[0]


async def test_tls_begins_behind_the_reply(world, fault_server, authority):
    context = authority.server_context("origin.test")
    proxy = fault_server([*socks(port=443), start_tls(context), serve()])
    async with client_through(world, proxy_url(proxy, "socks5h"), authority) as client:
        await works(client, HTTPS)
    assert len(proxy.peers) == 1


async def test_two_origins_have_two_connections(world, fault_server):
    proxy = fault_server([*socks(), serve()], [*socks(b"second.test"), serve()])
    async with client_through(world, proxy_url(proxy, "socks5")) as client:
        await works(client, HTTP)
        await works(client, "http://second.test")
        await works(client, HTTP)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what was read is known on Linux alone")
@pytest.mark.parametrize(
    "address",
    [b"\1\x7f\0\0\1", b"\4" + bytes(16), b"\3\x09proxy.own", b"\3\0"],
    ids=["v4", "v6", "name", "none"],
)
async def test_a_reply_may_come_byte_by_byte_and_has_any_address(world, fault_server, address):
    def pieces(reply):
        return send_in_pieces(*(bytes([byte]) for byte in reply))

    script = [
        expect_content(b"\5\1\2"),
        pieces(b"\5\2"),
        LOGIN,
        pieces(b"\1\0"),
        expect_content(REQUEST),
        pieces(b"\5\0\0" + address + b"\x04\x38"),
        serve(),
    ]
    proxy = fault_server(script)
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await works(client, HTTP)


# Refusals.


@pytest.mark.parametrize(
    "code, meaning",
    [
        (1, "general server failure"),
        (2, "connection not allowed by ruleset"),
        (3, "network unreachable"),
        (4, "host unreachable"),
        (5, "connection refused"),
        (6, "ttl expired"),
        (7, "command not supported"),
        (8, "address type not supported"),
        (9, "unassigned reply code 9"),
        (255, "unassigned reply code 255"),
    ],
)
async def test_a_refusal_says_why(world, fault_server, code, meaning):
    proxy = fault_server(
        [*GREETING, expect_content(REQUEST), send(bytes([5, code]) + REPLY[2:]), expect_end()],
        [*socks(), serve()],
    )
    async with client_through(world, proxy_url(proxy, "socks5")) as client:
        error = await fails(client, HTTP, ProxyError, meaning)
        assert "origin.test:80" in str(error)
        await works(client, HTTP)


@pytest.mark.parametrize("credentials", ["", CREDENTIALS])
@pytest.mark.parametrize("method", [b"\xff", b"\1", b"\0", b"\2", b"\x80"])
async def test_only_the_method_that_was_offered_will_do(world, fault_server, credentials, method):
    """With credentials an open proxy is refused too: who asks for protection does not get less."""
    offered = b"\2" if credentials else b"\0"
    if method == offered:
        method = b"\3"
    proxy = fault_server([expect_content(b"\5\1" + offered), send(b"\5" + method), expect_end()])
    async with client_through(world, proxy_url(proxy, "socks5", credentials)) as client:
        await fails(client, HTTP, ProxyError, "does not accept")


@pytest.mark.parametrize("status", [b"\1\1", b"\1\xff"])
async def test_wrong_credentials_are_a_proxy_error(world, fault_server, status):
    proxy = fault_server([*LOCKED_GREETING, LOGIN, send(status), expect_end()])
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ProxyError, "does not accept the username and password")


@pytest.mark.parametrize(
    "script",
    [
        [expect_content(b"\5\1\2"), send(b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        [expect_content(b"\5\1\2"), send(b"\4\2")],
        [*LOCKED_GREETING, LOGIN, send(b"\5\0")],
        [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(b"\4\0\0\1")],
        [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(b"\5\0\1\1")],
        [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(b"\5\0\0\2")],
    ],
    ids=["http", "socks4", "login version", "reply version", "reserved byte", "address type"],
)
async def test_what_is_not_socks5_is_a_proxy_error(world, fault_server, script):
    proxy = fault_server([*script, expect_end()])
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ProxyError, "does not speak SOCKS5")


# Everything that can happen at every step.

STEPS = {
    "greeting": [expect_content(b"\5\1\2")],
    "half a greeting": [expect_content(b"\5\1\2"), send(b"\5")],
    "login": [*LOCKED_GREETING, LOGIN],
    "request": [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST)],
    "half a reply": [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(REPLY[:6])],
    "half a name": [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(b"\5\0\0\3\7pro")],
}
GOOD = [*LOCKED_GREETING, LOGIN, send(b"\1\0"), expect_content(REQUEST), send(REPLY), serve()]


@pytest.mark.parametrize("step", STEPS)
async def test_an_end_at_any_step_is_a_proxy_error(world, fault_server, step):
    proxy = fault_server([*STEPS[step], fin(), expect_end()], GOOD)
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ProxyError, "ended the connection in the SOCKS5 handshake")
        await works(client, HTTP)


@pytest.mark.parametrize("step", STEPS)
async def test_a_reset_at_any_step_is_a_read_error(world, fault_server, step):
    proxy = fault_server([*STEPS[step], reset()], GOOD)
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ReadError)
        await works(client, HTTP)


@pytest.mark.parametrize("step", STEPS)
async def test_silence_at_any_step_is_a_connect_timeout(world, fault_server, step):
    """Whatever the read timeout: nothing of the request has been sent."""
    proxy = fault_server([*STEPS[step], expect_end()], GOOD)
    timeout = httpstream.Timeout(10.0, connect=0.05)
    async with client_through(world, proxy_url(proxy, "socks5", CREDENTIALS)) as client:
        await fails(client, HTTP, ConnectTimeout, "no tunnel to http://origin.test", timeout=timeout)
        await works(client, HTTP)


@pytest.mark.parametrize(
    "auth, host",
    [
        (("u" * 256, "p"), "origin.test"),
        (("u", "p" * 256), "origin.test"),
        (("ü" * 128, "p"), "origin.test"),
        (None, ".".join(["a" * 50] * 6)),
    ],
)
async def test_what_socks5_has_no_room_for_is_the_callers_fault(world, fault_server, auth, host):
    """One byte holds each length: longer ones would be read as something else."""
    proxy = fault_server([expect_end()], strict=False)  # it may be over before the server accepts it
    settings = Proxy(proxy_url(proxy, "socks5"), auth=auth)
    async with client_through(world, settings) as client:
        await fails(client, f"http://{host}/", LocalProtocolError, "255 bytes")
    assert not any(proxy.received)


async def test_what_socks5_has_just_room_for_is_sent(world, fault_server):
    login = b"\1\xff" + b"u" * 255 + b"\xff" + b"p" * 255
    script = [
        *LOCKED_GREETING,
        expect_content(login),
        send(b"\1\0"),
        expect_content(REQUEST),
        send(REPLY),
        serve(),
    ]
    proxy = fault_server(script)
    settings = Proxy(proxy_url(proxy, "socks5"), auth=("u" * 255, "p" * 255))
    async with client_through(world, settings) as client:
        await works(client, HTTP)


@pytest.mark.flavours("sync")
async def test_without_socksio_it_is_said_what_to_install(world, monkeypatch):
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ImportError, match=r"socksio.*httpstream\[socks\]"):
        world.transport(proxy="socks5://127.0.0.1")
