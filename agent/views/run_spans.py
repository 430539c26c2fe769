"""Turn a finished run, and a program with holes, into the spans that `dubito score` makes of a file. Prints nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.files.changes import plain_text
from agent.program.failures import describe_failure
from agent.program.spans import FileSpans, Replacement, Severity, SourceLines, SpanKind, UncertainSpan
from agent.records import Attempt, Undecided
from agent.views.alternatives import Alternative, choose_alternatives, list_alternatives, say_alternatives
from agent.views.doubts import list_doubts
from agent.views.holes import ProgramWithHoles
from agent.views.sentences import describe_ending
from agent.views.text import format_code
from agent.workflow.run import Result
from agent.workflow.standing import Standing
from uncertainty.places import Span

_SHOWN = 40  # characters of a hole
_LIKELY = -2.5  # nats of a mutant that is worth a span


def list_run_spans(result: Result) -> FileSpans:
    """Return the doubts about the answer of a run: its holes, failures and mutants, and whether the run stands by it.

    The text is the program; where the task has a module, that with the program in it, under its name.
    """
    best, module = result.best, result.task.module
    file = module.file if module else ""
    whole = module.fill(best.program) if module else None
    spans = [
        *_list_ends(result, file),
        *_list_failures(best, file),
        *_list_mutants(best, result.answer.undecided, file),
    ]
    spans += _list_holes(best.program, list_doubts(best), list_alternatives(best), file)
    if whole is not None:
        return FileSpans(file, plain_text(whole), tuple(_move(best.program, whole, result.line_offset, spans)))
    return FileSpans(file, best.program, tuple(sorted(spans, key=lambda span: span.start)))


def list_hole_spans(shown: ProgramWithHoles, file: str = "") -> FileSpans:
    """Return the holes of a program as spans. file: its name."""
    return FileSpans(file, shown.program, tuple(_list_holes(shown.program, shown.holes, shown.alternatives, file)))


def _list_holes(
    program: str, holes: Sequence[Span], alternatives: Sequence[Alternative], file: str
) -> Iterator[UncertainSpan]:
    """Yield a span for each hole. Its alternatives end in the middle of it, so they are said, and replace nothing."""
    for start, end in holes:
        others = choose_alternatives(program, alternatives, start, end)
        evidence = f"`{format_code(program[start:end], _SHOWN)}` is in doubt"
        evidence += f"; the model also considered {say_alternatives(others)}" if others else ""
        yield UncertainSpan(file, start, end, SpanKind.HOLE, Severity.INFO, evidence=evidence)


def _list_failures(best: Attempt, file: str) -> Iterator[UncertainSpan]:
    """Yield a span for each failure, on the first line that it points at."""
    start, end = _find_line(best.program, best.blamed[0] if best.blamed else 1)
    for failure in best.failures:
        evidence = describe_failure(failure)
        yield UncertainSpan(file, start, end, SpanKind.FAILED, Severity.ERROR, evidence=evidence)


def _list_mutants(best: Attempt, undecided: Sequence[Undecided], file: str) -> Iterator[UncertainSpan]:
    """Yield a span for each likely mutant that passes the examples, too: the line that it changes."""
    for mutant in undecided:
        start, end = _find_line(best.program, mutant.line)
        share = 1 / (1 + math.exp(-mutant.weight))
        if mutant.weight >= _LIKELY and start < end:
            others = (Replacement(mutant.text.strip(), share),)
            yield UncertainSpan(
                file, start, end, SpanKind.UNCERTAIN, Severity.INFO, 1 - share, alternatives=others,
                evidence=f"the examples also allow `{format_code(mutant.text.strip(), 2 * _SHOWN)}`",
            )  # fmt: skip


def _list_ends(result: Result, file: str) -> Iterator[UncertainSpan]:
    """Yield a span where the run stands by no program, with the learned probability that its best one is right."""
    if result.standing == Standing.ABSTAINED:
        start, end = _find_line(result.best.program, 1)
        probability, sentence = result.answer.probability, describe_ending(result).sentence
        yield UncertainSpan(
            file, start, end, SpanKind.ABSTAINED, Severity.WARNING, probability, probability is not None,
            evidence=sentence,
        )  # fmt: skip


def _find_line(program: str, number: int) -> Span:
    """Return the code of a line, without the blanks around it."""
    lines = SourceLines(program)
    start, end = lines.line_start(number), lines.line_start(number + 1)
    text = program[start:end]
    return start + len(text) - len(text.lstrip()), start + len(text.rstrip()) if text.strip() else start


def _move(program: str, whole: str, offset: int, spans: Sequence[UncertainSpan]) -> Iterator[UncertainSpan]:
    """Yield the spans of a program at their places in its module, where the same lines stand `offset` lines below."""
    lines, around = SourceLines(program), SourceLines(plain_text(whole))

    def move(at: int) -> int:
        line, column = lines.position(at)
        return min(around.line_start(max(line + offset, 1)) + column - 1, len(around.source))

    for span in sorted(spans, key=lambda span: span.start):
        yield replace(span, start=move(span.start), end=move(span.end))
