"""``Headers``: case, order, several values, encodings, changes, secrets; the same as httpx's."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpstream._models.headers import Headers

Pair = tuple[bytes, bytes]

SOURCES: list[Any] = [
    None,
    {},
    [],
    {"Accept": "a", "x-B": "b"},
    {b"Accept": b"a"},
    [("Set-Cookie", "a=1"), ("X", "y"), ("set-cookie", "b=2")],
    [(b"a", b"1"), (b"A", b"1"), (b"a", b"1")],
    (("a", "1"), ("b", "2")),
    [(b"x", "é".encode()), (b"y", b"1")],
    [(b"x", b"\xff\xfe"), (b"y", b"1")],
    [(b"x\xe9", b"1")],
    {"Authorization": "Basic abc", "X": "1"},
    [("Proxy-Authorization", "Basic abc"), ("a", "1"), ("a", "2")],
    {"a": ""},
    [("a", "1, 2"), ("a", " 3 ,4")],
]


def facts(headers: Any) -> list[Any]:
    """What can be seen of a Headers object from outside."""
    return [
        headers.raw,
        list(headers),
        list(headers.keys()),
        list(headers.values()),
        list(headers.items()),
        headers.multi_items(),
        len(headers),
        headers.encoding,
        repr(headers),
        headers.get("A"),
        headers.get("set-cookie", "none"),
        headers.get_list("a"),
        headers.get_list("A", split_commas=True),
        "X" in headers,
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_headers_look_as_they_do_in_httpx(source: Any) -> None:
    httpx = pytest.importorskip("httpx")
    assert facts(Headers(source)) == facts(httpx.Headers(source))
    assert facts(Headers(Headers(source))) == facts(httpx.Headers(httpx.Headers(source)))
    assert facts(Headers(source).copy()) == facts(httpx.Headers(source).copy())


names = st.sampled_from(["a", "A", "b", "Set-Cookie", "set-cookie", "x-é"])
values = st.text(alphabet="xyz, é", max_size=4)
steps = st.one_of(
    st.tuples(st.just("set"), names, values),
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("update"), st.lists(st.tuples(names, values), max_size=3)),
    st.tuples(st.just("setdefault"), names, values),
    st.tuples(st.just("pop"), names),
    st.tuples(st.just("get"), names),
)


def play(cls: Callable[..., Any], pairs: list[tuple[str, str]], story: list[tuple[Any, ...]]) -> list[Any]:
    headers = cls(pairs, encoding="utf-8")
    seen: list[Any] = []
    for verb, *args in story:
        if verb == "set":
            headers[args[0]] = args[1]
        elif verb == "delete":
            if args[0] in headers:
                del headers[args[0]]
        elif verb == "update":
            headers.update(cls(args[0], encoding="utf-8"))
        elif verb == "pop":
            seen.append(headers.pop(args[0], None))
        else:
            seen.append(getattr(headers, verb)(*args))
        seen.append(headers.raw)
    return [*seen, *facts(headers)]


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(names, values), max_size=4), story=st.lists(steps, max_size=6))
def test_any_story_of_changes_ends_as_in_httpx(pairs: Any, story: Any) -> None:
    httpx = pytest.importorskip("httpx")
    assert play(Headers, pairs, story) == play(httpx.Headers, pairs, story)


def test_a_name_is_found_in_any_case() -> None:
    headers = Headers({"Content-Type": "text/plain"})
    for key in ("content-type", "CONTENT-TYPE", "Content-Type"):
        assert headers[key] == headers.get(key) == "text/plain"
        assert key in headers


def test_several_values_are_joined_by_a_comma() -> None:
    """RFC 9110 section 5.3."""
    headers = Headers([("a", "1"), ("b", "x"), ("A", "2"), ("a", "3")])
    assert headers["a"] == "1, 2, 3"
    assert headers.get_list("a") == ["1", "2", "3"]
    assert dict(headers) == {"a": "1, 2, 3", "b": "x"}
    assert len(headers) == 4


def test_the_same_value_twice_is_two_values() -> None:
    value = b"same"
    headers = Headers([(b"a", value), (b"a", value)])
    assert headers["a"] == "same, same"
    assert headers.get_list("a") == ["same", "same"]


def test_a_missing_name_is_a_key_error_that_names_it() -> None:
    headers = Headers({"a": "1"})
    with pytest.raises(KeyError, match="X-Gone"):
        headers["X-Gone"]
    with pytest.raises(KeyError, match="X-Gone"):
        del headers["X-Gone"]
    assert headers.get("X-Gone") is None
    assert headers.get_list("X-Gone") == []


def test_a_name_that_no_field_can_have_is_not_there() -> None:
    headers = Headers({"a": "1"})
    for key in ("é", "\ud800"):
        assert key not in headers
        assert headers.get(key) is None
    assert 1 not in headers


def test_setting_a_name_keeps_the_place_of_its_first_field_and_drops_the_others() -> None:
    headers = Headers([("a", "1"), ("b", "2"), ("A", "3"), ("c", "4")])
    headers["A"] = "new"
    assert headers.raw == [(b"A", b"new"), (b"b", b"2"), (b"c", b"4")]
    headers["d"] = "5"
    assert headers.raw[-1] == (b"d", b"5")
    assert headers["a"] == "new"


def test_a_lookup_sees_every_change() -> None:
    headers = Headers({"a": "1"})
    assert "b" not in headers
    headers["b"] = "2"
    assert headers["b"] == "2"
    headers.update({"b": "3", "c": "4"})
    assert headers["b"] == "3"
    del headers["b"]
    assert "b" not in headers
    headers.clear()
    assert "a" not in headers
    assert headers.raw == []


def test_raw_is_a_copy() -> None:
    headers = Headers({"a": "1"})
    headers.raw.append((b"b", b"2"))
    assert headers.raw == [(b"a", b"1")]


def test_a_copy_is_changed_on_its_own() -> None:
    headers = Headers({"a": "1"})
    for other in (headers.copy(), Headers(headers), copy.copy(headers), copy.deepcopy(headers)):
        assert other == headers
        other["a"] = "2"
        assert headers["a"] == "1"


def test_a_pickle_keeps_fields_case_and_encoding() -> None:
    headers = Headers([("A", "é"), ("a", "2")], encoding="iso-8859-1")
    again = pickle.loads(pickle.dumps(headers))
    assert again.raw == headers.raw
    assert again.encoding == "iso-8859-1"
    assert again["a"] == "é, 2"


def test_non_ascii_values_are_read_as_utf_8_when_they_are_and_else_as_latin_1() -> None:
    assert Headers([(b"a", b"plain")]).encoding == "ascii"
    assert Headers([(b"a", "é".encode())])["a"] == "é"
    assert Headers([(b"a", b"\xe9")])["a"] == "é"


def test_the_encoding_is_looked_at_again_after_a_change() -> None:
    headers = Headers([(b"a", b"plain")])
    assert headers.encoding == "ascii"
    headers["b"] = "é"
    assert headers.encoding == "utf-8"
    assert headers["b"] == "é"


def test_the_encoding_can_be_set() -> None:
    headers = Headers([(b"a", "é".encode())])
    headers.encoding = "iso-8859-1"
    assert headers["a"] == "Ã©"


def test_text_must_be_ascii_unless_an_encoding_is_given() -> None:
    with pytest.raises(UnicodeEncodeError):
        Headers({"a": "é"})
    assert Headers({"a": "é"}, encoding="utf-8").raw == [(b"a", "é".encode())]


@pytest.mark.parametrize("pair", [("a", 1), ("a", None), (1, "a"), ("a", ["1"])])
def test_a_name_or_value_of_another_type_is_a_type_error(pair: Any) -> None:
    with pytest.raises(TypeError, match="must be str or bytes"):
        Headers([pair])


@pytest.mark.parametrize("name", ["Authorization", "PROXY-AUTHORIZATION"])
def test_the_repr_hides_credentials(name: str) -> None:
    shown = repr(Headers([(name, "Bearer s3cret"), ("a", "1")]))
    assert "s3cret" not in shown
    assert "[secure]" in shown


def test_equality_ignores_case_and_order_of_names_and_takes_what_headers_take() -> None:
    headers = Headers([("a", "1"), ("B", "2")])
    assert headers == {"A": "1", "b": "2"}
    assert headers == [("b", "2"), ("a", "1")]
    assert headers != {"a": "1"}
    assert headers != {"a": "1", "B": "3"}
    for other in (5, None, "text", {"a": 1}, [("a",)], {"a": "é"}):
        assert headers != other


def test_headers_are_a_mutable_mapping_without_a_hash() -> None:
    assert isinstance(Headers(), MutableMapping)
    with pytest.raises(TypeError):
        hash(Headers())


def test_trusted_fields_are_taken_over_as_they_are() -> None:
    fields: list[Pair] = [(b"Content-Length", b"5"), (b"A", b"1"), (b"a", b"2")]
    headers = Headers._from_fields(fields)
    assert headers._fields is fields
    assert headers["content-length"] == "5"
    assert headers._get_bytes(b"a") == b"1, 2"
    assert headers._get_bytes(b"b") is None
    assert headers.encoding == "ascii"
