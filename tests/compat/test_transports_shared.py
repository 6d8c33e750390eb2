"""Scenarios of transports that outlive a client, and of what a client's user raises inside it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tests.compat.harness import Lib, same


@same("a transport that was closed with its client takes no more requests")
async def test_a_transport_serves_one_client_after_the_other(lib: Lib) -> Any:
    transport, texts = lib.transport(), []
    for _ in range(2):
        async with lib.client(transport=transport) as client:
            texts.append((await client.get(lib.site.url + "/")).text)
    return texts, lib.site.wire


@same("a mounted transport that was closed with its client takes no more requests")
async def test_a_mounted_transport_serves_one_client_after_the_other(lib: Lib) -> Any:
    transport, texts = lib.transport(), []
    for _ in range(2):
        async with lib.client(mounts={"all://": transport}) as client:
            texts.append((await client.get(lib.site.url + "/")).text)
    return texts


@same("a transport that was closed by itself takes no more requests")
async def test_a_transport_by_itself_after_it_was_closed(lib: Lib) -> Any:
    transport, request = lib.transport(), lib.httpx.Request("GET", lib.site.url + "/")
    send = transport.handle_async_request if lib.is_async else transport.handle_request
    close = transport.aclose if lib.is_async else transport.close
    statuses = []
    for _ in range(2):
        response = await lib.do(send(request))
        await lib.do(response.aread() if lib.is_async else response.read())
        statuses.append(response.status_code)
        await lib.do(close())
        await lib.do(close())
    return statuses, lib.site.connections


@same("a StopIteration leaves Client.send as RuntimeError")
@pytest.mark.parametrize("where", ["transport", "hook", "response hook"])
def test_a_mock_that_has_run_out_of_answers(httpx: Any, where: str) -> Any:
    def run_out(message: Any) -> Any:
        return next(iter(()))

    answer = run_out if where == "transport" else lambda request: httpx.Response(200)
    hooks = {"hook": {"request": [run_out]}, "response hook": {"response": [run_out]}}.get(where)
    client = httpx.Client(transport=httpx.MockTransport(answer), event_hooks=hooks)
    try:
        return client.get("http://host/")
    except (StopIteration, RuntimeError) as exc:
        return type(exc).__name__


@same("a StopIteration that a generator made a RuntimeError is taken out of it")
def test_a_generator_of_an_auth_that_raises_stop_iteration(httpx: Any) -> Any:
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    try:
        return client.get("http://host/", auth=lambda request: next(iter(())))
    except (StopIteration, RuntimeError) as exc:
        return type(exc).__name__


@same("the type of USE_CLIENT_DEFAULT cannot be pickled")
def test_the_default_of_arguments_can_be_pickled(httpx: Any) -> Any:
    kind = httpx._client.UseClientDefault
    loaded = pickle.loads(pickle.dumps(httpx.USE_CLIENT_DEFAULT))
    return isinstance(loaded, kind), isinstance(copy.deepcopy(httpx.USE_CLIENT_DEFAULT), kind)
