"""Sockets whose system calls fail when a test says so: those of clients, not those of the servers. No test."""

from __future__ import annotations

import errno
import socket

import pytest

REAL = socket.socket


class Faults:
    """Which calls fail, and how. calls: those that were made, by name, since `count` was last set."""

    def __init__(self) -> None:
        self.most: int | None = None  # bytes that one call may move
        self.calls = 0
        self.fail_at: int | None = None
        self.error = 0
        self.every_other_blocks = False

    def strike(self, sock: socket.socket) -> None:
        """Count one call; raise when it is to fail. With a real failure the connection is gone, so it goes."""
        self.calls += 1
        if self.fail_at is not None and self.calls == self.fail_at:
            sock.shutdown(socket.SHUT_RDWR)
            raise OSError(self.error, errno.errorcode[self.error])
        if self.every_other_blocks and self.calls % 2:
            raise BlockingIOError(errno.EAGAIN, "would block")


def faults_of_clients(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Sockets of clients (those that connect) obey these faults; the server's do not."""
    plan = Faults()

    class FaultySocket(REAL):
        def _is_clients(self) -> bool:
            # The servers' block, and the pairs with which event loops wake themselves are no internet sockets.
            return self.gettimeout() == 0.0 and self.family == socket.AF_INET

        def recv_into(self, buffer, nbytes=0, flags=0):
            if self._is_clients():
                plan.strike(self)
                if plan.most is not None:
                    nbytes = min(plan.most, nbytes or len(buffer))
            return super().recv_into(buffer, nbytes, flags)

        def recv(self, bufsize, flags=0):
            if self._is_clients():
                plan.strike(self)
            return super().recv(bufsize, flags)

        def send(self, data, flags=0):
            if self._is_clients():
                plan.strike(self)
                if plan.most is not None:
                    data = memoryview(data)[: plan.most]
            return super().send(data, flags)

        def sendmsg(self, buffers, *args):
            if self._is_clients():
                plan.strike(self)
                if plan.most is not None:
                    buffers = [b"".join(buffers)[: plan.most]]
            return super().sendmsg(buffers, *args)

    monkeypatch.setattr(socket, "socket", FaultySocket)
    return plan
