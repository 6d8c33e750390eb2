"""A program that uses streams and content passes a strict type checker, without an ignore or a cast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "tests" / "typed" / "program.py"


@pytest.mark.slow
def test_a_user_s_program_passes_a_strict_type_checker(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(PROGRAM)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (found.stdout, found.returncode) == ("Success: no issues found in 1 source file\n", 0)
    assert "ignore" not in PROGRAM.read_text()
