"""The settings that both clients share, and how they become part of a request.

Nothing here sends anything: what follows from a request is in `_conversation`.
"""

from __future__ import annotations

import enum
import warnings

from .__version__ import __version__
from ._auth import BasicAuth, build_auth
from ._config import Timeout
from ._decoders import supported_codings
from ._models.cookies import Cookies
from ._models.headers import Headers
from ._models.request import Request
from ._urls import URL, QueryParams

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ._auth import Auth
    from ._models.proxy import Proxy
    from ._types import (
        AuthTypes,
        CookieTypes,
        HeaderTypes,
        ProxyTypes,
        QueryParamTypes,
        RequestContent,
        RequestData,
        RequestExtensions,
        RequestFiles,
        TimeoutTypes,
    )

    EventHooks = dict[str, list[Callable[..., Any]]]

__all__ = ["USE_CLIENT_DEFAULT", "BaseClient", "ClientState", "UseClientDefault"]

USER_AGENT = f"python-httpstream/{__version__}"

# URLs per client whose parsed form is kept: enough for an API's paths, little memory for a crawler.
URL_CACHE_SIZE = 256


class UseClientDefault:
    """The type of ``USE_CLIENT_DEFAULT``: an argument that was left out; the client's own value counts.

    None means something else: no timeout at all, no auth at all.
    """

    __module__ = "httpstream"

    def __repr__(self) -> str:
        return "USE_CLIENT_DEFAULT"

    def __reduce__(self) -> str:
        return "USE_CLIENT_DEFAULT"  # the one that there is: pickled and copied by its name


USE_CLIENT_DEFAULT = UseClientDefault()


class ClientState(enum.Enum):
    """The life of a client, in this order."""

    UNOPENED = 1  # made, and not used yet
    OPENED = 2  # has sent a request, or its `with` block has been entered
    CLOSED = 3


# By names of this module: until CPython 3.12 each look into an Enum goes through its metaclass (0.1 us).
UNOPENED, OPENED, CLOSED = ClientState


