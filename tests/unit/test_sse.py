"""ServerSentEvent and EventSource as values, and what iter_events and EventSource ask of a response."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import Any

import anyio
import pytest

import httpstream
from httpstream import EventSource, MessageLimits, Request, Response, ServerSentEvent, SSEError
from tests.worlds import Body

REQUEST = Request("GET", "http://user:secret@example.org/a")
CONTENT = b"data: 1\n\ndata: 2\n\n"
EVENT = ServerSentEvent("added", '{"a": 1}', "7", 3)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return request.param


def response(content: Any = CONTENT, content_type: str | None = "text/event-stream") -> Response:
    headers = {} if content_type is None else {"Content-Type": content_type}
    if isinstance(content, (bytes, str)):
        return Response(200, headers=headers, content=content, request=REQUEST)
    return Response(200, headers=headers, stream=content, request=REQUEST)


def all_of(source: Any, is_async: bool) -> list[ServerSentEvent]:
    """What iterating gives: of an EventSource, or of the name of a method and a response."""
    if not is_async:
        return list(source)

    async def walk() -> list[ServerSentEvent]:
        return [event async for event in source]

    return anyio.run(walk)


def data_of(source: Any, is_async: bool) -> list[str]:
    return [event.data for event in all_of(source, is_async)]


# -- ServerSentEvent -------------------------------------------------------------------------------------


def test_an_event_shows_its_values() -> None:
    assert repr(ServerSentEvent()) == "ServerSentEvent(event='message', data='', id='', retry=None)"
    assert repr(EVENT) == "ServerSentEvent(event='added', data='{\"a\": 1}', id='7', retry=3)"


def test_events_are_equal_by_their_values() -> None:
    assert ServerSentEvent("added", '{"a": 1}', "7", 3) == EVENT
    assert hash(ServerSentEvent("added", '{"a": 1}', "7", 3)) == hash(EVENT)
    assert ServerSentEvent("added", '{"a": 1}', "7") != EVENT
    assert EVENT != ("added", '{"a": 1}', "7", 3)


def test_an_event_cannot_be_changed() -> None:
    for name in ("event", "data", "id", "retry", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(EVENT, name, "x")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(EVENT, name)


def test_an_event_that_was_received_is_the_same_as_one_made_by_hand() -> None:
    [event] = response('event: added\ndata: {"a": 1}\nid: 7\nretry: 3\n\n').iter_events()
    assert event == EVENT
    assert type(event) is ServerSentEvent
    assert (repr(event), hash(event)) == (repr(EVENT), hash(EVENT))


def test_json_is_that_of_the_data() -> None:
    assert EVENT.json() == {"a": 1}
    with pytest.raises(ValueError):
        ServerSentEvent().json()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])
def test_an_event_can_be_copied_and_pickled(again: Any) -> None:
    assert again(EVENT) == EVENT


def test_dataclasses_takes_it_for_one_of_its_own() -> None:
    assert dataclasses.is_dataclass(ServerSentEvent)
    assert dataclasses.asdict(EVENT) == {"event": "added", "data": '{"a": 1}', "id": "7", "retry": 3}
    assert dataclasses.replace(EVENT, id="8") == ServerSentEvent("added", '{"a": 1}', "8", 3)
    assert EVENT.__replace__(data="x") == ServerSentEvent("added", "x", "7", 3)
    names = [(field.name, field.default) for field in dataclasses.fields(ServerSentEvent)]
    assert names == [("event", "message"), ("data", ""), ("id", ""), ("retry", None)]


def test_a_dataclass_can_be_made_of_it() -> None:
    @dataclasses.dataclass(frozen=True)
    class Numbered(ServerSentEvent):
        number: int = 0

    event = Numbered("a", "b", number=3)
    assert (event.event, event.data, event.number) == ("a", "b", 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.data = "x"


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    class Noted(ServerSentEvent):
        pass

    event = Noted(data="a")
    event.note = "b"
    assert event.note == "b"
    del event.note
    with pytest.raises(AttributeError):
        event.data = "x"
    assert event != ServerSentEvent(data="a")


def test_a_match_statement_takes_it_apart() -> None:
    match EVENT:
        case ServerSentEvent(kind, _, last_id):
            assert (kind, last_id) == ("added", "7")
        case _:
            raise AssertionError("no match")


def test_events_load_no_dataclasses() -> None:
    """It takes longer to import than all of httpstream."""
    program = (
        "import sys, httpstream\n"
        "assert list(httpstream.Response(200, content=b'data: 1\\n\\n').iter_events())[0].data == '1'\n"
        "print('dataclasses' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# -- EventSource -----------------------------------------------------------------------------------------


def test_a_source_gives_the_events_of_its_response(is_async: bool) -> None:
    one = response()
    source = EventSource(one)
    assert source.response is one
    assert data_of(source, is_async) == ["1", "2"]


def test_a_response_that_is_in_memory_can_be_iterated_again(is_async: bool) -> None:
    source = EventSource(response())
    assert data_of(source, is_async) == data_of(source, is_async) == ["1", "2"]


def test_a_stream_can_be_iterated_once(is_async: bool) -> None:
    source = EventSource(response(Body(CONTENT)))
    assert data_of(source, is_async) == ["1", "2"]
    with pytest.raises(httpstream.StreamConsumed):
        all_of(source, is_async)


@pytest.mark.parametrize(
    "given", ["text/event-stream; charset=utf-8", "TEXT/Event-Stream", " text/event-stream ;x"]
)
def test_parameters_and_case_of_the_content_type_do_not_matter(given: str) -> None:
    assert data_of(EventSource(response(content_type=given)), False) == ["1", "2"]


@pytest.mark.parametrize(
    "given", ["text/plain", "text/event-streams", "", None, "application/json, text/event-stream"]
)
def test_another_content_type_is_an_error(is_async: bool, given: str | None) -> None:
    body = Body(CONTENT)
    one = response(body, content_type=given)
    with pytest.raises(SSEError, match="text/event-stream") as caught:
        all_of(EventSource(one), is_async)
    assert caught.value.request is REQUEST
    assert "secret" not in str(caught.value)
    # What it says instead can still be read.
    assert (body.taken, body.closed, one.is_closed) == (0, 0, False)
    assert (anyio.run(one.aread) if is_async else one.read()) == CONTENT


def test_a_source_whose_response_has_no_request_cannot_be_iterated(is_async: bool) -> None:
    with pytest.raises(RuntimeError, match="request"):
        all_of(EventSource(Response(200, headers={"Content-Type": "text/event-stream"})), is_async)


def test_an_event_past_the_limit_closes_the_response(is_async: bool) -> None:
    body = Body(CONTENT, b"data: 12345\n\n")
    one = response(body)
    with pytest.raises(SSEError) as caught:
        all_of(EventSource(one, max_event_size=10), is_async)
    assert caught.value.request is REQUEST
    assert (body.closed, one.is_closed) == (1, True)
    assert data_of(EventSource(response(Body(CONTENT)), 7), is_async) == ["1", "2"]


def test_the_limit_is_one_mib_unless_given() -> None:
    mib = 1024 * 1024
    most = b"data:" + b"x" * (mib - 5) + b"\n\n"
    more = b"data:" + b"x" * (mib - 4) + b"\n\n"
    for source in (EventSource(response(most)), response(most).iter_events()):
        assert len(next(iter(source)).data) == mib - 5
    for source in (EventSource(response(more)), response(more).iter_events()):
        with pytest.raises(SSEError):
            next(iter(source))
    assert len(next(iter(EventSource(response(more), None))).data) == mib - 4


def test_sync_events_of_an_async_stream_are_refused() -> None:
    async def pieces() -> Any:
        yield b""

    source = EventSource(
        Response(200, content=pieces(), headers={"Content-Type": "text/event-stream"}, request=REQUEST)
    )
    with pytest.raises(RuntimeError, match="async"):
        next(iter(source))


# -- iter_events -----------------------------------------------------------------------------------------


def events_of(one: Response, is_async: bool, **options: Any) -> list[ServerSentEvent]:
    method = one.aiter_events if is_async else one.iter_events
    return all_of(method(**options), is_async)


def test_iter_events_asks_for_no_content_type_and_no_request(is_async: bool) -> None:
    assert events_of(Response(200, content=CONTENT), is_async) == [
        ServerSentEvent(data="1"),
        ServerSentEvent(data="2"),
    ]


def test_events_are_utf_8_whatever_the_charset(is_async: bool) -> None:
    content = "data: ü\n\n".encode()
    one = response(content, "text/event-stream; charset=latin-1")
    assert one.encoding == "latin-1"
    assert [event.data for event in events_of(one, is_async)] == ["ü"]


def test_the_limit_is_that_of_the_transport_unless_it_is_given(is_async: bool) -> None:
    class Limited(Body):
        limits = MessageLimits(max_event_bytes=6)

    with pytest.raises(SSEError, match="6 bytes"):
        events_of(response(Limited(CONTENT)), is_async)
    assert len(events_of(response(Limited(CONTENT)), is_async, max_event_bytes=7)) == 2
