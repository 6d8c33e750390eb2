"""Scenarios of MockTransport, and of the responses that a handler makes by hand."""

from __future__ import annotations

import gzip
from typing import Any

from tests.compat.harness import Lib, same


def pieces(lib: Lib, *items: bytes) -> Any:
    return lib.world.pieces(items)


class Counted:
    """What was called on a hand-made stream, in order."""

    def __init__(self, httpx: Any, *items: bytes | Exception) -> None:
        events = self.events = []  # type: list[str]

        class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc]
            def __iter__(self) -> Any:
                for item in items:
                    events.append(f"next {item!r}")
                    if isinstance(item, Exception):
                        raise item
                    yield item

            async def __aiter__(self) -> Any:
                for item in items:
                    events.append(f"next {item!r}")
                    if isinstance(item, Exception):
                        raise item
                    yield item

            def close(self) -> None:
                events.append("close")

            async def aclose(self) -> None:
                events.append("close")

        self.stream = Stream()


async def ask(
    lib: Lib, handler: Any, method: str = "GET", url: str = "http://host/path", **options: Any
) -> Any:
    async with lib.client(transport=lib.httpx.MockTransport(handler)) as client:
        return await client.request(method, url, **options)


@same("the response of a handler is copied or changed on its way to the caller")
async def test_the_answer_of_the_handler_reaches_the_caller(lib: Lib) -> Any:
    answer = lib.httpx.Response(201, headers=[("X-A", "1"), ("x-a", "2")], content=b"hello")
    response = await ask(lib, lambda request: answer)
    return response is answer, response.status_code, response.headers.raw, response.content


@same("the request that a handler sees lacks the client's defaults")
async def test_the_handler_sees_the_request_as_it_would_be_sent(lib: Lib) -> Any:
    seen = []
    await ask(lib, lambda request: seen.append(request) or lib.httpx.Response(200), "post", json={"a": 1})
    request = seen[0]
    return (
        request,
        request.url,
        request.content,
        request.extensions,
        request.headers.get("host"),
        request.headers.get("content-type"),
    )


@same("MockTransport does not read the request before it calls the handler")
async def test_streamed_content_is_read_before_the_handler_is_called(lib: Lib) -> Any:
    seen = []

    def handler(request: Any) -> Any:
        seen.append((request.content, request.headers.get("transfer-encoding")))
        return lib.httpx.Response(200)

    await ask(lib, handler, "POST", content=pieces(lib, b"one", b"two"))
    return seen


@same("MockTransport does not await a handler that is a coroutine function, or lets a sync client have it")
async def test_a_coroutine_function_answers_in_the_async_world_alone(lib: Lib) -> Any:
    made = []

    async def handler(request: Any) -> Any:
        return lib.httpx.Response(200, text="async")

    def keep(request: Any) -> Any:
        made.append(handler(request))
        return made[0]

    outcome = await lib.caught(lambda: ask(lib, keep))
    made[0].close()  # httpx leaves it to the collector, which complains
    return outcome


@same("what a handler returns is not checked in the sync world, or is returned in the async one")
async def test_a_handler_that_returns_nothing_is_a_type_error(lib: Lib) -> Any:
    return await lib.caught(lambda: ask(lib, lambda request: None))


@same("an exception of the handler is wrapped")
async def test_what_the_handler_raises_comes_out_as_it_is(lib: Lib) -> Any:
    def handler(request: Any) -> Any:
        raise KeyError("mine")

    return await lib.caught(lambda: ask(lib, handler))


@same("a RequestError of a transport does not get the request")
async def test_a_request_error_of_the_handler_learns_its_request(lib: Lib) -> Any:
    def handler(request: Any) -> Any:
        raise lib.httpx.ConnectError("no")

    return await lib.caught(lambda: ask(lib, handler))


@same("a RequestError that does not know its request is not told by response.read()")
async def test_a_request_error_of_a_stream_learns_its_request(lib: Lib) -> Any:
    def handler(request: Any) -> Any:
        return lib.httpx.Response(200, stream=Counted(lib.httpx, b"a", lib.httpx.ReadError("cut")).stream)

    return await lib.caught(lambda: ask(lib, handler))


@same("the client does not tell a hand-made response its request")
async def test_the_response_knows_its_request(lib: Lib) -> Any:
    seen = []
    response = await ask(lib, lambda request: seen.append(request) or lib.httpx.Response(200))
    return response.request is seen[0], response.url


