"""Problems through the workflow, one JSON line each, appended whole: a run that is killed goes on where it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.program.task import read_task
from agent.strategies import Contestant, once
from agent.workflow.context import Context
from benchmarks.base import Problem
from benchmarks.experiments.outcomes import Outcome
from benchmarks.experiments.record_file import R, RecordFile, digest
from benchmarks.judging.checker import judge_program


def run(problems: Iterable[Problem], context: Context, contestant: Contestant = once) -> Iterator[Outcome]:
    """Yield the outcome of each problem. The hidden tests come in only after the workflow has ended."""
    for problem in problems:
        task = read_task(problem.prompt, entry_point=problem.entry_point)
        result = contestant(context, task)
        judged = judge_program(context.sandbox, problem, result.best.program)
        highest = max((step.scores["entropy"] for step in result.steps), default=0.0)
        verdicts = judged.base.verdict.value, judged.plus.verdict.value
        spent = {**asdict(result.cost), "feedback": result.feedback, "probability": result.answer.probability}
        yield Outcome(
            problem.task_id, digest(problem), result.best.program, result.outcome, *verdicts, len(result.attempts),
            highest if math.isfinite(highest) else None, **spent,
        )  # fmt: skip


def side_by_side(streams: Sequence[Iterator[R]], over: Callable[[], object]) -> Iterator[tuple[R, ...]]:
    """Yield what each of several runs made of a problem, problem by problem; `over` is called when one is over."""
    for found in zip(*streams, strict=True):
        yield found
        over()


def go_on(
    problems: Iterable[Problem], context: Context, contestant: Contestant, file: RecordFile[Outcome] | None
) -> Iterator[Outcome]:
    """Yield the outcome of each problem: those in the file from there, the rest run and appended."""
    if file is None:
        return run(problems, context, contestant)
    return file.go_on(problems, lambda problem: next(run([problem], context, contestant)))


def run_to_file(
    problems: Iterable[Problem], context: Context, path: Path, options: dict[str, Any], contestant: Contestant = once
) -> Iterator[Outcome]:
    """Yield outcomes, those in the file from there; append the rest. Raises InvalidRequestError."""
    with closing(RecordFile(path, Outcome, options)) as file:
        yield from go_on(problems, context, contestant, file)
