"""Redirects on the wire: where they lead, what goes along, what is never waited for.

RFC 9110 section 15.4. Credentials, cookies, a Host set by hand and userinfo stay with their origin, on every hop.
"""

from __future__ import annotations

import gzip

import pytest

from httpstream import (
    RemoteProtocolError,
    ResponseNotRead,
    StreamConsumed,
    TooManyRedirects,
    UnsupportedProtocol,
)
from tests.dialogue import HELLO, check_next_request, head
from tests.servers.steps import (
    announce,
    expect_chunked,
    expect_content,
    expect_end,
    expect_request,
    ignore_until_end,
    send,
    send_if_open,
    wait_for,
)

SECRETS = {
    "Authorization": "Bearer secret",
    "Proxy-Authorization": "Basic c2VjcmV0",
    "Cookie": "session=secret",
    "Host": "hand.made.example",
}
NAMES = ("authorization", "proxy-authorization", "cookie")
STATUSES = ["301 M", "302 F", "303 S", "307 T", "308 P"]


def moved(location, status="302 Found", *fields):
    return head(f"Location: {location}", *(fields or ("Content-Length: 0",)), status=status)


def host_of(server):
    return "host: " + server.url.partition("//")[2]


@pytest.mark.parametrize("status", STATUSES)
async def test_credentials_stay_behind_on_both_hops(world, fault_server, status):
    """From a to b, and from b on to b."""
    there = fault_server(
        [
            *(expect_request("GET /b", without=NAMES), send(moved("/c", status))),
            *(expect_request("GET /c", without=NAMES), send(HELLO)),
        ]
    )
    here = fault_server(
        [expect_request("GET /a", "authorization: bearer secret"), send(moved(f"{there.url}/b", status))]
    )
    async with world.client(follow_redirects=True) as client:
        response = await client.get(here.url + "/a", headers=SECRETS)
        assert response.text == "hello"
    wire = there.received[0].lower()
    assert b"secret" not in wire and b"c2vjcmv0" not in wire and b"hand.made" not in wire
    assert wire.count(host_of(there).encode()) == 2


async def test_credentials_do_not_come_back_with_a_redirect_back(world, fault_server):
    def send_over_there(peer):
        peer.send(moved(f"{there.url}/b"))

    here = fault_server(
        [
            *(expect_request("GET /a", "authorization: bearer secret"), send_over_there),
            *(expect_request("GET /c", without=NAMES), send(HELLO)),
        ]
    )
    there = fault_server([expect_request("GET /b", without=NAMES), send(moved(f"{here.url}/c"))])
    async with world.client(follow_redirects=True) as client:
        response = await client.get(here.url + "/a", headers=SECRETS)
        assert [one.status_code for one in response.history] == [302, 302]


async def test_credentials_do_not_go_from_https_to_http(world, fault_server, authority):
    there = fault_server([expect_request("GET /b", without=NAMES), send(HELLO)])
    here = fault_server(
        [expect_request("GET /a", "authorization: bearer secret"), send(moved(f"{there.url}/b"))],
        tls=authority.server_context(),
    )
    async with world.client(follow_redirects=True, verify=authority.client_context()) as client:
        await client.get(here.url + "/a", headers=SECRETS)
    assert b"secret" not in there.received[0]


async def test_userinfo_and_auth_of_the_client_stay_behind(world, fault_server):
    there = fault_server([expect_request("GET /b", without=NAMES), send(HELLO)])
    here = fault_server([expect_request("GET /a"), send(moved(f"{there.url}/b"))])
    async with world.client(follow_redirects=True) as client:
        response = await client.get(here.url.replace("//", "//me:secret@") + "/a")
    assert response.url.userinfo == b""
    assert b"secret" not in there.received[0]


