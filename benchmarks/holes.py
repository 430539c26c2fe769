"""Fill one expression of a canonical solution by a model that saw what stands before and after it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from agent import prompts
from agent.decoding.loop import decode
from agent.decoding.stops import any_of, budget, end_token
from agent.errors import UsageError
from agent.moves import Context
from benchmarks.base import Problem
from benchmarks.checker import judge

SHORTEST = 3  # characters of an expression that is worth a hole: most names and digits are shorter


@dataclass(frozen=True, slots=True)
class Filling:
    """What a model put in the place of one expression."""

    task_id: str
    expression: str  # of the canonical solution
    filling: str
    passed: bool  # the program with the filling in it passes every hidden test


def fillings(problems: Iterable[Problem], context: Context) -> Iterator[Filling]:
    """Yield the filling of one hole a problem, by the context's policy. Raises UsageError for a model without holes."""
    mark = prompts.HOLE_MARKS[0]
    if len(context.lm.encode(mark, continues=True)) != 1:
        raise UsageError(f"this model has no token {mark!r}; choose one that was trained to fill holes")
    stop = any_of(end_token(context.lm.end_ids), budget(context.max_tokens))
    for problem in problems:
        program = problem.reference_program
        first, last = hole(problem)
        ids = context.lm.encode(prompts.hole(program[:first], program[last:]))
        steps = decode(context.lm, ids, context.policy, stop=stop, text=context.lm.stream_after(ids), seed=context.seed)
        filling = "".join(step.text for step in steps if step.token not in context.lm.end_ids)
        judged = judge(context.sandbox, problem, program[:first] + filling + program[last:])
        yield Filling(problem.task_id, program[first:last], filling, judged.passed)


def hole(problem: Problem) -> tuple[int, int]:
    """Return the span of one expression of the canonical solution, chosen by the problem's id."""
    spans = expressions(problem.reference_program, len(problem.prompt))
    worthwhile = [span for span in spans if span[1] - span[0] >= SHORTEST]
    return Random(problem.task_id).choice(worthwhile or spans)


def expressions(program: str, start: int = 0) -> list[tuple[int, int]]:
    """Return the spans, in characters, of all expressions from `start` on that are read, not assigned to."""
    lines = program.splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))

    def at(line: int, column: int) -> int:  # ast counts columns in bytes
        return begins[line - 1] + len(lines[line - 1].encode()[:column].decode())

    spans = [
        (at(node.lineno, node.col_offset), at(node.end_lineno or 1, node.end_col_offset or 0))
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.expr)
        and not isinstance(node, ast.Slice)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    return [span for span in spans if span[0] >= start]
