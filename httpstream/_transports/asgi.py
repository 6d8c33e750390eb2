"""`ASGITransport`: requests are answered by an ASGI application, whose content is handed over as it comes.

A response that is streamed needs a task of its own for the application, which goes on while the response is read. A
task group cannot stay open from one call to the next, so the task is the event loop's (asyncio) or the run's (trio),
and this module keeps what a group would promise: the caller's end is the application's end, and its exceptions are
the caller's. Where the client reads all before its caller sees anything, the application runs in the caller's task:
context variables, cancel scopes and whatever else belongs to a task are then one. Here alone, beside the backend,
anyio is imported. No connection and no framing.
"""

from __future__ import annotations

import logging
from collections import deque

from httpstream._exceptions import RemoteProtocolError
from httpstream._models.response import Response
from httpstream._readiness import asyncio_loop
from httpstream._streams import AsyncByteStream, Stream

from .base import AsyncBaseTransport

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
    from typing import Any

    import anyio

    from httpstream._models.request import Request

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

__all__ = ["ASGITransport"]

logger = logging.getLogger("httpstream")

# How far an application may be ahead of its reader before send() waits: what servers let pile up for a slow client.
AHEAD_BYTES = 64 * 1024
# Seconds that an application has, after http.disconnect, to come to its end by itself.
DISCONNECT_GRACE = 1.0


