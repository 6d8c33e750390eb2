"""What a client makes of its arguments and its defaults: the request on the wire, and `build_request`."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from tests.compat.harness import Lib, same
from tests.compat.site import answer


async def send(
    lib: Lib, method: str = "GET", path: str = "/", *, settings: Any = None, **options: Any
) -> Any:
    async with lib.client(**(settings or {})) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            await client.request(method, lib.site.url + path, **options)
    return lib.site.wire


@pytest.mark.parametrize("verb", ["get", "options", "head", "delete", "post", "put", "patch"])
@same("a verb sends another method or other default fields")
async def test_each_verb(lib: Lib, verb: str) -> Any:
    async with lib.client() as client:
        response = await lib.do(getattr(client.inner, verb)(lib.site.url + "/"))
    return response.request.method, response.status_code, lib.site.wire


@same("a method in lower case is sent as it is")
async def test_methods_are_upper_case(lib: Lib) -> Any:
    return await send(lib, "get"), await send(lib, "Foo")


@same("the client's params are lost, or in another order")
async def test_params_are_merged(lib: Lib) -> Any:
    settings = {"params": {"a": "1", "b": "2"}}
    return await send(lib, path="/?own=x", settings=settings, params={"b": "3", "c": ["4", "5"]})


@same("the query of a URL stays when params are given")
async def test_params_replace_the_query(lib: Lib) -> Any:
    return await send(lib, path="/?a=1", params={"b": "2"})


@same("empty params leave the query of a URL")
async def test_empty_params(lib: Lib) -> Any:
    return await send(lib, path="/?a=1", params={}), await send(lib, path="/?a=1", params=None)


@same("the client's params do not reach a URL with a query")
async def test_params_of_the_client_and_a_query(lib: Lib) -> Any:
    return await send(lib, path="/?a=1", settings={"params": {"b": "2"}})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        1,
        1.5,
        "",
        "ü",
        "a b",
        "a+b",
        "a&b",
        ["x", "y"],
        ("x", None),
        [],
        "%20",
        "/?#[]@!$'()*,;",
    ],
)
@same("a value of a query parameter is written in another way")
async def test_values_of_params(lib: Lib, value: Any) -> Any:
    return await send(lib, params={"k": value})


@same("the client's headers do not give way to those of a request")
async def test_headers_are_merged(lib: Lib) -> Any:
    settings = {"headers": {"X-A": "1", "X-B": "2", "User-Agent": "mine"}}
    return await send(lib, settings=settings, headers={"x-b": "3", "Accept": "text/x"})


@same("a header given several times is joined")
async def test_repeated_headers(lib: Lib) -> Any:
    return await send(lib, headers=[("X-A", "1"), ("X-A", "2"), ("x-a", "3")])


@same("default headers can not be taken off a client")
async def test_default_headers_can_be_removed(lib: Lib) -> Any:
    async with lib.client() as client:
        del client.inner.headers["User-Agent"]
        client.inner.headers.pop("accept-encoding")
        await client.get(lib.site.url + "/")
    return lib.site.wire


@same("setting the headers of a client forgets the default ones")
async def test_headers_of_a_client_can_be_set(lib: Lib) -> Any:
    async with lib.client(headers={"X-A": "1"}) as client:
        client.inner.headers = {"X-B": "2", "accept": "a/b"}
        await client.get(lib.site.url + "/")
    return lib.site.wire


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", " a", "a "])
@same("a header value adds a line to the wire, or raises something else")
async def test_a_value_cannot_add_a_line(lib: Lib, value: str) -> Any:
    return await send(lib, headers={"X-A": value})


@pytest.mark.parametrize("name", ["X A", "X:A", "", "X\r\nY", "\u00fc"])
@same("a header name that is no token is sent")
async def test_a_name_must_be_a_token(lib: Lib, name: str) -> Any:
    return await send(lib, headers={name: "1"})


@same("the client's cookies are not sent")
async def test_cookies_of_the_client(lib: Lib) -> Any:
    return await send(lib, settings={"cookies": {"a": "1", "b": "2"}})


@same("cookies of a request replace all of the client's")
async def test_cookies_are_merged(lib: Lib) -> Any:
    return await send(lib, settings={"cookies": {"a": "1", "b": "2"}}, cookies={"b": "3", "c": "4"})


@same("cookies of a request stay with the client")
async def test_cookies_of_a_request_are_not_kept(lib: Lib) -> Any:
    async with lib.client() as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            await client.get(lib.site.url + "/", cookies={"a": "1"})
        await client.get(lib.site.url + "/")
        return lib.site.wire, client.inner.cookies


@same("cookies of a request are not deprecated")
async def test_cookies_of_a_request_warn(lib: Lib) -> Any:
    async with lib.client() as client:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            await client.get(lib.site.url + "/", cookies={"a": "1"})
    return [one.category for one in caught]


@same("a Cookie field and cookies= are sent otherwise")
async def test_a_cookie_field_beside_cookies(lib: Lib) -> Any:
    return await send(lib, settings={"cookies": {"a": "1"}}, headers={"Cookie": "b=2"})


@same("cookies that responses set are not kept")
async def test_cookies_are_kept(lib: Lib) -> Any:
    lib.site.on(
        "/a", answer("200 OK", "Set-Cookie: a=1", "Set-Cookie: b=2; Path=/x", "Set-Cookie: c=3; Secure")
    )
    async with lib.client() as client:
        await client.get(lib.site.url + "/a")
        await client.get(lib.site.url + "/")
        await client.get(lib.site.url + "/x/y")
        return lib.site.wire, [
            (one.name, one.value, one.path, one.secure) for one in client.inner.cookies.jar
        ]


@same("a cookie of an error response is lost")
async def test_cookies_of_an_error_are_kept(lib: Lib) -> Any:
    lib.site.on("/a", answer("500 Oops", "Set-Cookie: a=1"))
    async with lib.client() as client:
        await client.get(lib.site.url + "/a")
        return dict(client.inner.cookies)


@same("setting the cookies of a client keeps the old ones")
async def test_cookies_of_a_client_can_be_set(lib: Lib) -> Any:
    async with lib.client(cookies={"a": "1"}) as client:
        client.inner.cookies = {"b": "2"}
        await client.get(lib.site.url + "/")
    return lib.site.wire


BASES = [
    "http://127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/api",
    "http://127.0.0.1:{port}/api/?k=v",
]


@pytest.mark.parametrize(
    "path", ["", "/", "users", "/users", "users/", "../up", "?q=1", "//x", "a%20b", "a b", "#top"]
)
@pytest.mark.parametrize("base", BASES)
@same("a relative URL is appended to the base URL in another way")
async def test_the_base_url(lib: Lib, base: str, path: str) -> Any:
    async with lib.client(base_url=base.format(port=lib.site.port)) as client:
        response = await client.get(path)
    return response.url, client.inner.base_url, lib.site.wire


@same("an absolute URL does not replace the base URL")
async def test_an_absolute_url_beside_a_base_url(lib: Lib) -> Any:
    async with lib.client(base_url="http://example.org/api") as client:
        return (await client.get(lib.site.url + "/x")).url


@same("a relative URL without a base URL raises something else")
async def test_a_relative_url_without_a_base(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get("/x")


@same("base_url cannot be set, or keeps parsed URLs of the old one")
async def test_the_base_url_can_be_set(lib: Lib) -> Any:
    async with lib.client(base_url="http://example.org/api") as client:
        first = client.inner.build_request("GET", "/x").url
        client.inner.base_url = lib.site.url + "/other"
        return first, (await client.get("/x")).url, client.inner.base_url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "host/path",
        "://host",
        "http://",
        "http:///x",
        "mailto:a@b",
        "",
    ],
)
@same("a URL that cannot be requested raises something else")
async def test_urls_that_cannot_be_requested(lib: Lib, url: str) -> Any:
    async with lib.client() as client:
        await client.get(url)


@same("a port that cannot be is connected to", differs="or is over 65535")
async def test_a_port_that_cannot_be(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get("http://host:99999999/")


@pytest.mark.parametrize("url", [None, 5, b"http://host/", ["http://host/"]])
@same("a URL of another type raises something else")
async def test_a_url_of_another_type(lib: Lib, url: Any) -> Any:
    async with lib.client() as client:
        await client.get(url)


@same("a URL object is not accepted, or changed")
async def test_a_url_object(lib: Lib) -> Any:
    url = lib.httpx.URL(lib.site.url + "/a?b=c#d")
    async with lib.client() as client:
        response = await client.get(url)
    return response.url == url, lib.site.wire


@same("a body is sent with another framing")
async def test_content_of_each_kind(lib: Lib) -> Any:
    wire = []
    for content in (b"bytes", "täxt", b"", lib.world.pieces([b"a", b"", b"bc"])):
        lib.site.received.clear()
        wire += await send(lib, "POST", content=content)
    return wire


@same("GET does not send content")
async def test_content_of_a_get(lib: Lib) -> Any:
    return await send(lib, "GET", content=b"x"), await send(lib, "DELETE", json={"a": 1})


@same("an explicit Content-Type is replaced")
async def test_an_explicit_content_type_counts(lib: Lib) -> Any:
    return await send(lib, "POST", json=[1], headers={"content-type": "application/x"})


@same(
    "a length goes beside an explicit Transfer-Encoding",
    differs="Beside a `Transfer-Encoding` that was set by hand no length is added",
)
async def test_explicit_chunked(lib: Lib) -> Any:
    return await send(lib, "POST", content=b"abc", headers={"Transfer-Encoding": "chunked"})


@same("json= of false, null or nothing is written in another way")
async def test_json_of_empty_values(lib: Lib) -> Any:
    wire = []
    for value in (False, 0, "", [], {}):
        lib.site.received.clear()
        wire += await send(lib, "POST", json=value)
    return wire


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}, b"x"])
@same("json= of what JSON cannot say raises something else")
async def test_json_that_cannot_be_written(lib: Lib, value: Any) -> Any:
    return await send(lib, "POST", json=value)


@pytest.mark.parametrize(
    "timeout", [None, 3.0, 3, (1.0, 2.0), (1.0, 2.0, 3.0, 4.0), "Timeout(1, read=2)", "Timeout(None)"]
)
@same("a timeout reaches the transport in another form")
async def test_the_timeout_in_the_extensions(lib: Lib, timeout: Any) -> Any:
    if isinstance(timeout, str):
        timeout = eval(f"lib.httpx.{timeout}")
    async with lib.client(timeout=timeout) as client:
        first = client.inner.build_request("GET", "http://host/").extensions
        second = client.inner.build_request("GET", "http://host/", timeout=7).extensions
        third = client.inner.build_request("GET", "http://host/", timeout=None).extensions
    return client.inner.timeout, first, second, third


@same("extensions= of a request loses its timeout")
async def test_a_timeout_in_the_extensions_counts(lib: Lib) -> Any:
    async with lib.client() as client:
        given = {"timeout": {"read": 1.0}, "x": 1}
        return client.inner.build_request(
            "GET", "http://host/", timeout=5, extensions=given
        ).extensions, given


@same("a request that was made by hand gets no timeout of the client")
async def test_a_request_made_by_hand(lib: Lib) -> Any:
    request = lib.httpx.Request("GET", lib.site.url + "/")
    async with lib.client(headers={"X-A": "1"}, params={"a": "1"}, cookies={"c": "1"}) as client:
        await client.send(request)
    return lib.site.wire, request.extensions


@same("build_request sends something, or leaves the defaults out")
async def test_build_request(lib: Lib) -> Any:
    async with lib.client(
        headers={"X-A": "1"}, params={"a": "1"}, cookies={"c": "1"}, base_url=lib.site.url
    ) as client:
        request = client.inner.build_request("put", "/x", content=b"y", headers={"X-B": "2"})
        return request.method, request.url, request.headers.raw, request.content, lib.site.wire


@same("a repeated parameter of the client is lost")
async def test_params_of_the_client_can_be_set(lib: Lib) -> Any:
    async with lib.client(params="a=1&a=2") as client:
        before = client.inner.params
        client.inner.params = [("b", "1"), ("b", "2")]
        await client.get(lib.site.url + "/")
    return before, lib.site.wire


@same("the response of a client does not know its request")
async def test_the_request_of_a_response(lib: Lib) -> Any:
    async with lib.client() as client:
        response = await client.post(lib.site.url + "/a", content=b"x")
    return response.request, response.url, response.request.content, response.elapsed.total_seconds() > 0


@same("default_encoding is not applied")
async def test_the_default_encoding(lib: Lib) -> Any:
    lib.site.on("/a", answer("200 OK", content="ü".encode("latin-1")))
    texts = []
    for encoding in ("latin-1", "utf-8", lambda content: "latin-1"):
        async with lib.client(default_encoding=encoding) as client:
            texts.append((await client.get(lib.site.url + "/a")).text)
    return texts


@same("an error of a transport has no request")
async def test_an_error_knows_its_request(lib: Lib) -> Any:
    async with lib.client() as client:
        await client.get("http://127.0.0.1:1/")
