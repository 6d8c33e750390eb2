"""`httpstream URL` beside `httpx URL`: what its options put on the wire."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.compat.commands import SAME_FIELDS, run, sent, site
from tests.compat.harness import same
from tests.compat.site import answer


def asked(httpx: Any, *options: str, path: str = "/", typed: str | None = None) -> Any:
    """Exit code, what was raised, and the wire of one command."""
    with site() as server:
        code, _, raised = run(httpx, server.url + path, *options, *SAME_FIELDS, typed=typed)
        return code, raised, sent(server)


@same("another method than GET, or another field, without options")
def test_a_url_alone_is_a_get(httpx: Any) -> Any:
    return asked(httpx, path="/a%20b?c=d&e")


@pytest.mark.parametrize("option", ["-m", "--method"])
@same("the method not sent as given")
def test_the_method_is_an_option(httpx: Any, option: str) -> Any:
    return asked(httpx, option, "put")


@pytest.mark.parametrize(
    "options", [["-c", "x"], ["-d", "a", "b"], ["-j", "{}"], ["-j", '{"a": 1}'], ["-j", "0"], ["-c", ""]]
)
@same("another default method for content, or other content")
def test_content_makes_it_a_post(httpx: Any, options: list[str]) -> Any:
    return asked(httpx, *options)


@same("a method that is given overruled by content")
def test_the_given_method_counts_with_content(httpx: Any) -> Any:
    return asked(httpx, "-m", "PATCH", "--content", "text ü")


@pytest.mark.parametrize("path", ["/", "/?c=d"])
@same("params put into the query otherwise, or only the last of a name")
def test_params_are_added_to_the_query(httpx: Any, path: str) -> Any:
    return asked(httpx, "-p", "a", "1", "--params", "a", "2 3", "-p", "ü", "&", path=path)


@same("form fields encoded otherwise")
def test_data_is_a_form(httpx: Any) -> Any:
    return asked(httpx, "-d", "a", "1", "--data", "b", "x y&z", "-d", "a", "2")


@pytest.mark.parametrize("text", ['{"b": [1, null], "a": "ü"}', '"text"', "[]", "null", "1.0"])
@same("JSON encoded otherwise, or a value taken for none")
def test_json_is_encoded_anew(httpx: Any, text: str) -> Any:
    return asked(httpx, "--json", text)


@same("broken JSON sent, or another exit code")
def test_broken_json_is_refused(httpx: Any) -> Any:
    return asked(httpx, "-j", "{")


@same("files sent otherwise, or not with data")
def test_files_are_a_form_of_parts(httpx: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "b.json"):
            Path(folder, name).write_bytes(name.encode())
        return asked(
            httpx, "-f", "one", f"{folder}/a.txt", "--files", "two", f"{folder}/b.json", "-d", "c", "d"
        )


@same("a file that is not there sent as empty, or another exit code")
def test_a_file_that_is_not_there_is_refused(httpx: Any) -> Any:
    return asked(httpx, "-f", "one", "/no/such/file")


@same("a field replaced by a second one of its name, or a default not replaced")
def test_headers_are_added(httpx: Any) -> Any:
    return asked(httpx, "-h", "X-A", "1", "--headers", "x-a", "2", "-h", "Accept", "text/html")


@same("a header that adds a line sent")
def test_a_header_with_a_line_end_is_refused(httpx: Any) -> Any:
    return asked(httpx, "-h", "X-A", "1\r\nX-B: 2")


@same("cookies sent otherwise")
def test_cookies_are_sent(httpx: Any) -> Any:
    return asked(httpx, "--cookies", "a", "1", "--cookies", "b", "x y")


@same("cookies of an answer not sent to where it redirects")
def test_cookies_that_come_are_sent_on(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("303 See Other", "Location: /b", "Set-Cookie: a=b"))
        code, _, raised = run(httpx, server.url + "/", "--follow-redirects", *SAME_FIELDS)
        return code, raised, sent(server)


@same("credentials not sent as basic authentication")
def test_auth_is_basic(httpx: Any) -> Any:
    return asked(httpx, "--auth", "user", "päss:word")


@same("a dash taken for the password, or the password asked for shown")
def test_a_dash_asks_for_the_password(httpx: Any) -> Any:
    with site() as server:
        result = run(httpx, server.url, "--auth", "user", "-", *SAME_FIELDS, typed="secret\n")
        return result, sent(server)


@same("a request through --proxy not sent to the proxy, or without its credentials")
def test_a_proxy_is_asked(httpx: Any) -> Any:
    with site() as server:
        proxy = server.url.replace("://", "://user:pass@")
        result = run(httpx, "http://host.invalid/a?b", "--proxy", proxy, "-v", *SAME_FIELDS)
        return result, sent(server)


@same("--http2 without effect on a server of HTTP/1.1, or refused")
def test_http2_is_an_offer(httpx: Any) -> Any:
    return asked(httpx, "--http2")
