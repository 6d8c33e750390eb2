"""openai: chat completions, streamed and not, in both worlds; files, errors and retries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from conftest import Answer, Request, Service, events

import httpstream

QUESTION: Any = [{"role": "user", "content": "hello?"}]


def complete(request: Request) -> Answer:
    """What the service answers to a chat completion."""
    asked = request.json()
    common = {"id": "1", "created": 1, "model": asked["model"]}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "Hello, world"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return Answer({**common, "object": "chat.completion", "choices": [choice]})
    chunks = [
        {**common, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": word}}]}
        for word in ("Hel", "lo, ", "wörld\u2028")
    ]
    return Answer(events(*chunks, "[DONE]"), content_type="text/event-stream")


@pytest.fixture
def options(service: Service) -> dict[str, Any]:
    service.on["/v1/chat/completions"] = complete
    return {"api_key": "secret", "base_url": f"{service.url}/v1", "max_retries": 1}


def test_a_completion(service: Service, options: dict[str, Any]) -> None:
    with openai.OpenAI(**options) as client:
        answer = client.chat.completions.create(model="m", messages=QUESTION)
    assert answer.choices[0].message.content == "Hello, world"
    assert service.received[0].headers["Authorization"] == "Bearer secret"
    assert service.received[0].json() == {"model": "m", "messages": QUESTION}


def test_a_streamed_completion(options: dict[str, Any]) -> None:
    with openai.OpenAI(**options) as client:
        with client.chat.completions.create(model="m", messages=QUESTION, stream=True) as stream:
            words = [chunk.choices[0].delta.content for chunk in stream]
    assert words == ["Hel", "lo, ", "wörld\u2028"]


def test_completions_in_the_async_world(options: dict[str, Any]) -> None:
    async def ask() -> tuple[Any, list[Any]]:
        async with openai.AsyncOpenAI(**options) as client:
            answer = await client.chat.completions.create(model="m", messages=QUESTION)
            stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
            return answer.choices[0].message.content, [
                chunk.choices[0].delta.content async for chunk in stream
            ]

    assert asyncio.run(ask()) == ("Hello, world", ["Hel", "lo, ", "wörld\u2028"])


def test_streamed_completions_share_a_connection(service: Service, options: dict[str, Any]) -> None:
    """Behind the last event openai reads the rest of the response by its stream, in the async world."""

    def slow_end(request: Request) -> Answer:
        def pieces() -> Iterator[bytes]:
            yield from complete(request).content
            time.sleep(0.02)  # the end of the content comes later than the last event

        return Answer(pieces(), content_type="text/event-stream")

    service.on["/v1/chat/completions"] = slow_end

    async def ask() -> None:
        async with openai.AsyncOpenAI(**options) as client:
            for _ in range(3):
                stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
                assert len([chunk async for chunk in stream]) == 3

    asyncio.run(ask())
    assert (len(service.received), service.connections) == (3, 1)


def test_the_stream_helper(options: dict[str, Any]) -> None:
    with openai.OpenAI(**options) as client:
        with client.chat.completions.with_streaming_response.create(model="m", messages=QUESTION) as response:
            assert response.parse().choices[0].message.content == "Hello, world"


def test_an_error_of_the_service_carries_its_response(service: Service, options: dict[str, Any]) -> None:
    service.on["/v1/chat/completions"] = Answer({"error": {"message": "no such model"}}, 404)
    with (
        openai.OpenAI(**options) as client,
        pytest.raises(openai.NotFoundError, match="no such model") as caught,
    ):
        client.chat.completions.create(model="m", messages=QUESTION)
    assert isinstance(caught.value.response, httpstream.Response)


def test_a_service_that_is_busy_is_asked_again(service: Service, options: dict[str, Any]) -> None:
    def busy_once(request: Request) -> Answer:
        if len(service.received) == 1:
            return Answer({"error": {}}, 503, retry_after_ms="1")
        return complete(request)

    service.on["/v1/chat/completions"] = busy_once
    with openai.OpenAI(**options) as client:
        assert client.chat.completions.create(model="m", messages=QUESTION).id == "1"
    assert len(service.received) == 2


def test_a_service_that_is_not_there_is_a_connection_error(options: dict[str, Any]) -> None:
    with openai.OpenAI(**{**options, "base_url": "http://127.0.0.1:1/v1", "max_retries": 0}) as client:
        with pytest.raises(openai.APIConnectionError) as caught:
            client.chat.completions.create(model="m", messages=QUESTION)
    assert isinstance(caught.value.__cause__, httpstream.ConnectError)


def test_a_timeout_is_a_timeout(service: Service, options: dict[str, Any]) -> None:
    def late(request: Request) -> Answer:
        time.sleep(0.5)
        return complete(request)

    service.on["/v1/chat/completions"] = late
    with openai.OpenAI(**{**options, "max_retries": 0}, timeout=0.05) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="m", messages=QUESTION)


def test_a_file_is_uploaded(service: Service, options: dict[str, Any]) -> None:
    service.on["/v1/files"] = Answer(
        {
            "id": "f",
            "object": "file",
            "bytes": 5,
            "created_at": 1,
            "filename": "a.jsonl",
            "purpose": "batch",
            "status": "processed",
        }
    )
    with openai.OpenAI(**options) as client:
        assert client.files.create(file=("a.jsonl", b"{}\n{}"), purpose="batch").id == "f"
    sent = service.received[0]
    assert b'filename="a.jsonl"' in sent.content and b"{}\n{}" in sent.content
    assert int(sent.headers["Content-Length"]) == len(sent.content)


def test_content_is_downloaded_in_pieces(service: Service, options: dict[str, Any]) -> None:
    service.on["/v1/files/f/content"] = Answer(
        [b"a" * 3000, b"b" * 3000], content_type="application/octet-stream"
    )
    with openai.OpenAI(**options) as client:
        with client.files.with_streaming_response.content("f") as response:
            pieces = list(response.iter_bytes())
    assert b"".join(pieces) == b"a" * 3000 + b"b" * 3000


def test_a_client_of_ones_own_is_accepted(service: Service, options: dict[str, Any]) -> None:
    with openai.OpenAI(**options, http_client=openai.DefaultHttpxClient(headers={"X-Mine": "1"})) as client:
        client.chat.completions.create(model="m", messages=QUESTION)
    assert service.received[0].headers["X-Mine"] == "1"
