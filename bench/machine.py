"""What the figures were measured on: processor, kernel, interpreter, versions. No host name, no path, no user."""

from __future__ import annotations

import datetime
import os
import platform
import ssl
from collections.abc import Iterable
from importlib import metadata
from typing import Any

_DISTRIBUTIONS = ("uvloop", "anyio", "isal", "brotli", "backports.zstd")


def _cpu_model() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Installed versions of these distributions; those that are not installed are not in it."""
    found = {}
    for name in (*libraries, *_DISTRIBUTIONS):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe(libraries: Iterable[str]) -> dict[str, Any]:
    """The description that goes into every result."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),  # of the minute before: other work on the machine
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": ssl.OPENSSL_VERSION,
        "versions": versions(libraries),
    }
