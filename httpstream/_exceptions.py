"""The exceptions of httpstream: the tree of httpx 0.28, by name and ancestry, with httpx2's ``SSEError`` and ours.

Classes live here, and `request_context`; nothing is raised or translated here. The type says who is to blame, the name
when:

    HTTPError
        RequestError                      while a request was made or its response was read
            TransportError
                TimeoutException          ConnectTimeout, ReadTimeout, WriteTimeout, PoolTimeout
                NetworkError              ConnectError, ReadError, WriteError, CloseError
                ProtocolError             LocalProtocolError (the caller), RemoteProtocolError (the peer)
                ProxyError
                SSEError
                UnsupportedProtocol
            DecodingError                 LineTooLong; InvalidJSONLine (in `_json_lines`: it needs `json`)
            TooManyRedirects
        HTTPStatusError
    InvalidURL
    CookieConflict
    StreamError (a RuntimeError)          StreamConsumed, StreamClosed, ResponseNotRead, RequestNotRead
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from ._models.request import Request
    from ._models.response import Response

__all__ = [
    "CloseError",
    "ConnectError",
    "ConnectTimeout",
    "CookieConflict",
    "DecodingError",
    "HTTPError",
    "HTTPStatusError",
    "InvalidURL",
    "LineTooLong",
    "LocalProtocolError",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "RequestError",
    "RequestNotRead",
    "ResponseNotRead",
    "SSEError",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "UnsupportedProtocol",
    "WriteError",
    "WriteTimeout",
]


class HTTPError(Exception):
    """What a request and its ``raise_for_status()`` may raise: one class to catch for both.

    ``request`` is the request that failed; reading it before it was set raises RuntimeError.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._request: Request | None = None

    @property
    def request(self) -> Request:
        """The request that failed. Raises RuntimeError while none has been set."""
        if self._request is None:
            raise RuntimeError("this exception has no request: it was raised outside of a request")
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request


class RequestError(HTTPError):
    """A request was not answered, or its response could not be read to the end."""

    def __init__(self, message: str, *, request: Request | None = None) -> None:
        super().__init__(message)
        # The lower floors raise without a request: they know none. The client sets it on the way out.
        self._request = request


class TransportError(RequestError):
    """The transport failed: network, time, protocol, or proxy."""


class TimeoutException(TransportError):
    """An operation took longer than its timeout allows."""


class ConnectTimeout(TimeoutException):
    """The connection (with name resolution and the TLS handshake) was not ready in time."""


class ReadTimeout(TimeoutException):
    """Nothing was received for too long."""


class WriteTimeout(TimeoutException):
    """Nothing could be sent for too long."""


class PoolTimeout(TimeoutException):
    """No connection of the pool became free in time."""


class NetworkError(TransportError):
    """The network failed; the operating system's error is the ``__cause__``."""


class ConnectError(NetworkError):
    """The connection could not be made. Nothing of the request was sent."""


class ReadError(NetworkError):
    """Receiving failed: the connection broke or was closed."""


class WriteError(NetworkError):
    """Sending failed: the connection broke or was closed."""


class CloseError(NetworkError):
    """Closing the connection failed."""


class ProtocolError(TransportError):
    """A message broke the rules of HTTP."""


class LocalProtocolError(ProtocolError):
    """The request would break the rules of HTTP: the caller's fault."""


class RemoteProtocolError(ProtocolError):
    """What the peer sent breaks the rules of HTTP."""


class ProxyError(TransportError):
    """The proxy did not give the connection that was asked for."""


class UnsupportedProtocol(TransportError):
    """The URL's scheme is none that the transport speaks."""


class SSEError(TransportError):
    """The response is no stream of server-sent events, or one of its events is too large."""


class DecodingError(RequestError):
    """The content does not follow its content coding, or ends in the middle of it."""


class LineTooLong(DecodingError):
    """A line of the content is longer than ``max_line_bytes``; the message names the limit."""


class TooManyRedirects(RequestError):
    """The redirects did not end within ``max_redirects``."""


class HTTPStatusError(HTTPError):
    """``raise_for_status()``: the response's status code says that the request failed.

    Carries the ``request`` and the ``response``.
    """

    def __init__(self, message: str, *, request: Request, response: Response) -> None:
        super().__init__(message)
        self.request = request
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException rebuilds an exception from its arguments; ours are keyword-only.
        return _rebuild, (type(self), self.args, self.__dict__)


class InvalidURL(Exception):
    """The URL cannot be parsed, or has a part that no URL may have."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class CookieConflict(Exception):
    """Several cookies have the name that was looked up."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class StreamError(RuntimeError):
    """The caller used a stream of content in a way that its state does not allow."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # The subclasses take no arguments, so they cannot be rebuilt by a call with their message.
        return _rebuild, (type(self), self.args, self.__dict__)


class StreamConsumed(StreamError):
    """The content was already streamed, and it can be streamed only once."""

    def __init__(self) -> None:
        super().__init__(
            "the content has already been streamed and cannot be streamed again: a request's content from a "
            "generator can be sent only once, a response can be iterated only once (read() keeps its content)"
        )


class StreamClosed(StreamError):
    """The stream was closed before its content was read."""

    def __init__(self) -> None:
        super().__init__("the content cannot be read: its stream has been closed")


class ResponseNotRead(StreamError):
    """The content of a streaming response was asked for before ``read()``."""

    def __init__(self) -> None:
        super().__init__("the response's content is not there yet: call read() or aread() first")


class RequestNotRead(StreamError):
    """The content of a streaming request was asked for before ``read()``."""

    def __init__(self) -> None:
        super().__init__("the request's content is not there yet: call read() or aread() first")


def _rebuild(cls: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An exception as it was pickled, made without its ``__init__``."""
    exc = cls.__new__(cls)
    exc.args = args
    exc.__dict__.update(state)
    return exc


class _RequestContext:
    __slots__ = ("_request",)

    def __init__(self, request: Request | None) -> None:
        self._request = request

    def __enter__(self) -> None:
        pass

    def __exit__(self, cls: type[BaseException] | None, exc: BaseException | None, traceback: object) -> None:
        if isinstance(exc, RequestError) and self._request is not None:
            exc.request = self._request


def request_context(request: Request | None = None) -> _RequestContext:
    """A context manager that tells a RequestError raised in its block which request it belongs to."""
    return _RequestContext(request)


for _name in __all__:
    # Tracebacks, reprs and pickles name these classes as users do, whatever file they stand in.
    globals()[_name].__module__ = "httpstream"
