"""Redirects: which request follows which response, what goes with it, and what the caller sees of the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.site import answer


def leads_to(location: str, status: str = "302 Found", *fields: str, content: bytes = b"") -> bytes:
    return answer(status, f"Location: {location}", *fields, content=content)


async def follow(lib: Lib, method: str = "GET", path: str = "/a", **options: Any) -> Any:
    async with lib.client(follow_redirects=True) as client:
        return await client.request(method, lib.site.url + path, **options)


@same("a redirect is followed without being asked for")
async def test_redirects_are_not_followed_by_default(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/a")
    return response.status_code, response.next_request, response.history, response.is_redirect, lib.site.wire


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
)
@same("a status code changes the method of the next request in another way")
async def test_the_method_after_each_status(lib: Lib, method: str, status: str) -> Any:
    lib.site.on("/a", leads_to("/b", status))
    response = await follow(lib, method)
    return response.status_code, response.request.method, lib.site.wire


@pytest.mark.parametrize(
    "status", ["300 Multiple Choices", "304 Not Modified", "305 Use Proxy", "306 Unused", "399 Other"]
)
@same("another 3xx with a Location is followed")
async def test_other_statuses_do_not_lead_on(lib: Lib, status: str) -> Any:
    lib.site.on("/a", leads_to("/b", status))
    response = await follow(lib)
    return response.status_code, response.has_redirect_location, response.next_request


@same("a 3xx without Location is an error")
async def test_a_redirect_without_location_is_the_answer(lib: Lib) -> Any:
    lib.site.on("/a", answer("302 Found"))
    response = await follow(lib)
    return response.status_code, response.has_redirect_location, response.next_request, response.history


@pytest.mark.parametrize(
    "location",
    [
        "/b",
        "b",
        "../b",
        "./b?x=1",
        "?x=1",
        "",
        "#top",
        "//127.0.0.1:{port}/b",
        "{url}/b",
        "/b%20c",
        "/b c",
        "/ü",
        "/b?q=ü",
    ],
)
@same("a relative Location is resolved in another way")
async def test_how_a_location_is_resolved(lib: Lib, location: str) -> Any:
    where = location.format(port=lib.site.port, url=lib.site.url)
    first = [leads_to(where)]
    # The first request is led on, whatever its path; the next one ends the way.
    lib.site.on("/x/a", lambda request: first.pop() if first else answer("204 No Content"))
    response = await follow(lib, path="/x/a?old=1")
    return response.url, response.status_code, lib.site.wire


@same("the fragment of the first URL is lost")
async def test_a_fragment_is_inherited(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    return (await follow(lib, path="/a#part")).url


@same("the fragment of the first URL replaces that of the Location")
async def test_a_fragment_of_the_location_counts(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b#new"))
    return (await follow(lib, path="/a#old")).url


@same("a Location with a scheme and no host is refused")
async def test_a_location_without_host_means_the_same_host(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("http:///b"))
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/a")
    return response.next_request.url.host, response.next_request.url.path


@pytest.mark.parametrize(
    "location", ["http://[", "http://host:port/", "https://\u00e4\u00e4..host/", "http://exa mple.org/"]
)
@same("a Location that is no URL raises an undocumented exception")
async def test_a_location_that_is_no_url(lib: Lib, location: str) -> Any:
    lib.site.on("/a", leads_to(location))
    await follow(lib)


@same("a bad Location is no error while redirects are not followed")
async def test_a_bad_location_is_an_error_even_if_not_followed(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("http://["))
    async with lib.client() as client:
        await client.get(lib.site.url + "/a")


@pytest.mark.parametrize("location", ["ftp://host/", "file:///etc/passwd"])
@same("a redirect to another scheme than http and https is followed")
async def test_other_schemes_are_not_followed(lib: Lib, location: str) -> Any:
    lib.site.on("/a", leads_to(location))
    await follow(lib)


@pytest.mark.parametrize("location", ["data:,x", "javascript:alert(1)"])
@same("a Location that is no hierarchical URL is followed", differs="A `Location` such as `javascript:...`")
async def test_a_location_that_is_not_hierarchical(lib: Lib, location: str) -> Any:
    lib.site.on("/a", leads_to(location))
    await follow(lib)


@same("history lacks a response, or has them in another order")
async def test_history_has_every_response(lib: Lib) -> Any:
    for number in range(3):
        lib.site.on(f"/{number}", leads_to(f"/{number + 1}", content=b"%d" % number))
    response = await follow(lib, path="/0")
    return [(one.status_code, one.url, one.content, one.history) for one in response.history], response.url


@same("the responses of a history point to other next requests")
async def test_next_request_of_responses_that_were_followed(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    response = await follow(lib)
    return [one.next_request for one in response.history], response.next_request


@same("next_request cannot be sent by hand")
async def test_the_next_request_can_be_sent(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/a", headers={"X-One": "1"})
        response = await client.send(response.next_request)
    return response.url, lib.site.wire


@pytest.mark.parametrize("limit, length", [(0, 0), (0, 1), (1, 1), (1, 2), (20, 20), (20, 21)])
@same("max_redirects counts one more or one less")
async def test_max_redirects(lib: Lib, limit: int, length: int) -> Any:
    for number in range(length):
        lib.site.on(f"/{number}", leads_to(f"/{number + 1}"))
    async with lib.client(follow_redirects=True, max_redirects=limit) as client:
        response = await client.get(lib.site.url + "/0")
    return response.url, len(response.history)


@same("a loop of redirects does not end, or ends with another exception")
async def test_a_loop_ends(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/a"))
    result = await lib.caught(lambda: follow(lib))
    return result, len(lib.site.wire)


@same("follow_redirects=True of one request is ignored")
async def test_follow_redirects_of_one_request(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        first = await client.get(lib.site.url + "/a", follow_redirects=True)
        second = await client.get(lib.site.url + "/a")
    return first.status_code, second.status_code


@same("follow_redirects=False of one request is ignored")
async def test_not_following_for_one_request(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client(follow_redirects=True) as client:
        response = await client.get(lib.site.url + "/a", follow_redirects=False)
    return response.status_code


@same("send() has no follow_redirects of its own")
async def test_follow_redirects_of_send(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        request = client.inner.build_request("GET", lib.site.url + "/a")
        response = await client.send(request, follow_redirects=True)
    return response.url, response.request is request, response.history[0].request is request


@same("follow_redirects of a client cannot be changed later")
async def test_the_setting_can_be_changed(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        client.inner.follow_redirects = True
        client.inner.max_redirects = 5
        return (await client.get(lib.site.url + "/a")).url


@same("stream() does not follow redirects")
async def test_a_stream_follows(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", content=b"first"))
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url + "/a", follow_redirects=True) as response:
            before = response.is_closed, response.history[0].is_closed
            content = await response.read()
    return before, content, response.history


@same("a request's headers do not go on to the same origin")
async def test_headers_stay_on_the_same_origin(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    await follow(
        lib, headers={"Authorization": "Bearer x", "X-One": "1", "Host": "example.org", "Accept": "a/b"}
    )
    return lib.site.wire


@same("content goes with a request that became a GET")
async def test_content_is_dropped_with_the_method(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "303 See Other"))
    await follow(lib, "POST", content=b"hello", headers={"Content-Type": "text/x"})
    return lib.site.wire


@same("chunked framing stays with a request that lost its content")
async def test_chunked_content_is_dropped_with_the_method(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "302 Found"))
    await follow(lib, "POST", content=lib.world.pieces([b"a", b"b"]))
    return lib.site.wire


@same("a 307 or 308 sends other content the second time")
async def test_content_is_sent_again(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "307 Temporary Redirect"))
    lib.site.on("/b", leads_to("/c", "308 Permanent Redirect"))
    await follow(lib, "POST", json={"a": [1, "ü"]})
    return lib.site.wire


@same("a generator is sent empty the second time")
async def test_a_generator_cannot_be_sent_again(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "307 Temporary Redirect"))
    result = await lib.caught(lambda: follow(lib, "POST", content=lib.world.pieces([b"a", b"b"])))
    return result, len([one for one in lib.site.received if one.target == b"/b"])


@same("a generator that nobody has read yet counts as used up")
async def test_a_generator_goes_along_where_it_was_not_needed(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "301 Moved"))
    response = await follow(lib, "POST", content=lib.world.pieces([b"a"]))
    return response.request.method, lib.site.wire


@same("a relative redirect forgets the query of its request")
async def test_params_are_not_carried_over(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    return (await follow(lib, params={"x": "1"})).url


@same("the elapsed time of a followed redirect is missing")
async def test_each_response_has_its_time(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    response = await follow(lib)
    return [one.elapsed.total_seconds() >= 0 for one in [*response.history, response]]


@same("the default encoding is not given to the responses of a history")
async def test_each_response_has_the_default_encoding(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", content="ü".encode("latin-1")))
    async with lib.client(follow_redirects=True, default_encoding="latin-1") as client:
        response = await client.get(lib.site.url + "/a")
    return response.history[0].text


@same("extensions do not go on to the next request")
async def test_extensions_go_along(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    response = await follow(lib, extensions={"timeout": {"read": 3.0}, "own": 1})
    return response.request.extensions


@same("a redirect to a host that is not there raises something else")
async def test_a_redirect_to_where_nobody_listens(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("http://127.0.0.1:1/b"))
    await follow(lib)


@same("raise_for_status of a redirect says something else")
async def test_the_status_error_of_a_redirect(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client() as client:
        response = await client.get(lib.site.url + "/a")
    try:
        response.raise_for_status()
    except lib.httpx.HTTPStatusError as exc:
        return str(exc), exc.response is response, exc.request


@same("a cookie set by a redirect does not go with the next request")
async def test_cookies_of_a_redirect_go_along(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "302 Found", "Set-Cookie: c=1; Path=/"))
    response = await follow(lib)
    return lib.site.wire, response.cookies, response.history[0].cookies


@same("a cookie that a redirect has deleted is sent on")
async def test_a_cookie_that_was_deleted_on_the_way(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", "302 Found", "Set-Cookie: c=; Max-Age=0; Path=/"))
    async with lib.client(follow_redirects=True, cookies={"d": "2"}) as client:
        client.inner.cookies.set("c", "1", domain="127.0.0.1", path="/")
        await client.get(lib.site.url + "/a")
        return lib.site.wire, dict(client.inner.cookies)


@same("cookies of one request go on to where it leads")
async def test_cookies_of_one_request_stay_behind(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    async with lib.client(follow_redirects=True) as client:
        request = client.inner.build_request("GET", lib.site.url + "/a", cookies={"once": "1"})
        await client.send(request)
    return lib.site.wire


@same("a Cookie field that was set by hand goes on to where it leads")
async def test_a_cookie_header_stays_behind(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b"))
    await follow(lib, headers={"Cookie": "a=1"})
    return lib.site.wire


@same("a redirect's response closes later, or not at all")
async def test_responses_on_the_way_are_closed(lib: Lib) -> Any:
    lib.site.on("/a", leads_to("/b", content=b"x" * 100))
    async with lib.client() as client:
        async with client.stream("GET", lib.site.url + "/a", follow_redirects=True) as response:
            return response.history[0].is_closed, response.history[0].is_stream_consumed, response.is_closed
