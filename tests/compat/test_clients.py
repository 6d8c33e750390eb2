"""Clients themselves: their life, their settings, their hooks, the transports that they go through, and their log."""

from __future__ import annotations

import logging
import os
from typing import Any
from unittest import mock

import pytest

from tests.compat.harness import Lib, answering, patched, same
from tests.compat.site import answer

# -- life ------------------------------------------------------------------------------------------


@same("a client can be used after it was closed")
async def test_a_closed_client_sends_nothing(lib: Lib) -> Any:
    client = lib.client()
    before = client.inner.is_closed
    await client.close()
    after = client.inner.is_closed
    return before, after, await lib.caught(lambda: client.inner.get(lib.site.url + "/")), lib.site.wire


@same("closing a client twice raises")
async def test_closing_twice(lib: Lib) -> Any:
    client = lib.client()
    await client.close()
    await client.close()
    return client.inner.is_closed


@same("a client can be entered twice")
async def test_entering_twice(lib: Lib) -> Any:
    async with lib.client() as client:
        async with client:
            pass


@same("a client can be entered after it was closed")
async def test_entering_a_closed_client(lib: Lib) -> Any:
    client = lib.client()
    await client.close()
    async with client:
        pass


@same("a client can be entered after it has sent a request")
async def test_entering_a_used_client(lib: Lib) -> Any:
    client = lib.client()
    await client.get(lib.site.url + "/")
    try:
        async with client:
            pass
    finally:
        await client.close()


@same("a client needs a with block")
async def test_a_client_without_a_block(lib: Lib) -> Any:
    client = lib.client()
    try:
        return (await client.get(lib.site.url + "/")).text, client.inner.is_closed
    finally:
        await client.close()


@same("a with block leaves its client open")
async def test_a_block_closes_its_client(lib: Lib) -> Any:
    async with lib.client() as client:
        inside = client.inner.is_closed
    return inside, client.inner.is_closed


@same("connections are not kept between requests")
async def test_connections_are_kept(lib: Lib) -> Any:
    async with lib.client() as client:
        for _ in range(3):
            await client.get(lib.site.url + "/")
    return lib.site.connections


@same("Connection: close of a response is not heeded")
async def test_a_connection_that_the_server_closes(lib: Lib) -> Any:
    lib.site.on("/a", answer("200 OK", "Connection: close"))
    async with lib.client() as client:
        for _ in range(2):
            await client.get(lib.site.url + "/a")
    return lib.site.connections


@same("Limits(max_keepalive_connections=0) keeps connections")
async def test_keeping_no_connection(lib: Lib) -> Any:
    async with lib.client(limits=lib.httpx.Limits(max_keepalive_connections=0)) as client:
        for _ in range(2):
            await client.get(lib.site.url + "/")
    return lib.site.connections


# -- settings --------------------------------------------------------------------------------------


@same("a client has other defaults")
def test_the_defaults_of_a_client(httpx: Any) -> Any:
    with httpx.Client() as client:
        return (
            client.auth,
            client.base_url,
            client.cookies,
            client.params,
            client.timeout,
            client.trust_env,
            client.follow_redirects,
            client.max_redirects,
            client.event_hooks,
            [name for name, _ in client.headers.multi_items()],
        )


@same("trust_env is not remembered")
def test_trust_env_can_be_asked_for(httpx: Any) -> Any:
    return httpx.Client(trust_env=False).trust_env, httpx.AsyncClient(trust_env=True).trust_env


@same("the timeout of a client cannot be set to a number or a tuple")
def test_the_timeout_of_a_client_can_be_set(httpx: Any) -> Any:
    client = httpx.Client(timeout=1.0)
    seen = [client.timeout]
    for value in (None, 2, (1.0, 2.0), httpx.Timeout(5, pool=1)):
        client.timeout = value
        seen.append(client.timeout)
    return seen


@pytest.mark.parametrize("value", [("user", "pass"), None, lambda request: request])
@same("auth= becomes an object of another class")
def test_the_auth_of_a_client(httpx: Any, value: Any) -> Any:
    return type(httpx.Client(auth=value).auth).__name__


@pytest.mark.parametrize("value", ["user", 5, ["user", "pass"]])
@same("auth= of another type raises something else")
def test_an_auth_of_another_type(httpx: Any, value: Any) -> Any:
    return httpx.Client(auth=value)


