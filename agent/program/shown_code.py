"""Choose the lines around a hole that a model is shown. Knows no model; the caller counts tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from agent.program.holes import Hole

_BEHIND = 4  # the lines behind a hole get the room of one in so many tokens, those before it the rest
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ShownCode:
    """The code on both sides of a hole, and the lines of the file that it comes from, from 1."""

    before: str
    after: str
    first_line: int
    last_line: int


def show_code_around(plain: str, hole: Hole, count: Callable[[str], int], room: int) -> ShownCode:
    """Return as many whole lines around a hole as there is room for. The line of the hole is always shown.

    plain: the program with `...` in its holes. count: returns the tokens of a text. room: tokens. A hint stands above
    the line of the hole, as a comment.
    """
    above, line = _split_lines(plain[: hole.start])
    first, *below = plain[hole.end :].splitlines(keepends=True) or [""]
    hint = f"{line[: len(line) - len(line.lstrip())]}# {hole.hint}\n" if hole.hint else ""
    room -= sum(map(count, (hint, line, first)))
    after = list(_take(below, count, room // _BEHIND))
    before = list(_take(reversed(above), count, room - sum(map(count, after))))[::-1]
    shown = _TRAILING.sub("", f"{first}{''.join(after)}")
    return ShownCode(
        _TRAILING.sub("", "".join(before)) + hint + line, shown, hole.line - len(before), hole.line + len(after)
    )


def _split_lines(text: str) -> tuple[list[str], str]:
    """Return the whole lines of a text, and what follows them."""
    *lines, last = text.split("\n")
    return [f"{line}\n" for line in lines], last


def _take(lines: Iterable[str], count: Callable[[str], int], room: int) -> Iterator[str]:
    """Yield lines while there is room for them."""
    for line in lines:
        room -= count(line)
        if room < 0:
            return
        yield line
