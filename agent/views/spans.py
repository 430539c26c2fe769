"""Say what is doubtful about parts of files: in a sentence, with the code below it, and as plain data. Prints nothing.

agent.views.editor_lines and agent.views.sarif write the same for other programs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len

from agent.program.spans import FileSpans, Replacement, Severity, SourceLines, SpanKind, UncertainSpan
from agent.views.numbers import format_count, format_probability
from agent.views.text import clean, format_code, one_line

_SHOWN = 40  # characters of a span or an alternative
_LONGEST = 160  # characters of a sentence


def say_span(source: str, span: UncertainSpan) -> str:
    """Return one sentence on a span, without its place: what stands there, and what would stand there instead."""
    if span.evidence or span.kind != SpanKind.UNCERTAIN:
        return _shorten(one_line(span.evidence))
    return next(filter(_is_short, map(lambda most: _say(source, span, most), (3, 2, 1))), _say(source, span, 0))


def _say(source: str, span: UncertainSpan, most: int) -> str:
    """Say what would stand in the place of a span, at most so many ways, and how probable it and the span are."""
    written = f"`{format_code(source[span.start : span.end], _SHOWN)}`"
    probability = format_probability(math.nan if span.probability is None else span.probability)
    others = _say_others(span.alternatives[:most])
    if span.is_learned:
        line = f"{written} is right with probability {probability}"
        return f"{line}; the model would write {others}" if others else line
    if not others:
        return f"the model gives {written} a probability of {probability}"
    return f"the model would write {others} in place of {written} ({probability})"


def _say_others(alternatives: Sequence[Replacement]) -> str:
    texts = (f"`{format_code(each.text, _SHOWN)}` ({format_probability(each.probability)})" for each in alternatives)
    return " or ".join(texts)


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST


def _shorten(text: str) -> str:
    return text if _is_short(text) else f"{text[: _LONGEST - 1]}…"


def draw_spans(scored: FileSpans) -> str:
    """Return the spans of a file for a person: place, code and sentence, then the line with a mark below the span."""
    lines, texts = SourceLines(scored.source), list[str]()
    for span in scored.spans:
        row, column = lines.position(span.start)
        place = f"{one_line(scored.file)}:{row}:{column}"
        texts.append(
            f"{place}: {span.severity} {span.code}: {say_span(scored.source, span)}\n{_draw_line(lines, span)}"
        )
    return "\n".join(texts)


def _draw_line(lines: SourceLines, span: UncertainSpan) -> str:
    """Return the line on which a span begins, and a mark below the part of the span on it."""
    row, column = lines.position(span.start)
    start = lines.line_start(row)
    line = lines.source[start : lines.line_start(row + 1)].rstrip("\n")
    margin = f"{row:>5} │ "
    blanks = "".join(each if each == "\t" else " " * cell_len(each) for each in line[: column - 1])
    width = cell_len(line[column - 1 : span.end - start])
    return f"{margin}{clean(line)}\n{' ' * (len(margin) - 2)}│ {blanks}{'^' * max(width, 1)}"


def summarise_spans(scored: Iterable[FileSpans]) -> str:
    """Return a sentence that counts doubtful spans and files."""
    files = list(scored)
    spans = [span for each in files for span in each.spans]
    warnings = sum(span.severity == Severity.WARNING for span in spans)
    files_text = format_count(len(files), "file")
    if not spans:
        return f"no span of {files_text} is in doubt"
    return (
        f"{format_count(len(spans), 'doubtful span')} in {files_text}, {format_count(warnings, 'warning')} among them"
    )


def describe_spans(scored: FileSpans) -> dict[str, Any]:
    """Return a file's spans as plain data. Lines and columns count characters from 1; the end is exclusive."""
    lines = SourceLines(scored.source)
    return {"file": scored.file, "spans": [_describe_span(lines, span) for span in scored.spans]}


def _describe_span(lines: SourceLines, span: UncertainSpan) -> dict[str, Any]:
    start, end = lines.position(span.start), lines.position(span.end)
    return {
        "code": span.code, "kind": span.kind, "severity": span.severity, "line": start.line, "column": start.column,
        "end_line": end.line, "end_column": end.column, "start": span.start, "end": span.end,
        "text": lines.source[span.start : span.end], "probability": span.probability, "is_learned": span.is_learned,
        "alternatives": [each._asdict() for each in span.alternatives], "evidence": span.evidence,
        "message": say_span(lines.source, span),
    }  # fmt: skip
