"""The benchmark's TLS server: a process of its own, a thread per connection, whole MiB handed to OpenSSL at a time.

Unlike the plain server it cannot have its bytes ready: it encrypts while it sends, on one core. The limit row of the
https table is measured against the same server and shows what that leaves.

    python -m bench.tls_server DIRECTORY CERTIFICATE    prints "PORT\\n", serves until its standard input ends
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import threading
from pathlib import Path


def _serve(sock: ssl.SSLSocket, directory: Path) -> None:
    received = b""
    with sock:
        while True:
            while b"\r\n\r\n" not in received:
                piece = sock.recv(65536)
                if not piece:
                    return
                received += piece
            head, _, received = received.partition(b"\r\n\r\n")
            asked = re.match(rb"GET /body/(\w+)/(\d+) ", head)
            if not asked:
                return
            _send_body(sock, (directory / asked[1].decode()).read_bytes(), int(asked[2]))


def _send_body(sock: ssl.SSLSocket, body: bytes, size: int) -> None:
    head = f"HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
    view = memoryview(body)
    if size <= 8192:
        sock.sendall(head.encode() + view[:size])
        return
    sock.sendall(head.encode())
    while size:
        n = min(size, len(view))
        sock.sendall(view[:n])
        size -= n


def _connection(sock: socket.socket, context: ssl.SSLContext, directory: Path) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        _serve(context.wrap_socket(sock, server_side=True), directory)
    except OSError:
        sock.close()


def main() -> None:
    """Serve until standard input ends."""
    directory, certificate = Path(sys.argv[1]), sys.argv[2]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_connection, args=(sock, context, directory), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)  # connections may be in the middle of a body


if __name__ == "__main__":
    main()
