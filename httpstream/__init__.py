"""A fast streaming HTTP client, with the API of httpx.

    import httpstream

    with httpstream.stream("GET", "https://example.org/large") as response:
        for chunk in response.iter_bytes():
            ...

Only names are here. Each is loaded from its module when it is first asked for, so that importing the package
costs next to nothing.
"""

from __future__ import annotations

from .__version__ import __description__, __title__, __version__

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from ._alias import alias_httpx
    from ._api import delete, get, head, options, patch, post, put, request, stream
    from ._async_client import AsyncClient
    from ._auth import Auth, BasicAuth, DigestAuth, NetRCAuth
    from ._base_client import USE_CLIENT_DEFAULT
    from ._client import Client
    from ._config import Limits, MessageLimits, Timeout, create_ssl_context
    from ._content_types import HTML, JSON, Content, File, Files, Form, MultiPart, Text
    from ._exceptions import (
        CloseError,
        ConnectError,
        ConnectTimeout,
        CookieConflict,
        DecodingError,
        HTTPError,
        HTTPStatusError,
        InvalidURL,
        LineTooLong,
        LocalProtocolError,
        NetworkError,
        PoolTimeout,
        ProtocolError,
        ProxyError,
        ReadError,
        ReadTimeout,
        RemoteProtocolError,
        RequestError,
        RequestNotRead,
        ResponseNotRead,
        SSEError,
        StreamClosed,
        StreamConsumed,
        StreamError,
        TimeoutException,
        TooManyRedirects,
        TransportError,
        UnsupportedProtocol,
        WriteError,
        WriteTimeout,
    )
    from ._json_lines import InvalidJSONLine
    from ._main import main
    from ._models.cookies import Cookies
    from ._models.headers import Headers
    from ._models.proxy import Proxy
    from ._models.request import Request
    from ._models.response import Response
    from ._multipart import MultiPartStream
    from ._sse import EventSource, ServerSentEvent
    from ._status_codes import codes
    from ._streams import AsyncByteStream, ByteStream, Stream, SyncByteStream
    from ._streams.file import FileStream
    from ._streams.gzip import GZipStream
    from ._streams.http import HTTPStream
    from ._streams.iterables import AsyncIterStream, IterStream
    from ._streams.memory import DuplexStream
    from ._transports.asgi import ASGITransport
    from ._transports.base import AsyncBaseTransport, BaseTransport
    from ._transports.http import AsyncHTTPTransport, HTTPTransport
    from ._transports.mock import MockTransport
    from ._transports.wsgi import WSGITransport
    from ._urls import URL, QueryParams

# In httpx's order, which is case-insensitive.
__all__ = [  # noqa: RUF022 - ruff would sort upper case first
    "__description__",
    "__title__",
    "__version__",
    "alias_httpx",
    "ASGITransport",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "AsyncHTTPTransport",
    "AsyncIterStream",
    "Auth",
    "BaseTransport",
    "BasicAuth",
    "ByteStream",
    "Client",
    "CloseError",
    "codes",
    "ConnectError",
    "ConnectTimeout",
    "Content",
    "CookieConflict",
    "Cookies",
    "create_ssl_context",
    "DecodingError",
    "delete",
    "DigestAuth",
    "DuplexStream",
    "EventSource",
    "File",
    "Files",
    "FileStream",
    "Form",
    "get",
    "GZipStream",
    "head",
    "Headers",
    "HTML",
    "HTTPError",
    "HTTPStatusError",
    "HTTPStream",
    "HTTPTransport",
    "InvalidJSONLine",
    "InvalidURL",
    "IterStream",
    "JSON",
    "Limits",
    "LineTooLong",
    "LocalProtocolError",
    "main",
    "MessageLimits",
    "MockTransport",
    "MultiPart",
    "MultiPartStream",
    "NetRCAuth",
    "NetworkError",
    "options",
    "patch",
    "PoolTimeout",
    "post",
    "ProtocolError",
    "Proxy",
    "ProxyError",
    "put",
    "QueryParams",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "request",
    "Request",
    "RequestError",
    "RequestNotRead",
    "Response",
    "ResponseNotRead",
    "ServerSentEvent",
    "SSEError",
    "Stream",
    "stream",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "SyncByteStream",
    "Text",
    "Timeout",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "UnsupportedProtocol",
    "URL",
    "USE_CLIENT_DEFAULT",
    "WriteError",
    "WriteTimeout",
    "WSGITransport",
]

