"""Clients of services: anthropic, ollama, litellm, huggingface_hub, langsmith; and OAuth by authlib."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from conftest import Answer, Request, Service, events

MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def anthropic_messages(request: Request) -> Answer:
    if not request.json().get("stream"):
        return Answer(MESSAGE)
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return Answer(
        events(
            (
                "message_start",
                {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
            ),
            ("content_block_start", block),
            *(
                (
                    "content_block_delta",
                    {
                        "type": "content_block_delta",
                        "index": 0,
                        "delta": {"type": "text_delta", "text": text},
                    },
                )
                for text in ("Hel", "lo")
            ),
            ("content_block_stop", {"type": "content_block_stop", "index": 0}),
            (
                "message_delta",
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn"},
                    "usage": {"output_tokens": 2},
                },
            ),
            ("message_stop", {"type": "message_stop"}),
        ),
        content_type="text/event-stream",
    )


QUESTION: Any = [{"role": "user", "content": "hello?"}]


def test_anthropic(service: Service) -> None:
    import anthropic

    service.on["/v1/messages"] = anthropic_messages
    with anthropic.Anthropic(api_key="secret", base_url=service.url) as client:
        answer = client.messages.create(model="claude", max_tokens=9, messages=QUESTION)
        assert answer.content[0].text == "Hello"
        with client.messages.stream(model="claude", max_tokens=9, messages=QUESTION) as stream:
            assert list(stream.text_stream) == ["Hel", "lo"]
    assert service.received[0].headers["Authorization"] == "Bearer secret"


def test_anthropic_in_the_async_world(service: Service) -> None:
    import anthropic

    service.on["/v1/messages"] = anthropic_messages

    async def ask() -> list[str]:
        async with anthropic.AsyncAnthropic(api_key="secret", base_url=service.url) as client:
            async with client.messages.stream(model="claude", max_tokens=9, messages=QUESTION) as stream:
                return [text async for text in stream.text_stream]

    assert asyncio.run(ask()) == ["Hel", "lo"]


def test_ollama_reads_lines_of_json(service: Service) -> None:
    import ollama

    def chat(request: Request) -> Answer:
        parts = [
            {"model": "m", "message": {"role": "assistant", "content": word}, "done": word == "!"}
            for word in ("Hi", "!")
        ]
        if not request.json()["stream"]:
            return Answer(parts[0])
        return Answer(
            [json.dumps(part).encode() + b"\n" for part in parts], content_type="application/x-ndjson"
        )

    service.on["/api/chat"] = chat
    client = ollama.Client(host=service.url)
    assert client.chat(model="m", messages=QUESTION).message.content == "Hi"
    assert [part.message.content for part in client.chat(model="m", messages=QUESTION, stream=True)] == [
        "Hi",
        "!",
    ]


def test_litellm(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it asks the internet for prices
    import litellm

    service.on["/v1/messages"] = anthropic_messages
    options = {
        "model": "anthropic/claude",
        "api_key": "secret",
        "api_base": service.url,
        "messages": QUESTION,
    }
    assert litellm.completion(**options).choices[0].message.content == "Hello"
    streamed = [chunk.choices[0].delta.content or "" for chunk in litellm.completion(**options, stream=True)]
    assert "".join(streamed) == "Hello"

    async def ask() -> str:
        return "".join(
            [
                chunk.choices[0].delta.content or ""
                async for chunk in await litellm.acompletion(**options, stream=True)
            ]
        )

    assert asyncio.run(ask()) == "Hello"


def test_huggingface_hub_downloads_a_file(service: Service, tmp_path: Path) -> None:
    import huggingface_hub

    commit, content = "a" * 40, os.urandom(300_000)
    etag = hashlib.sha256(content).hexdigest()
    service.on["/me/model/resolve/main/weights.bin"] = lambda request: Answer(
        content, ETag=f'"{etag}"', X_Repo_Commit=commit, Accept_Ranges="bytes"
    )
    service.on["/me/model/resolve/main/absent"] = Answer(b"", 404, X_Error_Code="EntryNotFound")
    options = {"repo_id": "me/model", "endpoint": service.url, "cache_dir": tmp_path, "token": False}
    path = huggingface_hub.hf_hub_download(filename="weights.bin", **options)
    assert Path(path).read_bytes() == content
    with pytest.raises(huggingface_hub.errors.EntryNotFoundError):
        huggingface_hub.hf_hub_download(filename="absent", **options)


def test_authlibs_oauth_client(service: Service) -> None:
    from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client

    service.on["/token"] = Answer({"access_token": "granted", "token_type": "Bearer", "expires_in": 3600})
    service.on["/me"] = lambda request: Answer({"authorization": request.headers["Authorization"]})
    with OAuth2Client("id", "secret", token_endpoint=f"{service.url}/token") as client:
        client.fetch_token(f"{service.url}/token", grant_type="client_credentials")
        assert client.get(f"{service.url}/me").json() == {"authorization": "Bearer granted"}
    assert service.received[0].headers["Authorization"] == "Basic aWQ6c2VjcmV0"

    async def ask() -> Any:
        async with AsyncOAuth2Client(
            "id", "secret", token={"access_token": "known", "token_type": "Bearer"}
        ) as client:
            return (await client.get(f"{service.url}/me")).json()

    assert asyncio.run(ask()) == {"authorization": "Bearer known"}


def test_langsmiths_client(service: Service) -> None:
    import langsmith

    service.on["/info"] = Answer({"version": "1"})
    assert langsmith.Client(api_url=service.url, api_key="key", auto_batch_tracing=False).info.version == "1"
