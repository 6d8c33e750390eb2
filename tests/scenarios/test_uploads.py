"""Request content: what reaches the wire is what the caller gave, framed once, or the connection is closed.

RFC 9112 sections 6 and 7; nothing that the caller passes adds a line to the wire.
"""

from __future__ import annotations

import hashlib
import io
import json

import pytest

import httpstream
from httpstream import LocalProtocolError
from tests.dialogue import HELLO, check_next_request
from tests.flavours import async_pieces, sync_pieces
from tests.servers.steps import (
    expect_chunked,
    expect_content,
    expect_request,
    ignore_until_end,
    send,
    serve,
    sleep,
)


async def test_bytes_go_out_with_their_length(world, fault_server, layer):
    script = [
        expect_request("POST /a", "content-length: 5", without=("transfer-encoding",)),
        expect_content(b"hello"),
    ]
    server = fault_server([*script, send(HELLO), serve()], then=None, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.post(server.url + "/a", content=b"hello")).content == b"hello"
        await check_next_request(client, server)


async def test_text_goes_out_as_utf_8(world, fault_server):
    script = [expect_request("POST /a", "content-length: 6"), expect_content("grüß".encode()), send(HELLO)]
    server = fault_server(script)
    async with world.client() as client:
        await client.post(server.url + "/a", content="grüß")


async def test_json_and_form_data(world, fault_server):
    script = [expect_request("POST /json", "content-type: application/json"), send(HELLO)]
    form = [
        expect_request("POST /form", "content-type: application/x-www-form-urlencoded", "content-length: 9"),
        expect_content(b"a=1&b=x+y"),
        send(HELLO),
    ]
    server = fault_server(script, form)
    async with world.client() as client:
        await client.post(server.url + "/json", json={})
    async with world.client() as client:
        await client.post(server.url + "/form", data={"a": "1", "b": "x y"})


async def test_a_post_without_content_says_so(world, fault_server):
    """RFC 9110 8.6: a user agent should send Content-Length: 0 with a method that expects content."""
    server = fault_server(
        [expect_request("POST /a", "content-length: 0", without=("transfer-encoding",)), send(HELLO)]
    )
    async with world.client() as client:
        await client.post(server.url + "/a")


async def test_a_get_without_content_has_no_framing_fields(world, fault_server):
    script = [expect_request("GET /a", without=("transfer-encoding", "content-length")), send(HELLO)]
    server = fault_server(script)
    async with world.client() as client:
        await client.get(server.url + "/a")


@pytest.mark.parametrize("sizes", [[5], [1, 2, 3], [70_000, 1, 70_000], [1] * 300], ids=str)
async def test_a_generator_goes_out_chunked(world, fault_server, layer, sizes):
    pieces = [bytes([65 + number % 26]) * size for number, size in enumerate(sizes)]
    script = [
        expect_request("POST /a", "transfer-encoding: chunked", without=("content-length",)),
        expect_chunked(b"".join(pieces)),
        send(HELLO),
        serve(),
    ]
    server = fault_server(script, then=None, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await client.post(server.url + "/a", content=world.pieces(pieces))).content == b"hello"
        await check_next_request(client, server)


async def test_an_empty_piece_does_not_end_the_content(world, fault_server):
    """A chunk of size 0 would be the last chunk."""
    script = [expect_request("POST /a"), expect_chunked(b"onetwo"), send(HELLO), serve()]
    server = fault_server(script, then=None)
    async with world.client() as client:
        await client.post(server.url + "/a", content=world.pieces([b"", b"one", b"", b"", b"two", b""]))
        await check_next_request(client, server)


async def test_an_empty_generator_is_an_empty_chunked_content(world, fault_server):
    server = fault_server([expect_request("POST /a"), expect_chunked(b""), send(HELLO), serve()], then=None)
    async with world.client() as client:
        await client.post(server.url + "/a", content=world.pieces([]))
        await check_next_request(client, server)


async def test_a_generator_with_a_length_goes_out_by_that_length(world, fault_server):
    script = [
        expect_request("POST /a", "content-length: 6", without=("transfer-encoding",)),
        expect_content(b"onetwo"),
        send(HELLO),
        serve(),
    ]
    server = fault_server(script, then=None)
    async with world.client() as client:
        content = world.pieces([b"one", b"", b"two"])
        await client.post(server.url + "/a", content=content, headers={"Content-Length": "6"})
        await check_next_request(client, server)


@pytest.mark.parametrize("length", [5, 7], ids=["shorter than the content", "longer than the content"])
async def test_the_length_is_enforced(world, fault_server, layer, length):
    """Neither a byte too many on the wire nor a content that looks finished: the connection is closed."""
    server = fault_server([expect_request("POST /a"), ignore_until_end()], **layer.server)
    async with world.client(**layer.client) as client:
        with pytest.raises(LocalProtocolError) as caught:
            content = world.pieces([b"one", b"two"])
            await client.post(server.url + "/a", content=content, headers={"Content-Length": str(length)})
        assert "Content-Length" in str(caught.value) or "content-length" in str(caught.value)
        assert str(caught.value.request.url) == server.url + "/a"
        assert server.peer(0).wait_end()
        await check_next_request(client, server)
    content = bytes(server.peer(0).received).partition(b"\r\n\r\n")[2]
    assert len(content) <= length
    assert b"onetwo".startswith(content)


