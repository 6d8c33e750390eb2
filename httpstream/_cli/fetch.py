"""``httpstream fetch URL``: one address to one file, with a bar; the file is whole or not there."""

from __future__ import annotations

import os
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

import httpstream

from .files import FileProblem, PartFile, name_from_path
from .units import byte_rate_text, seconds_text, size_text

UPDATE_INTERVAL = 0.1  # seconds between two updates of the bar: more would eat what the download needs
MAX_SHOWN_NAME = 24  # characters of the file's name beside the bar
CONNECT_TIMEOUT = 10.0  # seconds
TIMEOUT = 60.0  # seconds without a byte


class FetchFailed(Exception):
    """The address could not be fetched. The message is one line."""


def fetch(url: str, output: str | None, console: Console) -> int:
    """Stream `url` to `output`; returns the exit code. Raises FetchFailed, FileProblem.

    output: the file's final name (an existing file is replaced when all has come); None: named after the
    URL's path, in the current directory, where nothing that exists is replaced.
    """
    try:
        address = httpstream.URL(url)
        path = output if output is not None else _free_name(address.path)
        # identity: the file as it is, and with a length that a bar can be drawn from.
        headers = {"Accept-Encoding": "identity"}
        timeout = httpstream.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT)
        with httpstream.Client(timeout=timeout, headers=headers) as client:
            with client.stream("GET", address) as response:
                _require_success(response, address)
                return _save(response, path, console)
    except (httpstream.HTTPError, httpstream.InvalidURL) as exc:
        said = " ".join(str(exc).split())
        raise FetchFailed(f"{type(exc).__name__}: {said}" if said else type(exc).__name__) from exc


def _free_name(path: str) -> str:
    name = name_from_path(path)
    if os.path.lexists(name):
        raise FileProblem(f"{name} exists and is left as it is; name another file with -o")
    return name


def _require_success(response: httpstream.Response, address: httpstream.URL) -> None:
    if response.is_success:
        return
    said = f"{address.host} answered {response.status_code} {response.reason_phrase}".rstrip()
    location = response.headers.get("location")
    if response.is_redirect and location:
        raise FetchFailed(f"{said}: the file is at {address.join(location)}")
    raise FetchFailed(said)


def _save(response: httpstream.Response, path: str, console: Console) -> int:
    length = response.headers.get("content-length", "")
    total = int(length) if length.isdecimal() and "content-encoding" not in response.headers else None
    started = time.monotonic()
    file = PartFile(path)
    try:
        with file as out, _bar(console, total) as bar:
            row = bar.add_task(_short(os.path.basename(path)), total=total)
            done, next_update = 0, started + UPDATE_INTERVAL
            for chunk in response.iter_bytes(chunk_size=None):
                out.write(chunk)
                done += len(chunk)
                now = time.monotonic()
                if now >= next_update:
                    bar.update(row, completed=done)
                    next_update = now + UPDATE_INTERVAL
            bar.update(row, completed=done, total=done)
    except OSError as exc:
        raise FileProblem(f"cannot write {path}: {exc.strerror or exc}") from exc
    seconds = time.monotonic() - started
    rate = f", {byte_rate_text(done / seconds)}" if seconds >= 0.1 else ""  # of less it would say nothing
    line = f"{path}: {size_text(done)} in {seconds_text(seconds)}{rate}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0


def _short(name: str) -> str:
    """A name that leaves the bar its place."""
    return name if len(name) <= MAX_SHOWN_NAME else name[: MAX_SHOWN_NAME - 3] + "..."


def _bar(console: Console, total: int | None) -> Progress:
    """With the time left when the size is known, else with the time since the start."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        *([TextColumn("{task.percentage:>3.0f}%")] if total is not None else []),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        *(
            [TimeElapsedColumn(), TextColumn("so far")]
            if total is None
            else [TimeRemainingColumn(), TextColumn("left")]
        ),
        console=console,
        refresh_per_second=1 / UPDATE_INTERVAL,
        disable=not console.is_terminal,
        transient=True,
    )
