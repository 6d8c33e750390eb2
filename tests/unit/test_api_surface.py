"""The names of the package: what is there, how it is loaded, and that the two worlds mirror each other."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import httpstream
from httpstream import AsyncBaseTransport, AsyncClient, BaseTransport, Client, Response
from httpstream._verbs import SyncVerbs

TWINS = {
    "close": "aclose",
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "handle_request": "handle_async_request",
    "read": "aread",
    **{
        f"iter_{kind}": f"aiter_{kind}"
        for kind in ("bytes", "text", "lines", "lines_bytes", "raw", "events", "json")
    },
}
FORBIDDEN = {
    *("anyio", "asyncio", "ssl", "trio", "http.cookiejar", "urllib.request", "dataclasses", "inspect"),
    *("certifi", "idna", "json", "select", "selectors", "socket", "zlib"),
}


def run_python(program: str) -> str:
    """Run a program in a new interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def own_functions(cls: type) -> dict[str, Any]:
    return {
        name: value
        for base in reversed([cls, *cls.__bases__])
        for name, value in vars(base).items()
        if inspect.isfunction(value)
        and (not name.startswith("_") or name in ("__init__", *TWINS, *TWINS.values()))
    }


def parameters(function: Any) -> set[tuple[str, Any, Any]]:
    """Names, kinds and defaults. Their order is httpx's, in which the two clients differ."""
    return {
        (each.name, each.kind, str(each.default)) for each in inspect.signature(function).parameters.values()
    }


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = run_python("import sys, httpstream; print(*sys.modules)").split()
    assert "httpstream" in loaded
    assert FORBIDDEN.isdisjoint(loaded)


def test_making_a_client_loads_no_async_library() -> None:
    loaded = run_python("import sys, httpstream; httpstream.Client(); print(*sys.modules)").split()
    assert {"anyio", "asyncio", "ssl", "trio", "http.cookiejar", "urllib.request"}.isdisjoint(loaded)


def test_every_name_can_be_imported_and_is_listed() -> None:
    for name in httpstream.__all__:
        assert getattr(httpstream, name) is not None
        assert name in dir(httpstream)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such"):
        httpstream.no_such  # noqa: B018 - reading it is the test


def test_names_stand_in_the_order_of_httpx() -> None:
    plain = [name for name in httpstream.__all__ if not name.startswith("__")]
    assert plain == sorted(plain, key=str.casefold)
    assert len(set(plain)) == len(plain)


def test_type_checkers_see_every_name_in_its_home() -> None:
    """They read the imports under TYPE_CHECKING; programs get the names from the table of homes."""
    tree = ast.parse(Path(httpstream.__file__).read_text())
    seen = {
        alias.name: (node.module or "")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert {name: home for name, home in seen.items() if home != "__version__"} == httpstream._HOMES
    assert set(seen) == set(httpstream.__all__)


def test_public_classes_and_functions_say_that_they_are_httpstream_s() -> None:
    found = run_python(
        "import httpstream\n"
        "for name in httpstream.__all__:\n"
        "    module = getattr(getattr(httpstream, name), '__module__', 'httpstream')\n"
        "    if module != 'httpstream': print(name, module)\n"
    )
    assert found == ""


def test_an_exception_names_the_package_before_anyone_asked_for_it_by_name() -> None:
    program = "from httpstream._exceptions import ConnectError; print(ConnectError.__module__)"
    assert run_python(program) == "httpstream\n"


def test_every_public_name_has_a_docstring() -> None:
    for name in httpstream.__all__:
        value = getattr(httpstream, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


@pytest.mark.parametrize("sync, other", [(Client, AsyncClient), (BaseTransport, AsyncBaseTransport)])
def test_the_two_worlds_have_the_same_names_in_the_same_order(sync: type, other: type) -> None:
    names = list(own_functions(sync))
    assert [TWINS.get(name, name) for name in names] == list(own_functions(other))


@pytest.mark.parametrize("sync, other", [(Client, AsyncClient), (BaseTransport, AsyncBaseTransport)])
def test_the_two_worlds_have_the_same_parameters(sync: type, other: type) -> None:
    for name, function in own_functions(sync).items():
        assert parameters(function) == parameters(getattr(other, TWINS.get(name, name))), name


def test_the_methods_of_a_response_have_twins_with_the_same_parameters() -> None:
    for name in ("read", "close", *(each for each in TWINS if each.startswith("iter_"))):
        assert parameters(getattr(Response, name)) == parameters(getattr(Response, TWINS[name])), name


def test_methods_of_the_async_client_are_coroutine_functions() -> None:
    """Programs and mocks ask for that; only `stream` gives a context manager at once."""
    plain = [
        name
        for name, function in own_functions(AsyncClient).items()
        if not inspect.iscoroutinefunction(function) and name != "__init__"
    ]
    assert plain == ["stream", "sse"]
    assert all(inspect.iscoroutinefunction(getattr(Response, name)) for name in ("aread", "aclose"))


def test_the_docstrings_of_the_async_client_point_to_those_of_the_client() -> None:
    for name, function in own_functions(AsyncClient).items():
        if not name.startswith("__"):
            sync = {other: name for name, other in TWINS.items()}.get(name, name)
            assert (
                function.__doc__ == f"See `{'SyncVerbs' if hasattr(SyncVerbs, name) else 'Client'}.{sync}`."
            )


def test_what_is_iterated_are_classes_with_a_close_and_no_generators() -> None:
    response = Response(200, content=b"a")
    for name in [each for each in TWINS if each.startswith("iter_")]:
        assert hasattr(getattr(response, name)(), "close"), name
        assert hasattr(getattr(response, TWINS[name])(), "aclose"), name
        assert not inspect.isgeneratorfunction(getattr(Response, name))
        assert not inspect.isasyncgenfunction(getattr(Response, TWINS[name]))
