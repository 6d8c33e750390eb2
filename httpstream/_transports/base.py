"""``BaseTransport`` and ``AsyncBaseTransport``: one request in, one response out.

The interface that a client sends through. Nothing here knows a connection; subclasses may answer from
anywhere.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TypeVar

    from httpstream._models.request import Request
    from httpstream._models.response import Response

    T = TypeVar("T", bound="BaseTransport")
    A = TypeVar("A", bound="AsyncBaseTransport")

__all__ = ["AsyncBaseTransport", "BaseTransport"]


class BaseTransport:
    """A transport of the sync world; a context manager that closes itself."""

    __module__ = "httpstream"

    def __enter__(self: T) -> T:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def handle_request(self, request: Request) -> Response:
        """Send one request and return its response. Subclasses must define it.

        The response's ``stream`` is a SyncByteStream; whoever gets it reads it to the end or closes it.
        Raises TransportError.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define handle_request()")

    def close(self) -> None:
        """Give back what the transport holds. Does nothing unless a subclass defines it."""


class AsyncBaseTransport:
    """A transport of the async world: see `BaseTransport`."""

    __module__ = "httpstream"

    async def __aenter__(self: A) -> A:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def handle_async_request(self, request: Request) -> Response:
        """See `BaseTransport.handle_request`; the response's ``stream`` is an AsyncByteStream."""
        raise NotImplementedError(f"{type(self).__name__} does not define handle_async_request()")

    async def aclose(self) -> None:
        """See `BaseTransport.close`."""