# Where each name lives.
_HOMES = {
    "alias_httpx": "_alias",
    "ASGITransport": "_transports.asgi",
    "AsyncBaseTransport": "_transports.base",
    "AsyncByteStream": "_streams",
    "AsyncClient": "_async_client",
    "AsyncHTTPTransport": "_transports.http",
    "AsyncIterStream": "_streams.iterables",
    "Auth": "_auth",
    "BaseTransport": "_transports.base",
    "BasicAuth": "_auth",
    "ByteStream": "_streams",
    "Client": "_client",
    "CloseError": "_exceptions",
    "codes": "_status_codes",
    "ConnectError": "_exceptions",
    "ConnectTimeout": "_exceptions",
    "Content": "_content_types",
    "CookieConflict": "_exceptions",
    "Cookies": "_models.cookies",
    "create_ssl_context": "_config",
    "DecodingError": "_exceptions",
    "delete": "_api",
    "DigestAuth": "_auth",
    "DuplexStream": "_streams.memory",
    "EventSource": "_sse",
    "File": "_content_types",
    "Files": "_content_types",
    "FileStream": "_streams.file",
    "Form": "_content_types",
    "get": "_api",
    "GZipStream": "_streams.gzip",
    "head": "_api",
    "Headers": "_models.headers",
    "HTML": "_content_types",
    "HTTPError": "_exceptions",
    "HTTPStatusError": "_exceptions",
    "HTTPStream": "_streams.http",
    "HTTPTransport": "_transports.http",
    "InvalidJSONLine": "_json_lines",
    "InvalidURL": "_exceptions",
    "IterStream": "_streams.iterables",
    "JSON": "_content_types",
    "Limits": "_config",
    "LineTooLong": "_exceptions",
    "LocalProtocolError": "_exceptions",
    "main": "_main",
    "MessageLimits": "_config",
    "MockTransport": "_transports.mock",
    "MultiPart": "_content_types",
    "MultiPartStream": "_multipart",
    "NetRCAuth": "_auth",
    "NetworkError": "_exceptions",
    "options": "_api",
    "patch": "_api",
    "PoolTimeout": "_exceptions",
    "post": "_api",
    "ProtocolError": "_exceptions",
    "Proxy": "_models.proxy",
    "ProxyError": "_exceptions",
    "put": "_api",
    "QueryParams": "_urls",
    "ReadError": "_exceptions",
    "ReadTimeout": "_exceptions",
    "RemoteProtocolError": "_exceptions",
    "Request": "_models.request",
    "request": "_api",
    "RequestError": "_exceptions",
    "RequestNotRead": "_exceptions",
    "Response": "_models.response",
    "ResponseNotRead": "_exceptions",
    "ServerSentEvent": "_sse",
    "SSEError": "_exceptions",
    "Stream": "_streams",
    "stream": "_api",
    "StreamClosed": "_exceptions",
    "StreamConsumed": "_exceptions",
    "StreamError": "_exceptions",
    "SyncByteStream": "_streams",
    "Text": "_content_types",
    "Timeout": "_config",
    "TimeoutException": "_exceptions",
    "TooManyRedirects": "_exceptions",
    "TransportError": "_exceptions",
    "UnsupportedProtocol": "_exceptions",
    "URL": "_urls",
    "USE_CLIENT_DEFAULT": "_base_client",
    "WriteError": "_exceptions",
    "WriteTimeout": "_exceptions",
    "WSGITransport": "_transports.wsgi",
}


if not TYPE_CHECKING:  # where type checkers see it, every misspelt name would be right

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None and (name[:1] != "_" or name[:2] == "__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        if home is None:  # in httpx every module is an attribute of the package from the start
            try:
                return import_module(f"{__name__}.{name}")
            except ModuleNotFoundError as exc:
                if exc.name != f"{__name__}.{name}":
                    raise  # it is there, and what it needs is not
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value  # from now on it is found without this function
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