@pytest.mark.parametrize("length", [4, 6])
async def test_the_length_of_bytes_is_enforced(world, fault_server, length):
    server = fault_server([ignore_until_end()], strict=False)
    async with world.client() as client:
        with pytest.raises(LocalProtocolError):
            await client.post(server.url + "/a", content=b"hello", headers={"Content-Length": str(length)})
        await check_next_request(client, server)
    posts = [received for received in server.received if received.startswith(b"POST")]
    assert all(len(received.partition(b"\r\n\r\n")[2]) < length for received in posts)


@pytest.mark.parametrize("length", ["-1", "+5", "0x5", "5,5", "5 5", "1_0", "", "９", "9" * 30])
async def test_a_length_that_is_none_is_refused(world, fault_server, length):
    server = fault_server(strict=False)
    async with world.client() as client:
        with pytest.raises(LocalProtocolError):
            headers = {"Content-Length": length.encode()}
            await client.post(server.url + "/a", content=world.pieces([b"hello"]), headers=headers)
        await check_next_request(client, server)


async def test_both_framings_are_refused(world, fault_server):
    server = fault_server(strict=False)
    async with world.client() as client:
        with pytest.raises(LocalProtocolError):
            headers = {"Content-Length": "5", "Transfer-Encoding": "chunked"}
            await client.post(server.url + "/a", content=world.pieces([b"hello"]), headers=headers)
        await check_next_request(client, server)


async def test_a_generator_that_raises_leaves_an_aborted_content(world, fault_server, layer):
    """The error is the caller's own; the server never sees a last chunk."""
    server = fault_server([expect_request("POST /a"), ignore_until_end()], **layer.server)
    async with world.client(**layer.client) as client:
        with pytest.raises(ZeroDivisionError):
            content = world.pieces([b"one", ZeroDivisionError("mine")])
            await client.post(server.url + "/a", content=content)
        assert server.peer(0).wait_end()
        await check_next_request(client, server)
    assert not bytes(server.peer(0).received).endswith(b"0\r\n\r\n")


async def test_a_generator_that_raises_leaves_an_aborted_content_of_known_length(world, fault_server):
    server = fault_server([expect_request("POST /a"), ignore_until_end()])
    async with world.client() as client:
        with pytest.raises(ZeroDivisionError):
            content = world.pieces([b"one", ZeroDivisionError("mine")])
            await client.post(server.url + "/a", content=content, headers={"Content-Length": "6"})
        assert server.peer(0).wait_end()
        await check_next_request(client, server)


@pytest.mark.parametrize("piece", ["text", 5, None, ["x"]], ids=repr)
async def test_a_piece_that_is_not_bytes_is_the_callers_error(world, fault_server, piece):
    def pieces():
        yield b"one"
        yield piece

    async def async_pieces():
        yield b"one"
        yield piece

    server = fault_server([expect_request("POST /a"), ignore_until_end()], strict=False)
    async with world.client() as client:
        with pytest.raises((TypeError, LocalProtocolError)):
            await client.post(server.url + "/a", content=async_pieces() if world.is_async else pieces())
        await check_next_request(client, server)
    assert not server.received[0].partition(b"\r\n\r\n")[2].endswith(b"0\r\n\r\n")


