"""`httpstream URL` beside `httpx URL`: what is printed, byte for byte, and the exit code."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.compat.commands import SAME_FIELDS, run, sent, site
from tests.compat.harness import same
from tests.compat.secure import authority, secure_site
from tests.compat.site import answer

JSON = b'{"name": "x", "list": [1, 2.5, true, null], "inner": {"a": "b"}}'


@same("the head of the response not printed, or not before its content")
def test_a_response_is_its_head_and_its_content(httpx: Any) -> Any:
    with site() as server:
        server.on(
            "/", answer("200 OK", "Content-Type: text/plain", "X-Twice: a", "X-Twice: b", content=b"a\nb\n")
        )
        return run(httpx, server.url + "/")


@same("colours other than httpx's")
def test_the_colours_of_a_response(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", "Content-Type: application/json", content=JSON))
        return run(httpx, server.url + "/", colour=True)


@pytest.mark.parametrize("option", ["-v", "--verbose"])
@same("the request, or how the connection was made, not printed by --verbose, or in another order")
def test_verbose_shows_the_request_and_the_connection(httpx: Any, option: str) -> Any:
    with site() as server:
        return run(httpx, server.url + "/a?b=c", option, *SAME_FIELDS)


@same("the colours of --verbose other than httpx's")
def test_the_colours_of_verbose(httpx: Any) -> Any:
    with site() as server:
        return run(httpx, server.url + "/a?b=c", "-v", *SAME_FIELDS, colour=True)


@same("JSON indented by another number, or its characters escaped otherwise")
def test_json_is_indented(httpx: Any) -> Any:
    with site() as server:
        content = '{"ü": "\\u00fc", "n": 1e3, "empty": []}'.encode()
        server.on("/", answer("200 OK", "Content-Type: application/json; charset=utf-8", content=content))
        return run(httpx, server.url + "/")


@same("content that says it is JSON and is not left out, or an error")
def test_what_is_no_json_is_shown_as_it_is(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", "Content-Type: application/json", content=b'{"cut": '))
        return run(httpx, server.url + "/")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text/html", b"<!doctype html><p class='a'>b</p>"),
        ("text/css", b"a { color: red }"),
        ("application/xml", b"<a b='c'/>"),
        ("text/plain; charset=iso-8859-1", b"\xfc"),
        ("application/x-yaml", b"a: 1\n"),
    ],
)
@same("another lexer for a media type")
def test_content_is_coloured_by_its_media_type(httpx: Any, kind: str, content: bytes) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", f"Content-Type: {kind}", content=content))
        return run(httpx, server.url + "/", colour=True)


@pytest.mark.parametrize("field", ["Content-Type: image/png", "Content-Type: no/such-type", "X-None: a"])
@same("bytes that are no text printed")
def test_content_of_an_unknown_type_is_counted(httpx: Any, field: str) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", field, content=b"\x00\x01\x02"))
        return run(httpx, server.url + "/", colour=True)


@same("something printed for content that is not there")
def test_no_content_is_nothing(httpx: Any) -> Any:
    with site() as server:
        server.on("/", b"HTTP/1.1 204 No Content\r\n\r\n")
        return run(httpx, server.url + "/")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "301 Moved"])
@same("another exit code for a response that is no success")
def test_the_exit_code_of_what_is_no_success(httpx: Any, status: str) -> Any:
    with site() as server:
        server.on("/", answer(status, "Content-Type: text/plain", content=b"sorry"))
        return run(httpx, server.url + "/")


@pytest.mark.parametrize("line", ["HTTP/1.0 200 Fine", "HTTP/1.1 200 ", "HTTP/1.1 599 Odd"])
@same("the status line normalised")
def test_the_status_line_is_shown_as_it_came(httpx: Any, line: str) -> Any:
    with site() as server:
        server.on("/", f"{line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return run(httpx, server.url + "/")


@same("long lines cut, or wrapped elsewhere")
def test_long_lines_are_wrapped_at_the_width_of_the_terminal(httpx: Any) -> Any:
    with site() as server:
        server.on(
            "/", answer("200 OK", "Content-Type: text/plain", "X-Long: " + "ab " * 40, content=b"x" * 100)
        )
        return run(httpx, server.url + "/", width=50)


@pytest.mark.parametrize("options", [[], ["--follow-redirects"]])
@same("redirects followed unasked, or not when asked")
def test_redirects_are_followed_when_asked(httpx: Any, options: list[str]) -> Any:
    with site() as server:
        server.on("/", answer("302 Found", "Location: /b"))
        result = run(httpx, server.url + "/", "-v", *options, *SAME_FIELDS)
        return result, sent(server)


@same("an endless redirect not an error with exit code 1")
def test_too_many_redirects_are_an_error(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("302 Found", "Location: /"))
        code, said, raised = run(httpx, server.url + "/", "--follow-redirects")
        return code, said[-20:], raised, len(server.received)


@same("a refused connection not an error in red with exit code 1")
def test_an_error_is_its_name_in_red(httpx: Any) -> Any:
    return run(httpx, "http://127.0.0.1:1/", "-v", colour=True)


@pytest.mark.parametrize("url", ["nothing", "ftp://host/", "http://"])
@same("a URL that cannot be asked not an error with exit code 1")
def test_a_url_that_nobody_speaks_is_an_error(httpx: Any, url: str) -> Any:
    return run(httpx, url)


@same("--timeout without effect")
def test_a_timeout_is_an_error(httpx: Any) -> Any:
    with site() as server:
        server.on("/", [])
        return run(httpx, server.url + "/", "--timeout", "0.05")


@same("content that is cut off not an error, or its head not shown")
def test_content_that_is_cut_off_is_an_error(httpx: Any) -> Any:
    with site() as server:
        server.on("/", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabc")
        return run(httpx, server.url + "/")


@same("TLS or the certificate not shown by --verbose, or in another form")
def test_verbose_shows_tls_and_the_certificate(httpx: Any) -> Any:
    with secure_site() as server:
        trusted = {"SSL_CERT_FILE": str(authority().ca_file)}
        return run(httpx, server.url, "-v", *SAME_FIELDS, colour=True, environment=trusted)


@same("a certificate that nobody vouches for accepted")
def test_certificates_are_verified(httpx: Any) -> Any:
    with secure_site() as server:
        return run(httpx, server.url, "-v", *SAME_FIELDS), server.wire


@same("--no-verify without effect", differs="`--no-verify` has its effect with every version of click")
def test_no_verify_accepts_any_certificate(httpx: Any) -> Any:
    with secure_site() as server:
        return run(httpx, server.url, "--no-verify")


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
@same("the file of --download not the content, or the bar in another layout")
def test_download_writes_a_file_beside_a_bar(httpx: Any, framing: str) -> Any:
    content = b"x" * 1000
    with site() as server, tempfile.TemporaryDirectory() as folder:
        wire = content if "Length" in framing else b"3e8\r\n" + content + b"\r\n0\r\n\r\n"
        server.on("/", answer("200 OK", framing, content=wire))
        code, said, raised = run(httpx, server.url + "/", "--download", f"{folder}/file")
        said = re.sub(r"[\d.]+ [kM]?B(ytes)?/s|\?", "<speed>", said.replace(folder, "<folder>"))
        return code, re.sub("[━╸╺ ]+", " ", said), raised, Path(folder, "file").read_bytes()


@same("a download of an error not written, or a success")
def test_download_of_an_error_is_written_and_exits_with_one(httpx: Any) -> Any:
    with site() as server, tempfile.TemporaryDirectory() as folder:
        server.on("/", answer("404 Not Found", content=b"sorry"))
        code = run(httpx, server.url + "/", "--download", f"{folder}/file")[0]
        return code, Path(folder, "file").read_bytes()


@same("an option of httpx's command line missing, or with other letters, arity or default")
def test_the_options_of_the_command(httpx: Any) -> Any:
    ours = {one.name: one for one in httpx.main.params}
    verify = ours.pop("verify", None) or ours.pop("no_verify")
    return verify.opts, {
        name: (
            sorted(one.opts),
            one.nargs,
            one.multiple if hasattr(one, "multiple") else None,
            getattr(one, "is_flag", None),
            one.required,
        )
        for name, one in ours.items()
    }


@pytest.mark.parametrize(
    "arguments", [[], ["http://h/", "--no-such"], ["http://h/", "-p", "one"], ["a", "b"]]
)
@same("wrong arguments not refused with exit code 2")
def test_wrong_arguments_have_exit_code_two(httpx: Any, arguments: list[str]) -> Any:
    code, said, raised = run(httpx, *arguments)
    return code, said, raised


@same("an option not explained by --help")
def test_help_names_every_option(httpx: Any) -> Any:
    code, said, raised = run(httpx, "--help")
    return code, sorted(set(re.findall(r"(?<!\S)--?[a-z0-9-]+", said)) - {"--version"}), raised


@same("a field beyond US-ASCII a traceback", differs="A field beyond US-ASCII")
def test_a_field_beyond_ascii(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", "X-A: \xfc"))
        return run(httpx, server.url + "/")


@same("what a server sends obeyed by the terminal", differs="Characters that steer a terminal")
def test_control_characters_in_content(httpx: Any) -> Any:
    with site() as server:
        server.on("/", answer("200 OK", "Content-Type: text/plain", content=b"\x1b]0;owned\x07 \x1b[2J"))
        return run(httpx, server.url + "/")


@pytest.mark.parametrize("arguments", [["http://host:99999/"], ["http://host/", "--proxy", "no://proxy"]])
@same("bad input of a command a traceback", differs="Whatever is wrong with the arguments is one line")
def test_bad_input_is_one_line(httpx: Any, arguments: list[str]) -> Any:
    return run(httpx, *arguments)
