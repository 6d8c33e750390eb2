"""ASGITransport: content as it comes, back-pressure, early leaving, errors, on each event loop."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import httpstream
from tests.asgi_calls import BOTH_WAYS, END, START, URL, body, client_of, fetch, tasks_of

pytestmark = pytest.mark.flavours("asyncio", "uvloop", "trio")


class Endless:
    """An application that sends a piece again and again, and notes how it ends."""

    def __init__(self, piece: bytes, pause: float | None = None, listens: bool = False) -> None:
        self.piece = piece
        self.pause = pause
        self.listens = listens
        self.sent = 0
        self.end = ""
        self.received: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            await receive()
            await send(START)
            if not self.listens:
                await self._send(send)
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._send, send)
                self.received.append((await receive())["type"])
                tasks.cancel_scope.cancel()
            self.end = "by itself"
        except BaseException as exc:
            self.end = type(exc).__name__
            raise

    async def _send(self, send: Any) -> None:
        while True:
            await send(body(self.piece))
            self.sent += 1
            if self.pause is not None:
                await anyio.sleep(self.pause)


async def test_a_piece_is_there_before_the_application_sends_the_next_one(world):
    read = anyio.Event()

    async def app(scope, receive, send):
        await send(START)
        await send(body(b"one"))
        await read.wait()
        await send(body(b"two", more=False))

    async with client_of(app) as client, client.stream("GET", URL) as response:
        pieces = response.aiter_raw(None)
        assert await pieces.__anext__() == b"one"
        read.set()
        assert [piece async for piece in pieces] == [b"two"]


async def test_the_response_is_there_before_any_content_is(world):
    started = anyio.Event()

    async def app(scope, receive, send):
        await send({**START, "status": 418})
        await started.wait()
        await send(END)

    async with client_of(app) as client, client.stream("GET", URL) as response:
        assert response.status_code == 418
        started.set()
        assert await response.aread() == b""


async def test_an_application_that_is_far_ahead_of_its_reader_waits(world):
    app = Endless(b"x" * 1000)
    async with client_of(app) as client, client.stream("GET", URL) as response:
        for _ in range(100):
            await anyio.sleep(0)
        ahead = app.sent
        assert 64 <= ahead <= 66  # 64 KiB of 1,000 bytes each
        pieces = response.aiter_raw(None)
        assert [await pieces.__anext__() for _ in range(10)] == [app.piece] * 10
        for _ in range(100):
            await anyio.sleep(0)
        assert app.sent == ahead + 10


@pytest.mark.parametrize("read", [0, 3])
async def test_leaving_early_disconnects_an_application_that_listens(world, read):
    app = Endless(b"x", pause=0.001, listens=True)
    before = tasks_of(world)
    async with client_of(app) as client:
        async with client.stream("GET", URL) as response:
            pieces = response.aiter_raw(None)
            for _ in range(read):
                await pieces.__anext__()
        assert (app.received, app.end) == (["http.disconnect"], "by itself")
    assert tasks_of(world) == before


async def test_leaving_early_is_an_error_for_an_application_that_goes_on_sending(world, caplog):
    app = Endless(b"x" * 70_000)
    before = tasks_of(world)
    with caplog.at_level(logging.DEBUG, "httpstream"):
        async with client_of(app) as client:
            async with client.stream("GET", URL) as response:
                assert len(await response.aiter_raw(None).__anext__()) == 70_000
            assert app.end == "OSError"
    assert tasks_of(world) == before
    assert any("after its response was closed" in record.message for record in caplog.records)


@pytest.mark.slow
async def test_leaving_early_ends_an_application_that_does_not_hear_of_it(world):
    cancelled = []

    async def app(scope, receive, send):
        await send(START)
        try:
            await anyio.sleep(30)
        except anyio.get_cancelled_exc_class():
            cancelled.append(True)
            raise

    before = tasks_of(world)
    async with client_of(app) as client:
        async with client.stream("GET", URL):
            pass
    assert cancelled
    assert tasks_of(world) == before


async def test_a_short_response_that_is_left_may_be_finished(world):
    """Whoever follows a redirect leaves its content: what the application does behind it must happen."""
    events = []

    async def app(scope, receive, send):
        await send(START)
        await anyio.sleep(0.01)
        await send(body(b"x" * 1000))
        await send(END)
        await anyio.sleep(0.01)
        events.append("behind the response")

    async with client_of(app) as client:
        async with client.stream("GET", URL):
            pass
        assert events == ["behind the response"]


async def test_the_end_of_the_content_is_the_end_of_the_application(world):
    events = []

    async def app(scope, receive, send):
        await send(START)
        await send(body(b"all", more=False))
        await anyio.sleep(0.01)
        events.append("returned")

    async with client_of(app) as client, client.stream("GET", URL) as response:
        assert [piece async for piece in response.aiter_raw(None)] == [b"all"]
        assert events == ["returned"]


@pytest.mark.parametrize("reads", [True, False])
async def test_an_exception_behind_the_end_is_raised_to_who_reads_or_leaves(world, reads):
    async def app(scope, receive, send):
        await send(START)
        await send(body(b"all", more=False))
        raise KeyError("mine")

    async with client_of(app) as client:
        with pytest.raises(KeyError, match="mine"):
            async with client.stream("GET", URL) as response:
                await anyio.sleep(0.001)
                if reads:
                    await response.aread()
        assert response.is_closed


async def test_an_exception_comes_behind_the_content_that_was_sent(world):
    async def app(scope, receive, send):
        await send(START)
        await send(body(b"good"))
        raise KeyError("mine")

    async with client_of(app) as client, client.stream("GET", URL) as response:
        pieces = response.aiter_raw(None)
        assert await pieces.__anext__() == b"good"
        with pytest.raises(KeyError, match="mine"):
            await pieces.__anext__()
        assert response.is_closed


@BOTH_WAYS
async def test_many_calls_at_once_get_their_own_answers(world, streamed):
    async def app(scope, receive, send):
        await send(START)
        for number in range(5):
            await send(body(scope["path"].encode() + b"%d " % number))
            await anyio.sleep(0.001)
        await send(END)

    async def ask(number: int) -> None:
        response = await fetch(client, streamed, f"{URL}{number}-")
        assert response.text == "".join(f"/{number}-{part} " for part in range(5))

    async with client_of(app) as client, anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(ask, number)


async def test_both_directions_stream_at_the_same_time(world):
    """An application that answers as it receives, and content that waits for the answers: a conversation."""
    heard: list[bytes] = []
    may_go_on = anyio.Event()

    async def questions() -> AsyncIterator[bytes]:
        yield b"one"
        await may_go_on.wait()
        yield b"two"

    async def app(scope, receive, send):
        await send(START)
        while (message := await receive())["more_body"]:
            await send(body(message["body"].upper()))
        await send(END)

    async with client_of(app) as client:
        async with client.stream("POST", URL, content=questions()) as response:
            async for piece in response.aiter_raw(None):
                heard.append(piece)
                may_go_on.set()
    assert heard == [b"ONE", b"TWO"]


@BOTH_WAYS
async def test_content_that_the_application_leaves_is_closed(world, streamed):
    events = []

    async def content() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            events.append("closed")

    async def app(scope, receive, send):
        await receive()
        await send(START)
        await send(END)

    async with client_of(app) as client:
        await fetch(client, streamed, content=content())
    assert events == ["closed"]


@pytest.mark.parametrize(
    ("messages", "error", "text"),
    [
        ([], httpstream.RemoteProtocolError, "ended without a response"),
        ([START], httpstream.RemoteProtocolError, "ended before its content did"),
        ([START, body(b"a")], httpstream.RemoteProtocolError, "ended before its content did"),
        ([START, START], RuntimeError, "starts once"),
        ([body(b"a")], RuntimeError, "before http.response.start"),
        ([START, END, END], RuntimeError, "behind the last one"),
        ([START, body("text")], TypeError, "bytes-like"),
    ],
)
@BOTH_WAYS
async def test_an_application_that_breaks_the_rules(world, messages, error, text, streamed):
    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    async with client_of(app) as client:
        with pytest.raises(error, match=text):
            await fetch(client, streamed)


async def test_the_request_of_a_broken_rule_is_known(world):
    async def app(scope, receive, send):
        return

    async with client_of(app) as client:
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            await client.get(URL)
    assert caught.value.request.url == URL


@BOTH_WAYS
async def test_a_failure_that_is_kept_away_is_the_cause_of_the_cut(world, streamed):
    async def app(scope, receive, send):
        await send(START)
        raise KeyError("mine")

    async with client_of(app, raise_app_exceptions=False) as client:
        with pytest.raises(httpstream.RemoteProtocolError) as caught:
            await fetch(client, streamed)
    assert isinstance(caught.value.__cause__, KeyError)


async def test_nothing_waits_where_a_server_would_not(world):
    """What an application does between two messages is not cut by the reader's doings."""
    events = []

    async def app(scope, receive, send):
        await send(START)
        for number in range(3):
            await send(body(b"x"))
            events.append(f"sent {number}")
        await send(END)
        events.append("returned")

    async with client_of(app) as client, client.stream("GET", URL) as response:
        events.append("response")
        events.extend(["piece" async for _ in response.aiter_raw()])
    assert events == ["sent 0", "sent 1", "sent 2", "returned", "response", "piece", "piece", "piece"]