@same("a response without a request invents one")
def test_a_response_of_the_transport_alone_has_no_request(httpx: Any) -> Any:
    response = httpx.MockTransport(lambda request: httpx.Response(200)).handle_request(
        httpx.Request("GET", "http://host/")
    )
    return response.request


@same("the handler is called for the first request alone")
async def test_the_handler_answers_each_request(lib: Lib) -> Any:
    seen = []
    transport = lib.httpx.MockTransport(
        lambda request: seen.append(str(request.url)) or lib.httpx.Response(200, text=str(len(seen)))
    )
    async with lib.client(transport=transport) as client:
        texts = [(await client.get(f"http://host/{number}")).text for number in range(3)]
    return seen, texts


@same("MockTransport keeps its handler under another name, or its class's")
async def test_the_handler_may_be_changed(lib: Lib) -> Any:
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200))
    transport.handler = lambda request: lib.httpx.Response(418)
    async with lib.client(transport=transport) as client:
        return (await client.get("http://host/")).status_code


@same("MockTransport serves one world only")
def test_the_bases_of_mock_transport(httpx: Any) -> Any:
    return [one.__name__ for one in httpx.MockTransport.__mro__], httpx.MockTransport.__module__


@same("closing a MockTransport makes it unusable")
def test_closing_does_nothing_to_a_mock_transport(httpx: Any) -> Any:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with transport as entered:
        pass
    return (
        entered is transport,
        transport.close(),
        transport.handle_request(httpx.Request("GET", "http://host/")),
    )


@same("text=, html= or json= of a response are encoded in another way")
async def test_each_kind_of_content_by_hand(lib: Lib) -> Any:
    kinds = (
        {"text": "é"},
        {"html": "<p>é"},
        {"json": {"é": [1, None]}},
        {"content": "é"},
        {"content": b"\xff"},
        {},
    )
    responses = [await ask(lib, lambda request, kind=kind: lib.httpx.Response(200, **kind)) for kind in kinds]
    return [(one.headers.raw, one.content, one.text) for one in responses]


@same("a response whose content is an iterable is not read by the client")
async def test_content_by_hand_may_be_an_iterable(lib: Lib) -> Any:
    response = await ask(lib, lambda request: lib.httpx.Response(200, content=pieces(lib, b"a", b"b")))
    return (
        response.content,
        response.headers.raw,
        response.is_closed,
        response.is_stream_consumed,
        response.num_bytes_downloaded,
    )


@same("the content of a hand-made response that is in memory counts as downloaded")
async def test_figures_of_a_response_that_was_in_memory(lib: Lib) -> Any:
    response = await ask(lib, lambda request: lib.httpx.Response(200, content=b"abc"))
    return (
        response.num_bytes_downloaded,
        response.is_closed,
        response.is_stream_consumed,
        response.elapsed.total_seconds() >= 0,
    )


@same("a stream is closed twice, or not at all, when it has been read to its end")
async def test_reading_to_the_end_closes_the_stream(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"a", b"", b"b")
    response = await ask(lib, lambda request: lib.httpx.Response(200, stream=counted.stream))
    return response.content, counted.events, response.headers.raw


@same("leaving stream() early does not close the transport's stream, or reads it to the end")
async def test_leaving_a_response_closes_its_stream(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"a", b"b")
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, stream=counted.stream))
    async with lib.client(transport=transport) as client:
        async with client.stream("GET", "http://host/") as answer:
            first = await answer.iter("raw", None).__anext__()
    return first, counted.events, answer.is_closed, answer.is_stream_consumed


@same("a stream that fails is not closed")
async def test_a_stream_that_fails_is_closed(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"a", ValueError("broken"))
    outcome = await lib.caught(
        lambda: ask(lib, lambda request: lib.httpx.Response(200, stream=counted.stream))
    )
    return outcome, counted.events


@same("the response of a stream that was left cannot say that its content was not read")
async def test_content_that_was_not_read_raises(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"a")
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, stream=counted.stream))
    async with lib.client(transport=transport) as client:
        async with client.stream("GET", "http://host/") as answer:
            before = await lib.caught(lambda: answer.content)
            content = await answer.read()
        return before, content, answer.content


