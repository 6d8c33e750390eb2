"""``Request``: a method, a URL, field lines and content, as a value.

No socket, no client: defaults of a client are merged in `_conversation`, bytes of the wire are made by the
exchange.
"""

from __future__ import annotations

from httpstream._content import encode_request
from httpstream._exceptions import RequestNotRead
from httpstream._fields import field_value
from httpstream._streams import AsyncByteStream, ByteStream, SyncByteStream
from httpstream._urls import URL

from .cookies import Cookies
from .headers import Headers
from .reading import UnattachedStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from httpstream._types import (
        CookieTypes,
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
    )

__all__ = ["Request"]

# What frames content: one of them alone.
FRAMING = frozenset((b"content-length", b"transfer-encoding"))
# Methods whose request gets "Content-Length: 0" when it has no content (RFC 9110 section 8.6).
METHODS_WITH_CONTENT = frozenset(("POST", "PUT", "PATCH"))


class Request:
    """An HTTP request.

    method: made upper-case. url: a URL or a str. params: become the URL's query. headers: field lines;
    ``Host``, and the content's own fields where they are absent, are added. cookies: those of the URL become
    the ``Cookie`` field, if there is none. content, data, files, json: the content, see `httpstream.request`.
    stream: the content as a stream, in place of those; then no field is added.
    extensions: a dict for the transport, of which ``"timeout"`` is the one that every request has.

    Raises InvalidURL, LocalProtocolError for a cookie that is no text, and TypeError or ValueError for content
    that cannot be encoded.
    """

    __module__ = "httpstream"

    # Whether the client reads the whole content before its caller sees the response: a transport that makes the
    # content itself need not hand it over as it comes.
    _is_read_whole = False

    def __init__(
        self,
        method: str,
        url: URL | str,
        *,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        stream: SyncByteStream | AsyncByteStream | None = None,
        extensions: RequestExtensions | None = None,
    ) -> None:
        self.method = method.upper()
        if params is not None:
            self.url = URL(url, params=params)
        else:
            self.url = url if type(url) is URL else URL(url)
        self.extensions: dict[str, Any] = {} if extensions is None else dict(extensions)
        self.stream: SyncByteStream | AsyncByteStream
        if cookies or stream is not None:
            headers = self.headers = Headers(headers)
            if cookies:
                Cookies(cookies).set_cookie_header(self)
            if stream is not None:
                self.stream = stream
                return
        given = headers if type(headers) is Headers else Headers(headers)
        if content is None and data is None and json is None and files is None:
            content_fields: dict[str, str] = {}
            self.stream = ByteStream(b"")
            self._content = b""
        else:
            boundary = _boundary(given) if files else None
            content_fields, self.stream = encode_request(content, data, files, json, boundary)
            if type(self.stream) is ByteStream:
                self._content = b"".join(self.stream)
        self.headers = Headers._from_fields(self._complete(given._fields, content_fields))

    def _complete(
        self, fields: list[tuple[bytes, bytes]], content_fields: dict[str, str]
    ) -> list[tuple[bytes, bytes]]:
        """The given field lines with Host in front and the content's fields behind, where absent."""
        first: list[tuple[bytes, bytes]] = []
        last: list[tuple[bytes, bytes]] = []
        for name, value in content_fields.items():
            key = name.lower().encode("ascii")
            # A length that was set by hand frames the content: both at once are forbidden (RFC 9112 section
            # 6.2).
            if field_value(fields, key) is None and not (key in FRAMING and _is_framed(fields + last)):
                last.append((name.encode("ascii"), value.encode("utf-8")))
        if field_value(fields, b"host") is None and self.url._parts.host:
            first.append((b"Host", self.url.netloc))
        if self.method in METHODS_WITH_CONTENT and not _is_framed(fields + last):
            first.append((b"Content-Length", b"0"))
        return first + fields + last

    @property
    def content(self) -> bytes:
        """The content. Raises RequestNotRead while it is a stream that has not been read."""
        try:
            return self._content
        except AttributeError:
            raise RequestNotRead() from None

    def read(self) -> bytes:
        """Read the content into memory, once, and return it; the stream can then be sent again."""
        if not hasattr(self, "_content"):
            if not hasattr(self.stream, "__iter__"):
                raise RuntimeError(
                    "read() was called on a request whose content is an async stream: use aread()"
                )
            stream: Iterable[bytes] = self.stream
            self._content = b"".join(stream)
            self.stream = ByteStream(self._content)
        return self._content

    async def aread(self) -> bytes:
        """Read the content into memory, once, and return it; the stream can then be sent again."""
        if not hasattr(self, "_content"):
            if not isinstance(self.stream, AsyncByteStream):
                raise RuntimeError(
                    "aread() was called on a request whose content is a sync stream: use read()"
                )
            self._content = b"".join([piece async for piece in self.stream])
            self.stream = ByteStream(self._content)
        return self._content

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.method!r}, {self.url._shown()!r})>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("extensions", "stream")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.extensions = {}
        self.stream = UnattachedStream()


def _is_framed(fields: list[tuple[bytes, bytes]]) -> bool:
    """Whether these field lines say where content ends."""
    return any(field_value(fields, name) is not None for name in FRAMING)


def _boundary(headers: Headers) -> bytes | None:
    """The boundary in a Content-Type that was set by hand."""
    from httpstream._multipart import get_multipart_boundary_from_content_type

    content_type = headers.get("content-type", "")
    return get_multipart_boundary_from_content_type(content_type.encode(headers.encoding))
