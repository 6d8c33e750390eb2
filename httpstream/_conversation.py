"""What both clients do to a request and a response, as far as it needs no waiting.

Merging of a client's defaults into a request, the life of a client, the log line, the request of an
exception. What waits (sending, reading, closing) is in `_client` and `_async_client`; no connection is known
here.
"""

from __future__ import annotations

import enum
import logging
from time import perf_counter

from .__version__ import __version__
from ._config import Timeout
from ._decoders import supported_codings
from ._exceptions import HTTPStatusError
from ._models.headers import Headers
from ._models.request import Request
from ._models.response import Response, without_password
from ._urls import URL, QueryParams

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._types import (
        HeaderTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        TimeoutTypes,
    )

__all__ = ["USE_CLIENT_DEFAULT"]

logger = logging.getLogger("httpstream")

USER_AGENT = f"python-httpstream/{__version__}"

# What the body of an error response may add to memory when a stream() block is left with its HTTPStatusError.
MAX_ERROR_CONTENT = 1024 * 1024

# URLs per client whose parsed form is kept: enough for an API's paths, little memory for a crawler.
URL_CACHE_SIZE = 256


class UseClientDefault:
    """The type of ``USE_CLIENT_DEFAULT``: an argument that was left out; the client's own value counts.

    For a timeout None means something else: no timeout at all.
    """

    __module__ = "httpstream"

    def __repr__(self) -> str:
        return "USE_CLIENT_DEFAULT"


USE_CLIENT_DEFAULT = UseClientDefault()


class ClientState(enum.Enum):
    """The life of a client, in this order."""

    UNOPENED = 1  # made, and not used yet
    OPENED = 2  # has sent a request, or its `with` block has been entered
    CLOSED = 3


