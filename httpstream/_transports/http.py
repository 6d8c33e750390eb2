"""`HTTPTransport` and `AsyncHTTPTransport`: one request in, one response out, over a pool of connections.

The engine is one for both worlds. Knows no client: no redirect, cookie, auth or default is applied here.
"""

from __future__ import annotations

from httpstream._backend import ASYNC, SYNC, run
from httpstream._config import DEFAULT_LIMITS, DEFAULT_MESSAGE_LIMITS
from httpstream._connections.body import AsyncLiveBody, SyncLiveBody
from httpstream._connections.connection import Connection
from httpstream._connections.pool import Pool
from httpstream._connections.route import DEFAULT_PORTS, Route, origin_text
from httpstream._exceptions import RequestError, UnsupportedProtocol
from httpstream._models.headers import Headers
from httpstream._models.response import Response

from .base import AsyncBaseTransport, BaseTransport

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from typing import Any

    from httpstream._backend import Backend
    from httpstream._config import Limits, MessageLimits
    from httpstream._connections.connection import Head
    from httpstream._connections.route import Origin
    from httpstream._models.request import Request
    from httpstream._network.connect import SocketOption
    from httpstream._types import CertTypes, ProxyTypes

# What a WebSocket begins with: a request over HTTP that asks for an upgrade (RFC 6455 section 3).
WEBSOCKET = {"ws": "http", "wss": "https"}


class Engine:
    """What both transports do: pool, connection, exchange, response."""

    alpn: tuple[str, ...] = ("http/1.1",)
    shares_connections = False  # between exchanges at the same time

    def __init__(
        self,
        backend: Backend,
        verify: ssl.SSLContext | str | bool,
        cert: CertTypes | None,
        trust_env: bool,
        limits: Limits,
        proxy: ProxyTypes | None,
        uds: str | None,
        local_address: str | None,
        socket_options: Iterable[SocketOption] | None,
        message_limits: MessageLimits,
        retries: int,
    ) -> None:
        self._backend = backend
        self._body_type = AsyncLiveBody if backend.is_async else SyncLiveBody
        self._verify = verify
        self._cert = cert
        self._trust_env = trust_env
        self._context: ssl.SSLContext | None = None
        if verify is not True or cert is not None:
            self._context = self._make_context()  # here, so that a bad path is an error where it was given
        if proxy is not None:
            from httpstream._connections.proxy import route_through
            from httpstream._models.proxy import Proxy

            proxy = proxy if isinstance(proxy, Proxy) else Proxy(proxy)
            self._route = route_through(proxy, self._tls_context, message_limits)
        else:
            self._route = Route(
                self._tls_context,
                message_limits,
                uds=uds,
                local_address=local_address,
                socket_options=socket_options,
                retries=retries,
            )
        self._route.alpn = self.alpn
        self._limits = limits
        self.pool = self._new_pool()

    def _new_pool(self) -> Pool:
        return Pool(self._backend, self._limits, self._new_connection, origin_text, self.shares_connections)

    def close(self) -> None:
        """Close all connections, and begin anew: a transport may outlive the client that closes it."""
        closing, self.pool = self.pool, self._new_pool()
        closing.close()

    def _make_context(self) -> ssl.SSLContext:
        from httpstream._network.tls import create_context

        return create_context(self._verify, self._cert, self._trust_env)

    def _tls_context(self) -> ssl.SSLContext:
        """The context of this transport; the shared default one is made at the first https connection."""
        if self._context is None:
            from httpstream._network.tls import default_context

            self._context = default_context(self.alpn, trust_env=self._trust_env)
        return self._context

    def _new_connection(self, origin: Origin) -> Any:
        return Connection(self._backend, origin, self._route)

    async def handle(self, request: Request) -> Response:
        """Send a request and return its response, whose content is still to be received."""
        timeouts = request.extensions.get("timeout") or {}
        pool = self.pool
        try:
            origin = _origin(request)
            first = True
            while True:
                connection = pool.take(origin)
                if connection is None:
                    connection = await pool.acquire(origin, timeouts.get("pool"))
                try:
                    head = await connection.exchange(request, timeouts)
                    break
                except BaseException as exc:
                    connection.close()
                    pool.release(connection)
                    if not (first and connection.may_send_again(request, exc)):
                        raise
                    first = False
        except RequestError as exc:
            exc.request = request
            raise
        try:
            return self._response(connection, head, request, pool)
        except BaseException:  # a signal, say: nobody else knows of this connection
            connection.close()
            pool.release(connection)
            raise

    def _response(self, connection: Connection, head: Head, request: Request, pool: Pool) -> Response:
        version, status, reason, fields = head
        headers = Headers._from_fields(fields)
        trailers: list[tuple[bytes, bytes]] = []
        body_type = self._body_type
        if connection.events is not None:
            from httpstream._connections.traced_body import AsyncTracedBody, SyncTracedBody

            body_type = AsyncTracedBody if self._backend.is_async else SyncTracedBody
        network_stream = connection.network_stream
        if connection.parser.tunnel:
            network_stream = type(network_stream)(connection.stream, connection.parser.leftover())
        return Response._received(
            status,
            headers,
            body_type(connection, pool.release, request, headers, trailers),
            {
                "http_version": version,
                "reason_phrase": reason,
                "network_stream": network_stream,
                "trailers": trailers,
            },
        )


