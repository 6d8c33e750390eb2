"""`HTTPTransport` and `AsyncHTTPTransport` at the place where httpx has them: programs patch them there.

Only names; what they do is in `http`.
"""

from __future__ import annotations

from httpstream._config import create_ssl_context

from .http import AsyncHTTPTransport, HTTPTransport

__all__ = ["AsyncHTTPTransport", "HTTPTransport", "create_ssl_context"]
