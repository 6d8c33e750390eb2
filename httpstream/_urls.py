"""``URL`` and ``QueryParams``: immutable values with httpx's interface, over the rules in ``_urlparse``."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView

from ._exceptions import InvalidURL
from ._urlparse import Parts, change, parse

TYPE_CHECKING = False  # type checkers take this name for true; it saves the import of typing
if TYPE_CHECKING:
    from typing import Any

    from ._types import PrimitiveData, QueryParamTypes

__all__ = ["URL", "QueryParams"]

# What form-encoding leaves as it is.
_STANDS_FOR_ITSELF = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch

# The keyword arguments of URL() and copy_with(), and the type each must have.
_KEYWORDS: dict[str, type] = {
    "scheme": str,
    "username": str,
    "password": str,
    "userinfo": bytes,
    "host": str,
    "port": int,
    "netloc": bytes,
    "path": str,
    "query": bytes,
    "raw_path": bytes,
    "fragment": str,
    "params": object,
}


class URL:
    """A URL: parsed, validated, normal.

        https://jane%40acme:pass%20word@bücher.example:8443/a%20shelf?q=x#top

        scheme    "https"             username  "jane@acme"     userinfo  b"jane%40acme:pass%20word"
        host      "bücher.example"    password  "pass word"     raw_host  b"xn--bcher-kva.example"
        port      8443                path      "/a shelf"      netloc    b"xn--bcher-kva.example:8443"
        fragment  "top"               query     b"q=x"          raw_path  b"/a%20shelf?q=x"

    url: a str or another URL. Keyword arguments replace components: scheme, username, password, host, path,
    fragment (str), userinfo, netloc, query, raw_path (bytes, as in a URL), port (int), params.
    Raises InvalidURL, and TypeError for an argument of the wrong type.
    """

    __module__ = "httpstream"
    __slots__ = ("__dict__", "__weakref__", "_parts")

    def __init__(self, url: URL | str = "", **kwargs: Any) -> None:
        if isinstance(url, str):
            self._parts = change(url, _components(kwargs)) if kwargs else parse(url)
        elif isinstance(url, URL):
            self._parts = change(url._parts, _components(kwargs)) if kwargs else url._parts
        else:
            raise TypeError(f"url must be a str or a URL, not {type(url)}: {url!r}")

    @property
    def _uri_reference(self) -> Parts:
        """The components, under the name by which programs that know httpx reach for them."""
        return self._parts

    @property
    def scheme(self) -> str:
        """In lower case; ``""`` for a relative URL."""
        return self._parts.scheme

    @property
    def raw_scheme(self) -> bytes:
        """The scheme as bytes."""
        return self._parts.scheme.encode("ascii")

    @property
    def userinfo(self) -> bytes:
        """Username and password as they stand in the URL, percent-encoded."""
        return self._parts.userinfo.encode("ascii")

    @property
    def username(self) -> str:
        """Percent-decoded."""
        return _unquote(self._parts.userinfo.partition(":")[0])

    @property
    def password(self) -> str:
        """Percent-decoded."""
        return _unquote(self._parts.userinfo.partition(":")[2])

    @property
    def host(self) -> str:
        """In lower case; a name that begins with an IDNA label is decoded; an IPv6 address is bare."""
        host = self._parts.host
        if host.startswith("xn--"):
            import idna

            try:
                return idna.decode(host)
            except UnicodeError:
                return host  # no such name can be registered, but it can stand in a URL
        return host

    @property
    def raw_host(self) -> bytes:
        """The host as name resolution wants it: in lower case, IDNA-encoded, without brackets."""
        return self._parts.host.encode("ascii")

    @property
    def port(self) -> int | None:
        """None when it is left out, or the default of the scheme."""
        return self._parts.port

    @property
    def netloc(self) -> bytes:
        """Host and port as the Host field has them: an IPv6 address in brackets, a default port left out."""
        return self._parts.netloc

    @property
    def path(self) -> str:
        """Percent-decoded; ``"/"`` when empty."""
        return _unquote(self._parts.path or "/")

    @property
    def query(self) -> bytes:
        """What follows the ``?``, percent-encoded; ``b""`` also when there is none."""
        return (self._parts.query or "").encode("ascii")

    @property
    def params(self) -> QueryParams:
        """The query, parsed."""
        return QueryParams(self._parts.query)

    @property
    def raw_path(self) -> bytes:
        """Path and query, percent-encoded: the request target in origin form (RFC 9112 section 3.2.1)."""
        return self._parts.raw_path

    @property
    def fragment(self) -> str:
        """What follows the ``#``, percent-decoded."""
        return _unquote(self._parts.fragment or "")

    @property
    def is_absolute_url(self) -> bool:
        """Has a scheme and a host, so that a connection can be made."""
        return bool(self._parts.scheme and self._parts.host)

    @property
    def is_relative_url(self) -> bool:
        """Lacks a scheme or a host."""
        return not self.is_absolute_url

    @property
    def raw(self) -> tuple[bytes, bytes, int | None, bytes]:
        """Deprecated: raw_scheme, raw_host, port and raw_path as a named tuple."""
        import warnings
        from collections import namedtuple

        warnings.warn("URL.raw is deprecated: use raw_scheme, raw_host, port and raw_path", UserWarning, 2)
        RawURL = namedtuple("RawURL", ["raw_scheme", "raw_host", "port", "raw_path"])
        return RawURL(self.raw_scheme, self.raw_host, self.port, self.raw_path)

    def copy_with(self, **kwargs: Any) -> URL:
        """A URL with some components replaced, by the keyword arguments of ``URL()``."""
        return URL(self, **kwargs)

    def copy_set_param(self, key: str, value: Any = None) -> URL:
        """A URL whose query has this one value for ``key``."""
        return self.copy_with(params=self.params.set(key, value))

    def copy_add_param(self, key: str, value: Any = None) -> URL:
        """A URL whose query has one value more for ``key``."""
        return self.copy_with(params=self.params.add(key, value))

    def copy_remove_param(self, key: str) -> URL:
        """A URL whose query has no ``key``."""
        return self.copy_with(params=self.params.remove(key))

    def copy_merge_params(self, params: QueryParamTypes) -> URL:
        """A URL whose query has ``params`` too; they replace the values of the same keys."""
        return self.copy_with(params=self.params.merge(params))

    def join(self, url: URL | str) -> URL:
        """``url`` seen from this one: a reference is resolved (RFC 3986 section 5), an absolute URL stays.

        Raises InvalidURL.
        """
        from urllib.parse import urljoin

        try:
            return URL(urljoin(str(self), str(URL(url))))
        except ValueError as exc:
            raise InvalidURL(f"cannot resolve a relative URL: {exc}") from None

    def __hash__(self) -> int:
        return hash(self._parts.text)

    def __eq__(self, other: object) -> bool:
        """The same normal text; a str is parsed first."""
        if isinstance(other, URL):
            return self._parts.text == other._parts.text
        if isinstance(other, str):
            try:
                return self._parts.text == parse(other).text
            except InvalidURL:
                return False
        return False

    def __str__(self) -> str:
        return self._parts.text

    def _shown(self) -> str:
        """The URL for messages and logs: its password is replaced."""
        username, colon, _ = self._parts.userinfo.partition(":")
        return self._parts.compose(f"{username}:[secure]") if colon else self._parts.text

    def __repr__(self) -> str:
        """Without the password: a repr ends up in logs."""
        return f"{type(self).__name__}({self._shown()!r})"

    def __getstate__(self) -> tuple[Any, ...]:
        return self._parts.components()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._parts = Parts(*state)


