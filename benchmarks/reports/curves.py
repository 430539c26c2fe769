"""Curves of what is solved by how many tokens, the area below them, and paired tests between them."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.experiments.best_of_n import ProblemSamples
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.reports.metrics import mcnemar

_RESAMPLES = 2_000


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
    """Return the curve of a run, which stops at the first program that passes the visible examples."""
    feedback = outcomes[0].feedback if outcomes else "none"
    return Curve({each.task_id: each.tokens if each.passed else math.inf for each in outcomes}, feedback)


def curve_of_samples(problems: Sequence[ProblemSamples]) -> Curve:
    """Return the curve of best-of-n, with n as large as there are samples."""
    best = {each.task_id: each.best_of(len(each.tokens)) for each in problems}
    return Curve({task_id: each.tokens if each.solved else math.inf for task_id, each in best.items()})


def curve_table(curves: Mapping[str, Curve], most: int) -> str:
    """Return each curve at four budgets, its area, and tests against the first curve with the same feedback.

    The p of an area is of a paired bootstrap over problems, two-sided; at a budget it is McNemar's.
    """
    blocks = []
    for kind, title in (("none", "one pass"), ("visible", "feedback=visible")):
        comparable = {name: curve for name, curve in curves.items() if curve.feedback == kind}
        blocks += [_block(comparable, most, title)] if comparable else []
    return "\n\n".join(blocks)


def _block(curves: Mapping[str, Curve], most: int, title: str) -> str:
    first, *_ = curves.values()
    budgets = [most // 8, most // 4, most // 2, most]
    heads = "".join(f"{f'at {budget} tokens':>26}" for budget in budgets)
    lines = [f"{title:<22}{heads}{'area':>9}{'p':>8}{'n':>7}"]
    for name, curve in curves.items():
        cells = "".join(f"{_against(curve.solved(budget), first.solved(budget)):>26}" for budget in budgets)
        lines.append(
            f"{name:<22}{cells}{curve.area(most):>9.4f}{area_p(curve, first, most):>8.3f}{len(curve.tokens):>7}"
        )
    return "\n".join(lines)


def area_p(curve: Curve, other: Curve, most: float, *, seed: int = 0) -> float:
    """Return the two-sided p of the difference of two areas, by a paired bootstrap over problems; 1 for the same."""
    differences = [_part(curve.tokens[task], most) - _part(other.tokens[task], most) for task in curve.tokens]
    if not any(differences):
        return 1.0
    chance = random.Random(seed)
    sums = [sum(chance.choices(differences, k=len(differences))) for _ in range(_RESAMPLES)]
    below = sum(total <= 0 for total in sums) / _RESAMPLES
    return min(1.0, 2 * max(min(below, 1 - below), 1 / _RESAMPLES))


def _part(tokens: float, most: float) -> float:
    return max(0.0, 1.0 - tokens / most)


def _against(solved: set[str], reference: set[str]) -> str:
    gained, lost = len(solved - reference), len(reference - solved)
    return f"{len(solved)}" if gained == lost == 0 else f"{len(solved)} +{gained}/-{lost} p {mcnemar(gained, lost):.3f}"
