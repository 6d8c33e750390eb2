"""Every public name of httpx is here, with its parameters, attributes and bases; what is more is listed here."""

from __future__ import annotations

import enum
import inspect
import types
from typing import Any

import pytest

import httpstream
from tests.compat.harness import ROOT, own_words

httpx = pytest.importorskip("httpx")

PUBLIC = [name for name in httpx.__all__ if not name.startswith("__")]
CLASSES = [name for name in PUBLIC if inspect.isclass(getattr(httpx, name))]
FUNCTIONS = [name for name in PUBLIC if isinstance(getattr(httpx, name), types.FunctionType)]

# What httpstream has beyond httpx. Names of the package, first those that httpx2 has, too:
EXTRA_NAMES = {"alias_httpx", "EventSource", "ServerSentEvent", "SSEError"}
EXTRA_NAMES |= {"InvalidJSONLine", "LineTooLong", "MessageLimits"}
# streams and content types:
EXTRA_NAMES |= {"AsyncIterStream", "DuplexStream", "FileStream", "GZipStream", "HTTPStream", "IterStream"}
EXTRA_NAMES |= {"MultiPartStream", "Stream"}
EXTRA_NAMES |= {"Content", "File", "Files", "Form", "HTML", "JSON", "MultiPart", "Text"}
# Parameters, each with a default: function or method, and names.
EXTRA_PARAMETERS: dict[str, set[str]] = {
    "HTTPTransport.__init__": {"message_limits"},
    "AsyncHTTPTransport.__init__": {"message_limits"},
    "Response.iter_lines": {"max_line_bytes"},
    "Response.aiter_lines": {"max_line_bytes"},
}
# Defaults that differ on purpose, see docs/differences.md: function or method, parameter.
OTHER_DEFAULTS = {
    (f"Response.{prefix}iter_{kind}", "chunk_size")
    for prefix in ("", "a")
    for kind in ("bytes", "text", "raw")
}


def default_of(parameter: inspect.Parameter) -> str:
    """A default as text, without what differs from run to run."""
    value = parameter.default
    if type(value).__name__ in ("UseClientDefault", "UnsetType"):
        return type(value).__name__
    return own_words(repr(value))


def mismatches(where: str, theirs: Any, ours: Any) -> list[str]:
    """What a caller of the one would miss at the other."""
    found = []
    mine = dict(inspect.signature(ours).parameters)
    for position, (name, wanted) in enumerate(inspect.signature(theirs).parameters.items()):
        given = mine.pop(name, None)
        if given is None:
            found.append(f"{where}: no parameter {name}")
            continue
        if given.kind is not wanted.kind:
            found.append(f"{where}: {name} is {given.kind.description}, not {wanted.kind.description}")
        at = list(inspect.signature(ours).parameters).index(name)
        if wanted.kind in (wanted.POSITIONAL_ONLY, wanted.POSITIONAL_OR_KEYWORD) and at != position:
            found.append(f"{where}: {name} stands at {at}, not {position}")
        if (where, name) in OTHER_DEFAULTS:
            continue
        if default_of(given) != default_of(wanted):
            found.append(f"{where}: {name}={default_of(given)}, not {default_of(wanted)}")
    for name, parameter in mine.items():
        if name not in EXTRA_PARAMETERS.get(where, ()):
            found.append(f"{where}: {name} is more than httpx has, and not listed")
        elif parameter.default is parameter.empty:
            found.append(f"{where}: {name} is more than httpx has, and has no default")
    return found


def members(cls: type) -> dict[str, Any]:
    """The public members of a class, and what makes it callable, comparable, iterable and so on."""
    plain = {
        "__init__",
        "__call__",
        "__iter__",
        "__aiter__",
        "__enter__",
        "__exit__",
        "__aenter__",
        "__aexit__",
    }
    plain |= {
        "__eq__",
        "__hash__",
        "__len__",
        "__bool__",
        "__contains__",
        "__getitem__",
        "__setitem__",
        "__delitem__",
    }
    found = {}
    for name in dir(cls):
        if name.startswith("_") and name not in plain:
            continue
        value = inspect.getattr_static(cls, name)
        if inspect.getattr_static(object, name, None) is not value:
            found[name] = value
    return found


def kind_of(value: Any) -> str:
    if isinstance(value, property):
        return "property"
    if isinstance(value, (classmethod, staticmethod)):
        return type(value).__name__
    if inspect.iscoroutinefunction(value):
        return "coroutine function"
    if isinstance(value, (types.FunctionType, types.WrapperDescriptorType)):
        return "function"
    return "value"


