"""Scenarios of transports that programs write or patch: what a client asks of one, and when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.harness import Lib, patched, same


def make(lib: Lib, answer: Any = None, **methods: Any) -> Any:
    """A transport of this world, as a program would write it; it notes what is called in `events`."""
    httpx, events = lib.httpx, []

    if lib.is_async:

        class Transport(httpx.AsyncBaseTransport):  # type: ignore[misc]
            async def handle_async_request(self, request: Any) -> Any:
                events.append("request")
                return answer(request) if answer else httpx.Response(200, text="mine")

            async def __aenter__(self) -> Any:
                events.append("enter")
                return self

            async def __aexit__(
                self, exc_type: Any = None, exc_value: Any = None, traceback: Any = None
            ) -> None:
                events.append(("exit", exc_type))

            async def aclose(self) -> None:
                events.append("close")

    else:

        class Transport(httpx.BaseTransport):  # type: ignore[misc, no-redef]
            def handle_request(self, request: Any) -> Any:
                events.append("request")
                return answer(request) if answer else httpx.Response(200, text="mine")

            def __enter__(self) -> Any:
                events.append("enter")
                return self

            def __exit__(self, exc_type: Any = None, exc_value: Any = None, traceback: Any = None) -> None:
                events.append(("exit", exc_type))

            def close(self) -> None:
                events.append("close")

    transport = Transport()
    transport.events = events
    return transport


def wrapped(lib: Lib, around: Any) -> Any:
    """A transport that sends through the library's own one, with a function around the request and the response."""
    httpx, inner = lib.httpx, lib.transport()

    if lib.is_async:

        class Wrapper(httpx.AsyncBaseTransport):  # type: ignore[misc]
            async def handle_async_request(self, request: Any) -> Any:
                return around(await inner.handle_async_request(around(request)))

            async def aclose(self) -> None:
                await inner.aclose()

    else:

        class Wrapper(httpx.BaseTransport):  # type: ignore[misc, no-redef]
            def handle_request(self, request: Any) -> Any:
                return around(inner.handle_request(around(request)))

            def close(self) -> None:
                inner.close()

    return Wrapper()


def handle_name(lib: Lib) -> str:
    return "handle_async_request" if lib.is_async else "handle_request"


def transport_class(lib: Lib) -> Any:
    return lib.httpx.AsyncHTTPTransport if lib.is_async else lib.httpx.HTTPTransport


def in_this_world(lib: Lib, function: Any) -> Any:
    """A method of either world around a plain function."""
    if not lib.is_async:
        return function

    async def method(*args: Any) -> Any:
        return function(*args)

    return method


@same("a client's block does not enter and leave its transport")
async def test_a_block_enters_and_leaves_the_transport(lib: Lib) -> Any:
    transport = make(lib)
    async with lib.client(transport=transport) as client:
        text = (await client.get("http://host/")).text
    return text, transport.events


@same("leaving a client's block by an exception does not tell its transport, or tells it otherwise")
async def test_the_transport_learns_of_the_exception(lib: Lib) -> Any:
    transport = make(lib)
    try:
        async with lib.client(transport=transport):
            raise KeyError("mine")
    except KeyError:
        pass
    return [
        event if isinstance(event, str) else (event[0], event[1] and event[1].__name__)
        for event in transport.events
    ]


@same("closing a client closes its transport again, or not at all")
async def test_close_closes_the_transport_once(lib: Lib) -> Any:
    transport = make(lib)
    client = lib.client(transport=transport)
    await client.close()
    await client.close()
    return transport.events, client.inner.is_closed


@same("a client that has not been used does not close its transport")
async def test_close_after_a_request(lib: Lib) -> Any:
    transport = make(lib)
    client = lib.client(transport=transport)
    await client.get("http://host/")
    await client.close()
    return transport.events


@same("the base class answers, or raises something else than NotImplementedError")
async def test_a_transport_without_its_method(lib: Lib) -> Any:
    base = lib.httpx.AsyncBaseTransport if lib.is_async else lib.httpx.BaseTransport
    return await lib.caught(
        lambda: getattr(base(), handle_name(lib))(lib.httpx.Request("GET", "http://host/"))
    )


@same("the base class's block does not close it, or gives something else than itself")
async def test_the_block_of_the_base_class(lib: Lib) -> Any:
    base = lib.httpx.AsyncBaseTransport if lib.is_async else lib.httpx.BaseTransport
    events = []

    class Transport(base):  # type: ignore[misc, valid-type]
        pass

    transport = Transport()
    setattr(
        Transport,
        "aclose" if lib.is_async else "close",
        in_this_world(lib, lambda self: events.append("close")),
    )
    if lib.is_async:
        async with transport as entered:
            pass
    else:
        with transport as entered:
            pass
    return entered is transport, events


@same("the base class cannot be closed")
async def test_closing_the_base_class_does_nothing(lib: Lib) -> Any:
    base = lib.httpx.AsyncBaseTransport() if lib.is_async else lib.httpx.BaseTransport()
    return await lib.do(base.aclose() if lib.is_async else base.close())


