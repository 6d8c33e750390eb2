"""The command line: ``python -m bench [--only SCENARIO,...] [--rounds N] [--peers NAME,...]``."""

from __future__ import annotations

import argparse
import sys

from bench import bodies, build, machine, plot, report, summary
from bench.programs import LIBRARIES, LIMITS, OURS, PEERS
from bench.rounds import Outcome, Runner, Settings, available
from bench.scenarios import BY_NAME, GIB, MIB, SCENARIOS
from bench.servers import running


def _names(text: str) -> list[str]:
    return [name for name in text.replace(" ", ",").split(",") if name]


def _size(text: str) -> int:
    """Bytes from "64M", "1G" or a number of bytes; whole MiB."""
    factor = {"M": MIB, "G": GIB}.get(text[-1:].upper(), 1)
    size = int(text.rstrip("MGmg")) * factor
    if size < MIB or size % MIB:
        raise argparse.ArgumentTypeError("the size must be whole MiB, at least one")
    return size


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", type=_names, default=[], help=f"of: {', '.join(BY_NAME)}")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--seconds", type=float, default=0.4, help="wanted length of a timed run (default 0.4)"
    )
    parser.add_argument("--size", type=_size, default=GIB, help="most content of a timed run (default 1G)")
    parser.add_argument("--peers", type=_names, default=list(PEERS), help=f"of: {', '.join(PEERS)}")
    parser.add_argument("--dry", action="store_true", help="print the tables, leave results/ as it is")
    parser.add_argument(
        "--table", action="store_true", help="measure nothing: README table and plot from results/"
    )
    arguments = parser.parse_args()
    for given, known in ((arguments.only, BY_NAME), (arguments.peers, PEERS)):
        for name in given:
            if name not in known:
                parser.error(f"unknown name {name!r}; known: {', '.join(known)}")
    return arguments


def _is_failure(outcome: Outcome) -> bool:
    """Whether one of our own programs, or a limit row, failed."""
    return any(
        summary.library(program) == OURS or (summary.is_limit(program) and program != "isal")
        for program in outcome.left_out
    )


def _measure(arguments: argparse.Namespace) -> int:
    wanted = [name for name in LIBRARIES if name in (OURS, *LIMITS, *arguments.peers)]
    libraries, absent = available(wanted)
    for library, why in absent.items():
        print(f"{library}: left out, {why}")
    for sentence in bodies.make_all():
        print(sentence)
    settings = Settings(arguments.rounds, arguments.seconds, arguments.size, tuple(libraries))
    failed = False
    with running() as origins:
        runner = Runner(origins, settings)
        for scenario in SCENARIOS:
            if arguments.only and scenario.name not in arguments.only:
                continue
            if not runner.has_server(scenario):
                print(f"{scenario.name}: left out, its server does not run here")
                continue
            description = machine.describe(libraries)
            outcome = runner.measure(scenario)
            failed |= _is_failure(outcome)
            rows = summary.rows(outcome, bodies.items_in)
            if arguments.dry:
                print(
                    report.markdown(scenario, rows, outcome.left_out, description, arguments.rounds),
                    flush=True,
                )
            else:
                print(report.write(outcome, rows, description, arguments.rounds), flush=True)
    return int(failed)


def main() -> int:
    """Returns the exit status: 1 when a program of ours or a limit row failed."""
    arguments = _arguments()
    status = 0
    if not arguments.table:
        try:
            build.server()
            build.limit()
            build.ext()
        except build.NoCompiler as exc:
            print(exc, file=sys.stderr)
            return 1
        status = _measure(arguments)
    if not arguments.dry:
        print(report.write_readme_table())
        plot.draw()
    return status


if __name__ == "__main__":
    sys.exit(main())
