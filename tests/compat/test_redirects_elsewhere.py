"""Redirects to another origin: what stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.compat.harness import Lib, answering, same
from tests.compat.site import Site, answer


@pytest.fixture
def other() -> Iterator[Site]:
    """A second origin."""
    site = Site()
    yield site
    site.close()


async def lead(
    lib: Lib, other: Site, method: str = "GET", *, back: bool = False, status: str = "307 T", **options: Any
) -> Any:
    """From the site to the other one, and on to a third request there or back here."""
    lib.site.on("/a", answer(status, f"Location: {other.url}/b"))
    other.reset()
    other.on("/b", answer(status, f"Location: {lib.site.url if back else other.url}/c"))
    async with lib.client(follow_redirects=True, **options.pop("client", {})) as client:
        await client.request(method, lib.site.url + "/a", **options)
    return lib.site.wire, other.wire


@same("Authorization reaches another origin")
async def test_authorization_stays_behind(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, headers={"Authorization": "Bearer secret"})


@same("credentials of a client's auth reach another origin")
async def test_auth_of_the_client_stays_behind(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, client={"auth": ("user", "secret")})


@same("Authorization comes back on the way from another origin")
async def test_authorization_does_not_come_back(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, back=True, headers={"Authorization": "Bearer secret"})


@same("a Host that was set by hand reaches another origin")
async def test_host_stays_behind(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, headers={"Host": "example.org"})


@same("Proxy-Authorization reaches another origin", differs="`Proxy-Authorization` that was set by hand")
async def test_proxy_authorization_stays_behind(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, headers={"Proxy-Authorization": "Basic eDp5"})


@same("a Cookie field reaches another origin")
async def test_a_cookie_header_stays_behind(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, headers={"Cookie": "a=1"})


@same("a cookie of the client without a domain is kept from another origin")
async def test_a_cookie_without_domain_goes_everywhere(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, client={"cookies": {"a": "1"}})


@same("other headers do not reach another origin")
async def test_other_headers_go_along(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, headers={"X-One": "1", "Accept": "a/b", "Referer": "http://r/"})


@same("content does not reach another origin")
async def test_content_goes_along(lib: Lib, other: Site) -> Any:
    return await lead(lib, other, "POST", content=b"hello")


@same("userinfo of the first URL reaches another origin")
async def test_userinfo_stays_behind(lib: Lib, other: Site) -> Any:
    lib.site.on("/a", answer("302 Found", f"Location: {other.url}/b"))
    other.reset()
    async with lib.client(follow_redirects=True) as client:
        response = await client.get(f"http://user:secret@127.0.0.1:{lib.site.port}/a")
    return response.url, lib.site.wire, other.wire


@same("userinfo of a Location is sent as credentials")
async def test_userinfo_of_a_location_is_not_sent(lib: Lib, other: Site) -> Any:
    lib.site.on("/a", answer("302 Found", f"Location: http://user:secret@127.0.0.1:{other.port}/b"))
    other.reset()
    async with lib.client(follow_redirects=True) as client:
        await client.get(lib.site.url + "/a")
    return other.wire


@pytest.mark.parametrize(
    "before, after",
    [
        ("http://example.org/", "https://example.org/"),
        ("http://example.org:80/", "https://example.org:443/"),
        ("http://example.org/", "https://example.org:8443/"),
        ("http://example.org:8080/", "https://example.org/"),
        ("https://example.org/", "http://example.org/"),
        ("https://example.org/", "https://example.org:443/x"),
        ("http://example.org/", "http://EXAMPLE.org/x"),
        ("http://example.org/", "http://sub.example.org/"),
        ("https://example.org/", "https://example.org.evil/"),
    ],
)
@same("Authorization is kept for another pair of origins")
async def test_where_authorization_is_kept(lib: Lib, before: str, after: str) -> Any:
    def handler(request: Any) -> Any:
        return lib.httpx.Response(302, headers={"Location": after})

    transport = answering(lib, handler)
    async with lib.client(transport=transport) as client:
        response = await client.get(before, headers={"Authorization": "Bearer secret"})
    return response.next_request.headers.raw
