"""Training data of searches: run searches over problems that are kept for it, and judge where they led.

An order of edges and a probability of being right are learned from it. Nothing is learned here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from agent.program.task import read_task
from agent.search.answer import answer_features
from agent.search.frontier import SearchConfig
from agent.search.orders import count_pairs, edge_features
from agent.workflow.context import Context
from agent.workflow.run import run_task
from benchmarks.base import Problem
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.judging.checker import judge_program
from uncertainty.calibration import auroc, brier, ece, reliability_bins


@dataclass(frozen=True, slots=True)
class SearchExample:
    """The search of one problem, as an example to learn from."""

    KIND: ClassVar[str] = "search example"
    MADE_BY: ClassVar[str] = "calibrate search --keep"

    task_id: str
    prompt_sha256: str
    edges: list[dict[str, float]]  # features of each edge that was numbered
    edges_passed: list[bool]  # whether the program behind each edge passed the visible examples
    answer: dict[str, float]  # features of the answer
    examples: int  # visible examples that the answer was checked by
    accepted: bool
    right: bool  # the answer passes every hidden test

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.edges_passed):
            raise ValueError(f"{len(self.edges)} edges came with {len(self.edges_passed)} results")


def search_problem(problem: Problem, context: Context, config: SearchConfig) -> SearchExample:
    """Search a problem, then judge the answer by the hidden tests."""
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    result = run_task(context, task, config=config)
    attempts, best = result.attempts, result.best
    numbered = [(number, attempt.edge) for number, attempt in enumerate(attempts) if attempt.edge]
    edges = [edge_features(edge, attempts[:number], count_pairs(attempts[:number])) for number, edge in numbered]
    return SearchExample(
        problem.task_id, digest_prompt(problem.prompt), edges, [attempts[number].passed for number, _ in numbered],
        answer_features(attempts, result.answer), best.checked, best.passed,
        judge_program(context.sandbox, problem, best.program).passed,
    )  # fmt: skip


def reliability_table(probabilities: Sequence[float], right: Sequence[bool], accepted: Sequence[bool]) -> str:
    """Return how well stated probabilities hold, over all answers and over the accepted ones, and a table by tenths."""
    lines = []
    for name, included in (("all answers", [True] * len(right)), ("accepted ones", list(accepted))):
        stated = [p for p, include in zip(probabilities, included, strict=True) if include]
        truth = [r for r, include in zip(right, included, strict=True) if include]
        of_right, of_wrong = ([p for p, r in zip(stated, truth, strict=True) if r == kind] for kind in (True, False))
        measures = {"ECE": ece(stated, truth), "Brier": brier(stated, truth), "AUROC": auroc(of_right, of_wrong)}
        texts = [f"{measure} {'-' if math.isnan(value) else f'{value:.4f}'}" for measure, value in measures.items()]
        lines.append(f"{name + ':':<15}{len(truth)}, {sum(truth)} right, {', '.join(texts)}")
    lines += [f"{'stated':>10}{'right':>8}{'answers':>9}"]
    lines += [
        f"{each.stated:>10.3f}{each.right:>8.3f}{each.statements:>9}" for each in reliability_bins(probabilities, right)
    ]
    return "\n".join(lines)
