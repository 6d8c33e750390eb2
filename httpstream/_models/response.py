"""``Response``: a status, field lines, and content that is in memory or still to come.

How the content reaches the caller is in `reading`; what a client does to a response is in `_conversation`.
"""

from __future__ import annotations

from sys import maxsize

from httpstream._chunker import ByteChunker, TextChunker
from httpstream._config import AS_IT_ARRIVES, DEFAULT_MESSAGE_LIMITS
from httpstream._content import encode_response
from httpstream._decoders import make_decoder
from httpstream._exceptions import HTTPStatusError, ResponseNotRead
from httpstream._iterators import AsyncItems, Items
from httpstream._lines import LineSplitter
from httpstream._status_codes import codes
from httpstream._streams import AsyncByteStream, ByteStream, Stream, SyncByteStream
from httpstream._urls import URL, location_shown

from .charset import charset_of, is_charset
from .cookies import Cookies
from .headers import Headers
from .links import parse_links
from .reading import AsyncReader, SyncReader, UnattachedStream, blame
from .records import Records

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from typing import Any

    from httpstream._config import MessageLimits
    from httpstream._decoders import Decoder
    from httpstream._types import HeaderTypes, ResponseContent, ResponseExtensions

    from .request import Request

__all__ = ["Response"]

# What a redirect to another URL may have for a status (RFC 9110 section 15.4).
REDIRECTS = frozenset((301, 302, 303, 307, 308))
ERROR_TYPES = {1: "Informational response", 3: "Redirect response", 4: "Client error", 5: "Server error"}
# Not pickled: they belong to the connection and to the process.
TRANSIENT = frozenset(("extensions", "stream", "is_closed", "_clock", "_cookies", "_started"))


