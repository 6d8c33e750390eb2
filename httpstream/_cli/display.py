"""What the demo shows while it runs: progress bars on a terminal, a plain line per result elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from .units import seconds_text

REFRESHES = 10  # per second, at most
_STATUS_WIDTH = 30  # characters; the bar gives way first


class Board:
    """A bar per program of one section. Rows are added first; then each runs, maybe in several rounds."""

    def __init__(self, console: Console, title: str, rate_text: Callable[[float], str]) -> None:
        """title: of the section; rate_text: how units per second are written."""
        self._console = console
        self._title = title
        self._rate_text = rate_text
        self._names: dict[TaskID, str] = {}
        self._started, self._first = 0.0, 0  # when the round's first report came, and what it said
        self._progress = Progress(
            TextColumn("  [bold]{task.description:<17}"),
            BarColumn(bar_width=None),
            TextColumn("[progress.percentage]{task.percentage:>4.0f}%"),
            TextColumn("{task.fields[status]:>" + str(_STATUS_WIDTH) + "}", markup=True),
            console=console,
            refresh_per_second=REFRESHES,
            expand=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Board:
        self._console.print(f"[bold cyan]{self._title}")
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._console.print()

    def add(self, name: str, total: int) -> TaskID:
        """A row that waits; total: bytes, lines or events of one round."""
        row = self._progress.add_task(name, total=total, status="")
        self._names[row] = name
        return row

    def say(self, row: TaskID, status: str) -> None:
        """What happens to the row outside of the measured time."""
        self._progress.update(row, status=status)

    def start(self, row: TaskID, status: str = "starts") -> None:
        """A round begins: the bar is empty again."""
        self._progress.update(row, completed=0, status=status)
        self._started = 0.0

    def advance(self, row: TaskID, total: int, done: int) -> None:
        """done: of the round's `total`. The first call starts the clock: a process takes time to begin."""
        now = time.monotonic()
        if not self._started:
            self._started, self._first = now, done
            self._progress.update(row, completed=done)
            return
        rate = (done - self._first) / max(now - self._started, 1e-6)
        left = seconds_text((total - done) / rate) if rate else "?"
        self._progress.update(row, completed=done, status=f"{self._rate_text(rate)}, {left} left")

    def finish(self, row: TaskID, total: int, status: str) -> None:
        """The round, or the row, is complete: status says with what."""
        self._progress.update(row, completed=total, status=status)

    def conclude(self, row: TaskID, plain: str) -> None:
        """The last round is over; where there are no bars, its outcome is a line of text."""
        if not self._console.is_terminal:
            self._console.print(f"  {self._names[row]:<17} {plain}", highlight=False)
