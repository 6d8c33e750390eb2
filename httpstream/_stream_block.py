"""``with client.stream(...)``: the block that sends a request when it is entered and closes the response at its end.

Classes, not generators: nothing is left to finalisation. A block that ends with the status error of its own response
keeps that response's content, so that ``exc.response.text`` says what the server had to say.
"""

from __future__ import annotations

from time import perf_counter

from ._exceptions import HTTPStatusError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from ._async_client import AsyncClient
    from ._client import Client
    from ._models.request import Request
    from ._models.response import Response
    from ._urls import URL

# What the content of an error response may add to memory when a block is left with its HTTPStatusError.
MAX_ERROR_CONTENT = 1024 * 1024


class StreamContext:
    """What `Client.stream` returns.

    arguments: of ``build_request``. sending: of ``send``.
    """

    __slots__ = ("_arguments", "_client", "_method", "_response", "_sending", "_url")

    def __init__(
        self,
        client: Client,
        method: str,
        url: URL | str,
        arguments: dict[str, Any],
        sending: dict[str, Any],
    ) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._arguments = arguments
        self._sending = sending
        self._response: Response | None = None

    def __enter__(self) -> Response:
        if self._response is not None:
            raise RuntimeError("this stream() has been entered before: call stream() again")
        request = self._client.build_request(self._method, self._url, **self._arguments)
        self._response = self._client.send(request, stream=True, **self._sending)
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


class AsyncStreamContext:
    """What `AsyncClient.stream` returns. See `StreamContext`."""

    __slots__ = ("_arguments", "_client", "_method", "_response", "_sending", "_url")

    def __init__(
        self,
        client: AsyncClient,
        method: str,
        url: URL | str,
        arguments: dict[str, Any],
        sending: dict[str, Any],
    ) -> None:
        self._client = client
        self._method = method
        self._url = url
        self._arguments = arguments
        self._sending = sending
        self._response: Response | None = None

    async def __aenter__(self) -> Response:
        if self._response is not None:
            raise RuntimeError("this stream() has been entered before: call stream() again")
        request = self._client.build_request(self._method, self._url, **self._arguments)
        self._response = await self._client.send(request, stream=True, **self._sending)
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
                await akeep_error_content(response)
        finally:
            await response.aclose()


class OwnClientStream:
    """What `httpstream.stream` returns: entering it makes a client and sends the request, leaving it closes both."""

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
        from ._client import Client

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


def wants_content(exc: BaseException | None, response: Response) -> bool:
    """Whether an exception that ends a stream() block is the status error of its response, still unread."""
    return (
        isinstance(exc, HTTPStatusError)
        and exc.response is response
        and not response.is_stream_consumed
        and not response.is_closed
    )


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


async def akeep_error_content(response: Response) -> None:
    """See `keep_error_content`."""
    content = ErrorContent(response.request)
    try:
        async for piece in response.aiter_bytes(None):
            if not content.add(piece):
                break
    except Exception:
        pass
    finally:
        content.keep_in(response)


class ErrorContent:
    """The content of an error response that is worth keeping: at most 1 MiB, within the read timeout."""

    def __init__(self, request: Request) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        timeout: float | None = request.extensions.get("timeout", {}).get("read")
        self._deadline = None if timeout is None else perf_counter() + timeout

    def add(self, piece: bytes) -> bool:
        """Keep a piece. False: that is enough."""
        self._pieces.append(piece)
        self._size += len(piece)
        in_time = self._deadline is None or perf_counter() < self._deadline
        return in_time and self._size < MAX_ERROR_CONTENT

    def keep_in(self, response: Response) -> None:
        """Make what has come the content of the response."""
        response._content = response._keep(b"".join(self._pieces)[:MAX_ERROR_CONTENT])