def _components(kwargs: dict[str, Any]) -> dict[str, str | None]:
    """The keyword arguments of ``URL()`` as text. Raises TypeError, and InvalidURL for non-ASCII bytes."""
    components: dict[str, str | None] = {}
    for key, value in kwargs.items():
        expected = _KEYWORDS.get(key)
        if expected is None:
            raise TypeError(f"URL() has no keyword argument {key!r}")
        if key == "params":
            continue
        elif value is None:
            components[key] = None
        elif not isinstance(value, expected):
            raise TypeError(f"URL component {key!r} must be {expected.__name__}, not {type(value).__name__}")
        elif isinstance(value, bytes):
            try:
                components[key] = value.decode("ascii")
            except UnicodeDecodeError:
                raise InvalidURL(f"URL component {key!r} must be percent-encoded US-ASCII") from None
        else:
            components[key] = str(value)
    if "params" in kwargs:  # stronger than query=; no parameters: no "?" either
        params = kwargs["params"]
        components["query"] = str(QueryParams(params)) if params else None
    return components


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def location_shown(location: str) -> str:
    """A ``Location`` for messages: without a password in it."""
    if "@" not in location:
        return location
    try:
        return URL(location)._shown()
    except InvalidURL:
        return "[no URL]"


class QueryParams(Mapping[str, str]):
    """The parameters of a query: an immutable mapping that keeps several values per key, in order.

    One positional argument (a query as str or bytes, a mapping whose values may be lists, pairs, or another
    QueryParams), or keyword arguments. True, False and None become ``"true"``, ``"false"`` and ``""``.
    Looking up a key gives its first value. Raises TypeError for more arguments than one.
    """

    __module__ = "httpstream"
    __slots__ = ("__dict__", "__weakref__", "_dict")

    def __init__(self, *args: QueryParamTypes | None, **kwargs: Any) -> None:
        if len(args) > 1 or (args and kwargs):
            raise TypeError("QueryParams takes one positional argument, or keyword arguments")
        value: Any = args[0] if args else kwargs
        self._dict: dict[str, list[str]]
        if value is None or isinstance(value, (str, bytes)):
            self._dict = _parse_query(value) if value else {}
        elif type(value) is dict:  # the common case; a look at the abstract class of the next line costs more
            self._dict = _texts(value)
        elif isinstance(value, QueryParams):
            self._dict = {key: values.copy() for key, values in value._dict.items()}
        elif isinstance(value, (list, tuple)):
            self._dict = {}
            for pair in value:
                self._dict.setdefault(str(pair[0]), []).append(_as_text(pair[1]))
        else:
            self._dict = _texts(value)

    def keys(self) -> KeysView[str]:
        """Each key once."""
        return self._dict.keys()

    def values(self) -> ValuesView[str]:
        """The first value of each key."""
        return self._firsts().values()

    def items(self) -> ItemsView[str, str]:
        """Each key with its first value."""
        return self._firsts().items()

    def _firsts(self) -> dict[str, str]:
        return {key: values[0] for key, values in self._dict.items()}

    def multi_items(self) -> list[tuple[str, str]]:
        """``(key, value)`` of every value; those of one key stand together."""
        return [(key, value) for key, values in self._dict.items() for value in values]

    def get(self, key: Any, default: Any = None) -> Any:
        """The first value of ``key``, or ``default``."""
        values = self._dict.get(key)
        return default if values is None else values[0]

    def get_list(self, key: str) -> list[str]:
        """All values of ``key``."""
        return self._dict.get(str(key), []).copy()

    def _with(self, changes: dict[str, list[str]]) -> QueryParams:
        params = QueryParams()
        params._dict = {**self._dict, **changes}
        return params

    def set(self, key: str, value: Any = None) -> QueryParams:
        """A copy in which ``key`` has this one value."""
        return self._with({str(key): [_as_text(value)]})

    def add(self, key: str, value: Any = None) -> QueryParams:
        """A copy in which ``key`` has one value more."""
        return self._with({str(key): [*self.get_list(key), _as_text(value)]})

    def remove(self, key: str) -> QueryParams:
        """A copy without ``key``."""
        params = self._with({})
        params._dict.pop(str(key), None)
        return params

    def merge(self, params: QueryParamTypes | None = None) -> QueryParams:
        """A copy with ``params`` too; they replace the values of the same keys."""
        return self._with(QueryParams(params)._dict)

    def __getitem__(self, key: str) -> str:
        return self._dict[key][0]

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __bool__(self) -> bool:
        return bool(self._dict)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        """The same keys and values, in any order. Equal to QueryParams alone."""
        return isinstance(other, self.__class__) and sorted(self.multi_items()) == sorted(other.multi_items())

    def __str__(self) -> str:
        """The query, form-encoded. Raises InvalidURL for a lone surrogate."""
        pairs = self.multi_items()
        if all(_STANDS_FOR_ITSELF(key) and _STANDS_FOR_ITSELF(value) for key, value in pairs):
            return "&".join([f"{key}={value}" for key, value in pairs])
        from urllib.parse import urlencode

        try:
            return urlencode(pairs)
        except UnicodeEncodeError:
            raise InvalidURL("a URL cannot hold a lone surrogate: it is no character") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def update(self, params: QueryParamTypes | None = None) -> None:
        """Raises RuntimeError: QueryParams cannot be changed."""
        raise RuntimeError("QueryParams are immutable: use `params = params.merge(...)`")

    def __setitem__(self, key: str, value: str) -> None:
        raise RuntimeError("QueryParams are immutable: use `params = params.set(key, value)`")


def _parse_query(query: str | bytes) -> dict[str, list[str]]:
    from urllib.parse import parse_qs

    try:
        return parse_qs(query if isinstance(query, str) else query.decode("ascii"), keep_blank_values=True)
    except UnicodeDecodeError:
        raise InvalidURL("a query in bytes must be percent-encoded US-ASCII") from None


def _texts(params: Mapping[Any, Any]) -> dict[str, list[str]]:
    return {
        str(key): [_as_text(item) for item in (items if isinstance(items, (list, tuple)) else (items,))]
        for key, items in params.items()
    }


def _as_text(value: PrimitiveData) -> str:
    """A parameter's value as text, with JSON's words for the constants."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)
