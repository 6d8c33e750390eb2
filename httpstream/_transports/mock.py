"""`MockTransport`: a function answers in place of a server.

Knows requests and responses. No connection, and no opinion about what an answer must look like.
"""

from __future__ import annotations

from httpstream._models.response import Response

from .base import AsyncBaseTransport, BaseTransport

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from httpstream._models.request import Request

__all__ = ["MockTransport"]


class MockTransport(AsyncBaseTransport, BaseTransport):
    """Answers each request with what a function returns: for tests of programs, in both worlds.

        client = httpstream.Client(transport=httpstream.MockTransport(lambda request: httpstream.Response(200)))

    handler: gets the `Request`, its content read into memory, and returns the `Response`. For an AsyncClient it may
    be a coroutine function. What it raises goes to the caller as it is.
    """

    __module__ = "httpstream"

    def __init__(
        self, handler: Callable[[Request], Response] | Callable[[Request], Coroutine[Any, Any, Response]]
    ) -> None:
        self.handler = handler

    def handle_request(self, request: Request) -> Response:
        """Let the handler answer. Raises TypeError when it is a coroutine function, besides what it raises."""
        request.read()
        response = self.handler(request)
        if isinstance(response, Response):
            return response
        if hasattr(response, "close"):
            response.close()  # a coroutine that nobody awaits would complain
        raise TypeError("the handler of this MockTransport is async: it needs an AsyncClient")

    async def handle_async_request(self, request: Request) -> Response:
        """Let the handler answer, and await its answer if it is a coroutine function."""
        await request.aread()
        response = self.handler(request)
        return response if isinstance(response, Response) else await response
