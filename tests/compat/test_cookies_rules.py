"""Cookies: what a server may set for which URL, and which request carries it back."""

from __future__ import annotations

import http.cookiejar
import warnings
from typing import Any

import pytest

from tests.compat.harness import same
from tests.compat.test_cookies import seen

HERE = "http://host.example/a/b"
SECURE, BELOW, ABOVE, BESIDE = (
    "https://host.example/a/b",
    "http://host.example/a/b/c",
    "http://host.example/",
    "http://host.example/a/x",
)
SUB, OTHER, PORT = "http://sub.host.example/a/b", "http://other.example/a/b", "http://host.example:81/a/b"
TARGETS = (
    HERE,
    SECURE,
    BELOW,
    ABOVE,
    BESIDE,
    SUB,
    OTHER,
    PORT,
    "http://HOST.EXAMPLE/a/b",
    "wss://host.example/a/b",
)


def answer(httpx: Any, *values: str | bytes, url: str = HERE) -> Any:
    fields = [("set-cookie", value) for value in values]
    return httpx.Response(200, headers=fields, request=httpx.Request("GET", url))


def sent(httpx: Any, cookies: Any, url: str = HERE, **options: Any) -> Any:
    """The field lines of a request with these cookies."""
    return httpx.Request("GET", url, cookies=cookies, **options).headers.raw


def round_trip(httpx: Any, *values: str, url: str = HERE) -> Any:
    """What the server's cookies look like, and what goes to each target."""
    cookies = answer(httpx, *values, url=url).cookies
    return seen(cookies), [sent(httpx, cookies, target) for target in TARGETS]


@same("a cookie goes to the root path too")
@pytest.mark.parametrize(
    "path",
    ["", "; Path=/", "; Path=/a", "; Path=/a/b", "; Path=/x", "; path=a", "; PATH=/", "; Path=", "; Path=/A"],
)
def test_a_cookie_is_for_its_path_and_below(httpx: Any, path: str) -> Any:
    return round_trip(httpx, f"a=b{path}")


@same("a cookie without a domain goes to subdomains")
@pytest.mark.parametrize(
    "domain",
    [
        "host.example",
        ".host.example",
        "HOST.EXAMPLE",
        "example",
        ".example",
        "other.example",
        "sub.host.example",
        "",
        "é",
    ],
)
def test_a_cookie_is_for_its_domain(httpx: Any, domain: str) -> Any:
    return round_trip(httpx, f"a=b; Domain={domain}; Path=/")


@same("a host may set a cookie for a subdomain")
@pytest.mark.parametrize("domain", ["host.example", "sub.host.example", "example", "localhost"])
def test_a_subdomain_may_set_a_cookie_for_its_parent(httpx: Any, domain: str) -> Any:
    return round_trip(httpx, f"a=b; Domain={domain}; Path=/", url=SUB)


@same("localhost is no host for cookies")
@pytest.mark.parametrize(
    "url", ["http://localhost/a", "http://127.0.0.1:8080/a", "http://[::1]/a", "http://intranet/"]
)
def test_a_host_without_a_dot_gets_its_cookies(httpx: Any, url: str) -> Any:
    cookies = answer(httpx, "a=b", "c=d; Domain=localhost", url=url).cookies
    return seen(cookies), sent(httpx, cookies, url), sent(httpx, cookies)


@same("a secure cookie goes over http")
def test_a_secure_cookie_goes_over_tls_alone(httpx: Any) -> Any:
    return round_trip(httpx, "a=b; Secure; Path=/")


@same("a cookie that has expired is kept")
@pytest.mark.parametrize(
    "end",
    [
        "Max-Age=100000000",
        "Max-Age=0",
        "Max-Age=-1",
        "Max-Age=x",
        'Max-Age="10"',
        "Expires=Wed, 09 Jun 2100 10:18:14 GMT",
        "Expires=Wed, 09-Jun-2100 10:18:14 GMT",
        "Expires=Wed, 09 Jun 2000 10:18:14 GMT",
        "Expires=foo",
        "Expires=Wed, 09 Jun 2100 10:18:14 GMT; Max-Age=0",
    ],
)
def test_a_cookie_has_an_end(httpx: Any, end: str) -> Any:
    return round_trip(httpx, f"a=b; {end}", "c=d")


