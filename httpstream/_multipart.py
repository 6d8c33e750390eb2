"""``multipart/form-data``: form fields and files as one stream of content (RFC 7578, RFC 2046 section 5.1).

A file is read when the stream is iterated, a piece at a time; how much it holds is asked beforehand. Nothing that the
caller gives adds a line to the head of a part: names are escaped as browsers do, and more, and field lines are checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from io import TextIOBase

from ._content_types import Content
from ._files import FILE_PIECE_BYTES, is_async_file
from ._streams import AsyncByteStream, Stream, SyncByteStream, can_be_sent_again
from ._streams.file import FileSpan, FileStream
from ._streams.iterables import as_stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator
    from typing import Any

    from ._types import FileTypes, RequestFiles

__all__ = ["DataField", "FileField", "MultiPartStream", "MultipartStream"]

# A browser escapes the quote and the two that end a line; httpx the backslash and the other controls as well.
_ESCAPES: dict[int, str] = {code: f"%{code:02X}" for code in range(0x20) if code != 0x1B}
_ESCAPES |= {ord('"'): "%22", ord("\\"): "\\\\"}

_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch  # a token: RFC 9110 section 5.6.2
_ENDS_A_LINE = re.compile(r"[\r\n\0]").search


def form_text(value: Any) -> str:
    """A value of a form as text: True is "true", None is empty."""
    if value is True or value is False:
        return "true" if value else "false"
    return "" if value is None else str(value)


def get_multipart_boundary_from_content_type(content_type: bytes | None) -> bytes | None:
    """The boundary that a Content-Type set by hand names; None: it names none."""
    if content_type is None or not content_type.startswith(b"multipart/form-data"):
        return None
    for parameter in content_type.split(b";")[1:]:
        name, _, value = parameter.strip().partition(b"=")
        if name.lower() == b"boundary":
            return value.strip(b'"')
    return None


def _as_bytes(data: Any) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else bytes(data)


def _parameter(name: str, value: Any) -> bytes:
    """A parameter of Content-Disposition, escaped."""
    if not isinstance(value, str):
        raise TypeError(f"the {name} of a part must be str, not {type(value)}")
    return f'{name}="{value.translate(_ESCAPES)}"'.encode()


class DataField:
    """A part that is a form field.

    name: str. value: str, bytes, int, float, bool or None. Raises TypeError for others.
    """

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: str | bytes | float | None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a form field must be str, not {type(name)}")
        if value is not None and not isinstance(value, (str, bytes, int, float)):
            raise TypeError(f"a form field must be str, bytes, a number or None, not {type(value)}")
        self.name = name
        self.value = value if isinstance(value, bytes) else form_text(value)

    def render_headers(self) -> bytes:
        """The head of the part, with the empty line that ends it."""
        return b"Content-Disposition: form-data; " + _parameter("name", self.name) + b"\r\n\r\n"

    def render_data(self) -> bytes:
        """The content of the part."""
        return _as_bytes(self.value)

    def get_length(self) -> int:
        """Head and content, in bytes."""
        return len(self.render_headers()) + len(self.render_data())

    def render(self) -> Iterator[bytes]:
        """Head and content."""
        return iter((self.render_headers(), self.render_data()))


class FileField:
    """A part that is a file: read when the stream is iterated, from its beginning if it can seek, and is no async file.

    name: str. value: the content (str, bytes, a stream, or a file in binary mode), or a tuple of a file name (None: the
    part has none) and the content, then maybe a content type, then maybe a mapping of more field lines for the head of
    the part. Raises TypeError or ValueError for others.
    """

    __slots__ = ("content", "file", "filename", "headers", "name")

    def __init__(self, name: str, value: FileTypes) -> None:
        content_type: str | None = None
        headers: Mapping[str, str] = {}
        content: Any
        if not isinstance(value, tuple):
            filename: str | None = _name_of(value)
            content = value
        elif len(value) == 2:
            filename, content = value
        elif len(value) == 3:
            filename, content, content_type = value
        elif len(value) == 4:
            filename, content, content_type, headers = value
        else:
            raise ValueError(f"a tuple for a file has 2 to 4 members, not {len(value)}")
        self.name = name
        self.filename = filename
        self.file = content
        self.headers = dict(headers)
        self.content = _content_of(content)  # what is sent: bytes or a stream
        if content_type is None and isinstance(content, (Stream, Content)):
            content_type = content.content_type
        if content_type is None:
            content_type = _guess_content_type(filename)
        if content_type is not None and not any("content-type" in key.lower() for key in self.headers):
            self.headers["Content-Type"] = content_type

    def render_headers(self) -> bytes:
        """The head of the part, with the empty line that ends it. Raises TypeError, ValueError."""
        head = b"Content-Disposition: form-data; " + _parameter("name", self.name)
        if self.filename:
            head += b"; " + _parameter("filename", self.filename)
        for name, value in self.headers.items():
            if not isinstance(value, str):
                raise TypeError(f"a field value in the head of a part must be str, not {type(value)}")
            if not _FIELD_NAME(name) or _ENDS_A_LINE(value):
                raise ValueError(
                    f"the field {name!r} cannot stand in the head of a part: not a token, or a line end"
                )
            head += f"\r\n{name}: {value}".encode()
        return head + b"\r\n\r\n"

    def get_length(self) -> int | None:
        """Head and content, in bytes; None: the size of the content is unknown."""
        head = self.render_headers()
        size = len(self.content) if isinstance(self.content, bytes) else self.content.size
        return None if size is None else len(head) + size

    def render_data(self) -> Iterator[bytes]:
        """The content of the part. Raises StreamConsumed when it has been read and cannot be read again."""
        return iter((self.content,)) if isinstance(self.content, bytes) else _pieces_of(self.content)

    def render(self) -> Iterator[bytes]:
        """Head and content."""
        return _Pieces([self.render_headers(), self.content])

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return isinstance(self.content, bytes) or can_be_sent_again(self.content)


def _content_of(content: Any) -> bytes | Stream:
    """The content of a file's part. Raises TypeError."""
    if isinstance(content, (str, bytes)):
        return _as_bytes(content)
    if isinstance(content, Content):
        return content.encode()
    if isinstance(content, Stream):
        return content
    if isinstance(content, TextIOBase):
        raise TypeError("a file must be opened in binary mode; StringIO is text, BytesIO is binary")
    if is_async_file(content):
        return as_stream(content)
    if hasattr(content, "read"):
        return FileStream.whole(content)
    return bytes(memoryview(content))  # raises TypeError


