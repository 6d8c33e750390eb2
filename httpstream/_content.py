"""What the caller gives as content, made into the header fields that describe it and a stream of its pieces.

A known size becomes ``Content-Length``, an unknown one ``Transfer-Encoding: chunked``; fields set by hand are
merged by ``Request``. A file is asked how much is ahead; it is read when its stream is iterated.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from functools import lru_cache

from ._content_types import Content
from ._files import is_async_file
from ._streams import AsyncByteStream, ByteStream, Stream, SyncByteStream
from ._streams.file import FileStream
from ._streams.iterables import AsyncFilePieces, AsyncIterStream, IterStream

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._multipart import MultipartStream
    from ._types import RequestContent, RequestData, RequestFiles, ResponseContent

__all__ = ["AsyncIteratorByteStream", "ByteStream", "IteratorByteStream", "encode_request", "encode_response"]


class IteratorByteStream(IterStream):
    """Content from an iterable of bytes, or from a binary file, which is read from where it stands now.

    A list can be streamed again, and so can a file that can seek: from the same position. A generator, any
    iterator, or a pipe cannot: the second time raises StreamConsumed rather than sending nothing.
    """

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._file = FileStream(stream) if hasattr(stream, "read") else None
        super().__init__(stream if self._file is None else self._file)

    @property
    def size(self) -> int | None:
        return None if self._file is None else self._file.size

    def can_be_sent_again(self) -> bool:
        """See `httpstream._streams.can_be_sent_again`."""
        return super().can_be_sent_again() if self._file is None else self._file.can_be_sent_again()

    def pieces_and_spans(self) -> Iterator[Any]:
        """See `FileStream.pieces_and_spans`."""
        return iter(self) if self._file is None else self._file.pieces_and_spans()

    def close(self) -> None:
        """Close the stream; what it was made of stays the caller's."""
        Stream.close(self)


class AsyncIteratorByteStream(AsyncIterStream):
    """Content from an async iterable of bytes, or from a file whose ``read(size)``, or ``aread``, is awaited.

    An async generator, another iterator or a file cannot be streamed again: that raises StreamConsumed.
    """

    def __init__(self, stream: AsyncIterable[bytes]) -> None:
        read = getattr(stream, "aread", None) or (stream.read if is_async_file(stream) else None)  # type: ignore[attr-defined]  # it is one
        super().__init__(stream if read is None else AsyncFilePieces(read))

    async def aclose(self) -> None:
        """Close the stream; what it was made of stays the caller's."""
        await Stream.aclose(self)


def encode_content(content: Any) -> tuple[dict[str, str], SyncByteStream | AsyncByteStream]:
    """``content=``: text, bytes, a stream or content type, a binary file, an iterable or async iterable of bytes.

    Raises TypeError for anything else.
    """
    if isinstance(content, str):
        content = content.encode("utf-8")
    if isinstance(content, (bytes, bytearray, memoryview)):
        body = bytes(content)
        return ({"Content-Length": str(len(body))} if body else {}), ByteStream(body)
    if isinstance(content, Content):
        content = content.encode()
    if isinstance(content, Stream):
        return _fields_of(content), content  # type: ignore[return-value]  # of at least one world
    # A dict is an iterable, but one given as content was meant for data= or json=.
    if isinstance(content, Iterable) and not isinstance(content, dict):
        if hasattr(content, "encoding") and hasattr(content, "read"):
            raise TypeError("a file given as content must be opened in binary mode")
        stream = IteratorByteStream(content)
        return _framing(stream.size), stream
    if isinstance(content, AsyncIterable) or is_async_file(content):
        return {"Transfer-Encoding": "chunked"}, AsyncIteratorByteStream(content)
    raise TypeError(
        f"content must be str, bytes, or an iterable or async iterable of bytes, not {type(content)}"
    )


def _framing(size: int | None) -> dict[str, str]:
    return {"Transfer-Encoding": "chunked"} if size is None else {"Content-Length": str(size)}


