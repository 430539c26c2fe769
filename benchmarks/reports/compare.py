"""Tables of outcomes: what a run solved and cost, and runs side by side with paired tests."""

from __future__ import annotations

import math

from benchmarks.experiments.outcomes import Outcome, pause_rate
from benchmarks.reports.metrics import mcnemar, wilson
from uncertainty.calibration import auroc


def summary(outcomes: list[Outcome]) -> str:
    """Return the table of a run: the share solved with its interval, and what a problem cost."""
    passed, total = sum(outcome.passed for outcome in outcomes), len(outcomes)
    share, low, high = wilson(passed, total)
    rows = {
        "solved": f"{passed}/{total} = {number(share)} ({low:.3f} to {high:.3f})",
        "accepted by the visible examples": f"{sum(outcome.outcome == 'accepted' for outcome in outcomes)}",
        "AUROC of the highest entropy against failure": number(_auroc(outcomes)),
        "pause rate": f"{pause_rate(outcomes):.3f}",
        "degenerate": f"{sum(outcome.degenerate for outcome in outcomes)}",
        **{f"{name} a problem": f"{sum(getattr(o, name) for o in outcomes) / max(1, total):.2f}" for name in _COSTS},
    }
    return "\n".join(f"{name:<46}{value}" for name, value in rows.items())


def number(value: float) -> str:
    """Return a measure as a table shows it; a dash where it cannot be computed."""
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _auroc(outcomes: list[Outcome]) -> float:
    """How well the highest entropy of a run tells failures from successes; 0.5 says nothing."""
    known = [(each.highest_entropy, each.passed) for each in outcomes if each.highest_entropy is not None]
    return auroc([entropy for entropy, passed in known if not passed], [entropy for entropy, passed in known if passed])


_COSTS = ("tokens", "forwards", "token_rows", "pauses", "sandbox_runs", "seconds")


def comparison(runs: dict[str, list[Outcome]]) -> str:
    """Return runs over the same problems side by side, each with its exact McNemar test against the first of its kind.

    Runs whose programs were chosen by the examples that the prompt shows stand apart from those of one pass.
    """
    kinds = {name: outcomes[0].feedback if outcomes else "none" for name, outcomes in runs.items()}
    blocks = []
    for kind, title in (("none", "one pass"), ("visible", "feedback=visible")):
        chosen = {name: outcomes for name, outcomes in runs.items() if kinds[name] == kind}
        blocks += [_block(chosen, title)] if chosen else []
    return "\n\n".join(blocks)


def _block(runs: dict[str, list[Outcome]], title: str) -> str:
    reference = {outcome.task_id: outcome.passed for outcome in next(iter(runs.values()))}
    heads = (*_COSTS, "pause rate", "degenerate", "AUROC")
    lines = [f"{title:<22}{'solved':>24}{'gained/lost':>13}{'p':>8}{'n':>7}" + "".join(f"{name:>13}" for name in heads)]
    for name, outcomes in runs.items():
        shared = [outcome for outcome in outcomes if outcome.task_id in reference]
        gained = sum(outcome.passed and not reference[outcome.task_id] for outcome in shared)
        lost = sum(not outcome.passed and reference[outcome.task_id] for outcome in shared)
        share, low, high = wilson(sum(outcome.passed for outcome in outcomes), len(outcomes))
        costs = "".join(f"{sum(getattr(o, cost) for o in outcomes) / max(1, len(outcomes)):>13.2f}" for cost in _COSTS)
        empty = sum(outcome.degenerate for outcome in outcomes)
        costs += f"{pause_rate(outcomes):>13.3f}{empty:>13}{number(_auroc(outcomes)):>13}"
        solved = f"{share:.3f} ({low:.3f} to {high:.3f})"
        tested = f"{f'{gained}/{lost}':>13}{mcnemar(gained, lost):>8.3f}{len(outcomes):>7}"
        lines.append(f"{name:<22}{solved:>24}{tested}{costs}")
    return "\n".join(lines)
