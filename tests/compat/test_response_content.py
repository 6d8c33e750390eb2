"""Response made by hand: its content, read and iterated over in both worlds."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest

from tests.compat.harness import same
from tests.compat.test_request import AsyncPieces
from tests.compat.test_response import seen

LINES = b"line1\nline2\r\nx"
GZIP = {"content-encoding": "gzip"}
KINDS: dict[str, Any] = {
    "bytes": lambda httpx: httpx.Response(200, content=LINES),
    "pieces": lambda httpx: httpx.Response(200, content=iter([b"li", b"ne1\nli", b"ne2"])),
    "nothing": lambda httpx: httpx.Response(200),
    "no pieces": lambda httpx: httpx.Response(200, content=iter([])),
    "an empty piece": lambda httpx: httpx.Response(200, content=iter([b"a", b"", b"b"])),
    "gzip in pieces": lambda httpx: httpx.Response(200, headers=GZIP, content=iter([gzip.compress(LINES)])),
    "gzip": lambda httpx: httpx.Response(200, headers=GZIP, content=gzip.compress(LINES)),
    "two codings": lambda httpx: httpx.Response(
        200, headers={"content-encoding": "deflate, gzip"}, content=gzip.compress(zlib.compress(LINES))
    ),
    "an unknown coding": lambda httpx: httpx.Response(
        200, headers={"content-encoding": "nope"}, content=LINES
    ),
    "identity": lambda httpx: httpx.Response(200, headers={"content-encoding": "Identity"}, content=LINES),
    "async": lambda httpx: httpx.Response(200, content=AsyncPieces()),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def collected(iterator: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [item async for item in iterator]

    return asyncio.run(collect())


@same("read() leaves the response open")
@kinds
def test_a_response_is_read(httpx: Any, kind: str) -> Any:
    response = KINDS[kind](httpx)
    return response.read(), response.read(), seen(response)


@same("aread() leaves the response open")
@kinds
def test_a_response_is_read_in_the_async_world(httpx: Any, kind: str) -> Any:
    response = KINDS[kind](httpx)
    return asyncio.run(response.aread()), seen(response)


@same("iter_bytes(None) splits what was received")
@kinds
def test_bytes_as_received(httpx: Any, kind: str) -> Any:
    response = KINDS[kind](httpx)
    return list(response.iter_bytes(None)), response.is_closed, response.num_bytes_downloaded


@same("iter_bytes(n) gives pieces of another size")
@pytest.mark.parametrize("size", [1, 2, 3, 100])
@kinds
def test_bytes_of_a_size(httpx: Any, kind: str, size: int) -> Any:
    return list(KINDS[kind](httpx).iter_bytes(size)), list(KINDS[kind](httpx).iter_bytes(chunk_size=size))


@same("aiter_bytes(n) gives pieces of another size")
@pytest.mark.parametrize("size", [None, 3])
@kinds
def test_bytes_in_the_async_world(httpx: Any, kind: str, size: int | None) -> Any:
    return collected(KINDS[kind](httpx).aiter_bytes(size))


@same("a piece of no bytes is waited for", differs="A chunk size below 1 raises `ValueError`")
@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_a_size(httpx: Any, size: int) -> Any:
    return list(httpx.Response(200, content=b"abc").iter_bytes(size))


@same("iter_raw() decodes")
@pytest.mark.parametrize("size", [None, 2, 1000])
def test_raw_content_is_as_it_was_sent(httpx: Any, size: int | None) -> Any:
    coded = zlib.compress(LINES)
    response = httpx.Response(
        200, headers={"content-encoding": "deflate"}, content=iter([coded[:5], coded[5:]])
    )
    return list(response.iter_raw(size)), response.is_closed, response.num_bytes_downloaded == len(coded)


@same("aiter_raw() gives content from memory")
@kinds
def test_raw_content_in_the_async_world(httpx: Any, kind: str) -> Any:
    return collected(KINDS[kind](httpx).aiter_raw(None))


@same("content in memory can be iterated over as raw")
def test_content_in_memory_has_no_raw_form(httpx: Any) -> Any:
    return list(httpx.Response(200, content=b"abc").iter_raw(None))


@same("iter_text() drops a character that is cut")
def test_text_is_decoded_across_pieces(httpx: Any) -> Any:
    text = "é日本\U0001f600".encode()
    pieces = [text[i : i + 1] for i in range(len(text))]
    both = [
        httpx.Response(200, content=iter(pieces)),
        httpx.Response(200, content=iter([*pieces, b"\xf0\x9f"])),
    ]
    return ["".join(response.iter_text(None)) for response in both]


@same("aiter_text() drops a character that is cut")
def test_text_in_the_async_world(httpx: Any) -> Any:
    return "".join(collected(httpx.Response(200, content="é日本".encode()).aiter_text(None)))


@same("iter_lines() keeps the line ends")
@kinds
def test_lines(httpx: Any, kind: str) -> Any:
    return list(KINDS[kind](httpx).iter_lines())


@same("aiter_lines() keeps the line ends")
@kinds
def test_lines_in_the_async_world(httpx: Any, kind: str) -> Any:
    return collected(KINDS[kind](httpx).aiter_lines())


@same("an empty line is dropped")
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"\n\n", b"a\n\nb", b"a\r\n\r\nb\n", b"\r\r\n\n", b"a\rb", b"a\n", b"a"]
)
@pytest.mark.parametrize("size", [1, 100])
def test_lines_of_any_cut(httpx: Any, content: bytes, size: int) -> Any:
    pieces = [content[i : i + size] for i in range(0, len(content), size)]
    return list(httpx.Response(200, content=iter(pieces)).iter_lines())


@same("a stream can be iterated over twice")
@pytest.mark.parametrize(
    "names",
    [
        ("iter_bytes", "iter_bytes"),
        ("iter_raw", "iter_bytes"),
        ("iter_text", "iter_raw"),
        ("iter_lines", "read"),
    ],
)
def test_a_stream_is_consumed_once(httpx: Any, names: tuple[str, str]) -> Any:
    response = httpx.Response(200, content=iter([b"a"]))
    list(getattr(response, names[0])())
    return list(getattr(response, names[1])())


@same("content that was read cannot be iterated over")
def test_content_that_was_read_is_iterated_over_again(httpx: Any) -> Any:
    response = httpx.Response(200, content=iter([b"ab\n", b"c"]))
    response.read()
    return [
        list(iterator)
        for iterator in (
            response.iter_bytes(None),
            response.iter_bytes(2),
            response.iter_lines(),
            response.iter_text(None),
        )
    ]


@same("a closed response can be read")
@pytest.mark.parametrize(
    "use",
    [
        lambda response: response.read(),
        lambda response: list(response.iter_raw()),
        lambda response: response.content,
    ],
)
def test_a_closed_response_cannot_be_read(httpx: Any, use: Any) -> Any:
    response = httpx.Response(200, content=iter([b"a"]))
    response.close()
    return use(response)


@same("closing a response twice raises")
@kinds
def test_a_response_is_closed(httpx: Any, kind: str) -> Any:
    response = KINDS[kind](httpx)
    response.close()
    response.close()
    return response.is_closed, response.is_stream_consumed


@same("aclose() closes a stream of the sync world")
@kinds
def test_a_response_is_closed_in_the_async_world(httpx: Any, kind: str) -> Any:
    response = KINDS[kind](httpx)
    asyncio.run(response.aclose())
    return response.is_closed


@same("closing a response does not close its stream")
def test_the_stream_is_closed_with_the_response(httpx: Any) -> Any:
    closed = []

    class Stream(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            return iter([b"a", b"b"])

        def close(self) -> None:
            closed.append(True)

    left, read = httpx.Response(200, stream=Stream()), httpx.Response(200, stream=Stream())
    left.close()
    read.read()
    return len(closed), left.is_closed, read.is_closed


@same("an error of the stream is wrapped")
@pytest.mark.parametrize("kind", [ValueError, OSError, RuntimeError])
def test_an_error_of_the_stream_comes_through(httpx: Any, kind: type[Exception]) -> Any:
    def broken() -> Any:
        yield b"a"
        raise kind("of its own")

    response = httpx.Response(200, content=broken(), request=httpx.Request("GET", "http://host.example/"))
    return response.read()


@same("a ReadError of the stream has no request")
def test_an_error_of_the_transport_gets_the_request(httpx: Any) -> Any:
    def broken() -> Any:
        yield b"a"
        raise httpx.ReadError("cut")

    return httpx.Response(200, content=broken(), request=httpx.Request("GET", "http://host.example/")).read()


@same("content that is not gzip raises zlib.error")
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_content_that_does_not_follow_its_coding(httpx: Any, coding: str) -> Any:
    response = httpx.Response(200, headers={"content-encoding": coding}, content=iter([b"\xff" * 20]))
    response.request = httpx.Request("GET", "http://host.example/")
    return response.read()


@same("bytes with a content coding are kept coded")
def test_bytes_are_decoded_at_once(httpx: Any) -> Any:
    return httpx.Response(200, headers=GZIP, content=b"certainly not gzip")


@same("_content cannot be deleted from a response")
@pytest.mark.parametrize(
    "use",
    [
        lambda response: response.content,
        lambda response: response.read(),
        lambda response: list(response.iter_bytes()),
    ],
)
def test_content_can_be_dropped(httpx: Any, use: Any) -> Any:
    response = httpx.Response(200, content=b"x")
    del response._content
    return use(response)


@same("num_bytes_downloaded counts what is decoded")
def test_what_was_downloaded_is_counted_before_decoding(httpx: Any) -> Any:
    coded = gzip.compress(bytes(5000))
    response = httpx.Response(200, headers=GZIP, content=iter([coded]))
    counts = [response.num_bytes_downloaded]
    counts.extend(response.num_bytes_downloaded == len(coded) for _ in response.iter_bytes(None))
    return counts, response.num_bytes_downloaded == len(coded)
