"""``codes``: names, numbers, reason phrases, classes of status codes."""

from __future__ import annotations

import pickle

import pytest

from httpstream._status_codes import codes

CLASSES = {
    "is_informational": range(100, 200),
    "is_success": range(200, 300),
    "is_redirect": range(300, 400),
    "is_client_error": range(400, 500),
    "is_server_error": range(500, 600),
    "is_error": range(400, 600),
}


def test_a_code_is_its_number_and_its_text_is_the_number() -> None:
    assert codes.NOT_FOUND == 404
    assert str(codes.NOT_FOUND) == "404"
    assert codes(404) is codes.NOT_FOUND
    assert pickle.loads(pickle.dumps(codes.NOT_FOUND)) is codes.NOT_FOUND


@pytest.mark.parametrize("code", codes)
def test_the_lower_case_name_is_the_plain_number(code: codes) -> None:
    value = getattr(codes, code.name.lower())
    assert type(value) is int
    assert value == code


@pytest.mark.parametrize(
    ("value", "phrase"), [(200, "OK"), (404, "Not Found"), (418, "I'm a teapot"), (599, "")]
)
def test_the_reason_phrase_of_a_code_or_nothing(value: int, phrase: str) -> None:
    assert codes.get_reason_phrase(value) == phrase


@pytest.mark.parametrize("name", CLASSES)
def test_the_classes_of_codes_begin_and_end_at_the_hundreds(name: str) -> None:
    assert [value for value in range(700) if getattr(codes, name)(value)] == list(CLASSES[name])


def test_names_numbers_and_phrases_are_those_of_httpx() -> None:
    httpx = pytest.importorskip("httpx")
    theirs = {code.name: (int(code), code.phrase) for code in httpx.codes}
    assert {code.name: (int(code), code.phrase) for code in codes} == theirs
    for name in dir(httpx.codes):
        assert hasattr(codes, name), name
