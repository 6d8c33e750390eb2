"""The `trace` extension in four flavours: what it hears, what it may do, and that no connection is lost by it."""

from __future__ import annotations

import gzip
from typing import Any

import anyio
import pytest

import httpstream
from tests.dialogue import CHUNKED, FIVE, HELLO, check_next_request, head
from tests.servers.steps import expect_content, expect_end, expect_request, fin, send, serve, wait_for

EXCHANGE = [
    f"http11.{name}.{step}"
    for name in (
        "send_request_headers",
        "send_request_body",
        "receive_response_headers",
        "receive_response_body",
        "response_closed",
    )
    for step in ("started", "complete")
]


class Trace:
    """Records the events of a request in either world; `on` says what happens at one of them."""

    def __init__(self, world, on: dict[str, Any] | None = None) -> None:
        self.names: list[str] = []
        self.infos: dict[str, Any] = {}
        self._world = world
        self._on = on or {}

    @property
    def extension(self) -> dict[str, Any]:
        return {"trace": self._coroutine if self._world.is_async else self._function}

    def _function(self, name: str, info: Any) -> None:
        self.names.append(name)
        self.infos[name] = info
        action = self._on.get(name)
        if action is not None:
            action()

    async def _coroutine(self, name: str, info: Any) -> None:
        await anyio.lowlevel.checkpoint()  # a trace may wait
        self._function(name, info)
        await anyio.sleep(0)


def refuse() -> None:
    raise LookupError("mine")


async def test_a_trace_hears_of_each_step(world, fault_server, layer):
    server = fault_server([expect_request("GET /a"), send(HELLO), serve()], **layer.server)
    trace = Trace(world)
    async with world.client(**layer.client) as client:
        response = await client.get(server.url + "/a", extensions=trace.extension)
        assert response.content == b"hello"
        await check_next_request(client, server)
    connecting = ["connect_tcp", "start_tls"] if layer.server else ["connect_tcp"]
    steps = [f"connection.{name}.{step}" for name in connecting for step in ("started", "complete")]
    assert trace.names == [*steps, *EXCHANGE]


async def test_content_reaches_the_caller_of_a_traced_request_as_it_comes(world, fault_server, layer):
    """The server waits until the caller has what it sent: no clock decides."""
    script = [expect_request("GET /a"), send(CHUNKED + b"5\r\nfirst\r\n"), wait_for("got it")]
    server = fault_server([*script, send(b"6\r\nsecond\r\n0\r\n\r\n"), serve()], **layer.server)
    trace = Trace(world)
    async with world.client(**layer.client) as client:
        async with client.stream("GET", server.url + "/a", extensions=trace.extension) as answer:
            pieces = answer.iter("bytes")
            assert await pieces.__anext__() == b"first"
            assert trace.names[-1] == "http11.receive_response_body.started"
            server.gate("got it").set()
            assert [piece async for piece in pieces] == [b"second"]
        assert answer.num_bytes_downloaded == 11
        await check_next_request(client, server)
    assert trace.names[-10:] == EXCHANGE


