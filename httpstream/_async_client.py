"""``AsyncClient``: requests in the async world.

The mirror of `_client`: the same names in the same order. It waits through its transport alone, so asyncio, uvloop
and trio are all the same to it.
"""

from __future__ import annotations

from ._backend import ASYNC
from ._base_client import USE_CLIENT_DEFAULT, warn_of_cookies
from ._config import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_EVENT_SIZE_BYTES,
    DEFAULT_MAX_REDIRECTS,
    DEFAULT_TIMEOUT_CONFIG,
)
from ._conversation import AsyncFlow, Conversation, new_settings
from ._stream_block import AsyncStreamContext
from ._streams import AsyncByteStream
from ._verbs import AsyncVerbs

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Any, TypeVar

    from ._base_client import UseClientDefault
    from ._config import Limits
    from ._models.proxy import Proxy
    from ._models.request import Request
    from ._models.response import Response
    from ._sse import AsyncSSEContext
    from ._transports.base import AsyncBaseTransport
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

    A = TypeVar("A", bound="AsyncClient")


class AsyncClient(Conversation, AsyncVerbs):
    """See `Client`. For the tasks of one event loop; event hooks and trace functions are coroutine functions.

    async with httpstream.AsyncClient(base_url="https://api.example.org") as client:
        response = await client.get("/users")
    """

    __module__ = "httpstream"

    _backend = ASYNC
    _is_async = True
    _stream_type = AsyncByteStream
    _flow_type = AsyncFlow
    _handle = "handle_async_request"
    _read = "aread"
    _close = "aclose"

    def __init__(
        self,
        *,
        auth: AuthTypes | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        http1: bool = True,
        http2: bool = False,
        proxy: ProxyTypes | None = None,
        mounts: Mapping[str, AsyncBaseTransport | None] | None = None,
        timeout: TimeoutTypes = DEFAULT_TIMEOUT_CONFIG,
        follow_redirects: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        max_redirects: int = DEFAULT_MAX_REDIRECTS,
        event_hooks: Mapping[str, list[Callable[..., Any]]] | None = None,
        base_url: URL | str = "",
        transport: AsyncBaseTransport | None = None,
        trust_env: bool = True,
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
        transport: AsyncBaseTransport | None = None,
    ) -> AsyncBaseTransport:
        if transport is not None:
            return transport
        from ._transports.http import AsyncHTTPTransport

        return AsyncHTTPTransport(**new_settings(verify, cert, trust_env, http1, http2, limits))

    def _init_proxy_transport(
        self,
        proxy: Proxy,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> AsyncBaseTransport:
        from ._transports.http import AsyncHTTPTransport

        return AsyncHTTPTransport(**new_settings(verify, cert, trust_env, http1, http2, limits), proxy=proxy)

    async def request(
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
        """See `Client.request`."""
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
        return await self.send(request, auth=auth, follow_redirects=follow_redirects)

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
    ) -> AsyncStreamContext:
        """See `Client.stream`."""
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
        return AsyncStreamContext(self, method, url, arguments, sending)

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
    ) -> AsyncSSEContext:
        """See `Client.sse`."""
        from ._sse import AsyncSSEContext, event_headers

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
        return AsyncSSEContext(block, max_event_size)

    async def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT,
        follow_redirects: bool | UseClientDefault = USE_CLIENT_DEFAULT,
    ) -> Response:
        """See `Client.send`."""
        request._is_read_whole = not stream
        return await self._send(request, stream, auth, follow_redirects)

    async def aclose(self) -> None:
        """See `Client.close`."""
        if self._note_closed():
            for transport in self._all_transports():
                await transport.aclose()

    async def __aenter__(self: A) -> A:
        self._enter()
        for transport in self._all_transports():
            await transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._note_closed()
        for transport in self._all_transports():
            await transport.__aexit__(exc_type, exc_value, traceback)
