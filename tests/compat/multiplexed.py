"""An HTTP/2 server for the scenarios: one answer to every request, over TLS. Never here: a scenario."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events

from tests.compat.secure import authority

ANSWER = [(":status", "200"), ("content-type", "text/plain"), ("x-a", "b")]


@contextlib.contextmanager
def http2_site() -> Iterator[str]:
    """The URL of a server that answers "ok"."""
    context = authority().server_context("127.0.0.1", fresh=True)
    context.set_alpn_protocols(["h2"])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock = listener.accept()[0]
                    threading.Thread(target=serve, args=(sock,), daemon=True).start()

        def serve(sock: socket.socket) -> None:
            with contextlib.suppress(OSError), sock:
                sock.settimeout(10.0)
                with context.wrap_socket(sock, server_side=True) as tls:
                    answer_all(tls)

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        socket.socket.shutdown(listener, socket.SHUT_RDWR)


def answer_all(sock: socket.socket) -> None:
    h2_side = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    h2_side.initiate_connection()
    sock.sendall(h2_side.data_to_send())
    while received := sock.recv(65536):
        for event in h2_side.receive_data(received):
            if isinstance(event, h2.events.StreamEnded):
                h2_side.send_headers(event.stream_id, ANSWER)
                h2_side.send_data(event.stream_id, b"ok", end_stream=True)
        sock.sendall(h2_side.data_to_send())
