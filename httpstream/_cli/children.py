"""The demo's child processes: its server and its jobs. Each is ended by its own process id, whatever happens.

They run in a session of their own: Ctrl-C reaches the demo alone, which ends them in order.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Any

_HERE = Path(__file__).resolve().parent
_GRACE = 2.0  # seconds that a child gets to end by itself


class ChildFailed(Exception):
    """A child process could not do its work. The message is one line."""


def _start(program: str, settings: dict[str, Any]) -> subprocess.Popen[str]:
    windows_group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    return subprocess.Popen(
        [sys.executable, str(_HERE / program), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
        creationflags=windows_group,
    )


def _end(child: subprocess.Popen[str]) -> None:
    """Close its standard input, which a child that listens takes as the end; then kill what is left."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class Server:
    """The embedded server as a context manager."""

    def __init__(self, *, size: int, lines: int, events: int, interval: float, directory: str) -> None:
        """size: bytes of the file; interval: seconds between events; directory: where lines are stored."""
        self._settings = {
            "size": size, "lines": lines, "events": events, "interval": interval, "directory": directory,
        }  # fmt: skip

    def __enter__(self) -> Server:
        self._child = _start("server.py", self._settings)
        try:
            self.url = f"http://127.0.0.1:{self._answer()['port']}"
        except BaseException:
            _end(self._child)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _end(self._child)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ask_digest(self, name: str) -> None:
        """Ask what "file" or "lines" must come to; the server works on it while the caller does the same."""
        stdin: IO[str] = self._child.stdin  # type: ignore[assignment]  # a pipe: see _start
        try:
            stdin.write(f"digest {name}\n")
            stdin.flush()
        except OSError as exc:
            raise ChildFailed("the embedded server has ended") from exc

    def read_digest(self) -> dict[str, Any]:
        """The answer to `ask_digest`."""
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        stdout: IO[str] = self._child.stdout  # type: ignore[assignment]  # a pipe: see _start
        line = stdout.readline()
        if not line:
            raise ChildFailed("the embedded server has ended; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def run_job(settings: dict[str, Any], on_progress: Callable[[int], None]) -> dict[str, Any]:
    """Run one job to its end; returns its result (see `job`). Raises ChildFailed when it has none.

    on_progress: is called with bytes, lines or events done so far.
    """
    child = _start("job.py", settings)
    try:
        stdout: IO[str] = child.stdout  # type: ignore[assignment]  # a pipe: see _start
        for line in stdout:
            message = json.loads(line)
            if "done" in message:
                on_progress(message["done"])
            elif "error" in message:
                raise ChildFailed(" ".join(message["error"].split()))
            else:
                result: dict[str, Any] = message["result"]
                child.wait(_GRACE)  # its interpreter closes down; the result is complete
                return result
        raise ChildFailed(f"the process ended without a result (exit code {child.wait()})")
    finally:
        if child.poll() is None:
            child.kill()
        _end(child)