async def test_cookies_of_one_host_do_not_reach_another(world, fault_server):
    there = fault_server([expect_request("GET /b", without=NAMES), send(HELLO)])
    here = fault_server(
        [
            expect_request("GET /a", "cookie: mine=1"),
            send(
                moved(
                    f"{there.url.replace('127.0.0.1', 'localhost')}/b",
                    "302 F",
                    "Content-Length: 0",
                    "Set-Cookie: new=2",
                )
            ),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        client.inner.cookies.set("mine", "1", domain="127.0.0.1")
        await client.get(here.url + "/a")
        assert client.inner.cookies["new"] == "2"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("status", STATUSES)
async def test_the_method_and_the_content_after_each_status(world, fault_server, status, method):
    """301 and 302 make a POST a GET, as browsers do; 303 makes a GET of all but HEAD; 307 and 308 change nothing."""
    to_get = (status[:3] == "303" and method != "HEAD") or (status[:3] == "301" and method == "POST")
    to_get = to_get or (status[:3] == "302" and method != "HEAD")
    following = "GET" if to_get else method
    content = [expect_content(b"abc")] if method in ("POST", "PUT") else []
    again = content if following == method else []
    answer = HELLO if following != "HEAD" else HELLO[: -len(b"hello")]
    server = fault_server(
        [
            *(expect_request(f"{method} /a"), *content, send(moved("/b", status))),
            *(
                expect_request(f"{following} /b", without=() if again else ("content-length",)),
                *again,
                send(answer),
            ),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        options = {"content": b"abc"} if content else {}
        response = await client.request(method, server.url + "/a", **options)
        assert response.request.method == following


async def test_a_body_that_cannot_be_sent_again_is_not_sent_empty(world, fault_server):
    server = fault_server([expect_request("POST /a"), expect_chunked(b"abc"), send(moved("/b", "307 T"))])
    async with world.client(follow_redirects=True) as client:
        with pytest.raises(StreamConsumed):
            await client.post(server.url + "/a", content=world.pieces([b"a", b"bc"]))
        await check_next_request(client, server)
    assert b"/b" not in b"".join(server.received)


async def test_a_file_is_sent_again_from_where_it_stood(world, fault_server, tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(b"--hello")
    server = fault_server(
        [
            *(expect_request("POST /a"), expect_content(b"hello"), send(moved("/b", "308 P"))),
            *(expect_request("POST /b"), expect_content(b"hello"), send(HELLO)),
        ]
    )
    with path.open("rb") as file:
        file.seek(2)
        async with world.client(follow_redirects=True) as client:
            content = file if not world.is_async else file.read()
            assert (await client.post(server.url + "/a", content=content)).text == "hello"


async def test_content_of_a_redirect_is_not_waited_for(world, fault_server):
    """Its rest never comes; the next request goes out at once, and on a connection of its own."""
    server = fault_server(
        [
            *(expect_request("GET /a"), send(moved("/b", "302 F", "Content-Length: 1000") + b"some")),
            *(wait_for("followed"), expect_end("fin", "reset")),
        ],
        [expect_request("GET /b"), announce("followed"), send(HELLO), ignore_until_end()],
    )
    async with world.client(follow_redirects=True, timeout=20.0) as client:
        response = await client.get(server.url + "/a")
        assert response.text == "hello"
        assert response.history[0].is_closed


async def test_content_of_a_redirect_is_not_decoded(world, fault_server):
    bomb = gzip.compress(bytes(200_000_000), 9)
    fields = (f"Content-Length: {len(bomb)}", "Content-Encoding: gzip")
    server = fault_server(
        [expect_request("GET /a"), send(moved("/b", "302 F", *fields)), send_if_open(bomb)],
        [expect_request("GET /b"), send(HELLO), ignore_until_end()],
    )
    async with world.client(follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
    assert response.text == "hello"
    with pytest.raises(ResponseNotRead):
        response.history[0].content  # noqa: B018 - reading it is the test


async def test_content_that_came_with_the_head_is_kept(world, fault_server):
    server = fault_server(
        [
            *(expect_request("GET /a"), send(moved("/b", "302 F", "Content-Length: 4") + b"gone")),
            *(expect_request("GET /b"), send(HELLO)),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        response = await client.get(server.url + "/a")
    assert [one.text for one in [*response.history, response]] == ["gone", "hello"]


@pytest.mark.parametrize("location", ["http://host:x/", "http://host:99999/", "//[::", "javascript:alert(1)"])
async def test_a_location_that_is_no_url_is_the_server_s_fault(world, fault_server, location):
    server = fault_server([expect_request("GET /a"), send(moved(location))])
    async with world.client(follow_redirects=True) as client:
        with pytest.raises(RemoteProtocolError) as caught:
            await client.get(server.url + "/a")
        assert caught.value.request.url == server.url + "/a"
        await check_next_request(client, server)


@pytest.mark.parametrize("scheme", ["file", "ftp", "ws", "gopher"])
async def test_only_http_and_https_are_followed(world, fault_server, scheme):
    server = fault_server([expect_request("GET /a"), send(moved(f"{scheme}://host/x"))])
    async with world.client(follow_redirects=True) as client:
        with pytest.raises(UnsupportedProtocol) as caught:
            await client.get(server.url + "/a")
        assert caught.value.request.url == f"{scheme}://host/x"
        await check_next_request(client, server)


async def test_a_location_adds_no_line_to_the_wire(world, fault_server):
    server = fault_server(
        [
            *(expect_request("GET /a"), send(moved("/b?x=%0d%0aX-Evil:%201 y"))),
            *(expect_request("GET /b?x=%0d%0aX-Evil:%201%20y ", without=("x-evil",)), send(HELLO)),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        await client.get(server.url + "/a")


async def test_a_loop_ends_after_max_redirects(world, fault_server):
    steps = [step for _ in range(4) for step in (expect_request("GET /a"), send(moved("/a")))]
    server = fault_server(steps)
    async with world.client(follow_redirects=True, max_redirects=3) as client:
        with pytest.raises(TooManyRedirects) as caught:
            await client.get(server.url + "/a")
        assert caught.value.request.url == server.url + "/a"
        await check_next_request(client, server)


async def test_a_target_set_by_hand_is_not_asked_again(world, fault_server):
    server = fault_server(
        [
            *(expect_request("GET /by-hand "), send(moved("/b"))),
            *(expect_request("GET /b "), send(HELLO)),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        await client.get(server.url + "/a", extensions={"target": b"/by-hand"})


async def test_an_error_on_the_way_closes_what_was_open(world, fault_server):
    server = fault_server(
        [
            *(expect_request("GET /a"), send(moved("/b"))),
            *(expect_request("GET /b"), send(b"rubbish\r\n\r\n")),
            ignore_until_end(),
        ]
    )
    async with world.client(follow_redirects=True) as client:
        with pytest.raises(RemoteProtocolError) as caught:
            await client.get(server.url + "/a")
        assert caught.value.request.url == server.url + "/b"
        await check_next_request(client, server)
