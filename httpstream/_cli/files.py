"""Files that appear under their final name complete or not at all, and the names that come from a URL.

No network and no terminal here.
"""

from __future__ import annotations

import os
import re
import shutil
from types import TracebackType
from typing import BinaryIO

MAX_NAME_BYTES = 200  # file systems allow 255; ".part" must fit behind it
FALLBACK_NAME = "download"

# What a file name may not hold somewhere: control characters, separators, and what Windows keeps for itself.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f/\\<>:"|?*\u202a-\u202e\u2066-\u2069]')
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


class FileProblem(Exception):
    """Something about the file that the user can put right. The message is one clear sentence."""


def name_from_path(path: str) -> str:
    """A file name from a URL's path (percent-decoded), safe to create in the current directory of any system.

    The last segment, without what could leave the directory, hide the file, or name a device. Anything that a
    server's path says is a proposal of a stranger.
    """
    segment = path.rstrip("/").rpartition("/")[2]
    name = _FORBIDDEN.sub("_", segment).strip(" .")
    if _DEVICES.match(name):
        name = "_" + name
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        stem, suffix = os.path.splitext(name)
        suffix = suffix if len(suffix) <= 16 else ""
        room = MAX_NAME_BYTES - len(suffix.encode("utf-8", "replace"))
        name = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + suffix
    return name or FALLBACK_NAME


def ensure_free(directory: str, needed: int) -> None:
    """Raise FileProblem when `directory` cannot be used or has not `needed` bytes free."""
    from .units import size_text

    if not os.path.isdir(directory):
        raise FileProblem(f"{directory} is not a directory")
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise FileProblem(f"{size_text(needed)} are needed in {directory}, where {size_text(free)} are free")


class PartFile:
    """A file to write that gets its final name when the block ends well, and is removed when it does not.

    Until then it is called ``NAME.part``; a file of that name is never touched (FileProblem): somebody else
    may be writing it. A device or a pipe (``/dev/null``) is written as it is: it has no half-written state to
    hide.
    """

    def __init__(self, path: str) -> None:
        """path: the final name; a symbolic link is followed, so that the link stays one."""
        self.path = os.path.realpath(path)
        self._is_special = os.path.exists(self.path) and not os.path.isfile(self.path)
        self._part = self.path if self._is_special else self.path + ".part"

    def __enter__(self) -> BinaryIO:
        if os.path.isdir(self.path):
            raise FileProblem(f"{self.path} is a directory")
        try:
            self._file: BinaryIO = open(self._part, "wb" if self._is_special else "xb", buffering=0)
        except FileExistsError:
            raise FileProblem(
                f"{self._part} exists: another download is writing it, or one was killed; "
                "remove it and try again"
            ) from None
        except OSError as exc:
            raise FileProblem(f"cannot write {self._part}: {exc.strerror}") from exc
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if self._is_special:
            return
        if kind is None:
            os.replace(self._part, self.path)
        else:
            os.unlink(self._part)
