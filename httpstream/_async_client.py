"""``AsyncClient``: requests in the async world, on asyncio, uvloop and trio.

The mirror of `_client`: the same names in the same order. It waits through its transport alone.
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
from ._streams import AsyncByteStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeVar

    from ._config import Limits
    from ._models.request import Request
    from ._models.response import Response
    from ._transports.base import AsyncBaseTransport
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

    T = TypeVar("T", bound="AsyncClient")

__all__ = ["USE_CLIENT_DEFAULT", "AsyncClient"]


class AsyncClient(BaseClient):
    """An HTTP client with its own connections and defaults. Tasks may share it. See `Client`.

    async with httpstream.AsyncClient(base_url="https://api.example.org") as client:
        response = await client.get("/users")
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
        transport: AsyncBaseTransport | None = None,
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
            from ._transports.http import AsyncHTTPTransport

            transport = AsyncHTTPTransport(
                verify=verify, cert=cert, trust_env=trust_env, http1=http1, limits=limits
            )
        self._transport: AsyncBaseTransport = transport

    async def request(
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
        """See `Client.request`."""
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
        return await self.send(request)

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
    ) -> AsyncStreamContext:
        """See `Client.stream`."""
        arguments = {
            "content": content,
            "data": data,
            "json": json,
            "params": params,
            "headers": headers,
            "timeout": timeout,
            "extensions": extensions,
        }
        return AsyncStreamContext(self, method, url, arguments)

    async def send(self, request: Request, *, stream: bool = False) -> Response:
        """See `Client.send`."""
        started = self._begin(request)
        if not isinstance(request.stream, AsyncByteStream):
            raise RuntimeError("the content of this request is a sync stream: send it with a Client")
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as exc:
            blame(exc, request)
            raise
        if not isinstance(response.stream, AsyncByteStream):
            raise RuntimeError("the transport of this AsyncClient gave a response with a sync stream")
        try:
            self._adopt(response, request, started)
            if not stream:
                await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    async def get(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """See `Client.get`."""
        return await self.request(
            "GET", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    async def options(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """See `Client.options`."""
        return await self.request(
            "OPTIONS", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    async def head(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """See `Client.head`."""
        return await self.request(
            "HEAD", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    async def post(
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
        """See `Client.post`."""
        return await self.request(
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

    async def put(
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
        """See `Client.put`."""
        return await self.request(
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

    async def patch(
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
        """See `Client.patch`."""
        return await self.request(
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

    async def delete(
        self,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Response:
        """See `Client.delete`."""
        return await self.request(
            "DELETE", url, params=params, headers=headers, timeout=timeout, extensions=extensions
        )

    async def aclose(self) -> None:
        """See `Client.close`."""
        if self._state is not ClientState.CLOSED:
            self._state = ClientState.CLOSED
            await self._transport.aclose()

    async def __aenter__(self: T) -> T:
        self._enter()
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._state = ClientState.CLOSED
        await self._transport.__aexit__(exc_type, exc_value, traceback)


class AsyncStreamContext:
    """What `AsyncClient.stream` returns: entering it sends the request, leaving it closes the response."""

    __slots__ = ("_arguments", "_client", "_method", "_response", "_url")

    def __init__(self, client: AsyncClient, method: str, url: URL | str, arguments: dict[str, Any]) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._arguments = arguments
        self._response: Response | None = None

    async def __aenter__(self) -> Response:
        if self._response is not None:
            raise RuntimeError("this stream() has been entered before: call stream() again")
        request = self._client.build_request(self._method, self._url, **self._arguments)
        self._response = await self._client.send(request, stream=True)
        return self._response

    async def __aexit__(
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
                await keep_error_content(response)
        finally:
            await response.aclose()


async def keep_error_content(response: Response) -> None:
    """See `_client.keep_error_content`."""
    content = ErrorContent(response.request)
    try:
        async for piece in response.aiter_bytes(None):
            if not content.add(piece):
                break
    except Exception:
        pass
    finally:
        content.keep_in(response)