@same("a tuple of one is taken for a user and a password", differs="a tuple that is no pair")
def test_an_auth_that_is_no_pair(httpx: Any) -> Any:
    return httpx.Client(auth=("user",))


@pytest.mark.parametrize("options", [{"nope": 1}, {"proxies": {}}, {"app": None}])
@same("an unknown argument of a client is ignored")
def test_unknown_arguments(httpx: Any, options: Any) -> Any:
    return httpx.Client(**options)


@same("positional arguments are accepted")
def test_arguments_are_keywords(httpx: Any) -> Any:
    return httpx.Client(None)


@same("http2=True works without its package")
def test_http2_needs_its_package(httpx: Any) -> Any:
    with mock.patch.dict("sys.modules", {"h2": None}):
        return httpx.Client(http2=True)


# -- event hooks -----------------------------------------------------------------------------------


def hook_into(lib: Lib, seen: list[Any], kind: str) -> Any:
    def hook(message: Any) -> None:
        seen.append((kind, message))

    async def async_hook(message: Any) -> None:
        hook(message)

    return async_hook if lib.is_async else hook


@same("hooks are called in another order, or not for each redirect")
async def test_hooks_see_each_request_and_response(lib: Lib) -> Any:
    seen: list[Any] = []
    hooks = {
        kind: [hook_into(lib, seen, f"{kind} {number}") for number in range(2)]
        for kind in ("request", "response")
    }
    lib.site.on("/a", answer("302 Found", "Location: /b"))
    async with lib.client(event_hooks=hooks, follow_redirects=True) as client:
        await client.get(lib.site.url + "/a")
    return seen


@same("a response hook gets a response that was read")
async def test_a_response_hook_gets_an_unread_response(lib: Lib) -> Any:
    seen: list[Any] = []

    def look(response: Any) -> None:
        seen.append(
            (
                response.is_closed,
                response.is_stream_consumed,
                response.request,
                response.history,
                response.headers.raw,
            )
        )

    async def alook(response: Any) -> None:
        look(response)

    async with lib.client(event_hooks={"response": [alook if lib.is_async else look]}) as client:
        await client.get(lib.site.url + "/")
    return seen


@same("a response hook cannot read the response")
async def test_a_response_hook_can_read(lib: Lib) -> Any:
    async def aread(response: Any) -> None:
        await response.aread()

    async with lib.client(
        event_hooks={"response": [aread if lib.is_async else lambda one: one.read()]}
    ) as client:
        async with client.stream("GET", lib.site.url + "/") as response:
            return response.text, response.is_closed


@same("a request hook cannot change the request")
async def test_a_request_hook_can_change_the_request(lib: Lib) -> Any:
    def change(request: Any) -> None:
        request.headers["X-Hook"] = "1"

    async def achange(request: Any) -> None:
        change(request)

    async with lib.client(event_hooks={"request": [achange if lib.is_async else change]}) as client:
        await client.get(lib.site.url + "/")
    return lib.site.wire


@pytest.mark.parametrize("kind", ["request", "response"])
@same("what a hook raises is changed on its way, or leaves a connection open")
async def test_a_hook_may_raise(lib: Lib, kind: str) -> Any:
    def refuse(message: Any) -> None:
        raise KeyError(kind)

    async def arefuse(message: Any) -> None:
        refuse(message)

    async with lib.client(event_hooks={kind: [arefuse if lib.is_async else refuse]}) as client:
        result = await lib.caught(lambda: client.inner.get(lib.site.url + "/"))
        client.inner.event_hooks = {}
        return result, (await client.get(lib.site.url + "/")).text, len(lib.site.wire)


@same("raise_for_status in a hook does not reach the caller")
async def test_a_hook_that_checks_the_status(lib: Lib) -> Any:
    async def acheck(response: Any) -> None:
        response.raise_for_status()

    lib.site.on("/a", answer("404 Not Found"))
    hooks = {"response": [acheck if lib.is_async else lambda one: one.raise_for_status()]}
    async with lib.client(event_hooks=hooks) as client:
        await client.get(lib.site.url + "/a")


