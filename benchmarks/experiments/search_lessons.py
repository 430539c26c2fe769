"""Searches over problems kept for it, and what they teach: which ways lead somewhere, and which answers are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.program.task import read_task
from agent.search.answer import answer_features
from agent.search.frontier import SearchConfig
from agent.search.orders import count_pairs, edge_features
from agent.workflow.context import Context
from agent.workflow.run import run_task
from benchmarks.base import Problem
from benchmarks.experiments.record_file import digest
from benchmarks.judging.checker import judge_program
from uncertainty.calibration import auroc, brier, ece, reliability_bins


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the search of one problem teaches."""

    task_id: str
    prompt_sha256: str
    ways: list[dict[str, float]]  # features of each edge that was taken
    led: list[bool]  # to a program that passed the visible examples
    answer: dict[str, float]  # its features
    examples: int  # that it was judged by
    accepted: bool
    right: bool  # it passes every hidden test

    def __post_init__(self) -> None:
        if len(self.ways) != len(self.led):
            raise ValueError(f"{len(self.ways)} ways came, and whether {len(self.led)} led somewhere")


def lesson(problem: Problem, context: Context, config: SearchConfig) -> Lesson:
    """Search a problem as planned, then judge the answer by the hidden tests."""
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    result = run_task(context, task, config=config)
    attempts, answer = result.attempts, result.best
    taken = [(number, attempt.edge) for number, attempt in enumerate(attempts) if attempt.edge]
    ways = [edge_features(edge, attempts[:number], count_pairs(attempts[:number])) for number, edge in taken]
    return Lesson(
        problem.task_id, digest(problem), ways, [attempts[number].passed for number, _ in taken],
        answer_features(attempts, result.answer), answer.checked, answer.passed,
        judge_program(context.sandbox, problem, answer.program).passed,
    )  # fmt: skip


def trust_report(probabilities: Sequence[float], right: Sequence[bool], accepted: Sequence[bool]) -> str:
    """Return how well stated probabilities hold: over all answers, and over the accepted ones alone."""
    lines = []
    for name, kept in (("all answers", [True] * len(right)), ("accepted ones", list(accepted))):
        stated = [p for p, keep in zip(probabilities, kept, strict=True) if keep]
        was = [r for r, keep in zip(right, kept, strict=True) if keep]
        yes, no = ([p for p, r in zip(stated, was, strict=True) if r == kind] for kind in (True, False))
        measures = {"ECE": ece(stated, was), "Brier": brier(stated, was), "AUROC": auroc(yes, no)}
        told = ", ".join(
            f"{measure} {'-' if math.isnan(each) else f'{each:.4f}'}" for measure, each in measures.items()
        )
        lines.append(f"{name + ':':<15}{len(was)}, {sum(was)} right, {told}")
    lines += [f"{'stated':>10}{'right':>8}{'answers':>9}"]
    lines += [
        f"{each.stated:>10.3f}{each.right:>8.3f}{each.statements:>9}" for each in reliability_bins(probabilities, right)
    ]
    return "\n".join(lines)
