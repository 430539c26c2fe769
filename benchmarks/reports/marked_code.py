"""Programs as a page shows them: from the first line that is new, with marks at doubts, holes and pauses. No HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from agent.views.text import clean, format_code
from benchmarks.experiments.stories import StorySpan

_LEAST_SHARED = 3  # lines; fewer are shown again
_INDENTATION = re.compile(r"(?<=\n)[ \t]+|\n")  # it is never marked as a hole
_NO_DOUBT = StorySpan(0, 0, None)


class Piece(NamedTuple):
    """A part of a line of code that looks the same throughout."""

    text: str
    doubt: str = ""  # surprisal, where the token was in doubt
    hole: bool = False
    pause: int = 0  # number of the pause before it; 0 where there is none


class Code(NamedTuple):
    """The end of a program, from a line on; what comes before stands elsewhere on the page."""

    first: int  # line, from 1
    numbers: str  # of the lines, one below the other
    pieces: list[Piece]


def measure_shared_lines(program: str, other: str) -> int:
    """Return the length of the first whole lines that two texts share; 0 where these are few."""
    shared = 0
    for one, two in zip(program.splitlines(keepends=True), other.splitlines(keepends=True), strict=False):
        if one != two and one.rstrip("\n") != two.rstrip("\n"):
            break
        shared += len(one)
    whole = program.rfind("\n", 0, shared) + 1
    return whole if program.count("\n", 0, whole) >= _LEAST_SHARED and whole < len(program.rstrip()) else 0


def mark_code(
    program: str,
    start: int,
    doubts: Iterable[StorySpan] = (),
    holes: Iterable[StorySpan] = (),
    pauses: Mapping[int, int] = MappingProxyType({}),
) -> Code:
    """Return the program from a character on, cut into pieces at its doubts, holes and pauses.

    start: the beginning of a line. pauses: their numbers, by the character of the program at which they are.
    """
    text, end = clean(program), len(program.rstrip())
    surprisals = {span.start: span for span in doubts}
    spans = [(hole.start, hole.end) for hole in holes]
    edges = {start, end, *surprisals, *(span.end for span in surprisals.values()), *pauses}
    edges |= {edge for span in spans for edge in (*span, *_find_indentation(text, span))}
    pieces, doubt = list[Piece](), _NO_DOUBT
    for one, two in pairwise(sorted(edge for edge in edges if start <= edge <= end)):
        doubt, pause = surprisals.get(one, doubt), pauses.get(one, 0)
        nats = f"{doubt.surprisal or 0.0:.1f}" if one < doubt.end else ""
        hole = any(first <= one < last for first, last in spans)
        pieces.append(Piece(text[one:two], nats, hole and not text[one:two].isspace(), pause))
    first, last = (1 + program.count("\n", 0, at) for at in (start, end))
    return Code(first, "\n".join(map(str, range(first, last + 1))), pieces)


def _find_indentation(text: str, span: tuple[int, int]) -> Iterator[int]:
    """Yield where line breaks and indentation begin and end in a span."""
    for match in _INDENTATION.finditer(text, *span):
        yield from match.span()


def describe_span(program: str, span: StorySpan) -> str:
    """Return where a span of a program is, its surprisal, and its text."""
    text = program[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    first, last = (1 + program.count("\n", 0, at) for at in (start, max(start, span.start + len(text.rstrip()) - 1)))
    lines = f"line {first}" if first == last else f"lines {first} to {last}"
    return f"{lines}, {span.surprisal or 0.0:.1f} nats: {format_code(text.strip(), 60)}"
