"""What `docs/differences.md` says of httpx and of httpstream, by asking both.

Each case names the words of the page that it stands for. Times are compared elsewhere: in the scenarios.
"""

from __future__ import annotations

import gzip
import io
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import httpstream
from tests.dialogue import head
from tests.servers.fault import FaultServer
from tests.servers.steps import expect_request, fin, ignore_until_end, send, serve
from tools.docs import ROOT

httpx = pytest.importorskip("httpx")
PAGE = " ".join((ROOT / "docs" / "differences.md").read_text().split())
GZIP = "Content-Encoding: gzip"
TEXT = b"the same words again and again " * 20


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or the name of what it raises, with its library where that is neither of ours."""
    try:
        return call()
    except Exception as exc:
        library = type(exc).__module__.partition(".")[0]
        if library not in ("httpx", "httpstream", "builtins"):
            return f"{library}'s error"
        # Which of its three kinds it is depends on the version of Python.
        return "UnicodeError" if isinstance(exc, UnicodeError) else type(exc).__name__


def check(phrase: str, call: Callable[[Any], Any], in_httpx: Any, in_httpstream: Any) -> None:
    assert phrase in PAGE, f"the page does not say {phrase!r}"
    assert outcome(lambda: call(httpx)) == in_httpx
    assert outcome(lambda: call(httpstream)) == in_httpstream


def sized(content: bytes, *fields: str) -> bytes:
    return head(f"Content-Length: {len(content)}", *fields) + content


def answer(library: Any, *arguments: Any, **options: Any) -> Any:
    return library.Response(200, *arguments, **options)


def in_charset(charset: str) -> Callable[[Any], str]:
    fields = {"Content-Type": f"text/plain; charset={charset}"}
    return lambda library: answer(library, headers=fields, content=b"abc").text


def lines(content: str) -> Callable[[Any], int]:
    return lambda library: len(list(answer(library, content=content.encode()).iter_lines()))


def sizes(library: Any, *arguments: Any) -> list[int]:
    return [len(chunk) for chunk in answer(library, content=bytes(1500)).iter_bytes(*arguments)]


def set_beyond_ascii(library: Any) -> str:
    headers = library.Headers({"a": "b"})
    assert headers.encoding == "ascii"
    headers["x"] = "ä"
    return headers["x"]


def copy_of_status_error(library: Any) -> str:
    request = library.Request("GET", "http://host/")
    error = library.HTTPStatusError("no", request=request, response=library.Response(404, request=request))
    return str(pickle.loads(pickle.dumps(error)))


def message_of(call: Callable[[], Any]) -> str:
    with pytest.raises(Exception) as caught:
        call()
    return str(caught.value)


def status_message(library: Any) -> str:
    request = library.Request("GET", "http://user:secret@host/")
    return message_of(library.Response(404, request=request).raise_for_status)


VALUES: list[tuple[str, Callable[[Any], Any], Any, Any]] = [
    ("give at most 1024 bytes at a time", sizes, [1500], [1024, 476]),
    ("`chunk_size=None` is what httpx does", lambda lib: sizes(lib, None), [1500], [1500]),
    ("means exactly that many, in both", lambda lib: sizes(lib, 1000), [1000, 500], [1000, 500]),
    (
        "counts bytes before decoding, httpx counts characters",
        lambda lib: list(answer(lib, text="äöü").iter_text(2)),
        ["äö", "ü"],
        ["ä", "ö", "ü"],
    ),
    ("not generators", lambda lib: hasattr(answer(lib, content=b"").iter_bytes(), "send"), True, False),
    *[("httpx also at U+2028, U+2029", lines(f"a{end}b"), 2, 1) for end in "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e"],
    *[("alone; httpx also at", lines(f"a{end}b"), 2, 2) for end in ("\n", "\r\n", "\r")],
    ("`hex`, `zlib`, `rot13`, `idna`", in_charset("hex"), "AssertionError", "abc"),
    ("`hex`, `zlib`, `rot13`, `idna`", in_charset("zlib"), "AssertionError", "abc"),
    ("`hex`, `zlib`, `rot13`, `idna`", in_charset("rot13"), "TypeError", "abc"),
    ("`hex`, `zlib`, `rot13`, `idna`", in_charset("idna"), "UnicodeError", "abc"),
    ("UTF-16 without a byte order mark", in_charset("utf-16"), "UnicodeError", b"abc".decode("utf-16", "replace")),
    ("`Timeout((1.0,))`", lambda lib: lib.Timeout((1.0,)), "IndexError", "ValueError"),
    ("drops the fifth", lambda lib: lib.Timeout((1, 2, 3, 4, 5)).pool, 4, "ValueError"),
    (
        "`Timeout(Timeout(5.0), read=1.0)`",
        lambda lib: lib.Timeout(lib.Timeout(5), read=1),
        "AssertionError",
        "ValueError",
    ),
    ("`QueryParams(\"a\", \"b\")`", lambda lib: lib.QueryParams("a", "b"), "AssertionError", "TypeError"),
    ("httpx reads `:+8`", lambda lib: lib.URL("http://a:+8/").port, 8, "InvalidURL"),
    ("and `:٣`", lambda lib: lib.URL("http://a:٣/").port, 3, "InvalidURL"),
    ("drops `:8_0`", lambda lib: lib.URL("http://a:8_0/").port, None, "InvalidURL"),
    ("keeps `:99999`", lambda lib: lib.URL("http://a:99999/").port, 99999, "InvalidURL"),
    ("a lone surrogate", lambda lib: lib.URL("http://a/\ud800"), "UnicodeError", "InvalidURL"),
    ("a component in bytes", lambda lib: lib.URL("http://a/", query=b"\xff"), "UnicodeError", "InvalidURL"),
    ("illegal IPv6 zone", lambda lib: lib.URL("http://[fe80::1%25a b]/").host, "fe80::1%25a b", "InvalidURL"),
    (
        "what may be part of a password",
        lambda lib: "'pa'" in message_of(lambda: lib.URL("http://user:pa/ss@host/")),
        True,
        False,
    ),
    ("loses its default port too", lambda lib: lib.URL("HTTP://host:80/").port, 80, None),
    ("malformed `xn--` name", lambda lib: lib.URL("http://xn--0/").host, "idna's error", "xn--0"),
    ("when the text is no URL", lambda lib: lib.URL("http://a/") == "http://a:x/", "InvalidURL", False),
    (
        '`copy_with(netloc=b"[::1]:8080")`',
        lambda lib: str(lib.URL("http://a/").copy_with(netloc=b"[::1]:8080")),
        "InvalidURL",
        "http://[::1]:8080/",
    ),
    ("`in` and `get()` never raise", lambda lib: "ä" in lib.Headers({"a": "b"}), "UnicodeError", False),
    ("`in` and `get()` never raise", lambda lib: lib.Headers({"a": "b"}).get("ä"), "UnicodeError", None),
    ("something unsuitable is false", lambda lib: lib.Headers({"a": "b"}) == 5, "TypeError", False),
    ("detected again after a change", set_beyond_ascii, "UnicodeError", "ä"),
    ("neither `str` nor `bytes`", lambda lib: lib.Headers({1: "b"}), "AttributeError", "TypeError"),
    ("can be pickled and come back", copy_of_status_error, "TypeError", "no"),
    (
        "can be pickled and come back",
        lambda lib: type(pickle.loads(pickle.dumps(lib.StreamConsumed()))).__name__,
        "TypeError",
        "StreamConsumed",
    ),
    ("`[secure]` in the log line", lambda lib: "secret" in status_message(lib), True, False),
    (
        "`User-Agent` is",
        lambda lib: lib.Client().headers["user-agent"].partition("/")[0],
        "python-httpx",
        "python-httpstream",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case[0])
def test_a_value_differs_as_the_page_says(case: tuple[str, Callable[[Any], Any], Any, Any]) -> None:
    check(*case)


def framing(library: Any, content: Any) -> list[str | None]:
    request = library.Request("POST", "http://host/", content=content)
    return [request.headers.get("content-length"), request.headers.get("transfer-encoding")]


@pytest.mark.parametrize(
    ("phrase", "make", "in_httpx", "in_httpstream"),
    [
        ("from its position to its end", lambda: at(4, io.BytesIO(b"0123456789")), ["10", None], ["6", None]),
        ("`gzip.open()` file", lambda: gzip.open("file.gz"), ["?", None], ["620", None]),  # noqa: SIM115 - the test closes it
        ("httpx announces 0 bytes", lambda: open("/dev/zero", "rb"), ["0", None], [None, "chunked"]),  # noqa: SIM115 - the test closes it
        ("A file in text mode raises `TypeError`", lambda: open("file.gz"), ["?", None], "TypeError"),  # noqa: SIM115 - the test closes it
        ("`bytearray` and `memoryview`", lambda: bytearray(b"abc"), [None, "chunked"], ["3", None]),
        ("`bytearray` and `memoryview`", lambda: memoryview(b"abc"), [None, "chunked"], ["3", None]),
    ],
    ids=str,
)
def test_content_is_framed_as_the_page_says(
    phrase: str,
    make: Callable[[], Any],
    in_httpx: Any,
    in_httpstream: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    size = Path("file.gz").write_bytes(gzip.compress(TEXT))
    contents: list[Any] = []

    def call(library: Any) -> Any:
        contents.append(make())
        return framing(library, contents[-1])

    try:
        check(phrase, call, [str(size), None] if in_httpx == ["?", None] else in_httpx, in_httpstream)
    finally:
        for content in contents:
            if hasattr(content, "close"):
                content.close()


def at(position: int, file: Any) -> Any:
    file.seek(position)
    return file


SIX, SIX_TIMES = b"the same", ", ".join(["gzip"] * 6)
for _ in range(6):
    SIX = gzip.compress(SIX)
TWO = gzip.compress(b"one ") + gzip.compress(b"two")
ANSWERS: list[tuple[str, bytes, Any, Any]] = [
    ("ends before its gzip", sized(zlib.compress(TEXT)[:-3], "Content-Encoding: deflate"), TEXT, "DecodingError"),
    ("behind the end of gzip or deflate", sized(gzip.compress(TEXT) + b"more of it", GZIP), TEXT, "DecodingError"),
    ("All gzip members are decoded", sized(TWO, GZIP), b"one ", b"one two"),
    ("`x-gzip` is decoded", sized(TWO, "Content-Encoding: x-gzip"), TWO, b"one two"),
    ("more than one `Content-Length`", sized(b"five!", "Content-Length: 5"), b"five!", "RemoteProtocolError"),
    ("and `5, 5`", head("Content-Length: 5, 5") + b"five!", b"five!", "RemoteProtocolError"),
    ("(obs-fold)", sized(b"ok", "X: a\r\n b"), b"ok", "RemoteProtocolError"),
    ("a version other than", head("Content-Length: 0", version="HTTP/2.0"), b"", "RemoteProtocolError"),
    ("a field longer than 64 KiB", sized(b"ok", "X: " + "a" * 66_000), b"ok", "RemoteProtocolError"),
    ("refused by both", head("Upgrade: x", status="101 Switching Protocols"), *["RemoteProtocolError"] * 2),
    ("More than five content codings", sized(SIX, "Content-Encoding: " + SIX_TIMES), b"the same", "DecodingError"),
]  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case[0])
def test_an_answer_is_taken_as_the_page_says(
    case: tuple[str, bytes, Any, Any], fault_server: Callable[..., FaultServer]
) -> None:
    phrase, data, in_httpx, in_httpstream = case

    def get(library: Any) -> bytes:
        server = fault_server([expect_request("GET"), send(data), fin()], strict=False)
        return library.get(server.url, trust_env=False).content

    check(phrase, get, in_httpx, in_httpstream)


def test_bytes_behind_a_response_are_no_answer(fault_server: Callable[..., FaultServer]) -> None:
    def get_twice(library: Any) -> bytes:
        server = fault_server(
            [expect_request("GET"), send(sized(b"mine") + sized(b"nobody's")), ignore_until_end()]
        )
        with library.Client(trust_env=False) as client:
            client.get(server.url)
            return client.get(server.url + "/second").content

    check("httpx gives them to the next request", get_twice, b"nobody's", b"GET /second")


def test_a_request_that_met_a_closing_connection_is_sent_once_more(
    fault_server: Callable[..., FaultServer],
) -> None:
    def get_twice(library: Any) -> bytes:
        server = fault_server(
            [expect_request("GET"), send(sized(b"first")), expect_request("GET"), fin()], then=[serve()]
        )
        with library.Client(trust_env=False) as client:
            client.get(server.url)
            return client.get(server.url + "/second").content

    check("just as a request goes out on it", get_twice, "RemoteProtocolError", b"GET /second")


def test_a_status_error_that_ends_a_block_has_its_content(fault_server: Callable[..., FaultServer]) -> None:
    def get(library: Any) -> str:
        data = head("Content-Length: 3", status="404 Not Found") + b"why"
        server = fault_server([expect_request("GET"), send(data), fin()])
        with pytest.raises(library.HTTPStatusError) as caught:
            with library.stream("GET", server.url, trust_env=False) as response:
                response.raise_for_status()
        return caught.value.response.text

    check("`exc.response.text` works", get, "ResponseNotRead", "why")
