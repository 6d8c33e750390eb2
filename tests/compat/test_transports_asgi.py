"""Scenarios of ASGITransport: what an application sees, and how its answer reaches the caller."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.compat.harness import outcome, same

Application = Callable[[Any, Any, Any], Awaitable[None]]
START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body"}


def ask(httpx: Any, app: Application, method: str = "GET", url: str = "http://host/", **options: Any) -> Any:
    keywords = options.pop("transport", {})

    async def call() -> Any:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, **keywords), trust_env=False
        ) as client:
            return await client.request(method, url, **options)

    return asyncio.run(call())


def scope_of(httpx: Any, *args: Any, **options: Any) -> Any:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await send(START)
        await send(END)

    ask(httpx, app, *args, **options)
    seen[0]["headers"] = [
        one for one in seen[0]["headers"] if one[0] not in (b"user-agent", b"accept-encoding")
    ]
    return seen[0]


def received_of(httpx: Any, times: int, **options: Any) -> list[Any]:
    """What the application receives in so many calls before it answers, and in one more behind."""
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([await receive() for _ in range(times)])
        await send(START)
        await send(END)
        seen.append(await receive())

    ask(httpx, app, "POST", **options)
    return seen


def sending(*messages: Any) -> Application:
    """An application that sends these messages, and raises what is an exception."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            if isinstance(message, Exception):
                raise message
            await send(message)

    return app


