"""Content-Encoding as servers write it, and responses that have one and no content (RFC 9110 section 8.4)."""

from __future__ import annotations

import gzip

import pytest

from httpstream import DecodingError
from tests.codings import CODINGS, encode
from tests.dialogue import check_next_request, get_fails, head
from tests.servers.steps import expect_request, fin, send, serve

HELLO = gzip.compress(b"hello")

# Field values that are gzip, once.
GZIP = [
    *("gzip", "GZIP", "GZip", "x-gzip", "X-GZIP", "gzip,", ",gzip", "gzip , ,", "\tgzip\t", "gzip, identity"),
    *("Identity,gzip", "gzip, unknown", "aws-chunked,gzip"),
]
# Those that name nothing that is known: the content stays as it is.
UNKNOWN = [
    "",
    "identity",
    "IDENTITY, identity",
    "unknown",
    "compress",
    "gzip;q=1",
    '"gzip"',
    "gzip gzip",
    "utf-8",
    "*",
]


def respond(codings, content, *, method="GET"):
    fields = [f"Content-Encoding: {coding}" for coding in codings]
    steps = [expect_request(f"{method} /a"), send(head(*fields, f"Content-Length: {len(content)}"))]
    return [*steps, send(content)] if method != "HEAD" else steps


async def test_names_of_codings_are_read_in_any_case_and_in_any_list(world, fault_server):
    script = [step for coding in GZIP for step in respond([coding], HELLO)]
    server = fault_server([*script, serve()])
    async with world.client() as client:
        for coding in GZIP:
            response = await client.get(server.url + "/a")
            assert response.content == b"hello", coding
        await check_next_request(client, server)
    assert len(server.peers) == 1


async def test_content_in_an_unknown_coding_stays_as_it_is(world, fault_server):
    script = [step for coding in UNKNOWN for step in respond([coding], HELLO)]
    server = fault_server([*script, serve()])
    async with world.client() as client:
        for coding in UNKNOWN:
            response = await client.get(server.url + "/a")
            assert response.content == HELLO, coding
        await check_next_request(client, server)
    assert len(server.peers) == 1


async def test_several_fields_are_one_list(world, fault_server):
    """RFC 9110 section 5.3; they are undone from the last to the first."""
    content = encode("br", encode("deflate", encode("gzip", b"hello")))
    server = fault_server([*respond(["gzip, deflate", "br"], content), serve()])
    async with world.client() as client:
        assert (await client.get(server.url + "/a")).content == b"hello"
        await check_next_request(client, server)


@pytest.mark.parametrize("kind", ["read", "bytes", "lines"])
async def test_no_content_is_complete_in_any_coding(world, fault_server, kind):
    """Whatever says that there is none: the method, the status, a length of 0, an empty last chunk, a clean end."""
    names = [*CODINGS, "gzip, br"]
    script = []
    for coding in names:
        field = f"Content-Encoding: {coding}"
        script += [
            *respond([coding], b"x" * 100, method="HEAD"),
            *[expect_request("GET /b"), send(head(field, "Content-Length: 100", status="304 Not Modified"))],
            *[expect_request("GET /c"), send(head(field, status="204 No Content"))],
            *[expect_request("GET /d"), send(head(field, "Content-Length: 0"))],
            *[expect_request("GET /e"), send(head(field, "Transfer-Encoding: chunked") + b"0\r\n\r\n")],
        ]
    server = fault_server(
        [*script, expect_request("GET /f"), send(head("Content-Encoding: gzip")), fin()], then=[serve()]
    )
    async with world.client() as client:
        for method, target in [
            *[("HEAD", "a"), *(("GET", name) for name in "bcde")] * len(names),
            ("GET", "f"),
        ]:
            async with client.stream(method, f"{server.url}/{target}") as answer:
                if kind == "read":
                    assert await answer.read() == b""
                else:
                    assert [item async for item in answer.iter(kind)] == []
        await check_next_request(client, server)
    assert len(server.peers) == 2


@pytest.mark.parametrize("coding", CODINGS)
async def test_content_that_is_not_in_its_coding_is_an_error(world, fault_server, coding):
    content = b"this was never compressed"
    script = [
        expect_request("GET /fault"),
        send(head(f"Content-Encoding: {coding}", f"Content-Length: {len(content)}") + content),
        serve(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        await get_fails(client, server, DecodingError, f"coded with {coding}, is (broken|cut)")


@pytest.mark.parametrize("coding", CODINGS)
async def test_more_behind_the_end_is_an_error_behind_the_content(world, fault_server, coding):
    content = encode(coding, b"hello") + b"more"
    script = [
        expect_request("GET /a"),
        send(head(f"Content-Encoding: {coding}", f"Content-Length: {len(content)}") + content),
        serve(),
    ]
    server = fault_server(script)
    async with world.client() as client:
        got = b""
        with pytest.raises(DecodingError):
            async with client.stream("GET", server.url + "/a") as answer:
                async for piece in answer.iter("bytes"):
                    got += piece
        assert got == b"hello"
        await check_next_request(client, server)


async def test_a_redirect_s_content_is_dropped_not_decoded(world, fault_server):
    """What is wrong with it is nobody's concern."""
    redirect = head("Location: /b", "Content-Encoding: gzip", "Content-Length: 9", status="302 Found")
    server = fault_server([expect_request("GET /a"), send(redirect + b"no gzip, "), serve()])
    async with world.client(follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
        assert response.text == "GET /b"
        await check_next_request(client, server)
