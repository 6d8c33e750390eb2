"""Cookies: a mapping over a cookie jar. What a server may set, and what is sent back: `test_cookies_rules`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import MutableMapping
from http.cookiejar import CookieJar
from typing import Any

import pytest

from tests.compat.harness import same


def seen(cookies: Any) -> list[Any]:
    """All that Cookies say of themselves, and what their jar holds."""
    jar = [
        (each.name, each.value, each.domain, each.path, each.secure, each.discard, each._rest)
        for each in cookies.jar
    ]
    return [repr(cookies), list(cookies), len(cookies), bool(cookies), jar]


def filled(httpx: Any) -> Any:
    cookies = httpx.Cookies({"a": "1", "b": "2"})
    cookies.set("a", "3", domain="d.example")
    cookies.set("a", "4", domain="d.example", path="/p")
    cookies.set("e", "5", domain=".dot.example")
    return cookies


@same("a cookie from a dict has a domain")
@pytest.mark.parametrize(
    "given", [{"a": "b"}, {"a": "b", "c": "d"}, [("a", "b"), ("a", "c")], [["a", "b"]], {}, [], None], ids=str
)
def test_cookies_are_made_of_a_dict_or_of_pairs(httpx: Any, given: Any) -> Any:
    return seen(httpx.Cookies(given))


@same("a value that is no text is refused")
@pytest.mark.parametrize("value", [1, "", "é", "b;c", "b c", '"x"', b"b", "b\r\nX: y"], ids=ascii)
def test_a_value_is_kept_as_it_is_given(httpx: Any, value: Any) -> Any:
    return seen(httpx.Cookies({"a": value}))


@same("Cookies of Cookies share their jar")
def test_cookies_of_cookies_are_a_copy(httpx: Any) -> Any:
    cookies = filled(httpx)
    again = httpx.Cookies(cookies)
    cookies.clear()
    again.set("own", "1")
    return seen(again), seen(cookies)


@same("a jar is copied")
def test_a_jar_is_used_itself(httpx: Any) -> Any:
    jar = CookieJar()
    cookies = httpx.Cookies(jar)
    cookies.set("a", "b")
    return cookies.jar is jar, [cookie.name for cookie in jar], seen(httpx.Cookies(jar))


@same("the jar cannot be set")
def test_the_jar_can_be_replaced(httpx: Any) -> Any:
    cookies, jar = filled(httpx), CookieJar()
    cookies.jar = jar
    return cookies.jar is jar, seen(cookies)


@same("a tuple is taken for a jar", differs="raises `TypeError` when it is made; httpx raises")
@pytest.mark.parametrize("given", ["a=b", (("a", "b"),), b"a", 5], ids=str)
def test_another_type_is_refused(httpx: Any, given: Any) -> Any:
    return httpx.Request("GET", "http://host.example/", cookies=given)


@same("pairs of three are taken")
@pytest.mark.parametrize("given", [[("a",)], [("a", "b", "c")], ["abc"], [5]], ids=str)
def test_a_pair_has_two(httpx: Any, given: Any) -> Any:
    return seen(httpx.Cookies(given))


@same("get() gives the first of several")
def test_several_cookies_of_a_name_are_a_conflict(httpx: Any) -> Any:
    return filled(httpx).get("a")


@same("a look-up by key gives the first of several")
def test_a_key_with_several_cookies_is_a_conflict(httpx: Any) -> Any:
    return filled(httpx)["a"]


@same("`in` tells the truth for a conflict")
def test_a_conflict_is_raised_by_in_too(httpx: Any) -> Any:
    return "a" in filled(httpx)


@same("get() does not look at the domain")
@pytest.mark.parametrize(
    "where",
    [
        {"domain": ""},
        {"domain": "d.example"},
        {"domain": "d.example", "path": "/p"},
        {"path": "/p"},
        {"path": "/zz"},
    ],
    ids=str,
)
def test_domain_and_path_tell_cookies_apart(httpx: Any, where: dict[str, str]) -> Any:
    return filled(httpx).get("a", "none", **where)


@same("a missing cookie raises in get()")
def test_a_missing_cookie_gives_the_default(httpx: Any) -> Any:
    cookies = filled(httpx)
    return cookies.get("b"), cookies.get("z"), cookies.get("z", "d"), "b" in cookies, "z" in cookies


@same("a missing cookie gives None by key")
def test_a_missing_cookie_raises_by_key(httpx: Any) -> Any:
    return httpx.Cookies()["z"]


@same("set() makes a second cookie of the same domain and path")
def test_setting_replaces_the_cookie_of_the_same_domain_and_path(httpx: Any) -> Any:
    cookies = filled(httpx)
    cookies["b"] = "9"
    cookies.set("a", "9", domain="d.example", path="/p")
    cookies.set("x", "y", domain="", path="")
    return seen(cookies)


@same("a domain of None is any")
def test_a_domain_is_text(httpx: Any) -> Any:
    httpx.Cookies().set("x", "y", domain=None)


@same("delete() takes one cookie of the name")
@pytest.mark.parametrize(
    "where", [{}, {"domain": "d.example"}, {"path": "/"}, {"domain": "d.example", "path": "/p"}], ids=str
)
def test_all_cookies_that_fit_are_deleted(httpx: Any, where: dict[str, str]) -> Any:
    cookies = filled(httpx)
    cookies.delete("a", **where)
    return seen(cookies)


@same("deleting a missing cookie raises")
def test_deleting_what_is_not_there_does_nothing(httpx: Any) -> Any:
    cookies = filled(httpx)
    cookies.delete("z")
    cookies.delete("z", domain="d.example")
    del cookies["z"]
    return seen(cookies)


@same("deleting by domain and path is lenient")
@pytest.mark.parametrize("make", [filled, lambda httpx: httpx.Cookies()])
def test_deleting_by_domain_and_path_needs_the_cookie(httpx: Any, make: Any) -> Any:
    make(httpx).delete("a", domain="x.example", path="/p")


@same("clear() needs a domain")
@pytest.mark.parametrize("where", [(), ("d.example",), ("d.example", "/p"), (".dot.example", "/")], ids=str)
def test_all_of_a_domain_or_path_are_cleared(httpx: Any, where: tuple[str, ...]) -> Any:
    cookies = filled(httpx)
    cookies.clear(*where)
    return seen(cookies)


@same("clearing an unknown domain does nothing")
@pytest.mark.parametrize("where", [("zz",), ("d.example", "/zz"), ("zz", "/")], ids=str)
def test_clearing_what_is_not_there_raises(httpx: Any, where: tuple[str, ...]) -> Any:
    filled(httpx).clear(*where)


@same("a path without a domain is ignored", differs="`Cookies.clear(path=...)` without a domain raises")
def test_clearing_a_path_of_no_domain(httpx: Any) -> Any:
    try:
        filled(httpx).clear(path="/p")
    except AssertionError:
        return "AssertionError"


@same("update() keeps the value of the same cookie")
@pytest.mark.parametrize("given", [{"b": "9", "n": "0"}, [("b", "9")], None, {}], ids=str)
def test_an_update_adds_and_replaces(httpx: Any, given: Any) -> Any:
    cookies = filled(httpx)
    cookies.update(given)
    return seen(cookies)


@same("update() drops domain and path")
def test_an_update_keeps_domain_and_path(httpx: Any) -> Any:
    cookies = httpx.Cookies({"b": "0"})
    cookies.update(filled(httpx))
    return seen(cookies)


@same("update() takes keyword arguments like a dict")
def test_an_update_takes_cookies_alone(httpx: Any) -> Any:
    httpx.Cookies().update(a="1")


@same("Cookies are no MutableMapping")
def test_cookies_are_a_mapping(httpx: Any) -> Any:
    cookies = httpx.Cookies({"a": "1", "b": "2"})
    views = [list(cookies.items()), list(cookies.keys()), list(cookies.values()), dict(cookies)]
    return (
        isinstance(cookies, MutableMapping),
        views,
        cookies == httpx.Cookies({"b": "2", "a": "1"}),
        cookies == {"a": "1"},
    )


@same("pop() leaves the cookie")
def test_cookies_are_popped(httpx: Any) -> Any:
    cookies = httpx.Cookies({"a": "1", "b": "2", "c": "3"})
    return (
        cookies.pop("a"),
        cookies.pop("z", None),
        cookies.setdefault("b", "x"),
        cookies.setdefault("q", "y"),
        seen(cookies),
    )


@same("values() hides a conflict")
def test_a_conflict_is_raised_by_the_views(httpx: Any) -> Any:
    return dict(filled(httpx))


@same("Cookies have a hash")
def test_cookies_have_no_hash(httpx: Any) -> Any:
    return hash(httpx.Cookies())


@same("a jar that was filled can be pickled")
@pytest.mark.parametrize("again", [pickle.dumps, copy.deepcopy])
def test_cookies_with_a_jar_cannot_be_pickled(httpx: Any, again: Any) -> Any:
    return again(httpx.Cookies({"a": "1"}))


@same("copy.copy() of Cookies copies the jar")
def test_a_shallow_copy_shares_the_jar(httpx: Any) -> Any:
    cookies = httpx.Cookies({"a": "1"})
    return copy.copy(cookies).jar is cookies.jar


@same("a subclass's repr has its own name")
def test_cookies_can_be_subclassed(httpx: Any) -> Any:
    own = type("Own", (httpx.Cookies,), {})({"a": "1"})
    own.note = "mine"
    return repr(own), own["a"], isinstance(own, httpx.Cookies)
