"""``httpstream demo``: the order of the show. `measure` measures, `display` and `report` draw."""

from __future__ import annotations

import os
import platform
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from rich.console import Console

from httpstream.__version__ import __version__

from .children import Server
from .display import Board
from .files import ensure_free
from .measure import Outcome, Program, Section, installed_programs
from .report import comparison, print_problems, table
from .units import byte_rate_text, count_rate_text, seconds_text, size_text

LINE_BYTES = 140  # the server's JSON lines are 110 to 125 bytes long
SPARE = 64 * 1024 * 1024  # bytes left free beside what the demo writes
INTERVAL = 0.001  # seconds between two events


@dataclass(frozen=True)
class Settings:
    """size: bytes of the download; lines, events: how many; rounds: of the download and of the lines."""

    size: int
    lines: int
    events: int
    rounds: int
    directory: str


@dataclass(frozen=True)
class Show:
    """The outcomes of the three sections."""

    download: list[Outcome]
    lines: list[Outcome]
    events: list[Outcome]


def run_demo(settings: Settings, console: Console) -> int:
    """Run it all; returns the exit code. Leaves no file and no process behind.

    Raises FileProblem, ChildFailed.
    """
    started = time.monotonic()
    ensure_free(settings.directory, settings.size + settings.lines * LINE_BYTES + SPARE)
    programs, absent = installed_programs()
    _print_head(console, absent)
    with (
        _ended_in_order(),
        tempfile.TemporaryDirectory(prefix="httpstream-demo-", dir=settings.directory) as place,
        Server(
            size=settings.size,
            lines=settings.lines,
            events=settings.events,
            interval=INTERVAL,
            directory=place,
        ) as server,
    ):
        show = _run_sections(settings, console, server, programs, os.path.join(place, "download"))
    _print_tables(console, settings, show)
    return _print_close(console, settings, show, time.monotonic() - started)


def _run_sections(
    settings: Settings, console: Console, server: Server, programs: Sequence[Program], path: str
) -> Show:
    size, lines, events = settings.size, settings.lines, settings.events

    def download_text(outcome: Outcome) -> str:
        return byte_rate_text(size / outcome.median("seconds"))

    def lines_text(outcome: Outcome) -> str:
        return count_rate_text(lines / outcome.median("seconds"), "lines")

    def events_text(outcome: Outcome) -> str:
        return f"half within {outcome.median('p50') * 1e6:.0f} microseconds"

    with Board(console, f"1. Download {size_text(size)} to disk", byte_rate_text) as board:
        section = Section(server, board, "download", size, outcome_text=download_text, path=path)
        downloads = section.run(programs, settings.rounds)
    title = f"2. Read {lines:,} JSON lines"
    with Board(console, title, lambda rate: count_rate_text(rate, "lines")) as board:
        section = Section(server, board, "lines", lines, outcome_text=lines_text)
        read = section.run(programs, settings.rounds)
    title = f"3. Follow {events:,} live events, one each millisecond"
    with Board(console, title, lambda rate: count_rate_text(rate, "events")) as board:
        section = Section(server, board, "events", events, outcome_text=events_text)
        followed = section.run(programs, 1)
    return Show(downloads, read, followed)


def _print_head(console: Console, absent: Sequence[str]) -> None:
    cores = os.cpu_count() or 1
    python = f"{platform.python_implementation()} {platform.python_version()}"
    console.print(
        f"[bold]httpstream {__version__}[/] on {python}, {platform.system()} {platform.machine()}, "
        f"{cores} {'core' if cores == 1 else 'cores'}",
        highlight=False,
    )
    console.print(
        "A server of the demo's own sends on 127.0.0.1, from a process of its own; nothing leaves this "
        "machine. Each job is a process too, so that CPU time and peak memory are its own. The bare socket "
        "knows no HTTP and checks nothing: it shows what a loop of Python can reach here at all.",
        style="dim",
        highlight=False,
    )
    for name in absent:
        console.print(f"{name} is not installed: skipped", style="yellow", highlight=False)
    console.print()


def _print_tables(console: Console, settings: Settings, show: Show) -> None:
    line_bytes = _line_bytes(show.lines)

    def seconds(outcome: Outcome) -> float:
        return outcome.median("seconds")

    def download_speed(outcome: Outcome) -> float:
        return settings.size / seconds(outcome)

    def line_speed(outcome: Outcome) -> float:
        return settings.lines / seconds(outcome)

    def delay(outcome: Outcome) -> float:
        return outcome.median("p50")

    console.rule("[bold]What was measured just now", style="cyan")
    tables = (
        table(
            f"Download of {size_text(settings.size)} to disk",
            show.download,
            ("MB/s", "seconds"),
            lambda o: (f"{download_speed(o) / 1e6:,.0f}", f"{seconds(o):.2f}"),
            download_speed,
        ),
        table(
            f"{settings.lines:,} JSON lines, each as str",
            show.lines,
            ("MB/s", "lines/s"),
            lambda o: (f"{line_bytes / seconds(o) / 1e6:,.0f}", f"{line_speed(o) / 1e6:.2f} M"),
            line_speed,
        ),
        table(
            f"{settings.events:,} live events: microseconds from the server's send to the program's hands",
            show.events,
            ("median", "99 %"),
            lambda o: (f"{delay(o) * 1e6:.0f}", f"{o.median('p99') * 1e6:.0f}"),
            delay,
        ),
    )
    for shown in tables:
        console.print(shown)
        console.print()
    rounds = f"Medians of {settings.rounds} rounds, programs in turn" if settings.rounds > 1 else "One round"
    console.print(
        f"{rounds} (events: one). x socket: against the bare socket; more is better for speed, less for CPU "
        "and delay. Peak memory: the whole process, with Python itself.",
        style="dim",
        highlight=False,
    )
    against = comparison(
        (
            ("download", "speed", show.download, download_speed),
            ("lines", "speed", show.lines, line_speed),
            ("events", "delay", show.events, delay),
        )
    )
    if against is not None:
        console.print()
        console.print(against)


def _line_bytes(outcomes: Sequence[Outcome]) -> int:
    """Bytes of all lines with their ends, as the first complete outcome counted them."""
    for outcome in outcomes:
        if outcome.is_complete:
            return int(outcome.rounds[0]["characters"]) + int(outcome.rounds[0]["count"])
    return 0


def _print_close(console: Console, settings: Settings, show: Show, seconds: float) -> int:
    sections = (("download", show.download), ("lines", show.lines), ("events", show.events))
    all_right = print_problems(console, sections)
    console.print()
    if not all_right:
        console.print(
            "[bold red]Not verified:[/] see above. All temporary files are removed.", highlight=False
        )
        return 1
    downloads = sum(len(outcome.rounds) for outcome in show.download if outcome.program.is_ours)
    console.print(
        f"[bold green]Verified[/] for httpstream, sync and async: {downloads} downloads of "
        f"{size_text(settings.size)}, each read back from disk, have the server's SHA-256; "
        f"{settings.lines:,} lines parsed, with the server's count, order, sum and SHA-256; "
        f"{settings.events:,} events, each id in order. "
        f"All temporary files are removed. {seconds_text(seconds)} in all.",
        highlight=False,
    )
    return 0


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """While this runs, a request to end (SIGTERM, SIGHUP) unwinds the program instead of cutting it off."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    former = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in former.items():
            signal.signal(getattr(signal, name), handler)