@same("event_hooks is a copy that cannot be added to")
async def test_hooks_can_be_added(lib: Lib) -> Any:
    seen: list[Any] = []
    async with lib.client() as client:
        client.inner.event_hooks["request"].append(hook_into(lib, seen, "added"))
        await client.get(lib.site.url + "/")
    return seen, sorted(client.inner.event_hooks)


@same("hooks of an unknown kind are an error")
def test_hooks_of_unknown_kinds(httpx: Any) -> Any:
    return httpx.Client(event_hooks={"other": [print]}).event_hooks


# -- transports ------------------------------------------------------------------------------------


@same("transport= is not used for every request")
async def test_a_transport_of_ones_own(lib: Lib) -> Any:
    transport = answering(
        lib, lambda request: lib.httpx.Response(200, text=f"{request.method} {request.url}")
    )
    async with lib.client(transport=transport) as client:
        return (await client.get("https://example.org/x")).text, client.inner._transport is transport


@same("a transport is neither entered nor left with its client")
async def test_a_transport_is_entered_and_left(lib: Lib) -> Any:
    seen: list[str] = []
    transport = answering(lib, lambda request: lib.httpx.Response(200))
    for name in ("__aenter__", "__aexit__", "aclose") if lib.is_async else ("__enter__", "__exit__", "close"):
        original = getattr(type(transport), name)

        def noted(self: Any, *args: Any, name: str = name, original: Any = original) -> Any:
            seen.append(name)
            return original(self, *args)

        setattr(type(transport), name, noted)
    async with lib.client(transport=transport) as client:
        await client.get("http://host/")
    other = lib.client(transport=transport)
    await other.close()
    return seen


@same("mounted transports are chosen by another rule")
async def test_mounts(lib: Lib) -> Any:
    def named(name: str) -> Any:
        return answering(lib, lambda request: lib.httpx.Response(200, text=name))

    mounts = {
        "all://": named("all"),
        "https://": named("https"),
        "all://example.org": named("host"),
        "all://*.example.org": named("subdomains"),
        "http://example.org:8080": named("port"),
        "all://other": None,
    }
    urls = ["http://x/", "https://x/", "http://example.org/", "https://example.org/", "http://a.example.org/"]
    urls += ["http://example.org:8080/", "https://example.org:8080/", "http://other/"]
    async with lib.client(transport=named("own"), mounts=mounts) as client:
        texts = [(await client.get(url)).text for url in urls]
        patterns = [pattern.pattern for pattern in client.inner._mounts]
    return texts, patterns


@same("_transport_for_url is not asked, or gives another transport")
async def test_the_transport_for_a_url(lib: Lib) -> Any:
    mounted = answering(lib, lambda request: lib.httpx.Response(200, text="mounted"))
    own = answering(lib, lambda request: lib.httpx.Response(200, text="own"))
    async with lib.client(transport=own, mounts={"all://a": mounted, "all://b": None}) as client:
        find = client.inner._transport_for_url
        found = [find(lib.httpx.URL(url)) for url in ("http://a/", "http://b/", "http://c/")]
        with patched(type(client.inner), "_transport_for_url", lambda self, url: mounted):
            text = (await client.get("http://c/")).text
    return [one is own for one in found], text


@same("a mounted transport is not closed with its client")
async def test_mounted_transports_are_closed(lib: Lib) -> Any:
    closed: list[str] = []
    mounted = answering(lib, lambda request: lib.httpx.Response(200))

    async def aclose() -> None:
        closed.append("closed")

    mounted.aclose, mounted.close = aclose, lambda: closed.append("closed")
    client = lib.client(mounts={"all://a": mounted})
    await client.close()
    return closed


@same("a pattern without :// is accepted")
def test_a_mount_that_is_no_pattern(httpx: Any) -> Any:
    return httpx.Client(mounts={"example.org": None})


@same("handle_request is looked up when the client is made")
async def test_instrumentation_of_the_transport_class(lib: Lib) -> Any:
    seen: list[Any] = []
    cls, name = (
        (lib.httpx.AsyncHTTPTransport, "handle_async_request")
        if lib.is_async
        else (lib.httpx.HTTPTransport, "handle_request")
    )
    original = getattr(cls, name)

    def instrumented(self: Any, request: Any) -> Any:
        seen.append(request)
        return original(self, request)

    async with lib.client() as client:
        with patched(cls, name, instrumented):
            response = await client.get(lib.site.url + "/")
    return seen, response.text


