"""The extensions of requests (`target`, `sni_hostname`, `timeout`) and of responses."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.secure import authority, secure_site
from tests.compat.site import answer
from tests.compat.tracing import Recorder


@pytest.mark.parametrize("target", [b"*", b"//double//slash", b"http://other/x", b"/%zz?q={a}", b"other:443"])
@same("target not sent as it is")
async def test_a_target_is_sent_as_it_is(lib: Lib, target: bytes) -> Any:
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/path", extensions={"target": target})
    return lib.site.wire, str(response.url.copy_with(port=None))


@same("a target as text refused")
async def test_a_target_may_be_text(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get(lib.site.url, extensions={"target": "/as/text"})
    return lib.site.wire


@same("target changes where the request goes, or its Host")
async def test_a_target_changes_neither_host_nor_connection(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get(lib.site.url, extensions={"target": b"http://127.0.0.1:1/x"})
        await client.get(lib.site.url)
    return lib.site.connections, [one.field(b"host") for one in lib.site.received]


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nX: y", b"/\x00", b"/a\nb", b"/\xff", b""])
@same("a target that would not stand on one line sent")
async def test_a_target_that_breaks_the_line_is_refused(lib: Lib, target: bytes) -> Any:
    async with lib.client() as client:
        caught = await lib.caught(lambda: client.get(lib.site.url, extensions={"target": target}))
    return caught, lib.site.wire


@same("OPTIONS * not possible")
async def test_options_of_the_whole_server(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.request("OPTIONS", lib.site.url, extensions={"target": b"*"})
    return lib.site.wire


@same("sni_hostname not sent as the server name")
async def test_sni_hostname_is_the_name_that_the_server_gets(lib: Lib) -> Any:
    names: list[Any] = []
    context = authority().server_context("other.example", fresh=True)
    context.sni_callback = lambda sock, name, ctx: names.append(name)
    with secure_site(context) as site:
        async with lib.client(verify=authority().client_context()) as client:
            response = await client.get(site.url, extensions={"sni_hostname": "other.example"})
    return response.status_code, names, [one.field(b"host") == site.url[8:].encode() for one in site.received]


@same("sni_hostname not the name that the certificate must be for")
async def test_sni_hostname_is_what_the_certificate_must_be_for(lib: Lib) -> Any:
    with secure_site() as site:
        async with lib.client(verify=authority().client_context()) as client:
            caught = await lib.caught(
                lambda: client.get(site.url, extensions={"sni_hostname": "other.example"})
            )
        return caught[1], site.wire


@same("the extension timeout overruled by the client's")
async def test_the_extension_timeout_counts_before_the_clients(lib: Lib) -> Any:
    url = lib.site.on("/silent", [])
    limits = {"connect": 5.0, "read": 0.05, "write": 5.0, "pool": 5.0}
    async with lib.client(timeout=30.0) as client:
        return await lib.caught(lambda: client.get(url, extensions={"timeout": limits}))


@same("the extension timeout of a built request other than the four numbers of the client's timeout")
async def test_a_built_request_has_the_timeout_as_extension(lib: Lib) -> Any:
    async with lib.client(timeout=lib.httpx.Timeout(1.0, read=None)) as client:
        request = client.inner.build_request("GET", "http://host/", extensions={"other": 1})
        given = client.inner.build_request("GET", "http://host/", timeout=3.0)
        both = client.inner.build_request(
            "GET", "http://host/", timeout=3.0, extensions={"timeout": {"read": 9.0}}
        )
    return request.extensions, given.extensions, both.extensions


@same("a dictionary of extensions changed that belongs to the caller")
async def test_extensions_of_the_caller_are_left_alone(lib: Lib) -> Any:
    mine: dict[str, Any] = {"target": b"/x"}
    async with lib.client() as client:
        await client.get(lib.site.url, extensions=mine)
    return mine


@same("an unknown extension refused, or lost")
async def test_an_unknown_extension_is_kept_and_has_no_effect(lib: Lib) -> Any:
    async with lib.client() as client:
        response = await client.get(lib.site.url, extensions={"mine": [1]})
    return response.request.extensions["mine"], response.status_code


@pytest.mark.parametrize("line", ["HTTP/1.1 200 OK", "HTTP/1.0 299 Odd Reason", "HTTP/1.1 200 "])
@same("http_version or reason_phrase as text, or normalised")
async def test_the_status_line_is_in_the_extensions(lib: Lib, line: str) -> Any:
    url = lib.site.on("/", f"{line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    async with lib.client() as client:
        response = await client.get(url)
    return (
        [response.extensions[key] for key in ("http_version", "reason_phrase")],
        response.http_version,
        response.reason_phrase,
    )


@same("network_stream without one of httpcore's answers")
async def test_the_network_stream_knows_its_connection(lib: Lib) -> Any:
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url) as response:
            stream = response.extensions["network_stream"]
            return (
                stream.get_extra_info("server_addr") == ("127.0.0.1", lib.site.port),
                stream.get_extra_info("client_addr")[0],
                stream.get_extra_info("ssl_object"),
                stream.get_extra_info("nothing"),
                type(stream.get_extra_info("socket")).__name__ if not lib.is_async else None,
                [hasattr(stream, one) for one in ("read", "write", "close", "aclose", "start_tls")],
            )


@same("is_readable of a connection on which something waits, or nothing")
async def test_the_network_stream_says_whether_something_came(lib: Lib) -> Any:
    url = lib.site.on("/", answer("200 OK", content=b""))
    async with lib.client() as client:
        async with client.stream("GET", url) as response:
            return response.extensions["network_stream"].get_extra_info("is_readable")


@same("no ssl_object over TLS, or one without its version and certificate")
async def test_the_network_stream_gives_the_tls_object(lib: Lib) -> Any:
    with secure_site() as site:
        async with lib.client(verify=authority().client_context()) as client:
            async with client.stream("GET", site.url) as response:
                tls = response.extensions["network_stream"].get_extra_info("ssl_object")
                certificate = tls.getpeercert()
                return tls.version(), tls.cipher()[0], tls.selected_alpn_protocol(), sorted(certificate)


@same("bytes behind a 101 lost, or the stream not usable after it")
async def test_after_101_the_network_stream_reads_and_writes(lib: Lib) -> Any:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
    url = lib.site.on("/", head + b"hello")
    async with lib.client() as client:
        fields = {"Connection": "Upgrade", "Upgrade": "echo"}
        async with client.stream("GET", url, headers=fields) as response:
            stream = response.extensions["network_stream"]
            first = await lib.do(stream.read(3))
            rest = await lib.do(stream.read(100))
            await lib.do(stream.write(b"GET /after HTTP/1.1\r\nHost: a\r\n\r\n"))
            answered = await lib.do(stream.read(1000, timeout=5.0))
    return response.status_code, first, rest, answered[:15], lib.site.wire[1:]


@same(
    "a read timeout of the network stream of another class",
    differs="the exceptions of this library, where httpx lets those of httpcore out",
)
async def test_a_read_of_the_network_stream_times_out(lib: Lib) -> Any:
    url = lib.site.on("/", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    async with lib.client() as client:
        async with client.stream("GET", url, headers={"Connection": "Upgrade", "Upgrade": "x"}) as response:
            stream = response.extensions["network_stream"]
            return await lib.caught(lambda: stream.read(1, timeout=0.02))


@same("start_tls told without its arguments, or out of order")
async def test_an_https_request_tells_of_tls(lib: Lib) -> Any:
    certificates: list[Any] = []

    def look(name: str, info: Any) -> None:
        if name == "connection.start_tls.complete":
            tls = info["return_value"].get_extra_info("ssl_object")
            certificates.append(sorted(tls.getpeercert()))

    trace = Recorder(lib, look)
    context = authority().client_context()
    with secure_site() as site:
        async with lib.client(verify=context, timeout=9.0) as client:
            await client.get(site.url, extensions={"trace": trace.extension})
    started = trace.info("connection.start_tls.started")
    return (
        trace.names[:6],
        {**started, "ssl_context": started["ssl_context"] is context},
        certificates,
    )


@same("a certificate that does not convince told as anything but a failed start_tls")
async def test_a_certificate_that_fails_tells_of_tls_failing(lib: Lib) -> Any:
    trace = Recorder(lib)
    with secure_site() as site:
        async with lib.client(verify=ssl.create_default_context()) as client:
            caught = await lib.caught(lambda: client.get(site.url, extensions={"trace": trace.extension}))
    failure = trace.info("connection.start_tls.failed")["exception"]
    return caught[1], trace.names, type(failure).__name__
