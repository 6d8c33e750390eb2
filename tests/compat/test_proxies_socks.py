"""Through a SOCKS5 proxy: the same bytes, the same exceptions."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.proxying import HTTP, HTTPS, proxy_that, socks, trusting
from tests.compat.secure import authority
from tests.compat.tracing import Recorder
from tests.servers.steps import fin, reset, send, serve, start_tls, take_content

# httpcore leaves the socket of a failed handshake to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

NO_LOGIN = [take_content(3), send(b"\5\0")]
LOGIN = [take_content(3), send(b"\5\2"), take_content(1 + 1 + 4 + 1 + 4)]  # user and pass


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What is left open is collected here, not in the middle of another test."""
    yield
    gc.collect()


async def wire_of(
    lib: Lib, scheme: str, url: str, script: list[Any], userinfo: str = "", **options: Any
) -> Any:
    with proxy_that(*script, serve()) as server:
        async with lib.client(proxy=server.url(scheme, userinfo), **options) as client:
            texts = [(await client.get(url)).text, (await client.get(url)).text]
        return texts, server.wire


async def failure(lib: Lib, *script: Any, userinfo: str = "") -> Any:
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url("socks5", userinfo)) as client:
            return await lib.caught(lambda: client.get(HTTP + "/a"))


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@same("a name is resolved on this side, or the handshake has other bytes")
async def test_a_name_goes_to_the_proxy(lib: Lib, scheme: str) -> Any:
    return await wire_of(lib, scheme, HTTP + "/a?b", socks())


@pytest.mark.parametrize("url, size", [("http://192.0.2.1:8080/", 4), ("http://[2001:db8::1]/", 16)])
@same("an address goes as a name")
async def test_an_address_goes_as_an_address(lib: Lib, url: str, size: int) -> Any:
    return await wire_of(lib, "socks5", url, socks(4 + size + 2))


@same("an internationalised name goes in another form")
async def test_an_internationalised_name_to_socks(lib: Lib) -> Any:
    return await wire_of(lib, "socks5h", "http://bücher.test/", socks(4 + 1 + 18 + 2))


@pytest.mark.parametrize(
    "userinfo, size", [("user:pass@", 11), ("us%40er:%C3%BC@", 10), ("user@", 7), (":pass@", 7)]
)
@same("credentials are sent in another form, or another method is offered")
async def test_credentials_for_socks(lib: Lib, userinfo: str, size: int) -> Any:
    return await wire_of(lib, "socks5", HTTP, socks(credentials=size), userinfo)


@same("headers of a Proxy get to a SOCKS proxy or through it")
async def test_headers_for_socks(lib: Lib) -> Any:
    with proxy_that(*socks(), serve()) as server:
        proxy = lib.httpx.Proxy(server.url("socks5"), headers={"X-Proxy": "1"})
        async with lib.client(proxy=proxy) as client:
            text = (await client.get(HTTP)).text
        return text, server.wire


@same("TLS begins elsewhere than behind the reply")
async def test_tls_through_socks(lib: Lib) -> Any:
    tls = [start_tls(authority().server_context("origin.test"))]
    return await wire_of(lib, "socks5", HTTPS, [*socks(), *tls], verify=trusting())


@same("sni_hostname is of no account through SOCKS")
async def test_another_name_for_tls_through_socks(lib: Lib) -> Any:
    script = [*socks(4 + 4 + 2), start_tls(authority().server_context("origin.test")), serve()]
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url("socks5"), verify=trusting()) as client:
            response = await client.get("https://192.0.2.1/", extensions={"sni_hostname": "origin.test"})
    return response.text


@same("origins share a connection through SOCKS")
async def test_connections_through_socks_belong_to_an_origin(lib: Lib) -> Any:
    with proxy_that(*socks(), serve()) as server:
        async with lib.client(proxy=server.url("socks5")) as client:
            for url in (HTTP, HTTP + ":81", HTTP + "/again"):
                await client.get(url)
        return server.connections


