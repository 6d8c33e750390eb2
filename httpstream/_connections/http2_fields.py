"""Field sections of HTTP/2: what a request becomes on the wire, and what may stand in a response (RFC 9113 section 8).

Pure functions over names and values. A request was checked as HTTP/1.1 before (`exchange.HeaderSection`), so nothing
that the caller passed adds a field here; a response is checked here, because h2's own check ends the connection where
RFC 9113 section 8.1.1 ends the one stream.
"""

from __future__ import annotations

import re

from hpack import HeaderTuple, NeverIndexedHeaderTuple

from httpstream._exceptions import LocalProtocolError, RemoteProtocolError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterable

    from httpstream._config import MessageLimits

    Field = tuple[bytes, bytes]

_is_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_not_in_values = re.compile(rb"[\x00\r\n]").search

# They speak of one HTTP/1.1 connection, and have no place here (RFC 9113 section 8.2.2). Host becomes :authority.
_OF_CONNECTIONS = frozenset(
    (b"connection", b"host", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
# Kept out of the compression state, where they could be guessed from the length of what follows; of cookies that
# holds for short ones (RFC 7541 section 7.1.3).
_SECRET = frozenset((b"authorization", b"proxy-authorization"))
_SHORT_COOKIE_BYTES = 20


def request_fields(method: bytes, scheme: str, target: bytes, fields: Iterable[Field]) -> list[HeaderTuple]:
    """The field section of a request. fields: checked, with one Host among them.

    Raises LocalProtocolError for a TE field that asks for anything but trailers (RFC 9113 section 8.2.2).
    """
    authority = b""
    section: list[HeaderTuple] = []
    dropped: frozenset[bytes] = _OF_CONNECTIONS
    for name, value in fields:
        if name.lower() == b"connection":
            dropped |= {option.strip() for option in value.lower().split(b",")}
    for name, value in fields:
        name = name.lower()
        if name == b"host":
            authority = value
        elif name == b"te" and value.lower() != b"trailers":
            raise LocalProtocolError("HTTP/2 allows no TE field but `TE: trailers`")
        elif name not in dropped:
            is_secret = name in _SECRET or (name == b"cookie" and len(value) < _SHORT_COOKIE_BYTES)
            section.append((NeverIndexedHeaderTuple if is_secret else HeaderTuple)(name, value))
    pseudo = [HeaderTuple(b":method", method)]
    if authority:
        pseudo.append(HeaderTuple(b":authority", authority))
    return [*pseudo, HeaderTuple(b":scheme", scheme.encode("ascii")), HeaderTuple(b":path", target), *section]


def response_head(fields: Iterable[Field], limits: MessageLimits) -> tuple[int, list[Field]]:
    """The status code and the fields of a response. Raises RemoteProtocolError for what is none, or too large."""
    status = None
    regular = []
    for name, value in fields:
        if name[:1] != b":":
            regular.append((name, value))
        elif name != b":status" or status is not None or regular:
            raise RemoteProtocolError(f"a response head with the pseudo-header field {name[:40]!r}")
        else:
            status = value
    if status is None or len(status) != 3 or not status.isdigit() or not b"100" <= status != b"101":
        raise RemoteProtocolError(f"not a status code: {(status or b'')[:40]!r}")
    _check(regular, limits, limits.max_head_bytes, "head")
    return int(status), regular


def response_trailers(fields: Iterable[Field], limits: MessageLimits) -> list[Field]:
    """The trailer fields of a response. Raises RemoteProtocolError for what are none, or too large."""
    regular = [(name, value) for name, value in fields]
    if any(name[:1] == b":" for name, _ in regular):
        raise RemoteProtocolError("a trailer section with a pseudo-header field")
    _check(regular, limits, limits.max_trailer_bytes, "trailer section")
    return regular


def content_length(fields: Iterable[Field]) -> int | None:
    """The length that a response head announces. (That there are not two is h2's check.)"""
    for name, value in fields:
        if name == b"content-length":
            return int(value)
    return None


def _check(fields: list[Field], limits: MessageLimits, max_bytes: int, what: str) -> None:
    """Sizes count as the field lines of HTTP/1.1 would, with `: ` and a line end."""
    total = 0
    for name, value in fields:
        if _is_name(name) is None or _is_not_in_values(value) is not None:
            raise RemoteProtocolError(f"illegal character in the field {name[:80]!r} of a response {what}")
        size = len(name) + len(value) + 4
        if size > limits.max_field_line_bytes:
            raise RemoteProtocolError(
                f"a field of a response {what} is longer than max_field_line_bytes={limits.max_field_line_bytes}"
            )
        total += size
    if len(fields) > limits.max_fields:
        raise RemoteProtocolError(f"a response {what} has more fields than max_fields={limits.max_fields}")
    if total > max_bytes:
        raise RemoteProtocolError(f"a response {what} is longer than {max_bytes} bytes")
