"""Through an http proxy that forwards: both libraries must write the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.proxying import HTTP, forwards, proxy_that, trusting
from tests.compat.site import answer
from tests.compat.tracing import Recorder
from tests.servers.proxies import free_port
from tests.servers.steps import expect_request, fin, reset, send, serve


async def wire_of(lib: Lib, proxy: Any, *requests: tuple[str, str, dict[str, Any]], **options: Any) -> Any:
    """What the answers to these requests were, and what stood on the wire. proxy: from the server's address."""
    with forwards() as server:
        async with lib.client(proxy=proxy(server), **options) as client:
            answers = [await client.request(method, url, **rest) for method, url, rest in requests]
        return [(one.status_code, one.text) for one in answers], server.wire


@same("a forwarded request has its target in origin form")
async def test_a_forwarded_request(lib: Lib) -> Any:
    return await wire_of(lib, lambda server: server.url(), ("GET", HTTP + "/a/b?c=d&e=%20f#g", {}))


@pytest.mark.parametrize(
    "url",
    [
        "http://origin.test",
        "http://origin.test:80/",
        "http://origin.test:8080/a b",
        "http://ORIGIN.test/?q=ü",
        "http://bücher.test/ü",
        "http://192.0.2.1/..",
    ],
)
@same("the absolute form has another port, path or host")
async def test_the_absolute_form(lib: Lib, url: str) -> Any:
    return await wire_of(lib, lambda server: server.url(), ("GET", url, {}))


@pytest.mark.parametrize(
    "userinfo", ["user:pass@", "user@", ":pass@", "us%20er:p%40ss%3A@", "%C3%BC:%E2%82%AC@"]
)
@same("Proxy-Authorization is made of other bytes, or stands elsewhere")
async def test_credentials_in_the_proxys_url(lib: Lib, userinfo: str) -> Any:
    return await wire_of(lib, lambda server: server.url("http", userinfo), ("GET", HTTP, {}))


@same("the auth of a Proxy is not sent, or its URL's credentials count less")
async def test_credentials_of_a_proxy_object(lib: Lib) -> Any:
    def first(server: Any) -> Any:
        return lib.httpx.Proxy(server.url(), auth=("user", "pä:ss"))

    def second(server: Any) -> Any:
        return lib.httpx.Proxy(server.url("http", "of:url@"), auth=("of", "auth"))

    return await wire_of(lib, first, ("GET", HTTP, {})), await wire_of(lib, second, ("GET", HTTP, {}))


@same("headers of a Proxy are sent in another order or case, or without the credentials in front")
async def test_headers_of_a_proxy(lib: Lib) -> Any:
    def proxy(server: Any) -> Any:
        headers = [("X-Second", "2"), ("x-FIRST", "1"), ("X-Second", "3")]
        return lib.httpx.Proxy(server.url("http", "a:b@"), headers=headers)

    return await wire_of(lib, proxy, ("GET", HTTP, {}), ("POST", HTTP, {"content": b"x"}))


@same("a header of the proxy wins over one of the request")
async def test_a_header_of_the_request_replaces_the_proxys(lib: Lib) -> Any:
    def proxy(server: Any) -> Any:
        return lib.httpx.Proxy(
            server.url("http", "a:b@"), headers={"X-Both": "proxy", "accept": "proxy/proxy"}
        )

    headers = {"x-both": "own", "Proxy-Authorization": "Basic own"}
    return await wire_of(lib, proxy, ("GET", HTTP, {"headers": headers}))


@same("the content of a forwarded request is framed in another way")
async def test_contents_are_forwarded(lib: Lib) -> Any:
    pieces = lib.world.pieces([b"abc", b"", b"def"])
    return await wire_of(
        lib,
        lambda server: server.url(),
        ("POST", HTTP + "/json", {"json": {"a": 1}}),
        ("PUT", HTTP + "/form", {"data": {"a": "b"}}),
        ("POST", HTTP + "/chunked", {"content": pieces}),
        ("DELETE", HTTP + "/none", {}),
        ("HEAD", HTTP + "/head", {}),
    )


@same("the credentials for an origin are not sent through a proxy, or go to the proxy")
async def test_auth_and_cookies_through_a_proxy(lib: Lib) -> Any:
    options = {"auth": ("own", "secret"), "cookies": {"a": "b"}}
    return await wire_of(lib, lambda server: server.url("http", "p:q@"), ("GET", HTTP, {}), **options)


