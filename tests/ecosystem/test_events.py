"""Server-sent events by httpx-sse, and the model context protocol by mcp."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import httpx_sse
import pytest
from conftest import Answer, Service, events, serving
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

EVENTS = events("one", ("named", {"a": "\u2028"}), "two\ndata: lines")


def read(source: Any) -> list[tuple[str, str]]:
    return [(one.event, one.data) for one in source.iter_sse()]


WANTED = [("message", "one"), ("named", '{"a": "\\u2028"}'), ("message", "two\nlines")]


def test_httpx_sse(service: Service) -> None:
    service.on["/events"] = Answer(EVENTS, content_type="text/event-stream")
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", f"{service.url}/events") as source:
        assert read(source) == WANTED
    assert service.received[0].headers["Accept"] == "text/event-stream"


def test_httpx_sse_whatever_the_pieces(service: Service) -> None:
    service.on["/events"] = Answer(
        [bytes([byte]) for byte in b"".join(EVENTS)], content_type="text/event-stream"
    )
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", f"{service.url}/events") as source:
        assert read(source) == WANTED


def test_httpx_sse_in_the_async_world(service: Service) -> None:
    service.on["/events"] = Answer(EVENTS, content_type="text/event-stream")

    async def ask() -> list[tuple[str, str]]:
        async with httpx.AsyncClient() as client:
            async with httpx_sse.aconnect_sse(client, "GET", f"{service.url}/events") as source:
                return [(one.event, one.data) async for one in source.aiter_sse()]

    assert asyncio.run(ask()) == WANTED


def test_httpx_sse_refuses_what_are_no_events(service: Service) -> None:
    service.on["/text"] = Answer(b"text", content_type="text/plain")
    with httpx.Client() as client, httpx_sse.connect_sse(client, "GET", f"{service.url}/text") as source:
        with pytest.raises(httpx_sse.SSEError):
            read(source)


def test_httpx_sse_of_an_application_that_never_ends() -> None:
    """By ASGITransport, event by event."""

    async def endless(request: Any) -> StreamingResponse:
        async def generate() -> AsyncIterator[bytes]:
            number = 0
            while True:
                yield f"data: {number}\n\n".encode()
                number += 1
                await asyncio.sleep(0.001)

        return StreamingResponse(generate(), media_type="text/event-stream")

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(Starlette(routes=[Route("/events", endless)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            async with httpx_sse.aconnect_sse(client, "GET", "/events") as source:
                found = []
                async for one in source.aiter_sse():
                    found.append(one.data)
                    if len(found) == 3:
                        return found
        return []

    assert asyncio.run(asyncio.wait_for(ask(), 10)) == ["0", "1", "2"]


@pytest.mark.parametrize("json_response", [False, True])
def test_mcp_over_streamable_http(json_response: bool) -> None:
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("Demo")

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @server.resource("greeting://{name}")
    def greeting(name: str) -> str:
        return f"Hello, {name}!"

    async def ask(url: str) -> tuple[list[str], Any, Any]:
        async with Client(f"{url}/mcp") as client:
            tools = await client.list_tools()
            result = await client.call_tool("add", {"a": 1, "b": 2})
            resource = await client.read_resource("greeting://you")
            return [tool.name for tool in tools.tools], result, resource

    with serving(server.streamable_http_app(json_response=json_response)) as url:
        tools, result, resource = asyncio.run(asyncio.wait_for(ask(url), 30))
    assert tools == ["add"]
    assert not result.is_error and "3" in str(result.content)
    assert "Hello, you!" in str(resource.contents)
