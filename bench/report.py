"""Writes the results: one Markdown and one JSON file for each scenario, and the README's table from all of them.

Files are overwritten by the next run; each says when and on what it was measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import summary
from bench.programs import OURS
from bench.rounds import Outcome
from bench.scenarios import BY_NAME, SCENARIOS, Scenario
from bench.summary import Row

RESULTS = Path(__file__).resolve().parent / "results"
_WORLDS = (("", "sync"), ("asyncio", "asyncio"), ("uvloop", "uvloop"))

_README_WITHOUT = ("import", "memory")  # lazy imports flatter the first; the second has no ratios
_README_ASYNC = (
    *("download-64k", "https-64k", "http2", "chunked-64byte", "lines", "json-lines", "sse"),
    *("small", "small-tasks", "upload-multipart", "events"),
)
_README_NOTE = """
Above 1x is better than the other, but for *CPU to the limit's*, where less is better. On two cores the wall of one and
the same program differs by up to three times with where the scheduler puts client and server, so a median can lie above
that of a limit; CPU times differ far less. Rounds, spreads and all rows are in `bench/results/`.
"""
_LEGEND = (
    "*To* another row: how many times as good, above 1 is better. "
    "*CPU x limit*: how many times the limit's CPU time, less is better."
)


def figure_name(scenario: Scenario) -> str:
    """The heading of the figure's column."""
    return {"rate": "MB/s", "requests": "requests/s", "latency": "p50, us", "import": "ms", "memory": "MB/s"}[
        scenario.measure
    ]