def engine_type(http1: bool, http2: bool) -> type[Engine]:
    """The engine that speaks this. Raises ImportError when HTTP/2 is wanted and h2 is not installed."""
    if not http2:
        return Engine
    require_h2()
    from .http2 import Http2Engine, Http2OnlyEngine

    return Http2Engine if http1 else Http2OnlyEngine


def require_h2() -> None:
    """Raises ImportError when the library of HTTP/2 is not there."""
    try:
        import h2  # noqa: F401  # asking whether it is there is all
    except ImportError:
        raise ImportError("http2=True needs the package h2: pip install 'httpstream[http2]'") from None


def _origin(request: Request) -> Origin:
    """The origin of a request. Raises UnsupportedProtocol for any scheme but http and https."""
    parts = request.url._parts
    scheme = parts.scheme
    if scheme not in DEFAULT_PORTS:
        if not scheme:
            raise UnsupportedProtocol(
                "the request's URL has no scheme: it must begin with http:// or https://"
            )
        if scheme not in WEBSOCKET:
            raise UnsupportedProtocol(
                f"the request's URL has the scheme {scheme!r}: only http and https are spoken"
            )
        scheme = WEBSOCKET[scheme]
    if not parts.host:
        raise UnsupportedProtocol("the request's URL has no host")
    return scheme, parts.host, parts.port or DEFAULT_PORTS[scheme]


class HTTPTransport(BaseTransport):
    """Sends requests over its own pool of connections. Threads may share it.

    verify, cert, trust_env, limits: as for `Client`. http2: offer HTTP/2 too (the extra `http2`): over TLS the
    server chooses; without http1 it is spoken whatever the server says, also in clear text. uds: the path of a Unix
    socket to connect to, whatever the URL's host. local_address: the address to connect from. retries: how often
    connecting is attempted again after a ConnectError or ConnectTimeout: at once, then after 0.5, 1, 2, 4... seconds; a
    request that may have been sent is never sent again for it. socket_options: arguments of `socket.setsockopt`, one
    tuple each. message_limits: how much of a response's parts is accepted.
    proxy: the URL of an http, https, socks5 or socks5h proxy (the last two: the extra `socks`), or a `Proxy`; with it
    uds, local_address, retries and socket_options have no effect, as in httpx.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        proxy: ProxyTypes | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[SocketOption] | None = None,
        message_limits: MessageLimits = DEFAULT_MESSAGE_LIMITS,
    ) -> None:
        self._engine = engine_type(http1, http2)(
            SYNC,
            verify,
            cert,
            trust_env,
            limits,
            proxy,
            uds,
            local_address,
            socket_options,
            message_limits,
            retries,
        )
        self._pool = self._engine.pool

    def handle_request(self, request: Request) -> Response:
        """Send a request and return its response; its content is received as it is read.

        Raises TransportError (see the exception tree), UnsupportedProtocol for a scheme but http and https.
        """
        return run(self._engine.handle(request))

    def close(self) -> None:
        """Close all connections; who reads from one gets a ReadError. A request that comes later opens a new one."""
        self._engine.close()
        self._pool = self._engine.pool


class AsyncHTTPTransport(AsyncBaseTransport):
    """See `HTTPTransport`. For the tasks of one event loop."""

    __module__ = "httpstream"

    def __init__(
        self,
        verify: ssl.SSLContext | str | bool = True,
        cert: CertTypes | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        proxy: ProxyTypes | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[SocketOption] | None = None,
        message_limits: MessageLimits = DEFAULT_MESSAGE_LIMITS,
    ) -> None:
        self._engine = engine_type(http1, http2)(
            ASYNC,
            verify,
            cert,
            trust_env,
            limits,
            proxy,
            uds,
            local_address,
            socket_options,
            message_limits,
            retries,
        )
        self._pool = self._engine.pool

    async def handle_async_request(self, request: Request) -> Response:
        """See `HTTPTransport.handle_request`."""
        return await self._engine.handle(request)

    async def aclose(self) -> None:
        """See `HTTPTransport.close`."""
        self._engine.close()
        self._pool = self._engine.pool
