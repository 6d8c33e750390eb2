"""The handshake with a SOCKS5 proxy: asking it for a connection to an origin (RFC 1928, RFC 1929).

Names are the proxy's to resolve, for `socks5` as for `socks5h`. Every reply is read to its last byte and no further:
what comes behind it is the origin's. Here is no connecting, no TLS and no HTTP; `socksio` knows the messages.
"""

from __future__ import annotations

from socksio.socks5 import (
    SOCKS5AType,
    SOCKS5AuthMethod,
    SOCKS5AuthMethodsRequest,
    SOCKS5Command,
    SOCKS5CommandRequest,
    SOCKS5ReplyCode,
    SOCKS5UsernamePasswordRequest,
)

from httpstream._exceptions import LocalProtocolError, ProxyError
from httpstream._network.sockets import seconds_left

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from httpstream._network.sockets import SocketStream

    Auth = tuple[bytes, bytes]

# Bytes of an address in a reply; a name has its length in its first byte.
ADDRESS_BYTES = {SOCKS5AType.IPV4_ADDRESS: 4, SOCKS5AType.IPV6_ADDRESS: 16}


class Handshake:
    """One handshake on a fresh stream to a proxy.

    proxy: what messages call it. deadline: for all of it, absolute, `time.monotonic()` seconds, or None.
    """

    def __init__(self, stream: SocketStream, proxy: str, deadline: float | None) -> None:
        self._stream = stream
        self._proxy = proxy
        self._deadline = deadline

    async def ask(self, host: str, port: int, auth: Auth | None) -> None:
        """Ask for a connection; after this the stream is the origin's. auth: username and password.

        Raises ProxyError (it says no, or something else than SOCKS5), LocalProtocolError (a name, username or password
        is too long), and what the stream raises.
        """
        try:
            request = SOCKS5CommandRequest.from_address(SOCKS5Command.CONNECT, (host, port)).dumps()
            credentials = b"" if auth is None else SOCKS5UsernamePasswordRequest(*auth).dumps()
        except OverflowError:
            raise LocalProtocolError(
                "the host, or the proxy's username or password, is longer than the 255 bytes of SOCKS5"
            ) from None
        method = SOCKS5AuthMethod.NO_AUTH_REQUIRED if auth is None else SOCKS5AuthMethod.USERNAME_PASSWORD
        await self._send(SOCKS5AuthMethodsRequest([method]).dumps())
        if await self._recv(2, b"\x05") != method:
            wanted = "a connection without credentials" if auth is None else "authentication by password"
            raise ProxyError(f"the proxy {self._proxy} does not accept {wanted}")
        if auth is not None:
            await self._send(credentials)
            if await self._recv(2, b"\x01") != b"\0":
                raise ProxyError(f"the proxy {self._proxy} does not accept the username and password")
        await self._send(request)
        code = await self._recv(2, b"\x05")
        if code != SOCKS5ReplyCode.SUCCEEDED:
            raise ProxyError(f"the proxy {self._proxy} could not connect to {host}:{port}: {reason(code)}")
        await self._recv_address()

    async def _recv_address(self) -> None:
        """Where the proxy connects from, which nobody asked for."""
        kind = await self._recv(2, b"\0")
        if kind == SOCKS5AType.DOMAIN_NAME:
            size = (await self._recv(1))[0]
        elif kind in ADDRESS_BYTES:
            size = ADDRESS_BYTES[SOCKS5AType(kind)]
        else:
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS5: it replied {kind!r}")
        await self._recv(size + 2)

    async def _send(self, message: bytes) -> None:
        await self._stream.send_all(message, seconds_left(self._deadline))

    async def _recv(self, size: int, start: bytes = b"") -> bytes:
        """Exactly `size` bytes, which begin as they must; returns what is behind that."""
        memory = bytearray(size)
        filled = 0
        while filled < size:
            with memoryview(memory) as view, view[filled:] as rest:
                count = self._stream.try_recv_into(rest)
            if count == 0:
                raise ProxyError(f"the proxy {self._proxy} ended the connection in the SOCKS5 handshake")
            if count < 0:
                await self._stream.wait_recv(self._deadline)
            else:
                filled += count
        reply = bytes(memory)
        if not reply.startswith(start):
            raise ProxyError(f"the proxy {self._proxy} does not speak SOCKS5: it replied {reply!r}")
        return reply[len(start) :]


def reason(code: bytes) -> str:
    """What a reply code means (RFC 1928 section 6)."""
    try:
        return SOCKS5ReplyCode(code).name.replace("_", " ").lower()
    except ValueError:
        return f"unassigned reply code {code[0]}"
