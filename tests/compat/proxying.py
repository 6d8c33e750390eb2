"""Proxies for the differential scenarios: scripts that say what a proxy does, and what it has recorded. No scenario."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from tests.compat.secure import authority
from tests.compat.site import without_defaults
from tests.servers.fault import FaultServer, Step
from tests.servers.relay import tls_relay
from tests.servers.steps import expect_request, send, serve, start_tls, take_content

HTTP = "http://origin.test"
HTTPS = "https://origin.test"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REPLY = b"\5\0\0\1" + bytes(6)


class ProxyServer:
    """A scripted proxy: `url(scheme)` leads to it, `wire` is what each of its connections has received."""

    def __init__(self, server: FaultServer, port: int) -> None:
        self._server = server
        self.port = port

    def url(self, scheme: str = "http", userinfo: str = "") -> str:
        return f"{scheme}://{userinfo}127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self._server.peers)

    @property
    def wire(self) -> list[bytes]:
        return [
            re.sub(rb"127\.0\.0\.1:\d+", b"127.0.0.1:<port>", without_defaults(wire))
            for wire in self._server.received
        ]


@contextlib.contextmanager
def proxy_that(*script: Step, secure: bool = False) -> Iterator[ProxyServer]:
    """A proxy whose every connection plays this script. secure: TLS in front of it, with a relay."""
    server = FaultServer(then=script, strict=False)
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        port = server.port
        if secure:
            port = stack.enter_context(tls_relay(authority().server_context(), port)).port
        yield ProxyServer(server, port)


def forwards() -> contextlib.AbstractContextManager[ProxyServer]:
    """An http proxy that answers every request itself, with its method and target."""
    return proxy_that(serve())


def tunnel(host: str = "origin.test") -> list[Step]:
    """An http proxy that connects, and an origin of that name which answers with method and target."""
    return [
        expect_request("CONNECT "),
        send(ESTABLISHED),
        start_tls(authority().server_context(host)),
        serve(),
    ]


def socks(address_size: int = 4 + 1 + 11 + 2, *, credentials: int | None = None) -> list[Step]:
    """A SOCKS5 proxy that connects. Sizes in bytes: of the request, and of the message with the credentials."""
    if credentials is None:
        login = [take_content(3), send(b"\5\0")]
    else:
        login = [take_content(3), send(b"\5\2"), take_content(credentials), send(b"\1\0")]
    return [*login, take_content(address_size), send(REPLY)]


def trusting() -> Any:
    """A client's context that trusts the origins and proxies of these scenarios."""
    return authority().client_context()