class BaseClient:
    """The settings that both clients share, and how they become part of a request."""

    def __init__(
        self,
        *,
        params: QueryParamTypes | None,
        headers: HeaderTypes | None,
        timeout: TimeoutTypes,
        base_url: URL | str,
        trust_env: bool,
        default_encoding: str | Callable[[bytes], str],
    ) -> None:
        self._state = ClientState.UNOPENED
        self._trust_env = trust_env
        self._default_encoding = default_encoding
        self.base_url = base_url
        self.headers = headers
        self.params = params
        self.timeout = timeout

    @property
    def is_closed(self) -> bool:
        """Whether the client has been closed; then it sends no more requests."""
        return self._state is ClientState.CLOSED

    @property
    def trust_env(self) -> bool:
        """Whether the environment's variables (``SSL_CERT_FILE``, ``SSL_CERT_DIR``) count."""
        return self._trust_env

    @property
    def timeout(self) -> Timeout:
        """The timeouts of requests that name none; may be set."""
        return self._timeout

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._timeout = Timeout(timeout)

    @property
    def base_url(self) -> URL:
        """What relative URLs are appended to; its path ends with a slash. May be set."""
        return self._base_url

    @base_url.setter
    def base_url(self, url: URL | str) -> None:
        url = URL(url)
        self._base_url = url if url.raw_path.endswith(b"/") else url.copy_with(raw_path=url.raw_path + b"/")
        self._merged_urls: dict[str, URL] = {}

    @property
    def headers(self) -> Headers:
        """The field lines of every request. Setting it keeps the default ones that it does not name."""
        return self._headers

    @headers.setter
    def headers(self, headers: HeaderTypes | None) -> None:
        self._headers = Headers(
            {
                "Accept": "*/*",
                "Accept-Encoding": ", ".join(supported_codings()),
                "Connection": "keep-alive",
                "User-Agent": USER_AGENT,
            }
        )
        self._headers.update(headers)

    @property
    def params(self) -> QueryParams:
        """The query parameters of every request; may be set."""
        return self._params

    @params.setter
    def params(self, params: QueryParamTypes | None) -> None:
        self._params = QueryParams(params)

    def build_request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Request:
        """Make a request of the arguments and of this client's defaults, without sending it.

        params and headers are added to the client's own, a relative url to its base_url; the arguments are
        those of `httpstream.request`. Raises InvalidURL, and TypeError or ValueError for content that cannot
        be encoded.
        """
        extensions = {} if extensions is None else dict(extensions)
        if "timeout" not in extensions:
            chosen = self._timeout if isinstance(timeout, UseClientDefault) else Timeout(timeout)
            extensions["timeout"] = chosen.as_dict()
        return Request(
            method,
            self._merge_url(url),
            content=content,
            data=data,
            json=json,
            params=self._merge_queryparams(params),
            headers=self._merge_headers(headers),
            extensions=extensions,
        )

    def _merge_url(self, url: URL | str) -> URL:
        """The URL of a request: the given one, or, when it is relative, the base URL with it appended."""
        if type(url) is not str:
            return self._append_to_base(URL(url))
        merged = self._merged_urls.get(url)
        if merged is None:
            merged = self._append_to_base(URL(url))
            if len(self._merged_urls) >= URL_CACHE_SIZE:
                self._merged_urls.clear()
            self._merged_urls[url] = merged
        return merged

    def _append_to_base(self, url: URL) -> URL:
        if not url.is_relative_url:
            return url
        # Appended, not resolved as RFC 3986 has it: "/users" stays below the path of the base URL.
        return self._base_url.copy_with(raw_path=self._base_url.raw_path + url.raw_path.lstrip(b"/"))

    def _merge_headers(self, headers: HeaderTypes | None = None) -> Headers:
        if headers is None:
            return self._headers
        merged = Headers(self._headers)
        merged.update(headers)
        return merged

    def _merge_queryparams(self, params: QueryParamTypes | None = None) -> QueryParamTypes | None:
        if params or self._params:
            return self._params.merge(params)
        return params

    def _enter(self) -> None:
        """Note that the client's block is entered. Raises RuntimeError when it was used before."""
        if self._state is ClientState.OPENED:
            raise RuntimeError("a client cannot be entered twice, or after it has sent a request")
        if self._state is ClientState.CLOSED:
            raise RuntimeError("a client cannot be entered after it has been closed")
        self._state = ClientState.OPENED

    def _begin(self, request: Request) -> float:
        """Make a request ready to be sent. Returns the time, in seconds of `perf_counter`.

        Raises RuntimeError when the client has been closed.
        """
        if self._state is not ClientState.OPENED:
            if self._state is ClientState.CLOSED:
                raise RuntimeError("a client cannot send a request after it has been closed")
            self._state = ClientState.OPENED
        if "timeout" not in request.extensions:
            request.extensions = {**request.extensions, "timeout": self._timeout.as_dict()}
        return perf_counter()

    def _adopt(self, response: Response, request: Request, started: float) -> None:
        """Tell a response which request it answers and when that started; write the log line."""
        response.request = request
        response.default_encoding = self._default_encoding
        if not response.is_closed:
            response._started = started
            response._clock = perf_counter
        if logger.isEnabledFor(logging.INFO):
            logger.info(
                'HTTP Request: %s %s "%s %d %s"',
                request.method,
                without_password(request.url),
                response.http_version,
                response.status_code,
                response.reason_phrase,
            )


def wants_content(exc: BaseException | None, response: Response) -> bool:
    """Whether an exception that ends a stream() block is the status error of its response, still unread."""
    return (
        isinstance(exc, HTTPStatusError)
        and exc.response is response
        and not response.is_stream_consumed
        and not response.is_closed
    )


class ErrorContent:
    """The content of an error response that is worth keeping: at most 1 MiB, within the read timeout."""

    def __init__(self, request: Request) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        timeout: float | None = request.extensions.get("timeout", {}).get("read")
        self._deadline = None if timeout is None else perf_counter() + timeout

    def add(self, piece: bytes) -> bool:
        """Keep a piece. False: that is enough."""
        self._pieces.append(piece)
        self._size += len(piece)
        in_time = self._deadline is None or perf_counter() < self._deadline
        return in_time and self._size < MAX_ERROR_CONTENT

    def keep_in(self, response: Response) -> None:
        """Make what has come the content of the response."""
        response._content = b"".join(self._pieces)[:MAX_ERROR_CONTENT]
