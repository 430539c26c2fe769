"""Curves of what is solved by how many tokens, the area below them, and paired tests between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError
from agent.views.report import Report
from benchmarks.experiments.best_of_n import ProblemSamples
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.reports.metrics import bootstrap_p, mcnemar


@dataclass(frozen=True, slots=True)
class Curve:
    """By problem, the tokens at which a right answer came; infinite if none did."""

    tokens: Mapping[str, float]
    feedback: str = "visible"  # "visible" if the examples in the prompt chose among programs, "none" in one pass

    def solved(self, budget: float) -> set[str]:
        """Return the problems solved within so many tokens each."""
        return {task_id for task_id, tokens in self.tokens.items() if tokens <= budget}

    def area(self, most: float) -> float:
        """Return the mean share solved over all budgets from 0 to `most` tokens, in [0, 1]."""
        return sum(_part(tokens, most) for tokens in self.tokens.values()) / len(self.tokens)


def curve_of_outcomes(outcomes: Sequence[ProblemOutcome]) -> Curve:
    """Return the curve of a run, which stops at the first program that passes the visible examples.

    Raises InvalidRequestError for a run of several samples a problem.
    """
    if any(each.sample for each in outcomes):
        raise InvalidRequestError(
            "the run has several samples of a problem, and a curve is of runs with one; try `dubito bench compare`"
        )
    feedback = outcomes[0].feedback if outcomes else "none"
    return Curve({each.task_id: each.tokens if each.passed else math.inf for each in outcomes}, feedback)


def curve_of_samples(problems: Sequence[ProblemSamples]) -> Curve:
    """Return the curve of best-of-n, with n as large as there are samples."""
    best = {each.task_id: each.best_of(len(each.tokens)) for each in problems}
    return Curve({task_id: each.tokens if each.solved else math.inf for task_id, each in best.items()})


class BudgetPoint(NamedTuple):
    """What a curve solves within a budget, beside the first curve with the same feedback."""

    tokens: int  # the budget
    solved: int
    gained: int
    lost: int
    p: float  # McNemar's


@dataclass(frozen=True, slots=True)
class ComparedCurve:
    """A curve at four budgets, its area, and tests against the first curve with the same feedback."""

    name: str
    feedback: str
    problems: int
    points: tuple[BudgetPoint, ...]
    area: float
    p: float  # of the area: a paired bootstrap over problems, two-sided

    def record(self) -> dict[str, Any]:
        """Return the measures as plain data for JSON."""
        return {**asdict(self), "points": [point._asdict() for point in self.points]}


def report_curves(curves: Mapping[str, Curve], most: int) -> Report:
    """Report each curve at four budgets up to `most` tokens, one block of one pass, one that the examples steered."""
    compared, blocks = list[ComparedCurve](), []
    for kind, title in (("none", "one pass"), ("visible", "feedback=visible")):
        comparable = {name: curve for name, curve in curves.items() if curve.feedback == kind}
        rows = _compare_curves(comparable, most)
        compared += rows
        blocks += ["\n".join([_heads(title, most), *map(_row, rows)])] if rows else []
    return Report({"curves": [each.record() for each in compared]}, "\n\n".join(blocks))


def _compare_curves(curves: Mapping[str, Curve], most: int) -> list[ComparedCurve]:
    """Compare curves with the first of them."""
    compared = []
    for name, curve in curves.items():
        first = next(iter(curves.values()))
        points = tuple(_point(curve, first, budget) for budget in _budgets(most))
        area, p = curve.area(most), area_p(curve, first, most)
        compared.append(ComparedCurve(name, curve.feedback, len(curve.tokens), points, area, p))
    return compared


def _budgets(most: int) -> list[int]:
    return [most // 8, most // 4, most // 2, most]


def _point(curve: Curve, first: Curve, budget: int) -> BudgetPoint:
    solved, reference = curve.solved(budget), first.solved(budget)
    gained, lost = len(solved - reference), len(reference - solved)
    return BudgetPoint(budget, len(solved), gained, lost, mcnemar(gained, lost))


def _heads(title: str, most: int) -> str:
    heads = "".join(f"{f'at {budget} tokens':>26}" for budget in _budgets(most))
    return f"{title:<22}{heads}{'area':>9}{'p':>8}{'n':>7}"


def _row(curve: ComparedCurve) -> str:
    cells = "".join(f"{_cell(point):>26}" for point in curve.points)
    return f"{curve.name:<22}{cells}{curve.area:>9.4f}{curve.p:>8.3f}{curve.problems:>7}"


def _cell(point: BudgetPoint) -> str:
    same = point.gained == point.lost == 0
    return f"{point.solved}" if same else f"{point.solved} +{point.gained}/-{point.lost} p {point.p:.3f}"


def area_p(curve: Curve, other: Curve, most: float) -> float:
    """Return the two-sided p of the difference of two areas, by a paired bootstrap over problems; 1 for the same."""
    return bootstrap_p([_part(curve.tokens[task], most) - _part(other.tokens[task], most) for task in curve.tokens])


def _part(tokens: float, most: float) -> float:
    return max(0.0, 1.0 - tokens / most)
