"""What else the model considered at the places of a program, each with its probability. Draws nothing."""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from agent.records import Attempt
from agent.views.numbers import format_probability
from agent.views.text import format_code

_SHOWN = 3  # of a span
_WIDEST = 40  # characters of one
_LONGEST_WORD = 200  # characters


class Alternative(NamedTuple):
    """How the model would have gone on otherwise at a place of a program."""

    place: int  # character of the program
    text: str
    probability: float


def list_alternatives(attempt: Attempt) -> tuple[Alternative, ...]:
    """Return how the model would have gone on otherwise at the places of an attempt's own part of its program."""
    return tuple(
        Alternative(fork.place, each.text, math.exp(each.logprob))
        for fork in attempt.forks
        if fork.place is not None
        for each in fork.candidates
    )


def choose_alternatives(program: str, alternatives: Iterable[Alternative], start: int, end: int) -> list[Alternative]:
    """Return the likeliest alternatives inside a span of a program, each with what stands in the span before it.

    One that begins inside a word counts only where the word that it makes is one of the program or of Python, or a
    number.
    """
    ways, words = dict[str, Alternative](), _list_words(program)
    for each in sorted(alternatives, key=lambda each: -each.probability):
        if not start <= each.place < end or ((word := _find_begun_word(program, each)) and word not in words):
            continue
        text = (program[start : each.place] + each.text).strip()
        if each.text.strip() and not program.startswith(text, start):
            ways.setdefault(_show_end(text), each._replace(text=text))  # what looks alike is shown once
    return list(ways.values())[:_SHOWN]


def _find_begun_word(program: str, alternative: Alternative) -> str:
    """Return the word that an alternative makes of the beginning of one; empty where it begins with a word's own."""
    line = program[program.rfind("\n", 0, alternative.place) + 1 : alternative.place]
    before, rest = re.search(r"\w*$", line[-_LONGEST_WORD:]), re.match(r"\w*", alternative.text)
    goes_on = bool(rest and rest[0]) or bool(re.match(r"\w", program[alternative.place :]))
    whole = f"{before[0]}{rest[0]}" if before and rest and before[0] and goes_on else ""
    return "" if whole.isdigit() else whole


def _list_words(program: str) -> set[str]:
    return {*re.findall(r"\w+", program), *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}


def say_alternatives(alternatives: Sequence[Alternative]) -> str:
    """Return alternatives as a part of a sentence, as in "n-1 (0.31), n (0.04)"."""
    return ", ".join(f"{_show_end(each.text)} ({format_probability(each.probability)})" for each in alternatives)


def _show_end(text: str) -> str:
    """Return code on one line, cut before its end: there an alternative differs from what stands in the program."""
    line = format_code(text, most=len(text))
    return line if len(line) <= _WIDEST else f"…{line[1 - _WIDEST :]}"
