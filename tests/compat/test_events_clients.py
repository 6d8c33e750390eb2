"""`client.sse()` and EventSource over the wire, asked beside httpx2."""

from __future__ import annotations

import gzip
import inspect
from typing import Any

import httpx2
import pytest

from tests.compat import harness
from tests.compat.harness import Lib
from tests.compat.site import answer

CONTENT = b"id: 1\ndata: a\n\nevent: b\ndata: c\n\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = answer("200 OK", "Content-Type: text/event-stream", content=CONTENT)


def same(breaks: str, **options: Any) -> Any:
    return harness.same(breaks, model=httpx2, **options)


async def events(lib: Lib, url: str, client_options: Any = None, **options: Any) -> list[Any]:
    """What `sse()` gives: the events, at last the exception that ended them."""
    found: list[Any] = []
    try:
        async with lib.client(**(client_options or {})) as client:
            async with client.block(client.inner.sse(url, **options)) as source:
                async for event in lib.world.iterate(source):
                    found.append(event)  # noqa: PERF401 - what comes before the error counts
    except Exception as exc:
        found.append(exc)
    return found


@same("sse() asks for something else, or gives other events")
async def test_events_and_what_is_sent_for_them(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    return await events(lib, lib.site.url + "/a"), lib.site.wire


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "text/plain"},
        {"CACHE-CONTROL": "max-age=0", "X-A": "b"},
        [("Accept", "a"), ("Accept", "b")],
    ],
)
@same("the fields of sse() win over the caller's, or are sent beside them")
async def test_the_caller_s_fields_win(lib: Lib, headers: Any) -> Any:
    lib.site.on("/a", EVENTS)
    return await events(lib, lib.site.url + "/a", headers=headers), lib.site.wire


