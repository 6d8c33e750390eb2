"""``Client``: requests in the sync world.

It waits through its transport alone; what needs no waiting is in `_conversation`. `_async_client` is its
mirror: the same names in the same order.
"""

from __future__ import annotations

from ._config import DEFAULT_LIMITS, DEFAULT_TIMEOUT_CONFIG
from ._conversation import (
    USE_CLIENT_DEFAULT,
    BaseClient,
    ClientState,
    ErrorContent,
    UseClientDefault,
    wants_content,
)
from ._models.reading import blame
from ._streams import SyncByteStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    from ._config import Limits
    from ._models.request import Request
    from ._models.response import Response
    from ._transports.base import BaseTransport
    from ._types import (
        CertTypes,
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        TimeoutTypes,
    )
    from ._urls import URL

    T = TypeVar("T", bound="Client")

__all__ = ["USE_CLIENT_DEFAULT", "Client"]


class Client(BaseClient):
    """An HTTP client with its own connections and defaults. Threads may share it.

        with httpstream.Client(base_url="https://api.example.org") as client:
            response = client.get("/users")

    params, headers: added to those of every request. timeout: in seconds, or a `Timeout`; None: none.
    verify: True (the certificates of certifi), False, or an ``ssl.SSLContext``. cert: a client certificate: a
    path, or a tuple of path, key path, password. trust_env: whether environment variables count. limits: of
    the connection pool. base_url: what relative URLs are appended to. transport: what sends the requests, in
    place of an `HTTPTransport` made of verify, cert, trust_env, http1 and limits. default_encoding: the
    charset of responses that name none, or a function from content to its name.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
        limits: Limits = DEFAULT_LIMITS,
        base_url: URL | str = "",
        transport: BaseTransport | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        super().__init__(
            params=params,
            headers=headers,
            timeout=timeout,
            base_url=base_url,
            trust_env=trust_env,
            default_encoding=default_encoding,
        )
        if transport is None:
            from ._transports.http import HTTPTransport

            transport = HTTPTransport(
                verify=verify, cert=cert, trust_env=trust_env, http1=http1, limits=limits
            )
        self._transport: BaseTransport = transport

    def request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Make a request of the arguments and of this client's defaults, send it, and read the response.

        See `build_request` for the arguments, and `send`.
        """
        request = self.build_request(
            method,
            url,
            content=content,
            data=data,
            json=json,
            params=params,
            headers=headers,
            timeout=timeout,
            extensions=extensions,
        )
        return self.send(request)

    def stream(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> StreamContext:
        """A context manager that sends a request and gives its response unread; it closes it at the end.

            with client.stream("GET", "https://example.org/large") as response:
                for chunk in response.iter_bytes():
                    ...

        When the block ends with the HTTPStatusError of that very response, the content (at most 1 MiB, within
        the read timeout) is read first, so that ``exc.response.text`` works. The arguments are those of
        `request`.
        """
        arguments = {
            "content": content,
            "data": data,
            "json": json,
            "params": params,
            "headers": headers,
            "timeout": timeout,
            "extensions": extensions,
        }
        return StreamContext(self, method, url, arguments)

    def send(self, request: Request, *, stream: bool = False) -> Response:
        """Send a request as it is, and read the response, unless ``stream``: then the caller closes it.

        Raises RequestError (its ``request`` is set), and RuntimeError when the client has been closed or the
        request's content is an async stream.
        """
        started = self._begin(request)
        if not isinstance(request.stream, SyncByteStream):
            raise RuntimeError("the content of this request is an async stream: send it with an AsyncClient")
        try:
            response = self._transport.handle_request(request)
        except BaseException as exc:
            blame(exc, request)
            raise
        if not isinstance(response.stream, SyncByteStream):
            raise RuntimeError("the transport of this Client gave a response with an async stream")
        try:
            self._adopt(response, request, started)
            if not stream:
                response.read()
        except BaseException:
            response.close()
            raise
        return response

    def get(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a GET request. See `request`."""
        return self.request(
            "GET", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    def options(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send an OPTIONS request. See `request`."""
        return self.request(
            "OPTIONS", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    def head(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a HEAD request. See `request`."""
        return self.request(
            "HEAD", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    def post(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a POST request. See `request`."""
        return self.request(
            "POST",
            url,
            content=content,
            data=data,
            json=json,
            params=params,
            headers=headers,
            timeout=timeout,
            extensions=extensions,
        )

    def put(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a PUT request. See `request`."""
        return self.request(
            "PUT",
            url,
            content=content,
            data=data,
            json=json,
            params=params,
            headers=headers,
            timeout=timeout,
            extensions=extensions,
        )

    def patch(
        self,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a PATCH request. See `request`."""
        return self.request(
            "PATCH",
            url,
            content=content,
            data=data,
            json=json,
            params=params,
            headers=headers,
            timeout=timeout,
            extensions=extensions,
        )

    def delete(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Send a DELETE request. See `request`."""
        return self.request(
            "DELETE", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    def close(self) -> None:
        """Close the client and its connections. It sends no more requests."""
        if self._state is not ClientState.CLOSED:
            self._state = ClientState.CLOSED
            self._transport.close()

    def __enter__(self: T) -> T:
        self._enter()
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._state = ClientState.CLOSED
        self._transport.__exit__(exc_type, exc_value, traceback)


class StreamContext:
    """What `Client.stream` returns: entering it sends the request, leaving it closes the response."""

    __slots__ = ("_arguments", "_client", "_method", "_response", "_url")

    def __init__(self, client: Client, method: str, url: URL | str, arguments: dict[str, Any]) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._arguments = arguments
        self._response: Response | None = None

    def __enter__(self) -> Response:
        if self._response is not None:
            raise RuntimeError("this stream() has been entered before: call stream() again")
        request = self._client.build_request(self._method, self._url, **self._arguments)
        self._response = self._client.send(request, stream=True)
        return self._response

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        response = self._response
        if response is None:
            return
        try:
            if wants_content(exc_value, response):
                keep_error_content(response)
        finally:
            response.close()


def keep_error_content(response: Response) -> None:
    """Read an error response, as far as it comes: the status error is what the caller must see."""
    content = ErrorContent(response.request)
    try:
        for piece in response.iter_bytes(None):
            if not content.add(piece):
                break
    except Exception:
        pass
    finally:
        content.keep_in(response)
