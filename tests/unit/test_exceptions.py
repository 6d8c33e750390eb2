"""The exception tree: names, ancestry, the request that failed, pickles."""

from __future__ import annotations

import copy
import pickle

import pytest

from httpstream import _exceptions as ours
from httpstream._models.request import Request
from httpstream._models.response import Response

# Every class with its parent, as httpx 0.28 has them; SSEError is of httpx2, LineTooLong our own.
TREE = {
    "HTTPError": "Exception",
    "RequestError": "HTTPError",
    "TransportError": "RequestError",
    "TimeoutException": "TransportError",
    "ConnectTimeout": "TimeoutException",
    "ReadTimeout": "TimeoutException",
    "WriteTimeout": "TimeoutException",
    "PoolTimeout": "TimeoutException",
    "NetworkError": "TransportError",
    "ConnectError": "NetworkError",
    "ReadError": "NetworkError",
    "WriteError": "NetworkError",
    "CloseError": "NetworkError",
    "ProtocolError": "TransportError",
    "LocalProtocolError": "ProtocolError",
    "RemoteProtocolError": "ProtocolError",
    "ProxyError": "TransportError",
    "SSEError": "TransportError",
    "UnsupportedProtocol": "TransportError",
    "DecodingError": "RequestError",
    "LineTooLong": "DecodingError",
    "TooManyRedirects": "RequestError",
    "HTTPStatusError": "HTTPError",
    "InvalidURL": "Exception",
    "CookieConflict": "Exception",
    "StreamError": "RuntimeError",
    "StreamConsumed": "StreamError",
    "StreamClosed": "StreamError",
    "ResponseNotRead": "StreamError",
    "RequestNotRead": "StreamError",
}
REQUEST_ERRORS = [name for name in TREE if issubclass(getattr(ours, name), ours.RequestError)]
STREAM_ERRORS = ["StreamConsumed", "StreamClosed", "ResponseNotRead", "RequestNotRead"]


def test_the_tree_is_complete() -> None:
    assert sorted(ours.__all__) == sorted(TREE)


@pytest.mark.parametrize("name", TREE)
def test_each_exception_has_its_one_parent(name: str) -> None:
    assert [parent.__name__ for parent in getattr(ours, name).__bases__] == [TREE[name]]


def test_names_and_ancestry_are_those_of_httpx() -> None:
    httpx = pytest.importorskip("httpx")
    theirs = {
        name: [parent.__name__ for parent in value.__mro__]
        for name, value in vars(httpx).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    mine = {name: [parent.__name__ for parent in getattr(ours, name).__mro__] for name in theirs}
    assert mine == theirs


@pytest.mark.parametrize("name", TREE)
def test_an_exception_is_named_as_users_import_it(name: str) -> None:
    assert getattr(ours, name).__module__ == "httpstream"


@pytest.mark.parametrize("name", REQUEST_ERRORS)
def test_a_request_error_takes_a_message_and_a_request(name: str) -> None:
    request = Request("GET", "http://example.org/")
    exc = getattr(ours, name)("it failed", request=request)
    assert str(exc) == "it failed"
    assert exc.request is request


def test_the_request_cannot_be_read_before_it_is_set() -> None:
    exc = ours.ReadError("it failed")
    with pytest.raises(RuntimeError, match="no request"):
        _ = exc.request
    exc.request = request = Request("GET", "http://example.org/")
    assert exc.request is request


@pytest.mark.parametrize("name", REQUEST_ERRORS)
def test_a_request_error_survives_pickling_with_its_request(name: str) -> None:
    exc = getattr(ours, name)("it failed", request=Request("GET", "http://example.org/a"))
    again = pickle.loads(pickle.dumps(exc))
    assert type(again) is type(exc)
    assert str(again) == "it failed"
    assert again.request.url == "http://example.org/a"


@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_a_stream_error_needs_no_message_and_survives_pickling_and_copying(name: str) -> None:
    exc = getattr(ours, name)()
    for again in (pickle.loads(pickle.dumps(exc)), copy.copy(exc)):
        assert type(again) is type(exc)
        assert str(again) == str(exc) != ""


def test_a_status_error_survives_pickling_with_its_response() -> None:
    request = Request("GET", "http://example.org/a")
    exc = ours.HTTPStatusError("404", request=request, response=Response(404, request=request))
    again = pickle.loads(pickle.dumps(exc))
    assert type(again) is ours.HTTPStatusError
    assert str(again) == "404"
    assert again.response.status_code == 404
    assert again.request.url == request.url


@pytest.mark.parametrize("name", ["InvalidURL", "CookieConflict"])
def test_an_error_outside_of_a_request_has_a_message_and_no_request(name: str) -> None:
    exc = getattr(ours, name)("it failed")
    assert str(exc) == str(pickle.loads(pickle.dumps(exc))) == "it failed"
    assert not hasattr(exc, "request")


def test_what_is_added_to_an_exception_survives_pickling() -> None:
    exc = ours.StreamClosed()
    exc.note = "kept"  # type: ignore[attr-defined]  # programs hang what they like on exceptions
    assert pickle.loads(pickle.dumps(exc)).note == "kept"
