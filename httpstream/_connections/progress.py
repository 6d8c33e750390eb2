"""Telling how far a content has come: the request extension ``on_progress``.

Knows numbers and the clock; where they come from is `upload`'s and the bodies' part.
"""

from __future__ import annotations

from time import monotonic

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL = 0.05
"""Seconds between two calls: twenty a second are a smooth bar, and cost nothing."""


class Progress:
    """Calls ``on_progress(done, total)``: bytes, and None for a total that is not known."""

    __slots__ = ("_next", "_on_progress", "total")

    def __init__(self, on_progress: Callable[[int, int | None], object], total: int | None) -> None:
        self._on_progress = on_progress
        self._next = 0.0
        self.total = total

    def update(self, done: int) -> None:
        """So much has come; told if it is time again."""
        now = monotonic()
        if now >= self._next:
            self._next = now + INTERVAL
            self._on_progress(done, self.total)

    def end(self, done: int) -> None:
        """All has come: told in any case."""
        self._on_progress(done, self.total)
