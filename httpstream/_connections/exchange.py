"""One HTTP/1.1 exchange, without I/O: the request's bytes out. (The response's bytes in: `_parser`.)

Knows field lines, framing and what may stand on the wire (RFC 9112); knows no socket, clock or redirect. Whatever the
caller passed in, nothing here adds a line to the wire, and the content sent equals its announced length.
"""

from __future__ import annotations

import re

from httpstream._exceptions import LocalProtocolError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Fields = Sequence[tuple[bytes, bytes]]

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# Field values: visible characters and obs-text, with blanks between but not around them (RFC 9110 section 5.5).
_VALUE = rb"(?:(?![ \t])[\t\x20-\x7e\x80-\xff]+(?<![ \t]))?"
_is_token = re.compile(_TOKEN).fullmatch
_is_request_line = re.compile(rb"%b [\x21-\x7e]+ HTTP/1\.1\r\n" % _TOKEN).fullmatch
_is_value = re.compile(_VALUE).fullmatch
_are_field_lines = re.compile(rb"(?:%b: %b\r\n)+" % (_TOKEN, _VALUE)).fullmatch


def request_line(method: bytes, target: bytes) -> bytes:
    """The first line of a request. Raises LocalProtocolError for what would not stand there as one line."""
    line = b"%b %b HTTP/1.1\r\n" % (method, target)
    if _is_request_line(line) is None:
        if _is_token(method) is None:
            raise LocalProtocolError(f"not a method: {method[:40]!r}")
        raise LocalProtocolError("illegal character in the request target")
    return line


class HeaderSection:
    """The field lines of a request as bytes, and what they say about its content and its connection.

    content_length: bytes of content that must follow; None: chunked. closes: the connection ends with this exchange.
    expects_continue: the content waits for a 100 (RFC 9110 section 10.1.1). offers_upgrade: a 101 may come.
    """

    __slots__ = ("closes", "content_length", "data", "expects_continue", "fields", "offers_upgrade")

    def __init__(self, fields: Fields) -> None:
        """Raises LocalProtocolError for what would not stand on the wire as these field lines and no others."""
        self.fields = fields
        self.content_length: int | None = 0
        self.closes = False
        self.expects_continue = False
        self.offers_upgrade = False
        names = [name.lower() for name, _ in fields]
        lines = [b"%b: %b\r\n" % field for field in fields]
        if names[:1] != [b"host"] and b"host" in names:
            lines.insert(0, lines.pop(names.index(b"host")))  # Host goes first: RFC 9110 section 7.2
        section = b"".join(lines)
        # As many line ends as lines, and as many names as tokens: neither a value nor a name carries a line.
        if (
            _are_field_lines(section) is None
            or section.count(b"\n") != len(lines)
            or not all(map(_is_token, names))
        ):
            raise _offence(fields)
        self._read_framing(names, {name: value for name, (_, value) in zip(names, fields, strict=True)})
        self.data = section + b"\r\n"

    def _read_framing(self, names: list[bytes], found: dict[bytes, bytes]) -> None:
        """names: of all fields, lower case. found: the value of each, the last one where there are several."""
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


def merge_fields(defaults: Fields, fields: Fields) -> list[tuple[bytes, bytes]]:
    """Two field sections in one: the defaults whose names the other one does not have, then the other one."""
    names = {name.lower() for name, _ in fields}
    return [*(field for field in defaults if field[0].lower() not in names), *fields]


def _offence(fields: Fields) -> LocalProtocolError:
    """Say which field line is not allowed. Values may be secrets: they are not shown."""
    for name, value in fields:
        if _is_token(name) is None:
            return LocalProtocolError(f"illegal character in the field name {name[:80]!r}")
        if _is_value(value) is None:
            return LocalProtocolError(
                f"illegal character, or a blank at an end, in the value of the field {name!r}"
            )
    return LocalProtocolError("a request needs one Host field, not 0")


class ContentWriter:
    """Frames the content of a request, and holds it to its length.

    `frame` each piece, then `end`; both return bytes for the wire, maybe none.
    """

    __slots__ = ("_left", "frame")

    frame: Callable[[bytes], bytes]

    def __init__(self, content_length: int | None) -> None:
        """content_length: as in HeaderSection."""
        self._left = content_length
        self.frame = self._chunk if content_length is None else self._count

    def _chunk(self, piece: bytes) -> bytes:
        # A chunk of size 0 would end the content (RFC 9112 section 7.1).
        return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""

    def _count(self, piece: bytes) -> bytes:
        self.count(len(piece))
        return piece

    @property
    def is_chunked(self) -> bool:
        """Whether every piece is framed."""
        return self._left is None

    def count(self, size: int) -> None:
        """Account for content that goes out without being framed here. Raises LocalProtocolError as `frame` does."""
        assert self._left is not None
        self._left -= size
        if self._left < 0:
            raise LocalProtocolError("the content is longer than its Content-Length")

    def end(self) -> bytes:
        """Raises LocalProtocolError when content is missing."""
        if self._left is None:
            return b"0\r\n\r\n"
        if self._left:
            raise LocalProtocolError(f"the content ended {self._left} bytes before its Content-Length")
        return b""


# Sending one of these twice has the effect of sending it once (RFC 9110 section 9.2.2).
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
