"""The places of a file where a model is unsure, as the records of a tool. Reads the file, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable

from agent.files.changes import plain_text
from agent.lm.base import Model
from agent.lm.scoring import SourceScorer
from agent.program.spans import SourceLines, UncertainSpan
from agent.servers.mcp.records import Doubt, Doubts, OtherCode


def find_doubts(model: Model, code: str, most: int, stop: Callable[[], bool]) -> Doubts:
    """Return the places where a model is unsure of code. Raises InvalidRequestError for what is no Python.

    stop: says whether nobody wants them any more; then there are none.
    """
    source = plain_text(code)
    spans = SourceScorer(model).score(source, file="the code", most=most, stop=stop) or ()
    lines = SourceLines(source)
    return Doubts(doubts=[_describe(lines, span) for span in sorted(spans, key=lambda span: span.probability or 0.0)])


def _describe(lines: SourceLines, span: UncertainSpan) -> Doubt:
    start, end = lines.position(span.start), lines.position(span.end)
    return Doubt(
        line=start.line, column=start.column, end_line=end.line, end_column=end.column,
        code=lines.source[span.start : span.end], probability=span.probability,
        alternatives=[OtherCode(code=each.text, probability=each.probability) for each in span.alternatives],
    )  # fmt: skip