@same("the target extension is put into absolute form")
async def test_the_target_extension_is_the_whole_target(lib: Lib) -> Any:
    requests = [
        ("OPTIONS", HTTP, {"extensions": {"target": target}}) for target in (b"*", b"http://other.test/x")
    ]
    return await wire_of(lib, lambda server: server.url(), *requests)


@same("two origins share a connection to the proxy, or one does not keep its own")
async def test_connections_to_a_proxy_belong_to_an_origin(lib: Lib) -> Any:
    with forwards() as server:
        async with lib.client(proxy=server.url()) as client:
            for url in (HTTP, "http://second.test", HTTP + "/again", HTTP + ":81"):
                await client.get(url)
        return server.connections


@same("the proxy's own answer becomes an exception")
async def test_a_refusal_of_a_forwarding_proxy_is_a_response(lib: Lib) -> Any:
    refusal = answer("407 Proxy Authentication Required", "Proxy-Authenticate: Basic", content=b"who?")
    with proxy_that(expect_request("GET"), send(refusal)) as server:
        async with lib.client(proxy=server.url("http", "a:b@")) as client:
            response = await client.get(HTTP)
    return response.status_code, response.reason_phrase, response.text, str(response.url), response.headers


@pytest.mark.parametrize("end", [fin, reset])
@same("the end of a proxy's connection becomes another exception")
async def test_a_forwarding_proxy_that_leaves(lib: Lib, end: Any) -> Any:
    with proxy_that(expect_request("GET"), end()) as server:
        async with lib.client(proxy=server.url()) as client:
            return await lib.caught(lambda: client.get(HTTP + "/a"))


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
@pytest.mark.parametrize("url", [HTTP, "https://origin.test"])
@same("a proxy that is not there becomes another exception than one of connecting")
async def test_a_proxy_that_is_not_there(lib: Lib, scheme: str, url: str) -> Any:
    async with lib.client(proxy=f"{scheme}://user:secret@127.0.0.1:{free_port()}") as client:
        return await lib.caught(lambda: client.get(url))


@same("path, query and fragment of a proxy's URL are sent")
async def test_a_proxys_path_means_nothing(lib: Lib) -> Any:
    return await wire_of(lib, lambda server: server.url() + "/path?query#fragment", ("GET", HTTP, {}))


@pytest.mark.parametrize("form", [str, "URL", "Proxy"])
@same("a form of proxy= is not taken")
async def test_forms_of_a_proxy(lib: Lib, form: Any) -> Any:
    make = getattr(lib.httpx, form) if isinstance(form, str) else form
    with forwards() as server:
        async with lib.client(transport=lib.transport(proxy=make(server.url()))) as client:
            by_transport = (await client.get(HTTP)).text
        async with lib.client(proxy=make(server.url())) as client:
            return by_transport, (await client.get(HTTP)).text, server.wire


@pytest.mark.parametrize(
    "url", ["ftp://proxy.test", "proxy.test:8080", "//proxy.test", "", "socks4://h", "HTTP://h"]
)
@same("another scheme is taken for a proxy, or a good one refused")
async def test_schemes_of_a_proxy(lib: Lib, url: str) -> Any:
    return await lib.caught(lambda: type(lib.transport(proxy=url)).__name__)


@pytest.mark.parametrize("proxy", [3, b"http://h", ["http://h"], {"http://": "http://h"}])
@same("what cannot be a proxy is an AttributeError", differs="What is no proxy")
async def test_what_is_no_proxy(lib: Lib, proxy: Any) -> Any:
    return (
        await lib.caught(lambda: type(lib.transport(proxy=proxy)).__name__),
        await lib.caught(lambda: type(lib.client(proxy=proxy)).__name__),
    )


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
@same("a TLS context is refused for another kind of proxy than http")
async def test_a_context_for_a_proxy_without_tls(lib: Lib, scheme: str) -> Any:
    proxy = lib.httpx.Proxy(f"{scheme}://h", ssl_context=trusting())
    return await lib.caught(lambda: type(lib.transport(proxy=proxy)).__name__)


