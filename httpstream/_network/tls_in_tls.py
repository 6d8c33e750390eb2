"""TLS over any stream, not over a socket: what an https proxy needs, which carries TLS inside its own.

OpenSSL reads and writes memory here, and the stream below carries the bytes. That costs a copy each way, so
sockets have `tls`. Here is no HTTP.
"""

from __future__ import annotations

import ssl
from contextlib import suppress

from httpstream._backend import READ
from httpstream._exceptions import ConnectError, ConnectTimeout, ReadError, TimeoutException, WriteError

from .causes import doubled
from .sockets import seconds_left
from .tls import TLSStream, reason_of, server_name, set_alpn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .sockets import Buffer, SocketStream

_LONGEST_SEND = 64 * 1024
"""Bytes encrypted at once: they are held until the stream below has taken them."""

_MEMORY = 64 * 1024
"""Bytes taken from the stream below at once: four records of TLS."""


async def start_tls_inside(
    stream: SocketStream,
    context: ssl.SSLContext,
    server_hostname: str | None,
    deadline: float | None,
    alpn: Sequence[str] | None,
) -> TLSInTLSStream:
    """Do the TLS handshake over a stream, which is used up in any case. Arguments and errors: `tls.start_tls`."""
    peer = stream.peer
    try:
        if alpn is not None:
            set_alpn(context, alpn)
        inside = TLSInTLSStream(stream, context, server_hostname)
        await inside.shake_hands(deadline)
    except BaseException as exc:
        stream.close()
        if isinstance(exc, TimeoutException):
            raise ConnectTimeout(f"the TLS handshake with {peer} timed out") from exc
        if isinstance(exc, (OSError, ValueError, ReadError, WriteError)):
            cause = doubled(exc) if isinstance(exc, (OSError, ValueError)) else exc.__cause__
            raise ConnectError(f"the TLS handshake with {peer} failed: {reason_of(exc)}") from cause
        raise
    return inside


class TLSInTLSStream(TLSStream):
    """A TLS stream over another stream: the contract of SocketStream, every wait by the stream below."""

    __slots__ = ("_incoming", "_made", "_memory", "_outgoing", "_stream", "_tls", "_unsent")

    _failure: Exception | None  # type: ignore[assignment]  # the stream below fails by ours, not by OSError

    def __init__(self, stream: SocketStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        # Not TLSStream's: it would look after a socket, and the stream below does that already.
        self.peer = stream.peer
        self._stream = stream
        self._shut_down = False
        self._failure = None
        self.must_wait = False  # the stream below knows
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._memory = memoryview(bytearray(_MEMORY))
        self._unsent = b""  # taken out of `_outgoing`, and not by the stream below yet
        self._made = 0  # bytes of the caller's that were encrypted and are not all sent
        name = None if server_hostname is None else server_name(server_hostname)
        if name is None and context.check_hostname:  # OpenSSL would verify no name at all
            raise ValueError("the certificate cannot be verified without a server_hostname")
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    async def shake_hands(self, deadline: float | None) -> None:
        """Raises what the stream below raises, and OSError (which `ssl.SSLError` is)."""
        while True:
            is_done = True
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                is_done = False
            except OSError:
                with suppress(WriteError):
                    self._flush()  # the alert that tells the peer why
                raise
            while not self._flush():
                await self._stream.wait_send(seconds_left(deadline))
            if is_done:
                return
            while not self._fill():
                await self._stream.wait_recv(deadline)

    def try_recv_into(self, view: memoryview) -> int:
        """See TLSStream."""
        if self._failure is not None:
            raise self._failure
        size, filled = len(view), 0
        try:
            while filled < size:
                try:
                    with view[filled:] as rest:
                        count: int = self._tls.read(size - filled, rest)  # type: ignore[assignment]  # with memory to fill it is a count
                except ssl.SSLWantReadError:
                    if self._fill():
                        continue
                    return filled or -1
                if count == 0:
                    break
                filled += count
        except (OSError, ReadError) as exc:
            self._failure = exc if isinstance(exc, ReadError) else self._read_error(exc)
            self._failure.__cause__ = doubled(exc) if isinstance(exc, OSError) else exc.__cause__
            if filled:
                return filled
            raise self._failure from self._failure.__cause__
        if filled == 0 and self._shut_down:
            raise self._shut_down_error()
        return filled

    async def wait_recv(self, deadline: float | None) -> None:
        """See SocketStream."""
        with suppress(WriteError):
            self._flush()  # what OpenSSL answered to what it read: a key update
        await self._stream.wait_recv(deadline)

    def try_send(self, data: Buffer) -> int:
        """See TLSStream: after -1 the next try must begin with the same data."""
        if not data:
            return 0
        if not self._made:
            if not self._flush():
                return -1
            try:
                with memoryview(data) as view, view[:_LONGEST_SEND] as piece:
                    self._made = self._tls.write(piece)
            except OSError as exc:
                raise self._write_error(exc) from doubled(exc)
        if not self._flush():
            return -1
        count, self._made = self._made, 0
        return count

    async def wait_send(self, timeout: float | None) -> None:
        """See SocketStream."""
        await self._stream.wait_send(timeout)

    async def wait_send_or_recv(self, timeout: float | None) -> int:
        """See SocketStream."""
        if self._tls.pending() or self._incoming.pending:
            return READ
        return await self._stream.wait_send_or_recv(timeout)

    def is_alive(self) -> bool:
        """See TLSStream."""
        self.look_again()
        try:
            return self.try_recv_into(memoryview(bytearray(1))) < 0
        except ReadError:
            return False

    def look_again(self) -> None:
        """See SocketStream."""
        self._stream.look_again()

    def shutdown(self) -> None:
        """See SocketStream."""
        self._shut_down = True
        self._stream.shutdown()

    def close(self) -> None:
        """See SocketStream."""
        self._stream.close()

    def get_extra_info(self, name: str) -> Any:
        """See TLSStream."""
        return self._tls if name == "ssl_object" else self._stream.get_extra_info(name)

    def _fill(self) -> bool:
        """Take encrypted bytes from the stream below, or its end; False: none are there."""
        with suppress(WriteError):
            self._flush()
        count = self._stream.try_recv_into(self._memory)
        if count < 0:
            return False
        if count:
            self._incoming.write(self._memory[:count])
        else:
            self._incoming.write_eof()
        return True

    def _flush(self) -> bool:
        """Give the stream below what OpenSSL has made; False: it does not take all of it now."""
        while self._unsent or self._outgoing.pending:
            self._unsent = self._unsent or self._outgoing.read()
            count = self._stream.try_send(self._unsent)
            if count < 0:
                return False
            self._unsent = self._unsent[count:]
        return True
