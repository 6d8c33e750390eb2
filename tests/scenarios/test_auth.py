"""Authentication on the wire: what is sent to whom, and what is never sent.

RFC 9110 section 11, RFC 7616, RFC 7617. Credentials stay with the origin that they were meant for; content that cannot
be sent again raises before anything of it is.
"""

from __future__ import annotations

import base64
import functools
import logging
import re

import pytest

import httpstream
from httpstream import LocalProtocolError, ProtocolError, StreamConsumed
from tests.dialogue import HELLO, check_next_request, head
from tests.servers.steps import (
    expect_chunked,
    expect_content,
    expect_request,
    ignore_until_end,
    send,
    serve,
)

DIGEST = head(
    'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"',
    "Content-Length: 5",
    status="401 Unauthorized",
)
CHALLENGE = DIGEST + b"hello"
AUTH_INT = CHALLENGE.replace(b'"auth"', b'"auth-int"')
NO_FIELD = ("authorization",)


def basic(username, password):
    return "authorization: basic " + base64.b64encode(f"{username}:{password}".encode()).decode().lower()


ME = basic("me", "secret")


def moved(location, status="302 Found"):
    return head(f"Location: {location}", "Content-Length: 0", status=status)


def expect_proof(start, **parameters):
    """A request with a proof of Digest that has these parameters."""
    step = expect_request(start)

    def expect(peer):
        before = peer.consumed
        step(peer)
        field = re.search(rb"(?i)\r\nauthorization: digest ([^\r]*)", bytes(peer.received[before:]))
        assert field is not None, "no proof"
        sent = dict(re.findall(r'(\w+)="?([^",]*)"?', field[1].decode()))
        assert {name: sent.get(name) for name in parameters} == parameters, sent

    expect.__name__ = f"expect_proof({start!r})"
    return expect


# -- Basic ---------------------------------------------------------------------------------------


async def test_the_client_s_credentials_go_with_every_request(world, fault_server, layer):
    script = [expect_request("GET /a", ME), send(HELLO), expect_request("GET /b", ME), send(HELLO)]
    server = fault_server(script, **layer.server)
    async with world.client(auth=("me", "secret"), **layer.client) as client:
        await client.get(server.url + "/a")
        await client.get(server.url + "/b")


