"""Show a program with holes: in inverse, as text that still is Python, and as plain data. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.text import Text

from agent.files.plain import make_plain
from agent.program.hole_calibration import Guarantee
from agent.program.partial_text import write_partial
from agent.views.alternatives import Alternative, choose_alternatives, say_alternatives
from agent.views.doubts import describe_guarantee, number_lines
from agent.views.numbers import format_count
from agent.views.report import Report
from agent.views.text import clean, format_code

_SHOWN = 60  # characters of a hole's text


@dataclass(frozen=True, slots=True)
class ProgramWithHoles:
    """A program, its holes as character spans, and what is guaranteed of the rest."""

    program: str
    holes: tuple[tuple[int, int], ...]
    guarantee: Guarantee
    failed: bool = False  # on an example
    alternatives: tuple[Alternative, ...] = ()  # inside and outside of the holes


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
    others = [Alternative(row["start"], each["text"], each["probability"]) for each in row["alternatives"]]
    return f"{line}; the model also considered {say_alternatives(others)}" if others else line


def _describe(shown: ProgramWithHoles, start: int, end: int) -> dict[str, Any]:
    return {
        "start": start,
        "end": end,
        "lines": number_lines(shown.program, start, end),
        "text": shown.program[start:end],
        "alternatives": [
            {"text": each.text, "probability": each.probability}
            for each in choose_alternatives(shown.program, shown.alternatives, start, end)
        ],
    }
