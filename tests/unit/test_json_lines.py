r"""JSONLineSplitter and iter_json: a value per line, and which line is to blame when one has none."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import pytest

import httpstream
from httpstream import DecodingError, InvalidJSONLine, LineTooLong, MessageLimits, Request, Response
from httpstream._iterators import NULL_ITEM
from httpstream._json_lines import JSONLineSplitter

REQUEST = Request("GET", "http://example.org/a")


def values(content: Any, is_async: bool = False, **options: Any) -> list[Any]:
    """What iter_json or aiter_json gives for this content."""
    response = Response(200, content=content, request=REQUEST)
    if not is_async:
        return list(response.iter_json(**options))

    async def walk() -> list[Any]:
        return [value async for value in response.aiter_json(**options)]

    return anyio.run(walk)


def invalid(content: bytes, **options: Any) -> InvalidJSONLine:
    with pytest.raises(InvalidJSONLine) as caught:
        values(content, **options)
    return caught.value


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_each_line_is_a_value(is_async: bool) -> None:
    content = b'{"a": [1]}\n"text"\r\n1.5\rtrue\nnull\n[]\n'
    assert values(content, is_async) == [{"a": [1]}, "text", 1.5, True, None, []]


def test_values_that_are_false_are_values_all_the_same(is_async: bool) -> None:
    assert values(b'null\n0\nfalse\n""\n{}\nnull', is_async) == [None, 0, False, "", {}, None]


def test_the_last_line_needs_no_end() -> None:
    assert values(b"1\n2") == values(b"1\n2\n") == [1, 2]


@pytest.mark.parametrize("blank", [b"", b" ", b"\t", b" \t \t"])
def test_blank_lines_are_skipped(blank: bytes) -> None:
    assert values(blank + b"\n1\n" + blank + b"\r\n2\n" + blank) == [1, 2]


def test_no_content_no_values() -> None:
    assert values(b"") == values(b"\n") == []


def test_space_around_a_value_is_none_of_it() -> None:
    assert values(b" 1\n\t2 \t\n 3 \n") == [1, 2, 3]


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_byte_order_mark_is_skipped_in_front_of_the_first_line(cut: int) -> None:
    content = b"\xef\xbb\xbf1\n2"
    assert values(iter([content[:cut], content[cut:]])) == [1, 2]
    assert values(iter([content[:cut], content[cut:]]), loads=float) == [1.0, 2.0]
    assert invalid(b"1\n" + content).lineno == 2


def test_line_ends_inside_of_strings_are_those_of_unicode_alone() -> None:
    assert values('"a\u2028b\x85c"\n"\u00e9\U0001f600"'.encode()) == ["a\u2028b\x85c", "\u00e9\U0001f600"]


CORPUS = [
    *(
        '{"a": {"b": [1, 2.5, -3e7, "x\\u00e9\\n", null, true, false]}, "c": ""}',
        "[[[]]]",
        '"\\ud800"',
        "NaN",
    ),
    *(
        "-Infinity",
        "1" * 400,
        "[1,]",
        "{",
        "{1: 2}",
        "'a'",
        "1 2",
        "01",
        "nul",
        '"a',
        "+1",
        "\x0c1",
        "\ufeff1",
    ),
    *('{"a": 1, "a": 2}', '"\t"', "1" * 5000, "[" * 100_000),
]


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: text[:20])
@pytest.mark.parametrize("before", ["", " \t"])
def test_a_value_is_what_json_loads_makes_of_the_line(text: str, before: str) -> None:
    """Also where json.loads is not called, which is for every line that is plain."""
    line = before + text
    try:
        expected = [json.loads(line)]
    except (ValueError, RecursionError) as exc:
        error = invalid(b"\n" + line.encode())
        assert (error.lineno, type(error.__cause__)) == (2, type(exc))
        if isinstance(exc, json.JSONDecodeError):
            assert (error.msg, error.pos, error.colno, error.doc) == (exc.msg, exc.pos, exc.colno, line)
    else:
        assert repr(values(b"\n" + line.encode())) == repr(expected)


def test_surrogates_are_decoded_as_json_loads_does() -> None:
    line = b'"\xed\xa0\x80"'
    assert values(line) == [json.loads(line)] == ["\ud800"]


# -- another loads ---------------------------------------------------------------------------------------


def test_another_loads_gets_the_bytes_of_each_line(is_async: bool) -> None:
    assert values(b" one \n\n\xff\r\ntwo", is_async, loads=bytes.upper) == [b" ONE ", b"\xff", b"TWO"]


def test_what_loads_was_given_counts(is_async: bool) -> None:
    loads = partial(json.loads, parse_float=Decimal)
    assert values(b"1.10\n", is_async, loads=loads) == [Decimal("1.10")]


@pytest.mark.parametrize(
    "value", [None, (), (1, 2), ValueError("a value"), StopIteration(3), StopAsyncIteration]
)
def test_loads_may_give_anything(is_async: bool, value: object) -> None:
    assert [one is value for one in values(b"1\n2", is_async, loads=lambda line: value)] == [True, True]


class OwnError(Exception):
    pass


@pytest.mark.parametrize("error", [ValueError("x"), OwnError("x"), StopIteration("x"), RecursionError("x")])
def test_whatever_loads_raises_names_the_line(is_async: bool, error: Exception) -> None:
    def loads(line: bytes) -> bytes:
        if line == b"c":
            raise error
        return line

    raised = invalid(b"a\n\nc\nd", is_async=is_async, loads=loads)
    assert (raised.lineno, raised.doc, raised.pos, raised.__cause__) == (3, b"c", 0, error)
    assert f"line 3 of the content is not JSON: {type(error).__name__}: x" in str(raised)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_what_says_nothing_about_the_line_passes(is_async: bool, error: BaseException) -> None:
    def loads(line: bytes) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        values(b"1", is_async, loads=loads)
    assert caught.value is error


# -- the error -------------------------------------------------------------------------------------------


def test_the_values_before_an_invalid_line_come_and_nothing_after_it(is_async: bool) -> None:
    response = Response(200, content=b'1\n\n{"a": }\n2', request=REQUEST)

    async def walk() -> None:
        items = response.aiter_json()
        assert await anext(items) == 1
        with pytest.raises(InvalidJSONLine):
            await anext(items)
        assert [value async for value in items] == []

    if is_async:
        return anyio.run(walk)
    items = response.iter_json()
    assert next(items) == 1
    with pytest.raises(InvalidJSONLine):
        next(items)
    assert list(items) == []


def test_the_error_says_which_line_of_which_response_and_where() -> None:
    error = invalid(b'1\n\n  {"a": }\n2')
    assert (error.lineno, error.colno, error.pos, error.doc) == (3, 9, 8, '  {"a": }')
    assert error.request is REQUEST
    assert str(error) == (
        "line 3 of the content is not JSON: Expecting value (column 9), in the response from http://example.org"
    )


def test_the_error_is_caught_by_each_of_its_names() -> None:
    error = invalid(b"x")
    for kind in (
        DecodingError,
        httpstream.RequestError,
        httpstream.HTTPError,
        json.JSONDecodeError,
        ValueError,
    ):
        assert isinstance(error, kind)
    assert type(error).__module__ == "httpstream"


def test_the_error_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(invalid(b"1\nx")))
    assert (type(error), error.lineno, error.doc, error.msg) == (InvalidJSONLine, 2, "x", "Expecting value")
    assert "line 2" in str(error)


def test_bytes_that_are_no_utf_8_are_no_json() -> None:
    error = invalid(b'1\n"a\xff"')
    assert (error.lineno, error.pos, error.doc) == (2, 2, b'"a\xff"')
    assert isinstance(error.__cause__, UnicodeDecodeError)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_json_lines_are_utf_8_and_nothing_else(encoding: str) -> None:
    assert invalid('{"a": 1}'.encode(encoding)).lineno == 1


def test_the_limit_of_a_line_is_that_of_lines() -> None:
    assert values(b'"12345"\n' * 2, max_line_bytes=7) == ["12345"] * 2
    with pytest.raises(LineTooLong, match="max_line_bytes=6"):
        values(b'"12345"\n', max_line_bytes=6)
    with pytest.raises(ValueError, match=r"at least 0 and at most sys\.maxsize"):
        values(b"", max_line_bytes=-1)


def test_the_limit_is_that_of_the_transport_unless_given() -> None:
    class Limited(httpstream.ByteStream):
        limits = MessageLimits(max_line_bytes=2)

    with pytest.raises(LineTooLong, match="max_line_bytes=2"):
        list(Response(200, stream=Limited(b"123")).iter_json())
    assert list(Response(200, stream=Limited(b"123")).iter_json(max_line_bytes=3)) == [123]


# -- the splitter ----------------------------------------------------------------------------------------


def test_between_splitter_and_iterator_an_object_stands_for_null() -> None:
    splitter = JSONLineSplitter()
    splitter.push(b"null\nnull")
    assert splitter.pop() is NULL_ITEM
    assert splitter.pop() is None
    assert splitter.finish() is NULL_ITEM
    assert splitter.finish() is None


def test_loads_may_not_use_the_iterator_that_calls_it() -> None:
    def loads(line: bytes) -> object:
        return next(items)

    items = Response(200, content=b"1\n2", request=REQUEST).iter_json(loads=loads)
    with pytest.raises(InvalidJSONLine) as caught:
        next(items)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("make", [JSONLineSplitter, lambda: JSONLineSplitter(json.loads)])
def test_the_loads_of_json_gets_text(make: Callable[[], JSONLineSplitter]) -> None:
    splitter = make()
    splitter.push(b"x\n")
    with pytest.raises(InvalidJSONLine) as caught:
        splitter.pop()
    assert caught.value.doc == "x"
