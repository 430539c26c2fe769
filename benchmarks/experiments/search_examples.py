"""Training data of searches: run searches over problems that are kept for it, and judge where they led.

An order of edges and a probability of being right are learned from it. Nothing is learned here.
"""

from __future__ import annotations

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
