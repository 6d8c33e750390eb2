"""Server-sent events as values, asked beside httpx2: events, their parsing, EventSource."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from typing import Any

import httpx2
import pytest

from tests.compat import harness

STREAM = {"Content-Type": "text/event-stream"}


def same(breaks: str, **options: Any) -> Any:
    return harness.same(breaks, model=httpx2, **options)


def response(httpx: Any, content: bytes, headers: Any = STREAM) -> Any:
    return httpx.Response(
        200, headers=headers, content=content, request=httpx.Request("GET", "http://host/a")
    )


def events(httpx: Any, content: bytes, *limit: Any) -> list[Any]:
    """The events of this content; at last the exception that ended them."""
    found: list[Any] = []
    try:
        found.extend(httpx.EventSource(response(httpx, content), *limit))
    except Exception as exc:
        found.append(exc)
    return found


@same("a field is put into another one's place")
def test_an_event_has_what_its_fields_say(httpx: Any) -> Any:
    [event] = events(httpx, b'event: a\ndata: {"b": 1}\nid: 2\nretry: 3\n\n')
    return event, event.event, event.data, event.id, event.retry, event.json()


@same("an event without a type has another one than message")
def test_what_is_not_set_has_a_default(httpx: Any) -> Any:
    return events(httpx, b"data\n\n"), httpx.ServerSentEvent()


@same("the last data line replaces the ones before")
def test_data_lines_are_joined(httpx: Any) -> Any:
    return events(httpx, b"data: a\ndata:\ndata: b\n\n")


@same("all blanks behind the colon are stripped")
def test_one_space_is_dropped(httpx: Any) -> Any:
    return events(httpx, b"data:a\n\ndata:  a \n\ndata:\ta\n\n")


@same("a line is cut at its last colon")
def test_a_value_may_have_colons(httpx: Any) -> Any:
    return events(httpx, b"data: a: b:c\n\ndata::\n\n")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@same("one of the line ends is not known")
def test_line_ends(httpx: Any, end: bytes) -> Any:
    return events(httpx, b"data: a" + end + b"data: b" + end * 2 + b"data: c" + end * 2)


@same("lines are split as str.splitlines does")
def test_other_line_ends_are_data(httpx: Any) -> Any:
    return events(httpx, "data: a\u2028b\x85c\x0bd\x1ee\n\n".encode())


@same("a comment ends an event")
def test_comments_are_nothing(httpx: Any) -> Any:
    return events(httpx, b": a\n\n:\ndata: a\n: data: b\ndata: c\n:\n\n")


@pytest.mark.parametrize("line", [b"Data: a", b" data: a", b"data : a", b"datax: a", b"x"])
@same("field names are compared without case, or by their beginning")
def test_other_fields_are_nothing(httpx: Any, line: bytes) -> Any:
    return events(httpx, line + b"\n\ndata: b\n" + line + b"\n\n")


@pytest.mark.parametrize("name", [b"data", b"event", b"id", b"retry"])
@same("a line without a colon is no field")
def test_a_field_without_a_colon_is_empty(httpx: Any, name: bytes) -> Any:
    return events(httpx, b"id: 1\ndata: a\n\n" + name + b"\n\n")


@same("blank lines alone make events")
def test_blank_lines_in_a_row(httpx: Any) -> Any:
    return events(httpx, b"\n\n\ndata: a\n\n\n\ndata: b\n\n\n")


@same("the id of an event is forgotten with it")
def test_an_id_stays(httpx: Any) -> Any:
    return events(httpx, b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\n")


@same("an id with a NUL is taken")
def test_an_id_with_a_nul_is_nothing(httpx: Any) -> Any:
    return events(httpx, b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\nid: \0\n\n")


@same("an empty id does not replace the one before")
def test_an_empty_id_is_one(httpx: Any) -> Any:
    return events(httpx, b"id: 1\ndata: a\n\nid:\ndata: b\n\n")


@same("retry stays for the next event")
def test_retry_is_of_its_event_alone(httpx: Any) -> Any:
    return events(httpx, b"retry: 100\ndata: a\n\ndata: b\n\nretry: 007\n\n")


@pytest.mark.parametrize("value", [b"", b"a", b"1.5", b"1e3", b"0x10", b"--1"])
@same("a retry that is no number is taken, or makes an event")
def test_a_retry_that_is_no_number_is_nothing(httpx: Any, value: bytes) -> Any:
    return events(httpx, b"retry: " + value + b"\n\nretry: " + value + b"\ndata: a\n\n")


@pytest.mark.parametrize("value", [b"+5", b"-5", b" 5", b"1_000", "\u0665".encode()])
@same("retry is read by int()", differs="`retry` is made of US-ASCII digits alone")
def test_a_retry_that_int_would_read(httpx: Any, value: bytes) -> Any:
    return events(httpx, b"retry: " + value + b"\ndata: a\n\n")


@pytest.mark.parametrize("field", [b"event: a", b"id: 1", b"retry: 1"])
@same("an event without data is dropped, as browsers do")
def test_an_event_needs_no_data(httpx: Any, field: bytes) -> Any:
    return events(httpx, field + b"\n\n")


@same("an event's type stays for the next one")
def test_the_last_type_of_an_event_counts(httpx: Any) -> Any:
    return events(httpx, b"event: a\nevent: b\ndata\n\ndata\n\nevent: a\nevent:\ndata\n\n")


@pytest.mark.parametrize("rest", [b"data: b", b"data: b\n", b"\n", b"data: b\r\n", b"id: 3"])
@same("an event is made of what is left at the end")
def test_what_has_no_blank_line_is_no_event(httpx: Any, rest: bytes) -> Any:
    return events(httpx, b"data: a\n\n" + rest)


@same(
    "one carriage return at the end makes an event",
    differs="no event is made of a last line that ends with `\\r`",
)
def test_a_carriage_return_at_the_end(httpx: Any) -> Any:
    return events(httpx, b"data: a\r")


@same("bytes that are no UTF-8 raise, or are dropped")
def test_bytes_that_are_no_text(httpx: Any) -> Any:
    return events(httpx, b"event: \xff\ndata: a\xe2\x82\ndata: b\xf0\x9f\nid: \xed\xa0\x80\n\n")


@same("text beyond US-ASCII is decoded as Latin-1")
def test_text_beyond_us_ascii(httpx: Any) -> Any:
    return events(httpx, "event: \u00e9\ndata: \u20ac \U0001f600\nid: \u0416\n\n".encode())


@same("a byte order mark hides the first field", differs="a byte order mark at the start is skipped")
def test_a_byte_order_mark(httpx: Any) -> Any:
    return events(httpx, b"\xef\xbb\xbfdata: a\n\n")


@same("events are decoded by their charset", differs="Server-sent events are UTF-8")
def test_another_charset(httpx: Any) -> Any:
    content = "data: \u00e9\n\n".encode("latin-1")
    headers = {"Content-Type": "text/event-stream; charset=latin-1"}
    return list(httpx.EventSource(response(httpx, content, headers)))


# -- the limit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, 6, 7, 11, 12, None])
@same("the limit counts other bytes, or raises something else")
def test_the_limit_of_an_event(httpx: Any, limit: int | None) -> Any:
    return events(httpx, b"data: a\n\ndata: a\nx: b\n\nid: 1\n\n", limit)


@same("comments count towards the limit")
def test_comments_do_not_count(httpx: Any) -> Any:
    return events(httpx, b": 345\n: 345\n: 345\ndata: a\n\n" * 2, 7)


@pytest.mark.parametrize("more", [0, 1])
@same("the default limit is not 1 MiB")
def test_the_default_limit(httpx: Any, more: int) -> Any:
    found = events(httpx, b"data:" + b"x" * (1024 * 1024 - 5 + more) + b"\n\n")
    return [len(one.data) if isinstance(one, httpx.ServerSentEvent) else one for one in found]


@same("a limit of a line that is not complete waits for its end")
def test_the_limit_of_an_unfinished_line(httpx: Any) -> Any:
    return events(httpx, b"data: a\n\ndata: 12345", 10)


# -- EventSource -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["text/event-stream;charset=utf-8", "TEXT/Event-Stream", "\ttext/event-stream ; a=b"]
)
@same("the content type is compared with its parameters and case")
def test_content_types_that_are_events(httpx: Any, given: str) -> Any:
    return list(httpx.EventSource(response(httpx, b"data: a\n\n", {"Content-Type": given})))


@pytest.mark.parametrize(
    "given", ["text/event-streams", "text/plain", "", "application/json;text/event-stream"]
)
@same("a response of any content type is taken for events")
def test_content_types_that_are_none(httpx: Any, given: str) -> Any:
    return list(httpx.EventSource(response(httpx, b"data: a\n\n", {"Content-Type": given})))


@same("a response without a content type is taken for events")
def test_no_content_type(httpx: Any) -> Any:
    return list(httpx.EventSource(response(httpx, b"data: a\n\n", {})))


@same("the content type is looked at before the first event is asked for")
def test_nothing_is_checked_before_the_first_event(httpx: Any) -> Any:
    source = httpx.EventSource(response(httpx, b"", {}))
    iterator = iter(source)
    try:
        next(iterator)
    except httpx.SSEError:
        return next(iterator, "it has ended")


@same("a response without a request is iterated")
def test_a_response_without_a_request(httpx: Any) -> Any:
    return list(httpx.EventSource(httpx.Response(200, headers=STREAM, content=b"data: a\n\n")))


@same("the events of a response in memory are given once")
def test_a_response_in_memory_again(httpx: Any) -> Any:
    source = httpx.EventSource(response(httpx, b"data: a\n\n"))
    return list(source), list(source), source.response.is_closed


@same("EventSource hides its response, or lets it be replaced")
def test_the_response_of_a_source(httpx: Any) -> Any:
    one = response(httpx, b"")
    source = httpx.EventSource(one)
    assert source.response is one
    source.response = None


@same("an argument of EventSource has another name or default")
def test_arguments_of_event_source(httpx: Any) -> Any:
    return signature(httpx.EventSource), httpx.EventSource(
        max_event_size=1, response=response(httpx, b"")
    ).response


def signature(function: Any) -> list[Any]:
    return [
        (
            one.name,
            one.kind.name,
            one.default if isinstance(one.default, (str, int, type(None))) else "an object",
        )
        for one in inspect.signature(function).parameters.values()
    ]


# -- ServerSentEvent -------------------------------------------------------------------------------------


@same("an argument of ServerSentEvent has another name, place or default")
def test_arguments_of_an_event(httpx: Any) -> Any:
    return (
        signature(httpx.ServerSentEvent),
        httpx.ServerSentEvent("a", "b", "c", 4),
        httpx.ServerSentEvent(retry=1),
    )


@same("events are compared by identity, or with tuples")
def test_equality_of_events(httpx: Any) -> Any:
    one, two = httpx.ServerSentEvent(data="a"), httpx.ServerSentEvent(data="a")
    other = httpx.ServerSentEvent(data="a", retry=1)
    return (
        one == two,
        one == other,
        hash(one) == hash(two),
        len({one, two, other}),
        one == ("message", "a", "", None),
    )


@pytest.mark.parametrize("name", ["data", "other"])
@same("an event can be changed")
def test_an_event_is_frozen(httpx: Any, name: str) -> Any:
    setattr(httpx.ServerSentEvent(), name, "x")


@same("an attribute of an event can be deleted")
def test_an_event_keeps_its_attributes(httpx: Any) -> Any:
    del httpx.ServerSentEvent().data


@same("dataclasses does not know events")
def test_an_event_is_a_dataclass(httpx: Any) -> Any:
    event = httpx.ServerSentEvent(data="a")
    fields = [(one.name, one.default, one.init, one.repr) for one in dataclasses.fields(event)]
    return (
        dataclasses.is_dataclass(event),
        fields,
        dataclasses.asdict(event),
        dataclasses.replace(event, id="1"),
    )


@same("an event comes back from a pickle changed")
def test_a_pickled_event(httpx: Any) -> Any:
    event = httpx.ServerSentEvent("a", "b", "c", 4)
    return pickle.loads(pickle.dumps(event)), pickle.loads(pickle.dumps(event)) == event


@same("a pattern cannot take an event apart by position")
def test_an_event_in_a_match_statement(httpx: Any) -> Any:
    match httpx.ServerSentEvent("a", "b"):
        case httpx.ServerSentEvent("a", data):
            return data


@pytest.mark.parametrize("data", ["", "{", '{"a": [1]}', "NaN"])
@same("json() reads something else than the data")
def test_json_of_an_event(httpx: Any, data: str) -> Any:
    return repr(httpx.ServerSentEvent(data=data).json())


@same("SSEError has another parent")
def test_the_ancestry_of_the_error(httpx: Any) -> Any:
    return [parent.__name__ for parent in httpx.SSEError.__mro__]


@same("SSEError loses its request, or cannot be made by hand")
def test_an_error_made_by_hand(httpx: Any) -> Any:
    request = httpx.Request("GET", "http://host/")
    return str(httpx.SSEError("a")), httpx.SSEError("a", request=request).request, httpx.SSEError("a").request
