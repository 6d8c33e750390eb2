"""The type aliases that programs import under httpx's names."""

from __future__ import annotations

import subprocess
import sys
import typing

import pytest

from httpstream import _types

# They come with the features that they describe: proxies, and streams under this module's name.
ABSENT = {"ProxyTypes", "SyncByteStream", "AsyncByteStream"}


def test_the_aliases_of_httpx_are_there() -> None:
    theirs = pytest.importorskip("httpx._types")
    generic = set(dir(typing)) | {"CookieJar"}
    names = {name for name in vars(theirs) if name[0] != "_" and name not in generic}
    assert names - ABSENT <= set(vars(_types))


def test_the_package_works_without_loading_them() -> None:
    code = (
        "import sys, httpstream._urls, httpstream._content, httpstream._models.headers, httpstream._config\n"
        "print([name for name in ('typing', 'httpstream._types', 'json', 'idna', 'inspect', 'dataclasses')"
        " if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
