"""Write spans as the lines that an editor's problem matcher reads: one physical line a problem. Prints nothing.

`FILE:LINE:COLUMN-LINE:COLUMN: SEVERITY: [CODE] MESSAGE`, with columns in UTF-16 units from 1 and an exclusive end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from agent.program.spans import FileSpans, Severity, SourceLines, UncertainSpan
from agent.views.spans import say_span
from agent.views.text import one_line

SCORING, SCORED = "dubito: scoring", "dubito: done"  # begin the lines around the problems of a watched file
_GRAVEST = list(Severity)


def write_editor_lines(scored: FileSpans) -> Iterator[str]:
    """Yield a line for each place at which spans begin: editors take two problems at one place for the same."""
    lines = SourceLines(scored.source)
    for _, spans in groupby(sorted(scored.spans, key=lambda span: span.start), key=lambda span: span.start):
        yield _write_line(scored, lines, sorted(spans, key=lambda span: _GRAVEST.index(span.severity)))


def _write_line(scored: FileSpans, lines: SourceLines, spans: Sequence[UncertainSpan]) -> str:
    """Write the line of spans that begin at one place, the gravest first: it says where the problem ends."""
    gravest = spans[0]
    start, end = lines.utf16_position(gravest.start), lines.utf16_position(gravest.end)
    message = "; ".join(dict.fromkeys(say_span(scored.source, span) for span in spans))
    place = f"{one_line(scored.file)}:{start.line}:{start.column}-{end.line}:{end.column}"
    return f"{place}: {gravest.severity}: [{gravest.code}] {message}"
