"""``Proxy``: where a proxy is, and what it is told, as a value. No connection is made here."""

from __future__ import annotations

from httpstream._urls import URL

from .headers import SECRET, Headers

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    import ssl

    from httpstream._types import HeaderTypes

__all__ = ["Proxy"]

SCHEMES = frozenset(("http", "https", "socks5", "socks5h"))


class Proxy:
    """A proxy.

    url: http, https, socks5 or socks5h; credentials in it become ``auth`` and leave the URL. ssl_context: for
    the connection to an https proxy. auth: username and password. headers: field lines for an http proxy.
    Raises ValueError for another scheme or credentials that UTF-8 cannot hold, InvalidURL, and TypeError.
    """

    __module__ = "httpstream"

    def __init__(
        self,
        url: URL | str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        auth: tuple[str, str] | None = None,
        headers: HeaderTypes | None = None,
    ) -> None:
        if not isinstance(url, (str, URL)):  # not shown: it may hold credentials
            raise TypeError(f"a proxy is a str, a URL or a Proxy, not {type(url).__name__}")
        url = URL(url)
        if url.scheme not in SCHEMES:
            raise ValueError(f"a proxy's scheme must be http, https, socks5 or socks5h: {url!r}")
        if url.username or url.password:
            auth = (url.username, url.password)
            url = url.copy_with(username=None, password=None)
        self.url = url
        self.auth = auth
        self.headers = Headers(headers)
        self.ssl_context = ssl_context
        try:
            _ = self.raw_auth if auth else None
        except UnicodeEncodeError:
            raise ValueError("a proxy's username and password cannot hold a lone surrogate") from None

    @property
    def raw_auth(self) -> tuple[bytes, bytes] | None:
        """Username and password in UTF-8."""
        return None if self.auth is None else (self.auth[0].encode("utf-8"), self.auth[1].encode("utf-8"))

    def __repr__(self) -> str:
        """Without the password, and without what the headers hide: a repr ends up in logs."""
        auth = f", auth={(self.auth[0], '********')!r}" if self.auth else ""
        shown = {name: "[secure]" if name in SECRET else value for name, value in self.headers.items()}
        headers = f", headers={shown!r}" if shown else ""
        return f"Proxy({str(self.url)!r}{auth}{headers})"
