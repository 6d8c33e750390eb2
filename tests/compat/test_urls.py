"""URL: how text becomes components, and what those look like. Changing and joining: `test_urls_change`."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import pytest

from tests.compat.harness import same


def seen(url: Any) -> list[Any]:
    """All that a URL says of itself."""
    names = ("scheme", "raw_scheme", "userinfo", "username", "password", "host", "raw_host", "port", "netloc")
    more = ("path", "query", "raw_path", "fragment", "params", "is_absolute_url", "is_relative_url")
    return [str(url), repr(url), *(getattr(url, name) for name in names + more)]


@same("URL.path keeps its percent-encoding")
def test_every_component_has_its_property(httpx: Any) -> Any:
    return seen(httpx.URL("https://jane%40acme:pass%20word@bücher.example:8443/a%20shelf?q=x#top%20"))


@same("the scheme keeps its case")
def test_scheme_and_host_are_in_lower_case(httpx: Any) -> Any:
    return seen(httpx.URL("HTTP://HOST.Example/PaTh?Q#F"))


@same("port 80 of http stays in the URL")
@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss", "ftp", "foo"])
@pytest.mark.parametrize("port", [21, 80, 443, 8080])
def test_the_default_port_of_a_scheme_is_left_out(httpx: Any, scheme: str, port: int) -> Any:
    return seen(httpx.URL(f"{scheme}://host:{port}/"))


@same("an empty port becomes 0")
def test_an_empty_port_is_none(httpx: Any) -> Any:
    return seen(httpx.URL("http://host:/"))


@same("a port with leading zeros is an error")
def test_leading_zeros_of_a_port_do_not_count(httpx: Any) -> Any:
    return seen(httpx.URL("http://host:00808/"))


@same("letters in a port raise another exception")
@pytest.mark.parametrize("port", ["8a", "a", "80:80", "0x50"])
def test_a_port_that_is_no_number_is_invalid(httpx: Any, port: str) -> Any:
    return httpx.URL(f"http://host:{port}/")


@same("-1 is a port", differs="a port that is not made of US-ASCII digits, or is over 65535")
@pytest.mark.parametrize("port", ["-1", "65536", "99999", "+8", "٣", "8_0", " 80", "80 "])
def test_a_port_outside_of_its_range(httpx: Any, port: str) -> Any:
    return httpx.URL(f"http://host:{port}/")


@same("the host is sent in Unicode")
@pytest.mark.parametrize(
    "host", ["bücher.example", "☃.net", "faß.de", "BÜCHER.example", "日本語.jp", "ラーメン.test"]
)
def test_an_international_host_is_encoded_for_the_wire(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("an A-label is shown as it is")
def test_an_a_label_is_shown_decoded(httpx: Any) -> Any:
    return seen(httpx.URL("http://xn--bcher-kva.example/"))


@same("every label is looked at for xn--")
def test_an_a_label_behind_the_first_is_shown_as_it_is(httpx: Any) -> Any:
    return seen(httpx.URL("http://a.xn--bcher-kva.example/"))


@same("a host that idna refuses raises idna's exception")
@pytest.mark.parametrize("host", ["\u00ad", "a\u200db", "\u3000h", "\u2fe0", "ＨＯＳＴ", "a。é", "-é"])
def test_a_host_that_cannot_be_international(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("URL.host raises for a bad A-label", differs="`.host` of a malformed `xn--` name is that name")
@pytest.mark.parametrize("host", ["xn--", "xn--a", "xn--0"])
def test_an_a_label_that_is_none(httpx: Any, host: str) -> Any:
    return httpx.URL(f"http://{host}/").host


@same("a blank in a host is an error")
@pytest.mark.parametrize(
    "host", ["ho st", "ho%20st", "ho_st", "h|x", "h^x", "h<x>", 'h"x', "h`x", "h{x}", "h\\x", "%41bc"]
)
def test_odd_characters_of_a_host_are_encoded(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("a dot at an end of the host is dropped")
@pytest.mark.parametrize("host", ["host.", ".host", "a..b", "-host", "host-", "ab--c"])
def test_dots_and_hyphens_of_a_host_stay(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("four numbers with a leading zero are a name")
@pytest.mark.parametrize("host", ["1.2.3.4", "01.2.3.4", "256.1.1.1", "1.2.3", "1.2.3.4.5", "127.0.0.1"])
def test_what_looks_like_an_ipv4_address_must_be_one(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("netloc of an IPv6 address has no brackets")
@pytest.mark.parametrize("host", ["[::1]", "[::FFFF:1.2.3.4]", "[fe80::1%25eth0]", "[2001:db8::1]"])
def test_an_ipv6_address_is_bare_in_host_and_in_brackets_in_netloc(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}:8080/a"))


@same("an address in brackets is not checked")
@pytest.mark.parametrize("host", ["[::1", "[xyz]", "[1.2.3.4]", "[::1]x", "::1", "[]", "[::g]", "[v1.x]"])
def test_a_malformed_ipv6_address_is_invalid(httpx: Any, host: str) -> Any:
    return seen(httpx.URL(f"http://{host}/"))


@same("a zone is not checked", differs="an illegal IPv6 zone")
def test_a_zone_with_a_blank(httpx: Any) -> Any:
    return httpx.URL("http://[fe80::1%25a b]/")


@same("a blank in the path is sent as it is")
@pytest.mark.parametrize(
    "text", ["a b", "'\"<>`{}|\\^", "é", "\U0001f600", "\u3000", "[x]", "$-_.+!*'(),", "~", "a;b=c&d"]
)
def test_a_path_is_encoded_by_its_own_rules(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(f"http://host/{text}"))


@same("the query is encoded by the rules of the path")
@pytest.mark.parametrize(
    "text", ["a=b c", "'\"<>`{}|\\^", "é=ü", "a=b?c=d", "a[]=1&b|c", "a=b+c", "~", "a/b:c@d"]
)
def test_a_query_is_encoded_by_its_own_rules(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(f"http://host/?{text}"))


@same("the fragment is encoded by the rules of the query")
@pytest.mark.parametrize("text", ["a b", "'\"<>`{}|\\^", "é", "a#b", "?x", "a/b"])
def test_a_fragment_is_encoded_by_its_own_rules(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(f"http://host/#{text}"))


@same("%20 becomes %2520")
@pytest.mark.parametrize("text", ["%20", "%2F", "%3F", "%e2%82%ac", "%E2%82%AC", "%41"])
def test_what_is_encoded_already_stays_as_it_is(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(f"http://host/{text}?{text}#{text}"))


@same("a percent sign that encodes nothing is an error")
@pytest.mark.parametrize("text", ["%", "%2", "%zz", "100%", "%%41"])
def test_a_lone_percent_sign_stands_for_itself(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(f"http://host/{text}?{text}#{text}"))


@same("a path keeps its dots")
@pytest.mark.parametrize(
    "path", ["a/../b/./c//d", "..", "../..", "a/..", "a/.", "./a", "a/b/../../c", "...", ".a", "%2E%2e/a"]
)
def test_dot_segments_are_resolved(httpx: Any, path: str) -> Any:
    return seen(httpx.URL(f"http://host/{path}"))


@same("a URL without a path gets a slash in its text")
@pytest.mark.parametrize("rest", ["", "?", "#", "?#", "/?#", "?a", "#a"])
def test_an_empty_path_query_or_fragment(httpx: Any, rest: str) -> Any:
    return seen(httpx.URL(f"http://host{rest}"))


@same("a relative URL has a host")
@pytest.mark.parametrize("text", ["", "/p", "p", "p/q?x", "?x", "#x", "//host/p", "./a:b", "/a:b", "../x"])
def test_a_relative_url(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(text))


@same("a scheme needs two slashes")
@pytest.mark.parametrize(
    "text",
    ["mailto:a@b.c", "data:text/plain,abc", "urn:isbn:1", "a:b", "javascript:alert(1)", "h+t.t-p://h/"],
)
def test_a_scheme_without_a_host(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(text))


@same("http: with one slash has a host")
@pytest.mark.parametrize(
    "text", ["http:///p", "http://", "http:p", "http:/p", "://h", ":p", "1http://h/", "ht_tp://h/"]
)
def test_a_url_that_lacks_its_host_or_scheme(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(text))


@same("the password is in the repr")
def test_the_password_is_not_in_the_repr(httpx: Any) -> Any:
    return [
        repr(httpx.URL(f"http://{userinfo}@host/"))
        for userinfo in ("user:secret", ":secret", "user:", "user")
    ]


@same("userinfo is split at the last colon")
@pytest.mark.parametrize(
    "userinfo",
    ["u", "u:", ":p", ":", "", "a:b:c", "u%40x:p%3Ax", "us er:pa ss", "a@b", "u;ser=1", "é:ü", "[u]"],
)
def test_username_and_password(httpx: Any, userinfo: str) -> Any:
    return seen(httpx.URL(f"http://{userinfo}@host/"))


@same("a slash in a password ends the host")
def test_a_slash_in_a_password_must_be_encoded(httpx: Any) -> Any:
    return httpx.URL("http://user:pa/ss@host/")


@same("control characters are encoded")
@pytest.mark.parametrize("character", ["\x00", "\t", "\n", "\r", "\x1f", "\x7f"])
def test_a_control_character_is_invalid(httpx: Any, character: str) -> Any:
    return httpx.URL(f"http://host/a{character}b")


@same("blanks around a URL are stripped")
@pytest.mark.parametrize("text", [" http://host/", "http://host/ ", "http ://host/"])
def test_blanks_around_a_url(httpx: Any, text: str) -> Any:
    return seen(httpx.URL(text))


@same("a URL may have any length")
@pytest.mark.parametrize("size", [65536 - 12, 65536 - 11])
def test_a_url_has_at_most_65536_characters(httpx: Any, size: int) -> Any:
    return len(str(httpx.URL("http://host/" + "a" * size)))


@same(
    "a lone surrogate raises UnicodeEncodeError", differs="a lone surrogate, or a component in bytes beyond"
)
def test_a_lone_surrogate_in_a_url(httpx: Any) -> Any:
    return httpx.URL("http://host/\ud800")


@same("URL(bytes) is accepted")
@pytest.mark.parametrize("value", [b"http://host/", None, 5, ("http://host/",)])
def test_a_url_is_text_or_a_url(httpx: Any, value: Any) -> Any:
    return httpx.URL(value)


@same("URL() without an argument is an error")
def test_a_url_of_nothing_is_empty(httpx: Any) -> Any:
    return seen(httpx.URL())


@same("a str is not equal to a URL")
def test_a_url_is_equal_to_its_text(httpx: Any) -> Any:
    url = httpx.URL("http://host/")
    others = [
        "http://host/",
        "HTTP://HOST/",
        "http://host",
        None,
        5,
        b"http://host/",
        httpx.URL("http://host:80/"),
    ]
    return [(url == other, url != other) for other in others]


@same("comparing with what is no URL raises", differs='`url == "text"` is false when the text is no URL')
def test_a_url_compared_with_text_that_is_none(httpx: Any) -> Any:
    return httpx.URL("http://host/") == "http://host:x/"


@same("equal URLs have other hashes")
def test_equal_urls_are_one_key(httpx: Any) -> Any:
    urls = {httpx.URL("http://host/"), httpx.URL("HTTP://host/"), httpx.URL("http://host")}
    return len(urls), hash(httpx.URL("http://host/")) == hash("http://host/")


@same("a property of a URL can be set")
@pytest.mark.parametrize("name", ["scheme", "host", "path", "query", "params", "raw"])
def test_a_component_cannot_be_assigned(httpx: Any, name: str) -> Any:
    setattr(httpx.URL("http://host/"), name, "x")


@same("a URL has no room for attributes of one's own")
def test_a_url_takes_other_attributes(httpx: Any) -> Any:
    url = httpx.URL("http://host/")
    url.note = "mine"
    return url.note


@same("a pickled URL loses its password")
@pytest.mark.parametrize("again", [lambda url: pickle.loads(pickle.dumps(url)), copy.copy, copy.deepcopy])
def test_a_copy_of_a_url_is_equal(httpx: Any, again: Any) -> Any:
    url = httpx.URL("http://user:secret@bücher.example:81/é?x=y#z")
    return seen(again(url)), again(url) == url, again(url).password


@same("URL.raw gives a plain tuple")
def test_raw_is_a_deprecated_named_tuple(httpx: Any) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        raw = httpx.URL("http://user:pw@é.example/é?x#y").raw
    return repr(raw), tuple(raw), raw.raw_host, [warning.category.__name__ for warning in caught]


@same("a subclass's repr has the name of its base")
def test_a_url_can_be_subclassed(httpx: Any) -> Any:
    url = type("Own", (httpx.URL,), {})("http://host/a")
    return (
        repr(url),
        type(url.copy_with(path="/x")).__name__,
        type(url.join("b")).__name__,
        url == "http://host/a",
    )


@same("an empty URL is false")
def test_every_url_is_true(httpx: Any) -> Any:
    return bool(httpx.URL("")), bool(httpx.URL("http://host/"))


@same("format() of a URL gives its repr")
def test_a_url_in_a_format_is_its_text(httpx: Any) -> Any:
    url = httpx.URL("http://user:pw@host/")
    return f"{url}", f"{url!s}", "%s" % url, "%r" % url  # noqa: UP031 - the other way to format is the test