def body(content: Any, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


async def two_pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


@same("an entry of the scope is missing or different")
def test_the_scope_of_a_request(httpx: Any) -> Any:
    return scope_of(httpx, "get", "http://host/path/%20x?a=b&c=%20")


@same("ASGITransport ignores one of its arguments")
def test_the_arguments_of_the_transport_are_in_the_scope(httpx: Any) -> Any:
    scope = scope_of(httpx, transport={"root_path": "/mount", "client": ("10.0.0.1", 5)})
    return scope["root_path"], scope["client"]


@pytest.mark.parametrize("url", ["https://host/", "http://host:8080/", "http://HOST:80/?", "http://[::1]/é"])
@same("the server, the scheme or the path in the scope are not those of the URL")
def test_the_url_in_the_scope(httpx: Any, url: str) -> Any:
    scope = scope_of(httpx, url=url)
    return [scope[name] for name in ("server", "scheme", "path", "raw_path", "query_string")]


@same("field names in the scope keep their case, or repeated fields are joined")
def test_the_field_lines_in_the_scope(httpx: Any) -> Any:
    return scope_of(httpx, headers=[("X-One", "1"), ("x-one", "2")])["headers"]


@same("a request without content is received in another number of messages")
def test_a_request_without_content(httpx: Any) -> Any:
    return received_of(httpx, 2)


@same("the content of a request is received in other messages")
def test_a_request_with_content(httpx: Any) -> Any:
    return received_of(httpx, 2, content=b"content")


@same("streamed content is read into memory before the application receives it")
def test_a_request_with_streamed_content(httpx: Any) -> Any:
    return received_of(httpx, 3, content=two_pieces())


@same("receive() behind the response does not give the disconnect when content was left")
def test_content_that_the_application_leaves(httpx: Any) -> Any:
    return received_of(httpx, 1, content=b"content")


@same("receive() gives a disconnect before the response is complete")
def test_receive_waits_for_the_end_of_the_response(httpx: Any) -> Any:
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            events.append((await receive())["type"])

        await receive()
        await receive()
        listener = asyncio.ensure_future(listen())
        await asyncio.sleep(0.01)
        events.append("start")
        await send(START)
        await send(body(b"a"))
        await asyncio.sleep(0.01)
        events.append("end")
        await send(END)
        await listener

    return ask(httpx, app).content, events


@same("the status or the field lines of an application change")
def test_the_answer_of_the_application(httpx: Any) -> Any:
    start = {"type": "http.response.start", "status": 404, "headers": [(b"X-A", b"1"), (b"x-a", b"2")]}
    response = ask(httpx, sending(start, body(b"no"), END))
    return (
        response.status_code,
        response.headers.raw,
        response.content,
        response.http_version,
        response.reason_phrase,
    )


@same("a start without headers, or a body without a body, is refused")
def test_what_may_be_left_out_of_a_message(httpx: Any) -> Any:
    response = ask(httpx, sending({"type": "http.response.start", "status": 204}, END))
    return response.headers.raw, response.content, response.is_closed, response.num_bytes_downloaded


@same("pieces are lost, or come in another order")
def test_the_pieces_are_the_content(httpx: Any) -> Any:
    response = ask(httpx, sending(START, body(b"a"), body(b""), body(b"b"), body(b"c", more=False)))
    return response.content, response.num_bytes_downloaded


@same("a piece that is a memoryview is refused")
def test_a_piece_may_be_any_bytes(httpx: Any) -> Any:
    return ask(httpx, sending(START, body(memoryview(b"ab")), body(bytearray(b"cd"), more=False))).content


@same("the content of an answer to HEAD is handed over")
def test_head_has_no_content(httpx: Any) -> Any:
    return ask(httpx, sending(START, body(b"content", more=False)), "HEAD").content


@same("a message of a type that HTTP does not have is an error")
def test_other_messages_are_passed_over(httpx: Any) -> Any:
    other = {"type": "http.response.debug", "info": {}}
    return ask(httpx, sending(other, START, other, END, other)).status_code


@same("an exception before the status is swallowed or wrapped")
def test_an_exception_before_the_status(httpx: Any) -> Any:
    return ask(httpx, sending(KeyError("mine")))


@same("an exception behind the status is not raised by the client's request()")
def test_an_exception_behind_the_status(httpx: Any) -> Any:
    return ask(httpx, sending(START, body(b"a"), KeyError("mine")))


@same("an exception behind a complete response is not raised by the client's request()")
def test_an_exception_behind_the_end(httpx: Any) -> Any:
    return ask(httpx, sending(START, body(b"a"), END, KeyError("mine")))


@same("with raise_app_exceptions=False an application without an answer is no 500")
def test_an_exception_may_become_a_500(httpx: Any) -> Any:
    response = ask(httpx, sending(KeyError("mine")), transport={"raise_app_exceptions": False})
    return response.status_code, response.headers.raw, response.content


@same("with raise_app_exceptions=False an exception behind the end spoils the response")
def test_an_exception_behind_the_end_may_be_kept_away(httpx: Any) -> Any:
    app = sending({**START, "status": 500}, body(b"an error", more=False), KeyError("mine"))
    response = ask(httpx, app, transport={"raise_app_exceptions": False})
    return response.status_code, response.content


@same("SystemExit of an application becomes a 500")
def test_what_is_no_exception_is_always_raised(httpx: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SystemExit(3)

    try:
        ask(httpx, app, transport={"raise_app_exceptions": False})
    except SystemExit as exc:
        return exc.code


@same("the client has its response before the application has returned")
def test_request_returns_when_the_application_has_returned(httpx: Any) -> Any:
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(END)
        await asyncio.sleep(0.01)
        events.append("behind the response")

    return ask(httpx, app).status_code, events


@same("an exception of the request's content does not reach the application")
def test_an_exception_of_the_requests_content_goes_through_the_application(httpx: Any) -> Any:
    events = []

    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise KeyError("mine")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await receive()
        except KeyError as exc:
            events.append(repr(exc))
        await send(START)
        await send(END)

    return ask(httpx, app, "POST", content=broken()).status_code, events


@same("an exception of the request's content is not raised to the caller")
def test_an_exception_of_the_requests_content_comes_back(httpx: Any) -> Any:
    async def broken() -> AsyncIterator[bytes]:
        raise KeyError("mine")
        yield b""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    return ask(httpx, app, "POST", content=broken())


@same("the application does not see the caller's context variables")
def test_context_variables_reach_the_application(httpx: Any) -> Any:
    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        await send(START)
        await send(END)

    async def call() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            variable.set("set by the caller")
            await client.get("http://host/")

    asyncio.run(call())
    return seen


@same("the content of a redirect that an application answers is lost")
def test_the_content_of_a_redirect_is_kept(httpx: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        is_first = scope["path"] == "/"
        fields = [(b"location", b"/next")] if is_first else []
        await send({"type": "http.response.start", "status": 302 if is_first else 200, "headers": fields})
        await send(body(b"over there" if is_first else b"here", more=False))

    response = ask(httpx, app, follow_redirects=True)
    first = response.history[0]
    return (
        first.content,
        first.is_closed,
        first.is_stream_consumed,
        first.num_bytes_downloaded,
        response.content,
    )


def variable_behind(httpx: Any, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    """A context variable that the application sets, as the caller sees it behind the request."""
    variable = contextvars.ContextVar("variable", default="unset")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        variable.set("set by the application")
        await send(START)
        await send(END)

    async def call() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            await ask(client)
        return variable.get()

    return asyncio.run(call())


@same("the application of a request that is read at once runs in another context than its caller")
def test_context_variables_come_back(httpx: Any) -> Any:
    return variable_behind(httpx, lambda client: client.get("http://host/"))


@same(
    "a streamed response is collected before the caller sees it",
    differs="a context variable that the application sets is not seen",
)
def test_context_variables_of_a_streamed_response_do_not_come_back(httpx: Any) -> Any:
    async def ask(client: Any) -> None:
        async with client.stream("GET", "http://host/") as response:
            await response.aread()

    return variable_behind(httpx, ask)


@same("a cancellation that the application raises by itself is taken for the end of its task")
def test_a_cancellation_that_the_application_raises(httpx: Any) -> Any:
    error = asyncio.CancelledError()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    async def call() -> bool:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            try:
                await client.get("http://host/")
            except asyncio.CancelledError as exc:
                return exc is error
        return False

    return asyncio.run(call())


@same("a task of the application that listens is heard before the application has sent what it had")
def test_a_listener_is_not_heard_between_two_messages(httpx: Any) -> Any:
    """send() does not wait where a server would not: frameworks that listen for a disconnect count on it."""
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            events.append("listens")
            await receive()

        listener = asyncio.ensure_future(listen())
        await send(START)
        await send(body(b"content"))
        await send(END)
        events.append("sent all")
        await asyncio.sleep(0)
        listener.cancel()

    return ask(httpx, app).content, events


@same("requests wait for each other")
def test_requests_run_at_the_same_time(httpx: Any) -> Any:
    both = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal both
        both += 1
        while both < 2:
            await asyncio.sleep(0.001)
        await send(START)
        await send(body(scope["path"].encode(), more=False))

    async def call() -> list[bytes]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            answers = await asyncio.gather(client.get("http://host/a"), client.get("http://host/b"))
        return [one.content for one in answers]

    return asyncio.run(call())


@same("a caller who gives up does not end the application")
def test_a_timeout_of_the_caller_ends_the_application(httpx: Any) -> Any:
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            events.append("cancelled")
            await asyncio.sleep(0.001)
            events.append("cleaned up")
            raise

    async def call() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get("http://host/"), 0.02)
            events.append("timeout")

    asyncio.run(call())
    return events


@same("ASGITransport keeps its arguments under other names")
def test_the_attributes_of_the_transport(httpx: Any) -> Any:
    transport = httpx.ASGITransport(len, False, "/mount", ("10.0.0.1", 5))
    return {name: value for name, value in vars(transport).items() if not name.startswith("_")}


@same("an ASGI application is called for the lifespan, or when the client is closed")
def test_the_application_is_called_for_requests_alone(httpx: Any) -> Any:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])
        await send(START)
        await send(END)

    ask(httpx, app)
    return seen


@same(
    "with raise_app_exceptions=False a response that was cut passes for a whole one",
    differs="one that fails amid its content with `raise_app_exceptions=False`",
)
def test_a_response_that_was_cut(httpx: Any) -> Any:
    app = sending(START, body(b"a"), KeyError("mine"))
    return outcome(lambda: ask(httpx, app, transport={"raise_app_exceptions": False}).content)
