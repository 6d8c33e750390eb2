"""Files whose task is cancelled while a worker thread opens or reads them: asyncio does not wait for the thread.

The file is a pipe with a name: opening and reading it takes until the test writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from httpstream import FileStream

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def open_ends(path: Path) -> int:
    """How many descriptors of this process belong to the pipe."""
    status, count = os.stat(path), 0
    for fd in range(256):
        with contextlib.suppress(OSError):
            count += os.path.samestat(os.fstat(fd), status)
    return count


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def enter(stream: FileStream) -> None:
    async with stream:
        await stream.aread(10)


async def iterate(stream: FileStream) -> None:
    pieces: Any = stream.__aiter__()
    try:
        await pieces.__anext__()
    finally:
        await pieces.aclose()


@pytest.mark.parametrize("use", [enter, iterate])
def test_a_file_that_opens_after_its_task_was_cancelled_is_closed(
    pipe: Path, use: Callable[[FileStream], Coroutine[Any, Any, None]]
) -> None:
    """Else it would be left to the collector, with a ResourceWarning, which is an error here."""

    async def scenario() -> None:
        before = threading.active_count()
        task = asyncio.create_task(use(FileStream(pipe)))
        await until(lambda: threading.active_count() > before)
        await asyncio.sleep(0.01)  # the thread stands in open()
        await cancel(task)
        end = os.open(pipe, os.O_WRONLY)  # waits for a reader: the thread, which goes on now
        with contextlib.suppress(BrokenPipeError):  # it may be closed already
            os.write(end, b"content")
        os.close(end)
        await until(lambda: open_ends(pipe) == 0)

    asyncio.run(scenario())


@pytest.mark.parametrize("use", [enter, iterate])
def test_a_file_that_is_closed_while_a_thread_reads_it_keeps_its_descriptor_until_then(
    pipe: Path, use: Callable[[FileStream], Coroutine[Any, Any, None]]
) -> None:
    """Else the thread would read from what gets the same number next: another connection, say."""

    async def scenario() -> None:
        task = asyncio.create_task(use(FileStream(pipe)))
        end = await asyncio.to_thread(os.open, pipe, os.O_WRONLY)
        await asyncio.sleep(0.05)  # the thread stands in read()
        await cancel(task)
        assert open_ends(pipe) == 2
        os.write(end, b"content")
        await until(lambda: open_ends(pipe) == 1)
        os.close(end)

    asyncio.run(scenario())
