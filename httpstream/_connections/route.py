"""How a connection is opened: to a TCP port or a Unix socket, then TLS for https.

A transport has one route, which all of its connections share. Nothing of a request is sent here.
"""

from __future__ import annotations

from time import monotonic

from httpstream._exceptions import ConnectError, ConnectTimeout
from httpstream._network.connect import connect_tcp, connect_unix

from .trace import CONNECTION, Events

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from typing import Any

    from httpstream._backend import Backend
    from httpstream._config import MessageLimits
    from httpstream._models.request import Request
    from httpstream._network.connect import SocketOption
    from httpstream._network.sockets import SocketStream

    from .exchange import Fields

# The key of a connection in the pool: scheme, host, port.
Origin = tuple[str, str, int]

DEFAULT_PORTS = {"http": 80, "https": 443}

FIRST_PAUSE = 0.5
"""Seconds before the second new attempt to connect; the first comes at once, and each further pause is twice as long.
"""


class Route:
    """How connections are opened: what all connections of one transport share."""

    __slots__ = ("alpn", "context", "limits", "local_address", "retries", "socket_options", "uds")

    _tls_logger = CONNECTION  # whose event the TLS handshake with an origin is

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext],
        limits: MessageLimits,
        *,
        uds: str | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
        retries: int = 0,
    ) -> None:
        self.context = context  # called at the first https connection: a context costs milliseconds
        self.limits = limits
        self.uds = uds
        self.local_address = local_address
        self.alpn: tuple[str, ...] = ("http/1.1",)  # what is spoken, the most wanted first
        self.retries = retries  # how often connecting is attempted again
        self.socket_options = None if socket_options is None else tuple(socket_options)

    async def open(
        self, backend: Backend, origin: Origin, request: Request, timeout: float | None
    ) -> tuple[SocketStream, str | None]:
        """Open a connection to an origin for a request. timeout: seconds for all of one attempt, or None.

        Returns the stream, and the protocol that was negotiated by ALPN (None: none was, or there is no TLS).
        Raises ConnectError, ConnectTimeout.
        """
        events = Events(backend, request)
        server_hostname = request.extensions.get("sni_hostname") or origin[1]
        left, pause = self.retries, 0.0
        while True:
            try:
                return await self._open_once(backend, origin, server_hostname, timeout, events)
            except (ConnectError, ConnectTimeout):
                if left <= 0:
                    raise
            left -= 1
            async with events.phase(CONNECTION, "retry", {"host": origin[1], "port": origin[2]}):
                await backend.sleep(pause)
            pause = pause * 2 or FIRST_PAUSE

    async def _open_once(
        self, backend: Backend, origin: Origin, server_hostname: str, timeout: float | None, events: Events
    ) -> tuple[SocketStream, str | None]:
        deadline = None if timeout is None else monotonic() + timeout
        stream: SocketStream | None = await self._connect(backend, origin, timeout, deadline, events)
        assert stream is not None
        if origin[0] != "https":
            return stream, None
        try:
            context = await backend.in_thread(self.context)
            info = {"ssl_context": context, "server_hostname": server_hostname, "timeout": timeout}
            async with events.phase(self._tls_logger, "start_tls", info) as phase:
                plain, stream = stream, None  # used up from here on
                tls = await plain.start_tls(context, server_hostname, deadline, self.alpn)
                phase.connected(tls)
        except BaseException:
            if stream is not None:
                stream.close()
            raise
        return tls, tls.get_extra_info("ssl_object").selected_alpn_protocol()

    def forwarding_fields(self, origin: Origin) -> Fields | None:
        """What is added to each request to this origin, for the proxy that forwards it; None: no proxy sees them."""
        return None

    async def _connect(
        self, backend: Backend, origin: Origin, timeout: float | None, deadline: float | None, events: Events
    ) -> SocketStream:
        """Make the stream on which TLS, or the first request, begins."""
        options = self.socket_options
        if self.uds is not None:
            info: dict[str, Any] = {"path": self.uds, "timeout": timeout, "socket_options": options}
            async with events.phase(CONNECTION, "connect_unix_socket", info) as phase:
                stream = await connect_unix(backend, self.uds, deadline, socket_options=options)
                phase.connected(stream)
            return stream
        local = self.local_address
        info = {
            "host": origin[1], "port": origin[2], "local_address": local, "timeout": timeout, "socket_options": options,
        }  # fmt: skip
        async with events.phase(CONNECTION, "connect_tcp", info) as phase:
            peer = origin_text(origin)
            stream = await connect_tcp(
                backend, *origin[1:], deadline, local_address=local, socket_options=options, peer=peer
            )
            phase.connected(stream)
        return stream


def origin_text(origin: Origin) -> str:
    """An origin as in messages: http://example.org:8000, the default port left out."""
    scheme, host, port = origin
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}" if port == DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"
