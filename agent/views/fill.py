"""Show the fillings of a file's holes: a report for a person, and a record. Prints nothing."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import Any

from agent.program.failures import describe_failure
from agent.program.holes import put_fillings
from agent.views.numbers import format_count, format_probability
from agent.views.report import Report
from agent.views.sentences import describe_cost
from agent.views.text import one_line
from agent.workflow.filled import FilledFile, FilledHole, Filling


def report_filled_file(file: FilledFile) -> Report:
    """Report each hole with its fillings, the best first, and what they cost."""
    lines = [line for hole in file.holes for line in _show_hole(file, hole)]
    record = {
        "holes": [_record_hole(file, hole) for hole in file.holes],
        "program": file.program,
        "settled": file.is_settled,
        "cost": file.cost,
    }
    return Report(record, "\n".join([*lines, describe_cost(file.cost)]))


def _record_hole(file: FilledFile, filled: FilledHole) -> dict[str, Any]:
    hole = filled.hole
    return {
        "line": hole.line,
        "hint": hole.hint,
        "kind": "statement" if hole.is_statement else "expression",
        "examples": filled.examples,
        "shown_lines": [filled.first_line, filled.last_line],
        "drawn": filled.drawn,
        "settled": filled.is_settled,
        "fillings": [_record_filling(filling) for filling in filled.fillings],
    }


def _record_filling(filling: Filling) -> dict[str, Any]:
    return {
        "text": filling.text,
        "score": filling.score,
        "logprob": filling.logprob,
        "suffix_logprob": filling.suffix_logprob,
        "passed": filling.passed,
        "failure": filling.failure,
    }


def _show_hole(file: FilledFile, filled: FilledHole) -> Iterator[str]:
    """Yield the lines of one hole: where it is, what the model saw, and each filling."""
    hole, lines = filled.hole, file.source.split("\n")
    cut = "" if _saw_all(filled, len(lines)) else f" (the model saw lines {filled.first_line} to {filled.last_line})"
    yield f"line {hole.line}: {one_line(lines[hole.line - 1].strip())}{cut}"
    if not filled.fillings:
        yield f"  no filling: none of {format_count(filled.drawn, 'text')} of the model fits there"
    for number, filling in enumerate(filled.fillings, start=1):
        probability = format_probability(math.exp(filling.logprob))
        yield f"  {number}. probability {probability}, score {filling.score:.2f}{_say_outcome(file, filled, filling)}"
        yield from (f"       {line}".rstrip() for line in _cut_lines(file, filled, filling))
    yield ""


def _saw_all(filled: FilledHole, count: int) -> bool:
    return filled.first_line == 1 and filled.last_line >= count - 1  # the last one may be empty


def _say_outcome(file: FilledFile, filled: FilledHole, filling: Filling) -> str:
    """Return what became of the examples, as the rest of a sentence; nothing where none is shown."""
    if not filled.examples:
        return ""
    if filling.passed is None:
        return ", not run on the examples"
    why = f": {one_line(describe_failure(filling.failure))}" if filling.failure else ""
    beside = " with the best in the other holes" if len(file.fillings) > 1 else ""
    return f", passes {filling.passed} of {format_count(filled.examples, 'example')}{beside}{why}"


def _cut_lines(file: FilledFile, filled: FilledHole, filling: Filling) -> list[str]:
    """Return the filled lines of the file, without what indents all of them."""
    program, hole = put_fillings(file.source, {filled.hole: filling.text}), filled.hole
    count = 1 + filling.text.count("\n")
    return textwrap.dedent("\n".join(program.split("\n")[hole.line - 1 : hole.line - 1 + count])).split("\n")
