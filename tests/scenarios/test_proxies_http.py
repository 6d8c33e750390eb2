"""Through an http proxy: what it is told, what the origin is told, and that neither learns what is the other's."""

from __future__ import annotations

import ssl

import pytest

import httpstream
from httpstream import LocalProtocolError, Proxy
from tests.proxied import (
    BASIC,
    CREDENTIALS,
    ESTABLISHED,
    HTTP,
    HTTPS,
    client_through,
    fails,
    proxy_url,
    tunnel,
    works,
)
from tests.servers.relay import tls_relay
from tests.servers.steps import (
    expect_chunked,
    expect_end,
    expect_request,
    fin,
    send,
    serve,
    start_tls,
)

OWN = {"Authorization": "Bearer of-the-origin", "Cookie": "of=the-origin", "X-Own": "of the origin"}


def lines_of(head: bytes) -> list[str]:
    return head.decode("latin-1").partition("\r\n\r\n")[0].split("\r\n")


# Forwarding: http origins.


async def test_the_request_target_is_in_absolute_form(world, fault_server):
    """RFC 9112 section 3.2.2."""
    proxy = fault_server()
    async with client_through(world, proxy_url(proxy)) as client:
        await client.get("http://Origin.TEST:8080/a%20b?c=d#e")
        await client.get("http://origin.test:80/")
    heads = [lines_of(wire) for wire in proxy.received]
    assert heads[0][0] == "GET http://origin.test:8080/a%20b?c=d HTTP/1.1"
    assert "Host: origin.test:8080" in heads[0]
    assert heads[1][0] == "GET http://origin.test/ HTTP/1.1"


async def test_the_credentials_go_to_the_proxy_with_each_request(world, fault_server):
    proxy = fault_server([expect_request("GET", BASIC), send(b"HTTP/1.1 204 No\r\n\r\n"),
                          expect_request("GET", BASIC), send(b"HTTP/1.1 204 No\r\n\r\n")])  # fmt: skip
    async with client_through(world, proxy_url(proxy, credentials=CREDENTIALS)) as client:
        await client.get(HTTP)
        await client.get(HTTP)


async def test_without_credentials_none_are_sent(world, fault_server):
    proxy = fault_server()
    async with client_through(world, proxy_url(proxy)) as client:
        await works(client, HTTP)
    assert b"proxy-" not in proxy.received[0].lower()


async def test_what_the_request_says_itself_counts_more(world, fault_server):
    proxy = fault_server()
    settings = Proxy(
        proxy_url(proxy),
        auth=("a", "b"),
        headers={"X-Proxy": "1", "X-Both": "of the proxy", "hOST": "evil.test"},
    )
    async with client_through(world, settings) as client:
        await client.get(HTTP, headers={"X-Both": "own", "proxy-authorization": "Basic own"})
    lines = lines_of(proxy.received[0])
    assert "X-Proxy: 1" in lines
    assert [line for line in lines if line.lower().startswith(("x-both", "proxy-auth", "host"))] == [
        "Host: origin.test",
        "X-Both: own",
        "proxy-authorization: Basic own",
    ]


async def test_one_origin_shares_a_connection_and_two_do_not(world, fault_server):
    """As in httpx: what goes wrong between proxy and client never becomes another origin's answer."""
    proxy = fault_server()
    async with client_through(world, proxy_url(proxy)) as client:
        await works(client, HTTP)
        await works(client, "http://second.test")
        await works(client, HTTP)
    assert len(proxy.peers) == 2


async def test_the_proxys_own_answer_is_a_response(world, fault_server):
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"
    proxy = fault_server([expect_request("GET http://origin.test/"), send(refusal), serve()])
    async with client_through(world, proxy_url(proxy)) as client:
        response = await client.get(HTTP)
        assert (response.status_code, response.text) == (407, "no")
        await works(client, HTTP)


