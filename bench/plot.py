"""Draws results/bench.png for the README from the stored results. Alone here needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import report, summary
from bench.programs import OURS
from bench.scenarios import BY_NAME

_SHOWN = (
    "download-64k",
    "download-1k",
    "https-64k",
    "chunked-1kib",
    "chunked-64byte",
    "lines",
    "small",
    "small-tasks",
)
_COLOURS = {OURS: "#1b6ac9", "peer": "#b9c0c9", "limit": "#55606b"}
_MOST_BARS = 7


def _kind(program: str) -> str:
    if summary.is_limit(program):
        return "limit"
    return OURS if summary.library(program) == OURS else "peer"


def _bars(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Ours, the limits and the fastest peers of one scenario, the fastest last (it is drawn on top)."""
    rows = sorted(result["rows"], key=lambda row: row["figure"])
    peers = [row for row in rows if _kind(row["program"]) == "peer"][-_MOST_BARS:]
    known = [row for row in rows if row["program"] in ("httpx", "httpx.asyncio", "aiohttp.asyncio")]
    kept = [id(row) for row in (*peers, *known)]
    return [row for row in rows if _kind(row["program"]) != "peer" or id(row) in kept]


def draw() -> Path | None:
    """Draw the plot. Returns its path, or None when matplotlib is not installed or nothing was measured."""
    try:
        import matplotlib
    except ImportError:
        print("plot: left out, matplotlib is not installed")
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    results = [result for result in report.stored() if result["scenario"] in _SHOWN and result["rows"]]
    if not results:
        return None
    columns = min(2, len(results))
    lines = -(-len(results) // columns)
    figure, grid = pyplot.subplots(lines, columns, figsize=(6 * columns, 3.4 * lines), squeeze=False)
    for axes in grid.flat[len(results) :]:
        axes.axis("off")
    for axes, result in zip(grid.flat, results, strict=False):
        scenario = BY_NAME[result["scenario"]]
        rows = _bars(result)
        factor = 1e6 if scenario.measure == "rate" else 1.0
        axes.barh(
            [row["program"] for row in rows],
            [row["figure"] / factor for row in rows],
            color=[_COLOURS[_kind(row["program"])] for row in rows],
        )
        axes.set_title(scenario.title, fontsize=10, loc="left")
        axes.set_xlabel(report.figure_name(scenario), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    patches = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in _COLOURS.values()]
    figure.legend(patches, _COLOURS, loc="upper right", ncols=len(patches), fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    path = report.RESULTS / "bench.png"
    figure.savefig(path, dpi=110)
    return path
