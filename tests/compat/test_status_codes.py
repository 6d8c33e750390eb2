"""codes: names, numbers, phrases and classes."""

from __future__ import annotations

import copy
import importlib
import pickle
from typing import Any

import pytest

from tests.compat.harness import same

CLASSES = ["is_informational", "is_success", "is_redirect", "is_client_error", "is_server_error", "is_error"]


@same("a status code is missing")
def test_every_status_code_has_its_name_number_and_phrase(httpx: Any) -> Any:
    return [(code.name, code.value, code.phrase) for code in httpx.codes], len(httpx.codes)


@same("the lower-case names are missing")
def test_every_status_code_has_a_lower_case_name(httpx: Any) -> Any:
    return {name: getattr(httpx.codes, name.lower()) for name in httpx.codes.__members__}, type(
        httpx.codes.ok
    ).__name__


@same("str() of a status code is its name")
def test_a_status_code_is_shown_as_its_number(httpx: Any) -> Any:
    code = httpx.codes.NOT_FOUND
    return str(code), repr(code), f"{code}", "%d" % code, f"{code:>5}"  # noqa: UP031 - the other way to format is the test


@same("a status code is no int")
def test_a_status_code_is_an_int(httpx: Any) -> Any:
    code = httpx.codes.OK
    return code == 200, isinstance(code, int), hash(code) == hash(200), code < 300, {200: "x"}[code], code + 1


@same("a status code cannot be looked up by number")
@pytest.mark.parametrize("value", [200, 404, 299, -1, "200", None, 200.0])
def test_a_status_code_is_found_by_its_number(httpx: Any, value: Any) -> Any:
    return httpx.codes(value), httpx.codes(value) is httpx.codes(value)


@same("a status code cannot be looked up by name")
@pytest.mark.parametrize("name", ["OK", "IM_A_TEAPOT", "NOPE", "ok"])
def test_a_status_code_is_found_by_its_name(httpx: Any, name: str) -> Any:
    return httpx.codes[name]


@same("a name that no status code has is found")
def test_an_unknown_name_is_an_attribute_error(httpx: Any) -> Any:
    return httpx.codes.NOPE


@same("an unknown number has a phrase")
@pytest.mark.parametrize("value", [200, 306, 418, 599, 999, -1, 0, None, "200"])
def test_the_reason_phrase_of_a_number(httpx: Any, value: Any) -> Any:
    return httpx.codes.get_reason_phrase(value)


@same("the classes of numbers have other borders")
@pytest.mark.parametrize("name", CLASSES)
def test_the_class_of_a_number(httpx: Any, name: str) -> Any:
    return [value for value in range(-1, 1000) if getattr(httpx.codes, name)(value)]


@same("the class of a member is that of its name")
def test_the_class_of_a_member(httpx: Any) -> Any:
    return [[getattr(code, name)(code) for name in CLASSES] for code in httpx.codes]


@same("a pickled status code is a plain int")
@pytest.mark.parametrize("again", [lambda code: pickle.loads(pickle.dumps(code)), copy.copy, copy.deepcopy])
def test_the_copy_of_a_status_code_is_itself(httpx: Any, again: Any) -> Any:
    return again(httpx.codes.OK) is httpx.codes.OK


@same("codes live in one place only")
def test_codes_live_in_their_module_too(httpx: Any) -> Any:
    module = importlib.import_module(f"{httpx.__name__}._status_codes")
    return module.codes is httpx.codes, httpx.codes.__module__, httpx.codes.__name__
