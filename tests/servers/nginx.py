"""A real nginx with its own configuration, files and free ports, as a child process. Nothing of the machine's
own.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.servers.tls import Authority

BIG_BYTES = 8 * 1024 * 1024
LINE_COUNT = 20_000
KEEPALIVE_REQUESTS = 3
MIB = 1024 * 1024

CONFIGURATION = """\
daemon off;
master_process on;
worker_processes 1;
{user}
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    types {{ text/plain txt; application/json jsonl; application/octet-stream bin; }}
    sendfile on;
    autoindex off;
    root files;
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{plain};
        location /packed/ {{ alias files/; gzip on; gzip_min_length 1; gzip_types application/json; }}
        location /slow/ {{ alias files/; limit_rate 200k; }}
        location /post {{ client_max_body_size 64k; return 200 "taken\\n"; }}
        location /gone {{ return 204; }}
        location /error {{ return 503 "not now\\n"; }}
    }}
    server {{
        listen 127.0.0.1:{limited};
        keepalive_requests {requests};
        keepalive_timeout 1s;
    }}
    server {{
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
    }}
    server {{
        listen 127.0.0.1:{http2} ssl http2;
        listen 127.0.0.1:{http2_plain} http2;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        location /packed/ {{ alias files/; gzip on; gzip_min_length 1; gzip_types application/json; }}
        location /connection {{ return 200 $connection; }}
        location /protocol {{ return 200 $server_protocol; }}
        location /post {{ client_max_body_size 64k; return 200 "taken\n"; }}
        location /put/ {{ client_max_body_size 0; dav_methods PUT; root .; }}
        location /gone {{ return 204; }}
    }}
    server {{
        listen 127.0.0.1:{http2_limited} ssl http2;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        keepalive_requests {requests};
        http2_max_concurrent_streams 2;
        location /connection {{ return 200 $connection; }}
    }}
}}
"""


class NginxServer:
    """Addresses and files. `limited_url`: connections end after KEEPALIVE_REQUESTS requests or a second of
    rest. `http2_url` speaks HTTP/2 over TLS, `http2_plain_url` in clear text; `http2_limited_url` ends connections
    after KEEPALIVE_REQUESTS requests, and allows two streams at a time. `/connection` gives a connection's number.
    """

    def __init__(
        self,
        files: Path,
        plain: int,
        limited: int,
        tls: int,
        http2: int,
        http2_plain: int,
        http2_limited: int,
    ) -> None:
        self.files = files
        self.url = f"http://127.0.0.1:{plain}"
        self.limited_url = f"http://127.0.0.1:{limited}"
        self.tls_url = f"https://127.0.0.1:{tls}"
        self.http2_url = f"https://127.0.0.1:{http2}"
        self.http2_plain_url = f"http://127.0.0.1:{http2_plain}"
        self.http2_limited_url = f"https://127.0.0.1:{http2_limited}"
        self.ports = (plain, limited, tls, http2, http2_plain, http2_limited)


def find_nginx() -> str | None:
    """The binary, also where Debian puts it for root alone."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _write_files(files: Path) -> None:
    files.mkdir()
    (files / "small.txt").write_text("hello from nginx\n")
    (files / "empty.txt").write_bytes(b"")
    (files / "big.bin").write_bytes(random.Random(1).randbytes(BIG_BYTES))
    lines = (json.dumps({"n": n, "text": "x" * (n % 97)}) for n in range(LINE_COUNT))
    (files / "mib.bin").write_bytes(random.Random(2).randbytes(MIB))
    (files / "lines.jsonl").write_text("\n".join(lines) + "\n")
    (files / "lines.txt.gz").write_bytes(gzip.compress(b"".join(b"line %d\n" % n for n in range(5000))))


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


def _wait_until_listening(server: NginxServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10.0
    for port in server.ports:
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
                break
            ended = process.poll()
            if ended is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx does not listen (exit {ended}): {log.read_text()}")
            time.sleep(0.02)


@contextlib.contextmanager
def start_nginx(root: Path, authority: Authority) -> Iterator[NginxServer]:
    """Run nginx in `root` for the length of the block."""
    binary = find_nginx()
    assert binary is not None
    files = root / "files"
    _write_files(files)
    (root / "put").mkdir()
    ports = dict(
        zip(("plain", "limited", "tls", "http2", "http2_plain", "http2_limited"), _free_ports(6), strict=True)
    )
    chain, key = authority.certificate_files("127.0.0.1", "localhost")
    # Started by root, nginx would serve as a user who may not look into our folder.
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    text = CONFIGURATION.format(user=user, **ports, chain=chain, key=key, requests=KEEPALIVE_REQUESTS)
    text = text.replace("files/;", f"{files}/;").replace("root files;", f"root {files};")
    configuration, log = root / "nginx.conf", root / "stderr.log"
    configuration.write_text(text)
    with open(log, "wb") as stderr:
        process = subprocess.Popen(
            [binary, "-p", str(root), "-c", str(configuration), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
        )
    server = NginxServer(files, **ports)
    try:
        _wait_until_listening(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(10.0)
