"""Fill one expression of a canonical solution by a model that saw what stands before and after it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from agent.decoding.context import Policy
from agent.decoding.loop import decode
from agent.decoding.policies import GREEDY
from agent.decoding.stops import any_of, budget, end_token
from agent.errors import InvalidRequestError
from agent.lm.reference import logits_before
from agent.program.examples.read import visible_examples
from agent.program.syntax import read_module
from agent.search.frontier import find_departures
from agent.verification.examples import verify
from agent.workflow.context import Context
from benchmarks.base import Problem
from benchmarks.judging.checker import judge_program

_WAYS = 16  # to leave the first attempt; some lead to the same text
SHORTEST = 3  # characters of an expression that is worth a hole: most names and digits are shorter


@dataclass(frozen=True, slots=True)
class Filling:
    """What a model put in the place of one expression."""

    task_id: str
    expression: str  # of the canonical solution
    filling: str
    attempts: int
    passed: bool  # the program with the filling in it passes every hidden test


def fill_holes(problems: Iterable[Problem], context: Context, *, attempts: int = 4) -> Iterator[Filling]:
    """Yield the filling of one hole a problem. Raises InvalidRequestError for a model without holes.

    The first attempt is decoded by the context's policy; the others leave it, and then go on greedily, where another
    token comes nearest to being chosen. The first that passes the visible examples stands, or else the first of all.
    """
    fim = context.tokenizer.fim
    if fim is None:
        raise InvalidRequestError(
            "this model has no fill-in-the-middle tokens; choose one that was trained to fill holes"
        )
    for problem in problems:
        program = problem.reference_program
        first, last = choose_hole(problem)
        before, after = program[:first], program[last:]
        tried = _attempts(context, context.tokenizer.encode(fim.prompt(before, after)))
        examples = tuple(visible_examples(problem.prompt))
        filling, made = "", 0
        for made, text in enumerate(islice(tried, attempts), start=1):
            filling = text if made == 1 else filling
            if verify(context.sandbox, before + text + after, examples, limits=context.limits).passed:
                filling = text
                break
        judged = judge_program(context.sandbox, problem, before + filling + after)
        yield Filling(problem.task_id, program[first:last], filling, made, judged.passed)


def _attempts(context: Context, ids: list[int]) -> Iterator[str]:
    """Yield what may stand in the hole, each another text, the likeliest way to leave the first one first."""
    first = _completed(context, ids, [], context.policy)
    texts = [_text(context, ids, first)]
    yield texts[0]
    if context.lm.context is not None and len(ids) + len(first) > context.lm.context:
        return
    logits = logits_before(context.lm, ids, first)
    for position, token in find_departures(logits, first, _WAYS):
        text = _text(context, ids, _completed(context, ids, [*first[:position], token], GREEDY))
        if text not in texts:
            texts.append(text)
            yield text


def _completed(context: Context, ids: list[int], begun: list[int], policy: Policy) -> list[int]:
    lm, end_ids = context.lm, context.tokenizer.end_ids
    room = context.max_tokens if lm.context is None else min(context.max_tokens, lm.context - len(ids))
    if begun and (begun[-1] in end_ids or len(begun) >= room):
        return begun
    stop = any_of(end_token(end_ids), budget(room - len(begun)))
    text = None if begun else context.tokenizer.stream(ids)
    steps = decode(lm, [*ids, *begun], policy, stop=stop, text=text, seed=context.seed)
    return [*begun, *(step.token for step in steps)]


def _text(context: Context, ids: list[int], tokens: list[int]) -> str:
    stream, text = context.tokenizer.stream(ids), ""
    for token in tokens:
        if token not in context.tokenizer.end_ids:
            stream, piece = stream.feed(token)
            text += piece
    return text


def choose_hole(problem: Problem) -> tuple[int, int]:
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
        for node in ast.walk(read_module(program))
        if isinstance(node, ast.expr)
        and not isinstance(node, ast.Slice)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    return [span for span in spans if span[0] >= start]
