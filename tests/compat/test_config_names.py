"""The values' names: aliases of types, the modules that programs import, signatures and members of classes."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from tests.compat.harness import httpx as model
from tests.compat.harness import own_words, same

VALUES = [
    "URL",
    "QueryParams",
    "Headers",
    "Cookies",
    "Request",
    "Response",
    "Timeout",
    "Limits",
    "Proxy",
    "codes",
]
ALIASES = [
    *(
        "AuthTypes",
        "CertTypes",
        "CookieTypes",
        "FileContent",
        "FileTypes",
        "HeaderTypes",
        "PrimitiveData",
        "ProxyTypes",
    ),
    *(
        "QueryParamTypes",
        "RequestContent",
        "RequestData",
        "RequestExtensions",
        "RequestFiles",
        "ResponseContent",
    ),
    *("ResponseExtensions", "TimeoutTypes", "URLTypes"),
]
# chunk_size has another default on purpose, and lines have a limit.
ITERATORS = [f"{a}iter_{kind}" for a in ("", "a") for kind in ("bytes", "text", "raw", "lines")]
# Named here, so that a name that httpx gets is not left out in silence.
PRIVATE = {"_prepare", "_get_content_decoder", "_CookieCompatRequest", "_CookieCompatResponse", "_abc_impl"}
OF_EVERY_CLASS = {
    *(
        "__dict__",
        "__doc__",
        "__module__",
        "__weakref__",
        "__annotations__",
        "__orig_bases__",
        "__parameters__",
    ),
    # Of some versions of Python; __slotnames__ comes with the first pickle.
    *(
        "__abstractmethods__",
        "__slotnames__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotate_func__",
    ),
}


def module(httpx: Any, name: str) -> Any:
    return importlib.import_module(f"{httpx.__name__}.{name}")


def signature(function: Any) -> list[Any]:
    shown = {"UnsetType": "UNSET", "UseClientDefault": "USE_CLIENT_DEFAULT"}
    return [
        (each.name, str(each.kind), shown.get(type(each.default).__name__, own_words(repr(each.default))))
        for each in inspect.signature(function).parameters.values()
    ]


@same("an alias of a type is missing")
@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_of_a_type_is_there(httpx: Any, name: str) -> Any:
    return hasattr(module(httpx, "_types"), name)


@same("the bases of streams in _types are others")
@pytest.mark.parametrize("name", ["SyncByteStream", "AsyncByteStream"])
def test_the_bases_of_streams_are_there_too(httpx: Any, name: str) -> Any:
    return getattr(module(httpx, "_types"), name) is getattr(httpx, name), module(httpx, "_types").__all__


@same("_models lacks a class")
@pytest.mark.parametrize("name", ["Headers", "Request", "Response", "Cookies"])
def test_models_are_there_too(httpx: Any, name: str) -> Any:
    return getattr(module(httpx, "_models"), name) is getattr(httpx, name)


@same("_urls lacks a class")
@pytest.mark.parametrize("name", ["URL", "QueryParams"])
def test_urls_are_there_too(httpx: Any, name: str) -> Any:
    return getattr(module(httpx, "_urls"), name) is getattr(httpx, name)


@same("a value can be called with another argument")
@pytest.mark.parametrize("name", [name for name in VALUES if name != "codes"])
def test_a_value_is_made_with_the_same_arguments(httpx: Any, name: str) -> Any:
    return signature(getattr(httpx, name))


@same("a member of a value is missing, or of another kind")
@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_same_members(httpx: Any, name: str) -> Any:
    cls = getattr(httpx, name)
    kinds = {}
    for member in set(vars(getattr(model, name))) - PRIVATE - OF_EVERY_CLASS:
        value = inspect.getattr_static(cls, member)
        settable = value.fset is not None if isinstance(value, property) else None
        kinds[member] = (type(value).__name__, settable)
    return kinds


@same("a method of a value takes other arguments")
@pytest.mark.parametrize("name", VALUES)
def test_a_method_takes_the_same_arguments(httpx: Any, name: str) -> Any:
    members = vars(getattr(model, name))
    methods = [
        each for each in members if callable(members[each]) and each not in PRIVATE and each not in ITERATORS
    ]
    return {
        each: signature(getattr(getattr(httpx, name), each))
        for each in methods
        if inspect.isfunction(members[each])
    }


@same(
    "chunk_size of an iterator is as received",
    differs="without a chunk size give at most 1024 bytes at a time",
)
@pytest.mark.parametrize("name", [name for name in ITERATORS if "lines" not in name])
def test_an_iterator_has_a_chunk_size(httpx: Any, name: str) -> Any:
    return signature(getattr(httpx.Response, name))


@same("lines have no limit", differs="and `max_line_bytes` for all that look at lines")
@pytest.mark.parametrize("name", ["iter_lines", "aiter_lines"])
def test_lines_have_a_limit(httpx: Any, name: str) -> Any:
    return signature(getattr(httpx.Response, name))


@same("an exception can be called with another argument")
@pytest.mark.parametrize(
    "name",
    [name for name in model.__all__ if name.endswith(("Error", "Timeout", "Exception", "URL", "Conflict"))],
)
def test_an_exception_is_made_with_the_same_arguments(httpx: Any, name: str) -> Any:
    return signature(getattr(httpx, name))


@same("create_ssl_context takes another argument")
def test_a_tls_context_is_made_with_the_same_arguments(httpx: Any) -> Any:
    return signature(httpx.create_ssl_context)


@same("a private name that is not listed is missing")
def test_the_private_names_that_are_left_out_are_httpx_s(httpx: Any) -> Any:
    return sorted(PRIVATE - {"_abc_impl"} - {each for name in VALUES for each in vars(getattr(model, name))})
