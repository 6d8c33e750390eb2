"""Events without a connection: what the log shows of them, and what costs nothing; causes of network errors."""

from __future__ import annotations

import logging
import pickle
import socket
import ssl
import traceback
from typing import Any

import pytest

import httpstream
from httpstream._backend import ASYNC, SYNC, run
from httpstream._connections.trace import HTTP11, Events, events_of, log_line
from httpstream._network.causes import doubled
from tests.servers.steps import serve


class Explosive:
    """What must not be formatted."""

    def __repr__(self) -> str:
        raise AssertionError("it was formatted")


async def one_phase(events: Events, info: Any) -> None:
    async with events.phase(HTTP11, "send_request_headers", info):
        pass


def request(**extensions: Any) -> httpstream.Request:
    return httpstream.Request("GET", "http://host/path?a", headers={"A": "b"}, extensions=extensions)


def test_nothing_is_formatted_when_nobody_listens() -> None:
    assert events_of(SYNC, request(), HTTP11) is None
    run(one_phase(Events(SYNC, request()), {"request": Explosive()}))


def test_a_trace_gets_the_objects_and_nothing_is_formatted_for_it() -> None:
    heard: list[tuple[str, Any]] = []
    events = events_of(SYNC, request(trace=lambda name, info: heard.append((name, info))), HTTP11)
    assert events is not None
    run(one_phase(events, {"request": Explosive()}))
    assert [name for name, _ in heard] == [
        "http11.send_request_headers.started",
        "http11.send_request_headers.complete",
    ]
    assert isinstance(heard[0][1]["request"], Explosive)


def test_the_log_is_told_at_debug_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "httpstream"):
        assert events_of(SYNC, request(), HTTP11) is None
    with caplog.at_level(logging.DEBUG, "httpstream"):
        events = events_of(SYNC, request(), HTTP11)
        assert events is not None
        run(one_phase(events, {"request": events.request}))
    assert caplog.messages == [
        "send_request_headers.started request=<Request [b'GET']>",
        "send_request_headers.complete",
    ]
    assert {record.name for record in caplog.records} == {"httpstream.http11"}


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ((b"Set-Cookie", b"a=secret"), b"[secure]"),
        ((b"set-cookie2", b"a=secret"), b"[secure]"),
        ((b"Authorization", b"secret"), b"[secure]"),
        ((b"Location", b"http://user:secret@host/a:b@c"), b"http://user:[secure]@host/a:b@c"),
        ((b"location", b"//u:se:cr@et@host"), b"//u:[secure]@host"),
        ((b"Location", b"/a:b@c//d:e@f"), b"/a:b@c//d:[secure]@f"),
        ((b"Location", b"http://host/?a=b:c@d"), b"http://host/?a=b:c@d"),
        ((b"ETag", b"x:y@z"), b"x:y@z"),
    ],
)
def test_the_log_shows_no_credential_of_a_response(field: tuple[bytes, bytes], shown: bytes) -> None:
    for head in ((b"HTTP/1.1", 200, b"OK", [field]), (200, [field])):
        line = log_line("receive_response_headers.complete", {"return_value": head})
        assert line == f"receive_response_headers.complete return_value={(*head[:-1], [(field[0], shown)])!r}"
    assert head[-1] == [field]


@pytest.mark.parametrize(("auth", "shown"), [((b"user", b"pass"), "[secure]"), (None, "None")])
def test_the_log_shows_no_credentials_for_a_proxy(auth: Any, shown: str) -> None:
    line = log_line("setup_socks5_connection.started", {"host": "h", "auth": auth})
    assert line == f"setup_socks5_connection.started host='h' auth={shown}"


@pytest.mark.parametrize("info", [{}, {"return_value": None}])
def test_an_event_that_carries_nothing_is_its_name(info: Any) -> None:
    assert log_line("response_closed.complete", info) == "response_closed.complete"


def test_a_traced_request_is_what_is_sent() -> None:
    own = Events(SYNC, request(target=b"*")).request
    assert (own.url.target, own.headers[-1], repr(own)) == (b"*", (b"A", b"b"), "<Request [b'GET']>")
    sent = Events(SYNC, request(), b"http://host/path?a", [(b"Host", b"host")]).request
    assert (sent.url.target, sent.headers) == (b"http://host/path?a", [(b"Host", b"host")])
    assert repr(sent.url) == "URL(scheme=b'http', host=b'host', port=None, target=b'http://host/path?a')"


def test_an_awaitable_that_is_no_coroutine_is_refused_in_sync_code() -> None:
    class Future:
        def __await__(self) -> Any:
            raise AssertionError("it was awaited")

    events = Events(SYNC, request(trace=lambda name, info: Future()))
    with pytest.raises(TypeError, match="the trace of a Client must be a function"):
        run(one_phase(events, {}))


def test_any_awaitable_will_do_in_async_code() -> None:
    class Done:
        def __await__(self) -> Any:
            return iter(())

    run(one_phase(Events(ASYNC, request(trace=lambda name, info: Done())), {}))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        FileNotFoundError(2, "No such file or directory", "/a.sock"),
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLError(1, "wrong version"),
        OSError("without a number"),
        UnicodeEncodeError("idna", "\xfc", 0, 1, "too long"),
    ],
)
def test_a_cause_has_the_error_as_its_context_too(error: Exception) -> None:
    error.note = "mine"  # type: ignore[attr-defined]
    try:
        try:
            raise error
        except Exception as exc:
            raise httpstream.ConnectError("cannot connect") from doubled(exc)
    except httpstream.ConnectError as exc:
        cause = exc.__cause__
        said = "".join(traceback.format_exception(exc))
    assert cause is not None
    assert cause is not error
    assert cause.__context__ is error
    assert (type(cause), cause.args, str(cause)) == (type(error), error.args, str(error))
    assert getattr(cause, "errno", None) == getattr(error, "errno", None)
    assert getattr(cause, "filename", None) == getattr(error, "filename", None)
    assert cause.note == "mine"  # type: ignore[attr-defined]
    assert cause.__traceback__ is error.__traceback__
    assert said.count(str(error)) == 1, said
    assert type(pickle.loads(pickle.dumps(cause))) is type(error)


def test_a_pool_that_is_full_names_the_origin(fault_server: Any) -> None:
    server = fault_server(then=[serve()])
    limits = httpstream.Limits(max_connections=1)
    with httpstream.Client(limits=limits, timeout=httpstream.Timeout(5.0, pool=0.01)) as client:
        with client.stream("GET", server.url), pytest.raises(httpstream.PoolTimeout, match=server.url):
            client.get(server.url)
