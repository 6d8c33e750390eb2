"""One HTTP/1.1 exchange, without I/O: the request's bytes out. (The response's bytes in: `_parser`.)

Knows field lines, framing and what may stand on the wire (RFC 9112); knows no socket, clock or redirect. Whatever the
caller passed in, nothing here adds a line to the wire, and the content sent equals its announced length.
"""

from __future__ import annotations

import re

from .._exceptions import LocalProtocolError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Fields = Sequence[tuple[bytes, bytes]]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# Field values: visible characters and obs-text, with blanks between but not around them (RFC 9110 section 5.5).
_VALUE = rb"(?:(?![ \t])[\t\x20-\x7e\x80-\xff]+(?<![ \t]))?"
_HEAD = re.compile(rb"%b [\x21-\x7e]+ HTTP/1\.1\r\n(?:%b: %b\r\n)*" % (_TOKEN, _TOKEN, _VALUE))

# The fields that frame a request, or decide about its connection.
_FRAMING = frozenset((b"connection", b"content-length", b"expect", b"host", b"transfer-encoding", b"upgrade"))

_is_token = re.compile(_TOKEN).fullmatch
# Names found to be tokens: programs send the same few again and again.
_known_names: set[bytes] = set()
_MAX_KNOWN_NAMES = 256


class RequestHead:
    """The head of a request as bytes, and what it says about the content behind it.

    content_length: bytes of content that must follow; None: chunked. closes: the connection ends with this exchange.
    expects_continue: the content waits for a 100 (RFC 9110 section 10.1.1). offers_upgrade: a 101 may come.
    """

    __slots__ = ("closes", "content_length", "data", "expects_continue", "offers_upgrade")

    def __init__(self, method: bytes, target: bytes, fields: Fields) -> None:
        """Raises LocalProtocolError for anything that would not stand on the wire as one head."""
        self.content_length: int | None = 0
        self.closes = False
        self.expects_continue = False
        self.offers_upgrade = False
        framing = []
        lines = [b"%b %b HTTP/1.1\r\n" % (method, target)]
        for name, value in fields:
            if name not in _known_names:
                _check_name(name)
            lower = name.lower()
            if lower in _FRAMING:
                framing.append((lower, value))
            lines.append(b"%b: %b\r\n" % (name, value))
        section = b"".join(lines)
        # As many line ends as lines, in the one form that is allowed: no value carries a line of its own.
        if _HEAD.fullmatch(section) is None or section.count(b"\n") != len(lines):
            raise _offence(method, target, fields)
        self._read_framing(framing)
        self.data = section + b"\r\n"

    def _read_framing(self, fields: list[tuple[bytes, bytes]]) -> None:
        found = dict(fields)
        names = [name for name, _ in fields]
        if names.count(b"host") != 1:
            raise LocalProtocolError(f"a request needs one Host field, not {names.count(b'host')}")
        if names.count(b"content-length") > 1:
            raise LocalProtocolError("more than one Content-Length field")
        length = found.get(b"content-length")
        if b"transfer-encoding" in found:
            if length is not None:
                raise LocalProtocolError(
                    "Content-Length and Transfer-Encoding exclude each other (RFC 9112 6.2)"
                )
            if names.count(b"transfer-encoding") > 1 or found[b"transfer-encoding"].lower() != b"chunked":
                raise LocalProtocolError("Transfer-Encoding other than one `chunked`")
            self.content_length = None
        elif length is not None:
            if not length.isdigit() or len(length) > 18:
                raise LocalProtocolError(f"Content-Length is not a number of bytes: {length[:40]!r}")
            self.content_length = int(length)
        if b"connection" in found:
            self.closes = b"close" in [option.strip() for option in found[b"connection"].lower().split(b",")]
        if b"expect" in found:
            self.expects_continue = found[b"expect"].lower() == b"100-continue"
        self.offers_upgrade = b"upgrade" in found


def _check_name(name: bytes) -> None:
    if _is_token(name) is None:
        raise LocalProtocolError(f"illegal character in the field name {name[:80]!r}")
    if len(_known_names) >= _MAX_KNOWN_NAMES:
        _known_names.clear()
    _known_names.add(name)


def _offence(method: bytes, target: bytes, fields: Fields) -> LocalProtocolError:
    """Say which part of a head is not allowed. Values may be secrets: they are not shown."""
    if _is_token(method) is None:
        return LocalProtocolError(f"not a method: {method[:40]!r}")
    if re.fullmatch(rb"[\x21-\x7e]+", target) is None:
        return LocalProtocolError("illegal character in the request target")
    for name, value in fields:
        if re.fullmatch(_VALUE, value) is None:
            return LocalProtocolError(
                f"illegal character, or a blank at an end, in the value of the field {name!r}"
            )
    return LocalProtocolError("the request head can't stand on the wire")


class ContentWriter:
    """Frames the content of a request, and holds it to its length.

    `frame` each piece, then `end`; both return bytes for the wire, maybe none.
    """

    __slots__ = ("_left", "frame")

    frame: Callable[[bytes], bytes]

    def __init__(self, content_length: int | None) -> None:
        """content_length: as in RequestHead."""
        self._left = content_length
        self.frame = self._chunk if content_length is None else self._count

    def _chunk(self, piece: bytes) -> bytes:
        # A chunk of size 0 would end the content (RFC 9112 section 7.1).
        return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""

    def _count(self, piece: bytes) -> bytes:
        assert self._left is not None
        self._left -= len(piece)
        if self._left < 0:
            raise LocalProtocolError("the content is longer than its Content-Length")
        return piece

    def end(self) -> bytes:
        """Raises LocalProtocolError when content is missing."""
        if self._left is None:
            return b"0\r\n\r\n"
        if self._left:
            raise LocalProtocolError(f"the content ended {self._left} bytes before its Content-Length")
        return b""


# Sending one of these twice has the effect of sending it once (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
