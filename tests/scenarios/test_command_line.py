"""`httpstream URL` as a person runs it: a process, what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.dialogue import head
from tests.servers.fault import FaultServer
from tests.servers.steps import expect_end, expect_request, fin, ignore_until_end, send

COMMAND = [sys.executable, "-W", "error", "-m", "httpstream._cli"]
Servers = Callable[..., FaultServer]
TEXT = ("Content-Type: text/plain; charset=utf-8", "Connection: close")

pytestmark = pytest.mark.slow  # a process takes a fifth of a second to start


def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=os.environ | {"COLUMNS": "80", "NO_PROXY": "*"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_response_is_printed_and_the_exit_code_says_whether_it_is_a_success(fault_server: Servers) -> None:
    content = "größer\n".encode()
    for status, code in (("200 OK", 0), ("404 Not Found", 1)):
        answer = head(*TEXT, f"Content-Length: {len(content)}", status=status) + content
        server = fault_server([expect_request("GET /a"), send(answer), fin()])
        with start(server.url + "/a", PYTHONIOENCODING="utf-8") as process:
            said, problems = process.communicate(timeout=20)
        assert said.decode().splitlines() == [
            f"HTTP/1.1 {status}",
            *TEXT,
            "Content-Length: 9",
            "",
            "größer",
            "",
        ]
        assert (process.returncode, problems) == (code, b"")


def test_an_output_that_lacks_a_character_shows_a_question_mark(fault_server: Servers) -> None:
    server = fault_server(
        [expect_request("GET /a"), send(head(*TEXT, "Content-Length: 2") + b"\xc3\xbc"), fin()]
    )
    with start(server.url + "/a", PYTHONIOENCODING="ascii") as process:
        said, problems = process.communicate(timeout=20)
    assert said.decode().splitlines()[-1:] == ["?"]
    assert (process.returncode, problems) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="a process there is not interrupted by a signal")
def test_interrupted_it_says_so_and_exits_with_130(fault_server: Servers) -> None:
    server = fault_server(
        [expect_request("GET /a"), send(head(*TEXT, "Content-Length: 9") + b"con"), expect_end()]
    )
    with start(server.url + "/a") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"HTTP/1.1 200 OK\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().strip() == b"httpstream: interrupted"
        assert process.wait(10) == 130


def test_a_reader_that_leaves_ends_it_quietly(fault_server: Servers) -> None:
    content = b"line\n" * 100_000
    answer = head(*TEXT, f"Content-Length: {len(content)}") + content
    server = fault_server([expect_request("GET /a"), send(answer), ignore_until_end()], strict=False)
    with start(server.url + "/a") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"HTTP/1.1 200 OK\n"
        process.stdout.close()
        problems = process.stderr.read()
        assert process.wait(10) == 1
    assert b"Traceback" not in problems
