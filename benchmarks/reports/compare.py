"""Tables of outcomes: what one run solved and cost, and many runs with paired tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agent.views.report import Report
from benchmarks.experiments.outcomes import ProblemOutcome, pause_rate
from benchmarks.reports.metrics import Interval, mcnemar, wilson
from uncertainty.calibration import auroc

_COSTS = ("tokens", "forwards", "token_rows", "pauses", "sandbox_runs", "seconds")
_PAIRED = ("name", "gained", "lost", "p")  # fields that say nothing of a run by itself
_NAME = 26  # columns; the table then has 118


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """The measures of one run, and its paired test against the first run with the same feedback."""

    name: str
    feedback: str  # "visible" if the examples in the prompt chose among programs, "none" in one pass
    problems: int
    passed: int
    interval: Interval
    gained: int  # problems that this run solved and the reference did not
    lost: int
    p: float  # exact, two-sided, of McNemar's test
    costs: dict[str, float]  # a problem, on average
    pause_rate: float
    degenerate: int
    auroc: float  # how well a run's highest entropy predicts failure; NaN if it cannot be computed

    def record(self) -> dict[str, Any]:
        """Return the measures as plain data for JSON."""
        record = asdict(self) | {"interval": self.interval._asdict()}
        return record | {"auroc": self.auroc if math.isfinite(self.auroc) else None}


def summarise(outcomes: Sequence[ProblemOutcome]) -> Report:
    """Report one run: the share solved with its interval, and what a problem cost."""
    (run,) = compare({"": outcomes})
    accepted = sum(outcome.outcome == "accepted" for outcome in outcomes)
    share, low, high = run.interval
    rows = {
        "solved": f"{run.passed}/{run.problems} = {format_measure(share)} ({low:.3f} to {high:.3f})",
        "accepted by the visible examples": f"{accepted}",
        "AUROC of the highest entropy against failure": format_measure(run.auroc),
        "pause rate": f"{run.pause_rate:.3f}",
        "degenerate": f"{run.degenerate}",
        **{f"{name} a problem": f"{cost:.2f}" for name, cost in run.costs.items()},
    }
    text = "\n".join(f"{name:<46}{value}" for name, value in rows.items())
    record = {name: value for name, value in run.record().items() if name not in _PAIRED}
    return Report(record | {"accepted": accepted}, text)


def compare(runs: Mapping[str, Sequence[ProblemOutcome]]) -> list[ComparedRun]:
    """Measure runs over the same problems. The first run with the same feedback is the reference of each."""
    references: dict[str, dict[str, bool]] = {}
    compared = []
    for name, outcomes in runs.items():
        feedback = outcomes[0].feedback if outcomes else "none"
        solved = {outcome.task_id: outcome.passed for outcome in outcomes}
        reference = references.setdefault(feedback, solved)
        gained = sum(solved[task] and not reference[task] for task in solved if task in reference)
        lost = sum(reference[task] and not solved[task] for task in solved if task in reference)
        passed, total = sum(solved.values()), len(outcomes)
        compared.append(
            ComparedRun(
                name, feedback, total, passed, wilson(passed, total), gained, lost, mcnemar(gained, lost),
                _costs(outcomes), pause_rate(outcomes), sum(each.degenerate for each in outcomes), _auroc(outcomes),
            )
        )  # fmt: skip
    return compared


def report_comparison(runs: Sequence[ComparedRun]) -> Report:
    """Report runs in at most 120 columns: one block of runs of one pass, one of runs that the examples steered."""
    blocks = []
    for feedback, title in (("none", "one pass"), ("visible", "feedback=visible")):
        block = [_row(run) for run in runs if run.feedback == feedback]
        blocks += ["\n".join([_heads(title), *block])] if block else []
    return Report({"runs": [run.record() for run in runs]}, "\n\n".join(blocks))


def format_measure(value: float) -> str:
    """Return a measure as a table shows it; a dash if it cannot be computed."""
    return f"{value:.3f}" if math.isfinite(value) else "-"


def _heads(title: str) -> str:
    tested = f"{'solved':>23}{'gained/lost':>13}{'p':>7}{'n':>6}"
    return f"{title:<{_NAME}}{tested}{'tokens':>10}{'forwards':>10}{'token_rows':>12}{'pause rate':>11}"


def _row(run: ComparedRun) -> str:
    share, low, high = run.interval
    solved = f"{share:.3f} ({low:.3f} to {high:.3f})"
    tested = f"{solved:>23}{f'{run.gained}/{run.lost}':>13}{run.p:>7.3f}{run.problems:>6}"
    costs = f"{run.costs['tokens']:>10.2f}{run.costs['forwards']:>10.2f}{run.costs['token_rows']:>12.2f}"
    return f"{run.name:<{_NAME}}{tested}{costs}{run.pause_rate:>11.3f}"


def _costs(outcomes: Sequence[ProblemOutcome]) -> dict[str, float]:
    return {name: sum(getattr(each, name) for each in outcomes) / max(1, len(outcomes)) for name in _COSTS}


def _auroc(outcomes: Sequence[ProblemOutcome]) -> float:
    """Return how well the highest entropy of a run separates failures from successes; 0.5 says nothing."""
    pairs = [(each.highest_entropy, each.passed) for each in outcomes if each.highest_entropy is not None]
    return auroc([entropy for entropy, passed in pairs if not passed], [entropy for entropy, passed in pairs if passed])
