"""HTTP/2: what a request is on the wire, what a response and its errors are, in both libraries."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import http2_frames as wire
from tests.compat.harness import Lib, same
from tests.compat.tracing import Recorder
from tests.servers.fault import FaultServer, Script
from tests.servers.http2 import begin, expect_content, expect_head, reply, serve_http2, session_of
from tests.servers.steps import cut, ignore_until_end, send, wait_read

ONLY_HTTP2 = {"http1": False, "http2": True}
"""Without TLS, too: both libraries then begin with it."""


@contextlib.contextmanager
def site(*scripts: Script, answer: Callable[[dict[str, str]], bytes] | None = None) -> Iterator[FaultServer]:
    """A server that plays scripts, and answers what comes after them."""
    server = FaultServer(*scripts, then=[serve_http2(answer)], strict=False)
    try:
        yield server
    finally:
        server.stop()


def heads(server: FaultServer) -> list[list[tuple[str, str]]]:
    """The heads of all requests, without what differs from run to run and from machine to machine."""
    found = []
    for peer in server.peers:
        for head in session_of(peer).heads.values():
            fields = head | {
                "accept-encoding": "<codings>",
                ":authority": head[":authority"].replace(str(server.port), "<port>"),
            }
            found.append(list(fields.items()))
    return found


async def caught(lib: Lib, server: FaultServer, call: Callable[[], Any]) -> Any:
    """What a call raises or returns, without the port, which differs from run to run."""
    result = await lib.caught(call)
    return [item.replace(str(server.port), "<port>") if isinstance(item, str) else item for item in result]


async def shown(lib: Lib, response: Any) -> Any:
    extensions = {
        key: value for key, value in response.extensions.items() if key in ("http_version", "stream_id")
    }
    return (
        response.status_code,
        response.http_version,
        response.reason_phrase,
        extensions,
        response.headers,
        response.content,
    )


# The request


@same("pseudo-header fields in another order, or a default field left out")
async def test_a_get_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            response = await client.get(server.url + "/path?query=%20x")
        return response.text, heads(server)


@same("the content's length not announced, or another content type")
async def test_a_post_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            response = await client.post(server.url + "/a", json={"a": 1})
        return response.text, heads(server)


@same("Transfer-Encoding sent, or a length made up")
async def test_content_of_unknown_length_on_the_wire(lib: Lib) -> Any:
    def parts() -> Any:
        yield b"ab"
        yield b""
        yield b"cd"

    async def async_parts() -> Any:
        for part in parts():
            yield part

    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            response = await client.post(
                server.url + "/a", content=async_parts() if lib.is_async else parts()
            )
        return response.text, heads(server)


@same("the Host field sent beside :authority, or not made it")
async def test_the_host_field_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            await client.get(server.url, headers={"Host": "example.org"})
        return heads(server)


@same("a name sent as it was written")
async def test_field_names_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            await client.get(server.url, headers={"X-Upper": "Value", "x-lower": "VALUE"})
        return heads(server)


@pytest.mark.parametrize("name", ["Connection", "Keep-Alive", "Proxy-Connection", "Upgrade"])
@same("a field of connections sent on")
async def test_fields_of_connections_are_not_sent(lib: Lib, name: str) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            await client.get(server.url, headers={name: "close"})
        return heads(server)


@pytest.mark.parametrize("value", ["trailers", "gzip"])
@same("a TE field that HTTP/2 forbids sent, or dropped in silence")
async def test_the_te_field(lib: Lib, value: str) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            result = await caught(lib, server, lambda: client.get(server.url + "/", headers={"TE": value}))
        return result, heads(server)


@same("cookies joined or split")
async def test_cookies_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(cookies={"a": "1", "b": "2"}, **ONLY_HTTP2) as client:
            await client.get(server.url)
        return heads(server)


@same("the target extension not sent as :path")
async def test_the_target_on_the_wire(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            await client.request("OPTIONS", server.url, extensions={"target": b"*"})
        return heads(server)


@same("a second connection opened, or stream numbers that skip")
async def test_requests_one_after_the_other_share_a_connection(lib: Lib) -> Any:
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            responses = [await client.get(server.url + path) for path in ("/a", "/b", "/c")]
        return [await shown(lib, response) for response in responses], len(server.peers)


# The response


@same("another version, reason phrase, extension or case of names")
async def test_what_a_response_says(lib: Lib) -> Any:
    fields = ((b"x-a", b"1"), (b"x-a", b"2"), (b"content-type", b"text/plain; charset=latin-1"))
    with site(
        [begin(), expect_head(1), reply(1, b"\xe4", *fields, status=201), ignore_until_end()]
    ) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            response = await client.get(server.url)
        return await shown(lib, response), response.text, response.headers.raw


@same("an unknown status refused, or given a phrase")
async def test_a_status_without_a_phrase(lib: Lib) -> Any:
    with site([begin(), expect_head(1), reply(1, b"x", status=299), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.get(server.url))


@same("a response with a field of connections refused")
async def test_fields_of_connections_in_a_response_are_passed_on(lib: Lib) -> Any:
    with site(
        [begin(), expect_head(1), reply(1, b"x", (b"connection", b"close")), ignore_until_end()]
    ) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.get(server.url))


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@same("content expected behind the head of a HEAD, 204 or 304")
async def test_responses_without_content(lib: Lib, method: str, status: int) -> Any:
    fields = ((b"content-length", b"5"),)
    with site([begin(), expect_head(1), reply(1, b"", *fields, status=status), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.request(method, server.url))


@same("an informational response taken for the final one")
async def test_informational_responses_are_passed_over(lib: Lib) -> Any:
    early = wire.headers(1, [(b":status", b"103"), (b"link", b"<a>")])
    with site([begin(), expect_head(1), send(early), reply(1, b"x"), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.get(server.url))


@same("trailer fields among the header fields")
async def test_trailers_are_no_header_fields(lib: Lib) -> Any:
    frames = wire.headers(1, wire.OK) + wire.data(1, b"abc") + wire.headers(1, [(b"x-sum", b"9")], end=True)
    with site([begin(), expect_head(1), send(frames), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.get(server.url))


@same("a redirect not followed on the same connection")
async def test_a_redirect(lib: Lib) -> Any:
    location = (b"location", b"/b")
    script = [
        begin(),
        expect_head(1),
        reply(1, b"", location, status=302),
        expect_head(3),
        reply(3, b"b"),
        ignore_until_end(),
    ]
    with site(script) as server:
        async with lib.client(follow_redirects=True, **ONLY_HTTP2) as client:
            response = await client.get(server.url)
        return [await shown(lib, one) for one in (*response.history, response)], heads(server)


@same("the record of a request without its version")
async def test_the_record_of_a_request(lib: Lib, caplog: Any) -> Any:
    caplog.clear()
    with site() as server, caplog.at_level("INFO", logger=lib.httpx.__name__):
        async with lib.client(**ONLY_HTTP2) as client:
            await client.get(server.url)
        return [record.getMessage().replace(str(server.port), "<port>") for record in caplog.records]


@same("without TLS or negotiation, something else spoken than HTTP/1.1")
async def test_a_server_that_does_not_speak_it(lib: Lib) -> Any:
    async with lib.client(http2=True) as client:
        response = await client.get(lib.site.url)
    return (
        response.http_version,
        sorted(set(response.extensions) & {"stream_id", "reason_phrase"}),
        lib.site.wire,
    )


# Errors


@pytest.mark.parametrize(
    "code", [wire.NO_ERROR, wire.PROTOCOL_ERROR, wire.CANCEL, wire.ENHANCE_YOUR_CALM, 99]
)
@same("a reset that is no RemoteProtocolError")
async def test_a_reset_before_the_head(lib: Lib, code: int) -> Any:
    with site([begin(), expect_head(1), send(wire.rst_stream(1, code)), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/")), len(heads(server))


@same("a content cut off by a reset taken for complete")
async def test_a_reset_in_the_content(lib: Lib) -> Any:
    frames = wire.headers(1, wire.OK) + wire.data(1, b"abc") + wire.rst_stream(1, wire.CANCEL)
    with site([begin(), expect_head(1), send(frames), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@pytest.mark.parametrize(
    "frames", [b"", wire.headers(1, wire.OK), wire.headers(1, wire.OK) + wire.data(1, b"abc")]
)
@same("the end of a connection that is no RemoteProtocolError")
async def test_the_end_of_a_connection(lib: Lib, frames: bytes) -> Any:
    with site([begin(), expect_head(1), send(frames), wait_read(), cut()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/")), len(heads(server))


@same(
    "what breaks the rules of frames is no RemoteProtocolError",
    differs="frames that break the rules raise `RemoteProtocolError`",
)
async def test_a_broken_frame(lib: Lib) -> Any:
    with site([begin(), expect_head(1), send(wire.data(9, b"x")), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@same("a connection that ends with its GOAWAY answered as if it went on")
async def test_an_end_with_an_error_code(lib: Lib) -> Any:
    script = [begin(), expect_head(1), send(wire.goaway(1, wire.INTERNAL_ERROR)), wait_read(), cut()]
    with site(script) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/")), len(heads(server))


@same("a response that does not come is no ReadTimeout")
async def test_a_response_that_does_not_come(lib: Lib) -> Any:
    with site([begin(), expect_head(1), ignore_until_end()]) as server:
        async with lib.client(timeout=0.2, **ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@same("a refused connection is no ConnectError")
async def test_a_refused_connection(lib: Lib) -> Any:
    with site() as server:
        pass
    async with lib.client(**ONLY_HTTP2) as client:
        return await caught(lib, server, lambda: client.get(f"http://127.0.0.1:{server.port}/"))


@same("an early answer lost to the rest of its upload")
async def test_an_answer_that_comes_before_the_upload_is_complete(lib: Lib) -> Any:
    with site([begin(), expect_head(1), reply(1, b"no", status=413), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await shown(lib, await client.post(server.url, content=b"x" * 1000))


@same("http2=True without h2 fails later than where it was said")
def test_http2_without_h2(httpx: Any) -> Any:
    before = sys.modules["h2"]
    sys.modules["h2"] = None  # type: ignore[assignment]  # how Python marks a module that must not be found
    try:
        results = []
        for make in (httpx.Client, httpx.AsyncClient):
            try:
                results.append(make(http2=True, trust_env=False))
            except ImportError as exc:
                results.append((type(exc).__name__, f"{httpx.__name__}[http2]" in str(exc)))
        return results
    finally:
        sys.modules["h2"] = before


# Traces


@same("an event of HTTP/2 left out, told twice, or out of order")
async def test_the_events_of_a_request(lib: Lib) -> Any:
    trace = Recorder(lib)
    with site() as server:
        async with lib.client(**ONLY_HTTP2) as client:
            await client.post(server.url, content=b"x", extensions={"trace": trace.extension})
    return trace.names


# Where httpstream does otherwise


@same("a request that was not processed given up", differs="a request that the server refused goes out again")
async def test_a_refused_stream(lib: Lib) -> Any:
    refused = wire.rst_stream(1, wire.REFUSED_STREAM)
    with site(
        [begin(), expect_head(1), send(refused), expect_head(3), reply(3, b"again"), ignore_until_end()]
    ) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@same("responses under way ended by GOAWAY", differs="the responses that it still sends come to their end")
async def test_goaway_in_the_middle_of_a_response(lib: Lib) -> Any:
    frames = wire.headers(1, wire.OK) + wire.data(1, b"abc") + wire.goaway(1) + wire.data(1, b"def", end=True)
    with site([begin(), expect_head(1), send(frames), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@same("a line end in a field accepted", differs="a field with a line end or a NUL in it is refused")
async def test_a_line_end_in_a_field_of_a_response(lib: Lib) -> Any:
    with site([begin(), expect_head(1), reply(1, b"", (b"x", b"a\r\nb: c")), ignore_until_end()]) as server:
        async with lib.client(**ONLY_HTTP2) as client:
            return await caught(lib, server, lambda: client.get(server.url + "/"))


@same(
    "an upload without its last part taken for complete",
    differs="an upload that ends before its Content-Length is aborted",
)
async def test_an_upload_that_is_shorter_than_announced(lib: Lib) -> Any:
    with site(
        [begin(), expect_head(1), expect_content(1, b"abc"), reply(1, b"taken"), ignore_until_end()]
    ) as server:
        async with lib.client(**ONLY_HTTP2) as client:

            def post() -> Any:
                return client.post(server.url + "/", content=b"abc", headers={"Content-Length": "5"})

            return await caught(lib, server, post)