@same("a transport of the other world is used")
async def test_a_transport_of_the_other_world(lib: Lib) -> Any:
    other = lib.httpx.BaseTransport() if lib.is_async else lib.httpx.AsyncBaseTransport()
    client = lib.client(transport=other)
    await client.get("http://host/")


@same("send(stream=True) reads the response")
async def test_sending_without_reading(lib: Lib) -> Any:
    async with lib.client() as client:
        response = await client.send(client.inner.build_request("GET", lib.site.url + "/"), stream=True)
        before = response.is_closed
        content = await response.aread() if lib.is_async else response.read()
    return before, content, response.is_closed


# -- the environment -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {"HTTP_PROXY": "http://127.0.0.1:9"},
        {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "example.org,.internal,10.0.0.1"},
        {"ALL_PROXY": "127.0.0.1:9", "NO_PROXY": "*"},
        {"http_proxy": "http://127.0.0.1:9", "no_proxy": "localhost,::1"},
        {},
    ],
)
@same("a client takes other proxies from the environment")
async def test_proxies_of_the_environment(lib: Lib, environment: dict[str, str]) -> Any:
    with mock.patch.dict(os.environ, environment, clear=True):
        trusting, other = lib.client(trust_env=True), lib.client(trust_env=False)
    found = [
        sorted((pattern.pattern, transport is None) for pattern, transport in one.inner._mounts.items())
        for one in (trusting, other)
    ]
    await trusting.close()
    await other.close()
    return found


@same("a proxy of the environment is used beside a transport of one's own")
async def test_a_transport_of_ones_own_and_the_environment(lib: Lib) -> Any:
    with mock.patch.dict(os.environ, {"ALL_PROXY": "http://127.0.0.1:9"}):
        client = lib.client(trust_env=True, transport=answering(lib, lambda request: lib.httpx.Response(204)))
    async with client:
        return (await client.get("http://host/")).status_code, len(client.inner._mounts)


# -- the log ---------------------------------------------------------------------------------------


@same("a request writes another INFO record, or several")
async def test_the_log_line(lib: Lib, caplog: pytest.LogCaptureFixture) -> Any:
    caplog.clear()
    lib.site.on("/a", answer("302 Found", "Location: /b"))
    with caplog.at_level(logging.INFO):
        async with lib.client(follow_redirects=True) as client:
            await client.get(lib.site.url + "/a?b=c#d")
    return [
        (one.name, one.levelname, one.getMessage()) for one in caplog.records if one.levelno >= logging.INFO
    ]


@same("a failed request writes a record")
async def test_the_log_of_a_failure(lib: Lib, caplog: pytest.LogCaptureFixture) -> Any:
    caplog.clear()
    with caplog.at_level(logging.INFO):
        async with lib.client() as client:
            await lib.caught(lambda: client.inner.get("http://127.0.0.1:1/"))
    return len(caplog.records)


# -- the top level ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["get", "options", "head", "delete", "post", "put", "patch"])
@same("a function of the top level sends something else than its client")
async def test_the_functions_of_the_top_level(lib: Lib, verb: str) -> Any:
    response = getattr(lib.httpx, verb)(
        lib.site.url + "/", headers={"X-A": "1"}, params={"a": "1"}, cookies={"c": "1"}, trust_env=False
    )
    return response.status_code, response.is_closed, lib.site.wire


@same("httpx.request loses an argument")
async def test_request_of_the_top_level(lib: Lib) -> Any:
    lib.site.on("/a", answer("307 T", "Location: /b"))
    response = lib.httpx.request(
        "POST",
        lib.site.url + "/a",
        data={"a": "1"},
        auth=("u", "p"),
        follow_redirects=True,
        timeout=5,
        trust_env=False,
    )
    return response.url, response.history, lib.site.wire


@same("httpx.stream gives a response that was read")
async def test_stream_of_the_top_level(lib: Lib) -> Any:
    with lib.httpx.stream("GET", lib.site.url + "/", trust_env=False, auth=("u", "p")) as response:
        before = response.is_closed
        content = b"".join(response.iter_bytes())
    return before, content, response.is_closed, lib.site.wire


@same("extensions= is an argument of the top level")
async def test_the_top_level_has_no_extensions(lib: Lib) -> Any:
    lib.httpx.get(lib.site.url + "/", extensions={})