@same("the client keeps the method that the transport's class had when the client was made")
async def test_a_class_may_be_patched_while_clients_use_it(lib: Lib) -> Any:
    """Instrumentation does so."""
    seen = []
    before = getattr(transport_class(lib), handle_name(lib))

    def plain(self: Any, request: Any) -> Any:
        seen.append(str(request.url.path))
        return before(self, request)

    async with lib.client() as client:
        await client.get(lib.site.url + "/before")
        with patched(transport_class(lib), handle_name(lib), plain):
            response = await client.get(lib.site.url + "/patched")
        await client.get(lib.site.url + "/after")
    return seen, response.content


@same("the client calls the class's method past the one that an instance has")
async def test_an_instance_may_be_patched(lib: Lib) -> Any:
    transport = make(lib)
    async with lib.client(transport=transport) as client:
        setattr(transport, handle_name(lib), in_this_world(lib, lambda request: lib.httpx.Response(418)))
        return (await client.get("http://host/")).status_code, transport.events


@same("a patched class does not answer for clients that are made later")
async def test_a_patched_class_may_answer_in_place_of_the_network(lib: Lib) -> Any:
    answer = in_this_world(lib, lambda self, request: lib.httpx.Response(200, json={"url": str(request.url)}))
    with patched(transport_class(lib), handle_name(lib), answer):
        async with lib.client() as client:
            return (await client.get("http://nowhere.invalid/path")).json()


@pytest.mark.parametrize("method", ["get", "delete", "head", "options", "post", "put", "patch"])
@same("a top-level function does not go through the transport's class")
def test_top_level_functions_go_through_the_transports_class(httpx: Any, method: str) -> Any:
    seen = []

    def answer(self: Any, request: Any) -> Any:
        seen.append((request.method, str(request.url), request.content))
        return httpx.Response(200, text="patched")

    with patched(httpx.HTTPTransport, "handle_request", answer):
        response = getattr(httpx, method)("http://nowhere.invalid/path?a=b", trust_env=False)
    return seen, response.text, response.is_closed


