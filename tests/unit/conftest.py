"""Fixtures of the unit tests."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(params=["isal", "zlib"])
def inflate(request, monkeypatch):
    """Both libraries for gzip and deflate, one after the other."""
    if request.param == "isal":
        pytest.importorskip("isal", reason="isal is not installed")
    else:
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    return request.param
