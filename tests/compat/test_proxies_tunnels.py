"""Through a tunnel: CONNECT and its answers, TLS in it, TLS inside TLS."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

import pytest

from tests.compat.harness import Lib, plain, same
from tests.compat.proxying import ESTABLISHED, HTTPS, proxy_that, trusting, tunnel
from tests.compat.secure import authority
from tests.compat.tracing import Recorder
from tests.servers.steps import expect_end, expect_request, fin, reset, send, serve, sleep, start_tls

CONNECT = expect_request("CONNECT ")


async def wire_of(
    lib: Lib, proxy: Any, *requests: tuple[str, str, dict[str, Any]], host: str = "origin.test"
) -> Any:
    """What the answers to these requests were, and what stood on the wire; inside TLS: what came out of it."""
    with proxy_that(*tunnel(host)) as server:
        async with lib.client(proxy=proxy(server), verify=trusting()) as client:
            answers = [await client.request(method, url, **rest) for method, url, rest in requests]
        return [(one.status_code, one.text) for one in answers], server.wire


async def failure(lib: Lib, *script: Any, **options: Any) -> Any:
    """What a GET through a proxy with this script raises."""
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url("http", "a:b@"), verify=trusting()) as client:
            return await lib.caught(lambda: client.get(HTTPS + "/a", **options))


@same("a CONNECT has other field lines, or those of the request that needs it")
async def test_a_tunnel(lib: Lib) -> Any:
    own = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Own": "1"}
    return await wire_of(lib, lambda server: server.url(), ("GET", HTTPS + "/a?b", {"headers": own}))


@pytest.mark.parametrize(
    "url", [HTTPS + ":443", HTTPS + ":8443", "https://ORIGIN.test/", "https://origin.test:80"]
)
@same("a CONNECT names the origin in another form")
async def test_what_a_connect_names(lib: Lib, url: str) -> Any:
    return await wire_of(lib, lambda server: server.url(), ("GET", url, {}))


@same("an internationalised name goes out as another one")
async def test_an_internationalised_name(lib: Lib) -> Any:
    host = "xn--bcher-kva.test"
    return await wire_of(lib, lambda server: server.url(), ("GET", "https://bücher.test/", {}), host=host)


@same("the brackets of an address are left out", differs="An IPv6 address stands in brackets")
async def test_an_ipv6_address(lib: Lib) -> Any:
    return await wire_of(lib, lambda server: server.url(), ("GET", "https://[::1]/", {}), host="::1")


@same("the credentials of the proxy's URL are not in the CONNECT")
async def test_credentials_for_a_tunnel(lib: Lib) -> Any:
    return await wire_of(lib, lambda server: server.url("http", "us%40er:p%3Ass@"), ("GET", HTTPS, {}))


@same("headers of a Proxy are not in the CONNECT, stand elsewhere, or get to the origin")
async def test_headers_for_a_tunnel(lib: Lib) -> Any:
    def proxy(server: Any) -> Any:
        headers = [("X-b", "1"), ("x-A", "2"), ("X-b", "3")]
        return lib.httpx.Proxy(server.url("http", "a:b@"), headers=headers)

    return await wire_of(lib, proxy, ("GET", HTTPS, {}))


@same("headers of a Proxy do not replace those that a CONNECT has by itself")
async def test_headers_of_a_proxy_replace_the_defaults(lib: Lib) -> Any:
    def proxy(server: Any) -> Any:
        return lib.httpx.Proxy(server.url(), headers={"accept": "text/plain", "HOST": "other.test"})

    return await wire_of(lib, proxy, ("GET", HTTPS, {}))


@same("contents in a tunnel are framed in another way, or need another tunnel")
async def test_contents_in_a_tunnel(lib: Lib) -> Any:
    return await wire_of(
        lib,
        lambda server: server.url(),
        ("POST", HTTPS + "/json", {"json": [1]}),
        ("POST", HTTPS + "/chunked", {"content": lib.world.pieces([b"abc", b"def"])}),
        ("GET", HTTPS + "/last", {}),
    )


@same("origins share a tunnel, or one does not keep its own")
async def test_tunnels_belong_to_an_origin(lib: Lib) -> Any:
    with proxy_that(*tunnel()) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            for url in (HTTPS, HTTPS + ":8443", HTTPS + "/again"):
                await client.get(url)
        return server.connections


@same("a 1xx in front of the answer to a CONNECT is taken for the answer")
async def test_informational_responses_before_a_tunnel(lib: Lib) -> Any:
    answer = b"HTTP/1.1 102 Processing\r\n\r\n" + ESTABLISHED
    with proxy_that(CONNECT, send(answer), *tunnel()[2:]) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            return (await client.get(HTTPS)).text


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content", "299 Whatever"])
@same("another success than 200 makes no tunnel, or has content")
async def test_every_success_makes_a_tunnel(lib: Lib, status: str) -> Any:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode()
    with proxy_that(CONNECT, send(answer), *tunnel()[2:]) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            return (await client.get(HTTPS)).text


@pytest.mark.parametrize("status", ["300 Many", "302 Found", "403 Forbidden", "407 Who", "500 Oh", "599 "])
@same("a proxy that does not connect is no ProxyError, or its content becomes an answer")
async def test_a_refused_tunnel(lib: Lib, status: str) -> Any:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nLocation: /\r\n\r\nno".encode()
    return await failure(lib, CONNECT, send(answer))


@same("the message of a ProxyError has no status or no reason")
async def test_the_message_of_a_refusal(lib: Lib) -> Any:
    with proxy_that(CONNECT, send(b"HTTP/1.1 418 I am a teapot\r\n\r\n")) as server:
        async with lib.client(proxy=server.url()) as client:
            try:
                await client.get(HTTPS)
            except lib.httpx.ProxyError as exc:
                return str(exc).endswith("418 I am a teapot"), str(exc.request.url)


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\nA: "])
@same("a proxy that leaves without an answer raises something else")
async def test_an_end_instead_of_an_answer(lib: Lib, part: bytes) -> Any:
    return await failure(lib, CONNECT, send(part), fin())


@same("a reset of the proxy raises something else")
async def test_a_reset_instead_of_an_answer(lib: Lib) -> Any:
    return await failure(lib, CONNECT, reset())


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"\x16\x03\x03\x00\x05hello"]
)
@same("an answer that is no HTTP raises something else")
async def test_an_answer_that_is_no_http(lib: Lib, answer: bytes) -> Any:
    return await failure(lib, CONNECT, send(answer), fin())


@same("a 101 makes a tunnel")
async def test_a_switch_instead_of_an_answer(lib: Lib) -> Any:
    outcome = await failure(lib, CONNECT, send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), expect_end())
    return outcome[0]  # that it fails


@same("bytes behind the answer get lost", differs="bytes that a proxy sends behind its answer to a CONNECT")
async def test_bytes_in_front_of_the_handshake(lib: Lib) -> Any:
    return await failure(lib, CONNECT, send(ESTABLISHED + b"early"), *tunnel()[2:])


@same(
    "the read timeout counts for a CONNECT", differs="The connect timeout counts for all that makes a tunnel"
)
async def test_a_silent_proxy(lib: Lib) -> Any:
    timeout = lib.httpx.Timeout(5.0, read=0.2, connect=0.1)
    return await failure(lib, CONNECT, sleep(0.4), timeout=timeout)


@same("the TLS handshake in a tunnel has no limit, or raises something else")
async def test_a_silent_origin(lib: Lib) -> Any:
    return await failure(
        lib, CONNECT, send(ESTABLISHED), sleep(0.4), timeout=lib.httpx.Timeout(5.0, connect=0.1)
    )


@same("an origin that cannot be verified in a tunnel raises something else, or is told the request")
async def test_a_wrong_certificate_in_a_tunnel(lib: Lib) -> Any:
    script = [CONNECT, send(ESTABLISHED), start_tls(authority().server_context("other.test")), serve()]
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            caught = await lib.caught(lambda: client.get(HTTPS + "/secret"))
        return caught, server.wire


@same("without verification a tunnel verifies")
async def test_no_verification_in_a_tunnel(lib: Lib) -> Any:
    script = [CONNECT, send(ESTABLISHED), start_tls(authority().server_context("other.test")), serve()]
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url(), verify=False) as client:
            return (await client.get(HTTPS + "/a")).text


@same("sni_hostname is of no account in a tunnel", differs="`sni_hostname` is for the origin")
async def test_another_name_for_tls(lib: Lib) -> Any:
    script = [CONNECT, *tunnel()[1:]]
    with proxy_that(*script) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            return (await client.get("https://127.0.0.1/a", extensions={"sni_hostname": "origin.test"})).text


@same("the target extension is what a CONNECT asks for", differs="The `target` extension is for the origin")
async def test_the_target_extension_in_a_tunnel(lib: Lib) -> Any:
    request = ("OPTIONS", HTTPS, {"extensions": {"target": b"*"}})
    return await wire_of(lib, lambda server: server.url(), request)


@same("TLS inside TLS does not work, or one of its layers has the other's settings")
async def test_a_tunnel_through_an_https_proxy(lib: Lib) -> Any:
    with proxy_that(*tunnel(), secure=True) as server:
        proxy = lib.httpx.Proxy(server.url("https", "a:b@"), ssl_context=trusting())
        async with lib.client(proxy=proxy, verify=trusting()) as client:
            texts = [(await client.get(HTTPS + f"/{number}")).text for number in range(3)]
            content = (await client.post(HTTPS, content=bytes(300_000))).text
        async with lib.client(proxy=proxy, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
            unverified = await lib.caught(lambda: client.get(HTTPS))
        return texts, content, unverified, server.connections, server.wire[0].partition(b"GET /1")[0]


@same("the stream of a tunnel tells something else about itself")
async def test_the_network_stream_of_a_tunnel(lib: Lib) -> Any:
    with proxy_that(*tunnel()) as server:
        async with lib.client(proxy=server.url(), verify=trusting()) as client:
            response = await client.get(HTTPS)
            stream = response.extensions["network_stream"]
            tls = stream.get_extra_info("ssl_object")
            address = stream.get_extra_info("server_addr")
            return (
                tls.version(),
                tls.server_hostname,
                tls.selected_alpn_protocol(),
                address == ("127.0.0.1", server.port),
            )


@same("the events of a tunnel have other names")
async def test_events_of_a_tunnel(lib: Lib) -> Any:
    good, refused = Recorder(lib), Recorder(lib)
    with proxy_that(*tunnel()) as server, proxy_that(CONNECT, send(b"HTTP/1.1 403 No\r\n\r\n")) as refusing:
        async with lib.client(proxy=server.url("http", "a:b@"), verify=trusting()) as client:
            await client.get(HTTPS, extensions={"trace": good.extension})
        async with lib.client(proxy=refusing.url()) as client:
            await lib.caught(lambda: client.get(HTTPS, extensions={"trace": refused.extension}))
    connect = good.info("http11.send_request_headers.started")["request"]
    start_tls = good.info("proxy.start_tls.started")
    return (
        good.names,
        refused.names,
        (connect.method, connect.url.target, connect.headers),
        (start_tls["server_hostname"], start_tls["timeout"]),
    )


@same("the debug log says something else of a tunnel")
async def test_the_debug_log_of_a_tunnel(lib: Lib, caplog: pytest.LogCaptureFixture) -> Any:
    caplog.clear()
    with caplog.at_level("DEBUG"), proxy_that(*tunnel()) as server:
        async with lib.client(proxy=server.url("http", "a:b@"), verify=trusting()) as client:
            await client.get(HTTPS)
            records = list(caplog.records)  # closing an idle connection is no request's
    return [
        (one.name.rpartition(".")[2], one.getMessage().partition(" ")[0])
        for one in records
        if one.name.startswith(("httpcore.", "httpstream."))
    ]


@same("a redirect from http to https takes the proxy's credentials along, or the wrong way")
async def test_a_redirect_into_a_tunnel(lib: Lib) -> Any:
    def step(peer: Any) -> None:
        if peer.number == 0:
            expect_request("GET http://origin.test/a")(peer)
            send(b"HTTP/1.1 301 Moved\r\nLocation: https://origin.test/b\r\nContent-Length: 0\r\n\r\n")(peer)
        else:
            for one in tunnel():
                one(peer)

    with proxy_that(step) as server:
        options = {"follow_redirects": True, "auth": ("own", "secret"), "verify": trusting()}
        async with lib.client(proxy=server.url("http", "a:b@"), **options) as client:
            response = await client.get("http://origin.test/a", headers={"X-Own": "1"})
        return response.text, [plain(one) for one in response.history], server.wire


@same("a failed tunnel leaves the client unusable")
async def test_a_client_goes_on_after_a_refusal(lib: Lib) -> Any:
    def step(peer: Any) -> None:
        script = [CONNECT, send(b"HTTP/1.1 502 Bad\r\n\r\n")] if peer.number == 0 else tunnel()
        for one in script:
            one(peer)

    limits = lib.httpx.Limits(max_connections=1)
    with proxy_that(step) as server:
        async with lib.client(proxy=server.url(), verify=trusting(), limits=limits) as client:
            first = await lib.caught(lambda: client.get(HTTPS))
            with contextlib.suppress(Exception):
                await client.get(HTTPS)
            return first, (await client.get(HTTPS)).text