@same("what a transport is told about its own connecting counts for a proxy as well")
async def test_settings_for_connecting_do_not_count(lib: Lib) -> Any:
    """A Unix socket that is not there, an address that is not ours, new attempts."""
    trace = Recorder(lib)
    with forwards() as server:
        options = {"uds": "/nowhere", "local_address": "192.0.2.1", "proxy": server.url()}
        async with lib.client(transport=lib.transport(**options)) as client:
            text = (await client.get(HTTP)).text
    dead = f"http://127.0.0.1:{free_port()}"
    async with lib.client(transport=lib.transport(retries=3, proxy=dead)) as client:
        await lib.caught(lambda: client.get(HTTP, extensions={"trace": trace.extension}))
    return text, trace.names


@same("an https proxy is spoken to without TLS, or verified with the transport's settings")
async def test_an_https_proxy_that_forwards(lib: Lib) -> Any:
    with proxy_that(serve(), secure=True) as server:
        proxy = lib.httpx.Proxy(server.url("https", "a:b@"), ssl_context=trusting())
        async with lib.client(proxy=proxy) as client:
            text = (await client.get(HTTP + "/a")).text
        async with lib.client(proxy=server.url("https"), verify=False) as client:
            unverified = await lib.caught(lambda: client.get(HTTP + "/b"))
        async with lib.client(proxy=server.url("https"), verify=trusting()) as client:
            of_origins = await lib.caught(lambda: client.get(HTTP + "/c"))
        return text, unverified, of_origins, server.wire


@same("a redirect changes what the proxy is told, or keeps what was for the first origin")
async def test_redirects_through_a_proxy(lib: Lib) -> Any:
    def script(peer: Any) -> None:
        expect_request("GET http://origin.test/")(peer)
        send(answer("302 Found", "Location: http://second.test/b"))(peer)

    with proxy_that(script_or_serve(script)) as server:
        options = {"follow_redirects": True, "auth": ("own", "secret"), "cookies": {"a": "b"}}
        async with lib.client(proxy=server.url("http", "p:q@"), **options) as client:
            response = await client.get(HTTP + "/a", headers={"X-Own": "1"})
        return response.text, response.history, server.wire


def script_or_serve(script: Any) -> Any:
    """The script on the first connection, and answers on the others."""

    def step(peer: Any) -> None:
        (script if peer.number == 0 else serve())(peer)

    return step


@same("a mount of None goes through the proxy, or another one does not")
async def test_mounts_beside_a_proxy(lib: Lib) -> Any:
    with forwards() as default, forwards() as special:
        mounts = {
            "http://127.0.0.1": None,
            "all://special.test": lib.transport(proxy=special.url()),
            "http://mute.test:81": lib.transport(proxy=special.url()),
        }
        async with lib.client(proxy=default.url(), mounts=mounts) as client:
            urls = [HTTP, lib.site.url, "http://special.test", "http://mute.test:81", "http://mute.test"]
            texts = [(await client.get(url)).text for url in urls]
            known = [
                (str(pattern.pattern), type(one).__name__) for pattern, one in client.inner._mounts.items()
            ]
        return texts, known, default.wire, special.wire, lib.site.wire


@same("top-level functions have no proxy=, or do not use it")
def test_top_level_functions_take_a_proxy(httpx: Any) -> Any:
    with forwards() as server:
        options = {"proxy": server.url("http", "a:b@"), "trust_env": False}
        response = httpx.get(HTTP + "/get", **options)
        posted = httpx.post(HTTP + "/post", content=b"x", **options)
        with httpx.stream("GET", HTTP + "/stream", **options) as streamed:
            text = b"".join(streamed.iter_raw())
        return response.text, posted.text, text, server.wire


@same("proxies= of old releases is taken")
async def test_proxies_of_old_releases(lib: Lib) -> Any:
    return await lib.caught(lambda: lib.client(proxies={"http://": "http://h"}))


@same("the events of a forwarded request have other names")
async def test_events_of_a_forwarding_proxy(lib: Lib) -> Any:
    trace, secure = Recorder(lib), Recorder(lib)
    with forwards() as server, proxy_that(serve(), secure=True) as tls:
        async with lib.client(proxy=server.url("http", "a:b@")) as client:
            await client.get(HTTP, extensions={"trace": trace.extension})
        proxy = lib.httpx.Proxy(tls.url("https"), ssl_context=trusting())
        async with lib.client(proxy=proxy) as client:
            await client.get(HTTP, extensions={"trace": secure.extension})
    info = trace.info("connection.connect_tcp.started")
    return trace.names, sorted(info), info["host"], secure.names