async def test_the_credentials_of_a_request_replace_those_of_the_client(world, fault_server):
    other = basic("other", "word")
    script = [
        *(expect_request("GET /a", other), send(HELLO)),
        *(expect_request("GET /b", without=NO_FIELD), send(HELLO)),
        *(expect_request("GET /c", ME), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=("me", "secret")) as client:
        await client.get(server.url + "/a", auth=("other", "word"))
        await client.get(server.url + "/b", auth=None)
        await client.get(server.url + "/c")


async def test_the_credentials_of_a_url_are_sent_and_are_not_in_the_target_or_host(world, fault_server):
    server = fault_server([expect_request("GET /a HTTP/1.1", ME), send(HELLO)])
    async with world.client() as client:
        await client.get(server.url.replace("://", "://me:secret@") + "/a")
    assert b"secret" not in server.received[0]


async def test_percent_encoded_credentials_of_a_url_are_decoded(world, fault_server):
    server = fault_server([expect_request("GET /a", basic("me@host", "a:b/ü")), send(HELLO)])
    async with world.client() as client:
        await client.get(server.url.replace("://", "://me%40host:a%3Ab%2F%C3%BC@") + "/a")


async def test_an_argument_wins_over_the_credentials_of_a_url(world, fault_server):
    server = fault_server([expect_request("GET /a", ME), send(HELLO)])
    async with world.client() as client:
        await client.get(server.url.replace("://", "://other:word@") + "/a", auth=("me", "secret"))


async def test_the_log_and_the_errors_do_not_show_credentials(world, fault_server, caplog):
    server = fault_server(
        [expect_request("GET /a", ME), send(HELLO)],
        [expect_request("GET /b", ME), send(b"nonsense\r\n\r\n"), ignore_until_end()],
    )
    url = server.url.replace("://", "://me:secret@")
    with caplog.at_level(logging.DEBUG):
        async with world.client() as client:
            await client.get(url + "/a", headers={"Connection": "close"})
            with pytest.raises(httpstream.RemoteProtocolError) as caught:
                await client.get(url + "/b")
    encoded = base64.b64encode(b"me:secret").decode()
    for text in (caplog.text, str(caught.value), repr(caught.value), repr(caught.value.request.headers)):
        assert "secret" not in text.replace("[secure]", "")
        assert encoded not in text


# -- credentials and redirects -------------------------------------------------------------------


async def test_credentials_follow_a_redirect_to_the_same_origin(world, fault_server):
    script = [expect_request("GET /a", ME), send(moved("/b")), expect_request("GET /b", ME), send(HELLO)]
    server = fault_server(script)
    async with world.client(auth=("me", "secret"), follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
    assert [one.status_code for one in response.history] == [302]


@pytest.mark.parametrize("credentials", ["basic", "digest", "url", "function", "netrc", "header"])
async def test_credentials_never_reach_another_origin_on_no_hop(world, fault_server, tmp_path, credentials):
    """a leads to b, b to itself: b sees nothing, twice."""
    other = fault_server(
        [
            *(expect_request("GET /b", without=NO_FIELD), send(moved("/c"))),
            *(expect_request("GET /c", without=NO_FIELD), send(HELLO)),
        ]
    )
    script = [expect_request("GET /a"), send(moved(other.url + "/b"))]
    if credentials == "digest":
        script = [expect_request("GET /a"), send(CHALLENGE), *script]
    server = fault_server(script)
    url, options = server.url, {}
    if credentials == "basic":
        options["auth"] = ("me", "secret")
    elif credentials == "digest":
        options["auth"] = httpstream.DigestAuth("me", "secret")
    elif credentials == "url":
        url = url.replace("://", "://me:secret@")
    elif credentials == "function":
        options["auth"] = sign
    elif credentials == "netrc":
        (tmp_path / "netrc").write_text("default login me password secret")
        options["auth"] = httpstream.NetRCAuth(str(tmp_path / "netrc"))
    else:
        options["headers"] = {"authorization": "Bearer secret"}
    async with world.client(follow_redirects=True) as client:
        assert (await client.get(url + "/a", **options)).content == b"hello"
    assert b"\r\nAuthorization: " in server.received[0] or b"\r\nauthorization: " in server.received[0]


def sign(request):
    request.headers["Authorization"] = "Bearer secret"
    return request


async def test_credentials_do_not_go_from_https_to_http(world, fault_server, authority):
    other = fault_server([expect_request("GET /b", without=NO_FIELD), send(HELLO)])
    server = fault_server(
        [expect_request("GET /a", ME), send(moved(other.url + "/b"))], tls=authority.server_context()
    )
    async with world.client(verify=authority.client_context(), follow_redirects=True) as client:
        assert (await client.get(server.url + "/a", auth=("me", "secret"))).content == b"hello"


async def test_a_challenge_of_another_origin_gets_no_proof(world, fault_server):
    """The request goes out again from its beginning, and what it carries stays with its own origin."""
    other = fault_server(
        [
            *(expect_request("GET /b", without=NO_FIELD), send(CHALLENGE)),
            *(expect_request("GET /b", without=NO_FIELD), send(CHALLENGE)),
        ]
    )
    server = fault_server(
        [
            *(expect_request("GET /a", without=NO_FIELD), send(moved(other.url + "/b"))),
            *(expect_proof("GET /a"), send(moved(other.url + "/b"))),
        ]
    )
    async with world.client(auth=httpstream.DigestAuth("me", "secret"), follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
    assert response.status_code == 401
    assert [one.status_code for one in response.history] == [401, 302]


# -- Digest --------------------------------------------------------------------------------------


async def test_digest_answers_on_the_same_connection_and_later_at_once(world, fault_server, layer):
    script = [
        *(expect_request("GET /a?b=c", without=NO_FIELD), send(CHALLENGE)),
        *(expect_proof("GET /a?b=c", username="me", uri="/a?b=c", nc="00000001"), send(HELLO)),
        *(expect_proof("GET /d", uri="/d", nc="00000002"), send(HELLO)),
    ]
    server = fault_server(script, then=None, **layer.server)
    async with world.client(auth=httpstream.DigestAuth("me", "secret"), **layer.client) as client:
        response = await client.get(server.url + "/a?b=c")
        assert [one.status_code for one in response.history] == [401]
        assert response.history[0].content == b"hello"
        assert (await client.get(server.url + "/d")).history == []
    assert b"secret" not in b"".join(server.received)


async def test_digest_sends_content_from_memory_again(world, fault_server):
    script = [
        *(expect_request("POST /a"), expect_content(b"content"), send(CHALLENGE)),
        *(expect_proof("POST /a"), expect_content(b"content"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        assert (await client.post(server.url + "/a", content=b"content")).status_code == 200


@pytest.mark.flavours("sync")
@pytest.mark.parametrize("challenge", [CHALLENGE, AUTH_INT], ids=["auth", "auth-int"])
async def test_digest_sends_a_file_again_from_where_it_stood(world, fault_server, tmp_path, challenge):
    (tmp_path / "file").write_bytes(b"-content")
    script = [
        *(expect_request("POST /a", "content-length: 7"), expect_content(b"content"), send(challenge)),
        *(expect_proof("POST /a"), expect_content(b"content"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        with (tmp_path / "file").open("rb") as file:
            file.seek(1)
            assert (await client.post(server.url + "/a", content=file)).status_code == 200


@pytest.mark.parametrize("challenge", [CHALLENGE, AUTH_INT], ids=["auth", "auth-int"])
async def test_digest_with_content_that_cannot_be_sent_again_raises_before_it_is(
    world, fault_server, challenge
):
    script = [expect_request("POST /a"), expect_chunked(b"content"), send(challenge)]
    server = fault_server([*script, serve()])
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        with pytest.raises(StreamConsumed):
            await client.post(server.url + "/a", content=world.pieces([b"con", b"tent"]))
        assert b"".join(server.received).count(b"POST /a") == 1
        await check_next_request(Unsigned(client), server)


class Unsigned:
    """A client whose requests carry no credentials."""

    def __init__(self, client):
        self._client = client

    async def get(self, url, **options):
        return await self._client.get(url, auth=None, **options)


async def test_once_auth_int_is_known_content_of_any_kind_is_read_and_signed(world, fault_server):
    script = [
        *(expect_request("GET /a"), send(AUTH_INT), expect_proof("GET /a", qop="auth-int"), send(HELLO)),
        *(expect_proof("POST /b", qop="auth-int"), expect_chunked(b"content"), send(AUTH_INT)),
        *(expect_proof("POST /b", qop="auth-int"), expect_chunked(b"content"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        await client.get(server.url + "/a")
        await client.post(server.url + "/b", content=world.pieces([b"con", b"tent"]))


async def test_digest_after_a_redirect_begins_from_the_first_url(world, fault_server):
    script = [
        *(expect_request("GET /a", without=NO_FIELD), send(moved("/b"))),
        *(expect_request("GET /b", without=NO_FIELD), send(CHALLENGE)),
        *(expect_proof("GET /a", uri="/a"), send(moved("/b"))),
        *(expect_proof("GET /b", uri="/a"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=httpstream.DigestAuth("me", "secret"), follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
    assert [one.status_code for one in response.history] == [401, 302]


async def test_cookies_of_a_challenge_are_sent_with_the_proof(world, fault_server):
    challenge = CHALLENGE.replace(b"Content-Length", b"Set-Cookie: session=1\r\nContent-Length")
    script = [
        *(expect_request("GET /a", without=("cookie",)), send(challenge)),
        *(expect_request("GET /a", "cookie: session=1"), send(HELLO)),
    ]
    server = fault_server(script)
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        await client.get(server.url + "/a")


async def test_a_malformed_challenge_is_a_documented_error_and_the_client_works_on(world, fault_server):
    challenge = CHALLENGE.replace(b'nonce="n", ', b"")
    server = fault_server([expect_request("GET /a"), send(challenge), serve()])
    async with world.client(auth=httpstream.DigestAuth("me", "secret")) as client:
        with pytest.raises(ProtocolError, match="has no nonce") as caught:
            await client.get(server.url + "/a")
        assert type(caught.value) is ProtocolError
        assert str(caught.value.request.url) == server.url + "/a"
        await check_next_request(client, server)


@pytest.mark.parametrize("what", ["username", "header"])
async def test_credentials_never_add_a_line(world, fault_server, what):
    evil = "secret\r\nX-Evil: 1"
    if what == "username":
        auth = httpstream.DigestAuth(evil, "p")
        server = fault_server([expect_request("GET /a"), send(CHALLENGE), ignore_until_end()])
    else:
        auth = functools.partial(signed, evil)
        server = fault_server()
    async with world.client() as client:
        with pytest.raises(LocalProtocolError) as caught:
            await client.get(server.url + "/a", auth=auth)
        assert "secret" not in str(caught.value)
    assert b"X-Evil" not in b"".join(server.received)


def signed(value, request):
    request.headers["Authorization"] = value
    return request


# -- netrc ---------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home directory whose netrc file has credentials for every host."""
    (tmp_path / ".netrc").write_text("default login me password secret")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("trust_env", [True, False])
async def test_netrc_is_not_read_unless_it_is_asked_for(world, fault_server, home, trust_env):
    server = fault_server([expect_request("GET /a", without=NO_FIELD), send(HELLO)])
    async with world.client(trust_env=trust_env) as client:
        await client.get(server.url + "/a")


async def test_netrc_is_asked_for_by_name(world, fault_server, home):
    server = fault_server([expect_request("GET /a", ME), send(HELLO)])
    async with world.client(auth=httpstream.NetRCAuth()) as client:
        await client.get(server.url + "/a")


async def test_the_credentials_of_a_url_win_over_netrc(world, fault_server, home):
    server = fault_server([expect_request("GET /a", basic("other", "word")), send(HELLO)])
    async with world.client(auth=httpstream.NetRCAuth()) as client:
        await client.get(server.url.replace("://", "://other:word@") + "/a")
