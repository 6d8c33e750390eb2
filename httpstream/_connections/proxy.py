"""How a connection is opened through a proxy: the way to it, and for https a tunnel (RFC 9110 section 9.3.6).

What a proxy is told and what an origin is told never mix: a tunnel is asked for with the proxy's own field lines and
nothing of the request that needs it. When a proxy fails, nothing goes around it. What is said to a SOCKS5 proxy is in
`socks`. Here is no pool.
"""

from __future__ import annotations

from httpstream._exceptions import ConnectTimeout, ProxyError, ReadTimeout, WriteTimeout
from httpstream._models.request import Request
from httpstream._network.connect import connect_tcp
from httpstream._network.sockets import seconds_left

from .connection import Connection
from .exchange import merge_fields
from .route import DEFAULT_PORTS, Route, origin_text
from .trace import PROXY, SOCKS

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from httpstream._backend import Backend
    from httpstream._config import MessageLimits
    from httpstream._models.proxy import Proxy
    from httpstream._network.sockets import SocketStream

    from .exchange import Fields
    from .route import Origin
    from .trace import Events

PROXY_PORTS = {**DEFAULT_PORTS, "socks5": 1080, "socks5h": 1080}


def route_through(proxy: Proxy, context: Callable[[], ssl.SSLContext], limits: MessageLimits) -> Route:
    """The route of a transport that has this proxy. context, limits: as for `Route`, for the origins.

    Raises RuntimeError for a TLS context that would not be used, ImportError when socksio is missing.
    """
    if proxy.url.scheme in ("http", "https"):
        return ProxyRoute(proxy, context, limits)
    try:
        import socksio  # noqa: F401  # here, so that it is missed where the proxy was given
    except ImportError:
        raise ImportError(
            "a SOCKS proxy needs the package socksio: pip install 'httpstream[socks]'"
        ) from None
    return SOCKSRoute(proxy, context, limits)


class ProxyRoute(Route):
    """Through an http or https proxy: it forwards requests to http origins, and connects to https ones."""

    __slots__ = ("_fields", "_hop", "_hop_context", "_origin", "_url")

    _tls_logger = PROXY

    def __init__(self, proxy: Proxy, context: Callable[[], ssl.SSLContext], limits: MessageLimits) -> None:
        super().__init__(context, limits)
        if proxy.url.scheme == "http" and proxy.ssl_context is not None:
            raise RuntimeError("an http proxy speaks no TLS: it takes no ssl_context")
        self._url = proxy.url
        self._origin = origin_of(proxy)
        self._fields: Fields = [*authorization(proxy.raw_auth), *proxy.headers.raw]
        self._hop_context = proxy.ssl_context
        self._hop = Route(self._proxy_context, limits)

    def _proxy_context(self) -> ssl.SSLContext:
        if self._hop_context is None:
            from httpstream._network.tls import proxy_context

            self._hop_context = proxy_context()
        return self._hop_context

    def forwarding_fields(self, origin: Origin) -> Fields | None:
        """See Route."""
        return self._fields if origin[0] == "http" else None

    async def _connect(
        self, backend: Backend, origin: Origin, timeout: float | None, deadline: float | None, events: Events
    ) -> SocketStream:
        """See Route. Also raises ProxyError, and what an exchange with the proxy raises."""
        if origin[0] == "http":
            stream, _ = await self._hop._open_once(backend, self._origin, self._origin[1], timeout, events)
            return stream
        target = authority(origin).encode("ascii")
        fields = merge_fields([(b"Host", target), (b"Accept", b"*/*")], self._fields)
        request = Request("CONNECT", self._url, headers=fields, extensions={"target": target})
        if events.extension is not None:
            request.extensions["trace"] = events.extension
        hop = Connection(backend, self._origin, self._hop)
        try:
            await hop.open(request, {"connect": timeout})
            left = seconds_left(deadline)
            head = await hop.exchange(request, {"read": left, "write": left})
            return self._tunnel(hop, head[1], head[2], origin)
        except (ReadTimeout, WriteTimeout) as exc:
            hop.close()
            raise late(origin, self._origin) from exc
        except BaseException:
            hop.close()
            raise

    def _tunnel(self, hop: Connection, status: int, phrase: bytes, origin: Origin) -> SocketStream:
        """Judge the answer to a CONNECT; what it leads to is the stream of the connection to the proxy."""
        names = way(origin, self._origin)
        if not 200 <= status < 300:
            raise ProxyError(f"no tunnel to {names}: {status} {phrase.decode('ascii', 'ignore')}")
        if hop.parser.leftover():
            # They came in clear text: as part of the protected stream they would be anybody's to forge.
            raise ProxyError(f"no tunnel to {names}: bytes arrived before the TLS handshake")
        hop.stream.peer = names
        return hop.stream


class SOCKSRoute(Route):
    """Through a SOCKS5 proxy, which connects to any origin."""

    __slots__ = ("_auth", "_origin")

    _tls_logger = SOCKS

    def __init__(self, proxy: Proxy, context: Callable[[], ssl.SSLContext], limits: MessageLimits) -> None:
        super().__init__(context, limits)
        self._origin = origin_of(proxy)
        self._auth = proxy.raw_auth

    async def _connect(
        self, backend: Backend, origin: Origin, timeout: float | None, deadline: float | None, events: Events
    ) -> SocketStream:
        """See Route. Also raises ProxyError, and LocalProtocolError for what SOCKS5 cannot say."""
        from .socks import Handshake

        _, host, port = self._origin
        name = origin_text(self._origin)
        info = {"host": host, "port": port, "timeout": timeout}
        async with events.phase(SOCKS, "connect_tcp", info) as phase:
            stream = await connect_tcp(backend, host, port, deadline, peer=f"the proxy {name}")
            phase.connected(stream)
        info = {"stream": phase.result, "host": origin[1], "port": origin[2], "auth": self._auth}
        try:
            async with events.phase(SOCKS, "setup_socks5_connection", info) as phase:
                await Handshake(stream, name, deadline).ask(origin[1], origin[2], self._auth)
                phase.connected(stream)
        except (ReadTimeout, WriteTimeout) as exc:
            stream.close()
            raise late(origin, self._origin) from exc
        except BaseException:
            stream.close()
            raise
        stream.peer = way(origin, self._origin)
        return stream


def origin_of(proxy: Proxy) -> Origin:
    url = proxy.url
    return url.scheme, url.raw_host.decode("ascii"), url.port or PROXY_PORTS[url.scheme]


def way(origin: Origin, proxy: Origin) -> str:
    """What messages call the other end of a tunnel."""
    return f"{origin_text(origin)} through the proxy {origin_text(proxy)}"


def late(origin: Origin, proxy: Origin) -> ConnectTimeout:
    return ConnectTimeout(f"no tunnel to {way(origin, proxy)} within the connect timeout")


def authorization(auth: tuple[bytes, bytes] | None) -> Fields:
    """The field line that tells a proxy who asks (RFC 7617), if anybody does."""
    if auth is None:
        return []
    from base64 import b64encode

    return [(b"Proxy-Authorization", b"Basic " + b64encode(b":".join(auth)))]


def authority(origin: Origin) -> str:
    """Host and port as a CONNECT names them: the port is always there (RFC 9112 section 3.2.3)."""
    _, host, port = origin
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
