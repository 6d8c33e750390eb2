"""The content of a response whose events somebody listens to: a live body that says when it starts and ends.

Slower than `body`, which knows nothing of events: what has arrived is not handed over before its event is told.
"""

from __future__ import annotations

from httpstream._backend import run

from .body import AsyncLiveBody, LiveBody, SyncLiveBody
from .trace import HTTP11

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._chunker import Splitter

    from .trace import Phase


class TracedBody(LiveBody):
    """What both worlds' traced bodies do."""

    _phase: Phase | None = None  # of receiving; None: it has not begun, or has ended

    def take_arrived(self) -> None:
        """Nothing: also content that came with the head is waited for, with its events."""
        return None

    def start(self, splitter: Splitter[Any]) -> None:
        super().start(splitter)
        if self._phase is None:
            splitter.detach()  # until the start has been told, which may need an await

    async def _feed(self) -> bool:
        events = self._connection.events
        if self._phase is None and self._open and self._splitter is not None and events is not None:
            self._phase = events.phase(HTTP11, "receive_response_body", {"request": events.request})
            await self._phase.start()
            self._splitter.attach(self._parser)
            return True
        if self._phase is not None and self._parser.content_complete:
            phase, self._phase = self._phase, None
            await phase.complete()
            await self._end()
            return False
        return await super()._feed()

    async def _end(self, exc: BaseException | None = None) -> None:
        """Close, with the events of it. exc: why, when it is no good end."""
        if not self._open:
            return
        assert self._connection.events is not None
        closed = self._connection.events.phase(HTTP11, "response_closed")
        try:
            if self._phase is not None:
                phase, self._phase = self._phase, None
                # Content that is left in the middle: httpcore's generator is told so, and tells it.
                await phase.fail(GeneratorExit() if exc is None else exc)
            await closed.start()
        finally:
            self._finish() if exc is None else self._abort()
        await closed.complete()


class SyncTracedBody(TracedBody, SyncLiveBody):
    """See TracedBody."""

    def failed(self, exc: BaseException) -> None:
        run(self._end(exc))

    def close(self) -> None:
        self._closed = True
        run(self._end())


class AsyncTracedBody(TracedBody, AsyncLiveBody):
    """See TracedBody."""

    feed = TracedBody._feed

    async def failed(self, exc: BaseException) -> None:
        await self._end(exc)

    async def aclose(self) -> None:
        self._closed = True
        await self._end()
