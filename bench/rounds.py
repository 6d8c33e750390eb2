"""Runs the programs of one scenario, each run in a fresh process, interleaved round by round.

A program is first run on a small body with every byte checked, then (where the scenario allows) on growing ones until
its run is long enough to be measured, and only then in the rounds. Walls and CPU seconds are measured inside the
process that works; this file starts processes and collects.
"""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bench import bodies, build
from bench.programs import FIRST_USE, LIBRARIES, LOOPS, OURS, PEERS, load, split
from bench.scenarios import GIB, MIB, Scenario
from bench.servers import Origins

_SMALLEST_BYTES = 4 * MIB
_SMALLEST_COUNT = 400
_RUN_SECONDS = 90.0  # a run that takes longer is given up
# Installed packages come with their bytecode; a checkout must be allowed to keep its own, or its imports compile.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_IMPORT = """
import json, time
before = time.perf_counter()
cpu = time.process_time()
{statements}
print(json.dumps({{"wall": time.perf_counter() - before, "cpu": time.process_time() - cpu}}))
"""


class RunFailed(Exception):
    """A program ended with an error, took too long, or delivered something else than was sent."""


@dataclass
class Measured:
    """What the rounds gave for one program."""

    program: str
    amount: int  # bytes, requests or events of one run
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Outcome:
    """What came of one scenario."""

    scenario: Scenario
    measured: list[Measured]
    left_out: dict[str, str]  # program -> reason


@dataclass(frozen=True)
class Settings:
    """rounds: how many. seconds: wanted length of a timed run. largest: bytes of a run that is scaled to it."""

    rounds: int = 5
    seconds: float = 0.4
    largest: int = GIB
    libraries: tuple[str, ...] = LIBRARIES


def available(libraries: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Of these libraries: those that import here, and for the others the reason why not."""
    present, absent = [], {}
    for library in libraries:
        try:
            load(library)
            present.append(library)
        except (ImportError, AttributeError) as exc:
            absent[library] = f"not installed ({exc})" if library != OURS else f"cannot be imported ({exc})"
    return present, absent


def programs_for(scenario: Scenario, libraries: Iterable[str]) -> list[str]:
    """The programs of these libraries that can do the scenario's job."""
    if scenario.measure == "import":
        wanted = FIRST_USE if scenario.kind == "first_client" else (OURS, *PEERS)
        return [library for library in libraries if library in wanted]
    found = []
    for library in libraries:
        programs = load(library)
        if library in scenario.without or (library == "isal" and scenario.coding != "gzip"):
            continue
        if "sync" in scenario.worlds and scenario.kind in programs.sync:
            found.append(library)
        if "async" in scenario.worlds and scenario.kind in programs.asynchronous:
            found += [f"{library}.{loop}" for loop in LOOPS]
    if scenario.kind in ("stream", "lines", "small") and scenario.server == "http" and scenario.chunk_size:
        found.append("climit")
    return found


def _statements(scenario: Scenario, program: str) -> str:
    """What an import scenario runs."""
    first_use = FIRST_USE[program] if scenario.kind == "first_client" else ""
    return f"import {program}\n{first_use}"


