"""Scenarios of WSGITransport: what an application sees, and how its answer reaches the caller."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.compat.harness import outcome, same

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def ask(httpx: Any, app: Application, method: str = "GET", url: str = "http://host/", **options: Any) -> Any:
    keywords = options.pop("transport", {})
    with httpx.Client(transport=httpx.WSGITransport(app=app, **keywords), trust_env=False) as client:
        return client.request(method, url, **options)


def environ_of(httpx: Any, *args: Any, **options: Any) -> dict[str, Any]:
    """What the application sees, without the values that are objects."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.update(environ, content=environ["wsgi.input"].read())
        start_response("200 OK", [])
        return []

    ask(httpx, app, *args, **options)
    for name in ("HTTP_USER_AGENT", "HTTP_ACCEPT_ENCODING", "wsgi.input", "wsgi.errors"):
        del seen[name]
    return seen


def answering(status: str, fields: list[tuple[str, str]], *pieces: bytes) -> Application:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, fields)
        return pieces

    return app


class Recorded:
    """An application that says when it is asked for what."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.events: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Recorded:
        start_response("200 OK", [("Content-Type", "text/plain")])
        self.events.append("called")
        return self

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.events.append(f"next {piece!r}")
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self) -> None:
        self.events.append("close")


@same("a variable of the environment is missing or spelt differently")
def test_the_environment_of_a_request(httpx: Any) -> Any:
    return environ_of(httpx, "GET", "http://host/path/%20x?a=b&c=%20")


@same("content, its length or its type do not reach the application under their CGI names")
def test_the_environment_of_a_request_with_content(httpx: Any) -> Any:
    return environ_of(httpx, "POST", json={"a": 1})


@same("streamed content is not read before the application is called")
def test_streamed_content_is_the_input(httpx: Any) -> Any:
    return environ_of(httpx, "PUT", content=iter([b"a", b"b"]))


@same("a field name keeps its dashes, or a repeated field its first value")
def test_field_lines_become_variables(httpx: Any) -> Any:
    return environ_of(httpx, headers=[("X-One-Two", "1"), ("x-one-two", "2"), ("Cookie", "a=b")])


@same("WSGITransport ignores one of its arguments")
def test_the_arguments_of_the_transport_are_in_the_environment(httpx: Any) -> Any:
    return environ_of(httpx, transport={"script_name": "/mount", "remote_addr": "10.0.0.1"})


@pytest.mark.parametrize("url", ["https://host/", "http://host:8080/", "https://HOST:80/", "http://[::1]/"])
@same("the server's name or port is not that of the URL")
def test_the_servers_name_and_port(httpx: Any, url: str) -> Any:
    environ = environ_of(httpx, url=url)
    return [environ[name] for name in ("SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme", "HTTP_HOST")]


@same("a path is not decoded, or in another way")
def test_the_path_is_decoded(httpx: Any) -> Any:
    return environ_of(httpx, url="http://host/%C3%A9/%2F/a b")["PATH_INFO"]


@same("the application writes its errors elsewhere than asked")
def test_where_errors_are_written(httpx: Any) -> Any:
    mine = io.StringIO()
    seen = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append((environ["wsgi.errors"] is mine, environ["wsgi.errors"] is sys.stderr))
        start_response("200 OK", [])
        return []

    ask(httpx, app)
    ask(httpx, app, transport={"wsgi_errors": mine})
    return seen


@pytest.mark.parametrize("status", ["200 OK", "404 Not Here", "299", "500 "])
@same("the status line of an application is read in another way")
def test_the_status_of_an_application(httpx: Any, status: str) -> Any:
    response = ask(httpx, answering(status, [], b"x"))
    return response.status_code, response.reason_phrase, response.http_version


@same("the field lines of an application change their spelling or order")
def test_the_field_lines_of_an_application(httpx: Any) -> Any:
    return ask(
        httpx, answering("200 OK", [("Set-Cookie", "a=1"), ("X-A", "b"), ("set-cookie", "c=2")])
    ).headers.raw


@same("the iterable is not closed at its end, or asked for a piece too many")
def test_the_iterable_is_closed_at_its_end(httpx: Any) -> Any:
    app = Recorded(b"a", b"b")
    return ask(httpx, app).content, app.events


@same("pieces are collected before the caller gets the first one")
def test_pieces_are_handed_over_as_they_come(httpx: Any) -> Any:
    app = Recorded(b"", b"a", b"b", b"c")
    with httpx.Client(transport=httpx.WSGITransport(app=app)) as client:
        with client.stream("GET", "http://host/") as response:
            pieces = response.iter_raw(None) if httpx.__name__ == "httpstream" else response.iter_raw()
            app.events.append("response")
            for piece in pieces:
                app.events.append(f"got {piece!r}")
                if piece == b"b":
                    break
    return app.events


@same("an iterable that is left early is not closed")
def test_leaving_early_closes_the_iterable(httpx: Any) -> Any:
    app = Recorded(b"a", b"b")
    with httpx.Client(transport=httpx.WSGITransport(app=app)) as client:
        with client.stream("GET", "http://host/"):
            pass
    return app.events


@same("an application that is a generator must have called start_response before it yields")
def test_a_generator_may_start_the_response_late(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        yield b""
        start_response("202 Accepted", [("X-Late", "yes")])
        yield b"content"

    response = ask(httpx, app)
    return response.status_code, response.headers.raw, response.content


@same("the first call of start_response counts")
def test_the_last_start_response_counts(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("X-A", "1")])
        start_response("201 Created", [("X-B", "2")], None)
        return [b"x"]

    response = ask(httpx, app)
    return response.status_code, response.headers.raw


@same("an exception that the application lets out is swallowed or wrapped")
def test_an_exception_of_the_application_comes_out(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise KeyError("mine")

    return [
        outcome(lambda: ask(httpx, app)),
        outcome(lambda: ask(httpx, app, transport={"raise_app_exceptions": False})),
    ]


@pytest.mark.parametrize("raises", [True, False])
@same("an exception that the application reports is raised against the caller's will, or not raised")
def test_an_exception_that_the_application_reports(httpx: Any, raises: bool) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            raise KeyError("mine")
        except KeyError:
            start_response("500 Error", [], sys.exc_info())
        return [b"an error"]

    response = ask(httpx, app, transport={"raise_app_exceptions": raises})
    return response.status_code, response.content


@same("a report without an exception is taken for one")
def test_empty_exc_info_is_no_exception(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [], (None, None, None))
        return [b"fine"]

    return ask(httpx, app).content


@same("an exception amid the content ends it well, or leaves the iterable open")
def test_an_exception_amid_the_content(httpx: Any) -> Any:
    app = Recorded(b"a", KeyError("mine"))
    return outcome(lambda: ask(httpx, app)), app.events


@same("the content that an application gives for HEAD is dropped")
def test_head_is_the_applications_affair(httpx: Any) -> Any:
    return ask(httpx, answering("200 OK", [("Content-Length", "2")], b"ok"), "HEAD").content


@same("an iterable without close() cannot be closed")
def test_a_list_is_an_iterable(httpx: Any) -> Any:
    response = ask(httpx, answering("200 OK", [], b"a", b"", b"b"))
    return response.content, response.is_closed


@same("WSGITransport keeps its arguments under other names")
def test_the_attributes_of_the_transport(httpx: Any) -> Any:
    transport = httpx.WSGITransport(len, False, "/mount", "10.0.0.1", sys.stdout)
    return {name: value for name, value in vars(transport).items() if not name.startswith("_")}


@same("a WSGI application cannot be asked by a client of the other world's kind")
def test_the_bases_of_wsgi_transport(httpx: Any) -> Any:
    return [one.__name__ for one in httpx.WSGITransport.__mro__]


@same("what an application writes is dropped", differs="What a WSGI application writes by the callable")
def test_what_is_written_by_the_callable(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"written, ")
        return [b"returned"]

    return ask(httpx, app).content


@same(
    "a field beyond US-ASCII is an error of unicode", differs="Fields beyond US-ASCII pass in both directions"
)
def test_fields_beyond_ascii(httpx: Any) -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("X-Back", environ["HTTP_X_THERE"])])
        return []

    return ask(httpx, app, headers={"X-There": b"\xe9"}).headers.raw


@same(
    "a scheme without a port is a KeyError",
    differs="A scheme other than http and https is `UnsupportedProtocol`",
)
def test_a_scheme_without_a_port(httpx: Any) -> Any:
    return ask(httpx, answering("200 OK", []), url="custom://host/")
