"""``URL``: its own rules. That it behaves as httpx's does is in test_urls_as_httpx.py."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpstream import _urlparse
from httpstream._exceptions import InvalidURL
from httpstream._urls import URL

COMPONENTS = (
    *("scheme", "raw_scheme", "userinfo", "username", "password", "host", "raw_host", "port", "netloc"),
    *("path", "query", "raw_path", "fragment", "params", "is_absolute_url", "is_relative_url"),
)

# What we refuse, or make normal, and httpx does not: each is a trap on the wire or raises something undocumented.
REFUSED_HERE = {
    "http://a:+80": "a sign is no digit",
    "http://a:-1": "a sign is no digit",
    "http://a:8_0": "an underscore is no digit",
    "http://a: 80": "a blank is no digit",
    "http://a:８０": "digits of US-ASCII only",
    "http://a:65536": "no port; httpx raises OverflowError when it connects",
    "http://a:" + "9" * 5000: "no port",
    "http://\ud800": "a lone surrogate; httpx raises UnicodeEncodeError",
    "http://a/\ud800": "a lone surrogate; httpx raises UnicodeEncodeError",
    "http://[::1%é]": "no zone; httpx raises UnicodeEncodeError when the host is asked for",
    "http://[::1%a b]": "no zone",
}


def facts(cls: type, invalid: type[Exception], *args: Any, **kwargs: Any) -> Any:
    """All that can be seen of a URL from outside, or that there is none."""
    try:
        url = cls(*args, **kwargs)
    except invalid:
        return "InvalidURL"
    except TypeError:
        return "TypeError"
    seen: dict[str, Any] = {"str": str(url), "repr": repr(url), "params": url.params.multi_items()}
    for name in COMPONENTS:
        try:
            seen.setdefault(name, getattr(url, name))
        except UnicodeError:  # httpx, for a host that looks like IDNA and is not
            seen[name] = url.raw_host.decode("ascii")
    return seen


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_url_or_an_invalid_url(text: str) -> None:
    """Nothing else comes out, neither at once nor when a component is asked for."""
    for url in (text, "http://" + text, "http://a/" + text, "http://a:" + text):
        assert facts(URL, InvalidURL, url)


@pytest.mark.parametrize("url", REFUSED_HERE)
def test_what_would_fail_later_is_refused_at_once(url: str) -> None:
    with pytest.raises(InvalidURL):
        URL(url)


def test_the_default_port_is_left_out_whatever_the_case_of_the_scheme() -> None:
    """As httpx documents it; it looks at the scheme before it is in lower case."""
    assert str(URL("HTTP://example.com:80/")) == "http://example.com/"
    assert URL("https://example.com:80").copy_with(scheme="HTTP").port is None


def test_a_url_is_taken_apart() -> None:
    url = URL("HTTPS://jane%40acme:pass%20word@BÜCHER.example:8443/a%20shelf?q=%C3%A9#t%20op")
    assert {name: getattr(url, name) for name in COMPONENTS if name != "params"} == {
        "scheme": "https",
        "raw_scheme": b"https",
        "userinfo": b"jane%40acme:pass%20word",
        "username": "jane@acme",
        "password": "pass word",
        "host": "bücher.example",
        "raw_host": b"xn--bcher-kva.example",
        "port": 8443,
        "netloc": b"xn--bcher-kva.example:8443",
        "path": "/a shelf",
        "query": b"q=%C3%A9",
        "raw_path": b"/a%20shelf?q=%C3%A9",
        "fragment": "t op",
        "is_absolute_url": True,
        "is_relative_url": False,
    }
    assert url.params["q"] == "é"


@pytest.mark.parametrize("url", ["http://a/\r\nHost: evil", "http://a\x00", "http://a/\x7f", "\x1fhttp://a"])
def test_a_control_character_is_refused_with_its_position(url: str) -> None:
    """Otherwise a URL could add a line to the request."""
    with pytest.raises(InvalidURL, match="position"):
        URL(url)


def test_a_url_may_have_65536_characters_and_no_more() -> None:
    start = "http://example.com/"
    assert len(str(URL(start + "a" * (65536 - len(start))))) == 65536
    with pytest.raises(InvalidURL, match="too long"):
        URL(start + "a" * (65537 - len(start)))
    with pytest.raises(InvalidURL, match="'path' is too long"):
        URL(start, path="/" * 65537)


@pytest.mark.parametrize(
    "url", ["http://user:s3cr/et@example.com", "http://user:s3cr#et@a", "http://u:s3cr?et@a"]
)
def test_an_error_does_not_show_what_may_be_a_password(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        URL(url)
    assert "s3cr" not in str(caught.value)
    assert "percent-encoded" in str(caught.value)


def test_the_repr_hides_the_password_and_str_does_not() -> None:
    url = URL("http://user:s3cret@example.com/")
    assert repr(url) == "URL('http://user:[secure]@example.com/')"
    assert str(url) == "http://user:s3cret@example.com/"


def test_a_netloc_may_hold_an_ipv6_address() -> None:
    url = URL("http://a/").copy_with(netloc=b"[::1]:8080")
    assert (url.host, url.port, url.netloc) == ("::1", 8080, b"[::1]:8080")


@pytest.mark.parametrize(
    "change", [{"query": b"\xff"}, {"raw_path": b"/\xff"}, {"netloc": b"\xff"}, {"port": 65536}]
)
def test_a_bad_component_is_an_invalid_url(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidURL):
        URL("http://a/", **change)


@pytest.mark.parametrize("url", [None, 5, b"http://a/", ["http://a/"]])
def test_a_url_is_made_of_text_or_of_another_url(url: Any) -> None:
    with pytest.raises(TypeError, match="must be a str or a URL"):
        URL(url)


def test_a_reference_that_cannot_be_resolved_is_an_invalid_url() -> None:
    with pytest.raises(InvalidURL, match="resolve"):
        URL("http://a/").join("http:////[")


def test_urls_are_equal_when_their_normal_text_is() -> None:
    url = URL("http://example.com/a")
    assert url == URL("HTTP://EXAMPLE.com:80/a") == "http://example.com:80/a"
    assert hash(url) == hash(URL("http://example.com:80/a")) == hash("http://example.com/a")
    assert url != URL("http://example.com/A")
    for other in ("http://b:x", None, 5, b"http://example.com/a"):
        assert url != other
    assert {url: 1}[URL("http://example.com:80/a")] == 1


@pytest.mark.parametrize(
    "url", ["http://u:p@[::1]:8080/a?b#c", "/a", "", "http:////a", "http://bücher.example"]
)
def test_a_pickle_and_a_copy_are_the_same_url(url: str) -> None:
    for again in (
        pickle.loads(pickle.dumps(URL(url))),
        copy.copy(URL(url)),
        copy.deepcopy(URL(url)),
        URL(URL(url)),
    ):
        assert again == URL(url)
        assert facts(URL, InvalidURL, again) == facts(URL, InvalidURL, url)


def test_a_host_that_looks_like_idna_and_is_not_stays_as_it_is() -> None:
    """httpx raises idna's exception here."""
    assert URL("http://xn--/").host == "xn--"


def test_params_of_a_url_are_set_added_removed_and_merged() -> None:
    url = URL("http://a/?x=1&y=2")
    assert url.copy_set_param("x", "3") == "http://a/?x=3&y=2"
    assert url.copy_add_param("x", "3") == "http://a/?x=1&x=3&y=2"
    assert url.copy_remove_param("x") == "http://a/?y=2"
    assert url.copy_remove_param("x").copy_remove_param("y") == "http://a/"
    assert url.copy_merge_params({"y": None, "z": True}) == "http://a/?x=1&y=&z=true"
    assert url == "http://a/?x=1&y=2"


def test_parsing_twice_gives_the_same_object_and_long_urls_are_not_kept() -> None:
    url = "http://example.com/cached?1"
    assert _urlparse.parse(url) is _urlparse.parse(url)
    long = "http://example.com/" + "a" * 3000
    assert _urlparse.parse(long) is not _urlparse.parse(long)
