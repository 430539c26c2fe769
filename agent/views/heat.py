"""Show where a model was unsure: a program coloured by surprisal, and what else was considered at its forks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from agent.records import Attempt
from agent.views.numbers import format_probability
from agent.views.text import format_code
from agent.views.theme import WARNING, highlight
from agent.workflow.heat import HotSpan

_LEVELS = ((2.0, f"bold reverse {WARNING}"), (1.0, f"reverse {WARNING}"), (0.3, f"underline {WARNING}"))  # nats
_MOST_FORKS, _LIKELY = 8, math.log(0.02)


def draw_heat(program: str, spans: Sequence[HotSpan]) -> Text:
    """Return a program with its doubtful tokens marked, the more the less probable they were, and a legend."""
    text = highlight(program)
    for start, end, surprisal in spans:
        style = next((style for least, style in _LEVELS if surprisal >= least), None)
        if style:
            text.stylize(style, start, end)
    text.rstrip()
    legend = Text("\n\nprobability ")
    for least, style in reversed(_LEVELS):
        legend.append(f"under {math.exp(-least):.2f}", style=style)
        legend.append("  ")
    return text + legend


def list_forks(attempt: Attempt) -> list[str]:
    """Return a line for each place at which another token was probable, the most doubtful first."""
    forks = sorted((fork for fork in attempt.forks if fork.place is not None), key=lambda fork: -fork.entropy)
    lines = []
    for fork in forks:
        others = [each for each in fork.candidates if each.logprob >= _LIKELY and each.text.strip()]
        texts = [f"`{format_code(each.text)}` ({format_probability(math.exp(each.logprob))})" for each in others]
        if texts:
            where = f"line {fork.line}, where `{_read_word(attempt.program, fork.place or 0)}` stands"
            lines.append(f"{where}: {', '.join(texts)}")
    return lines[:_MOST_FORKS]


def _read_word(program: str, place: int) -> str:
    """Return the word that stands at a place, or behind the blanks there."""
    return format_code((program[place:].split() or [""])[0], 24)
