"""The environment itself: httpx is installed, and httpstream is what everybody imports."""

from __future__ import annotations

import importlib.metadata
import sys

import httpx
import httpx2

import httpstream


def test_the_real_ones_are_installed_and_unused() -> None:
    assert importlib.metadata.version("httpx") and importlib.metadata.version("httpx2")
    assert httpx is httpx2 is httpstream
    assert "sitecustomize" in sys.modules