class BaseClient:
    """What a client is set up with. `Client` explains the arguments."""

    __module__ = "httpstream"

    def __init__(
        self,
        *,
        auth: AuthTypes | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes = None,
        follow_redirects: bool = False,
        max_redirects: int = 20,
        event_hooks: Mapping[str, list[Callable[..., Any]]] | None = None,
        base_url: URL | str = "",
        trust_env: bool = True,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        self._state = UNOPENED
        self._trust_env = trust_env
        self._default_encoding = default_encoding
        self.base_url = base_url
        self.auth = auth
        self.headers = headers
        self.cookies = cookies
        self.params = params
        self.timeout = timeout
        self.event_hooks = event_hooks
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects

    # -- settings ----------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        """Whether the client has been closed; then it sends no more requests."""
        return self._state is CLOSED

    @property
    def trust_env(self) -> bool:
        """Whether the environment's variables (proxies, ``SSL_CERT_FILE``, ``SSL_CERT_DIR``) count."""
        return self._trust_env

    @property
    def timeout(self) -> Timeout:
        """The timeouts of requests that name none; may be set."""
        return self._timeout

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._timeout = Timeout(timeout)

    @property
    def event_hooks(self) -> EventHooks:
        """What is called with each request and each response: lists under ``"request"`` and ``"response"``."""
        return self._event_hooks

    @event_hooks.setter
    def event_hooks(self, event_hooks: Mapping[str, list[Callable[..., Any]]] | None) -> None:
        given = {} if event_hooks is None else event_hooks
        self._event_hooks: EventHooks = {kind: list(given.get(kind, ())) for kind in ("request", "response")}

    @property
    def auth(self) -> Auth | None:
        """What authenticates requests that name nothing else; may be set, also to a tuple or a function."""
        return self._auth

    @auth.setter
    def auth(self, auth: AuthTypes | None) -> None:
        self._auth = build_auth(auth)

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
    def cookies(self) -> Cookies:
        """The cookies of this client: those it was given, and those that responses have set. May be set."""
        return self._cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes | None) -> None:
        self._cookies = Cookies(cookies)

    @property
    def params(self) -> QueryParams:
        """The query parameters of every request; may be set."""
        return self._params

    @params.setter
    def params(self, params: QueryParamTypes | None) -> None:
        self._params = QueryParams(params)

    # -- requests ----------------------------------------------------------------------------------

    def build_request(
        self,
        method: str,
        url: URL | str,
        *,
        content: RequestContent | None = None,
        data: RequestData | None = None,
        files: RequestFiles | None = None,
        json: Any | None = None,
        params: QueryParamTypes | None = None,
        headers: HeaderTypes | None = None,
        cookies: CookieTypes | None = None,
        timeout: TimeoutTypes | UseClientDefault = USE_CLIENT_DEFAULT,
        extensions: RequestExtensions | None = None,
    ) -> Request:
        """Make a request of the arguments and of this client's defaults, without sending it.

        params, headers and cookies are added to the client's own, a relative url to its base_url; the
        arguments are those of `httpstream.request`. Raises InvalidURL, and TypeError or ValueError for
        content that cannot be encoded.
        """
        if extensions is None or "timeout" not in extensions:
            chosen = self._timeout if isinstance(timeout, UseClientDefault) else Timeout(timeout)
            extensions = {**(extensions or {}), "timeout": chosen.as_dict()}
        return Request(
            method,
            self._merge_url(url),
            content=content,
            data=data,
            files=files,
            json=json,
            params=self._merge_queryparams(params),
            headers=self._merge_headers(headers),
            cookies=self._merge_cookies(cookies),
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

    def _merge_cookies(self, cookies: CookieTypes | None = None) -> CookieTypes | None:
        if cookies or self._cookies:
            merged = Cookies(self._cookies)
            merged.update(cookies)
            return merged
        return cookies

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

    def _build_request_auth(
        self, request: Request, auth: AuthTypes | UseClientDefault | None = USE_CLIENT_DEFAULT
    ) -> Auth | None:
        """What authenticates a request: the argument, else the client's own, else what its URL holds; or None."""
        chosen = self._auth if isinstance(auth, UseClientDefault) else build_auth(auth)
        if chosen is None and request.url._parts.userinfo:
            username, password = request.url.username, request.url.password
            if username or password:
                return BasicAuth(username, password)
        return chosen

    def _get_proxy_map(self, proxy: ProxyTypes | None, allow_env_proxies: bool) -> dict[str, Proxy | None]:
        """Which proxy serves which URLs: a pattern (see `_mounts`) to a proxy; to None: no proxy."""
        if proxy is not None:
            from ._models.proxy import Proxy

            return {"all://": proxy if isinstance(proxy, Proxy) else Proxy(url=proxy)}
        if not allow_env_proxies:
            return {}
        from ._mounts import environment_proxies

        named = environment_proxies()
        if not named:
            return {}
        from ._models.proxy import Proxy

        return {pattern: None if url is None else Proxy(url=url) for pattern, url in named.items()}

    # -- life --------------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Note that the client's block is entered. Raises RuntimeError when it was used before."""
        if self._state is OPENED:
            raise RuntimeError("a client cannot be entered twice, or after it has sent a request")
        if self._state is CLOSED:
            raise RuntimeError("a client cannot be entered after it has been closed")
        self._state = OPENED

    def _begin(self, request: Request) -> None:
        """Make a request ready to be sent. Raises RuntimeError when the client has been closed."""
        if self._state is not OPENED:
            if self._state is CLOSED:
                raise RuntimeError("a client cannot send a request after it has been closed")
            self._state = OPENED
        if "timeout" not in request.extensions:
            request.extensions = {**request.extensions, "timeout": self._timeout.as_dict()}


def warn_of_cookies() -> None:
    """Cookies of one request are deprecated, as in httpx: whether they should stay with the client is unclear."""
    warnings.warn(
        "cookies= of a single request is deprecated: set them on the client", DeprecationWarning, stacklevel=3
    )