async def test_content_is_forwarded_as_it_is_framed(world, fault_server):
    proxy = fault_server([expect_request("POST http://origin.test/", "Transfer-Encoding: chunked"),
                          expect_chunked(b"abcdef"), send(b"HTTP/1.1 204 No\r\n\r\n")])  # fmt: skip
    async with client_through(world, proxy_url(proxy)) as client:
        response = await client.post(HTTP, content=world.pieces([b"abc", b"def"]))
        assert response.status_code == 204


async def test_a_connection_that_the_proxy_ended_is_replaced(world, fault_server):
    """An idempotent request goes out again, and again with all that the proxy wants."""
    proxy = fault_server(
        [
            expect_request("GET", BASIC),
            send(b"HTTP/1.1 204 No\r\n\r\n"),
            expect_request("GET"),
            fin(),
            expect_end(),
        ],
        [expect_request("GET http://origin.test/b", BASIC), send(b"HTTP/1.1 204 No\r\n\r\n")],
    )
    async with client_through(world, proxy_url(proxy, credentials=CREDENTIALS)) as client:
        await client.get(HTTP)
        assert (await client.get(HTTP + "/b")).status_code == 204


async def test_over_an_https_proxy_it_is_the_same_inside_tls(world, fault_server, authority):
    proxy = fault_server(tls=authority.server_context())
    settings = Proxy(proxy.url.replace("//", "//" + CREDENTIALS), ssl_context=authority.client_context())
    async with client_through(world, settings) as client:
        await works(client, HTTP)
    lines = lines_of(proxy.received[0])
    assert lines[0] == "GET http://origin.test/next HTTP/1.1"
    assert BASIC in lines


async def test_a_redirect_to_another_origin_leaves_credentials_behind(world, fault_server, authority):
    """Those for the proxy go to the proxy each time, inside no tunnel; the origin's go to the origin alone."""
    to = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
    proxy = fault_server(
        [expect_request("GET http://origin.test/", BASIC), send(f"{to}http://second.test/\r\n\r\n".encode())],
        [expect_request("GET http://second.test/", BASIC), send(f"{to}https://third.test/\r\n\r\n".encode())],
        tunnel(authority, BASIC, host="third.test"),
    )
    transport = world.transport(
        proxy=proxy_url(proxy, credentials=CREDENTIALS), verify=authority.client_context()
    )
    async with world.client(transport=transport, follow_redirects=True, auth=("own", "own")) as client:
        response = await client.get(HTTP + "/", headers={"Cookie": "a=own", "X-Kept": "yes"})
        assert str(response.url) == "https://third.test/"
    first, second, third = proxy.received
    assert b"Authorization: Basic b3duOm93bg==" in first and b"a=own" in first
    for wire in (second, third):
        assert b"b3duOm93bg" not in wire and b"a=own" not in wire
    assert b"X-Kept: yes" in third
    assert b"proxy-auth" not in third.partition(b"\r\n\r\n")[2].lower()


# Tunnels: https origins.


async def test_a_connect_says_where_and_who_asks_and_no_more(world, fault_server, authority):
    proxy = fault_server(tunnel(authority))
    settings = Proxy(proxy_url(proxy, credentials=CREDENTIALS), headers={"X-Proxy": "1"})
    async with client_through(world, settings, authority) as client:
        response = await client.get(HTTPS + "/a", headers=OWN)
        assert response.text == "GET /a"
    connect, _, inside = proxy.received[0].partition(b"\r\n\r\n")
    assert lines_of(connect) == [
        "CONNECT origin.test:443 HTTP/1.1",
        "Host: origin.test:443",
        "Accept: */*",
        BASIC,
        "X-Proxy: 1",
    ]
    lines = lines_of(inside)
    assert lines[:2] == ["GET /a HTTP/1.1", "Host: origin.test"]
    for name, value in OWN.items():
        assert f"{name}: {value}" in lines
    assert not any("proxy" in line.lower() for line in lines)


