"""Compiles native/*.c into build/bench/ when a source has changed. Needs a C compiler and nothing else."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
_NATIVE = Path(__file__).resolve().parent / "native"


class NoCompiler(Exception):
    """There is no C compiler on this machine."""


def _compiler() -> str:
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            return path
    raise NoCompiler("the benchmark needs a C compiler: install gcc or clang (Debian: apt-get install gcc)")


def _compile(source: str, product: Path, *options: str) -> Path:
    stamp = product.with_name(product.name + ".stamp")
    headers = b"".join(header.read_bytes() for header in sorted(_NATIVE.glob("*.h")))
    text = (_NATIVE / source).read_bytes() + headers + " ".join(options).encode()
    digest = hashlib.sha256(text).hexdigest()
    if product.exists() and stamp.exists() and stamp.read_text() == digest:
        return product
    product.parent.mkdir(parents=True, exist_ok=True)
    command = [_compiler(), "-O2", "-o", str(product), str(_NATIVE / source), *options]
    subprocess.run(command, check=True)
    stamp.write_text(digest)
    return product


def server() -> Path:
    """The server's program."""
    return _compile("server.c", BUILD / "server", "-pthread")


def limit() -> Path:
    """The program of the row `climit`."""
    return _compile("limit.c", BUILD / "limit")


def ext_directory() -> Path:
    """Where the module of the row `ext` lies, for this interpreter."""
    return BUILD / (sys.implementation.cache_tag or "python")


def ext() -> Path:
    """The module of the row `ext`."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    include = "-I" + sysconfig.get_path("include")
    return _compile("ext.c", ext_directory() / f"bench_ext{suffix}", "-shared", "-fPIC", include)
