"""`python -m tests.fuzz`: broken input for the parser, the decoders and the splitters, for a bounded time.

Each case has a number, and its chance is seeded with it: a find is made again with `--target NAME --case
NUMBER`.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter

from tests.fuzz.targets import TARGETS, Target


def run_case(target: Target, name: str, number: int) -> str:
    """One case; what became of it in a word. Raises whatever the target raises."""
    return target(random.Random(f"{name} {number}"))


def run_for(
    name: str, first: int, seconds: float, most: int | None = None
) -> tuple[Counter[str], int | None]:
    """Cases from `first` on, for so many seconds or `most` cases. Returns the outcomes and the case that
    failed.
    """
    outcomes: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    number = first
    while time.monotonic() < ends and (most is None or number < first + most):
        try:
            outcomes[run_case(TARGETS[name], name, number)] += 1
        except Exception:  # whatever comes out of a target is a find
            traceback.print_exc(limit=-3)
            return outcomes, number
        number += 1
    return outcomes, None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="for all targets together (default: 30)")
    parser.add_argument("--seed", type=int, help="number of the first case (default: by the clock)")
    parser.add_argument("--target", choices=sorted(TARGETS), help="this target alone")
    parser.add_argument("--case", type=int, help="run this one case of --target again")
    arguments = parser.parse_args()
    if arguments.case is not None:
        if arguments.target is None:
            parser.error("--case needs --target")
        print(run_case(TARGETS[arguments.target], arguments.target, arguments.case))
        return 0
    seed = arguments.seed if arguments.seed is not None else int(time.time()) * 1_000_000
    names = [arguments.target] if arguments.target else list(TARGETS)
    failed = False
    for name in names:
        outcomes, case = run_for(name, seed, arguments.seconds / len(names))
        print(f"{name}: {outcomes.total()} cases from --seed {seed}: {dict(outcomes)}", flush=True)
        if case is not None:
            failed = True
            print(
                f"{name}: FOUND; again with: python -m tests.fuzz --target {name} --case {case}", flush=True
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
