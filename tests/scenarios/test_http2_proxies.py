"""HTTP/2 through proxies: in a tunnel, in TLS inside TLS, through SOCKS; and to a proxy that forwards, HTTP/1.1."""

from __future__ import annotations

import contextlib

import pytest

import httpstream
from tests.proxied import ESTABLISHED
from tests.servers import http2
from tests.servers.proxies import missing, start_microsocks, start_tinyproxy
from tests.servers.relay import tls_relay
from tests.servers.steps import expect_request, ignore_until_end, send, start_tls
from tests.together import together


@pytest.fixture(scope="module")
def proxies(tmp_path_factory, authority):
    if missing():
        pytest.skip(f"not installed (Debian: apt-get install {missing()})")
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(start_tinyproxy(tmp_path_factory.mktemp("proxies")))
        relay = stack.enter_context(tls_relay(authority.server_context(), port))
        yield {
            "http": f"http://127.0.0.1:{port}",
            "https": f"https://127.0.0.1:{relay.port}",
            "socks5": f"socks5://127.0.0.1:{stack.enter_context(start_microsocks())}",
        }


@pytest.mark.parametrize("kind", ["http", "https", "socks5"])
async def test_many_streams_in_one_tunnel_bring_their_own(world, nginx, proxies, authority, kind):
    context = authority.client_context() if kind == "https" else None
    proxy = httpstream.Proxy(proxies[kind], ssl_context=context)
    expected = (nginx.files / "mib.bin").read_bytes()
    upload = expected[:500_000]
    async with world.client(
        verify=authority.client_context(), http2=True, proxy=proxy, timeout=30.0
    ) as client:

        async def get():
            response = await client.get(nginx.http2_url + "/mib.bin")
            assert response.http_version == "HTTP/2"
            assert response.content == expected

        async def put():
            assert (await client.request("PUT", nginx.http2_url + "/put/tunnel", content=upload)).is_success

        await together(world, [get] * 10 + [put])
        last = await client.get(nginx.http2_url + "/connection")
    assert last.extensions["stream_id"] == 23
    assert (nginx.files.parent / "put" / "tunnel").read_bytes() == upload


@pytest.mark.parametrize("http1", [True, False])
async def test_a_proxy_that_forwards_is_spoken_to_over_http_1_1(world, fault_server, http1):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    proxy = fault_server(
        [expect_request("GET http://example.org/a HTTP/1.1", "Host: example.org"), send(answer)]
    )
    async with world.client(http1=http1, http2=True, proxy=proxy.url) as client:
        response = await client.get("http://example.org/a")
    assert (response.http_version, response.text) == ("HTTP/1.1", "ok")


async def test_a_proxy_that_refuses_is_an_error_for_all_who_wait_for_the_tunnel(world, fault_server):
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    script = [expect_request("CONNECT example.org:443"), send(refusal)]
    proxy = fault_server(*[script] * 3)
    async with world.client(http2=True, proxy=proxy.url, timeout=10.0) as client:

        async def get():
            with pytest.raises(httpstream.ProxyError):
                await client.get("https://example.org/")

        await together(world, [get] * 3)


async def test_credentials_stay_with_their_hop_over_redirects_http_2_and_a_proxy(
    world, fault_server, authority
):
    """https over HTTP/2 in a tunnel, to http that the proxy forwards, to https in another tunnel, and back."""
    secret = "a3JheXQ6c2VzYW1l"  # krayt:sesame, for the first origin
    for_proxy = "Proxy-Authorization: Basic YWxhZGRpbjpsYW1w"
    first = authority.server_context("a.test", fresh=True)
    first.set_alpn_protocols(["h2"])
    moved = b"HTTP/1.1 307 T\r\nLocation: %s\r\nSet-Cookie: b=1\r\nContent-Length: 0\r\n\r\n"
    proxy = fault_server(
        [
            *(expect_request("CONNECT a.test:443", for_proxy, without=("authorization", "cookie")),),
            *(send(ESTABLISHED), start_tls(first), http2.begin()),
            http2.expect_head(1, "GET /1", authorization=f"Basic {secret}", without=("proxy-authorization",)),
            http2.reply(1, b"", (b"location", b"http://b.test/2"), (b"set-cookie", b"a=1"), status=307),
            http2.expect_head(3, "GET /4", cookie="a=1", without=("authorization", "proxy-authorization")),
            http2.reply(3, b"end"),
            ignore_until_end(),
        ],
        [
            expect_request("GET http://b.test/2 HTTP/1.1", for_proxy, without=("authorization", "cookie")),
            send(moved % b"https://c.test/3"),
            ignore_until_end(),
        ],
        [
            expect_request("CONNECT c.test:443", for_proxy, without=("authorization", "cookie")),
            *(send(ESTABLISHED), start_tls(authority.server_context("c.test"))),
            expect_request("GET /3", without=("authorization", "proxy-authorization", "cookie")),
            send(moved % b"https://a.test/4"),
            ignore_until_end(),
        ],
    )
    async with world.client(
        verify=authority.client_context(),
        http2=True,
        proxy=f"http://aladdin:lamp@127.0.0.1:{proxy.port}",
        follow_redirects=True,
    ) as client:
        response = await client.get("https://krayt:sesame@a.test/1")
        assert [one.http_version for one in (*response.history, response)] == [
            *("HTTP/2", "HTTP/1.1", "HTTP/1.1", "HTTP/2")
        ]
        assert response.text == "end"
    for wire in proxy.received:
        assert b"sesame" not in wire and secret.encode() not in wire
        assert wire.count(b"YWxhZGRpbjpsYW1w") == 1
