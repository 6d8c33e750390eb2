"""Libraries that stand between a client and its transport: opentelemetry's instrumentation, and hishel's cache."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import hishel.httpx
import httpx
import pytest
from conftest import Answer, Service
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, SyncOpenTelemetryTransport
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    exporter.provider = provider
    yield exporter
    HTTPXClientInstrumentor().uninstrument()


def names(spans: Any) -> list[tuple[str, Any]]:
    return [(span.name, span.attributes.get("http.status_code")) for span in spans.get_finished_spans()]


def test_instrumenting_the_classes(service: Service, spans: Any) -> None:
    service.on["/a"] = Answer(b"content")
    with httpx.Client() as made_before:
        HTTPXClientInstrumentor().instrument(tracer_provider=spans.provider)
        assert made_before.get(f"{service.url}/a").text == "content"
        assert httpx.get(f"{service.url}/a").text == "content"
        with httpx.stream("GET", f"{service.url}/a") as response:
            assert list(response.iter_lines()) == ["content"]

        async def ask() -> None:
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{service.url}/nowhere")).status_code == 404

        asyncio.run(ask())
    assert names(spans) == [("GET", 200)] * 3 + [("GET", 404)]
    assert all("traceparent" in request.headers for request in service.received)
    HTTPXClientInstrumentor().uninstrument()
    httpx.get(f"{service.url}/a")
    assert len(names(spans)) == 4


def test_instrumenting_one_client(service: Service, spans: Any) -> None:
    service.on["/a"] = Answer(b"content")
    with httpx.Client() as client, httpx.Client() as other:
        HTTPXClientInstrumentor.instrument_client(client, tracer_provider=spans.provider)
        client.get(f"{service.url}/a")
        other.get(f"{service.url}/a")
        HTTPXClientInstrumentor.uninstrument_client(client)
        client.get(f"{service.url}/a")
    assert names(spans) == [("GET", 200)]


def test_an_instrumented_transport(service: Service, spans: Any) -> None:
    service.on["/a"] = Answer(b"content")
    transport = SyncOpenTelemetryTransport(httpx.HTTPTransport(), tracer_provider=spans.provider)
    with httpx.Client(transport=transport) as client:
        assert client.get(f"{service.url}/a").text == "content"
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1:1/")
    assert [name for name, _ in names(spans)] == ["GET", "GET"]


def test_hishel_answers_from_its_cache(service: Service, tmp_path: Any) -> None:
    service.on["/a"] = Answer(b"content" * 1000, Cache_Control="max-age=100")
    storage = hishel.SqliteStorage(database_path=tmp_path / "cache.db")
    with hishel.httpx.CacheClient(storage=storage) as client:
        first = client.get(f"{service.url}/a")
        second = client.get(f"{service.url}/a")
    assert first.content == second.content == b"content" * 1000
    assert len(service.received) == 1


def test_hishel_in_the_async_world(service: Service, tmp_path: Any) -> None:
    service.on["/a"] = Answer([b"one", b"two"], Cache_Control="max-age=100")

    async def ask() -> list[Any]:
        storage = hishel.AsyncSqliteStorage(database_path=tmp_path / "cache.db")
        async with hishel.httpx.AsyncCacheClient(storage=storage) as client:
            return [await client.get(f"{service.url}/a") for _ in range(2)]

    assert [one.text for one in asyncio.run(ask())] == ["onetwo", "onetwo"]
    assert len(service.received) == 1