@functools.cache
def _expected_crc(scenario: Scenario, size: int) -> int:
    """CRC-32 of what every program must deliver."""
    if scenario.measure == "requests":
        return zlib.crc32(bodies.served("random")[:200] * (size // 200))
    return bodies.crc(scenario.body, size)


class Runner:
    """Runs programs against the servers."""

    def __init__(self, origins: Origins, settings: Settings) -> None:
        self._origins = origins
        self._settings = settings

    def has_server(self, scenario: Scenario) -> bool:
        """Whether the scenario's server runs."""
        return bool(self._origins.of(scenario.server))

    def measure(self, scenario: Scenario) -> Outcome:
        """All rounds of one scenario. Its server must run."""
        outcome = Outcome(scenario, [], {})
        for program in programs_for(scenario, self._settings.libraries):
            try:
                outcome.measured.append(Measured(program, self._prepare(scenario, program)))
            except RunFailed as exc:
                self._leave_out(outcome, program, exc)
        for number in range(self._settings.rounds):
            order = list(outcome.measured)
            random.Random(number).shuffle(order)
            for measured in order:
                try:
                    measured.samples.append(self._sample(scenario, measured))
                except RunFailed as exc:
                    self._leave_out(outcome, measured.program, exc)
                    outcome.measured.remove(measured)
        return outcome

    def _leave_out(self, outcome: Outcome, program: str, why: RunFailed) -> None:
        outcome.left_out[program] = str(why)
        print(f"{outcome.scenario.name}: {program} is left out: {why}", flush=True)

    def _sample(self, scenario: Scenario, measured: Measured) -> dict[str, Any]:
        if scenario.measure != "memory":
            return self._run(scenario, measured.program, measured.amount)
        small = self._run(scenario, measured.program, 64 * MIB)
        large = self._run(scenario, measured.program, GIB)
        return {**large, "small_peak_kib": small["peak_kib"]}

    def _prepare(self, scenario: Scenario, program: str) -> int:
        """Check the program, then find the amount of work that takes about the wanted time."""
        if scenario.measure == "import":
            self._run(scenario, program, 0)
            return 0
        most = scenario.count or (
            scenario.size if scenario.fixed else min(scenario.size, self._settings.largest)
        )
        fixed = scenario.fixed or scenario.measure == "latency"
        least = _SMALLEST_COUNT if scenario.count else max(_SMALLEST_BYTES, scenario.block)
        checked_amount = most if fixed and scenario.measure == "rate" else min(least, most)
        self._run(scenario, program, checked_amount, checked=True)
        if fixed:
            return most
        amount = checked_amount
        while True:
            wall = self._run(scenario, program, amount)["wall"]
            wanted = amount * self._settings.seconds / wall
            if amount >= most or wall > self._settings.seconds / 3:
                return self._rounded(scenario, min(most, max(wanted, checked_amount)))
            amount = self._rounded(scenario, min(most, wanted, amount * 16))

    def _rounded(self, scenario: Scenario, amount: float) -> int:
        step = scenario.workers if scenario.count else scenario.block
        return max(int(amount) // step, 1) * step

    def _run(self, scenario: Scenario, program: str, amount: int, *, checked: bool = False) -> dict[str, Any]:
        size = amount if not scenario.count else amount * 200
        target = scenario.target.format(size=size, count=amount)
        if checked and target.startswith("/upload"):
            target = target.replace("/upload", "/upload/crc")
        if scenario.measure == "import":
            command = [sys.executable, "-c", _IMPORT.format(statements=_statements(scenario, program))]
        elif program == "climit":
            command = self._limit_command(scenario, target, amount, checked)
        else:
            command = self._child_command(scenario, program, target, size, amount, checked)
        result = self._completed(command)
        self._verify(scenario, result, size, checked, program)
        return result

    def _limit_command(self, scenario: Scenario, target: str, amount: int, checked: bool) -> list[str]:
        port = self._origins.http.rpartition(":")[2]
        mode = {"stream": "bytes", "lines": "lines", "small": "small"}[scenario.kind]
        if target.startswith("/chunked"):
            mode = "chunked"
        number = amount if mode == "small" else scenario.chunk_size
        return [str(build.limit()), port, target, mode, str(number), str(int(checked))]

    def _child_command(
        self, scenario: Scenario, program: str, target: str, size: int, amount: int, checked: bool
    ) -> list[str]:
        job: dict[str, Any] = {
            "program": program,
            "kind": scenario.kind,
            "origin": self._origins.of(scenario.server),
            "target": target,
            "size": size,
            "chunk_size": scenario.chunk_size,
            "count": amount if scenario.count else scenario.workers,
            "workers": scenario.workers,
            "coding": scenario.coding,
            "ca_file": "" if scenario.server == "http" else self._origins.ca_file,
            "checked": checked,
        }
        if scenario.has_items:
            job["items"] = bodies.items_in(scenario.body, size)
        if scenario.kind.startswith("upload"):
            job["body_file"] = str(bodies.UPLOAD)
        if scenario.kind == "decoded":
            job["body_file"] = str(bodies.SERVED / scenario.body)
        return [sys.executable, "-m", "bench.child", json.dumps(job)]

    def _completed(self, command: list[str]) -> dict[str, Any]:
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_RUN_SECONDS,
                cwd=build.ROOT,
                env=_ENVIRONMENT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RunFailed(f"no result within {_RUN_SECONDS:.0f} s") from None
        if done.returncode:
            last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
            raise RunFailed(last[:200])
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def _verify(
        self, scenario: Scenario, result: dict[str, Any], size: int, checked: bool, program: str
    ) -> None:
        if scenario.measure == "import":
            return
        if scenario.measure == "latency":
            if len(result["latencies"]) != size // 200:
                raise RunFailed(f"wrong data: {len(result['latencies'])} of {size // 200} events")
            return
        if result["bytes"] != size:
            raise RunFailed(f"wrong data: {result['bytes']} bytes delivered, {size} sent")
        # The bare socket does not decode a chunked body: there is nothing to compare.
        frames = split(program)[0] == "raw" and scenario.target.startswith("/chunked")
        if checked and not frames and result["crc"] != _expected_crc(scenario, size):
            raise RunFailed("wrong data: the checksum of what was delivered is not that of what was sent")
