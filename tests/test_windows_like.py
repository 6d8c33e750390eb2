"""The client runs without what Windows does not have. See `tests.without_posix`; Windows itself was not at hand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLES = ("malformed", "connections", "cuts", "informational", "uploads", "timeouts", "tls", "asgi")


def run_without_posix(*arguments: str) -> int:
    """Run these tests in such an interpreter; how many passed. AssertionError when one did not."""
    command = [sys.executable, "-m", "tests.without_posix", "-q", "-p", "no:cacheprovider", *arguments]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    return int(passed[1])


def test_what_is_taken_away_is_away():
    code = (
        "from tests.without_posix import take_away; take_away();"
        "import os, select, socket, httpstream;"
        "assert not hasattr(socket, 'AF_UNIX') and not hasattr(select, 'poll');"
        "assert not hasattr(os, 'sendfile') and not hasattr(os, 'register_at_fork');"
        "assert socket.socketpair()[0].family == socket.AF_INET"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=30)


@pytest.mark.slow
def test_requests_and_uploads_work_without_posix():
    assert run_without_posix("tests/scenarios/test_asgi.py", "-k", "arrive and not uvloop") > 10


@pytest.mark.slow
def test_the_faults_are_met_without_posix():
    files = [f"tests/scenarios/test_{name}.py" for name in TABLES]
    assert run_without_posix(*files, "-m", "not slow", "-k", "sync") > 500  # sync and asyncio
