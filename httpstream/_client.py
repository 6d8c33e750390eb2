"""``Client``: requests in the sync world.

It waits through its transport alone; what becomes of a request is in `_conversation`. `_async_client` is its mirror:
the same names in the same order.
"""

from __future__ import annotations

from ._backend import SYNC, run
from ._base_client import USE_CLIENT_DEFAULT, BaseClient, ClientState, UseClientDefault, warn_of_cookies
from ._config import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_EVENT_SIZE_BYTES,
    DEFAULT_MAX_REDIRECTS,
    DEFAULT_TIMEOUT_CONFIG,
)
from ._conversation import Conversation, SyncFlow, new_settings
from ._stream_block import StreamContext
from ._streams import SyncByteStream
from ._verbs import SyncVerbs

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, TypeVar

    from ._async_client import AsyncClient
    from ._config import Limits
    from ._models.proxy import Proxy
    from ._models.request import Request
    from ._models.response import Response
    from ._sse import SSEContext
    from ._transports.base import BaseTransport
    from ._types import (
        AuthTypes,
        CertTypes,
        CookieTypes,
        HeaderTypes,
        ProxyTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
        TimeoutTypes,
    )
    from ._urls import URL

    T = TypeVar("T", bound="Client")
    EventHook = Callable[..., object]

__all__ = [
    "USE_CLIENT_DEFAULT",
    "AsyncClient",
    "BaseClient",
    "Client",
    "ClientState",
    "EventHook",
    "UseClientDefault",
]


class Client(Conversation, SyncVerbs):
    """An HTTP client with its own connections and defaults. Threads may share it.

        with httpstream.Client(base_url="https://api.example.org") as client:
            response = client.get("/users")

    auth: what authenticates requests: ``(username, password)``, an `Auth`, or a function from request to request.
    params, headers, cookies: added to those of every request. verify: True (the certificates of certifi), False,
    or an ``ssl.SSLContext``. cert: a client certificate: a path, or a tuple of path, key path, password.
    trust_env: whether environment variables count. http1, http2: which versions are offered. proxy: the URL of
    a proxy, or a `Proxy`. mounts: transports for the URLs that match a pattern, as in ``{"all://*.example.org":
    transport}``; None as a transport: the client's own. timeout: in seconds, or a `Timeout`; None: none.
    follow_redirects: whether a redirect is followed, at most max_redirects times in a row. limits: of the
    connection pool. event_hooks: ``{"request": [...], "response": [...]}``: functions that are called with each.
    base_url: what relative URLs are appended to. transport: what sends the requests, in place of an
    `HTTPTransport` made of the arguments here. default_encoding: the charset of responses that name none, or a
    function from content to its name.
    """

    __module__ = "httpstream"

    _backend = SYNC
    _is_async = False
    _stream_type = SyncByteStream
    _flow_type = SyncFlow
    _handle = "handle_request"
    _read = "read"
    _close = "close"

    def __init__(
        self,
        *,
        auth: AuthTypes | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        proxy: ProxyTypes | None = None,
        mounts: Mapping[str, BaseTransport | None] | None = None,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
        follow_redirects: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        event_hooks: Mapping[str, list[Callable[..., Any]]] | None = None,
        base_url: URL | str = "",
        transport: BaseTransport | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        super().__init__(
            auth=auth,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            follow_redirects=follow_redirects,
            max_redirects=max_redirects,
            event_hooks=event_hooks,
            base_url=base_url,
            trust_env=trust_env,
            default_encoding=default_encoding,
        )
        settings = new_settings(verify, cert, trust_env, http1, http2, limits)
        self._init_transports(transport, mounts, proxy, **settings)

    def _init_transport(
        self,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        transport: BaseTransport | None = None,
    ) -> BaseTransport:
        if transport is not None:
            return transport
        from ._transports.http import HTTPTransport

        return HTTPTransport(**new_settings(verify, cert, trust_env, http1, http2, limits))

    def _init_proxy_transport(
        self,
        proxy: Proxy,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> BaseTransport:
        from ._transports.http import HTTPTransport

        return HTTPTransport(**new_settings(verify, cert, trust_env, http1, http2, limits), proxy=proxy)

    def request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """Make a request of the arguments and of this client's defaults, send it, and read the response.

        See `build_request` for the arguments, and `send`.
        """
        if cookies is not None:
            warn_of_cookies()
        request = self.build_request(
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=headers,
            cookies=cookies,
            timeout=timeout,
            extensions=extensions,
        )
        return self.send(request, auth=auth, follow_redirects=follow_redirects)

    def stream(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
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
            "files": files,
            "json": json,
            "params": params,
            "headers": headers,
            "cookies": cookies,
            "timeout": timeout,
            "extensions": extensions,
        }
        sending = {"auth": auth, "follow_redirects": follow_redirects}
        return StreamContext(self, method, url, arguments, sending)

    def sse(
        self,
        url: URL | str,
        *,
        method: str = "GET",
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
        max_event_size: int | None = DEFAULT_MAX_EVENT_SIZE_BYTES,
    ) -> SSEContext:
        """A context manager that asks for server-sent events and gives their `EventSource`.

            with client.sse("https://example.org/events") as source:
                for event in source:
                    ...

        ``Accept: text/event-stream`` and ``Cache-Control: no-store`` are sent unless headers say otherwise. The read
        timeout counts between events too. max_event_size: how many bytes an event may have; None: no limit. The
        other arguments are those of `request`, and nothing connects again.
        """
        from ._sse import SSEContext, event_headers

        block = self.stream(
            method,
            url,
            content=content,
            data=data,
            files=files,
            json=json,
            params=params,
            headers=event_headers(headers),
            cookies=cookies,
            auth=auth,
            follow_redirects=follow_redirects,
            timeout=timeout,
            extensions=extensions,
        )
        return SSEContext(block, max_event_size)

    def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
    ) -> Response:
        """Send a request as it is, and read the response, unless ``stream``: then the caller closes it.

        auth, follow_redirects: in place of the client's own.
        Raises RequestError (its ``request`` is set), TooManyRedirects, StreamConsumed when content that cannot be
        sent again would have to be, and RuntimeError when the client has been closed or the request's content is
        an async stream.
        """
        try:
            return run(self._send(request, stream, auth, follow_redirects))
        except RuntimeError as exc:
            # A mock that has run out of answers raises StopIteration; no coroutine lets that out (PEP 479).
            if isinstance(exc.__cause__, StopIteration) and str(exc) == "coroutine raised StopIteration":
                raise exc.__cause__ from None
            raise

    def close(self) -> None:
        """Close the client and its connections. It sends no more requests."""
        if self._note_closed():
            for transport in self._all_transports():
                transport.close()

    def __enter__(self: T) -> T:
        self._enter()
        for transport in self._all_transports():
            transport.__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._note_closed()
        for transport in self._all_transports():
            transport.__exit__(exc_type, exc_value, traceback)


def __getattr__(name: str) -> Any:
    # Programs look for both clients in one module; the other one is loaded by those who use it.
    if name == "AsyncClient":
        from ._async_client import AsyncClient

        return AsyncClient
    if name == "EventHook":
        from collections.abc import Callable

        return Callable[..., object]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
