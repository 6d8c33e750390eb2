"""The command line: ``httpstream demo`` and ``httpstream fetch URL``.

Here stands the way in alone. click and rich belong to the extra ``cli`` and load when a command runs, never
when the library is imported; ``server`` and ``job`` are programs of their own and import the standard library
alone (``job`` also the one client that it measures).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]

_NEEDS = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrong arguments, 130 interrupted.

    arguments: without the program's name; None: those of the process.
    """
    try:
        from .commands import run
    except ModuleNotFoundError as exc:
        missing = (exc.name or "").partition(".")[0]
        if missing not in _NEEDS:
            raise
        print(
            f"httpstream: the command line needs {missing}: pip install 'httpstream[cli]'",
            file=sys.stderr,
        )
        return 1
    return run(sys.argv[1:] if arguments is None else list(arguments))
