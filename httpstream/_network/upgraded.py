"""`response.extensions["network_stream"]`: the connection itself, for what follows a 101 or a CONNECT.

Two classes with the method names that httpcore gave them, over one set of coroutines. Bytes that arrived
behind the response head are handed out first. Knows no HTTP; who may use the connection, and when, is decided
above.
"""

from __future__ import annotations

from time import monotonic

from httpstream._backend import run
from httpstream._exceptions import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, TypeVar

    from .sockets import Buffer, SocketStream

    Stream = TypeVar("Stream", bound="_Upgraded")

_LONGEST_READ = 256 * 1024
"""Bytes: `read(max_bytes)` allocates no more than this, however much it is allowed to return."""


class _Upgraded:
    """A stream, and what was received on it too early."""

    __slots__ = ("_leftover", "_stream")

    def __init__(self, stream: SocketStream, leftover: bytes = b"") -> None:
        self._stream = stream
        self._leftover = leftover

    def get_extra_info(self, info: str) -> Any:
        """Return "socket", "ssl_object", "client_addr", "server_addr" or "is_readable"; None: unknown."""
        if info == "is_readable" and self._leftover:
            return True
        return self._stream.get_extra_info(info)

    async def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._leftover:
            piece, self._leftover = self._leftover[:max_bytes], self._leftover[max_bytes:]
            return piece
        deadline = None if timeout is None else monotonic() + timeout
        memory = bytearray(min(max_bytes, _LONGEST_READ))
        with memoryview(memory) as view:
            while view and (count := self._stream.try_recv_into(view)) != 0:
                if count > 0:
                    return bytes(view[:count])
                await self._stream.wait_recv(deadline)
        return b""

    async def _start_tls(
        self: Stream, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> Stream:
        if self._leftover:
            # They came in clear text: as part of the protected stream they would be anybody's to forge.
            raise ConnectError(f"cannot start TLS: {len(self._leftover)} bytes arrived before the handshake")
        deadline = None if timeout is None else monotonic() + timeout
        return type(self)(await self._stream.start_tls(context, server_hostname, deadline))


class NetworkStream(_Upgraded):
    """The connection under a response of the sync client."""

    __slots__ = ()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most `max_bytes`, waiting only while nothing is there; b"" at the end.

        timeout: seconds, None: no limit. Raises ReadTimeout, ReadError.
        """
        return run(self._read(max_bytes, timeout))

    def write(self, buffer: Buffer, timeout: float | None = None) -> None:
        """Send all of `buffer`. timeout: seconds without progress. Raises WriteTimeout, WriteError."""
        run(self._stream.send_all(buffer, timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """Return the stream that goes on under TLS; this one is used up. Raises ConnectError,
        ConnectTimeout."""
        return run(self._start_tls(ssl_context, server_hostname, timeout))


class AsyncNetworkStream(_Upgraded):
    """The connection under a response of the async client; see NetworkStream."""

    __slots__ = ()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See NetworkStream.read."""
        return await self._read(max_bytes, timeout)

    async def write(self, buffer: Buffer, timeout: float | None = None) -> None:
        """See NetworkStream.write."""
        await self._stream.send_all(buffer, timeout)

    async def aclose(self) -> None:
        """See NetworkStream.close."""
        self._stream.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncNetworkStream:
        """See NetworkStream.start_tls."""
        return await self._start_tls(ssl_context, server_hostname, timeout)
