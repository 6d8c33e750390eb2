"""Transports: one request in, one response out.

`base` is the interface; `http` uses the network, `mock`, `wsgi` and `asgi` answer from this process. `default` is the
place where programs that know httpx's modules look for `http`'s. Each is loaded when it is first asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from .asgi import ASGITransport
    from .base import AsyncBaseTransport, BaseTransport
    from .http import AsyncHTTPTransport, HTTPTransport
    from .mock import MockTransport
    from .wsgi import WSGITransport

__all__ = [
    "ASGITransport",
    "AsyncBaseTransport",
    "AsyncHTTPTransport",
    "BaseTransport",
    "HTTPTransport",
    "MockTransport",
    "WSGITransport",
]

_HOMES = {
    "ASGITransport": "asgi",
    "AsyncBaseTransport": "base",
    "AsyncHTTPTransport": "http",
    "BaseTransport": "base",
    "HTTPTransport": "http",
    "MockTransport": "mock",
    "WSGITransport": "wsgi",
}
_MODULES = frozenset(("asgi", "base", "default", "http", "mock", "wsgi"))

if not TYPE_CHECKING:  # where type checkers see it, every misspelt name would be right

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value  # from now on it is found without this function
        return value
