"""Cut one expression out of each canonical solution, and let a model fill the hole from what surrounds it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from agent.decoding.context import Policy
from agent.decoding.loop import decode
from agent.decoding.policies import GREEDY
from agent.decoding.stops import any_of, end_token, token_limit
from agent.errors import InvalidRequestError
from agent.lm.reference import logits_before
from agent.program.examples.read import visible_examples
from agent.program.syntax import read_module
from agent.search.frontier import find_departures
from agent.verification.examples import verify
from agent.views.report import Report
from agent.workflow.context import Context
from benchmarks.base import Problem
from benchmarks.judging.checker import judge_program
from benchmarks.reports.metrics import wilson
from uncertainty.places import Places

_DEPARTURES = 16  # ways to leave the first attempt; some lead to the same text
_SHORTEST = 3  # characters of an expression that is worth a hole: most names and digits are shorter


@dataclass(frozen=True, slots=True)
class FilledProblem:
    """The texts that a model wrote in the place of one expression."""

    task_id: str
    expression: str  # the canonical solution's own text
    filling: str
    attempts: int
    passed: bool  # the program with the filling in it passes every hidden test


def fill_problems(problems: Iterable[Problem], context: Context, *, attempts: int = 4) -> Iterator[FilledProblem]:
    """Yield the filling of one hole a problem. Raises InvalidRequestError for a model that cannot fill holes.

    The context's policy decodes the first attempt. Each other attempt leaves it where another token comes nearest to
    being chosen, and goes on greedily. The first attempt that passes the visible examples stands, else the first one.
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
        texts = _attempts(context, context.tokenizer.encode(fim.prompt(before, after)))
        examples = tuple(visible_examples(problem.prompt))
        filling, tried = "", 0
        for tried, text in enumerate(islice(texts, attempts), start=1):
            filling = text if tried == 1 else filling
            if verify(context.sandbox, before + text + after, examples, limits=context.limits).passed:
                filling = text
                break
        judged = judge_program(context.sandbox, problem, before + filling + after)
        yield FilledProblem(problem.task_id, program[first:last], filling, tried, judged.passed)


def report_fillings(fillings: Sequence[FilledProblem]) -> Report:
    """Report how many fillings passed the hidden tests, and how many are the canonical solution's own text."""
    passed, same = sum(each.passed for each in fillings), sum(each.filling == each.expression for each in fillings)
    interval = wilson(passed, len(fillings))
    share, low, high = interval
    record = {"problems": len(fillings), "filled": passed, "interval": interval._asdict(), "as_in_the_original": same}
    text = f"filled {passed}/{len(fillings)} = {share:.3f} ({low:.3f} to {high:.3f}), {same} as in the original"
    return Report(record, text)


def _attempts(context: Context, ids: list[int]) -> Iterator[str]:
    """Yield different texts for the hole: that of the policy, then those of its departures, the likeliest first."""
    first = _complete(context, ids, [], context.policy)
    texts = [_text(context, ids, first)]
    yield texts[0]
    if context.lm.context is not None and len(ids) + len(first) > context.lm.context:
        return
    logits = logits_before(context.lm, ids, first)
    for position, token in find_departures(logits, first, _DEPARTURES):
        text = _text(context, ids, _complete(context, ids, [*first[:position], token], GREEDY))
        if text not in texts:
            texts.append(text)
            yield text


def _complete(context: Context, ids: list[int], start: list[int], policy: Policy) -> list[int]:
    """Return the tokens of a filling that begins with `start`."""
    lm, end_ids = context.lm, context.tokenizer.end_ids
    room = context.max_tokens if lm.context is None else min(context.max_tokens, lm.context - len(ids))
    if start and (start[-1] in end_ids or len(start) >= room):
        return start
    stop = any_of(end_token(end_ids), token_limit(room - len(start)))
    text = None if start else context.tokenizer.stream(ids)
    steps = decode(lm, [*ids, *start], policy, stop=stop, text=text, seed=context.seed)
    return [*start, *(step.token for step in steps)]


def _text(context: Context, ids: list[int], tokens: list[int]) -> str:
    stream, text = context.tokenizer.stream(ids), ""
    for token in tokens:
        if token not in context.tokenizer.end_ids:
            stream, piece = stream.feed(token)
            text += piece
    return text


def choose_hole(problem: Problem) -> tuple[int, int]:
    """Return the span of one expression of the canonical solution, chosen by the problem's id."""
    spans = find_expressions(problem.reference_program, len(problem.prompt))
    worthwhile = [span for span in spans if span[1] - span[0] >= _SHORTEST]
    return Random(problem.task_id).choice(worthwhile or spans)


def find_expressions(program: str, start: int = 0) -> list[tuple[int, int]]:
    """Return the spans, in characters, of all expressions from `start` on that are read and not assigned to."""
    places = Places(program)
    spans = [
        places.find(node)
        for node in ast.walk(read_module(program))
        if isinstance(node, ast.expr)
        and not isinstance(node, ast.Slice)
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    return [span for span in spans if span[0] >= start]
