"""The test clients of starlette and fastapi; applications behind ASGITransport, and flask's behind WSGITransport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import fastapi
import fastapi.testclient
import flask
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

import httpstream

DONE: list[str] = []


async def echo(request: Request) -> Response:
    content = (await request.body()).decode()
    return JSONResponse({"method": request.method, "query": dict(request.query_params), "content": content})


async def upload(request: Request) -> Response:
    async with request.form() as form:
        file: Any = form["file"]
        return JSONResponse(
            {
                "name": file.filename,
                "type": file.content_type,
                "content": (await file.read()).decode(),
                "field": form["field"],
            }
        )


async def pieces(request: Request) -> Response:
    async def generate() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"piece %d\n" % number

    return StreamingResponse(generate(), background=BackgroundTask(DONE.append, "pieces"))


async def endless(request: Request) -> Response:
    async def generate() -> AsyncIterator[bytes]:
        while True:
            yield b"again\n"
            await asyncio.sleep(0.001)

    return StreamingResponse(generate())


async def log_in(request: Request) -> Response:
    response = RedirectResponse("/cookie", 303)
    response.set_cookie("session", "abc")
    return response


async def cookie(request: Request) -> Response:
    return PlainTextResponse(request.cookies.get("session", "none"))


async def broken(request: Request) -> Response:
    raise KeyError("mine")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()


APP = Starlette(
    routes=[
        Route("/echo", echo, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/pieces", pieces),
        Route("/endless", endless),
        Route("/login", log_in, methods=["POST"]),
        Route("/cookie", cookie),
        Route("/broken", broken),
        WebSocketRoute("/talk", talk),
    ]
)


def test_test_client_is_a_client_of_httpstream() -> None:
    assert issubclass(TestClient, httpstream.Client)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_each_method(method: str) -> None:
    response = getattr(TestClient(APP), method)("/echo", params={"a": "b"})
    assert response.json() == {"method": method.upper(), "query": {"a": "b"}, "content": ""}


def test_each_kind_of_content() -> None:
    client = TestClient(APP)
    assert client.post("/echo", json={"a": 1}).json()["content"] == '{"a":1}'
    assert client.post("/echo", data={"a": "b c"}).json()["content"] == "a=b+c"
    assert client.post("/echo", content=b"bytes").json()["content"] == "bytes"
    assert client.post("/echo", content=iter([b"one ", b"two"])).json()["content"] == "one two"


def test_files() -> None:
    response = TestClient(APP).post(
        "/upload", files={"file": ("a.txt", b"content", "text/plain")}, data={"field": "x"}
    )
    assert response.json() == {"name": "a.txt", "type": "text/plain", "content": "content", "field": "x"}


def test_cookies_and_redirects() -> None:
    client = TestClient(APP)
    response = client.post("/login")
    assert (response.text, [one.status_code for one in response.history]) == ("abc", [303])
    assert client.cookies["session"] == "abc"
    assert client.post("/login", follow_redirects=False).status_code == 303
    assert TestClient(APP, follow_redirects=False).post("/login").headers["location"] == "/cookie"


def test_streamed_content_and_what_runs_behind_it() -> None:
    DONE.clear()
    with TestClient(APP).stream("GET", "/pieces") as response:
        assert list(response.iter_lines()) == ["piece 0", "piece 1", "piece 2"]
    assert DONE == ["pieces"]


def test_exceptions_of_the_application() -> None:
    with pytest.raises(KeyError, match="mine"):
        TestClient(APP).get("/broken")
    assert TestClient(APP, raise_server_exceptions=False).get("/broken").status_code == 500


def test_a_websocket() -> None:
    with TestClient(APP).websocket_connect("/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "HELLO"


def test_the_lifespan() -> None:
    import contextlib

    events = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        events.append("up")
        yield
        events.append("down")

    with TestClient(Starlette(routes=APP.routes, lifespan=lifespan)) as client:
        assert client.get("/cookie", cookies={"session": "x"}).status_code == 200
        assert events == ["up"]
    assert events == ["up", "down"]


def asgi_client() -> httpstream.AsyncClient:
    return httpstream.AsyncClient(
        transport=httpstream.ASGITransport(APP), base_url="http://testserver", follow_redirects=True
    )


def test_an_application_behind_asgi_transport() -> None:
    async def ask() -> None:
        DONE.clear()
        async with asgi_client() as client:
            assert (await client.post("/echo", json=[1])).json()["content"] == "[1]"
            assert (await client.post("/login")).text == "abc"
            assert (await client.get("/pieces")).text == "piece 0\npiece 1\npiece 2\n"
            assert DONE == ["pieces"]
            with pytest.raises(KeyError, match="mine"):
                await client.get("/broken")

    asyncio.run(ask())


def test_an_endless_response_behind_asgi_transport() -> None:
    """With httpx this waits for ever: it collects the content first."""

    async def ask() -> None:
        before = len(asyncio.all_tasks())
        async with asgi_client() as client, client.stream("GET", "/endless") as response:
            lines = response.aiter_lines()
            assert [await lines.__anext__() for _ in range(3)] == ["again"] * 3
        assert len(asyncio.all_tasks()) == before

    asyncio.run(asyncio.wait_for(ask(), 10))


api = fastapi.FastAPI()


@api.post("/items/{number}")
def make_item(number: int, name: Annotated[str, fastapi.Body(embed=True)]) -> dict[str, Any]:
    return {"number": number, "name": name}


@api.post("/files")
async def measure(file: fastapi.UploadFile) -> dict[str, Any]:
    return {"name": file.filename, "size": len(await file.read())}


@api.get("/whoami")
def whoami(authorization: Annotated[str, fastapi.Header()]) -> str:
    return authorization


def test_fastapis_test_client() -> None:
    with fastapi.testclient.TestClient(api) as client:
        assert client.post("/items/3", json={"name": "x"}).json() == {"number": 3, "name": "x"}
        assert client.post("/items/x", json={}).status_code == 422
        assert client.post("/files", files={"file": ("a.bin", b"12345")}).json() == {
            "name": "a.bin",
            "size": 5,
        }
        assert client.get("/whoami", auth=("user", "password")).json() == "Basic dXNlcjpwYXNzd29yZA=="
        assert client.get("/openapi.json").json()["openapi"].startswith("3.")
        assert client.get("/docs").headers["content-type"].startswith("text/html")


def test_flask_behind_wsgi_transport() -> None:
    app = flask.Flask("mine")

    @app.route("/hello/<name>", methods=["GET", "POST"])
    def hello(name: str) -> Any:
        return {"name": name, "json": flask.request.get_json(silent=True), "ip": flask.request.remote_addr}

    @app.route("/lines")
    def lines() -> Any:
        return flask.Response((f"line {number}\n" for number in range(3)), mimetype="text/plain")

    transport = httpstream.WSGITransport(app=app, remote_addr="10.0.0.1")
    with httpstream.Client(transport=transport, base_url="http://testserver") as client:
        assert client.post("/hello/you", json={"a": 1}).json() == {
            "name": "you",
            "json": {"a": 1},
            "ip": "10.0.0.1",
        }
        assert client.get("/nowhere").status_code == 404
        with client.stream("GET", "/lines") as response:
            assert list(response.iter_lines()) == ["line 0", "line 1", "line 2"]
