"""Through real proxies: tinyproxy (http, and https behind a TLS relay) and microsocks (SOCKS5)."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import httpstream
from tests.conftest import Layer
from tests.dialogue import check_next_request
from tests.servers.proxies import PASSWORD, USER, free_port, missing, start_microsocks, start_tinyproxy
from tests.servers.relay import tls_relay
from tests.servers.steps import expect_content, expect_request, send, serve

KINDS = ("http", "http with auth", "https", "socks5", "socks5h", "socks5 with auth")
LOCKED = ("http with auth", "https", "socks5 with auth")  # these want a username and a password


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory, authority: Any) -> Iterator[dict[str, str]]:
    """The authority of each kind of proxy."""
    if missing():
        pytest.skip(f"not installed (Debian: apt-get install {missing()})")
    folder = tmp_path_factory.mktemp("proxies")
    with contextlib.ExitStack() as stack:
        locked = stack.enter_context(start_tinyproxy(folder, auth=True))
        socks = stack.enter_context(start_microsocks())
        ports = {
            "http": stack.enter_context(start_tinyproxy(folder)),
            "http with auth": locked,
            "https": stack.enter_context(tls_relay(authority.server_context(), locked)).port,
            "socks5": socks,
            "socks5h": socks,
            "socks5 with auth": stack.enter_context(start_microsocks(auth=True)),
        }
        yield {kind: f"{kind.partition(' ')[0]}://127.0.0.1:{port}" for kind, port in ports.items()}


@pytest.fixture(params=KINDS)
def through(request: pytest.FixtureRequest, addresses: dict[str, str], authority: Any) -> Through:
    return Through(request.param, addresses[request.param], authority)


class Through:
    """One kind of proxy, and clients that go through it."""

    def __init__(self, kind: str, url: str, authority: Any) -> None:
        self.kind = kind
        self.url = url
        self._authority = authority

    def proxy(self, password: str | None = None) -> httpstream.Proxy:
        options: dict[str, Any] = {}
        if self.kind == "https":
            options["ssl_context"] = self._authority.client_context()
        if self.kind in LOCKED:
            right = PASSWORD if "socks" in self.kind else PASSWORD.replace(" ", "-")
            options["auth"] = (USER, password or right)
        return httpstream.Proxy(self.url, **options)

    def client(self, world: Any, layer: Layer, password: str | None = None) -> Any:
        transport = world.transport(proxy=self.proxy(password), **layer.client)
        return world.client(transport=transport)


async def test_requests_get_their_answers(world, fault_server, layer, through):
    server = fault_server(**layer.server)
    async with through.client(world, layer) as client:
        await check_next_request(client, server)
    for wire in server.received:
        assert b"proxy-auth" not in wire.lower()


async def test_a_tunnel_carries_one_request_after_the_other(world, fault_server, layer, through):
    """tinyproxy ends the connection after each request that it forwards."""
    server = fault_server(**layer.server)
    async with through.client(world, layer) as client:
        await check_next_request(client, server)
    assert len(server.peers) == (1 if layer.is_tls or "socks" in through.kind else 2)


async def test_large_contents_go_both_ways(world, fault_server, layer, through):
    data = random.Random(7).randbytes(3_000_000)
    pieces = [data[start : start + 70_000] for start in range(0, len(data), 70_000)]
    server = fault_server(
        [
            expect_request("POST /echo"),
            expect_content(data),
            send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data)),
            send(data),
            serve(),
        ],
        strict=False,
        **layer.server,
    )
    async with through.client(world, layer) as client:
        response = await client.post(
            server.url + "/echo",
            content=world.pieces(pieces),
            headers={"Content-Length": str(len(data))},
            timeout=20.0,
        )
        assert response.content == data
    assert not server.failures


async def test_a_name_is_resolved_by_the_proxy(world, fault_server, layer, through):
    server = fault_server(**layer.server)
    async with through.client(world, layer) as client:
        response = await client.get(server.url.replace("127.0.0.1", "localhost") + "/name")
        assert response.text == "GET /name"


@pytest.mark.flavours("asyncio", "trio")
async def test_many_at_once_get_their_own_answers(world, fault_server, layer, through):
    server = fault_server(**layer.server)
    async with through.client(world, layer) as client:

        async def get(number: int) -> None:
            response = await client.get(f"{server.url}/{number}", timeout=20.0)
            assert response.text == f"GET /{number}"

        async with anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(get, number)


@pytest.mark.parametrize("through", LOCKED, indirect=True)
async def test_wrong_credentials_are_refused(world, fault_server, layer, through):
    server = fault_server(strict=False, **layer.server)
    async with through.client(world, layer, password="wrong") as client:
        if layer.is_tls or "socks" in through.kind:
            with pytest.raises(httpstream.ProxyError) as caught:
                await client.get(server.url + "/a")
            assert str(caught.value.request.url) == server.url + "/a"
            assert "wrong" not in str(caught.value)
        else:
            assert (await client.get(server.url + "/a")).status_code in (401, 407)
    assert not server.peers


async def test_an_origin_that_is_not_there_is_the_proxys_error(world, layer, through):
    scheme = "https" if layer.is_tls else "http"
    url = f"{scheme}://127.0.0.1:{free_port()}/a"
    async with through.client(world, layer) as client:
        if layer.is_tls or "socks" in through.kind:
            with pytest.raises(httpstream.ProxyError, match=r"50\d|refused") as caught:
                await client.get(url)
            assert str(caught.value.request.url) == url
        else:
            assert (await client.get(url)).status_code >= 500


@pytest.mark.flavours("sync", "asyncio", "trio")
async def test_http_2_goes_through_a_tunnel(world, nginx, authority, through):
    transport = world.transport(proxy=through.proxy(), verify=authority.client_context(), http2=True)
    async with world.client(transport=transport) as client:
        for _ in range(2):
            response = await client.get(nginx.http2_url + "/small.txt")
            assert (response.http_version, response.text) == ("HTTP/2", "hello from nginx\n")
        response = await client.get(nginx.http2_url + "/big.bin")
        assert response.content == (nginx.files / "big.bin").read_bytes()
        plain = await client.get(nginx.url + "/small.txt")
        assert (plain.http_version, plain.text) == ("HTTP/1.1", "hello from nginx\n")
