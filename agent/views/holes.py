"""Show a program with holes: in inverse, as text that still is Python, and as plain data. Prints nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.text import Text

from agent.files.plain import make_plain
from agent.hole_calibration import Guarantee
from agent.program.partial_text import write_partial
from agent.records import Attempt
from agent.views.numbers import format_count, format_probability
from agent.views.report import Report
from agent.views.sentences import describe_guarantee, number_lines
from agent.views.text import clean, format_code

_SHOWN = 60  # characters of a hole's text
_ALTERNATIVES = 3  # of a hole


class Alternative(NamedTuple):
    """How the model would have gone on otherwise at a place of a program."""

    place: int  # character of the program
    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class ProgramWithHoles:
    """A program, its holes as character spans, and what is guaranteed of the rest."""

    program: str
    holes: tuple[tuple[int, int], ...]
    guarantee: Guarantee
    failed: bool = False  # on an example
    alternatives: tuple[Alternative, ...] = ()  # inside and outside of the holes


def list_alternatives(attempt: Attempt) -> tuple[Alternative, ...]:
    """Return how the model would have gone on otherwise at the places of an attempt's own part of its program."""
    return tuple(
        Alternative(fork.place, each.text, math.exp(each.logprob))
        for fork in attempt.forks
        if fork.place is not None
        for each in fork.candidates
    )


def describe_holes(shown: ProgramWithHoles) -> Report:
    """Return the program, its holes and their guarantee as plain data, and the program with `...` as text."""
    partial = write_partial(shown.program, shown.holes)
    record = {
        "program": shown.program,
        "partial": partial,
        "holes": [_describe(shown, *hole) for hole in shown.holes],
        "guarantee": make_plain(shown.guarantee),
    }
    return Report(record, partial)


def draw_program(shown: ProgramWithHoles) -> Text:
    """Return the program with its holes in inverse."""
    text = Text(clean(shown.program))
    for hole in shown.holes:
        text.stylize("reverse", *hole)
    return text


def say_holes(shown: ProgramWithHoles) -> list[str]:
    """Return a line for each hole with its size and what else the model considered there, and one on the guarantee."""
    lines = [_say_hole(_describe(shown, *hole)) for hole in shown.holes]
    return [*lines, describe_guarantee(shown.guarantee, failed=shown.failed)]


def _say_hole(row: dict[str, Any]) -> str:
    line = f"{row['lines']}, {format_count(len(row['text']), 'character')}: {format_code(row['text'], _SHOWN)}"
    others = [
        f"{format_code(each['text'])} ({format_probability(each['probability'])})" for each in row["alternatives"]
    ]
    return f"{line}; the model also considered {', '.join(others)}" if others else line


def _describe(shown: ProgramWithHoles, start: int, end: int) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "lines": number_lines(shown.program, start, end),
        "text": shown.program[start:end],
        "alternatives": list(_choose_alternatives(shown, start, end)),
    }


def _choose_alternatives(shown: ProgramWithHoles, start: int, end: int) -> Iterator[dict[str, Any]]:
    """Yield the likeliest alternatives inside a hole, each with what stands in the hole before it."""
    ways = dict[str, float]()
    for each in sorted(shown.alternatives, key=lambda each: -each.probability):
        text = (shown.program[start : each.place] + each.text).strip()
        if start <= each.place < end and each.text.strip() and not shown.program.startswith(text, start):
            ways.setdefault(text, each.probability)
    for text in list(ways)[:_ALTERNATIVES]:
        yield {"text": text, "probability": ways[text]}
