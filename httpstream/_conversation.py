"""One request of a client, and what follows from it: auth, redirects, cookies, event hooks, the log line.

Written once, for both worlds: coroutines that wait through the transport, the response and what the user gave alone.
No connection is known here, no default is applied (`_base_client`), no rule of redirects is decided (`_redirects`).
"""

from __future__ import annotations

import logging
from time import perf_counter

from ._base_client import CLOSED, BaseClient, UseClientDefault
from ._exceptions import StreamConsumed, TooManyRedirects, UnsupportedProtocol
from ._models.reading import blame
from ._redirects import SCHEMES, redirect_request
from ._streams import AsyncByteStream, SyncByteStream, can_be_sent_again

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping
    from typing import Any

    from ._auth import Auth
    from ._backend import Backend
    from ._config import Limits
    from ._models.request import Request
    from ._models.response import Response
    from ._mounts import URLPattern
    from ._types import AuthTypes, ProxyTypes
    from ._urls import URL

logger = logging.getLogger("httpstream")


class SyncFlow:
    """The flow of an auth in the sync world: `step` asks it for the next request."""

    def __init__(self, auth: Auth, request: Request) -> None:
        self._flow: Generator[Request, Response, None] = auth.sync_auth_flow(request)

    def step(self, response: Response | None) -> Request | None:
        """The request to send next, first of all or after a response; None: that response is the last one."""
        try:
            return next(self._flow) if response is None else self._flow.send(response)
        except StopIteration:
            return None

    def close(self) -> None:
        self._flow.close()


class AsyncFlow:
    """See `SyncFlow`."""

    def __init__(self, auth: Auth, request: Request) -> None:
        self._flow: AsyncGenerator[Request, Response] = auth.async_auth_flow(request)

    async def step(self, response: Response | None) -> Request | None:
        """See `SyncFlow.step`."""
        try:
            return await (self._flow.__anext__() if response is None else self._flow.asend(response))
        except StopAsyncIteration:
            return None

    async def close(self) -> None:
        await self._flow.aclose()


