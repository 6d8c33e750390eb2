"""`WSGITransport`: requests are answered by a WSGI application, in the calling thread (PEP 3333).

One request becomes one call of the application, what it returns becomes the response's stream. No connection and no
thread stand between; HTTP's framing is never made.
"""

from __future__ import annotations

import sys

from httpstream._exceptions import RemoteProtocolError, UnsupportedProtocol
from httpstream._models.response import Response
from httpstream._streams import Stream, SyncByteStream

from .base import BaseTransport

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Any, TextIO

    from httpstream._models.request import Request

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
    Application = Callable[..., Iterable[bytes]]

__all__ = ["WSGITransport"]

DEFAULT_PORTS = {"http": 80, "https": 443}


class WSGITransport(BaseTransport):
    """Sends each request to a WSGI application, in the calling thread.

        client = httpstream.Client(transport=httpstream.WSGITransport(app=app), base_url="http://testserver")

    app: the application. raise_app_exceptions: whether an exception that it reports by the third argument of
    ``start_response`` is raised to the caller; one that it lets out always is. script_name: where the application is
    mounted. remote_addr: the client's address that it sees. wsgi_errors: where it writes errors; None: ``sys.stderr``.
    Timeouts do not count here.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        app: Application,
        raise_app_exceptions: bool = True,
        script_name: str = "",
        remote_addr: str = "127.0.0.1",
        wsgi_errors: TextIO | None = None,
    ) -> None:
        self.app = app
        self.raise_app_exceptions = raise_app_exceptions
        self.script_name = script_name
        self.remote_addr = remote_addr
        self.wsgi_errors = wsgi_errors

    def handle_request(self, request: Request) -> Response:
        """Call the application and return its response; its content comes as the application yields it.

        Raises what the application raises, RemoteProtocolError when it breaks the rules of WSGI, and
        UnsupportedProtocol for a scheme but http and https.
        """
        start = StartResponse()
        result = self.app(self._environ(request), start)
        content = Content(result, start.written)
        try:
            # An application may call start_response only when it is about to yield its first content.
            content.advance()
            exc_info = start.exc_info
            if exc_info and exc_info[1] is not None and self.raise_app_exceptions:
                raise exc_info[1]
            status, fields = start.head()
        except BaseException:
            content.close()
            raise
        return Response(status, headers=fields, stream=content)

    def _environ(self, request: Request) -> dict[str, Any]:
        from io import BytesIO

        url = request.url
        if url.scheme not in DEFAULT_PORTS:
            raise UnsupportedProtocol(
                f"the request's URL has the scheme {url.scheme!r}: only http and https are spoken"
            )
        environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": url.scheme,
            "wsgi.input": BytesIO(request.read()),
            "wsgi.errors": self.wsgi_errors or sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": self.script_name,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query.decode("ascii"),
            "SERVER_NAME": url.host,
            "SERVER_PORT": str(url.port or DEFAULT_PORTS[url.scheme]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.remote_addr,
        }
        for raw_name, value in request.headers.raw:
            name = raw_name.decode("latin-1").upper().replace("-", "_")
            if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                name = f"HTTP_{name}"
            environ[name] = value.decode("latin-1")  # a native string of PEP 3333
        return environ


class StartResponse:
    """The callable that an application gets, and what it has said by it."""

    def __init__(self) -> None:
        self.exc_info: ExcInfo | None = None
        self.written: list[bytes] = []  # by the old way, a callable in place of the iterable
        self._said: tuple[str, list[tuple[str, str]]] | None = None

    def __call__(
        self, status: str, response_headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        self._said = status, response_headers
        self.exc_info = exc_info
        return self.written.append

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status code and field lines. Raises RemoteProtocolError when they have not been given, or not properly."""
        if self._said is None:
            raise RemoteProtocolError("the WSGI application gave content, or its end, before a status")
        status, fields = self._said
        try:
            return int(status.split()[0]), [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in fields
            ]
        except (ValueError, IndexError) as exc:  # UnicodeEncodeError is a ValueError
            raise RemoteProtocolError(
                f"the WSGI application gave a status or a field that HTTP cannot carry: {exc}"
            ) from exc


class Content(Stream, SyncByteStream):
    """What an application returned, as a stream; behind what it has written by the callable."""

    def __init__(self, result: Iterable[bytes], ready: list[bytes]) -> None:
        self._result: Iterable[bytes] | None = result
        self._results = iter(result)
        self._ready = ready

    def advance(self) -> None:
        """Run the application up to its first content, or to its end."""
        for piece in self._results:
            if piece:
                self._ready.append(piece)
                return

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._ready:
            piece = next(self._results, None)  # meanwhile the application may write, too
            if piece is not None:
                self._ready.append(piece)
            elif not self._ready:
                raise StopIteration
        return self._ready.pop(0)

    def close(self) -> None:
        """Tell the application that its content is not wanted any more, or has ended (PEP 3333 demands it)."""
        self._closed = True
        result, self._result = self._result, None
        close = getattr(result, "close", None)
        if close is not None:
            close()
