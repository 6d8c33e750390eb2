"""A `trace` for the scenarios of either world. Never here: a scenario."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.compat.harness import Lib


class Recorder:
    """A trace of either world: `names` of the events, and `events` with their info."""

    def __init__(self, lib: Lib, on_event: Callable[[str, Any], None] | None = None) -> None:
        self.events: list[tuple[str, Any]] = []
        self._on_event = on_event
        self.extension = self._coroutine if lib.is_async else self._function

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def info(self, name: str) -> Any:
        return next(info for one, info in self.events if one == name)

    def _function(self, name: str, info: Any) -> None:
        self.events.append((name, dict(info)))
        if self._on_event is not None:
            self._on_event(name, info)

    async def _coroutine(self, name: str, info: Any) -> None:
        self._function(name, info)
