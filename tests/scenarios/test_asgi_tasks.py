"""ASGITransport: in which task an application runs, what cancels it, and that nothing is left, on each event loop."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import anyio
import pytest

import httpstream
from tests.asgi_calls import BOTH_WAYS, END, START, URL, body, client_of, fetch, tasks_of

pytestmark = pytest.mark.flavours("asyncio", "uvloop", "trio")


@BOTH_WAYS
@pytest.mark.parametrize("moment", ["before the status", "while reading", "behind the end"])
async def test_a_cancelled_caller_cancels_the_application(world, moment, streamed):
    cancelled = anyio.Event()

    async def app(scope, receive, send):
        try:
            if moment != "before the status":
                await send(START)
            if moment == "behind the end":
                await send(END)
            await anyio.sleep(30)
        finally:
            cancelled.set()

    before = tasks_of(world)
    async with client_of(app) as client:
        with anyio.move_on_after(0.02) as scope:
            await fetch(client, streamed)
        assert scope.cancelled_caught
        assert cancelled.is_set()
    assert tasks_of(world) == before


@BOTH_WAYS
async def test_a_call_that_is_over_leaves_no_task(world, streamed):
    async def app(scope, receive, send):
        await receive()
        await send(START)
        await send(body(b"ok", more=False))

    before = tasks_of(world)
    async with client_of(app) as client:
        for _ in range(20):
            assert (await fetch(client, streamed, content=b"x")).content == b"ok"
    assert tasks_of(world) == before


async def test_an_application_whose_response_is_dropped_comes_to_its_end(world):
    ended = []

    async def app(scope, receive, send):
        try:
            await send(START)
            while True:
                await send(body(b"x" * 10_000))
        finally:
            ended.append(True)

    async with client_of(app) as client:
        response = await client.send(client.build_request("GET", URL), stream=True)
        await response.aiter_bytes().__anext__()
        del response
        gc.collect()
        await world.until(lambda: ended)


@BOTH_WAYS
async def test_an_application_that_cancels_itself_breaks_off(world, streamed):
    async def app(scope, receive, send):
        with anyio.CancelScope() as own:
            own.cancel()
            await anyio.sleep(1)

    async with client_of(app) as client:
        with pytest.raises(httpstream.RemoteProtocolError, match="ended without a response"):
            await fetch(client, streamed)


@pytest.mark.flavours("asyncio", "uvloop")
async def test_an_application_whose_task_is_cancelled_by_others_breaks_off(world):
    """Its task is the loop's: whoever cancels that one must not leave the caller waiting."""

    async def app(scope, receive, send):
        await send(START)
        await anyio.sleep(30)

    async with client_of(app) as client:
        before = asyncio.all_tasks()
        async with client.stream("GET", URL) as response:
            for task in asyncio.all_tasks() - before:
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await response.aread()


@pytest.mark.flavours("asyncio", "uvloop")
async def test_whole_responses_come_of_the_callers_own_task(world):
    """Sessions of databases are kept by task in tests, cancel scopes belong to one."""
    tasks = []

    async def app(scope, receive, send):
        tasks.append(asyncio.current_task())
        await send(START)
        await send(END)

    async with client_of(app) as client:
        await client.get(URL)
        await fetch(client, True)
    assert (tasks[0] is asyncio.current_task(), tasks[1] is asyncio.current_task()) == (True, False)


@pytest.mark.flavours("asyncio")
async def test_an_application_in_an_eager_task_waits_for_its_reader(world):
    async def app(scope, receive, send):
        await send(START)
        while True:
            await send(body(b"x" * 1000))

    # From CPython 3.12 on; None is the usual one.
    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
    async with client_of(app) as client, client.stream("GET", URL) as response:
        assert await response.aiter_raw(None).__anext__() == b"x" * 1000


async def test_a_scope_that_the_application_cancels_holds_at_once(world):
    """In the caller's task the caller's scope is the application's, too."""
    events = []

    async def app(scope, receive, send):
        callers.cancel()
        await anyio.sleep(0)
        events.append("went on")

    async with client_of(app) as client:
        with anyio.CancelScope() as callers:
            await client.get(URL)
    assert (events, callers.cancelled_caught) == ([], True)


async def test_redirects_and_auth_come_of_the_callers_own_task(world):
    """Each request of a conversation is answered in the same way."""
    tasks = []

    async def app(scope, receive, send):
        tasks.append(anyio.get_current_task().id)
        is_first = scope["path"] == "/"
        fields = [(b"location", b"/next")] if is_first else []
        await send({**START, "status": 302 if is_first else 200, "headers": fields})
        await send(END)

    class Twice(httpstream.Auth):
        def auth_flow(self, request):
            yield httpstream.Request("GET", URL + "token")
            yield request

    async with client_of(app) as client:
        await client.get(URL, follow_redirects=True, auth=Twice())
    assert tasks == [anyio.get_current_task().id] * 3


@pytest.mark.flavours("asyncio", "uvloop")  # in trio a shield holds: nobody is cancelled past it
async def test_a_caller_that_is_cancelled_twice_does_not_hang(world):
    async def app(scope, receive, send):
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.02)  # longer than the caller's patience

    before = tasks_of(world)
    async with client_of(app) as client:
        task = asyncio.ensure_future(fetch(client, True))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.04)
    assert tasks_of(world) == before


@pytest.mark.flavours("asyncio", "uvloop")
async def test_an_abandoned_coroutine_cancels_the_application(world):
    """A coroutine that is closed in the middle cannot wait any more; the application is ended all the same."""

    async def app(scope, receive, send):
        await anyio.sleep(30)

    before = tasks_of(world)
    async with client_of(app) as client:
        coroutine = client.send(client.build_request("GET", URL), stream=True)
        coroutine.send(None)
        assert tasks_of(world) == before + 1
        coroutine.close()
        await anyio.sleep(0.001)
    assert tasks_of(world) == before


def test_a_transport_loads_no_event_loop():
    code = (
        "import sys, httpstream; httpstream.ASGITransport(len); "
        "print([name for name in ('anyio', 'asyncio', 'trio') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
