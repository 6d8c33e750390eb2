"""One scenario, two libraries: what it returns, raises and writes on the wire must be the same.

`@same(breaks)` makes a test of a scenario. A plain function gets the module, a coroutine function a `Lib`: that one
runs in the sync world and on asyncio, by the same surface. `breaks` names the change of our code that would make it
fail. What is compared is made plain by `plain`; texts of messages are our own and are not compared. Never here: a
scenario.
"""

from __future__ import annotations

import collections.abc
import contextlib
import datetime
import enum
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import httpstream
from tests.compat.site import Site
from tests.flavours import Caller, World

httpx = pytest.importorskip("httpx")

ROOT = Path(__file__).resolve().parent.parent.parent
WORLDS = {name: World(name) for name in ("sync", "asyncio")}
SCENARIOS: dict[str, str] = {}
"""Every scenario that has been loaded: its test's name, and what would break it."""

# What both write differently on purpose, and everywhere.
OWN_WORDS = (
    (re.compile(r"python-(httpx2?|httpstream)/[\w.+-]+"), "python-<library>/<version>"),
    (re.compile(r"\b(httpx2?|httpstream)\b"), "<library>"),
)
OWN_BYTES = tuple((re.compile(pattern.pattern.encode()), text.encode()) for pattern, text in OWN_WORDS)


class Lib:
    """One library in one world, with a server that records the wire.

    httpx: the module. is_async: the world. site: the server. client(...): a client behind awaitable methods (see
    `tests.flavours.Caller`); `inner` is the client itself.
    """

    def __init__(self, module: Any, world: World, site: Site) -> None:
        self.httpx = module
        self.world = world
        self.is_async = world.is_async
        self.site = site

    def client(self, **options: Any) -> Caller:
        """A Client or an AsyncClient of this library. Unless given, trust_env is off, and so is verify: loading the
        authorities takes longer than a scenario.
        """
        options.setdefault("trust_env", False)
        options.setdefault("verify", False)
        return Caller(self.world, options, self.httpx)

    def transport(self, **options: Any) -> Any:
        """An HTTPTransport or an AsyncHTTPTransport of this library."""
        return (self.httpx.AsyncHTTPTransport if self.is_async else self.httpx.HTTPTransport)(**options)

    async def do(self, result: Any) -> Any:
        """Await what an async method gave; in the sync world it is the value already."""
        return await result if inspect.isawaitable(result) else result

    async def caught(self, result: Callable[[], Any]) -> Any:
        """What a call raises, as plain as a raised exception is; what it returns, if it raises nothing."""
        try:
            return plain(await self.do(result()))
        except Exception as exc:
            return plain(exc)


def same(
    breaks: str, *, differs: str | None = None, model: Any = httpx
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a scenario a test that asks both libraries.

    breaks: the change of our code that would make it fail. differs: words of docs/differences.md; then the results
    must not be the same, and the page must say so. model: the library that is asked beside ours, where it is not httpx.
    """

    def decorate(scenario: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{scenario.__module__}.{scenario.__name__}"
        assert breaks.strip(), f"{name} does not name what would break it"
        assert name not in SCENARIOS, f"two scenarios have the name {name}"
        SCENARIOS[name] = breaks
        is_client_scenario = inspect.iscoroutinefunction(scenario)
        parameters = list(inspect.signature(scenario).parameters.values())[1:]

        if is_client_scenario:

            @pytest.mark.parametrize("flavour", WORLDS)
            def test(flavour: str, site: Site, **params: Any) -> None:
                world = WORLDS[flavour]
                results = []
                for module in (model, httpstream):
                    site.reset()
                    lib = Lib(module, world, site)
                    results.append(
                        outcome(functools.partial(world.run, functools.partial(scenario, lib, **params)))
                    )
                compare(*results, differs=differs)

            extra = ["flavour", "site"]
        else:

            def test(**params: Any) -> None:  # type: ignore[misc]
                results = [
                    outcome(functools.partial(scenario, module, **params)) for module in (model, httpstream)
                ]
                compare(*results, differs=differs)

            extra = []

        functools.update_wrapper(test, scenario)
        del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look for the scenario's own arguments
        keyword = inspect.Parameter.KEYWORD_ONLY
        test.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(one, keyword) for one in extra]
            + [one.replace(kind=keyword, annotation=Any) for one in parameters]
        )
        return test

    return decorate


def compare(in_httpx: Any, in_httpstream: Any, *, differs: str | None) -> None:
    if differs is None:
        assert in_httpstream == in_httpx
        return
    page = " ".join((ROOT / "docs" / "differences.md").read_text().split())
    assert differs in page, f"docs/differences.md does not say {differs!r}"
    assert in_httpstream != in_httpx, "they are the same: take it off docs/differences.md"


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives or raises, made plain."""
    try:
        return plain(call())
    except Exception as exc:
        return plain(exc)


def plain(value: Any) -> Any:
    """A value of either library as one that can be compared: no identity, no library's name, no text of a message."""
    if isinstance(value, str):
        return own_words(value)
    if isinstance(value, (bytes, bytearray)):
        return own_bytes(bytes(value))
    if value is None or isinstance(value, (bool, int, float, complex, datetime.timedelta)):
        return value if not isinstance(value, enum.Enum) else (type(value).__name__, value.name)
    if isinstance(value, BaseException):
        return plain_exception(value)
    if isinstance(value, type):
        return f"<class {own_words(value.__module__.partition('.')[0])}.{value.__qualname__}>"
    if is_of_library(value):
        return type(value).__name__, own_words(repr(value))
    if isinstance(value, collections.abc.Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return {plain(item) for item in value}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return type(value).__name__, own_words(repr(value))


def plain_exception(exc: BaseException) -> Any:
    """The name of an exception, with its library where that is a third one, and the request it belongs to."""
    library = type(exc).__module__.partition(".")[0]
    name = (
        type(exc).__name__
        if library in ("httpx", "httpx2", "httpstream", "builtins")
        else f"{library}.{type(exc).__name__}"
    )
    if isinstance(exc, AssertionError):
        raise exc  # a scenario's own: it has found something wrong
    request = getattr(exc, "_request", None)
    return "raises", name, None if request is None else own_words(repr(request))


def is_of_library(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("httpx", "httpx2", "httpstream")


def own_words(text: str) -> str:
    for pattern, instead in OWN_WORDS:
        text = pattern.sub(instead, text)
    return text


def own_bytes(data: bytes) -> bytes:
    for pattern, instead in OWN_BYTES:
        data = pattern.sub(instead, data)
    return data


def answering(lib: Lib, handler: Callable[[Any], Any]) -> Any:
    """A transport of the library and world whose responses a plain function makes."""

    class Sync(lib.httpx.BaseTransport):  # type: ignore[misc, name-defined]
        def handle_request(self, request: Any) -> Any:
            return handler(request)

    class Async(lib.httpx.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            return handler(request)

    return Async() if lib.is_async else Sync()


@contextlib.contextmanager
def patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute of a library's class for a while, as instrumentation does."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
