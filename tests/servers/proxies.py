"""Real proxies as child processes on free ports of loopback: tinyproxy for http, microsocks for SOCKS5."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

USER, PASSWORD = "aladdin", "open sesame"

TINYPROXY = """\
Port {port}
Listen 127.0.0.1
Timeout 20
MaxClients 100
LogLevel Critical
DisableViaHeader Yes
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


@contextlib.contextmanager
def start_tinyproxy(folder: Path, *, auth: bool = False) -> Iterator[int]:
    """Run tinyproxy for the length of the block; gives its port. auth: it wants USER and PASSWORD."""
    port = free_port()
    path = folder / f"tinyproxy-{port}.conf"
    # Its configuration file has no way to write a blank inside a password.
    path.write_text(
        TINYPROXY.format(port=port) + (f"BasicAuth {USER} {PASSWORD.replace(' ', '-')}\n" if auth else "")
    )
    with _running(["tinyproxy", "-d", "-c", str(path)], port):
        yield port


@contextlib.contextmanager
def start_microsocks(*, auth: bool = False) -> Iterator[int]:
    """Run microsocks for the length of the block; gives its port. auth: it wants USER and PASSWORD."""
    port = free_port()
    options = ["-u", USER, "-P", PASSWORD] if auth else []
    with _running(["microsocks", "-i", "127.0.0.1", "-p", str(port), *options], port):
        yield port


def missing() -> str:
    """The names of those that are not installed."""
    return " ".join(name for name in ("tinyproxy", "microsocks") if shutil.which(name) is None)


@contextlib.contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 10.0
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not listen (exit {process.returncode})")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10.0)
