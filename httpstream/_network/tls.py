"""TLS: contexts, and the stream that speaks it.

Verification is on unless the caller turned it off, nothing of a request is sent before it has succeeded, and
a connection that ends without close_notify did not end well. Names are taken from subjectAltName alone, and
nothing below TLS 1.2 is spoken. A caller's own context is used as it is, but for ALPN. Here is no HTTP.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import warnings
from weakref import WeakKeyDictionary

from httpstream._backend import READ, WRITE
from httpstream._exceptions import ConnectError, ConnectTimeout, ReadError

from .causes import doubled
from .sockets import SocketStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from httpstream._backend import Backend
    from httpstream._types import CertTypes

    from .sockets import Buffer

_LONGEST_SEND = 256 * 1024
"""Bytes given to OpenSSL at once: it comes back when all of it is sent or nothing more fits, and until then
no other task runs and no early answer is seen."""

_lock = threading.Lock()
_default_contexts: dict[tuple[object, ...], ssl.SSLContext] = {}
_alpn_of: WeakKeyDictionary[ssl.SSLContext, tuple[str, ...]] = WeakKeyDictionary()


# Contexts.


def create_context(
    verify: ssl.SSLContext | str | bool = True, cert: CertTypes | None = None, trust_env: bool = True
) -> ssl.SSLContext:
    """Create the TLS context for a client.

    verify: True verifies against certifi's certificates, or, with `trust_env`, against those that the
        environment variable SSL_CERT_FILE or SSL_CERT_DIR names; False verifies nothing; the path of a file
        or directory verifies against what it holds (deprecated, as in httpx); a context is returned itself.
    cert: a client certificate (deprecated likewise): the path of a PEM file, or a tuple of it, its key's
        file, and the key's password.
    Raises OSError (which `ssl.SSLError` is) when a file cannot be loaded.
    """
    if isinstance(verify, ssl.SSLContext):
        context = verify
    elif verify is False:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _tighten(context)
    else:
        if verify is not True:
            _deprecated("verify=<path>", "ssl.create_default_context(cafile=...)")
        source = _certificates(verify, trust_env)
        context = ssl.create_default_context(cafile=source.get("cafile"), capath=source.get("capath"))
        _tighten(context)
    if cert:
        _deprecated("cert=", "a context on which load_cert_chain() was called")
        if isinstance(cert, str):
            context.load_cert_chain(cert)
        else:
            context.load_cert_chain(*cert)
    return context


def default_context(alpn: Sequence[str] = ("http/1.1",), trust_env: bool = True) -> ssl.SSLContext:
    """Return the context that all clients with default settings share: loading the certificates takes 20 ms.

    There is one for each ALPN list, because ALPN is a property of the context. Raises ConnectError when the
    files that the environment names cannot be loaded.
    """
    source = _certificates(True, trust_env)
    key = (tuple(alpn), *source.items())
    with _lock:
        context = _default_contexts.get(key)
        if context is None:
            try:
                context = create_context(trust_env=trust_env)
            except OSError as exc:
                raise ConnectError(f"cannot load the trusted certificates from {source}: {exc}") from doubled(
                    exc
                )
            _default_contexts[key] = context
    set_alpn(context, alpn)
    return context


def proxy_context() -> ssl.SSLContext:
    """Create the context for an https proxy that comes without one: `verify=` is about origins, not about proxies.

    It trusts what the system trusts, for proxies are often a company's own, and certifi's certificates.
    """
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    _tighten(context)
    return context


def set_alpn(context: ssl.SSLContext, alpn: Sequence[str]) -> None:
    """Offer these protocols. Once per context: OpenSSL frees the old list, which a handshake may read."""
    wanted = tuple(alpn)
    with _lock:
        if _alpn_of.get(context) != wanted:
            context.set_alpn_protocols(list(wanted))
            _alpn_of[context] = wanted


def _certificates(verify: str | bool, trust_env: bool) -> dict[str, str]:
    """Say where the trusted certificates are, in the words of `ssl.create_default_context`."""
    if not isinstance(verify, bool):
        path = os.fspath(verify)
        return {"capath": path} if os.path.isdir(path) else {"cafile": path}
    if trust_env and os.environ.get("SSL_CERT_FILE"):
        return {"cafile": os.environ["SSL_CERT_FILE"]}
    if trust_env and os.environ.get("SSL_CERT_DIR"):
        return {"capath": os.environ["SSL_CERT_DIR"]}
    import certifi

    return {"cafile": certifi.where()}


def _tighten(context: ssl.SSLContext) -> None:
    # A system-wide setting may be stricter already.
    if context.minimum_version < ssl.TLSVersion.TLSv1_2:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False


def _deprecated(what: str, instead: str) -> None:
    warnings.warn(
        f"`{what}` is deprecated, use `verify=` with {instead} instead.", DeprecationWarning, stacklevel=3
    )


# The stream.


async def start_tls(
    backend: Backend,
    sock: socket.socket,
    peer: str,
    context: ssl.SSLContext,
    server_hostname: str | None,
    deadline: float | None,
    alpn: Sequence[str] | None,
) -> TLSStream:
    """Do the TLS handshake on a connected socket and return the stream. The socket is used up in any case.

    server_hostname: the name or address that the certificate must be for.
    deadline: absolute, `time.monotonic()` seconds, or None. alpn: protocols to offer; None: leave the context
    as is. Raises ConnectError (the handshake failed, or the certificate did not convince), ConnectTimeout.
    """
    try:
        if alpn is not None:
            set_alpn(context, alpn)
        name = None if server_hostname is None else server_name(server_hostname)
        # With ragged ends suppressed, which is the default, a cut connection would look like a clean end.
        tls = context.wrap_socket(
            sock, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except BaseException as exc:
        sock.close()
        _close_half_made(exc)
        if isinstance(exc, (OSError, ValueError)):
            raise ConnectError(f"the TLS handshake with {peer} failed: {reason_of(exc)}") from doubled(exc)
        raise
    try:
        await _handshake(backend, tls, peer, deadline)
    except BaseException as exc:
        tls.close()
        if isinstance(exc, (OSError, ValueError)):
            raise ConnectError(f"the TLS handshake with {peer} failed: {reason_of(exc)}") from doubled(exc)
        raise
    return TLSStream(backend, tls, peer)


def _close_half_made(exc: BaseException) -> None:
    """Close the SSLSocket that a failed `wrap_socket` leaves behind.

    When the peer has reset the connection by then, it has already moved the descriptor into an object that
    only its own frame knows, and does not close it.
    """
    traceback = exc.__traceback__
    while traceback is not None:
        half_made = traceback.tb_frame.f_locals.get("self")
        if isinstance(half_made, ssl.SSLSocket):
            half_made.close()
        traceback = traceback.tb_next


def server_name(host: str) -> str:
    """Return a host as SNI and certificates have it: A-labels, without the dot of the root (RFC 6066, section 3).

    Raises ValueError (which UnicodeError is) when no certificate can be for it.
    """
    name = host.removesuffix(".").encode("idna").decode("ascii")
    if not name or "\0" in name:
        raise ValueError(f"no server name: {host!r}")
    return name


async def _handshake(backend: Backend, tls: ssl.SSLSocket, peer: str, deadline: float | None) -> None:
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            events = READ
        except ssl.SSLWantWriteError:
            events = WRITE
        else:
            return
        if not await backend.wait(((tls, events),), deadline):
            raise ConnectTimeout(f"the TLS handshake with {peer} timed out")


def reason_of(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {exc.verify_message}"
    return str(exc)


class TLSStream(SocketStream):
    """A stream over an SSLSocket whose handshake is done: the contract of SocketStream, by other means.

    OpenSSL may have to write in order to read, and the other way round (a key update), so what a try waits
    for follows from the exception, not from the operation. One TLS read yields one record of at most 16 KiB,
    so a try goes on until the buffer is full or it would block.
    """

    __slots__ = ("_answer_due", "_failure", "_pending")

    can_send_files = False  # what goes out is encrypted here

    def __init__(self, backend: Backend, sock: ssl.SSLSocket, peer: str) -> None:
        super().__init__(backend, sock, peer)
        self._pending = sock.pending
        self._answer_due = False
        # Met by a try that had received something before; the next one raises it.
        self._failure: OSError | None = None

    def try_recv_into(self, view: memoryview) -> int:
        """See SocketStream. 0 means close_notify; a connection that just ends is a ReadError."""
        if self.must_wait:
            return -1
        if self._failure is not None:
            raise self._read_error(self._failure) from doubled(self._failure)
        size, filled, recv_into = len(view), 0, self._recv_into
        try:
            while filled < size:
                # Released at once: the traceback of a would-block would keep it, and our memory, alive.
                with view[filled:] as rest:
                    count = recv_into(rest, size - filled)
                if count == 0:
                    break
                filled += count
                if self._answer_due:
                    # The first record after a send. Many an answer is no more than that, and a poll is cheaper than a
                    # try that fails; what OpenSSL has decrypted already makes no socket readable.
                    self._answer_due = False
                    if not self._pending():
                        self._share -= filled
                        self.must_wait = True
                        return filled
        except ssl.SSLWantReadError:
            self._recv_event = READ
        except ssl.SSLWantWriteError:
            self._recv_event = WRITE
        except OSError as exc:
            if not filled:
                raise self._read_error(exc) from doubled(exc)
            self._failure = exc
            return filled
        else:
            if filled == 0 and self._shut_down:
                raise self._shut_down_error()
            self._share -= filled
            self.must_wait = self._share <= 0
            return filled
        self.must_wait = True
        return filled or -1

    def try_send(self, data: Buffer) -> int:
        """See SocketStream. After -1 the next try must begin with the same data: its first record is made."""
        if self._share <= 0 or not data:
            return -1 if data else 0
        try:
            if len(data) > _LONGEST_SEND:
                with memoryview(data) as view, view[:_LONGEST_SEND] as piece:
                    count = self._send(piece)
            else:
                count = self._send(data)
        except ssl.SSLWantWriteError:
            self._send_event = WRITE
            return -1
        except ssl.SSLWantReadError:
            self._send_event = READ
            return -1
        except OSError as exc:
            raise self._write_error(exc) from doubled(exc)
        self.must_wait = not self._pending()
        self._answer_due = True
        self._share -= count
        return count

    async def wait_send_or_recv(self, timeout: float | None) -> int:
        """See SocketStream."""
        if self._pending():
            self.must_wait = False
            return READ
        return await super().wait_send_or_recv(timeout)

    async def start_tls(
        self,
        context: ssl.SSLContext,
        server_hostname: str | None,
        deadline: float | None,
        alpn: Sequence[str] | None = None,
    ) -> TLSStream:
        """Turn this stream into a TLS stream inside TLS; this one is used up, whatever happens."""
        from .tls_in_tls import start_tls_inside

        return await start_tls_inside(self, context, server_hostname, deadline, alpn)

    def is_alive(self) -> bool:
        """See SocketStream. What came is read: in TLS 1.3, session tickets make healthy ones readable."""
        if not (self._pending() or self._readiness.is_readable()):
            return True
        try:
            self._sock.recv(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False
        return False

    def get_extra_info(self, name: str) -> Any:
        """See SocketStream; "ssl_object" has the methods of `ssl.SSLObject`."""
        return self._sock if name == "ssl_object" else super().get_extra_info(name)

    def _read_error(self, exc: OSError) -> ReadError:
        if isinstance(exc, ssl.SSLEOFError) and not self._shut_down:
            return ReadError(f"{self.peer} ended the connection without close_notify: content may be missing")
        return super()._read_error(exc)