def _name_of(content: Any) -> str:
    """The file name of a part for which none was given."""
    from pathlib import Path

    name = getattr(content, "name", "upload")
    if isinstance(content, (Stream, Content)):
        name = name or "upload"
    return Path(str(name)).name


def _guess_content_type(filename: str | None) -> str | None:
    if not filename:
        return None
    from mimetypes import guess_type

    return guess_type(filename)[0] or "application/octet-stream"


def _pieces_of(stream: Stream) -> Any:
    stream._check_world(SyncByteStream, "an AsyncClient")
    return iter(stream)  # type: ignore[call-overload]  # it is a SyncByteStream


class _Pieces:
    """Iterator over segments, for both worlds: bytes as they are, streams in pieces. What is small goes out together.

    spans: files are given as a `FileSpan` where that is possible. One stream is open at a time.
    """

    __slots__ = ("_at", "_full", "_held", "_part", "_parts", "_segments", "_spans")

    def __init__(self, segments: list[bytes | Stream], spans: bool = False) -> None:
        self._segments = segments
        self._at = 0
        self._spans = spans
        self._part: Any = None  # the iterator of the stream that is open
        self._parts: list[bytes] = []  # what goes out together,
        self._full = 0  # and its size
        self._held: Any = None  # what goes out alone, behind that

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> Any:
        while self._collects():
            if self._part is None:
                self._begin(_pieces_of)
            else:
                self._add(next(self._part, None))
        return self._take(StopIteration)

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> Any:
        while self._collects():
            if self._part is None:
                self._begin(_async_pieces_of)
            else:
                try:
                    self._add(await self._part.__anext__())
                except StopAsyncIteration:
                    self._part = None
        return self._take(StopAsyncIteration)

    def _collects(self) -> bool:
        """Whether something can still be added to what goes out next."""
        if self._held is not None or self._full >= FILE_PIECE_BYTES:
            return False
        return self._part is not None or self._at < len(self._segments)

    def _begin(self, pieces_of: Callable[[Stream], Any]) -> None:
        """Go on to the next segment."""
        segment = self._segments[self._at]
        self._at += 1
        if isinstance(segment, bytes):
            self._add(segment)
        elif self._spans and isinstance(segment, FileStream):
            self._part = segment.pieces_and_spans()
        else:
            self._part = pieces_of(segment)

    def _add(self, piece: Any) -> None:
        """Add a piece; None: the part has ended."""
        if piece is None:
            self._part = None
        elif isinstance(piece, FileSpan) or len(piece) >= FILE_PIECE_BYTES:
            self._held = piece  # joined with others it would be copied
        else:
            self._parts.append(piece)
            self._full += len(piece)

    def _take(self, end: type[Exception]) -> Any:
        if self._parts:
            parts, self._parts, self._full = self._parts, [], 0
            return parts[0] if len(parts) == 1 else b"".join(parts)
        if self._held is None:
            raise end
        piece, self._held = self._held, None
        return piece

    def close(self) -> None:
        """Close what is open."""
        self._at = len(self._segments)
        part, self._part, self._held = self._part, None, None
        close = getattr(part, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        """See `close`."""
        part, self._part = self._part, None
        self.close()
        aclose = getattr(part, "aclose", None)
        if aclose is not None:
            await aclose()


def _async_pieces_of(stream: Stream) -> Any:
    stream._check_world(AsyncByteStream, "a Client")
    return stream.__aiter__()  # type: ignore[attr-defined]  # it is an AsyncByteStream


class MultiPartStream(Stream, AsyncByteStream, SyncByteStream):
    """Form fields and files as one stream, read from disk while it is sent, one file at a time.

    data: a mapping of form fields; a list or tuple repeats its field. files: a mapping, or pairs of name and file, of
    which `FileField` takes each; a str is content. boundary: ASCII, not found in the content; None: a random one.

    `size` is known when that of each part is. Iterating it again sends the files again, from their beginnings;
    StreamConsumed is raised for one that cannot. Raises TypeError or ValueError for what cannot be encoded.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: RequestFiles | None = None,
        boundary: bytes | None = None,
    ) -> None:
        if boundary is None:
            boundary = os.urandom(16).hex().encode("ascii")
        if not boundary.isascii() or _ENDS_A_LINE(boundary.decode("ascii")):
            raise ValueError(f"not a boundary: {boundary!r}")
        self.boundary = boundary
        self.content_type = f"multipart/form-data; boundary={boundary.decode('ascii')}"
        self.fields: list[DataField | FileField] = []
        for name, value in (data or {}).items():
            for item in value if isinstance(value, (tuple, list)) else (value,):
                self.fields.append(DataField(name, item))
        pairs: Iterable[Any] = files.items() if isinstance(files, Mapping) else files or ()
        self.fields += [FileField(name, value) for name, value in pairs]

    @property
    def size(self) -> int | None:
        around = len(self.boundary) + 6  # "--", the boundary, a line end; a line end behind the content
        total = around  # the last one has "--" and one line end behind it
        for field in self.fields:
            size = field.get_length()
            if size is None:
                return None
            total += around + size
        return total

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return not self._closed and all(
            field.can_be_sent_again() for field in self.fields if isinstance(field, FileField)
        )

    def pieces_and_spans(self) -> Iterator[Any]:
        """What iterating gives, but files as a `FileSpan` where that is possible."""
        return self._parts(spans=True)

    def _parts(self, *, spans: bool) -> _Pieces:
        """Raises ValueError after `close`."""
        self._check_open()
        segments: list[bytes | Stream] = []
        head = b"--" + self.boundary + b"\r\n"
        for field in self.fields:
            segments.append(head + field.render_headers())
            segments.append(field.content if isinstance(field, FileField) else field.render_data())
            segments.append(b"\r\n")
        segments.append(b"--" + self.boundary + b"--\r\n")
        return _Pieces(segments, spans)

    def __iter__(self) -> Iterator[bytes]:
        return self._parts(spans=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._parts(spans=False)


class MultipartStream(MultiPartStream):
    """`MultiPartStream` with the methods that httpx's has."""

    def get_content_length(self) -> int | None:
        """All of it, in bytes; None when the size of a file is unknown."""
        return self.size

    def get_headers(self) -> dict[str, str]:
        """The field lines that describe the content: its length if that is known, and its type."""
        size = self.size
        framing = {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}
        return {**framing, "Content-Type": str(self.content_type)}

    def iter_chunks(self) -> Iterator[bytes]:
        """The content in pieces."""
        return iter(self)