@same("httpx.request() or httpx.stream() do not go through the transport's class")
def test_request_and_stream_go_through_the_transports_class(httpx: Any) -> Any:
    closed = []

    class Stream(httpx.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Any:
            yield b"piece"

        def close(self) -> None:
            closed.append(True)

    with patched(
        httpx.HTTPTransport, "handle_request", lambda self, request: httpx.Response(200, stream=Stream())
    ):
        text = httpx.request("PUT", "http://nowhere.invalid/", content=b"x", trust_env=False).text
        with httpx.stream("GET", "http://nowhere.invalid/", trust_env=False) as response:
            content = response.read()
    return text, content, closed, response.is_closed


@same("top-level functions do not make their client by the name Client in _api")
def test_the_client_of_top_level_functions_may_be_replaced(httpx: Any) -> Any:
    import importlib

    made = []

    class Mine(httpx.Client):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            made.append(True)
            super().__init__(transport=httpx.MockTransport(lambda request: httpx.Response(200, text="mine")))

    with patched(importlib.import_module(f"{httpx.__name__}._api"), "Client", Mine):
        return httpx.get("http://host/").text, made


@same("a transport that wraps the library's own cannot change the request")
async def test_a_wrapper_may_change_what_is_sent(lib: Lib) -> Any:
    def around(message: Any) -> Any:
        if isinstance(message, lib.httpx.Request):
            message.headers["X-Wrapped"] = "yes"
        return message

    async with lib.client(transport=wrapped(lib, around)) as client:
        await client.post(lib.site.url + "/a", content=b"x")
    return lib.site.wire


@same("the stream of a response of HTTPTransport cannot be given to another response")
async def test_a_wrapper_may_make_its_own_response_of_the_stream(lib: Lib) -> Any:
    def around(message: Any) -> Any:
        if isinstance(message, lib.httpx.Request):
            return message
        return lib.httpx.Response(
            299, headers={"X-Mine": "1"}, stream=message.stream, extensions=message.extensions
        )

    async with lib.client(transport=wrapped(lib, around)) as client:
        response = await client.get(lib.site.url + "/a")
        again = await client.get(lib.site.url + "/b")
    return response.status_code, response.headers.raw, response.content, again.content, lib.site.connections


@same("a stream that filters the one of HTTPTransport is not iterated, or its inner one not closed")
async def test_a_wrapper_may_filter_the_stream(lib: Lib) -> Any:
    events = []
    httpx = lib.httpx

    class Upper(httpx.AsyncByteStream if lib.is_async else httpx.SyncByteStream):  # type: ignore[misc]
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __iter__(self) -> Any:
            for piece in self.inner:
                yield piece.upper()

        async def __aiter__(self) -> Any:
            async for piece in self.inner:
                yield piece.upper()

        def close(self) -> None:
            events.append("close")
            self.inner.close()

        async def aclose(self) -> None:
            events.append("close")
            await self.inner.aclose()

    def around(message: Any) -> Any:
        if not isinstance(message, httpx.Request):
            message.stream = Upper(message.stream)
        return message

    async with lib.client(transport=wrapped(lib, around)) as client:
        contents = [(await client.get(lib.site.url + "/a")).content for _ in range(2)]
    return contents, events, lib.site.connections


@same("HTTPTransport cannot be used without a client")
async def test_the_network_transport_by_itself(lib: Lib) -> Any:
    transport = lib.transport()
    request = lib.httpx.Request("POST", lib.site.url + "/a", content=b"x")
    response = await lib.do(getattr(transport, handle_name(lib))(request))
    content = await lib.do(response.aread() if lib.is_async else response.read())
    await lib.do(transport.aclose() if lib.is_async else transport.close())
    return response.status_code, content, lib.site.wire, sorted(set(response.extensions) - {"trailers"})


@same(
    "an error of HTTPTransport does not know its request until a client tells it",
    differs="An error of a transport that is used without a client knows its request",
)
async def test_an_error_of_the_network_transport_by_itself(lib: Lib) -> Any:
    transport = lib.transport()
    request = lib.httpx.Request("GET", "http://127.0.0.1:1/")
    return await lib.caught(lambda: getattr(transport, handle_name(lib))(request))


@same("the client wraps what a transport raises")
async def test_an_os_error_of_a_transport_comes_out_as_it_is(lib: Lib) -> Any:
    def answer(request: Any) -> Any:
        raise ConnectionResetError(104, "reset")

    return await lib.caught(lambda: lib.client(transport=make(lib, answer)).get("http://host/"))


@same("an error of a transport that sent a request of its own names that one")
async def test_the_request_of_an_error_is_the_callers(lib: Lib) -> Any:
    other = lib.httpx.Request("PUT", "http://other/")

    def answer(request: Any) -> Any:
        raise lib.httpx.ReadTimeout("late", request=other)

    return await lib.caught(lambda: lib.client(transport=make(lib, answer)).get("http://host/"))


@same("the transport gets a copy of the request that send() was given")
async def test_the_transport_gets_the_very_request(lib: Lib) -> Any:
    seen = []
    transport = make(lib, lambda request: seen.append(request) or lib.httpx.Response(200))
    async with lib.client(transport=transport) as client:
        request = client.inner.build_request("GET", "http://host/")
        response = await client.send(request)
    return seen[0] is request, response.request is request


@same("the content of a request is not a stream that the transport can iterate, again and again")
async def test_the_transport_may_iterate_the_requests_content(lib: Lib) -> Any:
    seen = []

    def answer(request: Any) -> Any:
        seen.extend((list(request.stream), list(request.stream), request.content))
        return lib.httpx.Response(200)

    async with lib.client(transport=make(lib, answer)) as client:
        await client.post("http://host/", json={"a": 1})
    return seen


@same("field lines of a transport's response are normalised on their way")
async def test_the_responses_fields_stay_as_the_transport_made_them(lib: Lib) -> Any:
    fields = [(b"X-Mixed", b"a"), (b"x-mixed", b" b "), (b"Set-Cookie", b"c=\xff")]
    transport = make(lib, lambda request: lib.httpx.Response(200, headers=fields))
    async with lib.client(transport=transport) as client:
        return (await client.get("http://host/")).headers.raw


@same("elapsed is not known of a response that no network brought")
async def test_elapsed_of_a_custom_transports_response(lib: Lib) -> Any:
    async with lib.client(transport=make(lib)) as client:
        response = await client.get("http://host/")
    return response.elapsed.total_seconds() < 5


@same("a request through a custom transport writes no log record, or another one")
async def test_the_log_record_of_a_custom_transport(lib: Lib) -> Any:
    import logging

    records = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append((record.levelname, record.getMessage()))

    logger = logging.getLogger(lib.httpx.__name__)
    handler = Handler()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        async with lib.client(transport=make(lib)) as client:
            await client.get("http://host/path")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return records


@same("a client keeps its transport under another name than _transport")
async def test_the_clients_transport_may_be_replaced(lib: Lib) -> Any:
    client = lib.client(transport=make(lib))
    first = client.inner._transport
    client.inner._transport = make(lib, lambda request: lib.httpx.Response(418))
    return type(first).__name__, (await client.get("http://host/")).status_code


@same("a client's _transport is not an HTTPTransport unless another one was given")
async def test_the_transport_that_a_client_makes(lib: Lib) -> Any:
    async with lib.client() as client:
        return type(client.inner._transport), hasattr(client.inner._transport, "_pool")


@same("a client takes a transport that lacks the base class otherwise")
async def test_a_transport_need_not_inherit(lib: Lib) -> Any:
    class Duck:
        pass

    setattr(
        Duck,
        handle_name(lib),
        in_this_world(lib, lambda self, request: lib.httpx.Response(200, text="quack")),
    )
    return (await lib.client(transport=Duck()).get("http://host/")).text
