"""Several coroutine functions of a scenario at the same time: as tasks, or each in a thread. No test here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anyio


async def together(world: Any, jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run the jobs at once. Returns what they return; raises the first thing that one of them raises."""
    results: list[Any] = [None] * len(jobs)
    errors: list[BaseException] = []

    async def work(number: int) -> None:
        try:
            results[number] = await jobs[number]()
        except Exception as exc:
            errors.append(exc)

    if world.is_async:
        async with anyio.create_task_group() as group:
            for number in range(len(jobs)):
                group.start_soon(work, number)
    else:
        threads = [threading.Thread(target=world.run, args=(work, number)) for number in range(len(jobs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return results
