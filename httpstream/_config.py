"""Settings as values: timeouts, limits, defaults, each with its reason.

Nothing here acts: no socket, no TLS context, no environment. Imports nothing of ours, but for the two names that
programs look for here and that live above: they are handed on when they are asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from ._models.proxy import Proxy as Proxy
    from ._types import CertTypes, TimeoutTypes

__all__ = ["AS_IT_ARRIVES", "Limits", "MessageLimits", "Timeout", "create_ssl_context"]


class UnsetType:
    """The type of ``UNSET``: an argument that was left out, where None means something else."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = UnsetType()


class _AsItArrives(int):
    """A chunk size that also says: hand over what is there, never wait for more.

    Its one instance is ``AS_IT_ARRIVES``. Copies and pickles are that instance, its type is its meaning.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "AS_IT_ARRIVES"

    def __copy__(self) -> _AsItArrives:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _AsItArrives:
        return self

    def __reduce__(self) -> str:
        return "AS_IT_ARRIVES"  # pickled by reference to the name in this module


# At most 1024 bytes at a time, the documented default, and at once: tokens and events are not held back.
AS_IT_ARRIVES = _AsItArrives(1024)


def create_ssl_context(
    verify: ssl.SSLContext | str | bool = True, cert: CertTypes | None = None, trust_env: bool = True
) -> ssl.SSLContext:
    """Make a TLS context as the clients do.

    verify: True verifies against certifi's certificates, or, with trust_env, against those that the environment
    variable SSL_CERT_FILE or SSL_CERT_DIR names; False verifies nothing; a path (deprecated) verifies against what
    is there; a context is returned itself. cert (deprecated): the client's certificate: the path of a PEM file,
    or a tuple of it, its key's file, and the key's password.
    Raises OSError (which ``ssl.SSLError`` is) when a file cannot be loaded.
    """
    from ._network.tls import create_context

    return create_context(verify, cert, trust_env)


class Timeout:
    """How long each kind of wait may take, in seconds; None: for ever.

    connect: until the connection is ready (name, TCP, TLS); read and write: without any progress; pool: until
    a connection of the pool is free.

        Timeout(5.0)                    all four
        Timeout(5.0, read=30.0)         all but read
        Timeout(None, connect=3.0)      connect alone
        Timeout((3.0, 30.0))            connect and read; then write, pool; those left out are None
        Timeout(connect=..., read=..., write=..., pool=...)

    Raises ValueError when there is neither a default nor all four.
    """

    __module__ = "httpstream"
    connect: float | None
    read: float | None
    write: float | None
    pool: float | None

    def __init__(
        self,
        timeout: TimeoutTypes | UnsetType = UNSET,
        *,
        connect: float | UnsetType | None = UNSET,
        read: float | UnsetType | None = UNSET,
        write: float | UnsetType | None = UNSET,
        pool: float | UnsetType | None = UNSET,
    ) -> None:
        given = (connect, read, write, pool)
        if isinstance(timeout, Timeout):
            if any(value is not UNSET for value in given):
                raise ValueError("a Timeout cannot be combined with connect, read, write or pool")
            self.connect, self.read = timeout.connect, timeout.read
            self.write, self.pool = timeout.write, timeout.pool
        elif isinstance(timeout, tuple):
            if not 2 <= len(timeout) <= 4:
                raise ValueError("a timeout tuple is (connect, read[, write[, pool]])")
            padded = (*timeout, None, None)
            self.connect, self.read, self.write, self.pool = padded[:4]
        else:
            if isinstance(timeout, UnsetType) and any(value is UNSET for value in given):
                raise ValueError("a Timeout needs a default, or all of connect, read, write and pool")
            default = None if isinstance(timeout, UnsetType) else timeout
            self.connect = default if isinstance(connect, UnsetType) else connect
            self.read = default if isinstance(read, UnsetType) else read
            self.write = default if isinstance(write, UnsetType) else write
            self.pool = default if isinstance(pool, UnsetType) else pool

    def as_dict(self) -> dict[str, float | None]:
        """The four as a dict: the ``"timeout"`` extension of a request."""
        return {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, self.__class__)
            and self.connect == other.connect
            and self.read == other.read
            and self.write == other.write
            and self.pool == other.pool
        )

    # Its fields may be assigned to, so it has no hash.
    __hash__ = None  # type: ignore[assignment]  # typeshed declares object.__hash__ as a method

    def __repr__(self) -> str:
        name = type(self).__name__
        if self.connect == self.read == self.write == self.pool:
            return f"{name}(timeout={self.connect})"
        return f"{name}(connect={self.connect}, read={self.read}, write={self.write}, pool={self.pool})"


class Limits:
    """How many connections a pool may hold; None: no limit.

    max_connections: open at the same time. max_keepalive_connections: idle ones that are kept.
    keepalive_expiry: seconds after which an idle one is closed.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        *,
        max_connections: int | None = None,
        max_keepalive_connections: int | None = None,
        keepalive_expiry: float | None = 5.0,
    ) -> None:
        self.max_connections = max_connections
        self.max_keepalive_connections = max_keepalive_connections
        self.keepalive_expiry = keepalive_expiry

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, self.__class__)
            and self.max_connections == other.max_connections
            and self.max_keepalive_connections == other.max_keepalive_connections
            and self.keepalive_expiry == other.keepalive_expiry
        )

    # Its fields may be assigned to, so it has no hash.
    __hash__ = None  # type: ignore[assignment]  # typeshed declares object.__hash__ as a method

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(max_connections={self.max_connections}, "
            f"max_keepalive_connections={self.max_keepalive_connections}, "
            f"keepalive_expiry={self.keepalive_expiry})"
        )


