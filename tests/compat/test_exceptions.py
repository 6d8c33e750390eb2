"""The exceptions: their tree, what they carry, and that they travel."""

from __future__ import annotations

import copy
import importlib
import pickle
from typing import Any

import pytest

from tests.compat.harness import httpx as model
from tests.compat.harness import same

EVERY = sorted(
    name
    for name in model.__all__
    if isinstance(getattr(model, name), type) and issubclass(getattr(model, name), Exception)
)
REQUEST_ERRORS = [name for name in EVERY if issubclass(getattr(model, name), model.RequestError)]
STREAM_ERRORS = [
    "StreamConsumed",
    "StreamClosed",
    "ResponseNotRead",
    "RequestNotRead",
]  # they know what to say
WITH_MESSAGE = [name for name in EVERY if name not in (*STREAM_ERRORS, "HTTPStatusError")]


def request(httpx: Any, url: str = "http://host.example/") -> Any:
    return httpx.Request("GET", url)


def status_error(httpx: Any) -> Any:
    response = httpx.Response(404, request=request(httpx))
    return httpx.HTTPStatusError("not there", request=response.request, response=response)


def made(httpx: Any, name: str) -> Any:
    if name == "HTTPStatusError":
        return status_error(httpx)
    return getattr(httpx, name)(*([] if name in STREAM_ERRORS else ["message"]))


def context(httpx: Any, *args: Any, **kwargs: Any) -> Any:
    return importlib.import_module(f"{httpx.__name__}._exceptions").request_context(*args, **kwargs)


@same("an exception has another ancestor")
@pytest.mark.parametrize("name", EVERY)
def test_the_tree_of_exceptions(httpx: Any, name: str) -> Any:
    cls = getattr(httpx, name)
    return [each.__name__ for each in cls.__mro__], cls.__module__, cls.__qualname__


@same("an exception is only in one of the two places")
@pytest.mark.parametrize("name", EVERY)
def test_exceptions_live_in_their_module_too(httpx: Any, name: str) -> Any:
    return getattr(importlib.import_module(f"{httpx.__name__}._exceptions"), name) is getattr(httpx, name)


@same("an exception has no message")
@pytest.mark.parametrize("name", WITH_MESSAGE)
def test_an_exception_has_a_message(httpx: Any, name: str) -> Any:
    exc = getattr(httpx, name)("message")
    return str(exc), exc.args, repr(exc), vars(exc)


@same("an exception needs no message")
@pytest.mark.parametrize("name", WITH_MESSAGE)
def test_an_exception_needs_its_message(httpx: Any, name: str) -> Any:
    return getattr(httpx, name)()


@same("an exception takes two messages")
@pytest.mark.parametrize("name", EVERY)
def test_an_exception_takes_one_message(httpx: Any, name: str) -> Any:
    return getattr(httpx, name)("one", "two")


@same("a stream error takes a message")
@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_stream_errors_know_what_to_say(httpx: Any, name: str) -> Any:
    return (
        bool(str(getattr(httpx, name)())),
        isinstance(made(httpx, name), RuntimeError),
        vars(made(httpx, name)),
    )


@same("a stream error can be given a message")
@pytest.mark.parametrize("name", STREAM_ERRORS)
def test_stream_errors_take_no_message(httpx: Any, name: str) -> Any:
    return getattr(httpx, name)("message")


@same("exc.request is None while none was set")
@pytest.mark.parametrize("name", REQUEST_ERRORS)
def test_the_request_of_an_error_is_set_later(httpx: Any, name: str) -> Any:
    exc = getattr(httpx, name)("message")
    try:
        before = exc.request
    except RuntimeError as missing:
        before = missing
    exc.request = request(httpx)
    return before, exc.request, exc._request


@same("an error takes no request=")
@pytest.mark.parametrize("name", REQUEST_ERRORS)
def test_an_error_takes_its_request(httpx: Any, name: str) -> Any:
    given = request(httpx)
    return getattr(httpx, name)("message", request=given).request is given, getattr(httpx, name)(
        "message", request=None
    )._request


@same("other exceptions take request=")
@pytest.mark.parametrize("name", ["HTTPError", "InvalidURL", "CookieConflict", "StreamError"])
def test_other_exceptions_take_no_request(httpx: Any, name: str) -> Any:
    return getattr(httpx, name)("message", request=request(httpx))


@same("an HTTPStatusError needs no response")
@pytest.mark.parametrize("left_out", ["request", "response", "message"])
def test_a_status_error_needs_request_and_response(httpx: Any, left_out: str) -> Any:
    given = {"message": "no", "request": request(httpx), "response": httpx.Response(404)}
    del given[left_out]
    return httpx.HTTPStatusError(**given)


@same("an HTTPStatusError forgets its response")
def test_a_status_error_has_request_and_response(httpx: Any) -> Any:
    exc = status_error(httpx)
    return str(exc), exc.args, exc.request, exc.response, sorted(vars(exc))


@same("a pickled error loses its request")
@pytest.mark.parametrize("again", [lambda exc: pickle.loads(pickle.dumps(exc)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", WITH_MESSAGE)
def test_an_error_can_be_copied(httpx: Any, name: str, again: Any) -> Any:
    exc = getattr(httpx, name)("message")
    if name in REQUEST_ERRORS:
        exc.request = request(httpx)
    other = again(exc)
    return type(other).__name__, other.args, vars(other)


@same(
    "an error with arguments of its own cannot be pickled",
    differs="`HTTPStatusError` and the stream errors can be pickled",
)
@pytest.mark.parametrize("again", [lambda exc: pickle.loads(pickle.dumps(exc)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("name", [*STREAM_ERRORS, "HTTPStatusError"])
def test_other_errors_can_be_copied(httpx: Any, name: str, again: Any) -> Any:
    return type(again(made(httpx, name))).__name__


@same("request_context leaves an error without its request")
@pytest.mark.parametrize("name", EVERY)
def test_a_context_gives_errors_their_request(httpx: Any, name: str) -> Any:
    exc = made(httpx, name)
    with pytest.raises(type(exc)) as caught, context(httpx, request(httpx, "http://context.example/")):
        raise exc
    return caught.value is exc, getattr(exc, "_request", "none"), exc.__cause__, exc.__context__


@same("request_context keeps the request that an error has")
def test_a_context_is_stronger_than_the_request_of_the_error(httpx: Any) -> Any:
    exc = httpx.ReadError("message", request=request(httpx, "http://old.example/"))
    with pytest.raises(httpx.ReadError), context(httpx, request=request(httpx, "http://new.example/")):
        raise exc
    return exc.request


@same("request_context without a request removes it")
def test_a_context_without_a_request_changes_nothing(httpx: Any) -> Any:
    exc = httpx.ReadError("message", request=request(httpx))
    with pytest.raises(httpx.ReadError), context(httpx):
        raise exc
    return exc.request


@same("request_context touches other exceptions")
def test_a_context_lets_other_exceptions_through(httpx: Any) -> Any:
    with context(httpx, request(httpx)):
        raise ZeroDivisionError("of its own")


@same("request_context gives something to its block")
def test_a_context_gives_nothing_to_its_block(httpx: Any) -> Any:
    with context(httpx, request(httpx)) as given:
        return given


@same("InvalidURL is a ValueError")
def test_what_can_be_caught_together(httpx: Any) -> Any:
    bases = (
        httpx.HTTPError,
        httpx.RequestError,
        httpx.TransportError,
        httpx.StreamError,
        ValueError,
        RuntimeError,
        OSError,
        TimeoutError,
    )
    return {name: [issubclass(getattr(httpx, name), base) for base in bases] for name in EVERY}
