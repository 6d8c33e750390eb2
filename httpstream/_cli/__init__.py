"""The command line: ``httpstream URL``, ``httpstream fetch URL`` and ``httpstream demo``.

Here stands the way in alone. click and rich belong to the extra ``cli`` and load when a command runs, never
when the library is imported; ``server`` and ``job`` are programs of their own and import the standard library
alone (``job`` also the one client that it measures).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_NEEDS = ("click", "rich", "pygments")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted.

    arguments: without the program's name; None: those of the process.
    """
    try:
        from .commands import run
    except ModuleNotFoundError as exc:
        return explain(missing_extra(exc))
    return run(sys.argv[1:] if arguments is None else list(arguments))


def missing_extra(exc: ModuleNotFoundError) -> str:
    """Which package of the extra an import lacks; raises the exception when it is none of them."""
    missing = (exc.name or "").partition(".")[0]
    if missing not in _NEEDS:
        raise exc
    return missing


def explain(missing: str) -> int:
    """Say how to install the extra. Returns the exit code."""
    print(f"httpstream: the command line needs {missing}: pip install 'httpstream[cli]'", file=sys.stderr)
    return 1
