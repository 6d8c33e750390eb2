"""The flows of Auth, FunctionAuth, BasicAuth and NetRCAuth, driven by hand."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.flows import URL, both_kinds, challenged, drive, seen, start
from tests.compat.harness import same

# -- the base ------------------------------------------------------------------------------------


@both_kinds
@same("Auth() adds a field")
def test_the_base_sends_the_request_as_it_is(httpx: Any, kind: str) -> Any:
    request = httpx.Request("GET", URL, headers={"X": "1"})
    return drive(httpx.Auth(), request, [httpx.Response(401)], kind), request.headers.raw


@same("a class attribute of Auth is not False by default")
def test_the_base_reads_no_content(httpx: Any) -> Any:
    return [
        (cls.requires_request_body, cls.requires_response_body)
        for cls in (httpx.Auth, httpx.BasicAuth, httpx.DigestAuth, httpx.NetRCAuth)
    ]


def pieces() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


async def async_pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


def content_of(kind: str) -> Any:
    return pieces() if kind == "sync" else async_pieces()


def reader(httpx: Any, **attributes: bool) -> Any:
    """A scheme that signs the contents of request and response."""

    def auth_flow(self: Any, request: Any) -> Any:
        if self.requires_request_body:
            request.headers["Authorization"] = request.content.decode()
        response = yield request
        request.headers["Authorization"] = response.content.decode()
        yield request

    return type("Reader", (httpx.Auth,), {"auth_flow": auth_flow, **attributes})()


def answer(httpx: Any, kind: str) -> Any:
    return httpx.Response(200, content=content_of(kind))


@both_kinds
@same("requires_request_body has no effect")
def test_the_request_s_content_is_read_before_the_flow_sees_it(httpx: Any, kind: str) -> Any:
    request = httpx.Request("POST", URL, content=content_of(kind))
    auth = reader(httpx, requires_request_body=True)
    return drive(auth, request, [httpx.Response(200, content=b"x")], kind), request.content, request.headers


@both_kinds
@same("requires_response_body has no effect")
def test_the_response_s_content_is_read_before_the_flow_sees_it(httpx: Any, kind: str) -> Any:
    response = answer(httpx, kind)
    auth = reader(httpx, requires_response_body=True)
    return drive(auth, httpx.Request("GET", URL), [response], kind), response.content


@both_kinds
@same("the response's content is read though the flow does not ask for it")
def test_content_that_is_not_asked_for_is_not_there(httpx: Any, kind: str) -> Any:
    return drive(reader(httpx), httpx.Request("GET", URL), [answer(httpx, kind)], kind)


def scheme(httpx: Any, auth_flow: Any) -> Any:
    return type("Scheme", (httpx.Auth,), {"auth_flow": auth_flow})()


@both_kinds
@same("a flow gets the response of its first request each time")
def test_a_flow_sends_as_many_requests_as_it_wants(httpx: Any, kind: str) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        codes = []
        for _ in range(3):
            response = yield request
            codes.append(str(response.status_code))
            request.headers["Authorization"] = ",".join(codes)
        yield httpx.Request("PUT", URL + "?last")

    responses = [httpx.Response(code) for code in (401, 500, 200, 204)]
    return drive(scheme(httpx, auth_flow), httpx.Request("GET", URL), responses, kind)


@both_kinds
@same("an exception of a flow is wrapped")
def test_what_a_flow_raises_at_once_comes_out(httpx: Any, kind: str) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        raise LookupError
        yield request

    return drive(scheme(httpx, auth_flow), httpx.Request("GET", URL), [], kind)


@both_kinds
@same("an exception that follows a response ends the flow without a word")
def test_what_a_flow_raises_after_a_response_comes_out(httpx: Any, kind: str) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        yield request
        raise LookupError

    return drive(scheme(httpx, auth_flow), httpx.Request("GET", URL), [httpx.Response(200)], kind)


@both_kinds
@same("a flow that yields nothing looks like one that has ended")
def test_a_flow_must_yield_a_request(httpx: Any, kind: str) -> Any:
    def auth_flow(self: Any, request: Any) -> Any:
        return
        yield request

    return drive(scheme(httpx, auth_flow), httpx.Request("GET", URL), [], kind)


def noted(httpx: Any, notes: list[str]) -> Any:
    """A scheme that notes how its flow ends."""

    def auth_flow(self: Any, request: Any) -> Any:
        try:
            yield request
            yield request
        except BaseException as exc:
            notes.append(type(exc).__name__)
            raise
        finally:
            notes.append("finally")

    return scheme(httpx, auth_flow)


@both_kinds
@same("closing a flow does not close the generator behind it")
def test_a_flow_that_is_left_early_is_closed(httpx: Any, kind: str) -> Any:
    async def run() -> None:
        flow = start(noted(httpx, notes), httpx.Request("GET", URL), kind)
        await flow.asend(None)
        await flow.aclose()
        await flow.aclose()

    notes: list[str] = []
    asyncio.run(run())
    return notes


@both_kinds
@same("closing a flow that has not begun runs it")
def test_a_flow_that_has_not_begun_can_be_closed(httpx: Any, kind: str) -> Any:
    async def run() -> None:
        await start(noted(httpx, notes), httpx.Request("GET", URL), kind).aclose()

    notes: list[str] = []
    asyncio.run(run())
    return notes


@both_kinds
@same("an exception that is thrown into a flow is swallowed")
def test_an_exception_that_is_thrown_in_ends_the_flow(httpx: Any, kind: str) -> Any:
    async def run() -> Any:
        flow = start(noted(httpx, []), httpx.Request("GET", URL), kind)
        await flow.asend(None)
        await flow.athrow(LookupError())

    return asyncio.run(run())


@both_kinds
@same("a flow that has ended begins anew")
def test_a_flow_that_has_ended_stays_so(httpx: Any, kind: str) -> Any:
    async def run() -> Any:
        flow = start(httpx.Auth(), httpx.Request("GET", URL), kind)
        await flow.asend(None)
        ends = []
        for _ in range(3):
            try:
                await flow.asend(httpx.Response(200))
            except StopAsyncIteration:
                ends.append("ended")
        return ends

    return asyncio.run(run())


@both_kinds
@same("a flow that has not begun takes a response")
def test_a_flow_that_has_not_begun_takes_no_response(httpx: Any, kind: str) -> Any:
    async def run() -> Any:
        await start(httpx.Auth(), httpx.Request("GET", URL), kind).asend(httpx.Response(200))

    return asyncio.run(run())


@same("the async flow cannot be iterated")
def test_an_async_flow_can_be_iterated(httpx: Any) -> Any:
    async def run() -> Any:
        return [seen(one) async for one in httpx.Auth().async_auth_flow(httpx.Request("GET", URL))]

    return asyncio.run(run())


@same("the async flow is no collections.abc.AsyncGenerator")
def test_an_async_flow_has_the_interface_of_an_async_generator(httpx: Any) -> Any:
    from collections.abc import AsyncGenerator

    return isinstance(httpx.Auth().async_auth_flow(httpx.Request("GET", URL)), AsyncGenerator)


@both_kinds
@same("the flows of the base cannot be used by a subclass")
def test_a_subclass_may_wrap_the_flow_of_its_base(httpx: Any, kind: str) -> Any:
    class Wrapped(httpx.BasicAuth):  # type: ignore[misc]
        def sync_auth_flow(self, request: Any) -> Any:
            request.headers["Cookie"] = "a=b"
            yield from super().sync_auth_flow(request)

        async def async_auth_flow(self, request: Any) -> Any:
            request.headers["Cookie"] = "a=b"
            flow = super().async_auth_flow(request)
            response = yield await flow.__anext__()
            try:
                yield await flow.asend(response)
            except StopAsyncIteration:
                return

    return drive(Wrapped("u", "p"), httpx.Request("GET", URL), [httpx.Response(200)], kind)


# -- functions -----------------------------------------------------------------------------------


@both_kinds
@same("the request that the function returns is not the one that is sent")
def test_a_function_may_return_another_request(httpx: Any, kind: str) -> Any:
    auth = httpx._auth.FunctionAuth(lambda request: httpx.Request("PUT", "http://other/"))
    return drive(auth, httpx.Request("GET", URL), [httpx.Response(200)], kind)


@same("FunctionAuth has no keyword func")
def test_a_function_may_be_given_by_its_name(httpx: Any) -> Any:
    def sign(request: Any) -> Any:
        request.headers["Authorization"] = "signed"
        return request

    return drive(httpx._auth.FunctionAuth(func=sign), httpx.Request("GET", URL), [httpx.Response(401)])


@both_kinds
@same("an exception of the function is swallowed")
def test_what_the_function_raises_comes_out(httpx: Any, kind: str) -> Any:
    def refuse(request: Any) -> Any:
        raise LookupError

    return drive(httpx._auth.FunctionAuth(refuse), httpx.Request("GET", URL), [], kind)


# -- Basic ---------------------------------------------------------------------------------------


def basic(httpx: Any, username: Any, password: Any, **options: Any) -> Any:
    request = httpx.Request("GET", URL, **options)
    return drive(httpx.BasicAuth(username, password), request, [httpx.Response(401)]), request.headers.raw


@pytest.mark.parametrize("username", ["user", b"user"])
@same("username and password are joined by something else than a colon")
def test_basic_sends_name_and_password(httpx: Any, username: Any) -> Any:
    return basic(httpx, username, "password")


@same("credentials are encoded in Latin-1")
def test_basic_sends_what_is_not_ascii_as_utf_8(httpx: Any) -> Any:
    return basic(httpx, "bücher", "密")


@same("bytes are decoded before they are sent")
def test_basic_sends_bytes_as_they_are(httpx: Any) -> Any:
    return basic(httpx, b"\xff\xfe", b"\x00\x80")


@pytest.mark.parametrize("username, password", [("", ""), ("user", ""), ("", "password")])
@same("an empty name or password means no credentials")
def test_basic_sends_an_empty_name_or_password(httpx: Any, username: str, password: str) -> Any:
    return basic(httpx, username, password)


@same("a colon is escaped, or refused")
def test_basic_sends_colons(httpx: Any) -> Any:
    return basic(httpx, "a:b", ":c:")


@same("long credentials are broken into lines")
def test_basic_sends_long_credentials_in_one_line(httpx: Any) -> Any:
    return basic(httpx, "u" * 300, "p" * 3000)


@same("a field that was set by hand wins over auth=")
def test_basic_replaces_the_field_that_is_there(httpx: Any) -> Any:
    return basic(httpx, "u", "p", headers=[("A", "1"), ("authorization", "mine"), ("B", "2")])


@pytest.mark.parametrize("username, password", [(None, "p"), ("u", None), (1, "p")])
@same("None as a name is sent as text")
def test_basic_takes_text_and_bytes_alone(httpx: Any, username: Any, password: Any) -> Any:
    return httpx.BasicAuth(username, password)


@same("BasicAuth has other names for its parameters")
def test_basic_takes_keywords(httpx: Any) -> Any:
    auth = httpx.BasicAuth(username="u", password="p")
    return drive(auth, httpx.Request("GET", URL), [httpx.Response(200)])


@same("the flow sends a copy of the request")
def test_basic_sends_the_very_request(httpx: Any) -> Any:
    request = httpx.Request("GET", URL)
    return next(httpx.BasicAuth("u", "p").auth_flow(request)) is request


@same("BasicAuth cannot be pickled")
def test_basic_can_be_pickled(httpx: Any) -> Any:
    copy = pickle.loads(pickle.dumps(httpx.BasicAuth("u", "p")))
    return drive(copy, httpx.Request("GET", URL), [httpx.Response(200)])


@same("the class says that it lives in a private module")
def test_the_classes_are_public(httpx: Any) -> Any:
    return [httpx.Auth, httpx.BasicAuth, httpx.DigestAuth, httpx.NetRCAuth]


# -- netrc ---------------------------------------------------------------------------------------

NETRC = """
machine host login user password "pass word"
machine without login user
machine 127.0.0.1 login ip account a password p
"""


@pytest.fixture
def netrc(tmp_path: Path) -> str:
    file = tmp_path / "netrc"
    file.write_text(NETRC)
    return str(file)


def asked(httpx: Any, netrc: str, url: str) -> Any:
    return drive(httpx.NetRCAuth(netrc), httpx.Request("GET", url), [httpx.Response(401)])


@same("the entry of another host is used")
def test_netrc_sends_the_entry_of_the_host(httpx: Any, netrc: str) -> Any:
    return asked(httpx, netrc, "http://host/")


@same("the port is part of the name that is looked up")
def test_netrc_knows_no_ports(httpx: Any, netrc: str) -> Any:
    return asked(httpx, netrc, "https://HOST:8443/"), asked(httpx, netrc, "http://127.0.0.1:8080/")


@same("a host without an entry gets one")
def test_netrc_adds_nothing_for_a_host_without_an_entry(httpx: Any, netrc: str) -> Any:
    return asked(httpx, netrc, "http://www.host/")


@same("an entry without a password is sent")
def test_netrc_adds_nothing_without_a_password(httpx: Any, netrc: str) -> Any:
    return asked(httpx, netrc, "http://without/")


@same("the default entry of a netrc file is not used")
def test_netrc_has_a_default_entry(httpx: Any, tmp_path: Path) -> Any:
    (tmp_path / "netrc").write_text("machine host login a password b\ndefault login c password d")
    return asked(httpx, str(tmp_path / "netrc"), "http://other/")


@same("a missing netrc file counts as empty")
def test_netrc_s_file_must_be_there(httpx: Any, tmp_path: Path) -> Any:
    return httpx.NetRCAuth(str(tmp_path / "none"))


@same("a malformed netrc file counts as empty")
def test_netrc_s_file_must_be_well_formed(httpx: Any, tmp_path: Path) -> Any:
    (tmp_path / "netrc").write_text("nonsense")
    return httpx.NetRCAuth(str(tmp_path / "netrc"))


@same("the file of the home directory is not the default")
def test_netrc_s_file_is_in_the_home_directory(
    httpx: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    (tmp_path / ".netrc").write_text(NETRC)
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return drive(httpx.NetRCAuth(), httpx.Request("GET", "http://host/"), [httpx.Response(200)])


@same("a netrc file is read again for each request")
def test_netrc_reads_its_file_once(httpx: Any, tmp_path: Path) -> Any:
    (tmp_path / "netrc").write_text(NETRC)
    auth = httpx.NetRCAuth(str(tmp_path / "netrc"))
    (tmp_path / "netrc").unlink()
    return drive(auth, httpx.Request("GET", "http://host/"), [httpx.Response(200)])


@same(
    "the netrc entry is sent to a URL that has credentials", differs="The credentials of a URL win over netrc"
)
def test_netrc_gives_way_to_the_credentials_of_the_url(httpx: Any, netrc: str) -> Any:
    return asked(httpx, netrc, "http://me:mine@host/")


@both_kinds
@same("Basic answers a challenge")
def test_basic_does_not_answer_a_challenge(httpx: Any, kind: str) -> Any:
    responses = [challenged(httpx, 'Basic realm="a"')]
    return drive(httpx.BasicAuth("u", "p"), httpx.Request("GET", URL), responses, kind)
