"""What a file object that is given as content says of itself: where it stands, and how much it holds.

Any object with ``read`` is a file here. Nothing is opened and nothing is read; a position that is moved to measure is
moved back.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FILE_PIECE_BYTES", "is_async_file", "position_of", "size_of"]

FILE_PIECE_BYTES = 64 * 1024  # what one read of a file asks for


CO_COROUTINE = 0x80  # of a code object; the module inspect, which has the name, takes long to load


def is_async_file(file: Any) -> bool:
    """Whether ``read`` is a coroutine function: a file of anyio, trio or aiofiles, an upload of a web framework."""
    code = getattr(getattr(file, "read", None), "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)


def position_of(file: Any) -> int | None:
    """Where a file stands; None: it cannot say, so it cannot go back there."""
    try:
        position: int = file.tell()
        seekable = getattr(file, "seekable", None)
        can_seek = hasattr(file, "seek") if seekable is None else seekable()
        return position if can_seek else None
    except (AttributeError, OSError):
        return None


def size_of(file: Any, start: int | None = None) -> int | None:
    """How many bytes reading from ``start`` to the end would give; None: unknown, or no file at all.

    start: None: from where the file stands.
    """
    try:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None  # a pipe or a device: what it says of its size is no promise
    except (AttributeError, OSError):
        pass  # no file of the operating system; it may still know its size, like BytesIO
    try:
        # By seeking, not from fstat: a file may have unflushed writes, or be a gzip file over a smaller one.
        position: int = file.tell()
        file.seek(0, os.SEEK_END)
        end: int = file.tell()
        file.seek(position)
    except (AttributeError, OSError):
        return None
    return max(end - (position if start is None else start), 0)
