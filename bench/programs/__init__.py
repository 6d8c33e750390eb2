"""The measured programs: one module per client library, each the way its documentation says to do the job fast.

A module has `SYNC` and `ASYNC`: kind of job -> function that does it. What a library cannot do is not there. The
functions open the client and its connection first, and put only the job itself under `job.timing()`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bench.job import Job

SyncPrograms = dict[str, Callable[[Job], None]]
AsyncPrograms = dict[str, Callable[[Job], Coroutine[Any, Any, None]]]

OURS = "httpstream"
LIMITS = ("raw", "ext", "decoder", "isal")
# Never niquests: installing it overwrites urllib3 in the same environment.
PEERS = ("httpx", "httpx2", "aiohttp", "urllib3", "requests", "pycurl", "pyreqwest", "http.client")
LOOPS = ("asyncio", "uvloop")
LIBRARIES = (OURS, *LIMITS, *PEERS)
# What makes a library's first client, after its import: some import most of themselves only then.
FIRST_USE = {
    OURS: "httpstream.Client()",
    "httpx": "httpx.Client()",
    "httpx2": "httpx2.Client()",
    "urllib3": "urllib3.PoolManager()",
    "requests": "requests.Session()",
    "pycurl": "pycurl.Curl()",
    "pyreqwest": "from pyreqwest.client import SyncClientBuilder; SyncClientBuilder().build()",
}


@dataclass(frozen=True)
class Programs:
    """What one library can do."""

    sync: SyncPrograms
    asynchronous: AsyncPrograms


def split(program: str) -> tuple[str, str]:
    """A program's library and its loop: "aiohttp.uvloop" is aiohttp's on uvloop; no loop: sync."""
    library, _, loop = program.rpartition(".")
    return (library, loop) if loop in LOOPS else (program, "")


def load(library: str) -> Programs:
    """The programs of a library. Raises ImportError when it is not installed."""
    if library in (OURS, "httpx", "httpx2"):
        from bench.programs import httpx_like

        client_library = importlib.import_module(library)
        return Programs(httpx_like.sync_programs(client_library), httpx_like.async_programs(client_library))
    if library in LIMITS:
        from bench.programs import limits

        return Programs(limits.SYNC[library], limits.ASYNC.get(library, {}))
    module = importlib.import_module("bench.programs." + library.replace(".", "_") + "_")
    return Programs(module.SYNC, getattr(module, "ASYNC", {}))
