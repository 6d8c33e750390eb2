"""``QueryParams``: several values per key, coerced to text, never changed; the same as httpx's."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httpstream._exceptions import InvalidURL
from httpstream._urls import QueryParams

QUERIES: list[Any] = [
    *(
        None,
        "",
        "a=1",
        "a=1&a=2&b=3",
        "a",
        "a=",
        "=a",
        "a=b=c",
        "a+b=%20c",
        "%zz=é",
        b"a=1&b=2",
        "a;b",
        "&&a=1&",
    ),
    *({}, {"a": 1}, {"a": [1, 2.5, None, True, False]}, {"a": ()}, {"é": "ü &="}, {1: 2}),
    *([], [("a", 1), ("b", None), ("a", "2")], (("a", "1"),)),
]


def param_facts(params: Any) -> list[Any]:
    return [
        str(params),
        params.multi_items(),
        list(params),
        list(params.keys()),
        len(params),
        bool(params),
        "a" in params,
        params.get_list("a"),
        params == type(params)(str(params)),
        hash(params) == hash(type(params)(params)),
        str(params.set("a", 9)),
        str(params.add("a", True)),
        str(params.add("new")),
        str(params.remove("a")),
        str(params.merge({"a": "x", "z": [1, 2]})),
        str(params.merge(None)),
    ]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_query_params_are_what_they_are_in_httpx(query: Any) -> None:
    httpx = pytest.importorskip("httpx")
    assert param_facts(QueryParams(query)) == param_facts(httpx.QueryParams(query))


@settings(deadline=None)
@given(st.text("ab=&+%;é 1", max_size=12))
def test_any_query_is_what_it_is_in_httpx(query: str) -> None:
    httpx = pytest.importorskip("httpx")
    assert param_facts(QueryParams(query)) == param_facts(httpx.QueryParams(query))


def test_query_params_give_the_first_value_of_a_key() -> None:
    params = QueryParams("a=1&a=2&b=3")
    assert params["a"] == params.get("a") == "1"
    assert dict(params) == {"a": "1", "b": "3"}
    assert list(params.values()) == ["1", "3"]
    assert list(params.items()) == [("a", "1"), ("b", "3")]
    assert params.get("c") is None
    assert params.get("c", "default") == "default"
    with pytest.raises(KeyError):
        params["c"]


def test_query_params_from_keywords() -> None:
    assert str(QueryParams(a=1, b=["x", "y"])) == "a=1&b=x&b=y"
    assert repr(QueryParams(a=1)) == "QueryParams('a=1')"


def test_query_params_are_equal_in_any_order_and_to_their_kind_alone() -> None:
    assert QueryParams("a=1&b=2") == QueryParams("b=2&a=1")
    assert QueryParams("a=1") != QueryParams("a=2")
    assert QueryParams("a=1") != "a=1"
    assert QueryParams("a=1") != {"a": "1"}


def test_query_params_cannot_be_changed() -> None:
    params = QueryParams("a=1")
    with pytest.raises(RuntimeError, match="merge"):
        params.update({"a": "2"})
    with pytest.raises(RuntimeError, match="set"):
        params["a"] = "2"
    assert QueryParams(params).add("a", "2") != params
    assert str(params) == "a=1"


@pytest.mark.parametrize(("args", "kwargs"), [(("a=1", "b=2"), {}), (("a=1",), {"b": "2"})])
def test_query_params_take_one_argument_or_keywords(args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError, match="one positional argument"):
        QueryParams(*args, **kwargs)


def test_query_params_raise_nothing_but_invalid_url_for_bad_text() -> None:
    with pytest.raises(InvalidURL):
        QueryParams(b"\xff")
    with pytest.raises(InvalidURL):
        str(QueryParams({"a": "\ud800"}))


def test_query_params_survive_pickling() -> None:
    params = QueryParams("a=1&a=2")
    assert pickle.loads(pickle.dumps(params)) == params
