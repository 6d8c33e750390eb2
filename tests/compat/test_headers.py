"""Headers: names in any case, several values per name, order and raw form kept, credentials hidden."""

from __future__ import annotations

import copy
import pickle
import types
from collections.abc import MutableMapping
from typing import Any

import pytest

from tests.compat.harness import same

FIELDS = [("A", "1"), ("B", "2, 3"), ("a", "4"), ("C", "x"), ("b", "5")]


def seen(headers: Any) -> list[Any]:
    """All that Headers say of themselves."""
    views = [
        list(headers),
        list(headers.keys()),
        list(headers.values()),
        list(headers.items()),
        headers.multi_items(),
    ]
    return [repr(headers), headers.raw, dict(headers), len(headers), bool(headers), headers.encoding, *views]


@same("the raw name of a field is in lower case")
@pytest.mark.parametrize(
    "fields", [FIELDS, dict(FIELDS), [], {}, None, {"X-Ünï": "1"}.fromkeys(["a"], "")], ids=str
)
def test_fields_keep_their_order_and_case(httpx: Any, fields: Any) -> Any:
    return seen(httpx.Headers(fields))


@same("bytes are not taken")
@pytest.mark.parametrize(
    "fields", [{b"A": b"1"}, [(b"a", "1")], [("a", b"1")], (("a", "1"),), [["a", "1"]], ["ab"]], ids=str
)
def test_fields_may_be_bytes_and_in_any_sequence(httpx: Any, fields: Any) -> Any:
    return seen(httpx.Headers(fields))


@same("a generator of fields is refused")
def test_fields_may_come_from_any_iterable(httpx: Any) -> Any:
    pairs = {"A": "1", "b": "2"}
    sources = [
        pairs.items(),
        types.MappingProxyType(pairs),
        (pair for pair in pairs.items()),
        zip("ab", "12", strict=True),
    ]
    return [seen(httpx.Headers(source)) for source in sources]


@same("a number is taken as a value")
@pytest.mark.parametrize("value", [1, None, ["1"], 1.5, bytearray(b"1")], ids=str)
def test_a_value_is_text_or_bytes(httpx: Any, value: Any) -> Any:
    return httpx.Headers({"a": value})


@same("a number is taken as a name", differs="A name that is neither `str` nor `bytes` raises `TypeError`")
def test_a_name_is_text_or_bytes(httpx: Any) -> Any:
    return httpx.Headers({1: "a"})


@same("text is taken for pairs")
@pytest.mark.parametrize("fields", ["a", b"a", 5, [("a",)], [("a", "1", "2")], [None]], ids=str)
def test_what_are_no_fields_is_refused(httpx: Any, fields: Any) -> Any:
    return httpx.Headers(fields)


@same("a str beyond US-ASCII is encoded as UTF-8")
@pytest.mark.parametrize("fields", [{"a": "é"}, {"é": "1"}, {"a": "\ud800"}], ids=ascii)
def test_text_is_ascii_unless_an_encoding_is_given(httpx: Any, fields: Any) -> Any:
    return httpx.Headers(fields)


@same("the encoding that is given does not count for values")
@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "ascii"])
@pytest.mark.parametrize("fields", [{"a": "é"}, {"é": "1"}, {"a": "1"}], ids=ascii)
def test_text_is_in_the_given_encoding(httpx: Any, fields: Any, encoding: str) -> Any:
    return seen(httpx.Headers(fields, encoding=encoding))


@same("an unknown encoding is taken")
def test_an_unknown_encoding(httpx: Any) -> Any:
    return httpx.Headers({"a": "1"}, encoding="nope")


@same("UTF-8 in a value is read as ISO-8859-1")
@pytest.mark.parametrize("value", [b"abc", "é".encode(), b"\xe9", "é".encode() + b"\xe9", b"\xff\xfe"])
def test_the_encoding_is_detected(httpx: Any, value: bytes) -> Any:
    return seen(httpx.Headers([("a", value), ("b", b"1")])), seen(httpx.Headers([(value, b"1")]))


