"""Connections without a socket, for tests of the pool. No test lives here."""

from __future__ import annotations

A, B, C = ("http", "a", 80), ("http", "b", 80), ("https", "a", 443)


class Line:
    """As much of a connection as a pool knows."""

    def __init__(self, key):
        self.key = key
        self.is_reusable = True
        self.alive = True
        self.log = []

    def __repr__(self):
        return f"<Line {self.key[1]} {self.log}>"

    def is_alive(self):
        return self.alive and not self.log

    def close(self):
        self.log.append("close")

    def shutdown(self):
        self.log.append("shutdown")

    def abandon(self):
        self.log.append("abandon")
