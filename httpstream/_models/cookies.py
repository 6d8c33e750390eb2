"""``Cookies``: the cookies of a client, a request or a response, as a mapping over a standard cookie jar.

Which cookie belongs to which request is the jar's to say (`http.cookiejar`); what the jar sees of messages is in
`jar`. Both are loaded with the first cookie: a client without any pays for a test against None.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from httpstream._exceptions import CookieConflict

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from http.cookiejar import Cookie, CookieJar
    from typing import Any

    from httpstream._types import CookieTypes

    from .request import Request
    from .response import Response

__all__ = ["Cookies"]


class Cookies(MutableMapping[str, str]):
    """Cookies by name; domain and path tell those of the same name apart.

    cookies: a dict or a list of pairs of names and values, which are sent to any host; other Cookies, which are
    copied; or an `http.cookiejar.CookieJar`, which is used itself, with its policy.
    Raises TypeError for anything else.
    """

    __module__ = "httpstream"

    _jar: CookieJar | None = None  # None: there has not been any cookie

    def __init__(self, cookies: CookieTypes | None = None) -> None:
        if cookies is None:
            return
        if isinstance(cookies, (dict, list)):
            for name, value in cookies.items() if isinstance(cookies, dict) else cookies:
                self.set(name, value)
        elif isinstance(cookies, Cookies):
            for cookie in cookies._all():
                self.jar.set_cookie(cookie)
        elif hasattr(cookies, "set_cookie"):
            self._jar = cookies
        else:
            raise TypeError(f"cookies must be a dict, a list of pairs, or a cookie jar, not {type(cookies)}")

    @property
    def jar(self) -> CookieJar:
        """The jar that holds the cookies; may be set."""
        if self._jar is not None:
            return self._jar
        from http.cookiejar import CookieJar

        # When two threads get their first cookie at once, both must find it in the same jar: this is atomic.
        jar: CookieJar = self.__dict__.setdefault("_jar", CookieJar())
        return jar

    @jar.setter
    def jar(self, jar: CookieJar) -> None:
        self._jar = jar

    def _all(self) -> list[Cookie]:
        jar = self._jar
        if jar is None:
            return []
        lock = getattr(jar, "_cookies_lock", None)
        if lock is None:
            return list(jar)
        with lock:  # without it CPython 3.10's jar gives None for a cookie that a response is just deleting
            return list(jar)

    def extract_cookies(self, response: Response) -> None:
        """Take over the cookies that a response sets for its request's URL (RFC 6265 section 5.3).

        Raises RuntimeError when the response has no request.
        """
        request = response.request
        if self._jar is None and response.headers._get_bytes(b"set-cookie") is None:
            return
        if request.url.is_absolute_url:  # without a host nobody knows where a cookie may go
            from .jar import JarRequest, JarResponse

            self.jar.extract_cookies(JarResponse(response), JarRequest(request))  # type: ignore[arg-type]  # what a jar asks of them

    def set_cookie_header(self, request: Request) -> None:
        """Give a request the ``Cookie`` field for its URL (RFC 6265 section 5.4); one that it has stays.

        Raises LocalProtocolError for a cookie that cannot be written in UTF-8.
        """
        if self._jar is not None and request.url.is_absolute_url:
            from .jar import JarRequest

            self._jar.add_cookie_header(JarRequest(request))

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Set a cookie, until the jar is dropped. domain: ``""`` is any host."""
        from .jar import make_cookie

        self.jar.set_cookie(make_cookie(name, value, domain, path))

    def get(  # type: ignore[override]  # httpx's signature
        self, name: str, default: str | None = None, domain: str | None = None, path: str | None = None
    ) -> str | None:
        """The value of the cookie, or ``default``. domain, path: look at cookies of these alone.

        Raises CookieConflict when there are several.
        """
        value: str | None = None
        for cookie in self._named(name, domain, path):
            if value is not None:
                raise CookieConflict(f"several cookies are named {name!r}: give domain and path too")
            value = cookie.value or ""  # a server may set a name alone
        return default if value is None else value

    def delete(self, name: str, domain: str | None = None, path: str | None = None) -> None:
        """Delete the cookies of this name. domain, path: delete those of these alone.

        Raises KeyError when both are given and there is no such cookie.
        """
        if domain is not None and path is not None:
            self.jar.clear(domain, path, name)
            return
        for cookie in self._named(name, domain, path):
            self.jar.clear(cookie.domain, cookie.path, cookie.name)

    def _named(self, name: str, domain: str | None, path: str | None) -> list[Cookie]:
        return [
            cookie
            for cookie in self._all()
            if cookie.name == name
            and (domain is None or cookie.domain == domain)
            and (path is None or cookie.path == path)
        ]

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Delete all cookies, those of a domain, or those of a path of a domain.

        Raises KeyError when there are none of that domain or path, ValueError for a path without a domain.
        """
        if path is not None:
            if domain is None:
                raise ValueError("clear() needs a domain when it is given a path")
            self.jar.clear(domain, path)
        elif domain is not None:
            self.jar.clear(domain)
        elif self._jar is not None:
            self._jar.clear()

    def update(self, cookies: CookieTypes | None = None) -> None:  # type: ignore[override]  # httpx's signature
        """Take over all ``cookies``; they replace those of the same name, domain and path."""
        for cookie in Cookies(cookies)._all():
            self.jar.set_cookie(cookie)

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __delitem__(self, name: str) -> None:
        """Delete the cookies of this name, if there are any."""
        self.delete(name)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Any]:
        return iter([cookie.name for cookie in self._all()])

    def __bool__(self) -> bool:
        return self._jar is not None and next(iter(self._jar), None) is not None

    def __repr__(self) -> str:
        cookies = [f"<Cookie {each.name}={each.value} for {each.domain} />" for each in self._all()]
        return f"<Cookies[{', '.join(cookies)}]>"
