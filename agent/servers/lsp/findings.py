"""Find what a model is not needed for: the holes of a file, and why a file cannot be scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.program.holes import Hole, find_holes, show_holes
from agent.program.spans import Replacement, Severity, SourceLines, SpanKind, UncertainSpan
from agent.program.surprises import LONGEST_SOURCE, check_python
from agent.views.numbers import format_count
from agent.workflow.filled import FilledHole


class TextProblem(NamedTuple):
    """A sentence about a text as a whole, and the character at which it is shown."""

    offset: int
    sentence: str


class Examination(NamedTuple):
    """The holes of a text, and the text of the same length that a model can score; or why it cannot."""

    holes: tuple[Hole, ...]
    text: str
    problem: TextProblem | None


def examine(source: str, name: str) -> Examination:
    """Find the holes of a file's text, and decide whether it can be scored. name: of the file, for messages."""
    if len(source) > LONGEST_SOURCE:  # nor are holes looked for
        return Examination((), source, _find_problem(source, name))
    try:
        source.encode()
    except UnicodeEncodeError as error:
        sentence = "a character here is no text, so Dubito does not score this file; save it as UTF-8"
        return Examination((), source, TextProblem(error.start, sentence))
    holes = _list_holes(source, name)
    text = show_holes(source, holes)
    return Examination(holes, text, _find_problem(text, name))


def describe_hole(source: str, hole: Hole, file: str, filled: FilledHole | None = None) -> UncertainSpan:
    """Return a hole as a span of a file, with the fillings that were written for it."""
    end, behind = (hole.comment[1], source[hole.end : hole.comment[0]]) if hole.comment else (hole.end, "")
    fillings = filled.fillings if filled else ()
    others = tuple(Replacement(each.text + behind, math.exp(each.logprob)) for each in fillings)
    evidence = f"to be filled: {hole.hint}" if hole.hint else "code is missing here"
    if filled and filled.best and filled.best.passed is not None:
        evidence = f"the best filling passes {filled.best.passed} of {format_count(filled.examples, 'example')}"
    return UncertainSpan(file, hole.start, end, SpanKind.HOLE, Severity.INFO, alternatives=others, evidence=evidence)


def join_spans(holes: Sequence[UncertainSpan], others: Sequence[UncertainSpan]) -> tuple[UncertainSpan, ...]:
    """Return the spans of a text in its order, without those of other kinds that reach into a hole."""
    apart = [
        span
        for span in others
        if span.kind != SpanKind.HOLE and not any(span.start < hole.end and hole.start < span.end for hole in holes)
    ]
    return tuple(sorted((*holes, *apart), key=lambda span: span.start))


def _list_holes(source: str, name: str) -> tuple[Hole, ...]:
    try:
        return find_holes(source, name)
    except InvalidRequestError:  # it has none, or is no Python
        return ()


def _find_problem(text: str, name: str) -> TextProblem | None:
    try:
        check_python(text, name)
    except InvalidRequestError as error:
        cause = error.__cause__
        line = cause.lineno if isinstance(cause, SyntaxError) and cause.lineno else 1
        return TextProblem(SourceLines(text).line_start(line), str(error))
    return None
