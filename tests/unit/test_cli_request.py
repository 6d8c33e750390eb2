"""`httpstream URL`: which command is meant, and what is printed where httpx prints something else or fails."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

import httpstream
from httpstream._cli import main
from httpstream._cli.commands import meant
from httpstream._cli.manual import OPTIONS
from httpstream._cli.request import main as request
from httpstream._cli.view import View, certificate_lines, lexer_name


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["http://host/"], "main"),
        (["-m", "GET", "http://host/"], "main"),
        (["-h", "A", "b", "http://host/"], "main"),
        (["demo", "--rounds", "1"], "cli"),
        (["fetch", "http://host/"], "cli"),
        (["fetch"], "cli"),
        (["--version"], "cli"),
        (["-V"], "cli"),
    ],
)
def test_a_first_argument_that_is_no_command_is_a_url(arguments: list[str], name: str) -> None:
    command, rest = meant(arguments)
    assert (command.name, rest) == (name, arguments)


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_nothing_to_do_is_asking_for_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "Usage: httpstream URL [OPTIONS]" in said
    assert "httpstream fetch URL" in said


def test_help_tells_of_every_option() -> None:
    told = [name.split(" [")[0].split(", ") for name, _ in OPTIONS]
    assert sorted(map(sorted, told)) == sorted(
        sorted(one.opts) for one in request.params if one.name != "url"
    )


def test_the_version_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"httpstream, version {httpstream.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "UnsupportedProtocol: "),
        (["http://host:99999/"], "InvalidURL: "),
        (["http://127.0.0.1:1/"], "ConnectError: "),
        (["http://127.0.0.1:1/", "--proxy", "no://proxy"], "ValueError: "),
    ],
)
def test_what_goes_wrong_is_one_line_and_exit_code_one(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(said)
    assert "Traceback" not in captured.out + captured.err


def test_a_message_is_no_markup() -> None:
    console = Console(file=io.StringIO(), width=80)
    View(console, verbose=False).error(ValueError("user:[secure]@host and \x1b[2J"))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "ValueError: user:[secure]@host and \ufffd[2J\n"


def test_a_host_is_no_markup() -> None:
    console = Console(file=io.StringIO(), width=80)
    View(console, verbose=True).trace(
        "connection.connect_tcp.started", {"host": "fe80::1:smile:", "port": 80, "timeout": 5.0}
    )
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == "* Connecting to 'fe80::1:smile:'\n"


def test_events_that_nobody_asked_for_print_nothing() -> None:
    console = Console(file=io.StringIO(), width=80)
    view = View(console, verbose=False)
    view.trace("connection.connect_tcp.started", {"host": "h"})
    view.trace("http11.response_closed.started", {})
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_a_head_of_http2_has_no_reason_phrase_of_its_own() -> None:
    console = Console(file=io.StringIO(), width=40)
    view = View(console, verbose=True)
    view.trace(
        "http2.send_request_headers.started",
        {"request": Sent(b"GET", b"/", [(b"Accept", b"*/*")]), "stream_id": 1},
    )
    view.trace("http2.receive_response_headers.complete", {"return_value": (404, [(b"a", b"b")])})
    assert isinstance(console.file, io.StringIO)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert lines == ["GET / HTTP/2", "accept: */*", "", "HTTP/2 404 Not Found", "a: b", ""]


class Sent:
    """A request as an event has it."""

    def __init__(self, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.method = method
        self.headers = headers
        self.url = self
        self.target = target


def test_a_certificate_is_shown_part_by_part() -> None:
    certificate = {
        "subject": ((("commonName", "host"),), (("countryName", "AA"),)),
        "version": 3,
        "subjectAltName": (("DNS", "host"), ("DNS", "other")),
        "OCSP": ("http://ocsp/",),
    }
    assert certificate_lines(certificate) == [
        "subject:",
        "  commonName: 'host'",
        "  countryName: 'AA'",
        "version: 3",
        "subjectAltName:",
        "  DNS: 'host'",
        "  DNS: 'other'",
        "OCSP:",
        "  'http://ocsp/'",
    ]


@pytest.mark.parametrize(
    ("content_type", "name"),
    [(None, ""), ("no/such", ""), ("application/json; charset=utf-8", "JSON"), (" text/html ", "HTML")],
)
def test_a_media_type_names_its_lexer(content_type: str | None, name: str) -> None:
    assert lexer_name(content_type) == name


def test_main_is_the_command_for_clicks_own_tools() -> None:
    assert httpstream.main is request
    assert CliRunner().invoke(httpstream.main, ["nothing"]).exit_code == 1


@pytest.mark.parametrize("absent", ["click", "rich"])
def test_main_without_the_extra_says_what_to_install(absent: str) -> None:
    code = f"import sys; sys.modules[{absent!r}] = None; import httpstream; httpstream.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"httpstream: the command line needs {absent}: pip install 'httpstream[cli]'\n"


def test_pygments_loads_when_something_is_coloured() -> None:
    code = "import sys, httpstream._cli.commands; sys.exit('pygments' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