@same("the content coding of a hand-made response is not decoded")
async def test_a_content_coding_by_hand_is_decoded(lib: Lib) -> Any:
    packed = gzip.compress(b"hello " * 100)
    response = await ask(
        lib, lambda request: lib.httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)
    )
    return response.content, response.headers.get("content-length") == str(len(packed))


@same("pieces of a coded stream are decoded one by one instead of as one stream")
async def test_a_coded_stream_may_be_cut_anywhere(lib: Lib) -> Any:
    packed = gzip.compress(b"hello " * 100)
    counted = Counted(lib.httpx, packed[:7], packed[7:20], packed[20:])
    response = await ask(
        lib,
        lambda request: lib.httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=counted.stream),
    )
    return response.content, response.num_bytes_downloaded == len(packed)


@same("raw iteration of a hand-made stream decodes it")
async def test_raw_pieces_are_the_streams_own(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"abc", b"de")
    transport = lib.httpx.MockTransport(
        lambda request: lib.httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=counted.stream)
    )
    async with lib.client(transport=transport) as client:
        async with client.stream("GET", "http://host/") as answer:
            return [piece async for piece in answer.iter("raw", None)]


@same("explicit chunk sizes do not hold across the pieces of a hand-made stream")
async def test_pieces_of_a_hand_made_stream_are_cut_to_size(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"abc", b"de", b"fghij")
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, stream=counted.stream))
    async with lib.client(transport=transport) as client:
        async with client.stream("GET", "http://host/") as answer:
            return [piece async for piece in answer.iter("bytes", 4)]


@same("lines do not go on across the pieces of a hand-made stream")
async def test_lines_of_a_hand_made_stream(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"one\ntw", b"o\r", b"\nthree")
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, stream=counted.stream))
    async with lib.client(transport=transport) as client:
        async with client.stream("GET", "http://host/") as answer:
            return [line async for line in answer.iter("lines")]


@same("the version or reason phrase of a hand-made response come from elsewhere than its extensions")
async def test_the_extensions_of_a_response_say_version_and_reason(lib: Lib) -> Any:
    extensions = {"http_version": b"HTTP/2", "reason_phrase": b"Fine", "mine": 1}
    response = await ask(lib, lambda request: lib.httpx.Response(200, extensions=extensions))
    plain = await ask(lib, lambda request: lib.httpx.Response(200))
    return (response.http_version, response.reason_phrase, response.extensions["mine"]), (
        plain.http_version,
        plain.reason_phrase,
    )


@same("one response object cannot answer twice")
async def test_one_response_may_answer_several_requests(lib: Lib) -> Any:
    answer = lib.httpx.Response(200, text="same")
    first = await ask(lib, lambda request: answer, url="http://host/1")
    second = await ask(lib, lambda request: answer, url="http://host/2")
    return first is second, second.text, second.url


@same("the client's default_encoding does not reach a hand-made response")
async def test_the_clients_default_encoding_counts(lib: Lib) -> Any:
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, content=b"\xe9"))
    async with lib.client(transport=transport, default_encoding="latin-1") as client:
        return (await client.get("http://host/")).text


@same("raise_for_status() of a hand-made response does not know its request")
async def test_raise_for_status_by_hand(lib: Lib) -> Any:
    response = await ask(lib, lambda request: lib.httpx.Response(503))
    return await lib.caught(response.raise_for_status)


@same("a scheme that only the network refuses is refused for a custom transport")
async def test_a_mock_transport_answers_for_any_scheme(lib: Lib) -> Any:
    return (await ask(lib, lambda request: lib.httpx.Response(200), url="custom://host/x")).status_code


@same("the timeouts of a request do not reach its transport")
async def test_the_transport_gets_the_timeouts(lib: Lib) -> Any:
    seen = []
    await ask(
        lib, lambda request: seen.append(request.extensions) or lib.httpx.Response(200), timeout=(1, 2, 3, 4)
    )
    return seen


@same("send(stream=True) reads a hand-made response")
async def test_send_with_stream_leaves_the_content_unread(lib: Lib) -> Any:
    counted = Counted(lib.httpx, b"a")
    transport = lib.httpx.MockTransport(lambda request: lib.httpx.Response(200, stream=counted.stream))
    async with lib.client(transport=transport) as client:
        response = await client.send(client.inner.build_request("GET", "http://host/"), stream=True)
        before = list(counted.events)
        await lib.do(response.aclose() if lib.is_async else response.close())
    return before, counted.events, response.is_closed
