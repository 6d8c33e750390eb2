"""What the demo runs and how it measures: programs, rounds, medians, and the check of all that came.

Each job is a child process (see `job`); here nothing is timed and nothing is printed but by the board.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.progress import TaskID

from .children import ChildFailed, Server, run_job
from .display import Board

_PIECE = 1024 * 1024  # bytes read or written at a time here


@dataclass(frozen=True)
class Program:
    """One way to do a job: a module and one of its two worlds, or a bare socket."""

    module: str
    asynchronous: bool = False

    @property
    def name(self) -> str:
        if self.module == "socket":
            return "bare socket"
        return f"{self.module} {'async' if self.asynchronous else 'sync'}"

    @property
    def is_ours(self) -> bool:
        return self.module == "httpstream"


BARE = Program("socket")
OURS = (Program("httpstream"), Program("httpstream", asynchronous=True))
PEERS = (Program("httpx"), Program("httpx", asynchronous=True), Program("aiohttp", asynchronous=True))


def installed_programs() -> tuple[list[Program], list[str]]:
    """The programs that can run here, and the names of the peers that are not installed."""
    absent = {peer.module for peer in PEERS if importlib.util.find_spec(peer.module) is None}
    return [BARE, *OURS, *(peer for peer in PEERS if peer.module not in absent)], sorted(absent)


@dataclass
class Outcome:
    """What one program's rounds came to; medians, so that one disturbed round does not speak for it."""

    program: Program
    rounds: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""  # why there is no result, or what was wrong with the content

    @property
    def is_complete(self) -> bool:
        return bool(self.rounds) and not self.problem

    def median(self, name: str) -> float:
        """name: "seconds", "cpu", "p50" or "p99"; all in seconds."""
        return float(median(result[name] for result in self.rounds))

    def cpu(self) -> float:
        """Seconds, user and system."""
        return self.median("cpu")

    @property
    def peak(self) -> int | None:
        """Bytes: the highest of all rounds; None where the system does not tell."""
        peaks = [result["peak"] for result in self.rounds]
        return None if None in peaks else max(peaks)

    @property
    def version(self) -> str:
        return str(self.rounds[0]["version"]) if self.rounds else ""


def fill_with_zeros(path: str, size: int) -> None:
    """Write `size` zero bytes over what the file holds.

    Before each download: the file's space is there, so that no program pays for finding it, and nothing of
    the former download is left that could pass for this one's.
    """
    zeros = bytes(_PIECE)
    with open(path, "ab"):
        pass  # the file exists now, and keeps what it has
    with open(path, "r+b", buffering=0) as file:
        left = size
        while left:
            left -= file.write(zeros[: min(left, _PIECE)])


def sha256_of(path: str) -> str:
    """The hash of a whole file, as hexadecimal digits."""
    sha256 = hashlib.sha256()
    buffer = memoryview(bytearray(_PIECE))
    with open(path, "rb", buffering=0) as file:
        while length := file.readinto(buffer):
            sha256.update(buffer[:length])
    return sha256.hexdigest()


class Section:
    """One kind of job, done by every program: download, lines or events."""

    def __init__(
        self,
        server: Server,
        board: Board,
        work: str,
        total: int,
        *,
        outcome_text: Callable[[Outcome], str],
        path: str = "",
    ) -> None:
        """work: as `job` names it; total: units of one round; path: of the file, for the download."""
        self._server = server
        self._board = board
        self._work = work
        self._total = total
        self._path = path
        self._outcome_text = outcome_text

    def run(self, programs: Sequence[Program], rounds: int) -> list[Outcome]:
        """Round by round, the programs in turn, so that what disturbs the machine disturbs all of them."""
        outcomes = [Outcome(program) for program in programs]
        rows = [self._board.add(program.name, self._total) for program in programs]
        for number in range(1, rounds + 1):
            label = f"round {number} of {rounds}: " if rounds > 1 else ""
            for outcome, row in zip(outcomes, rows, strict=True):
                if not outcome.problem:
                    self._round(outcome, row, label)
        for outcome, row in zip(outcomes, rows, strict=True):
            if outcome.program.is_ours and outcome.is_complete and self._work == "lines":
                self._check_every_line(outcome, row)
            self._show(outcome, row)
        return outcomes

    def _round(self, outcome: Outcome, row: TaskID, label: str) -> None:
        board, total = self._board, self._total
        if self._path:
            board.start(row, f"{label}prepares the file")
            fill_with_zeros(self._path, total)
        board.start(row, f"{label}starts")
        try:
            result = self._job(outcome.program, self._work, row)
            board.finish(row, total, f"{label}checks")
            outcome.problem = self._verdict(result)
        except ChildFailed as exc:
            outcome.problem = str(exc)
            return
        outcome.rounds.append(result)
        board.finish(row, total, self._outcome_text(outcome))

    def _job(self, program: Program, work: str, row: TaskID) -> dict[str, Any]:
        settings = {
            "work": work,
            "program": program.module,
            "asynchronous": program.asynchronous,
            "url": self._server.url,
            "path": self._path,
        }
        return run_job(settings, lambda done: self._board.advance(row, self._total, done))

    def _verdict(self, result: dict[str, Any]) -> str:
        """What is wrong with what a round received; empty when all is right."""
        if self._work == "events":
            if result["count"] == self._total and result["in_order"]:
                return ""
            return f"received {result['count']:,} events of {self._total:,}, in order: {result['in_order']}"
        if self._work == "lines":
            return differences(result, self._announced("lines"), ("count", "characters"))
        self._server.ask_digest("file")
        received = {"size": result["size"], "sha256": sha256_of(self._path)}
        return differences(received, self._server.read_digest(), ("size", "sha256"))

    def _announced(self, name: str) -> dict[str, Any]:
        self._server.ask_digest(name)
        return self._server.read_digest()

    def _check_every_line(self, outcome: Outcome, row: TaskID) -> None:
        """Read all lines once more, parse each, and compare count, order, sum and hash with the server's."""
        self._board.start(row, "parses and checks every line")
        try:
            result = self._job(outcome.program, "check", row)
            outcome.problem = differences(result, self._announced("lines"), ("count", "sum", "sha256"))
            if not outcome.problem and not result["in_order"]:
                outcome.problem = "lines are out of order"
        except ChildFailed as exc:
            outcome.problem = str(exc)

    def _show(self, outcome: Outcome, row: TaskID) -> None:
        text = self._outcome_text(outcome) if outcome.is_complete else "[red]failed[/]"
        self._board.finish(row, self._total, text)
        self._board.conclude(row, text if outcome.is_complete else f"failed: {outcome.problem}")


def differences(received: dict[str, Any], announced: dict[str, Any], names: Sequence[str]) -> str:
    """Which of the named values differ, as a sentence; empty when none does."""
    wrong = [name for name in names if received[name] != announced[name]]
    return ", ".join(f"{name} is {received[name]}, the server's is {announced[name]}" for name in wrong)
