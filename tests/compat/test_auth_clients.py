"""Authentication by clients: which scheme a request gets, what is on the wire, and what the caller sees of the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compat.flows import digest
from tests.compat.harness import Lib, answering, same
from tests.compat.site import OK, Received, answer

CHALLENGE = 'WWW-Authenticate: Digest realm="r", nonce="nonce", qop="auth", opaque="o"'


def closed_site(*fields: str, content: bytes = b"closed") -> Any:
    """An answer of 401 to requests without a proof, and of 200 to the others."""

    def respond(request: Received) -> bytes:
        field = request.field(b"authorization") or b""
        return OK if field.startswith(b"Digest ") else answer("401 Unauthorized", *fields, content=content)

    return respond


def way(response: Any) -> Any:
    """What a response says of the way to it."""
    return (
        response.status_code,
        response.content,
        str(response.url),
        [(one.status_code, one.content, one.request.headers.raw[-2:]) for one in response.history],
    )


# -- which scheme --------------------------------------------------------------------------------


@same("the credentials of a client are not sent")
async def test_auth_of_the_client(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        await client.get(lib.site.url + "/a")
        await client.post(lib.site.url + "/b", content=b"x")
    return lib.site.wire


@pytest.mark.parametrize("method", ["get", "post", "request", "send", "stream"])
@same("the credentials of a request are not sent, or those of the client are")
async def test_auth_of_a_request(lib: Lib, method: str) -> Any:
    url = lib.site.url + "/a"
    async with lib.client(auth=("client", "c")) as client:
        if method == "send":
            await client.send(lib.httpx.Request("GET", url), auth=("user", "pass"))
        elif method == "stream":
            async with client.stream("GET", url, auth=("user", "pass")) as response:
                await response.read()
        elif method == "request":
            await client.request("PUT", url, auth=("user", "pass"))
        else:
            await getattr(client, method)(url, auth=("user", "pass"))
    return lib.site.wire


@same("auth=None of a request leaves the client's in place")
async def test_no_auth_for_a_request(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        await client.get(lib.site.url + "/a", auth=None)
    return lib.site.wire


@same("USE_CLIENT_DEFAULT means no auth")
async def test_the_client_s_default_by_name(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        await client.get(lib.site.url + "/a", auth=lib.httpx.USE_CLIENT_DEFAULT)
    return lib.site.wire


@same("setting client.auth has no effect")
async def test_auth_may_be_set_later(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        for auth in (("other", "word"), None, lambda request: request):
            client.inner.auth = auth
            await client.get(lib.site.url + "/a")
    return lib.site.wire


@pytest.mark.parametrize(
    "userinfo", ["user:pass@", "user@", ":pass@", "us%40er:p%3Aa%2Fss@", "b%C3%BCcher:%E5%AF%86@", ":@", "@"]
)
@same("the credentials of a URL are not sent, or not decoded")
async def test_auth_of_the_url(lib: Lib, userinfo: str) -> Any:
    async with lib.client() as client:
        response = await client.get(lib.site.url.replace("://", f"://{userinfo}") + "/a")
    return response.request.url.userinfo, lib.site.wire


@same("the credentials of base_url are not sent")
async def test_auth_of_the_base_url(lib: Lib) -> Any:
    async with lib.client(base_url=lib.site.url.replace("://", "://user:pass@")) as client:
        await client.get("/a")
    return lib.site.wire


@pytest.mark.parametrize("place", ["client", "request"])
@same("the credentials of a URL win over auth=")
async def test_auth_wins_over_the_url(lib: Lib, place: str) -> Any:
    auth = {"auth": ("user", "pass")}
    url = lib.site.url.replace("://", "://url:url@") + "/a"
    async with lib.client(**(auth if place == "client" else {})) as client:
        await client.get(url, **(auth if place == "request" else {}))
    return lib.site.wire


@same("auth=None of a request suppresses the credentials of its URL")
async def test_no_auth_for_a_request_and_the_url(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        await client.get(lib.site.url.replace("://", "://url:url@") + "/a", auth=None)
    return lib.site.wire


@same("an Authorization field of the client's headers wins over auth=")
async def test_auth_wins_over_fields(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass"), headers={"Authorization": "client"}) as client:
        await client.get(lib.site.url + "/a")
        await client.get(lib.site.url + "/b", headers={"authorization": "request"})
        await client.get(lib.site.url + "/c", auth=None)
    return lib.site.wire


@same("build_request adds credentials")
async def test_building_a_request_adds_no_credentials(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        request = client.inner.build_request("GET", "http://user:pass@host/a")
        return request.headers.raw, request.url.userinfo


@same("what was sent is not what response.request shows")
async def test_the_request_of_the_response_has_the_field(lib: Lib) -> Any:
    async with lib.client(auth=("user", "pass")) as client:
        response = await client.get(lib.site.url + "/a")
    return response.request.headers["authorization"], repr(response.request.headers)


@same("httpx.get() and its kin take no auth=")
def test_auth_of_the_functions(httpx: Any) -> Any:
    import inspect

    names = ("get", "options", "head", "post", "put", "patch", "delete", "request", "stream")
    return [str(inspect.signature(getattr(httpx, name)).parameters["auth"].default) for name in names]


@pytest.mark.parametrize("auth", ["user:pass", 1, ["user", "pass"]])
@same("a wrong auth= of a request is noticed after the request was sent")
async def test_a_wrong_auth_sends_nothing(lib: Lib, auth: Any) -> Any:
    async with lib.client() as client:
        raised = await lib.caught(lambda: client.inner.get(lib.site.url + "/a", auth=auth))
    return raised, lib.site.wire


@same("a netrc file is read because trust_env is on")
async def test_netrc_is_read_when_asked_for(lib: Lib, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / ".netrc").write_text("default login user password pass")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    async with lib.client(trust_env=True) as client:
        await client.get(lib.site.url + "/a")
        await client.get(lib.site.url + "/b", auth=lib.httpx.NetRCAuth())
    return lib.site.wire


# -- Digest --------------------------------------------------------------------------------------


@same("a client does not drive the flow of DigestAuth to its end")
async def test_digest_on_the_wire(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx)) as client:
        first = await client.post(lib.site.url + "/a?b=c", content=b"content")
        second = await client.get(lib.site.url + "/a")
    return way(first), way(second), lib.site.wire


@same("a name with blanks and commas cannot be sent by Digest")
async def test_digest_with_a_name_that_is_not_plain(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx, "a b, c=d")) as client:
        await client.get(lib.site.url + "/a")
    return lib.site.wire


@same(
    "a name beyond US-ASCII cannot be sent by Digest",
    differs="so a name beyond US-ASCII works with Digest here",
)
async def test_digest_with_a_name_beyond_us_ascii(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx, "bücher")) as client:
        response = await client.get(lib.site.url + "/a")
    return response.request.headers.raw


@same("a proof that is refused raises, or is repeated")
async def test_digest_that_is_refused(lib: Lib) -> Any:
    lib.site.on("/a", answer("401 Unauthorized", CHALLENGE, content=b"no"))
    async with lib.client(auth=digest(lib.httpx)) as client:
        return way(await client.get(lib.site.url + "/a")), lib.site.wire


@same("cookies of a challenge do not reach the jar of the client, or the proof")
async def test_digest_and_cookies(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE, "Set-Cookie: session=1; Path=/"))
    async with lib.client(auth=digest(lib.httpx), cookies={"own": "1"}) as client:
        await client.get(lib.site.url + "/a")
        await client.get(lib.site.url + "/b")
        return sorted(client.inner.cookies.items()), lib.site.wire


@same("the way of a proof over a redirect is another one")
async def test_digest_over_a_redirect(lib: Lib) -> Any:
    lib.site.on("/a", answer("302 Found", "Location: /b"))
    lib.site.on("/b", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx), follow_redirects=True) as client:
        return way(await client.get(lib.site.url + "/a")), lib.site.wire


@same("a redirect that answers a proof is not followed")
async def test_digest_and_then_a_redirect(lib: Lib) -> Any:
    respond = closed_site(CHALLENGE)
    lib.site.on(
        "/a",
        lambda one: (
            respond(one).replace(b"200 OK", b"307 Moved").replace(b"\r\n", b"\r\nLocation: /b\r\n", 1)
        ),
    )
    async with lib.client(auth=digest(lib.httpx), follow_redirects=True) as client:
        return way(await client.put(lib.site.url + "/a", content=b"x")), lib.site.wire


@same("responses of an auth flow count towards max_redirects in another way")
async def test_digest_and_max_redirects(lib: Lib) -> Any:
    lib.site.on("/a", answer("302 Found", "Location: /b"))
    lib.site.on("/b", closed_site(CHALLENGE))
    results = []
    for most in (0, 1, 2):
        async with lib.client(auth=digest(lib.httpx), follow_redirects=True, max_redirects=most) as client:
            results.append(await lib.caught(lambda client=client: client.inner.get(lib.site.url + "/a")))
    return results, len(lib.site.wire)


@same("content of a generator is sent twice, or empty the second time")
async def test_digest_with_content_that_is_sent_once(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx)) as client:
        content = lib.world.pieces([b"con", b"tent"])
        return await lib.caught(lambda: client.inner.post(lib.site.url + "/a", content=content))


@same("content in memory is not sent with the proof")
async def test_digest_with_content_of_several_kinds(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    url = lib.site.url + "/a"
    async with lib.client() as client:
        for content in ({"json": {"a": 1}}, {"data": {"a": "b"}}, {"content": "ü"}, {"content": b""}):
            await client.post(url, auth=digest(lib.httpx), **content)
    return lib.site.wire


@same("a malformed challenge is raised without its request, or leaves the client broken")
async def test_a_malformed_challenge(lib: Lib) -> Any:
    lib.site.on("/a", answer("401 Unauthorized", "WWW-Authenticate: Digest realm=r"))
    async with lib.client(auth=digest(lib.httpx)) as client:
        raised = await lib.caught(lambda: client.inner.get(lib.site.url + "/a"))
        response = await client.get(lib.site.url + "/b")
    return raised, response.status_code, lib.site.wire


@same("a stream() block gets a response of Digest that was read")
async def test_digest_in_a_stream_block(lib: Lib) -> Any:
    lib.site.on("/a", closed_site(CHALLENGE))
    async with lib.client(auth=digest(lib.httpx)) as client:
        async with client.stream("GET", lib.site.url + "/a") as response:
            unread = response.is_stream_consumed, response.is_closed
            history = [(one.is_closed, one.content) for one in response.history]
            content = await response.read()
    return unread, history, content


# -- flows ---------------------------------------------------------------------------------------


def token(lib: Lib, **attributes: Any) -> Any:
    """A scheme that asks for a token first."""
    httpx, url = lib.httpx, lib.site.url + "/token"

    class Token(httpx.Auth):  # type: ignore[misc, name-defined]
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            response = yield httpx.Request("POST", url, content=b"please")
            request.headers["Authorization"] = "Bearer " + response.text
            yield request

    for name, value in attributes.items():
        setattr(Token, name, value)
    return Token()


@same("a flow cannot send a request of its own")
async def test_a_flow_with_a_request_of_its_own(lib: Lib) -> Any:
    async with lib.client(auth=token(lib), headers={"X": "1"}) as client:
        response = await client.get(lib.site.url + "/a")
    return way(response), response.request, lib.site.wire


@same("a flow whose last request is another one gives the response of the first")
async def test_a_flow_that_ends_elsewhere(lib: Lib) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        yield request
        yield lib.httpx.Request("DELETE", lib.site.url + "/b")

    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        response = await client.get(lib.site.url + "/a")
    return way(response), response.request, lib.site.wire


@same("event hooks are not called for each request of a flow")
async def test_hooks_see_every_request_of_a_flow(lib: Lib) -> Any:
    seen: list[Any] = []

    def note(what: Any) -> None:
        seen.append((type(what).__name__, str(what.url), dict(what.headers).get("authorization")))

    async def anote(what: Any) -> None:
        note(what)

    hook = anote if lib.is_async else note
    async with lib.client(auth=token(lib), event_hooks={"request": [hook], "response": [hook]}) as client:
        await client.get(lib.site.url + "/a")
    return seen


@same("a flow sees the redirect in place of the response that follows it")
async def test_a_flow_sees_the_end_of_redirects(lib: Lib) -> Any:
    seen: list[Any] = []

    def auth_flow(self: Any, request: Any) -> Any:
        response = yield request
        seen.append((response.status_code, str(response.url), len(response.history)))

    lib.site.on("/a", answer("302 Found", "Location: /b"))
    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        for follow in (False, True):
            await client.get(lib.site.url + "/a", follow_redirects=follow)
    return seen


@pytest.mark.parametrize("when", ["before", "after"])
@same("what a flow raises is wrapped, or comes with a request")
async def test_a_flow_that_raises(lib: Lib, when: str) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        if when == "after":
            yield request
        raise LookupError
        yield

    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        raised = await lib.caught(lambda: client.inner.get(lib.site.url + "/a"))
        response = await client.get(lib.site.url + "/b", auth=None)
    return raised, response.status_code, lib.site.wire


@same("a flow without a request raises something else")
async def test_a_flow_that_yields_nothing(lib: Lib) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        return
        yield

    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        return await lib.caught(lambda: client.inner.get(lib.site.url + "/a")), lib.site.wire


@same("a flow is left open when a request of it fails")
async def test_a_flow_is_closed_when_a_request_fails(lib: Lib) -> Any:
    notes: list[str] = []

    def auth_flow(self: Any, request: Any) -> Any:
        try:
            yield request
        except BaseException as exc:
            notes.append(type(exc).__name__)
            raise

    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        return await lib.caught(lambda: client.inner.get("ftp://host/")), notes


@same("sync_auth_flow and async_auth_flow of a subclass are not used")
async def test_a_scheme_may_override_the_flows_of_the_worlds(lib: Lib) -> Any:
    class Both(lib.httpx.Auth):  # type: ignore[misc, name-defined]
        def sync_auth_flow(self, request: Any) -> Any:
            request.headers["Authorization"] = "own"
            response = yield request
            request.headers["X-Read"] = str(len(response.read()))
            yield request

        async def async_auth_flow(self, request: Any) -> Any:
            request.headers["Authorization"] = "own"
            response = yield request
            request.headers["X-Read"] = str(len(await response.aread()))
            yield request

    async with lib.client(auth=Both()) as client:
        return way(await client.get(lib.site.url + "/a")), lib.site.wire


@same("requires_request_body changes what is on the wire, or is not heeded")
async def test_a_flow_that_signs_the_content(lib: Lib) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        request.headers["Authorization"] = request.content.decode()
        yield request

    auth = token(lib, auth_flow=auth_flow, requires_request_body=True)
    async with lib.client(auth=auth) as client:
        await client.post(lib.site.url + "/a", content=lib.world.pieces([b"con", b"tent"]))
    return lib.site.wire[0].partition(b"\r\n\r\n")[0]


@same("a response that a flow has read cannot be streamed by the caller")
async def test_a_response_that_the_flow_has_read_can_be_streamed(lib: Lib) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        response = yield request
        response.text  # noqa: B018 - it is there

    async with lib.client(auth=token(lib, auth_flow=auth_flow)) as client:
        async with client.stream("GET", lib.site.url + "/a") as response:
            return response.is_stream_consumed, [piece async for piece in response.iter("bytes")]


@same("the function of auth= is not called for each request")
async def test_a_function_as_auth(lib: Lib) -> Any:
    def sign(request: Any) -> Any:
        request.headers["Authorization"] = f"signed {request.method} {request.url.path}"
        return request

    async with lib.client(auth=sign) as client:
        await client.get(lib.site.url + "/a")
        await client.post(lib.site.url + "/b", json=[1])
    return lib.site.wire


@same("auth does nothing with a transport of one's own")
async def test_auth_with_a_transport_of_one_s_own(lib: Lib) -> Any:
    def respond(request: Any) -> Any:
        if "authorization" in request.headers:
            return lib.httpx.Response(200, text=request.headers["authorization"])
        return lib.httpx.Response(401, headers=[tuple(CHALLENGE.split(": ", 1))])

    async with lib.client(transport=answering(lib, respond), auth=digest(lib.httpx)) as client:
        response = await client.get("http://host/a")
    return response.status_code, response.text, [one.status_code for one in response.history]


@same(
    "a stream that does not say so is sent again", differs="A stream of one's own class is sent again only if"
)
async def test_a_stream_of_one_s_own_is_sent_once(lib: Lib) -> Any:
    class Own(lib.httpx.SyncByteStream, lib.httpx.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            yield b"content"

        async def __aiter__(self) -> Any:
            yield b"content"

    lib.site.on("/a", closed_site(CHALLENGE))
    headers = {"Host": "host", "Content-Length": "7"}
    request = lib.httpx.Request("POST", lib.site.url + "/a", headers=headers, stream=Own())
    async with lib.client(auth=digest(lib.httpx)) as client:
        return await lib.caught(lambda: client.inner.send(request))