class Response(Records):
    """An HTTP response.

    status_code: 100 to 599, in practice. headers: field lines. content, text, html, json: the content, of
    which the first that is not None counts; the fields that describe it are added where they are absent.
    stream: the content as a stream, in place of those; then no field is added. request: what was asked.
    extensions: a dict from the transport (``http_version``, ``reason_phrase``, ``network_stream``,
    ``trailers``). history: the responses before this one. default_encoding: the charset of a response that
    names none, or a function from content to its name.
    """

    __module__ = "httpstream"

    next_request: Request | None = None
    is_closed = False
    is_stream_consumed = False
    _request: Request | None = None
    _num_bytes_downloaded = 0
    # Set by the client: seconds, and the clock that gave them, so that `elapsed` is taken when the response
    # closes.
    _clock: Callable[[], float] | None = None
    _started = 0.0

    if TYPE_CHECKING:  # an attribute: a file, unless somebody's transport gave just a stream of httpx's bases

        @property
        def stream(self) -> Stream: ...

        @stream.setter
        def stream(self, stream: SyncByteStream | AsyncByteStream) -> None: ...

    def __init__(
        self,
        status_code: int,
        *,
        headers: HeaderTypes | None = None,
        content: ResponseContent | None = None,
        text: str | None = None,
        html: str | None = None,
        json: Any = None,
        stream: SyncByteStream | AsyncByteStream | None = None,
        request: Request | None = None,
        extensions: ResponseExtensions | None = None,
        history: list[Response] | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        self.status_code = status_code
        self.headers = Headers(headers)
        self._request = request
        self.extensions: dict[str, Any] = {} if extensions is None else dict(extensions)
        self.history: list[Response] = [] if history is None else list(history)
        self.default_encoding = default_encoding
        if stream is not None:
            self.stream = stream
            return
        fields, self.stream = encode_response(content, text, html, json)
        for name, value in fields.items():
            # A length that was set by hand frames the content: both at once are forbidden (RFC 9112 section
            # 6.2).
            if name.lower() != "transfer-encoding" or "content-length" not in self.headers:
                self.headers.setdefault(name, value)
        if isinstance(self.stream, ByteStream):
            self.read()
            self._num_bytes_downloaded = 0

    @classmethod
    def _received(
        cls, status_code: int, headers: Headers, stream: Any, extensions: dict[str, Any]
    ) -> Response:
        """A response that takes over what was made for it alone: no copy, no check. For our own transports."""
        self = cls.__new__(cls)
        self.status_code, self.headers = status_code, headers
        self.stream, self.extensions = stream, extensions
        self.history, self.default_encoding = [], "utf-8"
        return self

    # -- what came ---------------------------------------------------------------------------------

    @property
    def request(self) -> Request:
        """The request that this answers. Raises RuntimeError while none has been set."""
        if self._request is None:
            raise RuntimeError("this response has no request: set response.request first")
        return self._request

    @request.setter
    def request(self, value: Request) -> None:
        self._request = value

    @property
    def url(self) -> URL:
        """The URL of the request."""
        return self.request.url

    @property
    def http_version(self) -> str:
        """The version of the protocol, as in ``HTTP/1.1``."""
        version: bytes | None = self.extensions.get("http_version")
        return "HTTP/1.1" if version is None else version.decode("ascii", "ignore")

    @property
    def reason_phrase(self) -> str:
        """The reason phrase that was sent, else the registered one of the status code."""
        phrase: bytes | None = self.extensions.get("reason_phrase")
        if phrase is None:
            return codes.get_reason_phrase(self.status_code)
        return phrase.decode("ascii", "ignore")

    @property
    def is_informational(self) -> bool:
        """Whether the status code is 1xx."""
        return 100 <= self.status_code <= 199

    @property
    def is_success(self) -> bool:
        """Whether the status code is 2xx."""
        return 200 <= self.status_code <= 299

    @property
    def is_redirect(self) -> bool:
        """Whether the status code is 3xx; not all of those name another URL, see `has_redirect_location`."""
        return 300 <= self.status_code <= 399

    @property
    def is_client_error(self) -> bool:
        """Whether the status code is 4xx."""
        return 400 <= self.status_code <= 499

    @property
    def is_server_error(self) -> bool:
        """Whether the status code is 5xx."""
        return 500 <= self.status_code <= 599

    @property
    def is_error(self) -> bool:
        """Whether the status code is 4xx or 5xx."""
        return 400 <= self.status_code <= 599

    @property
    def has_redirect_location(self) -> bool:
        """Whether this is a 301, 302, 303, 307 or 308 with a ``Location``."""
        return self.status_code in REDIRECTS and "Location" in self.headers

    def raise_for_status(self) -> Response:
        """Return this response if its status code is 2xx, else raise HTTPStatusError.

        Raises RuntimeError while no request has been set.
        """
        request = self.request
        if self.is_success:
            return self
        error_type = ERROR_TYPES.get(self.status_code // 100, "Invalid status code")
        status = f"{self.status_code} {self.reason_phrase}"
        lines = [f"{error_type} '{status}' for url '{self.url._shown()}'"]
        if self.has_redirect_location:
            lines.append(f"Redirect location: '{location_shown(self.headers['location'])}'")
        help_url = f"https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/{self.status_code}"
        lines.append(f"For more information check: {help_url}")
        raise HTTPStatusError("\n".join(lines), request=request, response=self)

    @property
    def cookies(self) -> Cookies:
        """The cookies that this response sets. Raises RuntimeError while no request has been set."""
        if not hasattr(self, "_cookies"):
            cookies = Cookies()
            cookies.extract_cookies(self)
            self._cookies = cookies
        return self._cookies

    @property
    def links(self) -> dict[str | None, dict[str, str]]:
        """The links of the ``Link`` field by relation, else by URL: their parameters, and the ``"url"``."""
        field_value = self.headers.get("link")
        links = [] if field_value is None else parse_links(field_value)
        return {link.get("rel") or link.get("url"): link for link in links}

    @property
    def num_bytes_downloaded(self) -> int:
        """How many bytes of content have been received, before content decoding."""
        if not self.is_closed:
            taken: int | None = getattr(self.stream, "bytes_taken", None)
            if taken is not None:
                return taken
        return self._num_bytes_downloaded

    @property
    def num_bytes_total(self) -> int | None:
        """How many bytes of content there are in all, before content decoding; None: unknown."""
        raw_size = getattr(self.stream, "_raw_size", None)
        if raw_size is not None:
            size: int | None = raw_size()
            return size
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else None

    @property
    def trailers(self) -> Headers:
        """The trailer fields, once the content has been received (RFC 9110 section 6.5)."""
        return Headers(self.extensions.get("trailers"))

    @property
    def elapsed(self) -> datetime.timedelta:
        """The time from sending the request to closing the response. Raises RuntimeError before that."""
        if not hasattr(self, "_elapsed"):
            raise RuntimeError("elapsed is known when the response has been read to its end, or closed")
        from datetime import timedelta

        return timedelta(seconds=self._elapsed)

    @elapsed.setter
    def elapsed(self, elapsed: datetime.timedelta) -> None:
        self._elapsed = elapsed.total_seconds()

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in TRANSIENT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.is_closed = True
        self.extensions = {}
        self.stream = UnattachedStream()

    # -- text --------------------------------------------------------------------------------------

    @property
    def content(self) -> bytes:
        """The content, content coding removed. Raises ResponseNotRead while it has not been read."""
        try:
            return self._content
        except AttributeError:
            raise ResponseNotRead() from None

    @property
    def text(self) -> str:
        """The content as text, in `encoding`; bytes that do not fit become U+FFFD."""
        if not hasattr(self, "_text"):
            content = self.content
            self._text = content.decode(self.encoding or "utf-8", "replace") if content else ""
        return self._text

    def json(self, **kwargs: Any) -> Any:
        """The content as JSON. kwargs: those of `json.loads`, which raises ValueError for anything else."""
        from json import loads

        return loads(self.content, **kwargs)

    @property
    def charset_encoding(self) -> str | None:
        """The charset parameter of ``Content-Type``, in lower case and unchecked; None: there is none."""
        content_type = self.headers.get("content-type")
        return None if content_type is None else charset_of(content_type)

    @property
    def encoding(self) -> str | None:
        """The encoding of the text: the one that was set, else that of `charset_encoding`, else the default.

        Only encodings of text count as charsets (``hex`` and ``zlib`` are not). May be set until `text` is
        read; after that, setting it raises ValueError.
        """
        if not hasattr(self, "_encoding"):
            encoding = self.charset_encoding
            if encoding is None or not is_charset(encoding):
                encoding = None
                if isinstance(self.default_encoding, str):
                    encoding = self.default_encoding
                elif hasattr(self, "_content"):
                    encoding = self.default_encoding(self._content)
            self._encoding = encoding or "utf-8"
        return self._encoding

    @encoding.setter
    def encoding(self, value: str) -> None:
        if hasattr(self, "_text"):
            raise ValueError("the encoding cannot be set after .text has been read")
        self._encoding = value

    # -- the sync world ----------------------------------------------------------------------------

    def _content_decoder(self) -> Decoder | None:
        """What removes the content codings of this response; None: it has none that is known."""
        if self.headers._get_bytes(b"content-encoding") is None:
            return None
        codings = self.headers.get_list("content-encoding", split_commas=True)
        return make_decoder(codings, self._limits())

    def _limits(self) -> MessageLimits:
        """What the transport accepts of a response's parts."""
        limits: MessageLimits = getattr(self.stream, "limits", DEFAULT_MESSAGE_LIMITS)
        return limits

    def _line_splitter(self, encoding: str | None, max_line_bytes: int | None) -> LineSplitter[Any]:
        limit = self._limits().max_line_bytes if max_line_bytes is None else max_line_bytes
        return LineSplitter(encoding, limit)

    def _whole(self) -> int | None:
        """The chunk size that gives the content as one object, received into where that is possible."""
        is_coded = self.headers._get_bytes(b"content-encoding") is not None
        return None if is_coded or not hasattr(self.stream, "attach") else maxsize

    def _arrived(self, world: type) -> bytes | None:
        """The content when it came together with the head and is not coded: most answers of an API.

        None: it has to be read. The response is closed when it was there.
        """
        stream = self.stream
        if (
            not hasattr(stream, "take_arrived")
            or not isinstance(stream, world)
            or self.is_stream_consumed
            or self.is_closed
            or self.headers._get_bytes(b"content-encoding") is not None
        ):
            return None
        content: bytes | None = stream.take_arrived()
        if content is not None:
            self.is_stream_consumed = True
            self._note_closing()
        return content

    def read(self) -> bytes:
        """Read the content into memory, once, content coding removed, close the response, return it."""
        if not hasattr(self, "_content"):
            content = self._arrived(SyncByteStream)
            if content is None:
                content = self._keep(b"".join(self.iter_bytes(self._whole())))
            self._content = content
        return self._content

    def _keep(self, content: bytes) -> bytes:
        """The content has been read: the stream gives it from now on, as a file does."""
        if isinstance(self.stream, Stream):
            self.stream.replay(content)
        return content

    def iter_bytes(self, chunk_size: int | None = AS_IT_ARRIVES) -> Items[bytes]:
        """Iterate over the content as bytes, content coding (gzip, deflate, br, zstd) removed.

        chunk_size, in bytes, has three meanings:
        left out: at most 1024 at a time, never waiting for more: what has arrived is handed over at once;
        an int N: exactly N, but for the last chunk;
        None: as received, unsplit, the fastest.

        Raises, at the first item, StreamConsumed, StreamClosed, or RuntimeError (an async stream); while
        reading RequestError. Close the response, or leave its ``with`` block, to stop early.
        """
        return Items(ByteChunker(chunk_size), SyncReader(self))

    def iter_text(self, chunk_size: int | None = AS_IT_ARRIVES) -> Items[str]:
        """Iterate over the content as text in `encoding`; bytes that do not fit become U+FFFD.

        chunk_size counts bytes before decoding; a character that is cut by the border goes to the next chunk.
        It has three meanings: left out: at most 1024 bytes at a time, never waiting for more; an int N:
        exactly N, but for the last chunk; None: as received, unsplit.

        Raises as `iter_bytes` does.
        """
        return Items(TextChunker(chunk_size, self.encoding or "utf-8"), SyncReader(self))

    def iter_lines(self, *, max_line_bytes: int | None = None) -> Items[str]:
        r"""Iterate over the content as lines of text in `encoding`, without their ends.

        A line ends with ``\n``, ``\r\n`` or ``\r``, and with nothing else; it is handed over as soon as its
        end is there. max_line_bytes: a longer line raises LineTooLong; None: what the
        transport's MessageLimits say (64 MiB). Raises as `iter_bytes` does.
        """
        splitter = self._line_splitter(self.encoding or "utf-8", max_line_bytes)
        return Items(splitter, SyncReader(self))

    def iter_lines_bytes(self, *, max_line_bytes: int | None = None) -> Items[bytes]:
        """Iterate over the content as lines of bytes: those of `iter_lines`, not decoded to text."""
        return Items(self._line_splitter(None, max_line_bytes), SyncReader(self))

    def iter_raw(self, chunk_size: int | None = AS_IT_ARRIVES) -> Items[bytes]:
        """Iterate over the content as it was sent: transfer coding removed, content coding kept.

        chunk_size, in bytes, has three meanings:
        left out: at most 1024 at a time, never waiting for more: what has arrived is handed over at once;
        an int N: exactly N, but for the last chunk;
        None: as received, unsplit, the fastest.

        Raises as `iter_bytes` does; StreamConsumed also when the content has been read into memory.
        """
        return Items(ByteChunker(chunk_size), SyncReader(self, raw=True))

    def close(self) -> None:
        """Close the response and give its connection back. Reading to the end does it too.

        Raises RuntimeError when the stream belongs to the async world.
        """
        if not isinstance(self.stream, SyncByteStream):
            raise RuntimeError("close() was called on a response whose stream is async: use aclose()")
        if not self.is_closed:
            self._note_closing()
            try:
                self.stream.close()
            except BaseException as exc:
                blame(exc, self._request)
                raise

    def _note_closing(self) -> None:
        """Take the last figures of a response that is about to be closed."""
        self._num_bytes_downloaded = self.num_bytes_downloaded
        self.is_closed = True
        if self._clock is not None:
            self._elapsed = self._clock() - self._started

    # -- the async world ---------------------------------------------------------------------------

    async def aread(self) -> bytes:
        """See `read`."""
        if not hasattr(self, "_content"):
            content = self._arrived(AsyncByteStream)
            if content is None:
                content = self._keep(b"".join([piece async for piece in self.aiter_bytes(self._whole())]))
            self._content = content
        return self._content

    def aiter_bytes(self, chunk_size: int | None = AS_IT_ARRIVES) -> AsyncItems[bytes]:
        """See `iter_bytes`: left out, at most 1024 bytes, never waiting; N, exactly N; None, as received."""
        return AsyncItems(ByteChunker(chunk_size), AsyncReader(self))

    def aiter_text(self, chunk_size: int | None = AS_IT_ARRIVES) -> AsyncItems[str]:
        """See `iter_text`: left out, at most 1024 bytes, never waiting; N, exactly N; None, as received."""
        return AsyncItems(TextChunker(chunk_size, self.encoding or "utf-8"), AsyncReader(self))

    def aiter_lines(self, *, max_line_bytes: int | None = None) -> AsyncItems[str]:
        """See `iter_lines`."""
        splitter = self._line_splitter(self.encoding or "utf-8", max_line_bytes)
        return AsyncItems(splitter, AsyncReader(self))

    def aiter_lines_bytes(self, *, max_line_bytes: int | None = None) -> AsyncItems[bytes]:
        """See `iter_lines_bytes`."""
        return AsyncItems(self._line_splitter(None, max_line_bytes), AsyncReader(self))

    def aiter_raw(self, chunk_size: int | None = AS_IT_ARRIVES) -> AsyncItems[bytes]:
        """See `iter_raw`: left out, at most 1024 bytes, never waiting; N, exactly N; None, as received."""
        return AsyncItems(ByteChunker(chunk_size), AsyncReader(self, raw=True))

    async def aclose(self) -> None:
        """See `close`. Raises RuntimeError when the stream belongs to the sync world."""
        if not isinstance(self.stream, AsyncByteStream):
            raise RuntimeError("aclose() was called on a response whose stream is sync: use close()")
        if not self.is_closed:
            self._note_closing()
            try:
                await self.stream.aclose()
            except BaseException as exc:
                blame(exc, self._request)
                raise