async def test_the_proxys_headers_may_replace_those_of_a_connect(world, fault_server, authority):
    proxy = fault_server(
        [
            expect_request("CONNECT origin.test:443 ", "Accept: text/plain", "Host: other.test"),
            *tunnel(authority)[1:],
        ]
    )
    settings = Proxy(proxy_url(proxy), headers={"Accept": "text/plain", "Host": "other.test"})
    async with client_through(world, settings, authority) as client:
        await works(client, HTTPS)


async def test_one_tunnel_carries_many_requests_of_its_origin_alone(world, fault_server, authority):
    proxy = fault_server(tunnel(authority), tunnel(authority, host="second.test", port=8443))
    async with client_through(world, proxy_url(proxy), authority) as client:
        await works(client, HTTPS)
        await works(client, "https://second.test:8443")
        await works(client, HTTPS)
    assert len(proxy.peers) == 2


async def test_an_ipv6_address_stands_in_brackets(world, fault_server, authority):
    """RFC 9110 section 4.2.2, RFC 3986 section 3.2.2."""
    proxy = fault_server(
        [
            expect_request("CONNECT [::1]:443 HTTP/1.1\r\n", "Host: [::1]:443"),
            send(ESTABLISHED),
            start_tls(authority.server_context()),
            serve(),
        ],
        [
            expect_request("GET http://[::1]:8080/a HTTP/1.1\r\n", "Host: [::1]:8080"),
            send(b"HTTP/1.1 204 No\r\n\r\n"),
        ],
    )
    async with client_through(world, proxy_url(proxy), authority) as client:
        await works(client, "https://[::1]")
        assert (await client.get("http://[::1]:8080/a")).status_code == 204


async def test_a_content_length_in_the_answer_to_a_connect_means_nothing(world, fault_server, authority):
    """RFC 9110 section 9.3.6: the tunnel begins behind the head."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    proxy = fault_server([expect_request("CONNECT"), send(answer), *tunnel(authority)[2:]])
    async with client_through(world, proxy_url(proxy), authority) as client:
        await works(client, HTTPS)


async def test_informational_responses_may_come_before(world, fault_server, authority):
    answer = b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + ESTABLISHED
    told = []
    proxy = fault_server([expect_request("CONNECT"), send(answer), *tunnel(authority)[2:]])
    async with client_through(world, proxy_url(proxy), authority) as client:
        extensions = {} if world.is_async else {"informational": lambda *args: told.append(args)}
        assert (await client.get(HTTPS + "/a", extensions=extensions)).text == "GET /a"
    assert not told  # they are the proxy's, not the origin's


async def test_the_target_extension_is_for_the_origin(world, fault_server, authority):
    """The proxy is asked for the URL's origin, whatever the request to that will say."""
    proxy = fault_server(tunnel(authority), [serve()])
    async with client_through(world, proxy_url(proxy), authority) as client:
        response = await client.request("OPTIONS", HTTPS, extensions={"target": b"*"})
        assert response.text == "OPTIONS *"
        response = await client.request("OPTIONS", HTTP, extensions={"target": b"*"})
        assert response.text == "OPTIONS *"


async def test_the_name_for_tls_is_for_the_origin(world, fault_server, authority):
    proxy = fault_server([expect_request("CONNECT 127.0.0.1:443"), *tunnel(authority)[1:]])
    with tls_relay(authority.server_context(), proxy.port) as relay:
        settings = Proxy(f"https://127.0.0.1:{relay.port}", ssl_context=authority.client_context())
        async with client_through(world, settings, authority) as client:
            extensions = {"sni_hostname": "origin.test"}
            response = await client.get("https://127.0.0.1/a", extensions=extensions)
            assert response.text == "GET /a"


# TLS inside TLS: https origins through an https proxy.


async def test_a_tunnel_through_an_https_proxy_is_tls_inside_tls(world, fault_server, authority):
    proxy = fault_server(tunnel(authority, BASIC))
    with tls_relay(authority.server_context(), proxy.port) as relay:
        settings = Proxy(
            f"https://{CREDENTIALS}127.0.0.1:{relay.port}", ssl_context=authority.client_context()
        )
        async with client_through(world, settings, authority) as client:
            await works(client, HTTPS)
            response = await client.get(HTTPS + "/b")
            stream = response.extensions["network_stream"]
            assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", relay.port)
    assert len(proxy.peers) == 1


