"""Content in codings, cut and split at many offsets, over real connections: whole, or an exception, by every reader.

The exhaustive part is in `tests/unit/test_decoder_cuts.py`; here it is that every reader of every world says so.
"""

from __future__ import annotations

import sys
from itertools import cycle

import pytest

from httpstream import DecodingError, GZipStream, RemoteProtocolError
from tests.codings import MIB, contents_to_cut, offsets_to_cut
from tests.dialogue import check_error, check_next_request, head
from tests.servers import http2
from tests.servers.fault import PeerEnded
from tests.servers.steps import fin, named, own_answer

CONTENTS = contents_to_cut()


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def serve_cuts():
    """Answer /framing/offset/name with the first bytes of that content, the framing whole; /split/... with all of it,
    in two chunks; anything else with its own method and target.
    """

    @named("serve_cuts")
    def step(peer):
        while True:
            try:
                target = peer.take_until(b"\r\n\r\n").decode("latin-1").split(" ")[1]
            except PeerEnded:
                return
            _, framing, *rest = target.split("/")
            if not rest:
                peer.send(own_answer("GET", target))
                continue
            content = CONTENTS[rest[1].replace("%20", " ")]
            end = int(rest[0])
            coding, cut = f"Content-Encoding: {content.codings}", content.coded[:end]
            if framing == "length":
                peer.send(head(coding, f"Content-Length: {end}") + cut)
            elif framing == "until close":
                peer.send(head(coding) + cut)
                return fin()(peer)
            elif framing == "closed":  # the framing is cut too
                peer.send(head(coding, f"Content-Length: {len(content.coded) + 1}") + cut)
                return fin()(peer)
            else:
                rest = chunk(content.coded[end:]) if framing == "split" else b""
                peer.send(head(coding, "Transfer-Encoding: chunked") + chunk(cut) + rest + b"0\r\n\r\n")

    return step


async def read(answer, got):
    got.append(await answer.read())


def iterating(kind, *args):
    async def iterate(answer, got):
        async for piece in answer.iter(kind, *args):
            assert 0 < len(piece) <= MIB
            got.append(piece.encode() if isinstance(piece, str) else piece)

    return iterate


async def gzip_stream(answer, got):
    """Take the coding off by hand."""
    stream = GZipStream(answer.stream)
    while piece := await stream.aread(100) if answer._world.is_async else stream.read(100):
        got.append(piece)


READERS = {
    "read": read,
    "bytes": iterating("bytes"),
    "bytes of 7": iterating("bytes", 7),
    "bytes as received": iterating("bytes", None),
    "text": iterating("text"),
}


async def check(client, server, framing, end, name, reader):
    """Whole data or an exception; all that is good comes first, but by `read`, which gives all or nothing."""
    content, got = CONTENTS[name], []
    fails = framing == "closed" or (framing != "split" and end not in content.ends)
    where = f"{framing}, {name}, {end} of {len(content.coded)}, {reader.__name__}"
    try:
        async with client.stream("GET", f"{server.url}/{framing}/{end}/{name}") as answer:
            await reader(answer, got)
    except (DecodingError, RemoteProtocolError) as exc:
        assert fails, f"{where}: {exc}"
        check_error(exc, server, RemoteProtocolError if framing == "closed" else DecodingError)
        assert content.plain.startswith(b"".join(got)), where
        if reader is not read:
            assert b"".join(got).startswith(content.must_give(end)), where
    else:
        assert not fails, f"{where}: a short success"
        assert b"".join(got) == (content.plain if framing == "split" else content.ends[end]), where


def places(step):
    """Pairs of (name, offset), and of a long content only some."""
    return [
        (name, end)
        for name, content in CONTENTS.items()
        for end in offsets_to_cut(content, step)[:: 1 if len(content.coded) < 2000 else 9]
    ]


FRAMINGS = ["length", "chunked", "until close", "closed", "split"]


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_cut_content_is_whole_or_an_exception(world, fault_server, framing):
    """A few places, by every reader in turn."""
    server = fault_server(then=[serve_cuts()])
    readers = cycle(READERS.values())
    async with world.client() as client:
        for name, end in places(step=1)[3::29]:
            await check(client, server, framing, end, name, next(readers))
        await check_next_request(client, server)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["isal", "zlib"])
@pytest.mark.parametrize("framing", FRAMINGS)
async def test_content_cut_anywhere_is_whole_or_an_exception(
    world, fault_server, framing, library, monkeypatch
):
    if library == "zlib":
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    server = fault_server(then=[serve_cuts()])
    readers = cycle(READERS.values())
    async with world.client() as client:
        for name, end in places(step=7):
            if library == "isal" or "gzip" in name or "deflate" in name:
                await check(client, server, framing, end, name, next(readers))
        await check_next_request(client, server)


async def test_content_of_http2_is_whole_or_an_exception(world, fault_server):
    """Each on a stream of its own, of one connection; an error in a content costs that stream alone."""
    where = places(step=5)[2::9]
    script = [http2.begin()]
    for number, (name, end) in enumerate(where):
        content = CONTENTS[name]
        fields = (b"content-encoding", content.codings.encode())
        script.append(http2.expect_head(2 * number + 1))
        script.append(http2.reply(2 * number + 1, content.coded[:end], fields))
    server = fault_server([*script, http2.expect_goodbye()], then=None)
    readers = cycle(READERS.values())
    async with world.client(http1=False, http2=True) as client:
        for name, end in where:
            await check(client, server, "length", end, name, next(readers))


async def test_a_gzip_stream_over_a_response_gives_the_whole_or_an_exception(world, fault_server):
    """Also where the connection ends behind the last member, but before the length that was announced."""
    server = fault_server(then=[serve_cuts()])
    async with world.client() as client:
        for name in ("gzip", "gzip of two members", "gzip and padding"):
            for end in offsets_to_cut(CONTENTS[name], step=9):
                await check(client, server, "length", end, name, gzip_stream)
        await check_next_request(client, server)
