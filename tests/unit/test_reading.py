"""How content reaches the caller: from memory, raw, decoded; once; and what closes the response."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import anyio
import pytest

from httpstream import (
    AsyncByteStream,
    DecodingError,
    LineTooLong,
    MessageLimits,
    ReadError,
    Request,
    Response,
    StreamClosed,
    StreamConsumed,
    SyncByteStream,
)

REQUEST = Request("GET", "http://example.org/a")
TEXT = b"one\r\ntwo\nthree"


class Pieces(SyncByteStream):
    """A stream of the sync world: yields the bytes, raises the exceptions, and remembers what was asked of it."""

    def __init__(self, *items: bytes | BaseException) -> None:
        self.items = items
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            self.taken += 1
            yield item

    def close(self) -> None:
        self.closed += 1


class AsyncPieces(AsyncByteStream):
    """The same for the async world."""

    def __init__(self, *items: bytes | BaseException) -> None:
        self.items = items
        self.taken = 0
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            self.taken += 1
            yield item

    async def aclose(self) -> None:
        self.closed += 1


class World:
    """A response over a stream of this world, and its methods, callable in the same way in both."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def response(self, *items: bytes | BaseException, **options: Any) -> Response:
        stream = AsyncPieces(*items) if self.is_async else Pieces(*items)
        return Response(200, stream=stream, request=REQUEST, **options)

    def foreign(self, *items: bytes) -> Response:
        return World(not self.is_async).response(*items)

    def all(self, response: Response, name: str, *args: Any, **options: Any) -> list[Any]:
        """The items of iter_<name>, or aiter_<name>."""
        if not self.is_async:
            return list(getattr(response, f"iter_{name}")(*args, **options))

        async def collect() -> list[Any]:
            return [item async for item in getattr(response, f"aiter_{name}")(*args, **options)]

        return anyio.run(collect)

    def until_error(self, response: Response, name: str, *args: Any, **options: Any) -> list[Any]:
        """The items before an exception, and the exception."""
        found: list[Any] = []
        add = found.append  # by hand: a comprehension would lose the items in front of the exception

        async def collect() -> None:
            try:
                async for item in getattr(response, f"aiter_{name}")(*args, **options):
                    add(item)
            except Exception as exc:
                add(exc)

        if self.is_async:
            anyio.run(collect)
            return found
        try:
            for item in getattr(response, f"iter_{name}")(*args, **options):
                add(item)
        except Exception as exc:
            add(exc)
        return found

    def read(self, response: Response) -> bytes:
        return anyio.run(response.aread) if self.is_async else response.read()

    def close(self, response: Response) -> None:
        if self.is_async:
            anyio.run(response.aclose)
        else:
            response.close()


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest) -> World:
    return World(request.param == "async")


def stream_of(response: Response) -> Any:
    return response.stream


def gzip_response(world: World, *items: bytes | BaseException) -> Response:
    return world.response(*items, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    "name, args, expected",
    [
        ("bytes", (), [b"one\r\n", b"two\nthree"]),
        ("bytes", (4,), [b"one\r", b"\ntwo", b"\nthr", b"ee"]),
        ("bytes", (None,), [b"one\r\n", b"two\nthree"]),
        ("raw", (None,), [b"one\r\n", b"two\nthree"]),
        ("raw", (10,), [b"one\r\ntwo\nt", b"hree"]),
        ("text", (), ["one\r\n", "two\nthree"]),
        ("text", (10,), ["one\r\ntwo\nt", "hree"]),
        ("lines", (), ["one", "two", "three"]),
        ("lines_bytes", (), [b"one", b"two", b"three"]),
    ],
)
def test_content_is_given_in_the_form_that_was_asked_for(
    either: World, name: str, args: tuple[int], expected: list[Any]
) -> None:
    response = either.response(b"one\r\n", b"two\nthree")
    assert either.all(response, name, *args) == expected
    assert response.is_closed
    assert stream_of(response).closed == 1
    assert response.num_bytes_downloaded == len(TEXT)


def test_the_default_chunk_is_at_most_1024_bytes_and_never_waits(either: World) -> None:
    response = either.response(b"a", b"b" * 2000, b"c")
    assert [len(chunk) for chunk in either.all(response, "bytes")] == [1, 1024, 976, 1]


def test_the_explicit_chunk_of_1024_bytes_is_exactly_that(either: World) -> None:
    response = either.response(b"a", b"b" * 2000, b"c")
    assert [len(chunk) for chunk in either.all(response, "bytes", 1024)] == [1024, 978]


def test_an_item_is_given_before_the_next_piece_is_asked_for() -> None:
    response = World(False).response(b"one\ntw", b"o\n")
    lines = response.iter_lines()
    assert next(lines) == "one"
    assert stream_of(response).taken == 1


