"""Content codings, whatever the content and the cuts: compared with the libraries' own answers."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import httpstream
from httpstream import DecodingError
from httpstream._decoders import make_decoder, supported_codings
from tests.codings import LIMITS, MIB, encode


def decode(codings, coded, cuts=()):
    """The decoded content and whether it ended in an error, for content that comes in pieces cut at `cuts`."""
    decoder = make_decoder(codings, LIMITS)
    edges = [0, *sorted(min(cut, len(coded)) for cut in cuts), len(coded)]
    decoded = b""
    try:
        for start, end in pairwise(edges):
            piece = decoder.decode(coded[start:end])
            assert len(piece) <= MIB
            decoded += piece
            while not decoder.needs_input:
                decoded += decoder.decode(b"")
        decoder.finish()
    except DecodingError:
        return decoded, True
    return decoded, False


def zlib_says(coded, wbits):
    """The standard library's answer for one gzip member or deflate stream with nothing behind it."""
    inflate = zlib.decompressobj(wbits)
    try:
        decoded = inflate.decompress(coded)
    except zlib.error:
        return None
    return decoded if inflate.eof and not inflate.unused_data else None


@pytest.fixture(params=["isal", "zlib"], scope="module", autouse=True)
def inflate(request):
    """Every property holds for both libraries of gzip and deflate."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "isal":
            pytest.importorskip("isal", reason="isal is not installed")
        else:
            patch.setitem(sys.modules, "isal.igzip_lib", None)
        yield request.param


# Repeats make it compressible, so that a few coded bytes stand for many.
contents = st.builds(
    lambda parts: b"".join(part * count for part, count in parts),
    st.lists(st.tuples(st.binary(max_size=60), st.integers(1, 400)), max_size=6),
)
cuts = st.lists(st.integers(0, 3000), max_size=8)
codings = st.sampled_from(supported_codings())


@given(st.lists(codings, min_size=1, max_size=4), contents, cuts)
@settings(deadline=None)
def test_any_cuts_give_back_the_content(names, content, where):
    coded = content
    for name in names:
        coded = encode(name, coded)
    assert decode(names, coded, where) == (content, False)


@given(codings, contents, cuts, st.data())
@settings(deadline=None)
def test_any_cut_off_end_is_an_error_after_good_data(name, content, where, data):
    coded = encode(name, content)
    assume(len(coded) > 1)  # nothing at all is complete
    end = data.draw(st.integers(1, len(coded) - 1))
    decoded, failed = decode([name], coded[:end], where)
    assert failed
    assert content.startswith(decoded)


@given(st.lists(contents, min_size=1, max_size=5), st.integers(0, 20), cuts)
@settings(deadline=None)
def test_members_and_padding_are_read_as_the_gzip_module_reads_them(members, zeros, where):
    coded = b"".join(map(gzip.compress, members)) + bytes(zeros)
    with gzip.GzipFile(fileobj=io.BytesIO(coded)) as file:
        expected = file.read()
    assert decode(["gzip"], coded, where) == (expected, False)


changes = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), min_size=1, max_size=3)


def changed(coded, where):
    broken = bytearray(coded)
    for place, mask in where:
        broken[place % len(broken)] ^= mask
    return bytes(broken)


@given(contents, changes, cuts)
@settings(deadline=None)
def test_changed_gzip_is_accepted_only_where_zlib_accepts_it(content, where, pieces):
    """Whatever the bytes and the cuts: no other exception, and never data that zlib would not give."""
    coded = changed(gzip.compress(content), where)
    decoded, failed = decode(["gzip"], coded, pieces)
    expected = zlib_says(coded, 31)
    assert failed == (expected is None)
    if not failed:
        assert decoded == expected


@given(contents, st.sampled_from([15, -15]), changes, cuts)
@settings(deadline=None)
def test_changed_deflate_is_accepted_only_where_zlib_accepts_it(content, wbits, where, pieces):
    compressor = zlib.compressobj(6, zlib.DEFLATED, wbits)
    coded = changed(compressor.compress(content) + compressor.flush(), where)
    decoded, failed = decode(["deflate"], coded, pieces)
    expected = zlib_says(coded, 15)
    if expected is None:
        expected = zlib_says(coded, -15)
    if not failed:
        assert decoded == expected
    elif wbits == 15:
        assert expected is None


@given(codings, contents, changes, cuts)
@settings(deadline=None)
def test_changed_content_gives_the_same_verdict_however_it_is_cut(name, content, where, pieces):
    """And the same data in front of the fault: all that the bytes before the one at fault stand for."""
    coded = changed(encode(name, content), where)
    assert decode([name], coded, pieces) == decode([name], coded)


@given(codings, st.binary(max_size=300), cuts)
@settings(deadline=None)
def test_any_bytes_raise_nothing_but_decoding_errors(name, coded, pieces):
    decode([name], coded, pieces)


# By every reader of a response

readers = st.sampled_from(
    [
        ("read",),
        ("bytes",),
        ("bytes", 7),
        ("bytes", 2000),
        ("bytes", None),
        ("text",),
        ("lines",),
        ("lines_bytes",),
    ]
)


def read_by(reader, names, pieces):
    """The items that a reader gives of content in these codings, and whether an error ended them."""
    kind, *args = reader
    fields = {"Content-Encoding": ", ".join(names)}
    response = httpstream.Response(200, headers=fields, stream=httpstream.IterStream(iter(pieces)))
    items = []
    try:
        for item in [response.read()] if kind == "read" else getattr(response, f"iter_{kind}")(*args):
            items.append(item)  # noqa: PERF402 - what comes before the error counts
    except DecodingError:
        return items, True
    return items, False


@given(st.lists(codings, min_size=1, max_size=2), contents, cuts, readers, st.data())
@settings(deadline=None)
def test_every_reader_gives_the_whole_or_an_error(names, content, where, reader, data):
    """Cut off anywhere, or not at all, and split anywhere: never a short success, and nothing wrong before an error."""
    coded = content
    for name in names:
        coded = encode(name, coded)
    end = data.draw(st.integers(1, len(coded)))
    edges = [0, *sorted(min(cut, end) for cut in where), end]
    items, failed = read_by(reader, names, [coded[start:stop] for start, stop in pairwise(edges)])
    expected, _ = read_by(reader, [], [content])
    assert failed == (end < len(coded))
    if reader[0].startswith("lines"):
        assert items == expected[: len(items)]
        assert failed or len(items) == len(expected)
    else:
        joint = "" if reader[0] == "text" else b""
        whole, got = joint.join(expected), joint.join(items)
        assert whole.startswith(got.rstrip("\ufffd") if joint == "" else got)  # a cut character
        assert failed or got == whole
