"""The events of a request, for its `trace` extension and for the debug log, by httpcore's names.

An operation is a `Phase`: it has started, then it is complete or has failed. A trace is told of it with the objects
themselves; the log gets a line in which no credential stands. Where nobody listens, nothing is made and nothing is
formatted. Knows no socket and sends nothing.
"""

from __future__ import annotations

import logging
import re

from httpstream._network.upgraded import AsyncNetworkStream, NetworkStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from httpstream._backend import Backend
    from httpstream._models.request import Request
    from httpstream._network.sockets import SocketStream

    from .exchange import Fields

# The last part of a logger's name begins the names of its events: "http11.send_request_headers.started".
CONNECTION = logging.getLogger("httpstream.connection")
HTTP11 = logging.getLogger("httpstream.http11")
HTTP2 = logging.getLogger("httpstream.http2")
PROXY = logging.getLogger("httpstream.proxy")
SOCKS = logging.getLogger("httpstream.socks")

# Of a response: that is the only message whose fields an event's line shows.
_SECRET_FIELDS = frozenset((b"authorization", b"proxy-authorization", b"set-cookie", b"set-cookie2"))
_PASSWORD = re.compile(rb"(//[^/?#:@]*):[^/?#]*@")


class TracedURL:
    """The address of a request in bytes, as events show it."""

    __slots__ = ("host", "port", "scheme", "target")

    def __init__(self, scheme: bytes, host: bytes, port: int | None, target: bytes) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port  # None: the scheme's own
        self.target = target

    def __repr__(self) -> str:
        return f"URL(scheme={self.scheme!r}, host={self.host!r}, port={self.port!r}, target={self.target!r})"


class TracedRequest:
    """A request in bytes, as it stands on the wire: what programs that trace httpx find in ``info["request"]``."""

    __slots__ = ("extensions", "headers", "method", "stream", "url")

    def __init__(self, request: Request, target: bytes | None, fields: Fields | None) -> None:
        """target, fields: as they are sent; None: the request's own."""
        url = request.url
        if target is None:
            target = request.extensions.get("target") or url.raw_path
        self.method = request.method.encode("ascii")
        self.url = TracedURL(url.raw_scheme, url.raw_host, url.port, target)
        self.headers = list(request.headers.raw if fields is None else fields)
        self.stream = request.stream
        self.extensions = request.extensions

    def __repr__(self) -> str:
        return f"<Request [{self.method!r}]>"


class Events:
    """Who is told of what happens to one request."""

    __slots__ = ("_backend", "extension", "request")

    def __init__(
        self,
        backend: Backend,
        request: Request,
        target: bytes | None = None,
        fields: Fields | None = None,
    ) -> None:
        """target, fields: as they are sent; None: the request's own."""
        self._backend = backend
        self.extension = request.extensions.get("trace")
        self.request = TracedRequest(request, target, fields)  # for an event's info

    def phase(self, logger: logging.Logger, name: str, info: dict[str, Any] | None = None) -> Phase:
        """An operation of this name. info: what it starts with."""
        return Phase(self._backend, self.extension, logger, name, info or {})


def events_of(
    backend: Backend,
    request: Request,
    logger: logging.Logger,
    target: bytes | None = None,
    fields: Fields | None = None,
) -> Events | None:
    """The events of a request, or None when nobody listens to what this logger would say."""
    if request.extensions.get("trace") is None and not logger.isEnabledFor(logging.DEBUG):
        return None
    return Events(backend, request, target, fields)


class Phase:
    """One operation, for `async with` or step by step."""

    __slots__ = ("_backend", "_extension", "_info", "_logger", "_name", "_stream", "result")

    def __init__(
        self,
        backend: Backend,
        extension: Callable[..., Any] | None,
        logger: logging.Logger,
        name: str,
        info: dict[str, Any],
    ) -> None:
        self._backend = backend
        self._extension = extension
        self._logger = logger
        self._name = name
        self._info = info
        self._stream: SocketStream | None = None
        self.result: Any = None  # what the operation gives, for the event of its end

    def connected(self, stream: SocketStream) -> None:
        """Make a stream the result, with the methods that httpcore's streams have."""
        self._stream = stream
        self.result = (AsyncNetworkStream if self._backend.is_async else NetworkStream)(stream)

    async def start(self) -> None:
        await self._tell("started", self._info)

    async def complete(self) -> None:
        try:
            await self._tell("complete", {"return_value": self.result})
        except BaseException:
            if self._stream is not None:  # nobody else knows of it yet
                self._stream.close()
            raise

    async def fail(self, exc: BaseException) -> None:
        await self._tell("failed", {"exception": exc})

    async def __aenter__(self) -> Phase:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_value is None:
            await self.complete()
        else:
            await self.fail(exc_value)

    async def _tell(self, step: str, info: dict[str, Any]) -> None:
        if self._extension is not None:
            told = self._extension(f"{self._logger.name.rpartition('.')[2]}.{self._name}.{step}", info)
            if self._backend.is_async:
                if not hasattr(told, "__await__"):
                    raise TypeError("the trace of an AsyncClient must be a coroutine function")
                await told
            elif hasattr(told, "__await__"):
                if hasattr(told, "close"):  # a coroutine would warn that nobody awaited it
                    told.close()
                raise TypeError("the trace of a Client must be a function, not a coroutine function")
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(log_line(f"{self._name}.{step}", info))


def log_line(name: str, info: dict[str, Any]) -> str:
    """An event as the log shows it: httpcore's form, and no credential in it."""
    if not info or info.get("return_value", info) is None:
        return name
    return " ".join([name, *(f"{key}={_shown(key, value)}" for key, value in info.items())])


def _shown(key: str, value: Any) -> str:
    if key == "auth" and value is not None:
        return "[secure]"
    if isinstance(value, tuple) and value and isinstance(value[-1], list):  # the head of a response
        return repr((*value[:-1], [_without_secret(*field) for field in value[-1]]))
    return repr(value)


def _without_secret(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    lowered = name.lower()
    if lowered in _SECRET_FIELDS:
        return name, b"[secure]"
    if lowered == b"location":
        return name, _PASSWORD.sub(rb"\1:[secure]@", value)
    return name, value
