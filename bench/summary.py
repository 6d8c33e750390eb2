"""From samples to figures: medians, spreads and ratios. Pure functions; no clock, no file.

The *figure* of a row is what is compared: bytes per second, requests per second, or (smaller is better) seconds of
latency or import. Ratios are taken between medians of one run of the benchmark, never across runs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from bench.programs import LIMITS, OURS, split
from bench.rounds import Measured, Outcome
from bench.scenarios import Scenario

_FIRST_EVENTS = 10  # of a stream: the connection, the client and the clocks are still warming up


@dataclass
class Row:
    """One program's figures. spread: (largest - smallest) / median of the rounds' figures."""

    program: str
    figure: float
    spread: float
    cpu_seconds: float
    cpu_us_per_unit: float | None
    peak_mib: float | None
    growth_mib: float | None
    amount: int
    extra: dict[str, float]
    to_limit: float | None = None
    cpu_to_limit: float | None = None
    to_httpx: float | None = None
    to_best_peer: float | None = None
    best_peer: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it is written to the result file."""
        return asdict(self)


def smaller_is_better(scenario: Scenario) -> bool:
    """Whether the figure is a time."""
    return scenario.measure in ("latency", "import")


def _percentile(values: list[int], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1e-9


def _figure(scenario: Scenario, amount: int) -> Callable[[dict[str, Any]], float]:
    if scenario.measure == "latency":
        return lambda sample: _percentile(sample["latencies"][_FIRST_EVENTS:], 0.5)
    if scenario.measure == "import":
        return lambda sample: float(sample["wall"])
    return lambda sample: float(amount / sample["wall"])


def _units(scenario: Scenario, amount: int, items: int) -> float:
    unit_bytes = scenario.per[1]
    if unit_bytes:
        return amount / unit_bytes
    return items if scenario.has_items else amount


def _extra(scenario: Scenario, samples: list[dict[str, Any]]) -> dict[str, float]:
    if scenario.measure == "latency":
        p99 = [_percentile(sample["latencies"][_FIRST_EVENTS:], 0.99) for sample in samples]
        return {"p99": statistics.median(p99)}
    if scenario.measure == "memory":
        return {"small_peak_mib": statistics.median(sample["small_peak_kib"] for sample in samples) / 1024}
    return {}


def _row(scenario: Scenario, measured: Measured, items_in: Callable[[str, int], int]) -> Row:
    samples, amount = measured.samples, measured.amount
    figures = [_figure(scenario, amount)(sample) for sample in samples]
    median = statistics.median(figures)
    cpu = statistics.median(sample["cpu"] for sample in samples)
    unit_count = 0.0
    if scenario.measure != "import":
        items = items_in(scenario.body, amount) if scenario.has_items else 0
        unit_count = _units(scenario, amount, items)

    def mebibytes(name: str) -> float | None:
        values = [sample[name] for sample in samples if name in sample]
        return statistics.median(values) / 1024 if values else None

    return Row(
        program=measured.program,
        figure=median,
        spread=(max(figures) - min(figures)) / median,
        cpu_seconds=cpu,
        cpu_us_per_unit=cpu * 1e6 / unit_count if unit_count else None,
        peak_mib=mebibytes("peak_kib"),
        growth_mib=mebibytes("growth_kib"),
        amount=amount,
        extra=_extra(scenario, samples),
    )


def world(program: str) -> str:
    """The loop of a program; "" for a sync one."""
    return split(program)[1]


def library(program: str) -> str:
    """The library of a program."""
    return split(program)[0]


def is_limit(program: str) -> bool:
    """Whether a row shows a limit and not a client."""
    return library(program) in LIMITS or program == "climit"


def _limit_of(scenario: Scenario, row: Row, rows: dict[str, Row]) -> Row | None:
    loop = world(row.program)
    if loop:
        return rows.get(f"raw.{loop}") or rows.get("isal") or rows.get(scenario.limit)
    if scenario.limit == "decoder":
        return rows.get("isal") or rows.get("decoder")
    return rows.get(scenario.limit)


def _ratio(row: Row, other: Row | None, inverse: bool) -> float | None:
    """How many times as fast as the other; above 1 is better than it, for times as well."""
    if other is None or other is row:
        return None
    return other.figure / row.figure if inverse else row.figure / other.figure


def _cpu_ratio(row: Row, limit: Row | None) -> float | None:
    """How many times the limit's CPU time a unit of work takes."""
    if limit is None or limit is row or not row.cpu_us_per_unit or not limit.cpu_us_per_unit:
        return None
    return row.cpu_us_per_unit / limit.cpu_us_per_unit


def rows(outcome: Outcome, items_in: Callable[[str, int], int]) -> list[Row]:
    """All rows of a scenario with their ratios: sync first, then each loop; in each, the fastest first."""
    scenario = outcome.scenario
    found = {each.program: _row(scenario, each, items_in) for each in outcome.measured if each.samples}
    inverse = smaller_is_better(scenario)
    for row in found.values():
        loop = world(row.program)
        suffix = f".{loop}" if loop else ""
        peers = [
            other
            for other in found.values()
            if world(other.program) == loop and not is_limit(other.program) and library(other.program) != OURS
        ]
        best = (min if inverse else max)(peers, key=lambda other: other.figure, default=None)
        limit = _limit_of(scenario, row, found)
        row.to_limit = _ratio(row, limit, inverse)
        row.cpu_to_limit = _cpu_ratio(row, limit)
        row.to_httpx = _ratio(row, found.get("httpx" + suffix), inverse)
        row.to_best_peer = _ratio(row, best, inverse)
        row.best_peer = library(best.program) if best else ""
    order = {"": 0, "asyncio": 1, "uvloop": 2}
    return sorted(
        found.values(), key=lambda row: (order[world(row.program)], row.figure if inverse else -row.figure)
    )
