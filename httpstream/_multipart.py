"""``multipart/form-data``: form fields and files as one stream of content (RFC 7578, RFC 2046 section 5.1).

A file is read when the stream is iterated, a piece at a time; how much it holds is asked beforehand. Nothing that the
caller gives adds a line to the head of a part: names are escaped as browsers do, and more, and field lines are checked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from io import TextIOBase

from ._exceptions import StreamConsumed
from ._files import FILE_PIECE_BYTES, position_of, size_of
from ._streams import AsyncByteStream, SyncByteStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from typing import Any

    from ._types import FileTypes, RequestData, RequestFiles

__all__ = ["DataField", "FileField", "MultipartStream"]

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
            raise TypeError(f"the name of a form field must be str, not {type(name)}: {name!r}")
        if value is not None and not isinstance(value, (str, bytes, int, float)):
            raise TypeError(
                f"a form field must be str, bytes, a number or None, not {type(value)}: {value!r}"
            )
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
    """A part that is a file: read when the stream is iterated, from its beginning if it can seek.

    name: str. value: the content (str, bytes, or a file in binary mode), or a tuple of a file name (None: the part
    has none) and the content, then maybe a content type, then maybe a mapping of more field lines for the head of the
    part. Raises TypeError or ValueError for others.
    """

    __slots__ = ("_streamed", "file", "filename", "headers", "name")

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
        if isinstance(content, TextIOBase):
            raise TypeError("a file must be opened in binary mode; StringIO is text, BytesIO is binary")
        if not isinstance(content, (str, bytes)) and not hasattr(content, "read"):
            content = bytes(memoryview(content))  # raises TypeError
        self.name = name
        self.filename = filename
        self.file = content
        self.headers = dict(headers)
        if content_type is None:
            content_type = _guess_content_type(filename)
        if content_type is not None and not any("content-type" in key.lower() for key in self.headers):
            self.headers["Content-Type"] = content_type
        self._streamed = False

    def render_headers(self) -> bytes:
        """The head of the part, with the empty line that ends it. Raises TypeError, ValueError."""
        head = b"Content-Disposition: form-data; " + _parameter("name", self.name)
        if self.filename:
            head += b"; " + _parameter("filename", self.filename)
        for name, value in self.headers.items():
            if not isinstance(value, str):
                raise TypeError(f"a field value in the head of a part must be str, not {type(value)}")
            if not _FIELD_NAME(name) or _ENDS_A_LINE(value):
                raise ValueError(f"not a field line for the head of a part: {name!r}: {value!r}")
            head += f"\r\n{name}: {value}".encode()
        return head + b"\r\n\r\n"

    def get_length(self) -> int | None:
        """Head and content, in bytes; None: the size of the content is unknown."""
        head = self.render_headers()
        size = len(_as_bytes(self.file)) if isinstance(self.file, (str, bytes)) else size_of(self.file, 0)
        return None if size is None else len(head) + size

    def render_data(self) -> Iterator[bytes]:
        """The content of the part. Raises StreamConsumed when it has been read and cannot be read again."""
        return iter(_Pieces([self._content()]))

    def render(self) -> Iterator[bytes]:
        """Head and content."""
        return iter(_Pieces([self.render_headers(), self._content()]))

    def _content(self) -> bytes | FileField:
        return _as_bytes(self.file) if isinstance(self.file, (str, bytes)) else self

    def rewind(self) -> Any:
        """The file, at its beginning. Raises StreamConsumed."""
        if not self.can_be_sent_again():
            raise StreamConsumed()
        self._streamed = True
        if position_of(self.file) is not None:
            self.file.seek(0)
        return self.file

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        if not self._streamed or isinstance(self.file, (str, bytes)):
            return True
        return not getattr(self.file, "closed", False) and position_of(self.file) is not None


def _name_of(content: Any) -> str:
    """The file name of a part for which none was given."""
    from pathlib import Path

    return Path(str(getattr(content, "name", "upload"))).name


def _guess_content_type(filename: str | None) -> str | None:
    if not filename:
        return None
    from mimetypes import guess_type

    return guess_type(filename)[0] or "application/octet-stream"


class _Pieces:
    """Iterator over segments: bytes as they are, files in pieces. What is small goes out together."""

    __slots__ = ("_at", "_file", "_segments")

    def __init__(self, segments: list[bytes | FileField]) -> None:
        self._segments = segments
        self._at = 0
        self._file: Any = None

    def __iter__(self) -> _Pieces:
        return self

    def __next__(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while size < FILE_PIECE_BYTES:
            piece = self._next(FILE_PIECE_BYTES)
            if piece is None:
                break
            pieces.append(piece)
            size += len(piece)
        if not pieces:
            raise StopIteration
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next(self, size: int) -> bytes | None:
        """Some more content, of a file at most ``size`` bytes of it; None: it has ended."""
        while True:
            if self._file is not None:
                piece = self._file.read(size)
                if piece:
                    return _as_bytes(piece)
                self._file = None
            if self._at == len(self._segments):
                return None
            segment = self._segments[self._at]
            self._at += 1
            if isinstance(segment, bytes):
                return segment
            self._file = segment.rewind()

    def __aiter__(self) -> _Pieces:
        return self

    async def __anext__(self) -> bytes:
        for piece in self:
            return piece
        raise StopAsyncIteration


class MultipartStream(SyncByteStream, AsyncByteStream):
    """Form fields and files as one stream.

    data: a mapping of form fields; a list or tuple repeats its field. files: a mapping, or pairs of name and file, of
    which `FileField` takes each. boundary: ASCII, not found in the content; None: a random one.

    Iterating it again sends the files again, from their beginnings; StreamConsumed is raised for one that cannot.
    Raises TypeError or ValueError for what cannot be encoded.
    """

    def __init__(self, data: RequestData, files: RequestFiles, boundary: bytes | None = None) -> None:
        if boundary is None:
            boundary = os.urandom(16).hex().encode("ascii")
        if not boundary.isascii() or _ENDS_A_LINE(boundary.decode("ascii", "replace")):
            raise ValueError(f"not a boundary: {boundary!r}")
        self.boundary = boundary
        self.content_type = f"multipart/form-data; boundary={boundary.decode('ascii')}"
        self.fields: list[DataField | FileField] = []
        for name, value in data.items():
            for item in value if isinstance(value, (tuple, list)) else (value,):
                self.fields.append(DataField(name, item))
        pairs: Iterable[Any] = files.items() if isinstance(files, Mapping) else files
        self.fields += [FileField(name, value) for name, value in pairs]

    def get_content_length(self) -> int | None:
        """All of it, in bytes; None when the size of a file is unknown."""
        around = len(self.boundary) + 6  # "--", the boundary, a line end; a line end behind the content
        total = around  # the last one has "--" and one line end behind it
        for field in self.fields:
            size = field.get_length()
            if size is None:
                return None
            total += around + size
        return total

    def get_headers(self) -> dict[str, str]:
        """The field lines that describe the content: its type, and its length if that is known."""
        size = self.get_content_length()
        framing = {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}
        return {**framing, "Content-Type": self.content_type}

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return all(field.can_be_sent_again() for field in self.fields if isinstance(field, FileField))

    def iter_chunks(self) -> Iterator[bytes]:
        """The content in pieces."""
        return iter(self)

    def _pieces(self) -> _Pieces:
        segments: list[bytes | FileField] = []
        head = b"--" + self.boundary + b"\r\n"
        for field in self.fields:
            segments.append(head + field.render_headers())
            segments.append(field._content() if isinstance(field, FileField) else field.render_data())
            segments.append(b"\r\n")
        segments.append(b"--" + self.boundary + b"--\r\n")
        return _Pieces(segments)

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()
