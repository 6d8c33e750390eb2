"""The engine of a transport that may speak HTTP/2: the pool's connections carry several exchanges at once.

Knows no client. What it does for a response over HTTP/1.1 is `http`'s.
"""

from __future__ import annotations

from functools import partial

from httpstream._connections.http2_body import AsyncHttp2Body, SyncHttp2Body
from httpstream._connections.http2_exchange import Exchange, NoRoom, NotProcessed
from httpstream._connections.negotiated import NegotiatedConnection
from httpstream._exceptions import RequestError
from httpstream._models.headers import Headers
from httpstream._models.response import Response
from httpstream._network.upgraded import AsyncNetworkStream, NetworkStream
from httpstream._streams import can_be_sent_again

from .http import Engine, _origin

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from httpstream._connections.pool import Pool
    from httpstream._connections.route import Origin
    from httpstream._models.request import Request

MAX_REFUSALS = 5
"""How often a request goes out again that the server says it did not process; more would be an endless loop."""


class Http2Engine(Engine):
    """What both transports do when HTTP/2 may be spoken."""

    alpn: tuple[str, ...] = ("h2", "http/1.1")
    shares_connections = True
    has_prior_knowledge = False

    def _new_connection(self, origin: Origin) -> Any:
        return NegotiatedConnection(
            self._backend, origin, self._route, prior_knowledge=self.has_prior_knowledge
        )

    async def handle(self, request: Request) -> Response:
        """See Engine."""
        timeouts = request.extensions.get("timeout") or {}
        pool = self.pool
        try:
            origin = _origin(request)
            refusals, is_first = 0, True
            while True:
                connection: NegotiatedConnection = await pool.acquire(origin, timeouts.get("pool"))
                try:
                    answer = await connection.exchange(request, timeouts)
                    break
                except NoRoom:
                    pool.release(connection)
                    await self._backend.sleep(0)
                except NotProcessed as exc:
                    pool.release(connection)
                    refusals += 1
                    if refusals > MAX_REFUSALS or not can_be_sent_again(request.stream):
                        assert exc.__cause__ is not None
                        raise exc.__cause__ from exc.__cause__.__cause__
                except BaseException as exc:
                    connection.exchange_failed()
                    pool.release(connection)
                    if not (is_first and connection.may_send_again(request, exc)):
                        raise
                    is_first = False
        except RequestError as exc:
            exc.request = request
            raise
        try:
            if isinstance(answer, Exchange):
                return self._http2_response(connection, answer, request, pool)
            return self._response(connection, answer, request, pool)  # type: ignore[arg-type]  # it has a Connection's interface
        except BaseException:  # a signal, say: nobody else knows of this exchange
            if isinstance(answer, Exchange):
                answer.connection.abandon(answer.stream)
            connection.exchange_failed()
            pool.release(connection)
            raise

    def _http2_response(
        self, connection: NegotiatedConnection, exchange: Exchange, request: Request, pool: Pool
    ) -> Response:
        stream, http2 = exchange.stream, exchange.connection
        assert stream.head is not None
        status, fields = stream.head
        headers = Headers._from_fields(fields)
        trailers: list[tuple[bytes, bytes]] = []
        body_type = AsyncHttp2Body if self._backend.is_async else SyncHttp2Body
        network_type = AsyncNetworkStream if self._backend.is_async else NetworkStream
        release = partial(pool.release, connection)
        return Response(
            status,
            headers=headers,
            stream=body_type(
                http2, stream, release, request, headers, self._route.limits, trailers, exchange.events
            ),
            extensions={
                "http_version": b"HTTP/2",
                "network_stream": network_type(http2.stream),
                "stream_id": stream.id,
                "trailers": trailers,
            },
        )


class Http2OnlyEngine(Http2Engine):
    """What both transports do when nothing but HTTP/2 is to be spoken."""

    alpn = ("h2",)
    has_prior_knowledge = True
