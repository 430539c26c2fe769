"""Trails: every program of a search, each judged, and the answer that would stand if the search ended there.

One run with a large budget so tells what every smaller budget solves. Decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

from agent.program.ends import PRUNED
from agent.records import Attempt
from agent.search.answer import answer_features, best_answer
from agent.workflow.context import Context
from agent.workflow.run import Result
from benchmarks.base import Problem
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import RecordFile, digest_prompt
from benchmarks.experiments.side_by_side import call_beside
from benchmarks.judging.checker import judge_program

TRAIL_ENDING = ".trails.jsonl"


@dataclass(frozen=True, slots=True)
class TrailStep:
    """One program of a search."""

    kind: str  # of the edge that led to it; "first" for the first attempt
    tokens: int  # committed by the run when the program had ended
    passed: bool  # no visible example failed
    checked: int  # visible examples
    right: bool  # it passes the hidden tests
    twin: bool  # an earlier program equals it but for names and layout
    dropped: bool  # it was dropped half-written
    logprob: float  # nats, of the completion
    group: int | None  # number of the first program that passed and behaves like it; None where it was not compared
    answer: int  # number of the program that would stand for the run, from 0
    forwards: int = 0  # calls of the model until then; 0 in files of before
    token_rows: int = 0  # tokens fed until then, prompts and lookahead included


@dataclass(frozen=True, slots=True)
class Trail:
    """The programs of one problem's search, in their order."""

    KIND: ClassVar[str] = "trail"
    MADE_BY: ClassVar[str] = "bench experiment"

    task_id: str
    prompt_sha256: str
    steps: list[TrailStep]
    sample: int = 0
    features: dict[str, float] = field(default_factory=dict)  # of the answer of the whole search

    def __post_init__(self) -> None:
        if not self.steps or any(step.answer > number for number, step in enumerate(self.steps)):
            raise ValueError("a trail has at least one program, and an answer is none that comes later")

    def within(self, most: float, unit: str = "tokens") -> list[TrailStep]:
        """Return the programs that had ended within so much of a unit of cost; at least the first."""
        return [step for number, step in enumerate(self.steps) if number == 0 or getattr(step, unit) <= most]

    def solved(self, most: float, unit: str = "tokens") -> bool:
        """Whether the answer within so much of a unit of cost is right."""
        return self.steps[self.within(most, unit)[-1].answer].right

    @property
    def right(self) -> bool:
        """Whether the answer of the whole search is right."""
        return self._answer.right

    @property
    def passed(self) -> bool:
        """Whether that answer passed the visible examples."""
        return self._answer.passed

    @property
    def examples(self) -> int:
        """The visible examples that judged it."""
        return self._answer.checked

    @property
    def evidence(self) -> dict[str, float]:
        """The features of the answer. In older files also an answer that no example checked counts as passed."""
        return {**self.features, "passed": float(self.passed and self.examples > 0)}

    @property
    def first_evidence(self) -> dict[str, float]:
        """The same features of the first program alone, as far as a step tells them."""
        step = self.steps[0]
        passed = float(step.passed and step.checked > 0)
        return {"passed": passed, "logprob": step.logprob, "attempts": 0.0, "share": float(step.passed)}

    @property
    def _answer(self) -> TrailStep:
        return self.steps[self.steps[-1].answer]

    @property
    def settled_at(self) -> float:
        """The tokens after which the answer is right and stays so; infinite where the last one is wrong."""
        tokens = math.inf
        for step in reversed(self.steps):
            if not self.steps[step.answer].right:
                break
            tokens = step.tokens
        return tokens


def collect_trail(item: WorkItem, context: Context, result: Result, *, majority: bool) -> Trail:
    """Judge the programs of a run by the hidden tests, those that failed a visible example aside.

    majority: how the run chose its answer, as in `SearchConfig`.
    """
    attempts, rights = result.attempts, dict[str, bool]()
    for attempt in attempts:
        if attempt.passed and attempt.program not in rights:
            judged = call_beside(judge_program, context.sandbox, item.problem, attempt.program)
            rights[attempt.program] = judged.passed
    if not any(each.passed for each in attempts):  # an example may be wrong, or more than the tests ask for
        _judge_answer(item.problem, context, result, rights)
    totals = list(accumulate(attempt.cost for attempt in attempts))
    totals[-1] = result.cost  # with what belongs to no program, such as cases that the model proposed
    steps = [
        TrailStep(
            attempt.edge.kind if attempt.edge else "first", cost.tokens, attempt.passed, attempt.checked,
            rights.get(attempt.program, False), attempt.duplicate_of is not None and attempt.end not in PRUNED,
            attempt.end in PRUNED, sum(attempt.logprobs), group, _find_answer(attempts[: number + 1], result, majority),
            cost.forwards, cost.token_rows,
        )
        for number, (attempt, cost, group) in enumerate(zip(attempts, totals, _groups(attempts), strict=True))
    ]  # fmt: skip
    features = answer_features(attempts, result.answer)
    return Trail(item.problem.task_id, digest_prompt(item.problem.prompt), steps, item.sample, features)


def _find_answer(attempts: Sequence[Attempt], result: Result, majority: bool) -> int:
    return best_answer(attempts, (), entry_point=result.task.entry_point, majority=majority).attempt


def _judge_answer(problem: Problem, context: Context, result: Result, rights: dict[str, bool]) -> None:
    program = result.best.program
    rights[program] = call_beside(judge_program, context.sandbox, problem, program).passed


def _groups(attempts: Sequence[Attempt]) -> Iterator[int | None]:
    firsts = dict[object, int]()
    for number, attempt in enumerate(attempts):
        compared = attempt.passed and attempt.behaviour
        yield firsts.setdefault(attempt.behaviour, number) if compared else None


def open_trails(outcomes: Path, options: Mapping[str, Any], cleanup: ExitStack) -> RecordFile[Trail]:
    """Open the file of trails beside a file of outcomes. `cleanup` closes it."""
    return cleanup.enter_context(closing(RecordFile(outcomes.with_suffix(TRAIL_ENDING), Trail, options)))
