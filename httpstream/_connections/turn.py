"""Whose turn it is to read a body that is being received.

A body is read once. Who iterates the stream itself reads on behind what another iterator has taken, as programs do
that want the rest of a response gone so that its connection can carry the next request.
"""

from __future__ import annotations

from httpstream._exceptions import StreamConsumed

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._chunker import Splitter


class Turn:
    """What feeds one splitter from a live body, in either world, until somebody else reads on.

    body: has `start(splitter)`, `feed()` and `failed(exc)`, of the readers of iterators.
    """

    __slots__ = ("_body", "_splitter")

    def __init__(self, body: Any, splitter: Splitter[Any] | None = None) -> None:
        self._body = body
        self._splitter = splitter

    def start(self, splitter: Splitter[Any]) -> None:
        """Begin, or read on in place of the splitter that the body has: that one's iterator gets nothing more."""
        body, self._splitter = self._body, splitter
        before = body._splitter
        if before is None or not body._open:
            body.start(splitter)  # or raises
            return
        left = before.leave()
        body._splitter = None
        body.start(splitter)
        if left:
            splitter.push(left)

    def feed(self) -> Any:
        """Give the splitter more; False: the end. Raises StreamConsumed when somebody else reads on."""
        body = self._body
        if body._splitter is not self._splitter:
            raise StreamConsumed()
        return body.feed()

    def failed(self, exc: BaseException) -> Any:
        return self._body.failed(exc)
