"""Every stream as a binary file: the cursor, the iterators, closing, and the world that it belongs to."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import httpstream
from httpstream import AsyncIterStream, ByteStream, DuplexStream, FileStream, GZipStream, IterStream, Stream
from httpstream._exceptions import StreamConsumed
from httpstream._streams import can_be_sent_again
from tests.unit.test_streams import finish

CONTENT = b"first line\nsecond\r\n\nlast without end"


def async_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    async def generate() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return generate()


class BothWorlds(Stream, httpstream.AsyncByteStream, httpstream.SyncByteStream):
    """A stream as a user writes it: nothing but its iteration."""

    def __init__(self, *pieces: bytes) -> None:
        self.all = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.all)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_pieces(*self.all)


def in_three(content: bytes) -> list[bytes]:
    return [content[:7], b"", content[7:13], content[13:]]


def file_of(content: bytes) -> FileStream:
    return FileStream(io.BytesIO(content))


SYNC: dict[str, Callable[[bytes], Any]] = {
    "ByteStream": ByteStream,
    "IterStream": lambda content: IterStream(iter(in_three(content))),
    "FileStream": file_of,
    "GZipStream": lambda content: GZipStream(GZipStream(content, "compress")),
    "DuplexStream": DuplexStream,
    "a user's": lambda content: BothWorlds(*in_three(content)),
}
ASYNC: dict[str, Callable[[bytes], Any]] = {
    **{name: make for name, make in SYNC.items() if name != "IterStream"},
    "AsyncIterStream": lambda content: AsyncIterStream(async_pieces(*in_three(content))),
}
sync_streams = pytest.mark.parametrize("make", SYNC.values(), ids=SYNC)
async_streams = pytest.mark.parametrize("make", ASYNC.values(), ids=ASYNC)


@sync_streams
def test_read_gives_everything_and_then_nothing(make: Callable[[bytes], Any]) -> None:
    stream = make(CONTENT)
    assert stream.read() == CONTENT
    assert stream.read() == stream.read(5) == b""
    assert stream.tell() == len(CONTENT)


@sync_streams
def test_read_of_a_size_gives_at_most_so_much_and_something_until_the_end(
    make: Callable[[bytes], Any],
) -> None:
    stream = make(CONTENT)
    assert stream.read(0) == b""
    pieces = list(iter(lambda: stream.read(4), b""))
    assert b"".join(pieces) == CONTENT
    assert all(0 < len(piece) <= 4 for piece in pieces)
    assert make(CONTENT).read(None) == CONTENT


@pytest.mark.parametrize("size", [1, 7, len(CONTENT), len(CONTENT) + 1])
def test_read_buffer_gives_all_that_was_asked_for_until_the_end(size: int) -> None:
    stream = BothWorlds(*[CONTENT[at : at + 3] for at in range(0, len(CONTENT), 3)])
    taken = list(iter(lambda: stream.read_buffer(size), b""))
    assert taken == [CONTENT[at : at + size] for at in range(0, len(CONTENT), size)]
    assert stream.read_buffer(0) == b""


@sync_streams
def test_reads_of_every_kind_go_on_from_where_the_cursor_stands(make: Callable[[bytes], Any]) -> None:
    stream = make(CONTENT)
    assert stream.read(3) == CONTENT[:3]
    assert stream.tell() == 3
    into = bytearray(2)
    assert stream.readinto(into) == 2
    assert bytes(into) == CONTENT[3:5]
    assert stream.readline() == b" line\n"
    assert next(stream.iter_lines()) == "second"


@sync_streams
def test_lines_end_with_a_line_feed_as_those_of_a_file_do(make: Callable[[bytes], Any]) -> None:
    lines = [b"first line\n", b"second\r\n", b"\n", b"last without end"]
    assert list(iter(make(CONTENT).readline, b"")) == lines
    assert make(CONTENT).readline(4) == b"firs"
    assert make(CONTENT).readline(11) == make(CONTENT).readline(99) == lines[0]
    assert make(CONTENT).readline(0) == b""


@sync_streams
def test_the_iterators_are_those_of_a_response(make: Callable[[bytes], Any]) -> None:
    response = httpstream.Response(200, content=CONTENT)
    assert list(make(CONTENT).iter_bytes(5)) == list(response.iter_bytes(5))
    assert list(make(CONTENT).iter_text(5)) == list(response.iter_text(5))
    assert list(make(CONTENT).iter_lines()) == list(response.iter_lines())
    assert list(make(CONTENT).iter_lines_bytes()) == list(response.iter_lines_bytes())
    assert b"".join(make(CONTENT).iter_bytes(None)) == CONTENT


def test_json_lines_and_events_are_iterated_over() -> None:
    assert list(ByteStream(b'{"a": 1}\n\n[2]').iter_json()) == [{"a": 1}, [2]]
    assert list(ByteStream(b"1\n2").iter_json(loads=int)) == [1, 2]
    (event,) = ByteStream(b"event: e\ndata: d\n\n").iter_events()
    assert (event.event, event.data) == ("e", "d")

    async def scenario() -> None:
        assert [value async for value in ByteStream(b"1\n2").aiter_json()] == [1, 2]
        assert [event.data async for event in ByteStream(b"data: d\n\n").aiter_events()] == ["d"]

    anyio.run(scenario)


def test_lines_have_a_limit() -> None:
    with pytest.raises(httpstream.LineTooLong):
        list(ByteStream(b"12345\n").iter_lines(max_line_bytes=4))


def test_text_has_the_charset_of_the_content_type() -> None:
    stream = IterStream([b"\xe9"], content_type="text/plain; charset=latin-1")
    assert list(stream.iter_text()) == ["é"]
    stream = IterStream([b"\xe9"], content_type="text/plain; charset=hex")
    assert list(stream.iter_text()) == ["\ufffd"]


@async_streams
def test_the_async_twins_do_the_same(make: Callable[[bytes], Any]) -> None:
    async def scenario() -> None:
        assert await make(CONTENT).aread() == CONTENT
        stream = make(CONTENT)
        assert await stream.aread(3) == CONTENT[:3]
        into = bytearray(2)
        assert await stream.areadinto(into) == 2
        assert bytes(into) == CONTENT[3:5]
        assert await stream.aread(0) == b""
        assert await anext(stream.aiter_lines()) == " line"
        await stream.aread()
        assert await stream.aread() == await stream.aread(5) == b""
        assert [piece async for piece in make(CONTENT).aiter_bytes(5)] == [
            CONTENT[at : at + 5] for at in range(0, len(CONTENT), 5)
        ]
        assert "".join([text async for text in make(CONTENT).aiter_text()]) == CONTENT.decode()
        assert b"".join([line async for line in make(CONTENT).aiter_lines_bytes()]) != b""
        async with make(CONTENT) as stream:
            assert b"".join([piece async for piece in stream]) == CONTENT
        with pytest.raises(ValueError, match="closed"):
            await stream.aread()
        await stream.aclose()

    anyio.run(scenario)


@sync_streams
def test_after_close_reads_raise_and_closing_again_is_harmless(make: Callable[[bytes], Any]) -> None:
    stream = make(CONTENT)
    stream.read(2)
    assert not stream.closed
    with stream as entered:
        assert entered is stream
    assert stream.closed
    stream.close()
    for use in (stream.read, lambda: stream.read(0), lambda: stream.readinto(bytearray(1)), stream.readline):
        with pytest.raises(ValueError, match="closed"):
            use()
    with pytest.raises(ValueError, match="closed"):
        stream.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        next(stream.iter_lines())
    with pytest.raises(ValueError, match="closed"):
        stream.__enter__()


def test_a_byte_stream_can_be_iterated_wherever_its_cursor_stands_and_after_close() -> None:
    stream = ByteStream(CONTENT)
    stream.read(5)
    assert list(stream) == [CONTENT]
    stream.close()
    assert list(stream) == [CONTENT]


def test_the_size_is_the_whole_and_does_not_shrink() -> None:
    for stream in (ByteStream(CONTENT), file_of(CONTENT), IterStream([CONTENT], size=len(CONTENT))):
        assert stream.size == len(CONTENT)
        stream.read(5)
        assert stream.size == len(CONTENT)
    assert IterStream([CONTENT]).size is None
    assert GZipStream(CONTENT).size is None


def test_a_stream_of_one_world_says_so_in_the_other() -> None:
    with pytest.raises(RuntimeError, match="AsyncIterStream is async: use aread"):
        AsyncIterStream(async_pieces()).read()
    with pytest.raises(RuntimeError, match="AsyncIterStream is async: use aclose"):
        AsyncIterStream(async_pieces()).close()
    with pytest.raises(RuntimeError, match="IterStream is sync: use read"):
        finish(IterStream([]).aread())
    with pytest.raises(RuntimeError, match="IterStream is sync: use close"):
        finish(IterStream([]).aclose())
    with pytest.raises(RuntimeError, match="is async"):
        GZipStream(async_pieces()).read()
    with pytest.raises(RuntimeError, match="is sync"):
        finish(GZipStream([b"x"]).aread())


def test_which_world_a_stream_belongs_to_can_be_told() -> None:
    for stream in (ByteStream(b""), file_of(b""), GZipStream(b""), httpstream.MultiPartStream()):
        assert isinstance(stream, httpstream.SyncByteStream)
        assert isinstance(stream, httpstream.AsyncByteStream)
    assert not isinstance(IterStream([]), httpstream.AsyncByteStream)
    assert not isinstance(AsyncIterStream(async_pieces()), httpstream.SyncByteStream)


def test_a_generator_is_streamed_once_and_closed_with_its_stream() -> None:
    closed = []

    def generate() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    stream = IterStream(generate())
    assert next(iter(stream)) == b"a"
    assert not can_be_sent_again(stream)
    with pytest.raises(StreamConsumed):
        iter(stream)
    stream.close()
    assert closed == [True]

    async def scenario() -> None:
        generator = async_pieces(b"a", b"b")
        stream = AsyncIterStream(generator)
        assert await stream.aread(1) == b"a"
        assert not can_be_sent_again(stream)
        with pytest.raises(StreamConsumed):
            aiter(stream)
        await stream.aclose()
        assert [piece async for piece in generator] == []

    anyio.run(scenario)


def test_a_list_is_streamed_as_often_as_asked_for() -> None:
    stream = IterStream([b"a", b"b"])
    assert list(stream) == list(stream) == [b"a", b"b"]
    assert can_be_sent_again(stream)


def test_pieces_of_any_bytes_are_bytes() -> None:
    stream = IterStream([bytearray(b"ab"), memoryview(b"cd")])
    assert [stream.read(9), stream.read(9)] == [b"ab", b"cd"]
    assert type(IterStream([bytearray(b"ab")]).read(1)) is bytes


def test_most_streams_cannot_be_written_to_or_sought_in() -> None:
    stream = IterStream([b"a"])
    assert stream.readable()
    assert not stream.writable()
    assert not stream.seekable()
    assert not stream.isatty()
    stream.flush()
    with pytest.raises(NotImplementedError):
        stream.write(b"x")
    with pytest.raises(io.UnsupportedOperation):
        stream.seek(0)


@pytest.mark.parametrize("make", [ByteStream, file_of])
def test_what_is_there_can_be_sought_in(make: Callable[[bytes], Any]) -> None:
    stream = make(b"0123456789")
    assert stream.seekable()
    assert stream.seek(4) == 4
    assert stream.read(2) == b"45"
    assert stream.seek(-1, io.SEEK_CUR) == 5
    assert stream.read(1) == b"5"
    assert stream.seek(-2, io.SEEK_END) == 8
    assert stream.read() == b"89"
    assert stream.seek(0) == 0
    assert stream.readline() == b"0123456789"
    assert stream.seek(99) == 99
    assert stream.read(1) == b""
    assert stream.tell() == 99
    with pytest.raises(ValueError, match="no place"):
        stream.seek(-1)


def test_what_is_written_to_a_duplex_stream_is_kept_and_what_is_fed_is_read() -> None:
    stream = DuplexStream(b"hello")
    assert stream.writable()
    assert stream.write(b"GET ") == 4
    assert stream.write(memoryview(b"/")) == 1
    assert stream.written == b"GET /"
    assert stream.read() == b"hello"
    stream.feed(b" again")
    assert list(stream) == [b" again"]

    async def scenario() -> None:
        assert await stream.awrite(b"!") == 1
        stream.feed(b"more")
        assert [piece async for piece in stream] == [b"more"]

    anyio.run(scenario)
    assert stream.written == b"GET /!"


@given(
    pieces=st.lists(st.binary(max_size=9), max_size=8),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30),
)
def test_any_reads_of_any_pieces_give_the_content(pieces: list[bytes], sizes: list[int]) -> None:
    stream = IterStream(pieces)
    got = b""
    for size in sizes:
        into = bytearray(size)
        got += into[: stream.readinto(into)] if size % 2 else stream.read(size)
    assert got + stream.read() == b"".join(pieces)


@given(pieces=st.lists(st.binary(max_size=9) | st.just(b"a\nb"), max_size=8), size=st.integers(-1, 5))
def test_lines_of_any_pieces_are_those_of_a_file(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    expected = io.BytesIO(content)
    stream = IterStream(pieces)
    for _ in range(len(content) + 1):
        assert stream.readline(size) == expected.readline(size)


# Files on disk.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_bytes(bytes(range(256)) * 1024)
    return path


def test_a_path_is_opened_by_a_block_and_closed_by_its_end(path: Path) -> None:
    stream = FileStream(path)
    assert (stream.size, stream.name, stream.content_type) == (256 * 1024, str(path), "text/html")
    with pytest.raises(ValueError, match="not open"):
        stream.read()
    with stream as opened:
        assert opened is stream
        assert opened.read(3) == b"\x00\x01\x02"
        assert os.fstat(opened.fileno()).st_size == stream.size
        assert len(b"".join(iter(opened.readline, b""))) == 256 * 1024 - 3
        opened.seek(0)
        into = bytearray(4)
        assert opened.readinto(into) == 4
        assert opened.tell() == 4
    with pytest.raises(ValueError, match="closed"):
        stream.read()
    assert stream.open().read(2) == b"\x00\x01"
    stream.close()


def test_a_path_needs_no_opening_to_be_iterated_as_often_as_asked_for(path: Path) -> None:
    stream = FileStream(str(path))
    assert b"".join(stream) == b"".join(stream) == path.read_bytes()
    assert can_be_sent_again(stream)
    pieces = iter(stream)
    assert iter(pieces) is pieces  # type: ignore[comparison-overlap]  # typed as the plain iterator
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # as above
    assert list(pieces) == []
    stream.close()
    assert not can_be_sent_again(stream)
    with pytest.raises(ValueError, match="closed"):
        iter(stream)


def test_files_are_read_in_the_async_world_too(path: Path) -> None:
    async def scenario() -> None:
        async with FileStream(path) as stream:
            assert await stream.aread(2) == b"\x00\x01"
            assert b"".join([piece async for piece in stream]) == path.read_bytes()
            assert len([line async for line in stream.aiter_lines_bytes()]) > 1
        assert b"".join([piece async for piece in FileStream(path)]) == path.read_bytes()
        with path.open("r+b") as file:
            assert await FileStream(file).awrite(b"\xff") == 1

    anyio.run(scenario)
    assert path.read_bytes()[:2] == b"\xff\x01"


def test_a_file_object_counts_from_where_it_stands(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(256 * 1023)
        stream = FileStream(file)
        assert stream.size == 256
        assert b"".join(stream) == b"".join(stream) == bytes(range(256))
        assert stream.seek(0) == 0
        assert stream.read(2) == b"\x00\x01"
        assert stream.tell() == 2


def test_a_file_object_that_was_closed_cannot_be_sent_again(path: Path) -> None:
    with path.open("rb") as file:
        stream = FileStream(file)
    assert not can_be_sent_again(stream)
    with pytest.raises(ValueError, match="closed"):
        iter(stream)


def test_a_pipe_is_streamed_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"12345")
    os.close(writing)
    with open(reading, "rb") as file:
        stream = FileStream(file)
        assert stream.size is None
        assert not stream.seekable()
        with pytest.raises(io.UnsupportedOperation):
            stream.seek(0)
        assert b"".join(stream) == b"12345"
        assert not can_be_sent_again(stream)
        with pytest.raises(StreamConsumed):
            iter(stream)


def test_a_writable_file_can_be_written_to(tmp_path: Path) -> None:
    with (tmp_path / "new").open("w+b") as file:
        stream = FileStream(file)
        assert stream.writable()
        assert stream.write(b"abc") == 3
        stream.flush()
        assert (tmp_path / "new").read_bytes() == b"abc"
    with pytest.raises(NotImplementedError):
        FileStream(tmp_path / "new").write(b"x")


@pytest.mark.parametrize("file", [io.StringIO("text"), 5, [b"x"], None])
def test_what_is_no_binary_file_is_refused(file: Any) -> None:
    with pytest.raises(TypeError, match="binary mode"):
        FileStream(file)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.json", "application/json"),
        ("a.tar.gz", "application/gzip"),
        ("a.Z", "application/octet-stream"),
        ("a", None),
    ],
)
def test_the_content_type_of_a_file_goes_with_its_name(name: str, content_type: str | None) -> None:
    assert FileStream(name).content_type == content_type
    stream = FileStream(name, content_type="own/type")
    assert stream.content_type == "own/type"
    stream.content_type = "other/type"
    assert stream.content_type == "other/type"


def test_a_path_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    stream = FileStream(tmp_path / "missing")
    for use in (lambda: stream.size, stream.open, lambda: list(stream)):
        with pytest.raises(FileNotFoundError):
            use()
    assert FileStream(os.devnull).size is None
