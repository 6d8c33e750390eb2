"""What scenarios of proxies say again and again: the scripts of proxies that work, and clients that go through them."""

from __future__ import annotations

from typing import Any

import pytest

import httpstream
from tests.flavours import Caller
from tests.servers.fault import FaultServer, Step
from tests.servers.steps import expect_content, expect_request, send, serve, start_tls

HTTPS = "https://origin.test"
HTTP = "http://origin.test"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
SECRETS = ("aladdin", "sesame", "YWxhZGRpb")  # of CREDENTIALS, clear and in Basic
CREDENTIALS = "aladdin:open%20sesame@"
BASIC = "Proxy-Authorization: Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def proxy_url(server: FaultServer, scheme: str = "http", credentials: str = "") -> str:
    return f"{scheme}://{credentials}127.0.0.1:{server.port}"


def client_through(world: Any, proxy: Any, authority: Any = None, **options: Any) -> Caller:
    """A client whose transport has this proxy, and trusts the authority."""
    if authority is not None:
        options["verify"] = authority.client_context()
    return world.client(transport=world.transport(proxy=proxy, **options))


def tunnel(authority: Any, *lines: str, host: str = "origin.test", port: int = 443) -> list[Step]:
    """A proxy that connects, and the origin behind it, which answers every request."""
    return [
        expect_request(f"CONNECT {host}:{port} HTTP/1.1\r\n", f"Host: {host}:{port}", *lines),
        send(ESTABLISHED),
        start_tls(authority.server_context(host)),
        serve(),
    ]


def socks(host: bytes = b"origin.test", port: int = 80) -> list[Step]:
    """A SOCKS5 proxy without credentials that has connected."""
    address = b"\3" + bytes([len(host)]) + host + port.to_bytes(2, "big")
    return [
        expect_content(b"\5\1\0"),
        send(b"\5\0"),
        expect_content(b"\5\1\0" + address),
        send(b"\5\0\0\1" + bytes(6)),
    ]


async def fails(
    client: Caller, url: str, kind: type[BaseException], what: str | None = None, **options: Any
) -> BaseException:
    """A GET fails in this way, says with which request, and shows no credential."""
    with pytest.raises(httpstream.RequestError, match=what) as caught:
        await client.get(url, **options)
    error = caught.value
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert str(error.request.url) == url
    for text in (str(error), repr(error), repr(error.__cause__)):
        assert not any(secret in text for secret in SECRETS), text
    return error


async def works(client: Caller, origin: str) -> None:
    """The next requests on the same client get their own answers."""
    for target in ("/next", "/after-next"):
        response = await client.get(origin + target, timeout=20.0)
        assert response.status_code == 200
        assert response.text in (f"GET {target}", f"GET {origin}{target}")