@pytest.mark.parametrize("size", [1, 64, 1024, 1 << 20])
async def test_content_of_a_traced_request_is_whole(world, fault_server, size):
    content = bytes(range(256)) * (size // 256 + 1)
    packed = gzip.compress(content)
    fields = (f"Content-Length: {len(packed)}", "Content-Encoding: gzip")
    server = fault_server([expect_request("GET /a"), send(head(*fields) + packed), serve()])
    async with world.client() as client:
        response = await client.get(server.url + "/a", extensions=Trace(world).extension)
        assert response.content == content
        await check_next_request(client, server)


async def test_head_and_content_of_a_traced_request_are_the_same_on_the_wire(world, fault_server):
    script = [expect_request("POST /a", "content-length: 5"), expect_content(b"hello"), send(FIVE + b"12345")]
    server = fault_server([*script, serve()])
    trace = Trace(world)
    async with world.client() as client:
        response = await client.post(server.url + "/a", content=b"hello", extensions=trace.extension)
        assert response.content == b"12345"
        await check_next_request(client, server)
    assert trace.names[2:] == EXCHANGE


async def test_an_early_answer_is_heard_of_while_sending(world, fault_server):
    early = head("Content-Length: 0", "Connection: close", status="413 Content Too Large")
    server = fault_server([expect_request("POST /a"), send(early), wait_for("sent"), fin()], then=[serve()])
    trace = Trace(world)
    async with world.client() as client:
        pieces = world.pieces([b"x" * 65536] * 200)
        response = await client.post(server.url + "/a", content=pieces, extensions=trace.extension)
        server.gate("sent").set()
        assert response.status_code == 413
        await check_next_request(client, server)
    assert trace.names[2:] == EXCHANGE


@pytest.mark.parametrize(
    "name", ["connection.connect_tcp.started", "connection.connect_tcp.complete", *EXCHANGE]
)
async def test_a_trace_that_raises_ends_the_request_and_loses_no_place(world, fault_server, layer, name):
    server = fault_server(then=[serve()], strict=False, **layer.server)
    async with world.client(limits=httpstream.Limits(max_connections=1), **layer.client) as client:
        for _ in range(2):
            with pytest.raises(LookupError, match="mine"):
                await client.get(
                    server.url + "/a",
                    headers={"Connection": "close"},
                    extensions=Trace(world, {name: refuse}).extension,
                )
        await check_next_request(client, server)


@pytest.mark.parametrize("name", ["connection.start_tls.started", "connection.start_tls.complete"])
async def test_a_trace_that_raises_at_tls_loses_no_place(world, fault_server, authority, name):
    server = fault_server(then=[serve()], strict=False, tls=authority.server_context())
    limits = httpstream.Limits(max_connections=1)
    async with world.client(limits=limits, verify=authority.client_context()) as client:
        with pytest.raises(LookupError, match="mine"):
            await client.get(server.url + "/a", extensions=Trace(world, {name: refuse}).extension)
        await check_next_request(client, server)


@pytest.mark.flavours("asyncio", "uvloop", "trio")
@pytest.mark.parametrize("name", ["connection.connect_tcp.complete", *EXCHANGE])
async def test_cancelled_while_a_trace_waits(world, fault_server, name):
    server = fault_server(then=[serve()], strict=False)
    entered = anyio.Event()

    async def wait(event: str, info: Any) -> None:
        if event == name:
            entered.set()
            await anyio.sleep_forever()

    async with world.client(limits=httpstream.Limits(max_connections=1)) as client:
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                await client.get(server.url + "/a", extensions={"trace": wait})

            tasks.start_soon(ask)
            await entered.wait()
            tasks.cancel_scope.cancel()
        await check_next_request(client, server)


async def test_a_trace_may_send_requests_of_its_own(world, fault_server):
    server = fault_server(then=[serve()])
    async with world.client() as client:
        if world.is_async:

            async def trace(name: str, info: Any) -> None:
                if name == "http11.receive_response_body.started":
                    answers.append((await client.get(server.url + "/inner")).text)
        else:

            def trace(name: str, info: Any) -> None:
                if name == "http11.receive_response_body.started":
                    answers.append(client.inner.get(server.url + "/inner").text)

        answers: list[str] = []
        response = await client.get(server.url + "/outer", extensions={"trace": trace})
        answers.append(response.text)
    assert answers == ["GET /inner", "GET /outer"]


async def test_a_response_of_a_traced_request_that_is_left_early_gives_its_place_back(world, fault_server):
    script = [expect_request("GET /a"), send(CHUNKED + b"5\r\nfirst\r\n"), expect_end()]
    server = fault_server(script, then=[serve()])
    trace = Trace(world)
    async with world.client(limits=httpstream.Limits(max_connections=1)) as client:
        async with client.stream("GET", server.url + "/a", extensions=trace.extension) as answer:
            pieces = answer.iter("bytes")
            assert await pieces.__anext__() == b"first"
        await check_next_request(client, server)
    assert trace.names[-3:] == [
        "http11.receive_response_body.failed",
        "http11.response_closed.started",
        "http11.response_closed.complete",
    ]
    assert isinstance(trace.infos["http11.receive_response_body.failed"]["exception"], GeneratorExit)


async def test_the_stream_of_a_traced_response_is_a_file(world, fault_server):
    server = fault_server([expect_request("GET /a"), send(HELLO), serve()])
    trace = Trace(world)
    async with world.client() as client:
        async with client.stream("GET", server.url + "/a", extensions=trace.extension) as answer:
            stream = answer.stream
            start = await stream.aread(3) if world.is_async else stream.read(3)
            rest = await stream.aread() if world.is_async else stream.read()
            assert (start, rest) == (b"hel", b"lo")
        await check_next_request(client, server)
    assert trace.names[2:] == EXCHANGE
