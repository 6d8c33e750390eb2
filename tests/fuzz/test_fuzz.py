"""The fuzzer runs, a little: the same cases each time. `make fuzz` runs it at length, with others."""

from __future__ import annotations

import pytest

from tests.fuzz.__main__ import run_for
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_first_cases_find_nothing(name):
    outcomes, case = run_for(name, first=0, seconds=20.0, most=400)
    assert case is None, f"python -m tests.fuzz --target {name} --case {case}"
    assert outcomes.total() == 400
    assert len(outcomes) > 1  # the cases are neither all refused nor all good
