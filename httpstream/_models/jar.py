"""What the jar of the standard library sees of our messages, and how its cookies are made.

Loaded with the first cookie, because `http.cookiejar` is large. No rule of cookies is here: those are the jar's.
"""

from __future__ import annotations

import re
import urllib.request
from email.message import Message
from http.cookiejar import Cookie

from httpstream._exceptions import LocalProtocolError

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from .request import Request
    from .response import Response

# A user agent ignores a cookie with one of these (RFC 6265bis section 5.6); it could not be sent back either.
_has_control_character = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search

# 20 digits outlive the universe; with 310 the jar fails, and drops the other cookies of the response too.
_LONG_AGE = re.compile(r"(;\s*max-age\s*=\s*[^;]{20})[^;]+", re.IGNORECASE)


class JarRequest(urllib.request.Request):
    """A request as a cookie jar wants to see it. A field that the jar adds goes to the request itself."""

    def __init__(self, request: Request) -> None:
        url = request.url
        if url.userinfo:  # it would become a part of the cookie's domain
            url = url.copy_with(username=None, password=None)
        super().__init__(str(url), headers=dict(request.headers), method=request.method)
        self._request = request

    def add_unredirected_header(self, key: str, val: str) -> None:
        super().add_unredirected_header(key, val)
        try:
            # In UTF-8 whatever the encoding of the other fields is: that is how most servers wrote it.
            field = (key.encode("utf-8"), val.encode("utf-8"))
        except UnicodeEncodeError:
            raise LocalProtocolError("a cookie holds a lone surrogate", request=self._request) from None
        self._request.headers._set(*field)


class JarResponse:
    """A response as a cookie jar wants to see it."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def info(self) -> Message:
        """The fields that set cookies. Whatever bytes they hold, the jar gets text that it can read."""
        fields = Message()
        for name, value in self._response.headers.raw:
            if name.lower() in (b"set-cookie", b"set-cookie2") and _has_control_character(value) is None:
                # Each by itself: one in ISO-8859-1 must not change how the others are read.
                try:
                    text = value.decode("utf-8")
                except UnicodeDecodeError:
                    text = value.decode("iso-8859-1")
                fields[name.decode("ascii")] = _LONG_AGE.sub(r"\1", text)
        return fields


def make_cookie(name: str, value: str, domain: str, path: str) -> Cookie:
    """A cookie without an end, for the given domain (``""``: any host) and path."""
    return Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=bool(domain),
        domain_initial_dot=domain.startswith("."),
        path=path,
        path_specified=bool(path),
        secure=False,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": None},  # type: ignore[dict-item]  # present, without a value
        rfc2109=False,
    )
