"""``httpstream.get()`` and its kin: one request each, with a client of its own.

A program that sends more than one request to a server keeps a `Client`, and with it the connection.
"""

from __future__ import annotations

from ._client import Client
from ._config import DEFAULT_TIMEOUT_CONFIG

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Any

    from ._models.response import Response
    from ._types import HeaderTypes, QueryParamTypes, RequestContent, RequestData, TimeoutTypes
    from ._urls import URL

__all__ = ["delete", "get", "head", "options", "patch", "post", "put", "request", "stream"]


def request(
    method: str,
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    json: Any | None = None,
    headers: HeaderTypes | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
) -> Response:
    """Send a request and read its response.

    params: added to the URL's query: a mapping, pairs, or a str. content: bytes, a str (sent as UTF-8), or an
    iterable of bytes, which is sent as it comes. data: a form: a mapping. json: anything that `json.dumps`
    takes. headers: field lines: a mapping or pairs. timeout: in seconds, or a `Timeout`; None: none. verify:
    True (the certificates of certifi), False, or an ``ssl.SSLContext``. trust_env: whether environment
    variables count.

    Raises RequestError when there is no complete response, InvalidURL, and TypeError or ValueError for
    content that cannot be encoded. A status of 4xx or 5xx raises nothing: see `Response.raise_for_status`.
    """
    with Client(verify=verify, timeout=timeout, trust_env=trust_env) as client:
        return client.request(
            method, url, content=content, data=data, json=json, params=params, headers=headers
        )


def stream(
    method: str,
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    json: Any | None = None,
    headers: HeaderTypes | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    verify: ssl.SSLContext | str | bool = True,
    trust_env: bool = True,
) -> OwnClientStream:
    """A context manager that sends a request and gives its response unread; it closes it at the end.

        with httpstream.stream("GET", "https://example.org/large") as response:
            for chunk in response.iter_bytes():
                ...

    The arguments are those of `request`; for errors see `Client.stream`.
    """
    settings = {"verify": verify, "timeout": timeout, "trust_env": trust_env}
    arguments = {
        "content": content,
        "data": data,
        "json": json,
        "params": params,
        "headers": headers,
    }
    return OwnClientStream(settings, method, url, arguments)


class OwnClientStream:
    """What `stream` returns: entering it makes a client and sends the request, leaving it closes both."""

    __slots__ = ("_arguments", "_client", "_context", "_method", "_settings", "_url")

    def __init__(
        self, settings: dict[str, Any], method: str, url: URL | str, arguments: dict[str, Any]
    ) -> None:
        self._settings = settings
        self._method = method
        self._url = url
        self._arguments = arguments
        self._client: Client | None = None

    def __enter__(self) -> Response:
        if self._client is not None:
            raise RuntimeError("this stream() has been entered before: call stream() again")
        self._client = Client(**self._settings)
        try:
            self._context = self._client.stream(self._method, self._url, **self._arguments)
            return self._context.__enter__()
        except BaseException:
            self._client.close()
            raise

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        if self._client is None:
            return
        try:
            self._context.__exit__(exc_type, exc_value, traceback)
        finally:
            self._client.close()


def get(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a GET request. See `request`."""
    return request(
        "GET",
        url,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def options(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send an OPTIONS request. See `request`."""
    return request(
        "OPTIONS",
        url,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def head(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a HEAD request. See `request`."""
    return request(
        "HEAD",
        url,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def post(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a POST request. See `request`."""
    return request(
        "POST",
        url,
        content=content,
        data=data,
        json=json,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def put(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a PUT request. See `request`."""
    return request(
        "PUT",
        url,
        content=content,
        data=data,
        json=json,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def patch(
    url: URL | str,
    *,
    content: RequestContent | None = None,
    data: RequestData | None = None,
    json: Any | None = None,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a PATCH request. See `request`."""
    return request(
        "PATCH",
        url,
        content=content,
        data=data,
        json=json,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


def delete(
    url: URL | str,
    *,
    params: QueryParamTypes | None = None,
    headers: HeaderTypes | None = None,
    verify: ssl.SSLContext | str | bool = True,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
    trust_env: bool = True,
) -> Response:
    """Send a DELETE request. See `request`."""
    return request(
        "DELETE",
        url,
        params=params,
        headers=headers,
        verify=verify,
        timeout=timeout,
        trust_env=trust_env,
    )


for _name in __all__:
    globals()[_name].__module__ = "httpstream"
