"""Outcomes as pictures: what was solved against what it cost. Reads outcomes, writes PNG; knows no policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.curves import Curve
from benchmarks.metrics import wilson
from benchmarks.runner import Outcome, pause_rate
from uncertainty.calibration import Bin

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


def by_tokens(curves: dict[str, Curve], file: Path, *, most: int, title: str = "") -> None:
    """Draw the share solved by each budget of tokens a problem. Raises OSError where the file cannot be written."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only pictures need it

    figure = Figure(figsize=(9, 5), layout="constrained")
    panel = figure.subplots()
    for number, (name, curve) in enumerate(sorted(curves.items(), key=lambda each: -each[1].area(most))):
        reached = sorted(tokens for tokens in curve.tokens.values() if tokens <= most)
        shares = [place / len(curve.tokens) for place in range(len(reached) + 1)]
        style = ("-", "--", ":")[number // 10 % 3]
        label = name if curve.feedback == "visible" else f"{name} (one pass)"
        panel.step([0, *reached, most], [*shares, shares[-1]], style, where="post", label=label, linewidth=1.4)
    panel.set(xlabel="tokens a problem, at most", ylabel="share solved", title=title, xlim=(0, most))
    panel.grid(alpha=0.3)
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    figure.savefig(file, dpi=110, format="png")


def reliability(bins: dict[str, list[Bin]], file: Path, *, title: str = "") -> None:
    """Draw the share that was right against the probability that was stated; the size of a dot is how often it was."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import, and only pictures need it

    figure = Figure(figsize=(5.5, 5), layout="constrained")
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    for name, found in bins.items():
        sizes = [12 + 2 * each.statements for each in found]
        panel.scatter([each.stated for each in found], [each.right for each in found], s=sizes, alpha=0.6, label=name)
    panel.set(xlabel="probability of being right, as stated", ylabel="share that was right", title=title)
    panel.grid(alpha=0.3)
    panel.legend(fontsize="small", markerscale=0.4)
    figure.savefig(file, dpi=110, format="png")
