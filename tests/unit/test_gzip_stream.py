"""``GZipStream``: both directions, any cut, all members, and never a short success."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import httpstream
from httpstream import FileStream, GZipStream, IterStream
from httpstream._streams import can_be_sent_again

CONTENT = b"the same again " * 5000
MIB = 1024 * 1024


def test_what_is_compressed_can_be_decompressed_by_the_standard_library() -> None:
    compressed = GZipStream(CONTENT, mode="compress").read()
    assert gzip.decompress(compressed) == CONTENT
    assert len(compressed) < len(CONTENT) // 50


@pytest.mark.parametrize("level", range(10))
def test_every_level_works(level: int) -> None:
    assert gzip.decompress(GZipStream(CONTENT, "compress", level=level).read()) == CONTENT


def test_no_content_is_a_member_too() -> None:
    assert gzip.decompress(GZipStream(b"", "compress").read()) == b""


@pytest.mark.parametrize("members", [1, 2, 1000])
def test_all_members_are_taken(members: int) -> None:
    data = b"".join(gzip.compress(b"member %d\n" % number) for number in range(members))
    lines = list(GZipStream(data).iter_lines())
    assert lines == [f"member {number}" for number in range(members)]


@given(cut=st.integers(0, 200), step=st.integers(1, 40))
def test_any_cut_of_the_source_gives_the_same(cut: int, step: int) -> None:
    data = gzip.compress(b"one") + gzip.compress(b"two" * 50)
    pieces = [data[:cut], *(data[at : at + step] for at in range(cut, len(data), step))]
    assert GZipStream(pieces).read() == b"one" + b"two" * 50


@pytest.mark.parametrize("missing", range(1, 19))
def test_what_ends_before_its_coding_does_is_an_error(missing: int) -> None:
    data = gzip.compress(CONTENT)[:-missing]
    stream = GZipStream([data[at : at + 100] for at in range(0, len(data), 100)])
    for _ in range(2):  # and it stays one
        with pytest.raises(httpstream.DecodingError):
            stream.read()


@pytest.mark.parametrize("data", [b"no gzip at all", gzip.compress(CONTENT)[:-8] + b"\0" * 8])
def test_a_wrong_checksum_and_what_is_no_gzip_are_errors(data: bytes) -> None:
    with pytest.raises(httpstream.DecodingError):
        GZipStream(data).read()


def test_pieces_stay_within_a_mebibyte_in_both_directions() -> None:
    noise = os.urandom(3 * MIB)
    compressed = list(GZipStream(noise, "compress", level=0))
    assert max(map(len, compressed)) <= MIB
    assert max(map(len, GZipStream(compressed))) <= MIB
    assert GZipStream(compressed).read() == noise


def test_a_bomb_is_unfolded_no_further_than_asked_for() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MIB)
    data = b"".join([bomb.compress(zeros) for _ in range(50)]) + bomb.flush()
    stream = GZipStream(data)
    assert stream.read(10) == bytes(10)
    assert len(stream.read(10 * MIB)) <= MIB


def test_the_fields_of_a_compressed_stream_are_those_of_its_source_and_the_coding() -> None:
    stream = GZipStream(FileStream(io.BytesIO(b"x"), content_type="application/json"), "compress")
    assert (stream.content_type, stream.content_encoding, stream.size) == ("application/json", "gzip", None)
    assert GZipStream(stream).content_encoding is None


def test_it_can_be_sent_again_when_its_source_can() -> None:
    stream = GZipStream(CONTENT, "compress")
    assert list(stream) == list(stream)
    assert can_be_sent_again(stream)
    stream.close()
    assert not can_be_sent_again(stream)
    once = GZipStream(iter([CONTENT]), "compress")
    assert can_be_sent_again(once)
    list(once)
    assert not can_be_sent_again(once)


def test_closing_it_closes_its_source() -> None:
    file = io.BytesIO(CONTENT)
    with GZipStream(FileStream(file), "compress") as stream:
        stream.read(1)
    assert file.closed
    assert not can_be_sent_again(stream)


@pytest.mark.parametrize("options", [{"mode": "expand"}, {"mode": "compress", "level": 10}, {"level": -1}])
def test_an_unknown_mode_or_level_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"mode is|level is"):
        GZipStream(b"", **options)


@pytest.mark.parametrize("source", ["text", {"a": 1}, 5])
def test_a_source_that_is_no_stream_is_refused(source: Any) -> None:
    with pytest.raises(TypeError, match="a stream is made of"):
        GZipStream(source)


def test_the_body_of_a_response_can_be_its_source() -> None:
    response = httpstream.Response(200, stream=IterStream([gzip.compress(b'{"a": 1}\n{"b": 2}\n')]))
    assert list(GZipStream(response.stream).iter_json()) == [{"a": 1}, {"b": 2}]


def test_it_works_in_the_async_world_over_a_source_of_it() -> None:
    async def generate() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), 999):
            yield CONTENT[at : at + 999]

    async def scenario() -> None:
        compressed = await GZipStream(generate(), "compress").aread()
        assert gzip.decompress(compressed) == CONTENT
        async with GZipStream(compressed) as stream:
            assert b"".join([piece async for piece in stream]) == CONTENT
            assert len([line async for line in stream.aiter_lines()]) == 1
        with pytest.raises(httpstream.DecodingError):
            await GZipStream(compressed[:-1]).aread()
        stream = GZipStream(generate(), "compress")
        pieces = aiter(stream)
        assert aiter(pieces) is pieces
        await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]  # ours has it
        await stream.aclose()

    anyio.run(scenario)


def test_leaving_it_early_closes_the_pieces_of_its_source() -> None:
    closed = []

    def generate() -> Any:
        try:
            yield CONTENT
            yield CONTENT
        finally:
            closed.append(True)

    pieces = iter(GZipStream(generate(), "compress", level=0))
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # ours has it
    assert closed == [True]