@same("the fields of the client win over those of sse()")
async def test_fields_of_the_client(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    own = {"Accept": "text/html", "Cache-Control": "max-age=1", "Last-Event-ID": "7"}
    return await events(lib, lib.site.url + "/a", {"headers": own}), lib.site.wire


@same("sse() cannot post")
async def test_method_and_content(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    found = await events(lib, lib.site.url + "/a", method="POST", json={"b": 1})
    return found, await events(lib, lib.site.url + "/a", method="PUT", content=b"c"), lib.site.wire


@same("sse() loses data=")
async def test_a_form(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    return await events(lib, lib.site.url + "/a", method="POST", data={"b": "c"}), lib.site.wire


@same("sse() loses params=, cookies= or auth=")
async def test_query_cookies_and_auth(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    own = {"cookies": {"d": "e"}, "auth": ("f", "g")}
    return await events(lib, lib.site.url + "/a", own, params={"b": "c"}), lib.site.wire


@same("sse() ignores auth=None")
async def test_auth_of_the_call(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    return await events(lib, lib.site.url + "/a", {"auth": ("f", "g")}, auth=None), lib.site.wire


@same("sse() joins no base_url")
async def test_a_base_url(lib: Lib) -> Any:
    lib.site.on("/a/b", EVENTS)
    return await events(lib, "b", {"base_url": lib.site.url + "/a"}), lib.site.wire


@pytest.mark.parametrize("follow", [True, False])
@same("sse() follows redirects by another rule")
async def test_redirects(lib: Lib, follow: bool) -> Any:
    lib.site.on("/a", EVENTS)
    lib.site.on("/b", answer("307 Temporary Redirect", "Location: /a"))
    return await events(lib, lib.site.url + "/b", follow_redirects=follow), lib.site.wire


@same("an error's status is raised by itself")
async def test_a_status_is_no_error(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS.replace(b"200 OK", b"503 Service Unavailable"))
    return await events(lib, lib.site.url + "/a")


@same("a response of another type gives no error, or one without a request")
async def test_another_content_type(lib: Lib) -> Any:
    lib.site.on("/a", answer("200 OK", "Content-Type: application/json", content=b"{}"))
    return await events(lib, lib.site.url + "/a")


@same("the response is closed because its content is none of events")
async def test_content_of_another_type_can_be_read(lib: Lib) -> Any:
    lib.site.on("/a", answer("400 Bad Request", "Content-Type: text/plain", content=b"why"))
    async with lib.client() as client, client.block(client.inner.sse(lib.site.url + "/a")) as source:
        response = source.response
        found = await lib.caught(lambda: next_of(lib, source))
        content = await lib.do(response.aread() if lib.is_async else response.read())
        return found, response.status_code, content, response.is_closed


async def next_of(lib: Lib, source: Any) -> Any:
    return await anext(lib.world.iterate(source))


@same("the block does not close its response")
async def test_leaving_the_block_closes_the_response(lib: Lib) -> Any:
    lib.site.on("/a", CHUNKED + b"9\r\ndata: a\n\n\r\n")  # and more would come
    async with lib.client() as client:
        async with client.block(client.inner.sse(lib.site.url + "/a")) as source:
            iterator = lib.world.iterate(source)  # a generator that is dropped would close the response
            first = await anext(iterator)
            was = source.response.is_closed, source.response.is_stream_consumed
        return first, was, source.response.is_closed, await lib.caught(lambda: next_of(lib, source))


@same("a stream can be iterated twice")
async def test_a_second_iteration(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    async with lib.client() as client, client.block(client.inner.sse(lib.site.url + "/a")) as source:
        found = [event async for event in lib.world.iterate(source)]
        return found, source.response.is_closed, await lib.caught(lambda: next_of(lib, source))


@same("after read() the events are gone")
async def test_events_of_a_response_that_was_read(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/a")
        source = lib.httpx.EventSource(response)
        once = [event async for event in lib.world.iterate(source)]
        return once, [event async for event in lib.world.iterate(source)]


@same("an exception in the block is swallowed")
async def test_an_exception_in_the_block(lib: Lib) -> Any:
    lib.site.on("/a", EVENTS)
    async with lib.client() as client, client.block(client.inner.sse(lib.site.url + "/a")):
        raise KeyError("own")


@pytest.mark.parametrize("limit", [8, 12, 16, None])
@same("sse() drops max_event_size")
async def test_the_limit(lib: Lib, limit: int | None) -> Any:
    lib.site.on("/a", EVENTS)
    return await events(lib, lib.site.url + "/a", max_event_size=limit)


@same("events are cut out of coded content")
async def test_content_codings(lib: Lib) -> Any:
    fields = ("Content-Type: text/event-stream", "Content-Encoding: gzip")
    lib.site.on("/a", answer("200 OK", *fields, content=gzip.compress(CONTENT, mtime=0)))
    return await events(lib, lib.site.url + "/a")


@same("events depend on how their bytes arrive")
async def test_events_in_small_chunks(lib: Lib) -> Any:
    content = CONTENT.replace(b"\n", b"\r\n")
    chunks = [b"1\r\n%b\r\n" % content[at : at + 1] for at in range(len(content))]
    lib.site.on("/a", [CHUNKED, *chunks, b"0\r\n\r\n"])
    return await events(lib, lib.site.url + "/a")


@same("events in front of a broken connection are lost, or the break is taken for the end")
async def test_a_response_that_is_cut_short(lib: Lib) -> Any:
    cut = EVENTS.replace(b"Content-Length: ", b"Connection: close\r\nContent-Length: 1")
    lib.site.on("/a", cut)
    return await events(lib, lib.site.url + "/a")


@same("a failed connection is another error in sse()")
async def test_nobody_answers(lib: Lib) -> Any:
    return await events(lib, "http://127.0.0.1:1/a")


@same("the request is sent before the block is entered")
async def test_nothing_is_sent_before_the_block(lib: Lib) -> Any:
    async with lib.client() as client:
        client.inner.sse(lib.site.url + "/a")
        return lib.site.wire


@same("an argument of sse() is missing, or has another place or default")
async def test_arguments_of_sse(lib: Lib) -> Any:
    async with lib.client() as client:
        found = inspect.signature(client.inner.sse).parameters.values()
    plain = (str, int, type(None))
    return [(one.name, one.kind.name, one.default if isinstance(one.default, plain) else "") for one in found]
