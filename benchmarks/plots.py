"""Outcomes as pictures: what was solved against what it cost. Reads outcomes, writes PNG; knows no policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.metrics import wilson
from benchmarks.runner import Outcome, pause_rate

Runs = dict[str, list[Outcome]]
AXES: dict[str, Callable[[list[Outcome]], float]] = {
    "pause-rate": lambda outcomes: 100 * pause_rate(outcomes),
    **{
        name: lambda outcomes, name=name: sum(getattr(each, name) for each in outcomes) / len(outcomes)  # type: ignore[misc]
        for name in ("tokens", "forwards", "token_rows", "seconds")
    },
}
LABELS = {
    "pause-rate": "pauses, % of tokens",
    "tokens": "tokens a problem",
    "forwards": "forwards a problem",
    "token_rows": "tokens fed a problem",
    "seconds": "seconds a problem",
}


def against_cost(runs: Runs, file: Path, *, axis: str, title: str = "") -> None:
    """Draw the share solved, with its 95 % interval, and forwards a token, against a cost; one point a run.

    Raises KeyError for an unknown axis and OSError where the file cannot be written.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only pictures need it

    places = {name: AXES[axis](outcomes) for name, outcomes in runs.items()}
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    solved, spent = figure.subplots(1, 2)
    for number, (name, outcomes) in enumerate(sorted(runs.items(), key=lambda run: places[run[0]])):
        share, low, high = wilson(sum(each.passed for each in outcomes), len(outcomes))
        colour = f"C{number % 10}"
        solved.errorbar(
            places[name],
            share,
            yerr=[[max(0.0, share - low)], [max(0.0, high - share)]],
            fmt="o",
            color=colour,
            capsize=3,
            label=name,
        )
        tokens = sum(each.tokens for each in outcomes)
        spent.plot(places[name], sum(each.forwards for each in outcomes) / max(1, tokens), "o", color=colour)
    solved.set(xlabel=LABELS[axis], ylabel="solved, with 95 % interval", title=title)
    spent.set(xlabel=LABELS[axis], ylabel="forwards a token")
    for panel in (solved, spent):
        panel.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    figure.savefig(file, dpi=110, format="png")
