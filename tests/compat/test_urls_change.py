"""URL: copies with other components, other parameters, and references that are resolved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.harness import same
from tests.compat.test_urls import seen

BASES = ["http://user:pw@host:8080/a?q#f", "http://host", "/p", ""]
bases = pytest.mark.parametrize("base", BASES)


@same("copy_with(scheme=) keeps a port that is the new scheme's default")
@bases
@pytest.mark.parametrize("scheme", ["https", "HTTPS", "", None, "1", "a b"])
def test_another_scheme(httpx: Any, base: str, scheme: str | None) -> Any:
    return seen(httpx.URL(base).copy_with(scheme=scheme))


@same("copy_with(host=) does not encode an international name")
@bases
@pytest.mark.parametrize("host", ["other", "ö.example", "::1", "[::1]", "", None, "1.2.3.4", "1.2.3.400"])
def test_another_host(httpx: Any, base: str, host: str | None) -> Any:
    return seen(httpx.URL(base).copy_with(host=host))


@same("copy_with(host=) takes what ends a host")
@pytest.mark.parametrize("host", ["a:b", "a/b", "a@b", "a b", "a?b", "a#b"])
def test_a_host_holds_nothing_that_would_end_it(httpx: Any, host: str) -> Any:
    return seen(httpx.URL("http://host/").copy_with(host=host))


@same("copy_with(port=None) keeps the port")
@bases
@pytest.mark.parametrize("port", [80, 443, 0, None, True])
def test_another_port(httpx: Any, base: str, port: int | None) -> Any:
    return seen(httpx.URL(base).copy_with(port=port))


@same("copy_with(netloc=) keeps the port")
@bases
@pytest.mark.parametrize("netloc", [b"other:1", b"other", b"", b"a@other:1"])
def test_another_netloc(httpx: Any, base: str, netloc: bytes) -> Any:
    return seen(httpx.URL(base).copy_with(netloc=netloc))


@same("netloc= splits an IPv6 address at its first colon", differs='`copy_with(netloc=b"[::1]:8080")` works')
def test_a_netloc_of_an_ipv6_address(httpx: Any) -> Any:
    return httpx.URL("http://a/").copy_with(netloc=b"[::1]:8080")


@same("copy_with(path=) does not encode")
@bases
@pytest.mark.parametrize("path", ["/x y", "x", "", None, "/a%2Fb", "/é", "//x", "/a/../b", "a:b"])
def test_another_path(httpx: Any, base: str, path: str | None) -> Any:
    return seen(httpx.URL(base).copy_with(path=path))


@same("copy_with(path=) takes a query too")
@pytest.mark.parametrize("path", ["/a?b", "/a#b", "/a\n"])
def test_a_path_holds_nothing_that_would_end_it(httpx: Any, path: str) -> Any:
    return seen(httpx.URL("http://host/").copy_with(path=path))


@same("copy_with(query=None) leaves a question mark")
@bases
@pytest.mark.parametrize("query", [b"a=b", b"", None, b"a b", b"a#b", b"a?b", b"%zz"])
def test_another_query(httpx: Any, base: str, query: bytes | None) -> Any:
    return seen(httpx.URL(base).copy_with(query=query))


@same("copy_with(raw_path=) keeps the old query")
@bases
@pytest.mark.parametrize("raw_path", [b"/x?y", b"/x", b"/x?", b"x", b"?y", b"", b"/x#y", b"/x?y?z"])
def test_another_raw_path(httpx: Any, base: str, raw_path: bytes) -> Any:
    return seen(httpx.URL(base).copy_with(raw_path=raw_path))


@same("copy_with(fragment='') keeps the number sign")
@bases
@pytest.mark.parametrize("fragment", ["x y", "", None, "é", "a#b", "%41"])
def test_another_fragment(httpx: Any, base: str, fragment: str | None) -> Any:
    return seen(httpx.URL(base).copy_with(fragment=fragment))


@same("copy_with(username=) keeps the password")
@bases
@pytest.mark.parametrize(
    "given", [{"username": "u"}, {"password": "p"}, {"username": "a", "password": "b"}, {"username": ""}]
)
def test_another_username_or_password(httpx: Any, base: str, given: dict[str, str]) -> Any:
    return seen(httpx.URL(base).copy_with(**given))


@same("copy_with(username=None) keeps the credentials")
@bases
def test_credentials_are_taken_off(httpx: Any, base: str) -> Any:
    return seen(httpx.URL(base).copy_with(username=None, password=None))


@same("a username is not encoded")
@pytest.mark.parametrize("text", ["u@:/", "p@:/ é", "%41", "%", "a b", "?#[]", "é"])
def test_a_username_and_a_password_may_be_any_text(httpx: Any, text: str) -> Any:
    return seen(httpx.URL("http://host/").copy_with(username=text, password=text))


@same("copy_with(userinfo=) encodes twice")
@pytest.mark.parametrize("userinfo", [b"a:b", b"", None, b"a@b", b"%41:%zz", b"a", b":b"])
def test_another_userinfo(httpx: Any, userinfo: bytes | None) -> Any:
    return seen(httpx.URL("http://user:pw@host/").copy_with(userinfo=userinfo))


@same("params= keeps the old query")
@bases
@pytest.mark.parametrize(
    "params", [{"a": "b"}, {}, None, "", "x=1", {"a": ["1", 2, None, True]}, [("a", "1"), ("a", "2")], b"y=2"]
)
def test_other_params_replace_the_query(httpx: Any, base: str, params: Any) -> Any:
    return seen(httpx.URL(base).copy_with(params=params)), seen(httpx.URL(base, params=params))


@same("query= is stronger than params=")
def test_params_are_stronger_than_a_query(httpx: Any) -> Any:
    return seen(httpx.URL("http://host/", params={"a": "b"}, query=b"c"))


@same("a component of the wrong type is converted")
@pytest.mark.parametrize(
    "given",
    [
        {"port": "80"},
        {"port": 8.5},
        {"path": 1},
        {"username": 1},
        {"scheme": b"x"},
        {"raw_path": "/"},
        {"query": "a"},
    ],
    ids=str,
)
def test_a_component_has_its_type(httpx: Any, given: dict[str, Any]) -> Any:
    return httpx.URL("http://host/").copy_with(**given)


@same("an unknown keyword of copy_with is ignored")
def test_an_unknown_component(httpx: Any) -> Any:
    return httpx.URL("http://host/").copy_with(color="red")


@same("bytes beyond US-ASCII are decoded as UTF-8", differs="or a component in bytes beyond US-ASCII")
def test_a_query_in_bytes_beyond_ascii(httpx: Any) -> Any:
    return httpx.URL("http://host/", query=b"\xff")


@same("URL(url, **components) ignores the url's own")
def test_components_beside_a_url(httpx: Any) -> Any:
    return seen(httpx.URL("http://user@host:1/a?b#c", scheme="https", path="/z", fragment="f"))


@same("copy_with without an argument changes the text")
@pytest.mark.parametrize("base", [*BASES, "http://host?", "http://host#", "mailto:a@b"])
def test_a_copy_without_changes_is_equal(httpx: Any, base: str) -> Any:
    return httpx.URL(base).copy_with() == httpx.URL(base), seen(httpx.URL(base).copy_with())


@same("copy_set_param keeps the other values")
@pytest.mark.parametrize(
    "args", [("a", "9"), ("c", "9"), ("c", None), ("c",), ("c", True), ("c", 1.5), ("c", "ä b"), (1, 2)]
)
def test_a_parameter_is_set(httpx: Any, args: Any) -> Any:
    return [
        str(httpx.URL(f"http://host/{query}").copy_set_param(*args)) for query in ("", "?a=1&b=2&a=3", "?#f")
    ]


@same("copy_add_param replaces")
@pytest.mark.parametrize("args", [("a", "9"), ("c", "9"), ("c",), ("a", False)])
def test_a_parameter_is_added(httpx: Any, args: Any) -> Any:
    return [
        str(httpx.URL(f"http://host/{query}").copy_add_param(*args)) for query in ("", "?a=1&b=2&a=3", "?#f")
    ]


@same("copy_remove_param leaves a question mark")
@pytest.mark.parametrize("query", ["?a=1", "?a=1&b=2&a=3", "?b", "", "?", "?a#f"])
def test_a_parameter_is_removed(httpx: Any, query: str) -> Any:
    return str(httpx.URL(f"http://host/{query}").copy_remove_param("a"))


@same("copy_merge_params appends to the values that are there")
@pytest.mark.parametrize(
    "params", [{"a": "9"}, {"z": [1, 2]}, "a=9&z=1", b"q=1", None, {}, [("a", "x"), ("a", "y")]]
)
def test_parameters_are_merged(httpx: Any, params: Any) -> Any:
    return str(httpx.URL("http://host/?a=1&b=2&a=3").copy_merge_params(params))


REFERENCES = {
    "the last segment is replaced": ["c", "c/d", "c?x#y", "g;x=1/../y", "é", "a b"],
    "dots go up": ["../c", "../../../x", "..", ".", "./", "../", "./c/."],
    "a query or a fragment keeps the path": ["?x", "#y", "?", "#", ""],
    "a path that begins with a slash": ["/c", "/", "/../c", "//other/p", "//[::1]/"],
    "a URL of its own": ["http://other/p", "https:", "http:g", "foo:bar", "mailto:x@y"],
}


@same("join appends to the last segment")
@pytest.mark.parametrize("kind", REFERENCES)
@pytest.mark.parametrize(
    "base", ["http://host/a/b?q#f", "http://host", "http://u:p@host:8080/a/", "http://[::1]:80/a"]
)
def test_a_reference_is_resolved(httpx: Any, base: str, kind: str) -> Any:
    return [seen(httpx.URL(base).join(reference)) for reference in REFERENCES[kind]]


@same("join needs an absolute base")
@pytest.mark.parametrize("base", ["/a/b", "a", "", "foo://host/a/b", "mailto:x@y"])
def test_a_reference_is_resolved_against_any_base(httpx: Any, base: str) -> Any:
    every = [reference for kind in REFERENCES.values() for reference in kind]
    results = []
    for reference in every:
        try:
            results.append(seen(httpx.URL(base).join(reference)))
        except httpx.InvalidURL:
            results.append(["InvalidURL"])
    return results


@same("join takes no URL object")
def test_a_url_is_joined_too(httpx: Any) -> Any:
    return seen(httpx.URL("http://host/a/b").join(httpx.URL("../c?d")))


@same("a reference that is no URL raises ValueError")
@pytest.mark.parametrize("reference", ["http://host:x/", "//[/", "a\nb"])
def test_a_reference_must_be_a_url(httpx: Any, reference: str) -> Any:
    return httpx.URL("http://host/").join(reference)
