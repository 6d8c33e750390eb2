"""The `network_stream` extension of a response: the connection below it, with httpcore's methods.

For what comes after a 101, or a 2xx to CONNECT, and for looking at sockets and certificates. Bytes that came with
the response head are read first. Knows no HTTP.
"""

from __future__ import annotations

from time import monotonic

from .._backend import run

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from .sockets import Buffer, SocketStream


class _Upgraded:
    __slots__ = ("_first", "_stream")

    def __init__(self, stream: SocketStream, first: bytes = b"") -> None:
        """first: bytes that were received already."""
        self._stream = stream
        self._first = first

    async def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._first:
            data, self._first = self._first[:max_bytes], self._first[max_bytes:]
            return data
        buffer = bytearray(max_bytes)
        deadline = _deadline(timeout)
        while (count := self._stream.try_recv_into(memoryview(buffer))) < 0:
            await self._stream.wait_recv(deadline)
        return bytes(buffer[:count])

    async def _start_tls(
        self, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> SocketStream:
        if server_hostname is None:
            server_hostname = self._stream.get_extra_info("server_addr")[0]
        return await self._stream.start_tls(context, server_hostname, _deadline(timeout))

    def get_extra_info(self, info: str) -> Any:
        """Return "socket", "ssl_object", "client_addr", "server_addr" or "is_readable"; None for anything else."""
        return self._stream.get_extra_info(info)


class NetworkStream(_Upgraded):
    """The connection below a response, in the sync world. timeout: seconds, or None.

    Raises ReadError, ReadTimeout, WriteError, WriteTimeout, ConnectError, ConnectTimeout.
    """

    __slots__ = ()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what is there, at most `max_bytes`, waiting only while nothing is; b"": the end."""
        return run(self._read(max_bytes, timeout))

    def write(self, buffer: Buffer, timeout: float | None = None) -> None:
        """Send all of it. timeout: without progress."""
        run(self._stream.send_all(buffer, timeout))

    def close(self) -> None:
        """Close at once."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        """Turn the connection into one that speaks TLS; this object is used up."""
        return NetworkStream(run(self._start_tls(ssl_context, server_hostname, timeout)))


class AsyncNetworkStream(_Upgraded):
    """See NetworkStream."""

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
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncNetworkStream:
        """See NetworkStream.start_tls."""
        return AsyncNetworkStream(await self._start_tls(ssl_context, server_hostname, timeout))


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else monotonic() + timeout
