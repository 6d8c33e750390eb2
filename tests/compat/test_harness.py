"""The harness itself: it must see what differs."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.compat.harness import SCENARIOS, Lib, compare, own_words, plain, same
from tests.compat.site import answer


@same("the field lines of a request change their order")
async def test_a_request_is_the_same_on_the_wire(lib: Lib) -> Any:
    lib.site.on("/a", answer("201 Created", "X-A: 1", content=b"hello"))
    async with lib.client() as client:
        response = await client.post(lib.site.url + "/a?b=c", content=b"x", headers={"X-One": "1"})
    return response.status_code, response.headers.raw, response.content, lib.site.wire


@same("an unknown scheme raises another exception")
async def test_what_is_raised_is_compared_with_its_request(lib: Lib) -> Any:
    async with lib.client() as client:
        return await lib.caught(lambda: client.inner.get("ftp://host/"))


@same("URL.host is not lower case")
def test_a_value_is_compared(httpx: Any) -> Any:
    return httpx.URL("http://HOST/").host, httpx.URL("http://host/")


def test_what_differs_fails() -> None:
    with pytest.raises(AssertionError):
        compare(1, 2, differs=None)


def test_a_difference_must_be_on_its_page() -> None:
    with pytest.raises(AssertionError, match="does not say"):
        compare(1, 2, differs="words that stand nowhere")


def test_a_difference_that_is_gone_fails() -> None:
    with pytest.raises(AssertionError, match="take it off"):
        compare(1, 1, differs="What counts as complete")


def test_the_names_of_the_libraries_are_the_same_word() -> None:
    assert own_words("httpx.URL python-httpx/0.28.1") == own_words("httpstream.URL python-httpstream/0.1.0")


def test_an_assertion_of_a_scenario_is_not_a_result() -> None:
    with pytest.raises(AssertionError):
        plain(AssertionError())


def test_there_are_hundreds_of_behaviours_and_each_says_what_would_break_it() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.compat.{path.stem}")
    assert len(SCENARIOS) >= 400
    assert len(set(SCENARIOS.values())) == len(SCENARIOS), "two scenarios name the same change: make them one"