class MessageLimits:
    """How much of a response's parts is accepted. At the limit it works, one past it raises.

    Every field is a number >= 0; the two at the end may be None: no limit. Raises ValueError otherwise.
    """

    __module__ = "httpstream"
    __slots__ = (
        "max_chunk_extension_bytes",
        "max_codings",
        "max_decoded_bytes",
        "max_decompression_ratio",
        "max_event_bytes",
        "max_field_line_bytes",
        "max_fields",
        "max_head_bytes",
        "max_informational",
        "max_line_bytes",
        "max_status_line_bytes",
        "max_trailer_bytes",
    )

    def __init__(
        self,
        *,
        # What RFC 9112 section 3 wants recipients to take for a request line; status lines are shorter.
        max_status_line_bytes: int = 8 * 1024,
        # One field line with its name. Cookies and policies push real ones past 16 KiB.
        max_field_line_bytes: int = 64 * 1024,
        # The status line and all field lines of one head: four of the largest field lines.
        max_head_bytes: int = 256 * 1024,
        # Each field costs a tuple and two objects, about 40 times its shortest form on the wire.
        max_fields: int = 1024,
        # The trailer section: checksums and a status, never cookies.
        max_trailer_bytes: int = 64 * 1024,
        # Of one chunk, not of the message: signed chunks carry 85 bytes each, in bodies of any length.
        max_chunk_extension_bytes: int = 16 * 1024,
        # Informational responses before the final one: early hints are few, 102 may tick for minutes.
        max_informational: int = 100,
        # Content codings in a row. Each one multiplies what a small body can grow to; real ones have one.
        max_codings: int = 5,
        # A line of the content, for iter_lines: JSON lines reach some MiB, and one line is held in memory.
        max_line_bytes: int = 64 * 1024 * 1024,
        # One server-sent event: they are messages, not files.
        max_event_bytes: int = 1024 * 1024,
        # The content after decoding: unlimited, because pieces are bounded the reader takes what it wants.
        max_decoded_bytes: int | None = None,
        # Decoded to received bytes: unlimited, because honest logs of one repeated line reach 1000 to 1.
        max_decompression_ratio: float | None = None,
    ) -> None:
        self.max_status_line_bytes = _checked("max_status_line_bytes", max_status_line_bytes)
        self.max_field_line_bytes = _checked("max_field_line_bytes", max_field_line_bytes)
        self.max_head_bytes = _checked("max_head_bytes", max_head_bytes)
        self.max_fields = _checked("max_fields", max_fields)
        self.max_trailer_bytes = _checked("max_trailer_bytes", max_trailer_bytes)
        self.max_chunk_extension_bytes = _checked("max_chunk_extension_bytes", max_chunk_extension_bytes)
        self.max_informational = _checked("max_informational", max_informational)
        self.max_codings = _checked("max_codings", max_codings)
        self.max_line_bytes = _checked("max_line_bytes", max_line_bytes)
        self.max_event_bytes = _checked("max_event_bytes", max_event_bytes)
        if max_decoded_bytes is not None:
            _checked("max_decoded_bytes", max_decoded_bytes)
        self.max_decoded_bytes = max_decoded_bytes
        if max_decompression_ratio is not None and not (
            isinstance(max_decompression_ratio, (int, float)) and max_decompression_ratio >= 0
        ):
            given = repr(max_decompression_ratio)
            raise ValueError(f"max_decompression_ratio must be a number >= 0 or None: {given}")
        self.max_decompression_ratio = max_decompression_ratio

    def __eq__(self, other: object) -> bool:
        return isinstance(other, self.__class__) and all(
            getattr(self, name) == getattr(other, name) for name in MessageLimits.__slots__
        )

    # Its fields may be assigned to, so it has no hash.
    __hash__ = None  # type: ignore[assignment]  # typeshed declares object.__hash__ as a method

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in MessageLimits.__slots__)
        return f"{type(self).__name__}({fields})"


def _checked(name: str, value: int) -> int:
    """``value`` when it can be a limit: an int from 0 to what a C ``Py_ssize_t`` holds."""
    if not isinstance(value, int) or not 0 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
        raise ValueError(f"{name} must be an int from 0 to 2**63 - 1: {value!r}")
    return value


DEFAULT_TIMEOUT_CONFIG = Timeout(timeout=5.0)
DEFAULT_LIMITS = Limits(max_connections=100, max_keepalive_connections=20)
DEFAULT_MAX_REDIRECTS = 20
DEFAULT_MAX_EVENT_SIZE_BYTES = 1024 * 1024  # the same as MessageLimits has
DEFAULT_MESSAGE_LIMITS = MessageLimits()

create_ssl_context.__module__ = "httpstream"

if not TYPE_CHECKING:  # where type checkers see it, every misspelt name would be right

    def __getattr__(name: str) -> object:
        if name != "Proxy":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._models.proxy import Proxy

        return Proxy
