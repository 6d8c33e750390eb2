"""Each system call failing in turn on the way through a proxy: short reads, partial sends, would-block, resets."""

from __future__ import annotations

import errno

import pytest

import httpstream
from tests.faulty_sockets import faults_of_clients
from tests.proxied import CREDENTIALS, HTTP, HTTPS, client_through, proxy_url, socks, tunnel, works
from tests.servers.steps import expect_content, ignore_until_end, send, serve, start_tls

KINDS = ["forwarded", "tunnel", "socks", "tls through socks", "socks with credentials"]


@pytest.fixture
def faults(monkeypatch):
    return faults_of_clients(monkeypatch)


def dialogue(kind, authority):
    """(script of the proxy, the scheme of its URL, its userinfo, the origin)"""
    tls = [start_tls(authority.server_context("origin.test")), serve()]
    login = [
        expect_content(b"\5\1\2"),
        send(b"\5\2"),
        expect_content(b"\1\7aladdin\x0bopen sesame"),
        send(b"\1\0"),
    ]
    return {
        "forwarded": ([serve()], "http", CREDENTIALS, HTTP),
        "tunnel": (tunnel(authority), "http", CREDENTIALS, HTTPS),
        "socks": ([*socks(), serve()], "socks5", "", HTTP),
        "tls through socks": ([*socks(port=443), *tls], "socks5h", "", HTTPS),
        "socks with credentials": ([*login, *socks()[2:], serve()], "socks5", CREDENTIALS, HTTP),
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [1, 2, 7])
async def test_short_reads_and_partial_sends_change_nothing(
    world, fault_server, authority, faults, kind, most
):
    script, scheme, userinfo, origin = dialogue(kind, authority)
    proxy = fault_server(script, then=None)
    faults.most = most
    async with client_through(world, proxy_url(proxy, scheme, userinfo), authority) as client:
        await works(client, origin)
    assert len(proxy.peers) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_calls_that_would_block_are_made_again(world, fault_server, authority, faults, kind):
    script, scheme, userinfo, origin = dialogue(kind, authority)
    proxy = fault_server(script, strict=False)
    faults.every_other_blocks = True
    async with client_through(world, proxy_url(proxy, scheme, userinfo), authority) as client:
        await works(client, origin)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOBUFS"])
@pytest.mark.parametrize("kind", KINDS)
async def test_each_call_may_fail_in_turn(world, fault_server, authority, faults, kind, error):
    """The error is a documented one and knows its request; the one place is free, and the next request is answered."""
    faults.error = getattr(errno, error)
    faults.most = 40
    limits = httpstream.Limits(max_connections=1)
    for fail_at in range(1, 40):
        script, scheme, userinfo, origin = dialogue(kind, authority)
        proxy = fault_server(then=[*script, ignore_until_end()], strict=False)
        faults.calls, faults.fail_at = 0, fail_at
        address = proxy_url(proxy, scheme, userinfo)
        async with client_through(world, address, authority, limits=limits) as client:
            try:
                response = await client.get(origin + "/a", timeout=5.0)
            except httpstream.TransportError as exc:
                assert str(exc.request.url) == origin + "/a"
                assert "sesame" not in str(exc)
            else:
                assert response.text in ("GET /a", f"GET {origin}/a")
            was_struck = faults.calls >= fail_at
            faults.fail_at = None
            await works(client, origin)
        proxy.stop()
        if not was_struck:
            return