def test_every_public_name_of_httpx_is_public_here() -> None:
    missing = set(httpx.__all__) - set(httpstream.__all__)
    assert missing == set()


def test_what_is_more_is_listed() -> None:
    assert set(httpstream.__all__) - set(httpx.__all__) == EXTRA_NAMES


def test_names_are_sorted_as_httpx_sorts_them() -> None:
    common = [name for name in httpstream.__all__ if name in httpx.__all__]
    assert common == [name for name in httpx.__all__ if name in httpstream.__all__]
    plain = [name for name in httpstream.__all__ if not name.startswith("__")]
    assert plain == sorted(plain, key=str.casefold)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_name_is_of_the_same_kind(name: str) -> None:
    theirs, ours = getattr(httpx, name), getattr(httpstream, name)
    assert (type(ours) is type) == (type(theirs) is type)
    assert callable(ours) == callable(theirs)
    assert inspect.isclass(ours) == inspect.isclass(theirs)


@pytest.mark.parametrize("name", CLASSES + FUNCTIONS)
def test_a_name_is_of_the_package(name: str) -> None:
    assert own_words(getattr(httpstream, name).__module__) == own_words(getattr(httpx, name).__module__)
    assert getattr(httpstream, name).__qualname__ == getattr(httpx, name).__qualname__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_parameters_of_a_function(name: str) -> None:
    assert mismatches(name, getattr(httpx, name), getattr(httpstream, name)) == []


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_every_public_member(name: str) -> None:
    assert set(members(getattr(httpx, name))) - set(members(getattr(httpstream, name))) == set()


@pytest.mark.parametrize("name", CLASSES)
def test_the_members_of_a_class_are_of_the_same_kind_and_take_the_same(name: str) -> None:
    theirs, ours = members(getattr(httpx, name)), members(getattr(httpstream, name))
    found = []
    for member in sorted(set(theirs) & set(ours)):
        where = f"{name}.{member}"
        if kind_of(theirs[member]) != kind_of(ours[member]):
            found.append(f"{where}: {kind_of(ours[member])}, not {kind_of(theirs[member])}")
        elif "function" in kind_of(theirs[member]) and isinstance(theirs[member], types.FunctionType):
            if not (member.startswith("__") and member != "__init__" and member != "__call__"):
                found += mismatches(where, theirs[member], ours[member])
        elif isinstance(theirs[member], property):
            settable = theirs[member].fset is not None
            if settable and ours[member].fset is None:
                found.append(f"{where}: cannot be set")
    assert found == []


@pytest.mark.parametrize("name", CLASSES)
def test_the_bases_of_a_class(name: str) -> None:
    """A base of ours that httpx has not may stand between; none of its may be missing, and their order counts."""
    theirs = [f"{one.__module__.partition('.')[0]}.{one.__name__}" for one in getattr(httpx, name).__mro__]
    ours = [f"{one.__module__.partition('.')[0]}.{one.__name__}" for one in getattr(httpstream, name).__mro__]
    wanted = [own_words(one) for one in theirs if one not in ("typing.Generic", "typing.Protocol")]
    assert [one for one in map(own_words, ours) if one in wanted] == wanted


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Client", ()),
        ("AsyncClient", ()),
        ("Request", ("GET", "http://host/")),
        ("Response", (200,)),
        ("Limits", ()),
        ("Timeout", (5.0,)),
        ("Proxy", ("http://host",)),
        ("Cookies", ()),
        ("BasicAuth", ("user", "password")),
        ("DigestAuth", ("user", "password")),
        ("MockTransport", (len,)),
        ("WSGITransport", (len,)),
        ("ASGITransport", (len,)),
        ("HTTPTransport", ()),
        ("AsyncHTTPTransport", ()),
        ("HTTPError", ("message",)),
        ("ConnectError", ("message",)),
        ("StreamError", ("message",)),
    ],
)
def test_an_object_has_the_same_public_attributes(name: str, arguments: tuple[Any, ...]) -> None:
    theirs = getattr(httpx, name)(*arguments)
    ours = getattr(httpstream, name)(*arguments)
    assert {one for one in vars(theirs) if not one.startswith("_") and not hasattr(ours, one)} == set()


def test_the_status_codes_are_the_same() -> None:
    assert issubclass(httpstream.codes, enum.IntEnum)
    assert {name: int(code) for name, code in httpstream.codes.__members__.items()} == {
        name: int(code) for name, code in httpx.codes.__members__.items()
    }


def test_each_default_that_differs_is_a_difference() -> None:
    assert (
        "`iter_bytes`, `iter_raw`, `iter_text` without a chunk size"
        in (ROOT / "docs/differences.md").read_text()
    )
