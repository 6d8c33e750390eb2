"""Runs pytest with what Windows does not have taken away, before anything of ours is imported.

`python -m tests.without_posix ARGUMENTS...`: no poll, Unix sockets, socketpair, sendfile, pwrite, register_at_fork.
A stand-in: it shows that the code asks before it uses them, not that it runs on Windows.
"""

from __future__ import annotations

import _socket
import os
import random  # noqa: F401  # where there is fork, it wants register_at_fork: so it comes before
import select
import sys


def take_away() -> None:
    # Before `socket` is imported: without the system's own pair it makes one over loopback, as on Windows.
    assert "socket" not in sys.modules
    for module, names in (
        (_socket, ("AF_UNIX", "socketpair")),
        (select, ("poll",)),
        (os, ("sendfile", "pwrite", "pwritev", "preadv", "register_at_fork")),
    ):
        for name in names:
            delattr(module, name)


def main() -> int:
    take_away()
    import pytest

    return int(pytest.main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
