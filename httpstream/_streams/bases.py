"""The two bases of httpx, by which programs tell the worlds apart, and the one question asked of every stream.

Nothing but iteration and closing: what more a stream of ours can do stands in `stream`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

__all__ = ["AsyncByteStream", "SyncByteStream", "can_be_sent_again"]


def can_be_sent_again(stream: object) -> bool:
    """Whether iterating ``stream`` now, from its beginning, gives all of its content.

    Asked before a request goes out once more: after a redirect, for authentication, on another connection. A
    stream says so by a method of the same name. One that does not say counts as used up: a body that is
    silently sent empty is worse than an error.
    """
    answer = getattr(stream, "can_be_sent_again", None)
    return answer is not None and bool(answer())


class SyncByteStream:
    """Base of the streams that the sync world can iterate."""

    __module__ = "httpstream"
    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        """The content in pieces. Subclasses must define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define __iter__")

    def close(self) -> None:
        """Give back what the stream holds. Does nothing unless a subclass defines it."""


class AsyncByteStream:
    """Base of the streams that the async world can iterate."""

    __module__ = "httpstream"
    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The content in pieces. Subclasses must define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define __aiter__")

    async def aclose(self) -> None:
        """Give back what the stream holds. Does nothing unless a subclass defines it."""
