"""``URL`` is what it is in httpx: a table of URLs, random ones, changes of components, references.

The exceptions to that are in test_urls.py.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpstream._exceptions import InvalidURL
from httpstream._urls import URL
from tests.unit.test_urls import REFUSED_HERE, facts
from tests.unit.urls import TOKENS, URLS


def test_the_table_is_long_enough() -> None:
    assert len(URLS) >= 450


@pytest.mark.parametrize("url", [url for url in URLS if url not in REFUSED_HERE])
def test_a_url_is_what_it_is_in_httpx(url: str) -> None:
    httpx = pytest.importorskip("httpx")
    assert facts(URL, InvalidURL, url) == facts(httpx.URL, httpx.InvalidURL, url)


SIGN_OR_BLANK_IN_PORT = re.compile(r":[0-9]*[ +_\x85]")


@settings(deadline=None)
@given(
    start=st.sampled_from(["http://", "https://", "//", "ws:", ""]),
    rest=st.lists(st.sampled_from([*TOKENS.split(), " ", "\t", "\\", '"', "\x85"]), max_size=8),
)
def test_any_url_is_what_it_is_in_httpx_but_for_bad_ports(start: str, rest: list[str]) -> None:
    httpx = pytest.importorskip("httpx")
    url = start + "".join(rest)
    mine, theirs = facts(URL, InvalidURL, url), facts(httpx.URL, httpx.InvalidURL, url)
    if mine == "InvalidURL" != theirs and (theirs["port"] is not None or SIGN_OR_BLANK_IN_PORT.search(url)):
        return  # digits alone, and no number above 65535: see REFUSED_HERE
    assert mine == theirs


CHANGES: list[dict[str, Any]] = [
    *({"scheme": scheme} for scheme in ("http", "https", "9x", "", None)),
    *({"username": name} for name in ("jane", "ja ne@/:", "", None, "a%20b")),
    *({"password": word} for word in ("p", "p/@:?# ", "", None)),
    {"username": "jane", "password": "é"},
    *({"userinfo": info} for info in (b"a:b", b"a@b", b"", None, b"a b")),
    *({"host": host} for host in ("EX.com", "::1", "[::1]", "1.2.3.4", "1.2.3.400", "bücher.example")),
    *({"host": host} for host in ("a/b", "a b", "[zz]", "a:b", "a@b", "", None)),
    *({"port": port} for port in (80, 443, 8080, 0, None)),
    *({"netloc": netloc} for netloc in (b"a.b:80", b"a.b", b"", b"a.b:", b":8", None)),
    *({"path": path} for path in ("/a", "a", "", "//b", ":c", "/a?b", "/ü/./..", "../x", None, "/a b")),
    *({"query": query} for query in (b"a=b", b"", None, b"a#b", b"a b")),
    *({"raw_path": path} for path in (b"/a?b", b"/a?", b"/a", b"", b"?x", None, b"/a#", b"//a")),
    *({"fragment": fragment} for fragment in ("f", "", None, "ü #")),
    *({"params": params} for params in (None, {}, {"a": "1"}, {"a": [1, None, True]}, "a=b&c")),
    {"params": [("a", "b"), ("a", "c")]},
    {"params": {"a": "1"}, "query": b"b=2"},
    {"scheme": "https", "host": "b", "path": "/c", "query": b"d", "fragment": "e"},
    {"path": "/a", "raw_path": b"/b?c"},
    {"host": "a", "netloc": b"b:1"},
    {"fragment": "a\nb"},
    {"bogus": "x"},
    {"host": b"bytes"},
    {"query": "text"},
    {"port": "80"},
]
BASES = [
    "",
    "http://a.b/",
    "http://a.b:443",
    "https://u:p@[::1]:8080/p/q?r#f",
    "/rel/path",
    "a/b",
    "mailto:x@y",
    "//x/y",
]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_of_components_is_what_it_is_in_httpx(base: str, change: dict[str, Any]) -> None:
    httpx = pytest.importorskip("httpx")
    theirs = facts(httpx.URL, httpx.InvalidURL, httpx.URL(base), **change)
    assert facts(URL, InvalidURL, URL(base), **change) == theirs
    assert facts(URL, InvalidURL, base, **change) == facts(httpx.URL, httpx.InvalidURL, base, **change)


REFERENCES = """
? # g ./g g/ /g //g ?y g?y #s g#s ;x .. ../g ../../../g http:g http://other/x mailto:x é //g:80/é /a//b http://[::1
"""


@pytest.mark.parametrize("reference", [*REFERENCES.split(), "", "g h"])
@pytest.mark.parametrize(
    "base", ["http://a/b/c/d;p?q", "https://u:p@[::1]:8080/x?y#z", "http://a", "/only/path", ""]
)
def test_a_reference_is_resolved_as_in_httpx(base: str, reference: str) -> None:
    """RFC 3986 section 5.4."""
    httpx = pytest.importorskip("httpx")

    def joined(cls: type, invalid: type[Exception]) -> str:
        try:
            return str(cls(base).join(reference))
        except invalid:
            return "InvalidURL"

    assert joined(URL, InvalidURL) == joined(httpx.URL, httpx.InvalidURL)
