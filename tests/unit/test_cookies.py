"""Cookies beside what httpx has: they cost nothing until there is one, and nothing that a server sets does harm."""

from __future__ import annotations

import random
import sys
import threading
import time

import pytest

import httpstream
from httpstream import Cookies, LocalProtocolError, Request, Response
from tests.unit.test_api_surface import run_python

WITHOUT_COOKIES = """
import sys, httpstream
answer = lambda request: httpstream.Response(200, content=b"x")
with httpstream.Client(transport=httpstream.MockTransport(answer), follow_redirects=True) as client:
    response = client.get("http://host.example/")
    cookies = client.cookies
    print(len(cookies), bool(cookies), len(response.cookies), list(cookies), cookies.get("a"))
    client.cookies.clear()
print("http.cookiejar" in sys.modules, "urllib.request" in sys.modules)
"""


def test_a_client_without_cookies_loads_no_cookie_jar() -> None:
    assert run_python(WITHOUT_COOKIES) == "0 False 0 [] None\nFalse False\n"


def test_a_look_at_empty_cookies_makes_no_jar() -> None:
    cookies = Cookies(Cookies())
    request = Request("GET", "http://host.example/", cookies=cookies)
    cookies.extract_cookies(Response(200, request=request))
    cookies.set_cookie_header(request)
    cookies.update()
    cookies.delete("a")
    assert (len(cookies), list(cookies), repr(cookies)) == (0, [], "<Cookies[]>")
    assert cookies._jar is None
    assert cookies.jar is cookies.jar


@pytest.fixture
def often_switching() -> object:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often_switching")
def test_first_cookies_that_come_at_once_are_all_kept() -> None:
    names = [f"n{i}" for i in range(8)]
    for _ in range(50):
        cookies, ready = Cookies(), threading.Barrier(len(names))

        def set_one(name: str, cookies: Cookies = cookies, ready: threading.Barrier = ready) -> None:
            ready.wait()
            cookies.set(name, "1")

        threads = [threading.Thread(target=set_one, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(cookies) == names


@pytest.mark.usefixtures("often_switching")
def test_cookies_are_copied_while_a_response_deletes_them() -> None:
    """As with one client on several threads. (What goes wrong without a lock goes wrong on CPython 3.10.)"""
    request = Request("GET", "http://host.example/")
    ends = ("", "; Max-Age=0")
    sets, deletes = (
        Response(200, headers=[("Set-Cookie", f"n{i}=1{end}") for i in range(20)], request=request)
        for end in ends
    )
    cookies, stop = Cookies(), threading.Event()

    def set_and_delete() -> None:
        while not stop.is_set():
            cookies.extract_cookies(sets)
            cookies.extract_cookies(deletes)

    writer = threading.Thread(target=set_and_delete)
    writer.start()
    end = time.monotonic() + 0.15
    try:
        while time.monotonic() < end:
            assert len(Cookies(cookies)) <= 20
    finally:
        stop.set()
        writer.join()


# What cookies are made of, and what a hostile server would put in between.
PARTS = [
    *(
        b"a=b",
        b"; ",
        b";",
        b"=",
        b",",
        b'"',
        b" ",
        b"\t",
        b"\\",
        b"/",
        b"..",
        b"$Version",
        b"secure",
        b"HttpOnly",
    ),
    *(
        b"expires=",
        b"max-age=",
        b"Max-Age = ",
        b"domain=",
        b"path=",
        b"port=",
        b"port",
        b"version=",
        b"comment=",
    ),
    *(
        b"9" * 400,
        b"9" * 5000,
        b"-" + b"9" * 400,
        b"1_0" * 200,
        b"1e999",
        b"inf",
        b"-1",
        "٣".encode(),
        "٣".encode() * 400,
    ),
    *(
        b"Thu, 01 Jan 99999 00:00:00 GMT",
        b"01 Jan 0000 00:00:00 GMT",
        b"31 Feb 2030 00:00:00 GMT",
        b"2030-01-01",
    ),
    *(b"01/Jan/2030:00:00:00 -9999", b"Wed, 09 Jun " + b"9" * 30 + b" 10:18:14 GMT"),
    *(
        b"\xe9",
        b"\xc3\xa9",
        b"\xed\xa0\x80",
        b"\x00",
        b"\x01",
        b"\r\nX: y",
        b"\x7f",
        b"\x85",
        "\u2028".encode(),
    ),
    *(b"localhost", b".host", b"host.example", b".example", b"%zz", b"[::1]", b"127.0.0.1"),
]
URLS = [
    *(
        "http://host.example/x/y",
        "https://[::1]:8/",
        "http://[fe80::1%25eth0]/",
        "http://host/%zz",
        "http://h%5D/",
    ),
    *(
        "foo://h/",
        "mailto:x",
        "http://bücher.example/a",
        "http://u:p@localhost/",
        "http://1.2.3.4/a;b?c#d",
        "/p",
    ),
    *("http://h/é\u2028", "http://a|b/", "http:///p", "http://host.example/][", "//host/p", ""),
]


def test_whatever_a_server_sets_the_next_request_can_be_made() -> None:
    """No exception, no warning (they are errors here), and a field value of which the wire makes one line."""
    choose = random.Random(6265)
    end = time.monotonic() + 0.15
    while time.monotonic() < end:
        values = [
            b"".join(choose.choices(PARTS, k=choose.randint(1, 8))) for _ in range(choose.randint(1, 3))
        ]
        url, next_url = choose.choices(URLS, k=2)
        response = Response(
            200, headers=[("Set-Cookie", b"a=b; " + value) for value in values], request=Request("GET", url)
        )
        cookies = response.cookies
        for target in (url, next_url):
            request = Request("GET", target, headers={"A": "b"}, cookies=cookies)
            value = request.headers._get_bytes(b"cookie") or b"-"
            assert not set(value) & {*range(9), *range(10, 32), 127}, (values, url)
            assert value == value.strip(), (values, url)
        assert all(
            isinstance(cookies.get(name, domain=each.domain, path=each.path), str)
            for name, each in zip(cookies, cookies.jar, strict=True)
        )


@pytest.mark.parametrize("value", ["b\r\nX: y", "b\nX: y", "b\rc", "b\x00", "\x7f"])
@pytest.mark.parametrize("place", ["value", "name"])
def test_a_cookie_that_is_given_adds_no_line_to_the_wire(value: str, place: str) -> None:
    cookies = {"a": value} if place == "value" else {value: "a"}
    with (
        httpstream.Client(cookies=cookies) as client,
        pytest.raises(LocalProtocolError, match="Cookie") as caught,
    ):
        client.get("http://127.0.0.1:9/")
    assert caught.value.request.url.host == "127.0.0.1"


def test_a_lone_surrogate_is_refused_with_the_request_and_without_the_value() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Request("GET", "http://host.example/", cookies={"a": "secret\ud800"})
    assert "secret" not in str(caught.value)
    assert caught.value.request.url.host == "host.example"


def test_what_was_sent_goes_back_byte_for_byte_in_utf_8() -> None:
    request = Request("GET", "http://host.example/")
    response = Response(200, headers=[(b"Set-Cookie", "ключ=значение".encode())], request=request)
    again = Request("GET", "http://host.example/", headers={"X": "ascii"}, cookies=response.cookies)
    assert again.headers._get_bytes(b"cookie") == "ключ=значение".encode()
