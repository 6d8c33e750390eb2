"""What request follows a redirect: pure rules over a request and its response (RFC 9110 section 15.4).

Credentials, cookies and a Host that was set by hand belong to the origin that they were meant for: none of them goes
on to another one. Nothing here sends, reads or counts.
"""

from __future__ import annotations

from ._exceptions import InvalidURL, RemoteProtocolError
from ._models.cookies import Cookies
from ._models.headers import Headers
from ._models.request import Request
from ._urlparse import DEFAULT_PORTS
from ._urls import URL

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from ._models.response import Response

    Origin = tuple[str, str, int | None]

# The schemes that are followed.
SCHEMES = ("http", "https")

# What a request says to one origin alone.
CREDENTIALS = ("Authorization", "Proxy-Authorization")
# Field lines that frame the content: they go with it.
FRAMING = ("Content-Length", "Transfer-Encoding")


def redirect_request(request: Request, response: Response, cookies: Cookies) -> Request:
    """The request that a response with a redirect location asks for.

    cookies: of the client; those that fit the new URL go with it.
    Raises RemoteProtocolError, with its ``request``, for a ``Location`` that is no URL.
    """
    method = redirect_method(request.method, response.status_code)
    url = redirect_url(request, response)
    is_same_origin = origin(url) == origin(request.url)
    keeps_content = method == request.method or method != "GET"
    return Request(
        method,
        url,
        headers=redirect_headers(request, url, is_same_origin, keeps_content),
        cookies=cookies,
        stream=request.stream if keeps_content else None,
        # A request target, or a name for TLS, that was given by hand stands for the URL that it was given with.
        extensions={
            name: value
            for name, value in request.extensions.items()
            if name != "target" and (is_same_origin or name != "sni_hostname")
        },
    )


def redirect_method(method: str, status_code: int) -> str:
    """The method of the next request: what browsers do, and RFC 9110 sections 15.4.2 to 15.4.4 allow."""
    if method != "HEAD" and status_code in (302, 303):
        return "GET"
    if method == "POST" and status_code == 301:
        return "GET"
    return method


def redirect_url(request: Request, response: Response) -> URL:
    """Where ``Location`` leads, seen from the request's URL, whose fragment it inherits (RFC 9110 section 10.2.2)."""
    try:
        url = URL(response.headers["Location"])
        if url.scheme and not url.host:
            url = url.copy_with(host=request.url.host)  # "https:///path": meant for the same host
        if url.is_relative_url:
            url = request.url.join(url)
    except InvalidURL as exc:
        raise RemoteProtocolError(f"the Location of a redirect is no URL: {exc}", request=request) from None
    if request.url.fragment and not url.fragment:
        url = url.copy_with(fragment=request.url.fragment)
    return url


def redirect_headers(request: Request, url: URL, is_same_origin: bool, keeps_content: bool) -> Headers:
    """The field lines of the next request."""
    headers = Headers(request.headers)
    if not is_same_origin:
        if not is_upgrade(request.url, url):
            for name in CREDENTIALS:
                headers.pop(name, None)
        headers["Host"] = url.netloc.decode("ascii")
    if not keeps_content:
        for name in FRAMING:
            headers.pop(name, None)
    headers.pop("Cookie", None)  # the client's jar says which cookies go to the new URL
    return headers


def origin(url: URL) -> Origin:
    """Scheme, host and port (RFC 9110 section 4.3.1)."""
    return url.scheme, url.host, port_of(url)


def port_of(url: URL) -> int | None:
    return url.port or DEFAULT_PORTS.get(url.scheme)


def is_upgrade(before: URL, after: URL) -> bool:
    """Whether a redirect leads from plain HTTP to TLS on the same host, both at their default ports."""
    return (
        before.host == after.host
        and (before.scheme, port_of(before)) == ("http", 80)
        and (after.scheme, port_of(after)) == ("https", 443)
    )