class ASGITransport(AsyncBaseTransport):
    """Sends each request to an ASGI application, on the event loop of the caller (asyncio, uvloop or trio).

        client = httpstream.AsyncClient(transport=httpstream.ASGITransport(app=app), base_url="http://testserver")

    app: the application. raise_app_exceptions: whether its exceptions are raised to the caller; else one becomes an
    empty 500, or, when the response has begun, a RemoteProtocolError. root_path: where it is mounted. client: host and
    port of the client that it sees.

    A response that is streamed is there when the application has sent its status, its content comes as it is sent, and
    its end when the application has returned. The application runs in a task of its own, with a copy of the caller's
    context variables. One that is 64 KiB ahead of its reader waits. One whose response is closed early receives
    ``http.disconnect``, and is cancelled when it is still at work a second later; one that has sent its whole response
    may finish. A cancelled caller cancels the application.

    Where the client reads the content itself (``client.get()`` and its kin), the application runs in the caller's task
    from beginning to end. Timeouts do not count here.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        app: Application,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = ("127.0.0.1", 123),
    ) -> None:
        self.app = app
        self.raise_app_exceptions = raise_app_exceptions
        self.root_path = root_path
        self.client = client

    async def handle_async_request(self, request: Request) -> Response:
        """Start the application, and return its response: when it has sent the status, or has ended.

        Raises what the application raises (as reading the content does), and RemoteProtocolError when it breaks the
        rules of ASGI.
        """
        call = Call(request, self.raise_app_exceptions)
        if request._is_read_whole:
            await call.run_here(self.app, self._scope(request))
        else:
            call.start(self.app, self._scope(request))
        status, fields = await call.head()
        return Response(status, headers=fields, stream=Content(call))

    def _scope(self, request: Request) -> dict[str, Any]:
        url = request.url
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": self.client,
            "root_path": self.root_path,
        }


class Call:
    """One call of an application: its task, what it has sent, and how it ended."""

    def __init__(self, request: Request, raise_app_exceptions: bool) -> None:
        stream = request.stream
        if not isinstance(stream, AsyncByteStream):
            raise RuntimeError("the content of this request is a sync stream: it needs a Client")
        self._request_pieces: AsyncIterator[bytes] | None = stream.__aiter__()
        self._drops_content = request.method == "HEAD"
        self._raises = raise_app_exceptions
        self._head: tuple[int, Any] | None = None
        self._pieces: deque[bytes] = deque()
        self._ahead = 0  # bytes that the reader has not taken
        self.bytes_taken = 0
        self._is_complete = False  # it has sent the end of its content
        self._is_left = False  # the response has been closed
        self._is_over = False  # it has returned, or raised
        self._failure: BaseException | None = None
        self._news: anyio.Event | None = None  # set when any of these has changed
        self._is_cancelled = False  # by its caller
        self._has_task = False  # of its own
        self._cancel_task: Callable[[], object] | None = None

    # -- the caller's side -------------------------------------------------------------------------

    def start(self, app: Application, scope: dict[str, Any]) -> None:
        self._has_task = True  # said first: an eager task begins at once
        self._cancel_task = start_task(self._run, app, scope, at_end=self._note_end)

    async def run_here(self, app: Application, scope: dict[str, Any]) -> None:
        """Run the application in this task, to its end."""
        try:
            await self._run(app, scope)
        finally:
            self._note_end()

    def _cancel(self) -> None:
        self._is_cancelled = True
        if self._cancel_task is not None:
            self._cancel_task()

    async def head(self) -> tuple[int, Any]:
        """Status and field lines, as soon as they are there."""
        await self._until(lambda: self._head is not None or self._is_over)
        if self._head is None:
            self._raise_failure()
            if self._failure is None:
                raise RemoteProtocolError("the ASGI application ended without a response")
            self._head = 500, []
            self._is_complete = True
        return self._head

    async def next_piece(self) -> bytes | None:
        """The next piece of the content; None: its end, and the application's."""
        await self._until(lambda: self._pieces or self._is_over)
        if self._pieces:
            piece = self._pieces.popleft()
            self._ahead -= len(piece)
            self.bytes_taken += len(piece)
            self._tell()
            return piece
        self._raise_failure()
        if not self._is_complete:
            raise RemoteProtocolError("the ASGI application ended before its content did") from self._failure
        return None

    def take_arrived(self) -> bytes | None:
        """The whole content, if the application has sent it and returned; None: it has to be waited for."""
        if not (self._is_over and self._is_complete and self._failure is None):
            return None
        content = b"".join(self._pieces)
        self._pieces.clear()
        self.bytes_taken += len(content)
        return content

    def _raise_failure(self) -> None:
        failure = self._failure
        if failure is not None and (self._raises or not isinstance(failure, Exception)):
            self._failure = None
            try:
                raise failure
            finally:
                del failure  # its traceback holds this frame

    async def leave(self) -> None:
        """The response is closed: see the application to its end. Raises what it failed with, unless leaving did it."""
        if not self._is_complete and not self._is_over:
            import anyio

            self._is_left = True
            self._pieces.clear()
            self._tell()
            with anyio.move_on_after(DISCONNECT_GRACE):  # when it is over, _until cancels
                await self._until(lambda: self._is_complete or self._is_over)
        await self._until(lambda: self._is_over)
        if not self._is_left:
            self._raise_failure()

    def forget(self) -> None:
        """Nobody has the response any more: the application hears of it, and is not waited for."""
        self._is_left = True
        self._pieces.clear()
        self._tell()

    async def _until(self, condition: Callable[[], object]) -> None:
        """Wait for news of the application. A caller that is cancelled meanwhile cancels it, and sees it end."""
        try:
            await self._wait(condition)
        except BaseException as exc:
            self._cancel()
            if not isinstance(exc, GeneratorExit):  # behind that one nothing can be awaited
                import anyio

                with anyio.CancelScope(shield=True):
                    await self._wait(lambda: self._is_over)
            raise

    async def _wait(self, condition: Callable[[], object]) -> None:
        while not condition():
            if self._news is None:
                import anyio

                self._news = anyio.Event()
            await self._news.wait()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None

    # -- the application's side --------------------------------------------------------------------

    async def _run(self, app: Application, scope: dict[str, Any]) -> None:
        import anyio

        try:
            try:
                await app(scope, self._receive, self._send)
            finally:
                # A generator that is left in the middle is closed here, not when the collector finds it.
                close = getattr(self._request_pieces, "aclose", None)
                if close is not None:
                    await close()
        except anyio.get_cancelled_exc_class() as exc:
            if not self._is_cancelled:  # raised by the application itself, or all tasks are ending
                self._failure = exc
            raise
        except BaseException as exc:
            self._failure = exc
            if self._is_left:
                logger.debug("the ASGI application failed after its response was closed", exc_info=exc)

    def _note_end(self) -> None:
        self._is_over = True
        self._tell()

    async def _receive(self) -> Message:
        if self._request_pieces is not None and not self._is_left:
            try:
                piece = await self._request_pieces.__anext__()
            except StopAsyncIteration:
                self._request_pieces = None
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.request", "body": piece, "more_body": True}
        await self._wait(lambda: self._is_complete or self._is_left)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        """Take a message of the application's, and wait while it is too far ahead of its reader.

        Raises RuntimeError for one that is out of place, and OSError when the response has been closed and the
        application goes on for more than a little.
        """
        kind = message["type"]
        if kind == "http.response.start":
            if self._head is not None:
                raise RuntimeError("http.response.start was sent before: a response starts once")
            self._head = message["status"], message.get("headers", [])
            self._tell()
        elif kind == "http.response.body":
            if self._head is None or self._is_complete:
                place = "before http.response.start" if self._head is None else "behind the last one"
                raise RuntimeError(f"http.response.body was sent {place}")
            self._take(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
            self._tell()
            # Not a moment's wait before: where a server would not wait, an application may count on it.
            if self._ahead > AHEAD_BYTES and self._has_task and not self._is_complete:
                await self._wait(lambda: self._ahead <= AHEAD_BYTES or self._is_left)
                if self._ahead > AHEAD_BYTES:
                    raise OSError("the response was closed: nobody wants the rest of its content")

    def _take(self, piece: bytes) -> None:
        if self._drops_content:
            return
        if type(piece) is not bytes:
            piece = bytes(memoryview(piece))  # raises TypeError for None, text and numbers
        if piece:
            self._ahead += len(piece)
            if not self._is_left:
                self._pieces.append(piece)


class Content(Stream, AsyncByteStream):
    """The content of a response, in the pieces that the application sends."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._call.next_piece()
        if piece is None:
            raise StopAsyncIteration
        return piece

    @property
    def bytes_taken(self) -> int:
        """Bytes of content handed over so far."""
        return self._call.bytes_taken

    def take_arrived(self) -> bytes | None:
        """The whole content, when it is there already; None: it is not, and nothing is taken."""
        content = self._call.take_arrived()
        if content is not None:
            self.replay(content)
        return content

    async def aclose(self) -> None:
        """See the application to its end: see `ASGITransport`."""
        self._closed = True
        await self._call.leave()

    def __del__(self) -> None:
        if not self._call._is_over:  # dropped without a close
            try:
                self._call.forget()
            except RuntimeError:  # the loop has ended
                pass


def start_task(
    run: Callable[..., Coroutine[Any, Any, None]], *args: Any, at_end: Callable[[], None]
) -> Callable[[], object]:
    """Run a coroutine function in a task of its own, which nobody waits for. Returns what cancels it.

    at_end is called when the task has ended, however that was, also when it was cancelled before its first step. The
    task sees a copy of the caller's context variables. Nothing but a cancellation may come out of it.
    """
    loop = asyncio_loop()
    if loop is not None:
        task = loop.create_task(run(*args))
        _tasks.add(task)  # the loop itself holds them weakly

        def note_end(task: asyncio.Task[None]) -> None:
            _tasks.discard(task)
            at_end()

        task.add_done_callback(note_end)
        return task.cancel

    from contextvars import copy_context

    import trio

    scope = trio.CancelScope()

    async def run_in_scope() -> None:
        try:
            with scope:
                await run(*args)
        finally:
            at_end()

    trio.lowlevel.spawn_system_task(run_in_scope, context=copy_context())
    return scope.cancel


_tasks: set[asyncio.Task[None]] = set()
