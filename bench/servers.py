"""Starts and stops the two servers; each is a process of its own and ends with the standard input we hold."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import bodies, build


@dataclass(frozen=True)
class Origins:
    """Where the servers listen. https is empty when trustme is not installed."""

    http: str
    https: str
    ca_file: str


@contextmanager
def _started(command: list[str]) -> Iterator[int]:
    """A server that prints its port first. Yields the port."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=build.ROOT, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def _certificates(directory: Path) -> tuple[Path, Path]:
    """Files with the server's certificate and key, and with the authority's certificate. Raises ImportError."""
    import trustme

    certificate, authority = directory / "server.pem", directory / "ca.pem"
    issuer = trustme.CA()
    issued = issuer.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
    issuer.cert_pem.write_to_path(str(authority))
    return certificate, authority


@contextmanager
def running() -> Iterator[Origins]:
    """Both servers, for the length of the block."""
    with (
        tempfile.TemporaryDirectory() as directory,
        _started([str(build.server()), str(bodies.SERVED)]) as port,
    ):
        http = f"http://127.0.0.1:{port}"
        try:
            certificate, authority = _certificates(Path(directory))
        except ImportError:
            print("https: left out, trustme is not installed")
            yield Origins(http, "", "")
            return
        command = [sys.executable, "-m", "bench.tls_server", str(bodies.SERVED), str(certificate)]
        with _started(command) as tls_port:
            yield Origins(http, f"https://127.0.0.1:{tls_port}", str(authority))