class Conversation(BaseClient):
    """What both clients do with a request. Subclasses name their world and make their transports."""

    _backend: Backend
    _is_async: bool
    _stream_type: type[SyncByteStream] | type[AsyncByteStream]
    _flow_type: type[SyncFlow] | type[AsyncFlow]
    # The methods of this world: of a transport, and of a response.
    _handle: str
    _read: str
    _close: str

    _transport: Any
    _mounts: dict[URLPattern, Any]

    if TYPE_CHECKING:
        _init_transport: Callable[..., Any]  # what sends the requests of a client that was given no transport
        _init_proxy_transport: Callable[..., Any]

    def _init_transports(
        self,
        transport: Any,
        mounts: Mapping[str, Any] | None,
        proxy: ProxyTypes | None,
        **settings: Any,
    ) -> None:
        """Make the transports. settings: the arguments that all of them get."""
        if settings["http2"]:
            from ._transports.http import require_h2

            require_h2()
        proxies = self._get_proxy_map(proxy, self._trust_env and transport is None)
        self._transport = self._init_transport(transport=transport, **settings)
        self._mounts = {}
        if not proxies and not mounts:
            return
        from ._mounts import URLPattern

        for pattern, named in proxies.items():
            self._mounts[URLPattern(pattern)] = (
                None if named is None else self._init_proxy_transport(named, **settings)
            )
        for pattern, mounted in (mounts or {}).items():
            self._mounts[URLPattern(pattern)] = mounted
        self._mounts = dict(sorted(self._mounts.items()))

    def _transport_for_url(self, url: URL) -> Any:
        """The transport of the first pattern that matches; a pattern may stand for the client's own."""
        for pattern, transport in self._mounts.items():
            if pattern.matches(url):
                return self._transport if transport is None else transport
        return self._transport

    def _all_transports(self) -> list[Any]:
        return [self._transport, *(mounted for mounted in self._mounts.values() if mounted is not None)]

    async def _send(
        self,
        request: Request,
        stream: bool,
        auth: AuthTypes | UseClientDefault | None,
        follow_redirects: bool | UseClientDefault,
    ) -> Response:
        """Send a request and return the response that ends its conversation; without `stream`, read it."""
        self._begin(request)
        follow = self.follow_redirects if isinstance(follow_redirects, UseClientDefault) else follow_redirects
        chosen = self._build_request_auth(request, auth)
        if chosen is None:
            response = await self._send_following_redirects(request, follow, [])
        else:
            response = await self._send_with_auth(request, chosen, follow)
        if not stream:
            try:
                reading = getattr(response, self._read)()
                if self._is_async:
                    await reading
            except BaseException:
                await self._backend.call(getattr(response, self._close))
                raise
        return response

    async def _send_with_auth(self, request: Request, auth: Auth, follow_redirects: bool) -> Response:
        """Send what the flow of an auth asks for, until it is content."""
        call = self._backend.call
        flow = self._flow_type(auth, request)
        history: list[Response] = []
        sent: list[object] = []  # the streams that went out
        following: Request | None
        try:
            following = await call(flow.step, None)
            if following is None:
                raise RuntimeError("the auth flow ended without a request")
            while True:
                self._begin(following)  # one that the flow has made has no timeouts of its own
                following._is_read_whole = request._is_read_whole
                sent.append(following.stream)
                response = await self._send_following_redirects(following, follow_redirects, history)
                try:
                    following = await call(flow.step, response)
                    if following is None:
                        return response
                    response.history = list(history)
                    await call(getattr(response, self._read))
                    if following.stream in sent and not can_be_sent_again(following.stream):
                        raise StreamConsumed()
                except BaseException:
                    await call(getattr(response, self._close))
                    raise
                history.append(response)
        finally:
            await call(flow.close)

    async def _send_following_redirects(
        self, request: Request, follow_redirects: bool, history: list[Response]
    ) -> Response:
        """Send a request, and, when asked to, where its responses lead. history: the responses before."""
        call = self._backend.call
        hooks = self._event_hooks
        while True:
            if len(history) > self.max_redirects:
                raise TooManyRedirects(
                    f"more than max_redirects={self.max_redirects} responses led on", request=request
                )
            for hook in hooks["request"]:
                await call(hook, request)
            transport = self._transport_for_url(request.url)
            if not isinstance(request.stream, self._stream_type):
                raise self._other_world("the content of this request is")
            started = perf_counter()
            try:
                # Looked up at each call: programs that watch requests put their own method there.
                answer = getattr(transport, self._handle)(request)
                response: Response = await answer if self._is_async else answer
            except BaseException as exc:
                blame(exc, request)
                raise
            if self._state is CLOSED:
                # Meanwhile, and the transport may have opened a connection since.
                await call(getattr(transport, self._close))
            if not isinstance(response.stream, self._stream_type):
                raise self._other_world("the transport gave a response with")
            self._adopt(response, request, started)
            try:
                for hook in hooks["response"]:
                    await call(hook, response)
                response.history = list(history)
                if not response.has_redirect_location:
                    return response
                following = await self._following(request, response, follow_redirects)
                if following is None:
                    return response
            except BaseException:
                await call(getattr(response, self._close))
                raise
            history = [*history, response]
            request = following

    def _other_world(self, what: str) -> RuntimeError:
        return RuntimeError(f"{what} a stream of the other world, not for {type(self).__name__}")

    def _adopt(self, response: Response, request: Request, started: float) -> None:
        """Make a response this client's. started: when its request went to the transport."""
        response.request = request
        response.default_encoding = self._default_encoding
        if not response.is_closed:
            response._started = started
            response._clock = perf_counter
        if response.headers._get_bytes(b"set-cookie") is not None:
            self._cookies.extract_cookies(response)
        if logger.isEnabledFor(logging.INFO):
            log(request, response)

    async def _following(
        self, request: Request, response: Response, follow_redirects: bool
    ) -> Request | None:
        """The request that follows a redirect, with the response closed; None: it is not to be followed."""
        following = redirect_request(request, response, self._cookies)
        if not follow_redirects:
            response.next_request = following
            return None
        if following.url.scheme not in SCHEMES:
            raise UnsupportedProtocol(
                f"a redirect leads to the scheme {following.url.scheme!r}: only http and https are followed",
                request=following,
            )
        await self._drop_content(response)
        if not can_be_sent_again(following.stream):
            raise StreamConsumed()
        self._begin(following)
        following._is_read_whole = request._is_read_whole
        return following

    async def _drop_content(self, response: Response) -> None:
        """Close a response that leads on. Its content is kept if it came with the head, and not waited for."""
        if not hasattr(response, "_content"):
            content = response._arrived(self._stream_type)
            if content is None:
                await self._backend.call(getattr(response, self._close))
            else:
                response._content = content

    def _note_closed(self) -> bool:
        """The client is about to be closed. False: it has been."""
        was_open = self._state is not CLOSED
        self._state = CLOSED
        return was_open


def log(request: Request, response: Response) -> None:
    """The one line of a request, in httpx's form."""
    logger.info(
        'HTTP Request: %s %s "%s %d %s"',
        request.method,
        request.url._shown(),
        response.http_version,
        response.status_code,
        response.reason_phrase,
    )


def new_settings(
    verify: Any, cert: Any, trust_env: bool, http1: bool, http2: bool, limits: Limits
) -> dict[str, Any]:
    """The arguments that every transport of a client gets."""
    return {
        "verify": verify,
        "cert": cert,
        "trust_env": trust_env,
        "http1": http1,
        "http2": http2,
        "limits": limits,
    }