@same("setting the encoding does not count")
def test_the_encoding_can_be_set(httpx: Any) -> Any:
    headers = httpx.Headers([("a", "é".encode())])
    before = seen(headers)
    headers.encoding = "iso-8859-1"
    return before, seen(headers)


@same("the encoding is detected once", differs="the encoding is detected again after a change")
def test_a_value_beyond_ascii_is_set_later(httpx: Any) -> Any:
    headers = httpx.Headers({"a": "b"})
    before = headers.encoding
    headers["x"] = "é"
    return before, headers["x"], headers.raw


@same("a value is looked up by its exact name")
def test_names_are_looked_up_in_any_case(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    return (
        headers["a"],
        headers["A"],
        headers["b"],
        headers.get("C"),
        headers.get("z"),
        headers.get("z", "d"),
        "c" in headers,
    )


@same("a missing name gives None")
def test_a_missing_name_raises(httpx: Any) -> Any:
    return httpx.Headers(FIELDS)["z"]


@same("a name of the wrong type is found by its text")
@pytest.mark.parametrize("look_up", ["__getitem__", "get", "get_list"])
@pytest.mark.parametrize("name", [b"a", 1, None])
def test_a_name_is_looked_up_as_text(httpx: Any, look_up: str, name: Any) -> Any:
    try:
        return getattr(httpx.Headers(FIELDS), look_up)(name)
    except (AttributeError, TypeError):
        return "wrong type"


@same("`in` raises for a name of the wrong type", differs="`in` and `get()` never raise")
@pytest.mark.parametrize("name", [b"a", 1, None, "ä"])
def test_a_name_that_cannot_be_there(httpx: Any, name: Any) -> Any:
    return name in httpx.Headers(FIELDS)


@same("get_list gives the joined value")
@pytest.mark.parametrize("split", [False, True])
def test_every_value_of_a_name(httpx: Any, split: bool) -> Any:
    headers = httpx.Headers(FIELDS)
    return [headers.get_list(name, split_commas=split) for name in ("a", "B", "c", "z")], headers.get_list(
        "b", split
    )


@same("members of a list keep their blanks")
@pytest.mark.parametrize("value", ["", "a", "a,b", " a , b ", ",", "a,,b", '"a,b",c', "a;q=1, b"])
def test_a_value_is_split_at_its_commas(httpx: Any, value: str) -> Any:
    return httpx.Headers({"a": value}).get_list("a", split_commas=True)


@same("a field that is set goes to the end")
@pytest.mark.parametrize("name", ["a", "A", "b", "B", "c", "new"])
def test_a_field_that_is_set_keeps_its_place(httpx: Any, name: str) -> Any:
    headers = httpx.Headers(FIELDS)
    headers[name] = "9"
    return seen(headers)


@same("a value of the wrong type is set")
@pytest.mark.parametrize("value", [1, None, b"1"])
def test_a_value_that_is_set_is_text(httpx: Any, value: Any) -> Any:
    try:
        httpx.Headers(FIELDS)["a"] = value
    except (AttributeError, TypeError):
        return "wrong type"


@same("del takes one field line")
@pytest.mark.parametrize("name", ["a", "A", "B", "z"])
def test_a_name_is_deleted_with_all_its_values(httpx: Any, name: str) -> Any:
    headers = httpx.Headers(FIELDS)
    del headers[name]
    return seen(headers)


@same("pop() leaves the field")
def test_a_field_is_popped(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    return headers.pop("b"), headers.pop("z", None), headers.popitem(), seen(headers)


@same("setdefault() replaces")
def test_a_default_is_set_when_the_name_is_missing(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    return headers.setdefault("A", "q"), headers.setdefault("Q", "r"), seen(headers)


@same("clear() leaves a field")
def test_headers_are_cleared(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    headers.clear()
    return seen(headers)


@same("update() appends")
@pytest.mark.parametrize(
    "fields", [{"b": "7", "n": "8"}, [("B", "7"), ("b", "8")], {}, None, {b"A": b"0"}, FIELDS], ids=str
)
def test_an_update_replaces_the_fields_of_the_same_names(httpx: Any, fields: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    headers.update(fields)
    return seen(headers)


@same("update() takes keyword arguments")
def test_an_update_takes_fields_alone(httpx: Any) -> Any:
    httpx.Headers(FIELDS).update(a="1")


@same("a copy shares its fields")
@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_a_copy_changes_on_its_own(httpx: Any, encoding: str | None) -> Any:
    headers = httpx.Headers(FIELDS, encoding=encoding)
    copies = [headers.copy(), httpx.Headers(headers), copy.deepcopy(headers)]
    headers["a"] = "changed"
    return [seen(each) for each in copies]


@same("copy.copy() shares the fields", differs="`copy.copy(headers)` is a copy of its own")
def test_a_shallow_copy_changes_on_its_own(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    other = copy.copy(headers)
    headers["a"] = "changed"
    return other["a"]


@same("raw is the list itself")
def test_raw_is_a_new_list(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    headers.raw.append((b"x", b"y"))
    return seen(headers)


@same("pickled headers lose their raw names")
@pytest.mark.parametrize("fields", [FIELDS, [("a", "é".encode())], [("a", b"\xe9")], []], ids=str)
def test_pickled_headers_come_back(httpx: Any, fields: Any) -> Any:
    return seen(pickle.loads(pickle.dumps(httpx.Headers(fields))))


@same("a credential is in the repr")
@pytest.mark.parametrize(
    "name", ["Authorization", "Proxy-Authorization", "AUTHORIZATION", "Cookie", "X-Api-Key"]
)
def test_credentials_are_not_in_the_repr(httpx: Any, name: str) -> Any:
    one, several = (
        httpx.Headers({name: "secret", "b": "2"}),
        httpx.Headers([(name, "secret"), (name, "other")]),
    )
    return repr(one), str(one), repr(several), one[name]


@same("the order of fields counts in ==")
def test_headers_are_equal_in_any_order_and_case(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    others = [
        FIELDS[::-1],
        {"a": "1"},
        [(name.upper(), value) for name, value in FIELDS],
        FIELDS[1:],
        {},
        httpx.Headers(FIELDS),
    ]
    return [headers == other for other in others], headers != httpx.Headers(FIELDS)


@same("values are joined before they are compared")
def test_a_joined_value_is_not_equal_to_two(httpx: Any) -> Any:
    return httpx.Headers([("a", "1"), ("a", "4")]) == {"a": "1, 4"}


@same("comparing with a number raises", differs="Comparing with something unsuitable is false")
def test_headers_compared_with_something_else(httpx: Any) -> Any:
    return httpx.Headers(FIELDS) == 5


@same("headers have a hash")
def test_headers_have_no_hash(httpx: Any) -> Any:
    return hash(httpx.Headers())


@same("headers are no MutableMapping")
def test_headers_are_a_mapping(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    return (
        isinstance(headers, MutableMapping),
        dict(**headers),
        [type(view()).__name__ for view in (headers.keys, headers.items)],
    )


@same("fields may be taken out while the names are iterated over")
def test_the_names_are_those_of_the_moment(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    return [headers.pop(name) for name in headers], seen(headers)


@same("len() counts names")
def test_every_field_line_counts(httpx: Any) -> Any:
    return len(httpx.Headers(FIELDS)), len(httpx.Headers()), bool(httpx.Headers())


@same("a subclass's repr has the name of Headers")
def test_headers_can_be_subclassed(httpx: Any) -> Any:
    own = type("Own", (httpx.Headers,), {})(FIELDS)
    return repr(own), type(own.copy()).__name__, own == httpx.Headers(FIELDS)


@same("headers have no room for attributes of one's own")
def test_headers_take_other_attributes(httpx: Any) -> Any:
    headers = httpx.Headers(FIELDS)
    headers.note = "mine"
    return headers.note


@same("a line end in a value is refused at once")
@pytest.mark.parametrize("value", ["x\r\nB: y", " x ", "", "\x00"])
def test_a_value_is_checked_when_it_is_sent(httpx: Any, value: str) -> Any:
    return seen(httpx.Headers({"a": value}))