def test_nothing_happens_before_the_first_item(either: World) -> None:
    response = either.response(b"a")
    for name in ("bytes", "text", "lines", "lines_bytes", "raw"):
        getattr(response, f"aiter_{name}" if either.is_async else f"iter_{name}")()
    assert not response.is_stream_consumed
    assert either.read(response) == b"a"


def test_text_is_decoded_in_the_encoding_of_the_response(either: World) -> None:
    headers = {"Content-Type": "text/plain; charset=latin-1"}
    assert either.all(either.response(b"\xe9\n", headers=headers), "text") == ["é\n"]
    assert either.all(either.response(b"\xe9\n", headers=headers), "lines") == ["é"]
    assert either.all(either.response(b"\xe9\n", headers=headers), "lines_bytes") == [b"\xe9"]


def test_a_character_cut_by_a_border_goes_to_the_next_chunk(either: World) -> None:
    assert either.all(either.response("aé".encode()), "text", 2) == ["a", "é"]


def test_content_codings_are_removed_but_not_from_raw_content(either: World) -> None:
    coded = gzip.compress(TEXT)
    assert b"".join(either.all(gzip_response(either, coded), "bytes")) == TEXT
    assert either.all(gzip_response(either, coded), "lines") == ["one", "two", "three"]
    assert b"".join(either.all(gzip_response(either, coded), "raw")) == coded


def test_the_bytes_that_count_as_downloaded_are_the_raw_ones(either: World) -> None:
    coded = gzip.compress(TEXT * 1000)
    response = gzip_response(either, coded[:50], coded[50:])
    assert either.read(response) == TEXT * 1000
    assert response.num_bytes_downloaded == len(coded)


def test_decoded_content_is_given_at_once_when_the_sender_flushed_it() -> None:
    compressor = zlib.compressobj(wbits=31)
    first = compressor.compress(b"one\n") + compressor.flush(zlib.Z_SYNC_FLUSH)
    rest = compressor.compress(b"two\n") + compressor.flush()
    response = gzip_response(World(False), first, rest)
    lines = response.iter_lines()
    assert next(lines) == "one"
    assert stream_of(response).taken == 1
    assert list(lines) == ["two"]


def test_no_decoded_piece_is_larger_than_1_mib(either: World) -> None:
    response = gzip_response(either, gzip.compress(bytes(5 * 1024 * 1024)))
    sizes = [len(piece) for piece in either.all(response, "bytes", None)]
    assert sum(sizes) == 5 * 1024 * 1024
    assert max(sizes) <= 1024 * 1024


def test_a_cut_coding_raises_after_the_good_content(either: World) -> None:
    response = gzip_response(either, gzip.compress(TEXT)[:-8])
    *good, error = either.until_error(response, "bytes")
    assert b"".join(good) == TEXT
    assert isinstance(error, DecodingError)
    assert error.request is REQUEST
    assert response.is_closed
    assert stream_of(response).closed == 1


@pytest.mark.parametrize("items", [(), (b"",), (b"", b"")])
def test_no_content_at_all_has_no_coding_to_remove(either: World, items: Iterable[bytes]) -> None:
    """Answers to HEAD, 204 and 304 may name a coding and have no content (RFC 9110 sections 9.3.2, 15.4.5)."""
    response = gzip_response(either, *items)
    assert either.read(response) == b""
    assert response.is_closed


def test_an_unknown_coding_is_left_alone(either: World) -> None:
    assert either.read(either.response(b"abc", headers={"Content-Encoding": "x-own"})) == b"abc"


def test_more_codings_than_the_limit_are_refused(either: World) -> None:
    response = either.response(b"abc", headers={"Content-Encoding": ", ".join(["gzip"] * 6)})
    (error,) = either.until_error(response, "bytes")
    assert isinstance(error, DecodingError)
    assert response.is_closed


def test_read_keeps_the_content_for_the_iterators_but_not_for_the_raw_one(either: World) -> None:
    response = either.response(b"one\r\n", b"two\nthree")
    assert either.read(response) == TEXT == either.read(response)
    assert either.all(response, "bytes", 10) == [TEXT[:10], TEXT[10:]]
    assert either.all(response, "bytes", None) == [TEXT]
    assert either.all(response, "text", None) == [TEXT.decode()]
    assert either.all(response, "lines") == ["one", "two", "three"]
    assert either.all(response, "lines_bytes") == [b"one", b"two", b"three"]
    (error,) = either.until_error(response, "raw")
    assert isinstance(error, StreamConsumed)


def test_content_in_memory_can_be_iterated_in_the_other_world(either: World) -> None:
    response = either.response(TEXT)
    either.read(response)
    assert World(not either.is_async).all(response, "lines") == ["one", "two", "three"]
    assert World(not either.is_async).read(response) == TEXT


def test_empty_content_in_memory_has_no_items(either: World) -> None:
    response = Response(200, content=b"")
    for name in ("bytes", "text", "lines", "lines_bytes"):
        assert either.all(response, name) == []