@same("a cookie that is set anew with an end in the past stays")
def test_a_server_deletes_a_cookie(httpx: Any) -> Any:
    cookies = answer(httpx, "a=b; Path=/", "c=d; Path=/").cookies
    cookies.extract_cookies(answer(httpx, "a=; Path=/; Max-Age=0"))
    return seen(cookies)


@same("an attribute that is not known drops the cookie")
@pytest.mark.parametrize(
    "attributes",
    [
        "HttpOnly",
        "SameSite=Lax",
        "foo=bar; baz",
        "Version=1",
        "Comment=x; CommentURL=y",
        "Port=80",
        'Port="80,81"',
        "Port",
    ],
)
def test_other_attributes_are_kept(httpx: Any, attributes: str) -> Any:
    return round_trip(httpx, f"a=b; {attributes}")


@same("blanks around a name are kept")
@pytest.mark.parametrize(
    "value",
    ["  a = b ; path = / ", "a=", "=b", "a=b=c", 'a="b c"', 'a="b;c"', "a=b c", "a=b, c=d", "$a=b", "a=b\tc"],
)
def test_a_cookie_is_read(httpx: Any, value: str) -> Any:
    return round_trip(httpx, value)


@same("an empty Set-Cookie is an error")
@pytest.mark.parametrize(
    "value", ["", ";", ";;", "path=/; a=b", "expires=foo; a=b", "domain=host.example", "="]
)
def test_a_set_cookie_that_sets_nothing(httpx: Any, value: str) -> Any:
    return round_trip(httpx, value)


@same("the longest path does not come first")
def test_several_cookies_go_in_one_field(httpx: Any) -> Any:
    return round_trip(httpx, "a=1; Path=/", "b=2", "c=3; Path=/a/b", "a=4; Path=/a", "b=5")


@same("a name alone has no value", differs='A cookie whose server sent a name alone has the value `""`')
def test_a_name_without_a_value(httpx: Any) -> Any:
    try:
        return dict(answer(httpx, "a").cookies)
    except KeyError:
        return "KeyError"


@same("UTF-8 in a cookie is sent as ISO-8859-1")
@pytest.mark.parametrize("value", ["a=é".encode(), "é=ü".encode(), b"a=\xe9", "a=é; Path=/".encode()])
def test_a_cookie_beyond_ascii_is_read(httpx: Any, value: bytes) -> Any:
    cookies = answer(httpx, value).cookies
    return seen(cookies), sent(httpx, cookies)


@same(
    "a cookie beyond US-ASCII fails when it is sent",
    differs="beyond US-ASCII is sent in UTF-8, as most servers",
)
def test_a_cookie_beyond_ascii_is_sent_beside_other_fields(httpx: Any) -> Any:
    return sent(httpx, answer(httpx, "a=é".encode()).cookies, headers={"X": "y"})


@same("each cookie is read like the other fields", differs="A `Set-Cookie` beyond US-ASCII is read by itself")
def test_a_cookie_is_read_by_itself(httpx: Any) -> Any:
    fields = [(b"x", b"\xe9"), (b"set-cookie", "a=é".encode())]
    return seen(httpx.Response(200, headers=fields, request=httpx.Request("GET", HERE)).cookies)


@same(
    "a lone surrogate raises UnicodeEncodeError in a cookie", differs="A cookie with a lone surrogate raises"
)
def test_a_cookie_that_is_no_text(httpx: Any) -> Any:
    return sent(httpx, {"a": "\ud800"})


@same("a cookie with a control character is kept", differs="with a control character is ignored")
@pytest.mark.parametrize("value", [b"a=b\x01", b"a=b; Path=/\x7f", b"a=b\r\nX: y", b"\x00"])
def test_a_set_cookie_with_a_control_character(httpx: Any, value: bytes) -> Any:
    return seen(answer(httpx, b"c=d", value).cookies)


