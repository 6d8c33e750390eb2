"""Streams as the content of requests: files that the socket sends by itself, forms with files, compressed content.

Each arrives byte for byte, framed by what is known of its size, in every world and over TLS, where the bytes are read.
"""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from typing import Any

import pytest

import httpstream
from httpstream import FileStream, GZipStream, LocalProtocolError
from httpstream._network import sockets
from tests.dialogue import HELLO, check_next_request
from tests.servers.steps import (
    expect_chunked,
    expect_content,
    expect_request,
    fin,
    ignore_until_end,
    send,
    serve,
    sleep,
    wait_for,
)

CONTENT = bytes(range(256)) * 4099 + b"end"  # more than a MiB, and no multiple of anything


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "upload.bin"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def sent_by_the_socket(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes went out by each call of sendfile."""
    if sockets.sendfile is None:
        pytest.skip("this system has no sendfile")
    real, counts = sockets.sendfile, []

    def counting(*args: int) -> int:
        count = real(*args)
        counts.append(count)
        return count

    monkeypatch.setattr(sockets, "sendfile", counting)
    return counts


def expect(content: bytes) -> list[Any]:
    return [
        expect_request("POST /a", f"content-length: {len(content)}", without=("transfer-encoding",)),
        expect_content(content),
        send(HELLO),
        serve(),
    ]


async def post(client, server, **options):
    return await client.send(httpstream.Request("POST", server.url + "/a", **options))


async def test_a_file_is_sent_by_the_socket_and_over_tls_read(
    world, fault_server, layer, path, sent_by_the_socket
):
    server = fault_server(expect(CONTENT), then=None, **layer.server)
    async with world.client(**layer.client) as client:
        assert (await post(client, server, content=FileStream(path))).content == b"hello"
        await check_next_request(client, server)
    assert sum(sent_by_the_socket) == (0 if layer.is_tls else len(CONTENT))


async def test_a_form_sends_its_files_by_the_socket(world, fault_server, layer, path, sent_by_the_socket):
    boundary = {"Content-Type": "multipart/form-data; boundary=BB"}
    files = {"f": ("a.bin", FileStream(path)), "g": ("b.bin", b"small")}
    body = httpstream.Request("POST", "http://h/", headers=boundary, data={"a": "1"}, files=files).read()
    server = fault_server(expect(body), then=None, **layer.server)
    async with world.client(**layer.client) as client:
        await post(client, server, headers=boundary, data={"a": "1"}, files=files)
        await check_next_request(client, server)
    assert sum(sent_by_the_socket) == (0 if layer.is_tls else len(CONTENT))


async def test_an_open_file_is_sent_from_where_it_stands_and_left_at_its_end(
    world, fault_server, path, sent_by_the_socket
):
    server = fault_server(expect(CONTENT[5:]), then=None)
    with path.open("rb") as file:
        file.seek(5)
        async with world.client() as client:
            await post(client, server, content=FileStream(file))
        assert file.read() == b""
        assert file.tell() == len(CONTENT)
    assert sum(sent_by_the_socket) == len(CONTENT) - 5


@pytest.mark.parametrize("kind", ["in memory", "gzip", "being written"])
async def test_what_is_no_plain_file_is_read(world, fault_server, tmp_path, kind, sent_by_the_socket):
    server = fault_server(expect(CONTENT), then=None)
    if kind == "in memory":
        file: Any = io.BytesIO(CONTENT)
    elif kind == "gzip":
        (tmp_path / "a.gz").write_bytes(gzip.compress(CONTENT))
        file = gzip.GzipFile(tmp_path / "a.gz")
    else:
        file = io.BufferedRandom(io.FileIO(tmp_path / "a", "w+"))
        file.write(CONTENT)
        file.seek(0)
    with file:
        async with world.client() as client:
            await post(client, server, content=FileStream(file))
    assert sent_by_the_socket == []


@pytest.mark.parametrize("error", ["EINVAL", "ENOSYS", "EOVERFLOW"])
async def test_a_file_that_the_system_cannot_send_is_read(world, fault_server, path, monkeypatch, error):
    import errno

    def refuse(*args: int) -> int:
        raise OSError(getattr(errno, error), error)

    monkeypatch.setattr(sockets, "sendfile", refuse)
    server = fault_server(expect(CONTENT), then=None)
    async with world.client() as client:
        await post(client, server, content=FileStream(path))


async def test_where_there_is_no_sendfile_a_file_is_read(world, fault_server, path, monkeypatch):
    monkeypatch.setattr(sockets, "sendfile", None)
    monkeypatch.setattr(sockets.SocketStream, "can_send_files", False)
    server = fault_server(expect(CONTENT), then=None)
    async with world.client() as client:
        await post(client, server, content=FileStream(path))


async def test_a_socket_that_breaks_while_a_file_is_sent_is_a_write_error(
    world, fault_server, path, monkeypatch
):
    def fail(*args: int) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sockets, "sendfile", fail)
    server = fault_server([expect_request("POST /a"), ignore_until_end()])
    async with world.client(timeout=httpstream.Timeout(5, read=0.3)) as client:
        with pytest.raises(httpstream.WriteError):
            await post(client, server, content=FileStream(path))


async def test_a_chunked_file_is_read(world, fault_server, path, sent_by_the_socket):
    script = [
        expect_request("POST /a", "transfer-encoding: chunked"),
        expect_chunked(CONTENT),
        send(HELLO),
        serve(),
    ]
    server = fault_server(script, then=None)
    async with world.client() as client:
        await post(client, server, content=FileStream(path), headers={"Transfer-Encoding": "chunked"})
        await check_next_request(client, server)
    assert sent_by_the_socket == []


@pytest.mark.parametrize("now", [b"shorter", b"", CONTENT + b"longer"], ids=["shorter", "empty", "longer"])
async def test_a_file_that_changes_after_its_size_was_announced_is_not_passed_off_as_whole(
    world, fault_server, path, now
):
    server = fault_server([expect_request("POST /a"), ignore_until_end()], strict=False)
    async with world.client() as client:
        request = httpstream.Request("POST", server.url + "/a", content=FileStream(path))
        path.write_bytes(now)
        with pytest.raises(LocalProtocolError, match="Content-Length"):
            await client.send(request)
        assert server.peer(0).wait_end()
        await check_next_request(client, server)
    assert len(bytes(server.peer(0).received).partition(b"\r\n\r\n")[2]) <= len(CONTENT)


async def test_a_file_that_becomes_shorter_while_it_is_sent_is_not_passed_off_as_whole(
    world, fault_server, path, monkeypatch
):
    real = sockets.sendfile
    assert real is not None

    def shrinking(out: int, file: int, offset: int, size: int) -> int:
        os.truncate(path, 100_000)
        return real(out, file, offset, size)

    monkeypatch.setattr(sockets, "sendfile", shrinking)
    server = fault_server([expect_request("POST /a"), ignore_until_end()], strict=False)
    async with world.client() as client:
        with pytest.raises(LocalProtocolError, match="Content-Length"):
            await post(client, server, content=FileStream(path))
        assert server.peer(0).wait_end()


async def test_an_answer_that_comes_early_stops_a_file(world, fault_server, tmp_path):
    """RFC 9110 10.1.1: the server says 413 and reads no more."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    too_large = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    script = [
        expect_request("POST /a"),
        send(too_large),
        wait_for("answered"),
    ]  # it neither reads nor hangs up
    server = fault_server(script, strict=False)
    async with world.client(timeout=5) as client:
        response = await post(client, server, content=FileStream(path))
        server.gate("answered").set()
    assert response.status_code == 413
    assert len(server.peer(0).received) < 1 << 28


