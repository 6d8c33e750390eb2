"""QueryParams: an immutable mapping with several values per key."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.compat.harness import same

QUERY = "a=1&a=2&b=3"


def seen(params: Any) -> list[Any]:
    """All that QueryParams say of themselves."""
    views = [
        list(params),
        list(params.keys()),
        list(params.values()),
        list(params.items()),
        params.multi_items(),
    ]
    return [str(params), repr(params), dict(params), len(params), bool(params), *views]


@same("a query without values is empty")
@pytest.mark.parametrize(
    "query", ["", "a=1", QUERY, "a", "a=&b", "=1", "a=b=c", "a=1&&b=2", "a=1;b=2", "?a=1", "a=1#x"]
)
def test_a_query_is_parsed(httpx: Any, query: str) -> Any:
    return seen(httpx.QueryParams(query)), seen(httpx.QueryParams(query.encode()))


@same("a plus sign stands for itself")
@pytest.mark.parametrize("query", ["a%20b=c+d", "%61=1", "a=%ff", "é=ü", "a=%E2%82%AC", "a=%zz", "a+b=c"])
def test_a_query_is_decoded(httpx: Any, query: str) -> Any:
    return seen(httpx.QueryParams(query))


@same(
    "a query in bytes beyond US-ASCII raises UnicodeDecodeError",
    differs="or a component in bytes beyond US-ASCII",
)
def test_a_query_in_bytes_beyond_ascii(httpx: Any) -> Any:
    return httpx.QueryParams(b"\xff=1")


@same("None becomes 'None'")
@pytest.mark.parametrize("value", [1, 1.5, True, False, None, "", "é", b"b"])
def test_a_value_becomes_text(httpx: Any, value: Any) -> Any:
    return seen(httpx.QueryParams({"a": value})), seen(httpx.QueryParams([("a", value)]))


@same("a list of values becomes one")
@pytest.mark.parametrize("values", [["1", "2"], ("1", 2, None, True), [], ()])
def test_a_mapping_may_hold_lists(httpx: Any, values: Any) -> Any:
    return seen(httpx.QueryParams({"a": values, "b": "3"}))


@same("a list as the value of a pair is spread")
@pytest.mark.parametrize(
    "pairs", [[("a", "1"), ("b", "2"), ("a", "3")], (("a", "1"),), [["a", "1"]], [("a", ["1", "2"])], []]
)
def test_pairs_keep_their_order(httpx: Any, pairs: Any) -> Any:
    return seen(httpx.QueryParams(pairs))


@same("a tuple of three is an error")
@pytest.mark.parametrize("pairs", [[("a", "b", "c")], ["ab"], ["abc"], ("ab",), [("a",)], [5], [None]])
def test_the_first_two_of_each_item_count(httpx: Any, pairs: Any) -> Any:
    return seen(httpx.QueryParams(pairs))


@same("a key that is no text is an error")
def test_keys_become_text(httpx: Any) -> Any:
    return seen(httpx.QueryParams({1: 2, None: 3, 2.5: 4, b"a": 5}))


@same("a set or a dict as a value is spread")
def test_other_values_are_shown_by_str(httpx: Any) -> Any:
    return seen(httpx.QueryParams({"a": {"b": 1}, "c": {1}}))


class OneParameter(Mapping[str, Any]):
    def __getitem__(self, key: str) -> list[int]:
        return {"a": [1, 2]}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


@same("only a dict is a mapping")
def test_any_mapping_will_do(httpx: Any) -> Any:
    return seen(httpx.QueryParams(OneParameter()))


@same("a generator of pairs is taken")
@pytest.mark.parametrize("value", [5, 1.5, True, iter([("a", "b")]), {"a": "b"}.items()], ids=str)
def test_another_type_is_refused(httpx: Any, value: Any) -> Any:
    return httpx.QueryParams(value)


@same("QueryParams() has a parameter")
def test_nothing_is_an_empty_query(httpx: Any) -> Any:
    return [seen(httpx.QueryParams(*args)) for args in ((), (None,), ({},), ([],), ("",), (b"",))]


@same("keyword arguments are not parameters")
def test_keyword_arguments_are_parameters(httpx: Any) -> Any:
    return seen(httpx.QueryParams(a="1", b=[1, 2], c=None))


@same("QueryParams takes two arguments", differs='for that reason `QueryParams("a", "b")` raises')
@pytest.mark.parametrize("args, kwargs", [(("a", "b"), {}), (("a",), {"b": "c"})])
def test_more_arguments_than_one(httpx: Any, args: Any, kwargs: Any) -> Any:
    try:
        return httpx.QueryParams(*args, **kwargs)
    except AssertionError:
        return "AssertionError"


@same("a list that the caller changes later changes the parameters")
def test_values_are_copied(httpx: Any) -> Any:
    values = ["1"]
    params = httpx.QueryParams({"a": values})
    values.append("2")
    params.get_list("a").append("3")
    return seen(params)


@same("a blank is sent as %20")
@pytest.mark.parametrize(
    "text", ["a b", "a+b", "&=?#", "é", "~-_.*", "'()!", "/:@", "%", "%20", "\n", "\x00", "\U0001f600"]
)
def test_text_is_form_encoded(httpx: Any, text: str) -> Any:
    return str(httpx.QueryParams({text: text})), str(httpx.URL("http://host/", params={text: text}))


@same(
    "str() of a lone surrogate raises UnicodeEncodeError", differs="a lone surrogate, or a component in bytes"
)
def test_a_lone_surrogate_in_a_parameter(httpx: Any) -> Any:
    return str(httpx.QueryParams({"a": "\ud800"}))


@same("looking up a key gives its last value")
def test_a_look_up_gives_the_first_value(httpx: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return (
        params["a"],
        params.get("a"),
        params.get("b"),
        params.get("c"),
        params.get("c", "d"),
        params.get_list("a"),
    )


@same("get_list of a missing key is None")
def test_a_missing_key_has_no_values(httpx: Any) -> Any:
    return httpx.QueryParams(QUERY).get_list("c"), httpx.QueryParams(QUERY).get_list(1)


@same("a missing key gives None")
def test_a_missing_key_raises(httpx: Any) -> Any:
    return httpx.QueryParams(QUERY)["c"]


@same("`in` converts its key to text")
def test_a_key_is_there_as_it_is_written(httpx: Any) -> Any:
    params = httpx.QueryParams({"a": "1", "2": "3"})
    return "a" in params, "z" in params, 2 in params, None in params


@same("a key that has no hash is just not there")
def test_a_key_without_a_hash_raises(httpx: Any) -> Any:
    return [] in httpx.QueryParams(QUERY)


@same("set() adds a value")
@pytest.mark.parametrize(
    "args", [("a", "9"), ("c", "9"), ("c",), ("c", None), (1, 2), ("c", "é"), ("a", True)]
)
def test_set_gives_a_copy_with_one_value(httpx: Any, args: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return seen(params.set(*args)), seen(params)


@same("add() replaces the values")
@pytest.mark.parametrize("args", [("a", "9"), ("c", "9"), ("c",), (1, 2), ("a", False)])
def test_add_gives_a_copy_with_one_value_more(httpx: Any, args: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return seen(params.add(*args)), seen(params)


@same("remove() of a missing key raises")
@pytest.mark.parametrize("key", ["a", "b", "c", 1])
def test_remove_gives_a_copy_without_the_key(httpx: Any, key: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return seen(params.remove(key)), seen(params)


@same("merge() keeps the old values of the same key")
@pytest.mark.parametrize(
    "other", ["a=9", {"a": [7, 8]}, {"c": "1"}, None, {}, "", [("a", "x"), ("c", "y")], b"b=0"], ids=str
)
def test_merge_replaces_the_values_of_the_same_keys(httpx: Any, other: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return seen(params.merge(other)), seen(params), seen(params.merge(httpx.QueryParams(other)))


@same("a parameter can be assigned to")
@pytest.mark.parametrize(
    "change",
    [
        lambda params: params.__setitem__("a", "1"),
        lambda params: params.update({"a": "1"}),
        lambda params: params.update(),
        lambda params: params.__delitem__("a"),
        lambda params: params.pop("a"),
        lambda params: params.clear(),
        lambda params: params.setdefault("a", "1"),
    ],
)
def test_query_params_cannot_be_changed(httpx: Any, change: Any) -> Any:
    return change(httpx.QueryParams(QUERY))


@same("the order of parameters counts in ==")
def test_equal_in_any_order(httpx: Any) -> Any:
    one = httpx.QueryParams("a=1&b=2&a=3")
    others = ["b=2&a=3&a=1", "a=1&b=2", "a=1&b=2&a=3&a=3"]
    return [one == httpx.QueryParams(other) for other in others], one != httpx.QueryParams("b=2")


@same("QueryParams are equal to their text")
def test_equal_to_query_params_alone(httpx: Any) -> Any:
    params = httpx.QueryParams("a=1")
    return [params == other for other in ("a=1", {"a": "1"}, None, [("a", "1")], 5)]


@same("equal QueryParams have other hashes")
def test_query_params_can_be_a_key(httpx: Any) -> Any:
    return len({httpx.QueryParams("a=1"), httpx.QueryParams({"a": 1})}), hash(
        httpx.QueryParams("a=1")
    ) == hash("a=1")


@same("pickled QueryParams lose all values but one")
@pytest.mark.parametrize(
    "again", [lambda params: pickle.loads(pickle.dumps(params)), copy.copy, copy.deepcopy]
)
def test_a_copy_has_all_values(httpx: Any, again: Any) -> Any:
    return seen(again(httpx.QueryParams(QUERY)))


@same("set() of a subclass gives a subclass")
def test_query_params_can_be_subclassed(httpx: Any) -> Any:
    own = type("Own", (httpx.QueryParams,), {})(QUERY)
    plain = httpx.QueryParams(QUERY)
    return (
        repr(own),
        type(own.set("a", 1)).__name__,
        type(own.merge("z=1")).__name__,
        own == plain,
        plain == own,
    )


@same("QueryParams have no room for attributes of one's own")
def test_query_params_take_other_attributes(httpx: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    params.note = "mine"
    return params.note


@same("QueryParams are no Mapping")
def test_query_params_are_a_mapping_that_can_be_unpacked(httpx: Any) -> Any:
    params = httpx.QueryParams(QUERY)
    return dict(**params), isinstance(params, Mapping), [*params]