def test_a_stream_is_read_once(either: World) -> None:
    response = either.response(b"abc")
    either.all(response, "bytes")
    for name in ("bytes", "text", "lines", "lines_bytes", "raw"):
        (error,) = either.until_error(response, name)
        assert isinstance(error, StreamConsumed)


def test_a_closed_response_cannot_be_read(either: World) -> None:
    response = either.response(b"abc")
    either.close(response)
    for name in ("bytes", "raw"):
        (error,) = either.until_error(response, name)
        assert isinstance(error, StreamClosed)
    with pytest.raises(StreamClosed):
        either.read(response)


def test_the_stream_of_the_other_world_is_refused_and_stays_readable(either: World) -> None:
    response = either.foreign(b"abc")
    other = "sync" if either.is_async else "async"
    for name in ("bytes", "raw"):
        (error,) = either.until_error(response, name)
        assert isinstance(error, RuntimeError)
        assert other in str(error)
    with pytest.raises(RuntimeError, match=other):
        either.close(response)
    assert World(not either.is_async).read(response) == b"abc"


def test_closing_twice_closes_the_stream_once(either: World) -> None:
    response = either.response(b"abc")
    either.close(response)
    either.close(response)
    assert stream_of(response).closed == 1


def test_an_error_of_the_stream_closes_the_response_and_names_the_request(either: World) -> None:
    response = either.response(b"abc", ReadError("broken"))
    first, error = either.until_error(response, "bytes")
    assert first == b"abc"
    assert isinstance(error, ReadError)
    assert error.request is REQUEST
    assert response.is_closed


def test_an_error_that_names_another_request_names_the_callers(either: World) -> None:
    own = Request("GET", "http://example.org/own")
    (error,) = either.until_error(either.response(ReadError("broken", request=own)), "bytes")
    assert error.request.url == "http://example.org/a"


def test_an_error_of_read_leaves_no_content(either: World) -> None:
    response = either.response(b"abc", ReadError("broken"))
    with pytest.raises(ReadError):
        either.read(response)
    assert response.is_closed
    with pytest.raises(StreamConsumed):
        either.read(response)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_an_interrupt_closes_the_response(error: BaseException) -> None:
    response = World(False).response(b"abc", error)
    with pytest.raises(type(error)):
        response.read()
    assert response.is_closed


def test_a_line_over_the_limit_raises_and_closes(either: World) -> None:
    assert either.all(either.response(b"abc\n"), "lines", max_line_bytes=3) == ["abc"]
    for name in ("lines", "lines_bytes"):
        response = either.response(b"ab\nabcd\n")
        first, error = either.until_error(response, name, max_line_bytes=3)
        assert first in ("ab", b"ab")
        assert isinstance(error, LineTooLong)
        assert error.request is REQUEST
        assert response.is_closed


def test_the_limits_of_the_transport_count_where_none_is_given(either: World) -> None:
    response = either.response(b"abcd\n")
    stream_of(response).limits = MessageLimits(max_line_bytes=3)
    (error,) = either.until_error(response, "lines")
    assert isinstance(error, LineTooLong)
    response = either.response(b"abcd\n")
    stream_of(response).limits = MessageLimits(max_line_bytes=3)
    assert either.all(response, "lines", max_line_bytes=4) == ["abcd"]
    response = gzip_response(either, gzip.compress(b"abcd"))
    stream_of(response).limits = MessageLimits(max_decoded_bytes=3)
    assert isinstance(either.until_error(response, "bytes")[-1], DecodingError)


def test_an_error_of_close_does_not_hide_the_first_one(either: World) -> None:
    response = either.response(ReadError("first"))

    def fail() -> None:
        raise ReadError("second")

    async def afail() -> None:
        raise ReadError("second")

    stream_of(response).close, stream_of(response).aclose = fail, afail
    (error,) = either.until_error(response, "bytes")
    assert str(error) == "first"


def test_an_error_of_close_names_the_request(either: World) -> None:
    response = either.response(b"abc")

    def fail() -> None:
        raise ReadError("broken")

    async def afail() -> None:
        raise ReadError("broken")

    stream_of(response).close, stream_of(response).aclose = fail, afail
    with pytest.raises(ReadError) as caught:
        either.close(response)
    assert caught.value.request is REQUEST
    assert response.is_closed


@pytest.mark.parametrize("chunk_size, error", [(0, ValueError), (-1, ValueError), ("1", TypeError)])
def test_a_chunk_size_that_is_none_is_refused_at_the_call(
    either: World, chunk_size: Any, error: type[Exception]
) -> None:
    response = either.response(b"abc")
    for name in ("bytes", "text", "raw"):
        method: Callable[..., Any] = getattr(response, f"aiter_{name}" if either.is_async else f"iter_{name}")
        with pytest.raises(error):
            method(chunk_size)
    assert either.read(response) == b"abc"