def _fields_of(stream: Stream) -> dict[str, str]:
    """The fields that describe a stream: a known size is its Content-Length, an unknown one makes it chunked."""
    size = stream.size
    if size == 0 and type(stream) is ByteStream and stream.content_type is None:
        return {}  # no content, as b"" is none
    fields = _framing(size)
    if stream.content_type is not None:
        fields["Content-Type"] = stream.content_type
    if stream.content_encoding is not None:
        fields["Content-Encoding"] = stream.content_encoding
    return fields


def _in_memory(body: bytes, content_type: str) -> tuple[dict[str, str], ByteStream]:
    return {"Content-Length": str(len(body)), "Content-Type": content_type}, ByteStream(body)


def form_bytes(data: Mapping[str, Any]) -> bytes:
    """Form fields, URL-encoded; a list or tuple repeats its field. True is "true", None is empty."""
    from urllib.parse import urlencode

    from ._multipart import form_text

    fields = [
        (name, form_text(item))
        for name, value in data.items()
        for item in (value if isinstance(value, (list, tuple)) else (value,))
    ]
    return urlencode(fields).encode("ascii")


def encode_urlencoded_data(data: Mapping[str, Any]) -> tuple[dict[str, str], ByteStream]:
    """``data=``: form fields."""
    return _in_memory(form_bytes(data), "application/x-www-form-urlencoded")


def encode_multipart_data(
    data: Mapping[str, Any], files: RequestFiles, boundary: bytes | None = None
) -> tuple[dict[str, str], MultipartStream]:
    """``files=``: form fields and files."""
    from ._multipart import MultipartStream

    multipart = MultipartStream(data, files, boundary)
    return multipart.get_headers(), multipart


def encode_text(text: str) -> tuple[dict[str, str], ByteStream]:
    """``text=`` of a response."""
    return _in_memory(text.encode("utf-8"), "text/plain; charset=utf-8")


def encode_html(html: str) -> tuple[dict[str, str], ByteStream]:
    """``html=`` of a response."""
    return _in_memory(html.encode("utf-8"), "text/html; charset=utf-8")


@lru_cache(maxsize=1)
def _json_encode() -> Callable[[Any], str]:
    # Made once: json.dumps() makes a new encoder for every call with options. Compact, as no one reads it;
    # NaN is refused, since JSON has none.
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def json_bytes(json: Any) -> bytes:
    """A value that the json module can write. Raises TypeError or ValueError for others."""
    return _json_encode()(json).encode("utf-8")


def encode_json(json: Any) -> tuple[dict[str, str], ByteStream]:
    """``json=``: any value that the json module can write. Raises TypeError or ValueError for others."""
    return _in_memory(json_bytes(json), "application/json")


def encode_request(
    content: RequestContent | None = None,
    data: RequestData | None = None,
    files: RequestFiles | None = None,
    json: Any | None = None,
    boundary: bytes | None = None,
) -> tuple[dict[str, str], SyncByteStream | AsyncByteStream]:
    """The content of a request: its header fields, and its stream.

    The first that is given counts: data that is no mapping, content, files (with data as their form fields), data,
    json. boundary: between the parts of multipart content; None: a random one. Raises TypeError or ValueError for
    what cannot be encoded.
    """
    if data is not None and not isinstance(data, Mapping):
        if isinstance(data, (Content, Stream)):
            return encode_content(data)
        warnings.warn(
            "data= is for form fields: give bytes, text or an iterable as content=", DeprecationWarning, 2
        )
        return encode_content(data)
    if content is not None:
        return encode_content(content)
    if files:
        return encode_multipart_data(data or {}, files, boundary)
    if data:
        return encode_urlencoded_data(data)
    if json is not None:
        return encode_json(json)
    return {}, ByteStream(b"")


def encode_response(
    content: ResponseContent | None = None,
    text: str | None = None,
    html: str | None = None,
    json: Any | None = None,
) -> tuple[dict[str, str], SyncByteStream | AsyncByteStream]:
    """The content of a response that is made by hand: its header fields, and its stream.

    Raises TypeError or ValueError for what cannot be encoded.
    """
    if content is not None:
        return encode_content(content)
    if text is not None:
        return encode_text(text)
    if html is not None:
        return encode_html(html)
    if json is not None:
        return encode_json(json)
    return {}, ByteStream(b"")