def figure_text(scenario: Scenario, figure: float) -> str:
    """A figure in the unit of its column."""
    if scenario.measure == "requests":
        return f"{figure:.0f}"
    if scenario.measure == "latency":
        return f"{figure * 1e6:.0f}"
    if scenario.measure == "import":
        return f"{figure * 1e3:.1f}"
    return f"{figure / 1e6:.0f}"


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(header: list[str], lines: Iterable[list[str]]) -> str:
    text = [f"| {' | '.join(header)} |", "|---|" + "--:|" * (len(header) - 1)]
    text += [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join(text) + "\n"


def _line(scenario: Scenario, row: Row) -> list[str]:
    name = f"**{row.program}**" if summary.library(row.program) == OURS else row.program
    if summary.is_limit(row.program):
        name = f"*{name}*"
    line = [name, figure_text(scenario, row.figure), f"{row.spread * 100:.0f} %"]
    if scenario.measure == "memory":
        before = row.extra["small_peak_mib"]
        peak = row.peak_mib or 0.0
        return [*line, f"{before:.1f}", f"{peak:.1f}", f"{peak - before:+.1f}"]
    if scenario.measure == "latency":
        line.append(f"{row.extra['p99'] * 1e6:.0f}")
    line.append(_number(row.cpu_seconds, 3))
    if scenario.measure != "import":
        line += [_number(row.cpu_us_per_unit), _number(row.peak_mib, 1), _number(row.growth_mib, 1)]
        line += [_number(row.cpu_to_limit), _number(row.to_limit)]
    return [*line, _number(row.to_httpx), _number(row.to_best_peer)]


def _header(scenario: Scenario) -> list[str]:
    header = ["program", figure_name(scenario), "spread"]
    if scenario.measure == "memory":
        return [*header, "peak at 64 MiB, MiB", "peak at 1 GiB, MiB", "difference"]
    if scenario.measure == "latency":
        header.append("p99, us")
    header.append("CPU, s")
    if scenario.measure != "import":
        header += [f"CPU per {scenario.per[0]}, us", "peak, MiB", "growth, MiB", "CPU x limit", "to limit"]
    return [*header, "to httpx", "to best peer"]


def markdown(
    scenario: Scenario, rows: list[Row], left_out: dict[str, str], machine: dict[str, Any], rounds: int
) -> str:
    """The scenario's page."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    hardware = f"{machine['date']}; {machine['cpu']}, {machine['cores']} cores, load {machine['load']}"
    parts = [
        f"# {scenario.title}\n",
        f"{hardware}; {machine['kernel']}; {machine['python']}; {machine['openssl']}.\n",
        f"Medians of {rounds} interleaved rounds. {_LEGEND}\n",
        f"{versions}.\n",
    ]
    for loop, name in _WORLDS:
        lines = [_line(scenario, row) for row in rows if summary.world(row.program) == loop]
        if lines:
            parts += [f"## {name}\n", _table(_header(scenario), lines)]
    if left_out:
        parts += ["## Left out\n", "\n".join(f"- {name}: {why}" for name, why in left_out.items()) + "\n"]
    return "\n".join(parts)


def write(outcome: Outcome, rows: list[Row], machine: dict[str, Any], rounds: int) -> str:
    """Write both files of a scenario; returns the Markdown."""
    RESULTS.mkdir(exist_ok=True)
    scenario = outcome.scenario
    text = markdown(scenario, rows, outcome.left_out, machine, rounds)
    result = {
        "scenario": scenario.name,
        "title": scenario.title,
        "measure": scenario.measure,
        "rounds": rounds,
        "machine": machine,
        "left_out": outcome.left_out,
        "rows": [row.as_json() for row in rows],
    }
    (RESULTS / f"{scenario.name}.md").write_text(text)
    (RESULTS / f"{scenario.name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return text


def stored() -> list[dict[str, Any]]:
    """The result files that exist, in the order of the scenarios."""
    paths = [RESULTS / f"{scenario.name}.json" for scenario in SCENARIOS]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"


def _less_cpu(ours: dict[str, Any], other: dict[str, Any] | None) -> float | None:
    """How many times our CPU time the other one takes for the same work."""
    if other is None:
        return None
    if ours["cpu_us_per_unit"] and other["cpu_us_per_unit"]:
        return float(other["cpu_us_per_unit"] / ours["cpu_us_per_unit"])
    return float(other["cpu_seconds"] / ours["cpu_seconds"]) if ours["cpu_seconds"] else None


def _readme_line(scenario: Scenario, rows: dict[str, dict[str, Any]], loop: str) -> list[str]:
    suffix = f".{loop}" if loop else ""
    ours, httpx = rows[OURS + suffix], rows.get("httpx" + suffix)
    limit = ""
    if ours["to_limit"]:
        value = ours["figure"] / ours["to_limit"]
        if summary.smaller_is_better(scenario):
            value = ours["figure"] * ours["to_limit"]
        limit = figure_text(scenario, value)
    unit = figure_name(scenario).replace("p50, ", "")
    best = _times(ours["to_best_peer"])
    return [
        f"{scenario.title}, {loop}" if loop else scenario.title,
        f"{figure_text(scenario, ours['figure'])} {unit}",
        limit,
        _times(ours["to_limit"]),
        _times(ours["cpu_to_limit"]),
        _times(ours["to_httpx"]),
        _times(_less_cpu(ours, httpx)),
        f"{best} ({ours['best_peer']})" if best else "",
    ]


def readme_table(results: list[dict[str, Any]]) -> str:
    """The README's table: our sync row of every scenario, then the asyncio rows of some."""
    lines = []
    for loop in ("", "asyncio"):
        for result in results:
            scenario = BY_NAME[result["scenario"]]
            rows = {row["program"]: row for row in result["rows"]}
            is_measured = (
                f"{OURS}.{loop}" if loop else OURS
            ) in rows and scenario.name not in _README_WITHOUT
            if is_measured and (not loop or scenario.name in _README_ASYNC):
                lines.append(_readme_line(scenario, rows, loop))
    header = ["scenario", "httpstream", "limit", "to the limit", "CPU to the limit's", "to httpx"]
    return _table([*header, "httpx's CPU to ours", "to the best peer"], lines) + _README_NOTE


def write_readme_table() -> str:
    """Write README-table.md from the stored results; returns it."""
    text = readme_table(stored())
    (RESULTS / "README-table.md").write_text(text)
    return text