@same("an age of 400 digits drops the cookies beside it", differs="A `Max-Age` of hundreds of digits")
def test_an_age_that_no_clock_holds(httpx: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return seen(answer(httpx, "a=b; Max-Age=" + "9" * 400, "c=d").cookies)


@same("cookies for a relative URL raise ValueError", differs="A relative URL gets no cookies and sets none")
@pytest.mark.parametrize("url", ["/p", "//host/p", "", "p"])
def test_a_relative_url_has_no_cookies(httpx: Any, url: str) -> Any:
    return sent(httpx, {"a": "b"}, url)


@same("cookies go to http and https alone")
@pytest.mark.parametrize("url", ["foo://host/", "ftp://host/", "http://bücher.example/", "http://host?q"])
def test_cookies_go_to_any_scheme(httpx: Any, url: str) -> Any:
    return sent(httpx, {"a": "b"}, url), seen(answer(httpx, "c=d", url=url).cookies)


@same(
    "a password becomes a part of a domain",
    differs="The userinfo of a URL has nothing to do with its cookies",
)
def test_userinfo_is_no_part_of_a_domain(httpx: Any) -> Any:
    client = httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, headers={"Set-Cookie": "a=b"}))
    )
    client.get("http://user:secret@host.example/")
    sent = client.get("http://host.example/").request.headers.get("cookie")
    if httpx.__name__ == "httpstream":
        assert (sent, repr(client.cookies)) == ("a=b", "<Cookies[<Cookie a=b for host.example />]>")
    return sent, repr(client.cookies)


@same("Cookie stands behind the fields of the content")
def test_the_cookie_field_stands_behind_the_given_ones(httpx: Any) -> Any:
    request = httpx.Request("POST", HERE, headers={"X": "1"}, cookies={"a": "b", "c": "d"}, json={})
    streamed = httpx.Request(
        "POST", HERE, headers={"X": "1"}, cookies={"a": "b"}, stream=httpx.ByteStream(b"")
    )
    return request.headers.raw, streamed.headers.raw


@same("cookies= is added to a Cookie field")
def test_a_cookie_field_that_is_given_stays(httpx: Any) -> Any:
    return sent(httpx, {"a": "b"}, headers={"cookie": "x=y"}), sent(httpx, {}, headers={"Cookie": "x=y"})


@same("the value of a cookie is quoted")
@pytest.mark.parametrize("value", ["b c", 'b"c', "b;c", "b,c", "", 1, None, "b\r\nX: y"])
def test_a_value_is_sent_as_it_is(httpx: Any, value: Any) -> Any:
    return sent(httpx, {"a": value})


@same("response.cookies needs no request")
def test_the_cookies_of_a_response_need_its_request(httpx: Any) -> Any:
    return httpx.Response(200).cookies


@same("response.cookies is made anew each time")
def test_the_cookies_of_a_response_are_kept(httpx: Any) -> Any:
    response = answer(httpx, "a=b")
    return response.cookies is response.cookies, seen(response.cookies), seen(answer(httpx).cookies)


@same("the policy of a jar does not count")
def test_the_policy_of_a_jar_counts(httpx: Any) -> Any:
    refusing = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    cookies = httpx.Cookies(refusing)
    cookies.extract_cookies(answer(httpx, "a=b"))
    return seen(cookies)


@same("Set-Cookie2 never counts")
def test_a_policy_may_want_the_cookies_of_rfc_2965(httpx: Any) -> Any:
    cookies = httpx.Cookies(http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(rfc2965=True)))
    fields = [("set-cookie2", 'a="b"; Version=1; Comment="hello"'), ("set-cookie", "c=d")]
    cookies.extract_cookies(httpx.Response(200, headers=fields, request=httpx.Request("GET", HERE)))
    request = httpx.Request("GET", HERE)
    cookies.set_cookie_header(request)
    return seen(cookies), request.headers.raw


class OwnJar(http.cookiejar.CookieJar):
    """A jar that notes what it is shown, and gives fields of its own."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        names = ("full_url", "host", "type", "selector", "origin_req_host", "unverifiable", "data")
        shown = [getattr(request, name) for name in names]
        self.shown = [
            response.info().get_all("Set-Cookie"),
            request.get_method(),
            sorted(request.header_items()),
            shown,
        ]

    def add_cookie_header(self, request: Any) -> None:
        request.add_unredirected_header("Cookie", "own=1")
        request.add_unredirected_header("X-Own", "z")


@same("a jar of one's own sees no headers")
def test_a_jar_sees_the_messages(httpx: Any) -> Any:
    jar = OwnJar()
    cookies = httpx.Cookies(jar)
    cookies.extract_cookies(answer(httpx, "a=b", "c=d", url="https://host.example:444/p?q#f"))
    with_cookies = jar.shown
    cookies.extract_cookies(answer(httpx))
    return with_cookies, jar.shown


@same("a jar of one's own is not asked for fields")
def test_a_jar_adds_fields(httpx: Any) -> Any:
    request = httpx.Request("GET", HERE)
    httpx.Cookies(OwnJar()).set_cookie_header(request)
    return request.headers.raw
