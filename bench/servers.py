"""Starts and stops the servers, each a process of its own. Ours end with the standard input we hold; nginx, where it is
installed, speaks HTTP/2."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import bodies, build

_NGINX = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    sendfile on;
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate "{certificate}";
        ssl_certificate_key "{certificate}";
        location = /body/random/200 {{ return 200 "ready"; }}
        location = /body/random/1048576 {{ alias "{bodies}/random"; }}
        location = /http2/random/1048576 {{
            if ($server_protocol != "HTTP/2.0") {{ return 505; }}
            alias "{bodies}/random";
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Origins:
    """Where the servers listen: our own in plain text and over TLS, and nginx, which speaks HTTP/2 over TLS.

    "" for one that cannot run here: https and nginx need trustme, and nginx must be installed.
    """

    http: str
    https: str = ""
    nginx: str = ""
    ca_file: str = ""

    def of(self, server: str) -> str:
        """The origin of a server by its name."""
        return {"http": self.http, "https": self.https, "nginx": self.nginx}[server]


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


def _nginx() -> str | None:
    """The program, also where Debian puts it for root alone."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


@contextmanager
def _nginx_running(directory: Path, certificate: Path) -> Iterator[str]:
    """nginx for the length of the block. Yields its origin, or "" where there is none."""
    program = _nginx()
    if program is None:
        print("nginx: left out, it is not installed (Debian: apt-get install nginx-light)")
        yield ""
        return
    port, configuration = _free_port(), directory / "nginx.conf"
    configuration.write_text(_NGINX.format(port=port, certificate=certificate, bodies=bodies.SERVED))
    command = [program, "-p", str(directory), "-c", str(configuration), "-e", "stderr"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 5.0
            while (
                not (ready := _is_listening(port)) and process.poll() is None and time.monotonic() < deadline
            ):
                time.sleep(0.02)
            if not ready:
                print("nginx: left out, it does not listen")
            yield f"https://127.0.0.1:{port}" if ready else ""
        finally:
            process.terminate()


@contextmanager
def running() -> Iterator[Origins]:
    """All servers that can run here, for the length of the block."""
    with (
        tempfile.TemporaryDirectory() as name,
        _started([str(build.server()), str(bodies.SERVED)]) as port,
    ):
        http, directory = f"http://127.0.0.1:{port}", Path(name)
        try:
            certificate, authority = _certificates(directory)
        except ImportError:
            print("https and nginx: left out, trustme is not installed")
            yield Origins(http)
            return
        command = [sys.executable, "-m", "bench.tls_server", str(bodies.SERVED), str(certificate)]
        with _started(command) as tls_port, _nginx_running(directory, certificate) as nginx:
            yield Origins(http, f"https://127.0.0.1:{tls_port}", nginx, str(authority))
