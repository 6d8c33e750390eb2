"""Transports: one request in, one response out. `base` is the interface, `http` uses the network."""

from __future__ import annotations

from .base import AsyncBaseTransport, BaseTransport

__all__ = ["AsyncBaseTransport", "BaseTransport"]
