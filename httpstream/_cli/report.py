"""The demo's last page: tables and ratios. Figures come from the outcomes of this run alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .measure import BARE, OURS, PEERS, Outcome, Program

_WIDTHS = (17, 7, 7, 8, 6, 8, 8)  # of the columns, the same in every table


def find(outcomes: Sequence[Outcome], program: Program) -> Outcome | None:
    """The complete outcome of a program; None when there is none."""
    return next((o for o in outcomes if o.program == program and o.is_complete), None)


def table(
    title: str,
    outcomes: Sequence[Outcome],
    headings: tuple[str, str],
    figures: Callable[[Outcome], tuple[str, str]],
    value: Callable[[Outcome], float],
) -> Table:
    """One section.

    headings, figures: the two columns that are the section's own; value: what "x socket" compares.
    """
    result = _empty_table(title)
    names = ("", headings[0], headings[1], "x socket", "CPU s", "x socket", "peak MiB")
    for name, width in zip(names, _WIDTHS, strict=True):
        result.add_column(name, justify="right" if name else "left", min_width=width, no_wrap=True)
    bare = find(outcomes, BARE)
    for outcome in outcomes:
        style = "bold green" if outcome.program.is_ours else ("" if outcome.program == BARE else "dim")
        if not outcome.is_complete:
            result.add_row(outcome.program.name, Text("failed", style="red"), *["-"] * 5, style=style)
            continue
        peak = outcome.peak
        result.add_row(
            outcome.program.name,
            *figures(outcome),
            _ratio(value, outcome, bare),
            _seconds(outcome.cpu()),
            _ratio(Outcome.cpu, outcome, bare),
            "-" if peak is None else f"{peak / 2**20:.1f}",
            style=style,
        )
    return result


def comparison(
    sections: Sequence[tuple[str, str, Sequence[Outcome], Callable[[Outcome], float]]],
) -> Table | None:
    """Ours against each peer of the same world, as ratios; None when no peer is there.

    sections: name, what is compared ("speed", "delay"), outcomes, and the value of that.
    """
    result = _empty_table("httpstream against the others: speed; delay and CPU as a share of theirs")
    result.add_column("", min_width=_WIDTHS[0], no_wrap=True)
    for name, compared, _, _ in sections:
        result.add_column(f"{name}\n{compared}", justify="right", min_width=8)
        result.add_column("\nCPU", justify="right", min_width=7)
    for ours in OURS:
        for peer in (peer for peer in PEERS if peer.asynchronous == ours.asynchronous):
            cells = []
            for _, compared, outcomes, value in sections:
                mine, theirs = find(outcomes, ours), find(outcomes, peer)
                cells.append(_coloured(_ratio(value, mine, theirs), less_is_better=compared != "speed"))
                cells.append(_coloured(_ratio(Outcome.cpu, mine, theirs), less_is_better=True))
            if any(cell.plain != "-" for cell in cells):
                result.add_row(f"{'async' if ours.asynchronous else 'sync'}, to {peer.module}", *cells)
    return result if result.row_count else None


def _ratio(value: Callable[[Outcome], float], mine: Outcome | None, theirs: Outcome | None) -> str:
    """``"0.97x"``, ``"12x"``; a dash when there is nothing to compare with."""
    if mine is None or theirs is None or not value(theirs):
        return "-"
    ratio = value(mine) / value(theirs)
    return f"{ratio:.2f}x" if ratio < 9.95 else f"{ratio:.0f}x"


def _coloured(ratio: str, *, less_is_better: bool) -> Text:
    """Green where httpstream is the better one, yellow where it is not."""
    if ratio == "-":
        return Text(ratio)
    value = float(ratio.removesuffix("x"))
    is_better = value <= 1 if less_is_better else value >= 1
    return Text(ratio, style="bold green" if is_better else "yellow")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds >= 0.1 else f"{seconds:.3f}"


def _empty_table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold cyan",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 2, 0, 0),
    )


def print_problems(console: Console, sections: Sequence[tuple[str, Sequence[Outcome]]]) -> bool:
    """Say what went wrong, if anything; returns whether all of ours is right."""
    all_right = True
    for title, outcomes in sections:
        for outcome in outcomes:
            if outcome.problem:
                all_right = all_right and not outcome.program.is_ours
                console.print(Text(f"{title}: {outcome.program.name} failed: {outcome.problem}", style="red"))
    return all_right
