"""Libraries that answer in tests in place of a server: respx and pytest-httpx."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx
from conftest import Answer, Service


def test_respx_with_using_httpx() -> None:
    with respx.mock(using="httpx", base_url="https://api.example.org") as router:
        route = router.post("/users", json={"name": "x"}).respond(201, json={"id": 1})
        router.get("/users", params={"page": "2"}).mock(return_value=httpx.Response(200, text="second page"))
        with httpx.Client() as client:
            assert client.post("https://api.example.org/users", json={"name": "x"}).json() == {"id": 1}
            assert client.get("https://api.example.org/users?page=2").text == "second page"
    assert route.called and route.calls.last.request.method == "POST"


def test_respx_in_the_async_world() -> None:
    async def ask() -> None:
        async with respx.mock(using="httpx") as router:
            router.get(host="example.org", path__regex=r"/items/(?P<number>\d+)").mock(
                side_effect=lambda request, number: httpx.Response(200, json={"number": number})
            )
            async with httpx.AsyncClient() as client:
                assert (await client.get("https://example.org/items/7")).json() == {"number": "7"}

    asyncio.run(ask())


def test_respx_raises_what_it_is_told_to() -> None:
    with respx.mock(using="httpx") as router:
        router.get("https://example.org/").mock(side_effect=httpx.ConnectTimeout)
        with pytest.raises(httpx.ConnectTimeout) as caught:
            httpx.get("https://example.org/")
    assert caught.value.request.url == "https://example.org/"


def test_respx_gives_one_answer_after_the_other() -> None:
    with respx.mock(using="httpx") as router:
        router.get("https://example.org/").mock(side_effect=[httpx.Response(503), httpx.Response(200)])
        assert [httpx.get("https://example.org/").status_code for _ in range(2)] == [503, 200]


def test_respx_lets_a_request_pass(service: Service) -> None:
    service.on["/real"] = Answer(b"from the server")
    with respx.mock(using="httpx") as router:
        router.route(host="127.0.0.1").pass_through()
        router.get("https://example.org/").respond(204)
        assert httpx.get(f"{service.url}/real").text == "from the server"
        assert httpx.get("https://example.org/").status_code == 204


def test_respx_names_a_request_that_it_does_not_know() -> None:
    with respx.mock(using="httpx"), pytest.raises(Exception, match="not mocked"):
        httpx.get("https://example.org/")


@respx.mock(using="httpx")
def test_respx_as_a_decorator(respx_mock: Any) -> None:
    respx_mock.get("https://example.org/").respond(text="decorated", stream=None)
    with httpx.stream("GET", "https://example.org/") as response:
        assert response.read() == b"decorated"


def test_respx_as_a_transport() -> None:
    router = respx.Router()
    router.get("https://example.org/").respond(200, html="<p>transport")
    with httpx.Client(transport=httpx.MockTransport(router.handler)) as client:
        assert client.get("https://example.org/").text == "<p>transport"


def test_respx_by_default_patches_what_is_not_here(service: Service) -> None:
    """docs/drop-in.md says so: in its default mode it stands in httpcore, and sees nothing."""
    service.on["/real"] = Answer(b"from the server")
    with respx.mock(assert_all_called=False) as router:
        router.get(f"{service.url}/real").respond(200, text="mocked")
        assert httpx.get(f"{service.url}/real").text == "from the server"


def test_respx_can_be_told_once_for_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/drop-in.md has this line for a conftest.py."""
    monkeypatch.setattr("respx.mocks.DEFAULT_MOCKER", "httpx")
    with respx.mock:
        respx.get("https://example.org/").respond(204)
        assert httpx.get("https://example.org/").status_code == 204


def test_pytest_httpx(httpx_mock: Any) -> None:
    httpx_mock.add_response(url="https://example.org/a?b=c", json={"a": 1}, headers={"X-Mine": "1"})
    httpx_mock.add_response(method="POST", url="https://example.org/b", match_json={"x": 1}, status_code=201)
    httpx_mock.add_exception(httpx.ReadTimeout("late"), url="https://example.org/late")
    with httpx.Client() as client:
        response = client.get("https://example.org/a?b=c")
        assert (response.json(), response.headers["x-mine"]) == ({"a": 1}, "1")
        assert client.post("https://example.org/b", json={"x": 1}).status_code == 201
        with pytest.raises(httpx.ReadTimeout, match="late"):
            client.get("https://example.org/late")
    assert [one.method for one in httpx_mock.get_requests()] == ["GET", "POST", "GET"]


def test_pytest_httpx_streams_in_both_worlds(httpx_mock: Any) -> None:
    from pytest_httpx import IteratorStream

    httpx_mock.add_response(stream=IteratorStream([b"one", b"two"]), is_reusable=True)
    with httpx.stream("GET", "https://example.org/") as response:
        assert list(response.iter_raw(None)) == [b"one", b"two"]

    async def ask() -> list[bytes]:
        async with httpx.AsyncClient() as client, client.stream("GET", "https://example.org/") as response:
            return [piece async for piece in response.aiter_raw(None)]

    assert asyncio.run(ask()) == [b"one", b"two"]


def test_pytest_httpx_matches_files(httpx_mock: Any) -> None:
    httpx_mock.add_response(match_files={"file": ("a.txt", b"content")})
    assert httpx.post("https://example.org/", files={"file": ("a.txt", b"content")}).status_code == 200


def test_pytest_httpx_answers_by_a_function(httpx_mock: Any) -> None:
    httpx_mock.add_callback(
        lambda request: httpx.Response(200, json={"url": str(request.url)}), is_reusable=True
    )
    assert httpx.get("https://example.org/x").json() == {"url": "https://example.org/x"}
    assert httpx_mock.get_request().extensions["timeout"]["read"] == 5.0


def test_pytest_httpx_says_what_did_not_match(httpx_mock: Any) -> None:
    httpx_mock.add_response(match_headers={"X-Mine": "1"}, is_optional=True)
    with pytest.raises(httpx.TimeoutException, match="X-Mine") as caught:
        httpx.get("https://example.org/", headers={"X-Mine": "2"})
    assert "{'X-Mine': '2'} headers" in str(caught.value)
    httpx_mock.reset()