async def test_a_proxy_that_cannot_be_verified_is_told_nothing(world, fault_server, authority):
    """Its context is its own: the transport's `verify` is about origins."""
    proxy = fault_server(tls=authority.server_context(), strict=False)
    for origin in (HTTP, HTTPS):
        async with client_through(world, Proxy(proxy.url), authority) as client:
            await fails(client, origin + "/a", httpstream.ConnectError, "certificate verify failed")
        settings = Proxy(
            proxy.url.replace("127.0.0.1", "localhost"), ssl_context=ssl.create_default_context()
        )
        async with client_through(world, settings, verify=False) as client:
            await fails(client, origin + "/a", httpstream.ConnectError, "certificate verify failed")
    assert not any(proxy.received)


async def test_an_origin_that_cannot_be_verified_is_told_nothing(world, fault_server, authority):
    """The proxy's context is not the origin's."""
    script = [expect_request("CONNECT"), send(ESTABLISHED), start_tls(authority.server_context("other.test"))]
    proxy = fault_server(script, script, strict=False)
    with tls_relay(authority.server_context(), proxy.port) as relay:
        settings = Proxy(f"https://127.0.0.1:{relay.port}", ssl_context=authority.client_context())
        for options in ({}, {"verify": authority.client_context()}):
            async with client_through(world, settings, **options) as client:
                await fails(client, HTTPS + "/secret", httpstream.ConnectError, "certificate verify failed")
    assert not any(b"secret" in wire for wire in proxy.received)


# What does not get onto the wire.

BAD_FIELDS = [
    {"X-A": "b\r\nInjected: yes"},
    {"X-A": "b\nInjected: yes"},
    {"X-A: b\r\nInjected": "yes"},
    {"X A": "b"},
    {"X-A": "b\0"},
    {"Content-Length": "5"},
    {"Transfer-Encoding": "gzip"},
]


@pytest.mark.parametrize("fields", BAD_FIELDS, ids=repr)
async def test_the_proxys_headers_add_no_line(world, fault_server, authority, fields):
    proxy = fault_server(strict=False)
    async with client_through(world, Proxy(proxy_url(proxy), headers=fields), authority) as client:
        await fails(client, HTTPS, LocalProtocolError)
        if "Content-Length" not in fields:
            await fails(client, HTTP, LocalProtocolError)
    assert b"Injected" not in b"".join(proxy.received)


async def test_credentials_add_no_line(world, fault_server, authority):
    script = [
        expect_request("CONNECT", "Proxy-Authorization: Basic YQ0KSW5qZWN0ZWQ6IHllczpi"),
        *tunnel(authority)[1:],
    ]
    proxy = fault_server(script)
    settings = Proxy(proxy_url(proxy), auth=("a\r\nInjected: yes", "b"))
    async with client_through(world, settings, authority) as client:
        await works(client, HTTPS)
        await works(client, HTTP)
    assert b"Injected" not in b"".join(proxy.received)


# How a transport takes its proxy.


@pytest.mark.parametrize("form", [str, httpstream.URL, Proxy])
async def test_a_proxy_is_a_text_a_url_or_a_proxy(world, fault_server, form):
    proxy = fault_server()
    async with client_through(world, form(proxy_url(proxy))) as client:
        await works(client, HTTP)


@pytest.mark.flavours("sync")
async def test_a_proxy_that_cannot_be_is_an_error_where_it_is_given(world):
    with pytest.raises(ValueError, match="scheme"):
        world.transport(proxy="ftp://proxy.test")
    with pytest.raises(RuntimeError, match="ssl_context"):
        world.transport(proxy=Proxy("http://proxy.test", ssl_context=ssl.create_default_context()))
    with pytest.raises(TypeError):
        world.transport(proxy=Proxy(3128))
