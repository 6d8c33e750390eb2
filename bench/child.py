"""The process in which one program does one job once: ``python -m bench.child JOB`` prints one JSON object.

A program is ``LIBRARY`` (sync), ``LIBRARY.asyncio`` or ``LIBRARY.uvloop``.
"""

from __future__ import annotations

import json
import os
import sys

from bench.job import Job
from bench.programs import load, split


def run(job: Job) -> None:
    """Do the job with its program; the job then holds the result."""
    library, loop_name = split(job.program)
    programs = load(library)
    if not loop_name:
        programs.sync[job.kind](job)
        return
    import asyncio

    loop: asyncio.AbstractEventLoop
    if loop_name == "uvloop":
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(programs.asynchronous[job.kind](job))
    finally:
        loop.close()


def main() -> None:
    """Read the job from the command line, print its result."""
    job = Job(**json.loads(sys.argv[1]))
    run(job)
    print(json.dumps(job.result()), flush=True)
    # Measured is the job, not the interpreter's end, at which the threads of a compiled client may still run.
    os._exit(0)


if __name__ == "__main__":
    main()