@pytest.mark.flavours("sync")
async def test_a_file_goes_out_whole(world, fault_server, tmp_path):
    path = tmp_path / "upload.bin"
    path.write_bytes(bytes(range(256)) * 1000)
    script = [
        expect_request("PUT /a", "content-length: 256000"),
        expect_content(path.read_bytes()),
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client() as client:
        with open(path, "rb") as file:
            await client.request("PUT", server.url + "/a", content=file)


@pytest.mark.flavours("sync")
async def test_a_file_like_object_goes_out_from_where_it_stands(world, fault_server):
    file = io.BytesIO(b"skipped" + b"sent")
    file.read(7)
    script = [expect_request("PUT /a"), ignore_until_end()]
    server = fault_server(script, strict=False)
    async with world.client(timeout=0.5) as client:
        with pytest.raises(httpstream.ReadTimeout):
            await client.request("PUT", server.url + "/a", content=file)
    assert b"skipped" not in server.received[0]
    assert b"sent" in server.received[0]


async def test_a_content_of_the_other_world_is_refused(world, fault_server):
    """A sync client cannot await, an async client does not block: httpx's RuntimeError."""
    server = fault_server()
    other = sync_pieces([b"x"]) if world.is_async else async_pieces([b"x"])
    async with world.client() as client:
        with pytest.raises(RuntimeError):
            await client.post(server.url + "/a", content=other)
        await check_next_request(client, server)


@pytest.mark.slow
async def test_a_slow_reader_gets_everything(world, fault_server, layer):
    """The kernel's buffers are full for a while: the rest follows in order."""
    content = bytes(range(256)) * 80_000  # more than the kernel's buffers hold
    script = [
        expect_request("PUT /a"),
        sleep(0.1),
        expect_content(content),
        send(HELLO),
    ]
    server = fault_server([*script, serve()], then=None, **layer.server)
    async with world.client(**layer.client) as client:
        pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
        headers = {"Content-Length": str(len(content))}
        response = await client.request(
            "PUT", server.url + "/a", content=world.pieces(pieces), headers=headers
        )
        assert response.content == b"hello"
        await check_next_request(client, server)


INJECTIONS = {
    "CRLF in a field value": {"headers": {"X-A": "a\r\nX-Evil: 1"}},
    "LF in a field value": {"headers": {"X-A": "a\nX-Evil: 1"}},
    "CR in a field value": {"headers": {"X-A": "a\rX-Evil: 1"}},
    "NUL in a field value": {"headers": {"X-A": "a\x00b"}},
    "CRLF in bytes of a field value": {"headers": {b"X-A": b"a\r\nX-Evil: 1"}},
    "CRLF in a field name": {"headers": {"X-A: 1\r\nX-Evil": "1"}},
    "colon in a field name": {"headers": {"X-Evil: 1, X-A": "1"}},
    "space in a field name": {"headers": {"X Evil": "1"}},
    "empty field name": {"headers": {"": "1"}},
    "CRLF in Host": {"headers": {"Host": "a\r\nX-Evil: 1"}},
    "CRLF in the method": {"method": "GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET"},
    "space in the method": {"method": "GET /evil"},
    "empty method": {"method": ""},
}


@pytest.mark.parametrize("name", INJECTIONS)
async def test_nothing_that_the_caller_passes_adds_a_line(world, fault_server, name):
    options = dict(INJECTIONS[name])
    server = fault_server()
    async with world.client() as client:
        with pytest.raises(LocalProtocolError) as caught:
            await client.request(options.pop("method", "GET"), server.url + "/fault", **options)
        assert "X-Evil: 1\r\n" not in str(caught.value)
        await check_next_request(client, server)
    assert not any(b"evil" in received.lower() for received in server.received)


@pytest.mark.parametrize(
    "target", ["/a\r\nX-Evil: 1", "/a\nb", "/a b", "/a\x00b", "/a?q=\r\nX-Evil: 1", "/a\tb", "/ü"]
)
async def test_a_target_is_one_word_on_the_wire(world, fault_server, target):
    """Refused as a bad URL, or sent with the character percent-encoded."""
    server = fault_server(strict=False)
    async with world.client() as client:
        try:
            response = await client.get(server.url + target)
        except httpstream.InvalidURL:
            pass
        else:
            assert response.status_code == 200
        await check_next_request(client, server)
    for received in server.received:
        assert b"X-Evil: 1\r\n" not in received
        assert all(line.count(b" ") == 2 for line in received.split(b"\r\n") if line.endswith(b"HTTP/1.1"))


async def test_params_cannot_break_out_of_the_target(world, fault_server):
    server = fault_server([expect_request("GET /a?q=1%0D%0AX-Evil"), send(HELLO)])
    async with world.client() as client:
        await client.get(server.url + "/a", params={"q": "1\r\nX-Evil: 1"})


async def test_the_content_of_a_request_can_be_sent_twice_when_it_is_bytes(world, fault_server):
    script = [expect_request("POST /a"), expect_content(b"hello"), send(HELLO)] * 2
    server = fault_server(script, then=None)
    async with world.client() as client:
        request = client.inner.build_request("POST", server.url + "/a", content=b"hello")
        assert (await client.send(request)).content == b"hello"
        assert (await client.send(request)).content == b"hello"


async def test_a_used_up_generator_says_so(world, fault_server):
    script = [expect_request("POST /a"), expect_chunked(b"hello"), send(HELLO), serve()]
    server = fault_server(script, strict=False)
    async with world.client() as client:
        request = client.inner.build_request("POST", server.url + "/a", content=world.pieces([b"hello"]))
        await client.send(request)
        with pytest.raises(httpstream.StreamConsumed):
            await client.send(request)
        await check_next_request(client, server)


async def test_a_large_upload_arrives_byte_for_byte(world, asgi):
    pieces = [bytes([number % 256]) * 30_011 for number in range(200)]
    async with world.client(timeout=20) as client:
        response = await client.post(asgi.url + "/upload", content=world.pieces(pieces))
    whole = b"".join(pieces)
    assert json.loads(response.content) == {"length": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}


async def test_an_unexpected_end_during_an_upload_is_a_transport_error(world, fault_server):
    server = fault_server([expect_request("POST /a")], strict=False)
    async with world.client() as client:
        with pytest.raises(
            (httpstream.WriteError, httpstream.ReadError, httpstream.RemoteProtocolError)
        ) as caught:
            await client.post(server.url + "/a", content=world.pieces([b"x" * 65536] * 1000))
        assert server.url.partition("//")[2] in str(caught.value)
        await check_next_request(client, server)
