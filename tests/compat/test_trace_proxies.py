"""The request extension `trace` and the log when a proxy stands in between."""

from __future__ import annotations

import logging
from typing import Any

from tests.compat.harness import Lib, same
from tests.compat.hops import connect, hop, socks5
from tests.compat.secure import authority, secure_site
from tests.compat.site import answer
from tests.compat.test_logs import logging_at
from tests.compat.tracing import Recorder


@same("the request of an event other than what is sent to a proxy")
async def test_a_forwarded_request_is_traced_as_the_proxy_gets_it(lib: Lib) -> Any:
    trace = Recorder(lib)
    proxy = lib.site.url.replace("://", "://user:pass@")
    async with lib.client(proxy=proxy) as client:
        await client.get("http://host.invalid/a", extensions={"trace": trace.extension})
    connected = trace.info("connection.connect_tcp.started")
    request = trace.info("http11.send_request_headers.started")["request"]
    return (
        trace.names,
        sorted(connected),
        connected["port"] == lib.site.port,
        request.url.target,
        [name for name, _ in request.headers],
    )


@same("the steps of a tunnel other, or the TLS in it told as the connection's")
async def test_a_tunnel_is_traced_step_by_step(lib: Lib) -> Any:
    trace = Recorder(lib)
    with secure_site() as site, hop(connect) as proxy:
        async with lib.client(
            proxy=f"http://127.0.0.1:{proxy.port}", verify=authority().client_context()
        ) as client:
            await client.get(site.url, extensions={"trace": trace.extension})
        asked = trace.info("http11.send_request_headers.started")["request"]
        started = trace.info("proxy.start_tls.started")
        return (
            trace.names,
            asked.method,
            asked.url.target == b"127.0.0.1:%d" % site.port,
            [name for name, _ in asked.headers],
            sorted(started),
            started["server_hostname"],
        )


@same("a tunnel that is refused told otherwise")
async def test_a_refused_tunnel_is_traced(lib: Lib) -> Any:
    trace = Recorder(lib)
    lib.site.on("host.invalid:443", answer("403 Forbidden"))
    async with lib.client(proxy=lib.site.url) as client:
        caught = await lib.caught(
            lambda: client.get("https://host.invalid/", extensions={"trace": trace.extension})
        )
    return caught, trace.names[:8]


@same("the steps of SOCKS5 told otherwise, or with other keys")
async def test_a_socks_proxy_is_traced_step_by_step(lib: Lib) -> Any:
    trace = Recorder(lib)
    with hop(socks5) as proxy:
        async with lib.client(proxy=f"socks5://user:pass@127.0.0.1:{proxy.port}") as client:
            await client.get(lib.site.url, extensions={"trace": trace.extension})
        setup = trace.info("socks.setup_socks5_connection.started")
        return (
            trace.names,
            sorted(trace.info("socks.connect_tcp.started")),
            list(setup),
            setup["host"],
            setup["port"] == lib.site.port,
            proxy.told,
        )


@same(
    "the credentials for a SOCKS proxy in the log",
    differs="the credentials for a proxy are `[secure]` in them",
)
async def test_the_debug_records_show_no_credentials_of_a_socks_proxy(lib: Lib) -> Any:
    with hop(socks5) as proxy, logging_at(lib, logging.DEBUG) as log:
        async with lib.client(proxy=f"socks5://user:secret@127.0.0.1:{proxy.port}") as client:
            await client.get(lib.site.url)
    return [line for line in log.lines if "secret" in line]


@same("the credentials for an http proxy in the log")
async def test_the_debug_records_show_no_credentials_of_an_http_proxy(lib: Lib) -> Any:
    with secure_site() as site, hop(connect) as proxy, logging_at(lib, logging.DEBUG) as log:
        async with lib.client(
            proxy=f"http://user:secret@127.0.0.1:{proxy.port}", verify=authority().client_context()
        ) as client:
            await client.get(site.url)
            await lib.caught(lambda: client.get("https://127.0.0.1:1/"))
    return [line for line in log.lines if "secret" in line or "dXNlcjpzZWNyZXQ" in line]