@pytest.mark.parametrize("code", range(1, 9))
@same("a refusal of a SOCKS proxy is no ProxyError")
async def test_refusals_of_socks(lib: Lib, code: int) -> Any:
    return await failure(lib, *NO_LOGIN, take_content(18), send(bytes([5, code]) + b"\0\1" + bytes(6)))


@same(
    "an unknown refusal is another exception than a known one",
    differs="refuses with a code that RFC 1928 has not",
)
async def test_an_unknown_refusal_of_socks(lib: Lib) -> Any:
    return await failure(lib, *NO_LOGIN, take_content(18), send(b"\5\x63\0\1" + bytes(6)))


@pytest.mark.parametrize(
    "userinfo, method", [("", b"\xff"), ("", b"\2"), ("user:pass@", b"\xff"), ("user:pass@", b"\0")]
)
@same("another method of authentication than the one that was offered will do")
async def test_methods_of_socks(lib: Lib, userinfo: str, method: bytes) -> Any:
    return await failure(lib, take_content(3), send(b"\5" + method), userinfo=userinfo)


@pytest.mark.parametrize("status", [b"\1\1", b"\1\xff"])
@same("wrong credentials are no ProxyError")
async def test_wrong_credentials_for_socks(lib: Lib, status: bytes) -> Any:
    return await failure(lib, *LOGIN, send(status), userinfo="user:pass@")


@pytest.mark.parametrize(
    "script",
    [
        [take_content(3)],
        [*NO_LOGIN, take_content(18)],
    ],
)
@same("an end is no ProxyError", differs="A SOCKS5 proxy that hangs up")
async def test_an_end_in_the_socks_handshake(lib: Lib, script: list[Any]) -> Any:
    return await failure(lib, *script, fin())


@same("a reset in the handshake is another exception than a ReadError")
async def test_a_reset_in_the_socks_handshake(lib: Lib) -> Any:
    return await failure(lib, take_content(3), reset())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\5\x42"])
@same("what is no SOCKS5 is no ProxyError", differs="answers something else")
async def test_an_answer_that_is_no_socks(lib: Lib, answer: bytes) -> Any:
    return await failure(lib, take_content(3), send(answer), fin())


@same("a name that is too long is sent", differs="of more than 255 bytes is a `LocalProtocolError`")
async def test_a_username_that_is_too_long(lib: Lib) -> Any:
    return await failure(lib, take_content(3), send(b"\5\2"), userinfo="u" * 256 + ":p@")


@same("a proxy with SOCKS needs nothing to be installed, or another exception says so")
def test_without_socksio(httpx: Any) -> Any:
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "socksio"}
    sys.modules["socksio"] = None  # type: ignore[assignment]  # what makes an import fail
    try:
        httpx.HTTPTransport(proxy="socks5://127.0.0.1")
    except ImportError as exc:
        return "socksio" in str(exc), exc.__cause__, exc.__suppress_context__
    finally:
        del sys.modules["socksio"]
        sys.modules.update(kept)


@same("the events of a SOCKS proxy have other names")
async def test_events_of_socks(lib: Lib) -> Any:
    good, refused = Recorder(lib), Recorder(lib)
    tls = [start_tls(authority().server_context("origin.test")), serve()]
    with (
        proxy_that(*socks(credentials=11), *tls) as server,
        proxy_that(*NO_LOGIN, take_content(18), send(b"\5\5\0\1" + bytes(6))) as refusing,
    ):
        async with lib.client(proxy=server.url("socks5", "user:pass@"), verify=trusting()) as client:
            await client.get(HTTPS, extensions={"trace": good.extension})
        async with lib.client(proxy=refusing.url("socks5")) as client:
            await lib.caught(lambda: client.get(HTTP, extensions={"trace": refused.extension}))
    connect = good.info("socks.connect_tcp.started")
    setup = good.info("socks.setup_socks5_connection.started")
    return (
        good.names,
        refused.names,
        sorted(connect),
        (setup["host"], setup["port"], setup["auth"]),
        sorted(setup),
    )