async def test_a_server_that_reads_nothing_is_a_write_timeout(world, fault_server, tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    server = fault_server([expect_request("POST /a"), sleep(1)], strict=False)
    async with world.client(timeout=httpstream.Timeout(5, write=0.2)) as client:
        with pytest.raises(httpstream.WriteTimeout):
            await post(client, server, content=FileStream(path))


async def test_content_is_compressed_while_it_is_sent(world, fault_server, layer, path):
    compressed = GZipStream(FileStream(path), mode="compress").read()
    script = [
        expect_request(
            "POST /a", "content-encoding: gzip", "transfer-encoding: chunked", without=("content-length",)
        ),
        expect_chunked(compressed),
        send(HELLO),
        serve(),
    ]
    server = fault_server(script, then=None, **layer.server)
    async with world.client(**layer.client) as client:
        await post(client, server, content=GZipStream(FileStream(path), mode="compress"))
        await check_next_request(client, server)


async def test_a_stream_of_a_generator_goes_out_by_its_size(world, fault_server):
    server = fault_server(expect(b"onetwo"), then=None)
    stream = httpstream.AsyncIterStream if world.is_async else httpstream.IterStream
    async with world.client() as client:
        await post(client, server, content=stream(world.pieces([b"one", b"two"]), size=6))
        await check_next_request(client, server)


async def test_a_file_is_sent_again_on_another_connection(world, fault_server, path):
    """PUT on a connection that the server closes without an answer: RFC 9110 9.2.2."""
    first = [
        expect_request("GET /first"),
        send(HELLO),
        expect_request("PUT /a"),
        expect_content(CONTENT),
        fin(),
    ]
    second = [expect_request("PUT /a"), expect_content(CONTENT), send(HELLO)]
    server = fault_server(first, second, then=None)
    async with world.client() as client:
        await client.get(server.url + "/first")
        request = httpstream.Request("PUT", server.url + "/a", content=FileStream(path))
        assert (await client.send(request)).content == b"hello"


async def test_expect_continue_sends_a_file_once_it_is_wanted(world, fault_server, path):
    script = [
        expect_request("POST /a", "expect: 100-continue"),
        send(b"HTTP/1.1 100 Continue\r\n\r\n"),
        expect_content(CONTENT),
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client() as client:
        await post(client, server, content=FileStream(path), headers={"Expect": "100-continue"})


async def test_the_json_of_a_value_goes_out_as_that_of_the_argument(world, fault_server):
    script = [
        expect_request("POST /a", "content-type: application/json", "content-length: 7"),
        expect_content(b'{"a":1}'),
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client() as client:
        await client.post(server.url + "/a", content=httpstream.JSON({"a": 1}))


@pytest.mark.parametrize("how", ["read", "being received"])
async def test_the_content_of_a_response_can_be_sent_on_with_its_fields(world, fault_server, layer, how):
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)
    origin = fault_server([expect_request("GET /"), send(answer + CONTENT)], **layer.server)
    script = [
        expect_request("POST /a", "content-type: text/x", f"content-length: {len(CONTENT)}"),
        expect_content(CONTENT),
        send(HELLO),
    ]
    server = fault_server(script, **layer.server)
    async with world.client(**layer.client) as client:
        if how == "read":
            response = await client.get(origin.url + "/")
            await post(client, server, content=response.stream)
        else:
            async with client.stream("GET", origin.url + "/") as response:
                await post(client, server, content=response.stream)


async def test_a_redirect_sends_the_content_of_a_response_again_once_it_was_read(world, fault_server):
    """RFC 9110 15.4.8: 307 and 308 keep the content."""
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    script = [expect_request("GET /"), send(HELLO)]
    for target, answer in (("/a", moved), ("/b", HELLO)):
        script += [expect_request(f"POST {target}"), expect_content(b"hello"), send(answer)]
    server = fault_server(script)
    async with world.client(follow_redirects=True) as client:
        response = await client.get(server.url + "/")
        assert (await client.post(server.url + "/a", content=response.stream)).content == b"hello"


@pytest.mark.parametrize("kind", ["a file", "a form", "compressed", "JSON"])
async def test_a_redirect_sends_streams_that_can_be_rewound_again(world, fault_server, path, kind):
    content = {
        "a file": {"content": FileStream(path)},
        "a form": {
            "files": {"f": FileStream(path)},
            "headers": {"Content-Type": "multipart/form-data; boundary=B"},
        },
        "compressed": {"content": GZipStream(FileStream(path), mode="compress")},
        "JSON": {"content": httpstream.JSON([1])},
    }[kind]
    body = httpstream.Request("POST", "http://host/", **content).read()
    expect_body = expect_chunked(body) if kind == "compressed" else expect_content(body)
    moved = b"HTTP/1.1 308 Permanent Redirect\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    script = [
        expect_request("POST /a"),
        expect_body,
        send(moved),
        expect_request("POST /b"),
        expect_body,
        send(HELLO),
    ]
    server = fault_server(script)
    async with world.client(follow_redirects=True) as client:
        assert (await client.post(server.url + "/a", **content)).content == b"hello"


async def test_a_redirect_of_a_stream_that_cannot_be_rewound_says_so_and_sends_nothing(world, fault_server):
    moved = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
    server = fault_server(
        [expect_request("POST /a"), expect_content(b"once"), send(moved), serve()], then=None
    )
    stream = httpstream.AsyncIterStream if world.is_async else httpstream.IterStream
    async with world.client(follow_redirects=True) as client:
        with pytest.raises(httpstream.StreamConsumed):
            await client.post(server.url + "/a", content=stream(world.pieces([b"once"]), size=4))
        await check_next_request(client, server)
    assert not any(b" /b " in received for received in server.received)
