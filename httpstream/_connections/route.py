"""How a connection is opened: to a TCP port or a Unix socket, then TLS for https.

A transport has one route, which all of its connections share. Nothing of a request is sent here.
"""

from __future__ import annotations

from time import monotonic

from httpstream._network.connect import connect_tcp, connect_unix

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable

    from httpstream._backend import Backend
    from httpstream._config import MessageLimits
    from httpstream._network.connect import SocketOption
    from httpstream._network.sockets import SocketStream

# The key of a connection in the pool: scheme, host, port.
Origin = tuple[str, str, int]

DEFAULT_PORTS = {"http": 80, "https": 443}

# HTTP/1.1 is all that is spoken here.
ALPN = ("http/1.1",)


class Route:
    """How connections are opened: what all connections of one transport share."""

    __slots__ = ("context", "limits", "local_address", "socket_options", "uds")

    def __init__(
        self,
        context: Callable[[], ssl.SSLContext],
        limits: MessageLimits,
        *,
        uds: str | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> None:
        self.context = context  # called at the first https connection: a context costs milliseconds
        self.limits = limits
        self.uds = uds
        self.local_address = local_address
        self.socket_options = None if socket_options is None else tuple(socket_options)

    async def open(
        self, backend: Backend, origin: Origin, timeout: float | None, server_hostname: str | None
    ) -> tuple[SocketStream, str | None]:
        """Open a connection to an origin. timeout: seconds for all of it, or None.

        server_hostname: what the certificate must be for; None: the origin's host.
        Returns the stream, and the protocol that was negotiated by ALPN (None: none was, or there is no TLS).
        Raises ConnectError, ConnectTimeout.
        """
        scheme, host, _ = origin
        deadline = None if timeout is None else monotonic() + timeout
        stream = await self._connect(backend, origin, deadline)
        if scheme != "https":
            return stream, None
        try:
            context = await backend.in_thread(self.context)
        except BaseException:
            stream.close()
            raise
        tls = await stream.start_tls(context, server_hostname or host, deadline, ALPN)
        return tls, tls.get_extra_info("ssl_object").selected_alpn_protocol()

    async def _connect(self, backend: Backend, origin: Origin, deadline: float | None) -> SocketStream:
        if self.uds is not None:
            return await connect_unix(backend, self.uds, deadline, socket_options=self.socket_options)
        return await connect_tcp(
            backend,
            origin[1],
            origin[2],
            deadline,
            local_address=self.local_address,
            socket_options=self.socket_options,
        )


def origin_text(origin: Origin) -> str:
    """An origin as in messages: http://example.org:8000, the default port left out."""
    scheme, host, port = origin
    if ":" in host:
        host = f"[{host}]"
    return f"{scheme}://{host}" if port == DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"
