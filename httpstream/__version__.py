"""The project's name, description and version: the one place that states them."""

from __future__ import annotations

__title__ = "httpstream"
__description__ = "A fast streaming HTTP client for Python, with the API of httpx."
__version__ = "0.1.0"
