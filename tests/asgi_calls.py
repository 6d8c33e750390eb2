"""What scenarios of ASGITransport stand on: messages, clients, and how many tasks a loop has. No test lives here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import httpstream

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body"}
URL = "http://host/"


def body(content: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


def client_of(app: Callable[[Any, Any, Any], Awaitable[None]], **options: Any) -> httpstream.AsyncClient:
    return httpstream.AsyncClient(transport=httpstream.ASGITransport(app, **options), trust_env=False)


BOTH_WAYS = pytest.mark.parametrize("streamed", [False, True])


async def fetch(
    client: httpstream.AsyncClient, streamed: bool, url: str = URL, **options: Any
) -> httpstream.Response:
    """A whole response: by a task of the application's own, or in this one."""
    method = "POST" if "content" in options else "GET"
    if not streamed:
        return await client.request(method, url, **options)
    async with client.stream(method, url, **options) as response:
        await response.aread()
        return response


def tasks_of(world: Any) -> int:
    """How many tasks the loop has: a call that is over leaves none behind."""
    if world.name == "trio":
        import trio

        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())
