"""URLs as text: split into components, validated, normalised, percent-encoded. The rules behind ``URL``.

The grammar is RFC 3986's; what is percent-encoded in which component, and which port is a scheme's default,
follows the WHATWG URL standard. Whatever the input, the only exception that comes out of here is InvalidURL,
and its text never holds what may be a password.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ._exceptions import InvalidURL

__all__ = ["Parts", "change", "parse"]

MAX_URL_LENGTH = 65536  # of a URL and of each component, in characters
MAX_CACHED_LENGTH = 2048  # longer URLs are signed or carry data: they do not come twice
DEFAULT_PORTS = {"ftp": 21, "http": 80, "https": 443, "ws": 80, "wss": 443}

_UNRESERVED = r"A-Za-z0-9\-._~"
_SUB_DELIMS = r"!$&'()*+,;="
# What stands for itself in a component; the rest is percent-encoded. "%" stands for itself everywhere: what
# is already encoded stays as it is.
_PATH = rf"{_UNRESERVED}{_SUB_DELIMS}%/:@\[\]\\^|"
_QUERY = rf"{_PATH}?`{{}}"
_FRAGMENT = rf"{_PATH}?#{{}}"
_USERNAME = rf"{_UNRESERVED}!$&'()*+,%"
_USERINFO = rf"{_USERNAME}:"
_HOST = rf"{_UNRESERVED}{_SUB_DELIMS}\"`{{}}%|\\"


def _others(safe: str) -> re.Pattern[str]:
    return re.compile(f"[^{safe}]+")


_NOT_PATH = _others(_PATH)
_NOT_QUERY = _others(_QUERY)
_NOT_FRAGMENT = _others(_FRAGMENT)
_NOT_USERNAME = _others(_USERNAME)
_NOT_USERINFO = _others(_USERINFO)
_NOT_HOST = _others(_HOST)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*)?:)?")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV4_STYLE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_ZONE = re.compile(rf"[{_UNRESERVED}]+")

# The common case, normal already: nothing to lower, to encode or to leave out.
_PLAIN = re.compile(
    rf"(https?)://([a-z0-9.-]+)(?::([1-9][0-9]{{0,4}}))?(/[{_PATH}]*)?(?:\?([{_QUERY}]*))?(?:#([{_FRAGMENT}]*))?"
)

# What a component given by itself may look like: nothing that would end it inside a URL.
_COMPONENTS = {
    "scheme": re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)?"),
    "userinfo": re.compile(r"[^@]*"),
    "host": re.compile(r"\[.*\]|[^:]*"),
    "port": re.compile(r".*"),
    "path": re.compile(r"[^?#]*"),
    "query": re.compile(r"[^#]*"),
    "fragment": re.compile(r".*"),
}
_BEHIND_THE_HOST = {"path", "query", "fragment"}


class Parts:
    """The normal components of a URL and what is made of them; shared between equal URLs, never changed.

    All text is US-ASCII. host: without the brackets of an IPv6 address. port: None when left out or the
    scheme's default. query, fragment: None when there is no ``?`` or ``#``. text: the URL. netloc: host and
    port, as the Host field has them. raw_path: path and query, the request target.
    """

    __slots__ = (
        "fragment",
        "host",
        "netloc",
        "path",
        "port",
        "query",
        "raw_path",
        "scheme",
        "text",
        "userinfo",
    )

    def __init__(
        self,
        scheme: str,
        userinfo: str,
        host: str,
        port: int | None,
        path: str,
        query: str | None,
        fragment: str | None,
        text: str | None = None,
    ) -> None:
        self.scheme = scheme
        self.userinfo = userinfo
        self.host = host
        self.port = port
        self.path = path
        self.query = query
        self.fragment = fragment
        netloc = f"[{host}]" if ":" in host else host
        if port is not None:
            netloc = f"{netloc}:{port}"
        self.netloc = netloc.encode("ascii")
        target = path or "/"
        self.raw_path = (target if query is None else f"{target}?{query}").encode("ascii")
        self.text = self.compose(userinfo) if text is None else text

    def compose(self, userinfo: str) -> str:
        """The URL with this userinfo."""
        text = f"{self.scheme}:" if self.scheme else ""
        netloc = self.netloc.decode("ascii")
        if userinfo:
            text = f"{text}//{userinfo}@{netloc}"
        elif netloc:
            text = f"{text}//{netloc}"
        text += self.path
        if self.query is not None:
            text = f"{text}?{self.query}"
        if self.fragment is not None:
            text = f"{text}#{self.fragment}"
        return text

    def components(self) -> tuple[str, str, str, int | None, str, str | None, str | None]:
        """What ``Parts(*components)`` makes an equal one of."""
        return self.scheme, self.userinfo, self.host, self.port, self.path, self.query, self.fragment


def parse(url: str) -> Parts:
    """The components of ``url``. Raises InvalidURL."""
    if len(url) <= MAX_CACHED_LENGTH:
        return _parse_cached(url)
    return _parse(url)


def _parse(url: str) -> Parts:
    plain = _PLAIN.fullmatch(url)
    if plain is not None and len(url) <= MAX_URL_LENGTH:
        scheme, host, port_text, path, query, fragment = plain.groups()
        port = None if port_text is None else int(port_text)
        if (
            (port is None or (port <= 65535 and port != DEFAULT_PORTS[scheme]))
            and (path is None or "/." not in path)
            and (
                not host[-1].isdigit()
                or _IPV4_STYLE.fullmatch(host) is None
                or _IPV4.fullmatch(host) is not None
            )
        ):
            return Parts(scheme, "", host, port, path or "", query, fragment, url)
    _check_text("URL", url)
    return _build(_split(url), may_be_password="@" in url)


# One client asks for the same few URLs again and again.
_parse_cached = lru_cache(maxsize=512)(_parse)


def change(base: Parts | str, components: dict[str, str | None]) -> Parts:
    """``base`` with some components replaced; None: without this one.

    components: scheme, username, password, userinfo, host, port, netloc, path, query, raw_path, fragment. A
    username or password replaces both; they may hold any character, the others are as they stand in a URL.
    Raises InvalidURL.
    """
    new = _as_written(components)
    if new.keys() <= _BEHIND_THE_HOST:
        try:
            parts = parse(base) if isinstance(base, str) else base
        except InvalidURL:
            pass  # perhaps for the component that is to be replaced
        else:
            path, query, fragment = parts.path, parts.query, parts.fragment
            return _complete(
                parts.scheme,
                parts.userinfo,
                parts.host,
                parts.port,
                (new["path"] or "") if "path" in new else path,
                new.get("query", query),
                new.get("fragment", fragment),
            )
    if isinstance(base, str):
        _check_text("URL", base)
        old = _split(base)
    else:
        old = {
            "scheme": base.scheme,
            "userinfo": base.userinfo,
            "host": f"[{base.host}]" if ":" in base.host else base.host,
            "port": None if base.port is None else str(base.port),
            "path": base.path,
            "query": base.query,
            "fragment": base.fragment,
        }
    return _build({**old, **new})


def _as_written(components: dict[str, str | None]) -> dict[str, str | None]:
    """Components under the names and in the form that they have in a URL. Raises InvalidURL."""
    new = dict(components)
    if "netloc" in new:
        new["host"], new["port"] = _split_netloc(new.pop("netloc") or "")
    if "username" in new or "password" in new:
        username = _encode(new.pop("username", None) or "", _NOT_USERNAME)
        password = _encode(new.pop("password", None) or "", _NOT_USERNAME)
        new["userinfo"] = f"{username}:{password}" if password else username
    if "raw_path" in new:
        path, question_mark, query = (new.pop("raw_path") or "").partition("?")
        new["path"], new["query"] = path, (query if question_mark else None)
    host = new.get("host")
    if host and ":" in host and not (host[0] == "[" and host[-1] == "]"):
        new["host"] = f"[{host}]"
    for name, value in new.items():
        if value is not None:
            _check_text(f"URL component {name!r}", value)
            if _COMPONENTS[name].fullmatch(value) is None:
                raise InvalidURL(f"invalid URL component {name!r}")
    return new


def _check_text(what: str, text: str) -> None:
    if len(text) > MAX_URL_LENGTH:
        raise InvalidURL(f"{what} is too long: {len(text)} characters, at most {MAX_URL_LENGTH} are accepted")
    control = _CONTROL.search(text)
    if control is not None:
        raise InvalidURL(f"{what} has the control character {control[0]!r} at position {control.start()}")


def _split(url: str) -> dict[str, str | None]:
    """The components as they are written (RFC 3986 appendix B); an IPv6 address keeps its brackets."""
    rest, number_sign, fragment = url.partition("#")
    rest, question_mark, query = rest.partition("?")
    scheme = _SCHEME.match(rest)
    assert scheme is not None  # it matches the empty string
    path = rest[scheme.end() :]
    userinfo = host = ""
    port: str | None = None
    if path.startswith("//"):
        end = path.find("/", 2)
        authority = path[2:] if end < 0 else path[2:end]
        path = "" if end < 0 else path[end:]
        userinfo, _, netloc = authority.rpartition("@")
        host, port = _split_netloc(netloc)
    return {
        "scheme": scheme[1],
        "userinfo": userinfo,
        "host": host,
        "port": port,
        "path": path,
        "query": query if question_mark else None,
        "fragment": fragment if number_sign else None,
    }


def _split_netloc(netloc: str) -> tuple[str, str]:
    """Host and port; an IPv6 address keeps its brackets, a port that is left out is ""."""
    bracket = netloc.rfind("]") if netloc.startswith("[") else -1
    if bracket > 0:
        return netloc[: bracket + 1], netloc[bracket + 1 :].removeprefix(":")
    host, _, port = netloc.partition(":")
    return host, port


def _build(raw: dict[str, str | None], *, may_be_password: bool = False) -> Parts:
    """Parts of components as they are written, each validated and made normal."""
    scheme = (raw["scheme"] or "").lower()
    userinfo = _encode(raw["userinfo"] or "", _NOT_USERINFO)
    host = _normal_host(raw["host"] or "")
    port = _normal_port(raw["port"], scheme, may_be_password)
    return _complete(scheme, userinfo, host, port, raw["path"] or "", raw["query"], raw["fragment"])


def _complete(
    scheme: str,
    userinfo: str,
    host: str,
    port: int | None,
    path: str,
    query: str | None,
    fragment: str | None,
) -> Parts:
    """Parts of components that are normal up to the port, and after it as they are written."""
    if userinfo or host or port is not None:
        if path and path[0] != "/":
            raise InvalidURL("the path of a URL with a host must be empty or begin with '/'")
        path = _without_dot_segments(path)
    elif scheme:
        path = _without_dot_segments(path)
    # Written out, these would be read as a host or as a scheme (RFC 3986 section 4.2).
    elif path.startswith("//"):
        raise InvalidURL("the path of a URL without a host cannot begin with '//'")
    elif path.startswith(":"):
        raise InvalidURL("the path of a URL without a scheme cannot begin with ':'")
    return Parts(
        scheme,
        userinfo,
        host,
        port,
        _encode(path, _NOT_PATH),
        None if query is None else _encode(query, _NOT_QUERY),
        None if fragment is None else _encode(fragment, _NOT_FRAGMENT),
    )


def _encode(text: str, others: re.Pattern[str]) -> str:
    """``text`` with what ``others`` matches percent-encoded, as UTF-8 (RFC 3986 section 2.1)."""
    try:
        return others.sub(_percent, text)
    except UnicodeEncodeError:
        raise InvalidURL("a URL cannot hold a lone surrogate: it is no character") from None


def _percent(others: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in others[0].encode("utf-8")])


def _normal_host(host: str) -> str:
    if _IPV4_STYLE.fullmatch(host):
        if _IPV4.fullmatch(host) is None:
            raise InvalidURL(f"invalid IPv4 address: {host!r}")
        return host
    if host.startswith("[") and host.endswith("]"):
        return _normal_ipv6(host[1:-1])
    if host.isascii():
        return _encode(host.lower(), _NOT_HOST)
    import idna

    try:
        return idna.encode(host.lower()).decode("ascii")
    except UnicodeError as exc:  # idna's own exceptions are UnicodeErrors
        raise InvalidURL(f"invalid internationalised host name {host!r}: {exc}") from None


def _normal_ipv6(address: str) -> str:
    import ipaddress

    _, percent, zone = address.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise InvalidURL(f"invalid IPv6 address: {address!r}") from None
    if percent and _ZONE.fullmatch(zone) is None:
        raise InvalidURL(f"invalid zone of an IPv6 address: {zone!r}")
    return address


def _normal_port(port: str | None, scheme: str, may_be_password: bool) -> int | None:
    if not port:
        return None
    # Digits alone: int() also takes signs, blanks, underscores, and digits of other scripts.
    if not (port.isascii() and port.isdigit()) or len(port) > 16 or int(port) > 65535:
        if may_be_password or "@" in port:
            raise InvalidURL("invalid port in URL; in a password, '/', '?' and '#' must be percent-encoded")
        raise InvalidURL(f"invalid port in URL: {port[:32]!r}")
    number = int(port)
    return None if number == DEFAULT_PORTS.get(scheme) else number


def _without_dot_segments(path: str) -> str:
    """``path`` with ``.`` and ``..`` resolved (RFC 3986 section 5.2.4); a last one leaves no slash behind."""
    if "." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if kept and kept != [""]:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)
