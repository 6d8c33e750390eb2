"""Runs the command lines of both libraries in this process. Never here: a scenario."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from click.testing import CliRunner

from tests.compat.site import Site

# What both send differently, given so that the lines have one length.
SAME_FIELDS = ("-h", "User-Agent", "test", "-h", "Accept-Encoding", "identity")

_SGR = r"(?:\x1b\[[\d;]*m)?"
_MESSAGE = re.compile(rf"(?s)({_SGR}\b\w+(?:Error|Timeout|Protocol|URL|Redirects){_SGR}: ).*\Z")


@contextlib.contextmanager
def site() -> Iterator[Site]:
    one = Site()
    try:
        yield one
    finally:
        one.close()


def run(
    httpx: Any,
    *arguments: str,
    colour: bool = False,
    width: int = 80,
    typed: str | None = None,
    environment: dict[str, str] | None = None,
) -> tuple[int, str, str]:
    """The exit code of `httpx.main` with these arguments, what it printed on a terminal of this width, and what it
    raised, if that was no exit.

    Ports, and the messages behind the name of an exception, are made the same.
    """
    terminal = {"COLUMNS": str(width), "TERM": "xterm-256color", "NO_COLOR": None, "FORCE_COLOR": None}
    if colour:
        terminal["FORCE_COLOR"] = "1"
    done = CliRunner(env={**terminal, **(environment or {})}).invoke(httpx.main, list(arguments), input=typed)
    raised = "" if isinstance(done.exception, (SystemExit, type(None))) else type(done.exception).__name__
    said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:<port>", done.stdout)
    said = re.sub(rf"on port ({_SGR})\d+", r"on port \1<port>", said)
    return done.exit_code, _MESSAGE.sub(r"\1", said), raised


def sent(server: Site) -> list[bytes]:
    """What has come on the wire, its port and its boundaries made the same."""
    wire = [re.sub(rb"127\.0\.0\.1:\d+", b"127.0.0.1:<port>", one) for one in server.wire]
    return [re.sub(rb"(?<=boundary=)[0-9a-f]+|(?<=--)[0-9a-f]{32}", b"<boundary>", one) for one in wire]
