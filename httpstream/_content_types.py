"""Content as a value: what it means and how it is written. ``encode()`` gives the stream of its bytes.

Values do not change: those of text keep the bytes that they were made into, those of files read when they are sent.
Here a ``str`` in the place of a file is a path; everywhere else it is content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ._streams import ByteStream, Stream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    from ._multipart import MultiPartStream
    from ._streams.file import FileStream

__all__ = ["HTML", "JSON", "Content", "File", "Files", "Form", "MultiPart", "Text"]


class Content:
    """Base of all content types. To make one of your own, define `encode` and set `content_type`.

    content_type: the value of the ``Content-Type`` field; None: no such field.
    """

    __module__ = "httpstream"

    content_type: str | None = None

    def encode(self) -> Stream:
        """The content as a stream, a new one each time. Its content_type is that of this value."""
        raise NotImplementedError(f"{type(self).__name__} does not define encode()")


class _Value(Content):
    """A value that does not change: its attributes are set once, when it is made."""

    __module__ = "httpstream"

    def _set(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change: make a new one")


class _InMemory(_Value):
    """Content that is bytes already."""

    __module__ = "httpstream"

    def __init__(self, body: bytes, content_type: str) -> None:
        self._set(_body=body, content_type=content_type)

    def encode(self) -> ByteStream:
        stream = ByteStream(self.__dict__["_body"])
        stream.content_type = self.content_type
        return stream

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.__dict__["_body"]))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({len(self.__dict__['_body'])} bytes)>"


class JSON(_InMemory):
    """A value as JSON: compact, UTF-8, without NaN. Raises TypeError or ValueError for what JSON cannot write."""

    __module__ = "httpstream"

    def __init__(self, data: Any) -> None:
        from ._content import json_bytes

        super().__init__(json_bytes(data), "application/json")


class Form(_InMemory):
    """Form fields, as a browser sends a form without files; a list or tuple repeats its field."""

    __module__ = "httpstream"

    def __init__(self, data: Mapping[str, Any]) -> None:
        from ._content import form_bytes

        super().__init__(form_bytes(data), "application/x-www-form-urlencoded")


class Text(_InMemory):
    """Plain text, as UTF-8."""

    __module__ = "httpstream"

    def __init__(self, text: str) -> None:
        super().__init__(text.encode("utf-8"), "text/plain; charset=utf-8")


class HTML(_InMemory):
    """HTML, as UTF-8."""

    __module__ = "httpstream"

    def __init__(self, html: str) -> None:
        super().__init__(html.encode("utf-8"), "text/html; charset=utf-8")


class _Opened(_Value):
    """Content whose stream a ``with`` block opens and closes."""

    __module__ = "httpstream"

    def __enter__(self) -> Any:
        stream = self.encode()
        stream.__enter__()
        self.__dict__.setdefault("_open", []).append(stream)
        return stream

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.__dict__["_open"].pop().close()

    async def __aenter__(self) -> Any:
        stream = self.encode()
        await stream.__aenter__()
        self.__dict__.setdefault("_open", []).append(stream)
        return stream

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.__dict__["_open"].pop().aclose()


class File(_Opened):
    """A file on disk. ``with File(path) as stream:`` opens it.

    path: str or path-like. content_type: None: guessed from the name.
    """

    __module__ = "httpstream"

    name: str

    def __init__(self, path: str | os.PathLike[str], *, content_type: str | None = None) -> None:
        from ._streams.file import guess_content_type

        name = os.fspath(path)
        self._set(
            name=name, content_type=content_type or guess_content_type(name) or "application/octet-stream"
        )

    def encode(self) -> FileStream:
        from ._streams.file import FileStream

        return FileStream(self.name, content_type=self.content_type)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (other.name, other.content_type) == (
            self.name,
            self.content_type,
        )

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.name!r})>"


class MultiPart(_Opened):
    """Form fields and files, as a browser sends a form with files. ``with MultiPart(...) as stream:`` reads it.

    form: as in `Form`. files: a mapping, or pairs of name and file, in the shapes of httpx's ``files=``; where those
    take content, a str or path-like is a path here. boundary: None: a random one, the same for every `encode`.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        form: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        *,
        boundary: bytes | None = None,
    ) -> None:
        pairs = files.items() if isinstance(files, Mapping) else files or ()
        self._set(_form=dict(form or {}), _files=[(name, _with_path(file)) for name, file in pairs])
        self._set(_boundary=boundary)
        stream = self.encode()
        self._set(_boundary=stream.boundary, content_type=stream.content_type)

    def encode(self) -> MultiPartStream:
        from ._multipart import MultiPartStream

        own = self.__dict__
        return MultiPartStream(own["_form"], own["_files"], own["_boundary"])

    def __repr__(self) -> str:
        own = self.__dict__
        names = [*own["_form"], *(name for name, _ in own["_files"])]
        return f"<{type(self).__name__}({', '.join(map(repr, names))})>"


class Files(MultiPart):
    """Files, as a browser sends a form of files only: see `MultiPart`."""

    __module__ = "httpstream"

    def __init__(
        self,
        files: Mapping[str, Any] | Iterable[tuple[str, Any]],
        *,
        boundary: bytes | None = None,
    ) -> None:
        super().__init__(None, files, boundary=boundary)


def _with_path(file: Any) -> Any:
    """A file in a shape of httpx's, with a `File` in the place of a path."""
    if isinstance(file, (str, os.PathLike)):
        return File(file)
    if isinstance(file, tuple) and len(file) > 1 and isinstance(file[1], (str, os.PathLike)):
        return (file[0], File(file[1]), *file[2:])
    return file
