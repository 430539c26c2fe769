"""Write a program with its holes as text that still is Python. Chooses no hole."""

from __future__ import annotations

from collections.abc import Sequence

from agent.program.syntax import parse

# By falling generality: an expression or a statement, a name, a keyword, a star, a literal, a handler, a case.
_STAND_INS = ("...", "_", "__", "_=...", "*_", "'_'", "except Exception: ...", "case _: ...", "")


def write_partial(source: str, holes: Sequence[tuple[int, int]]) -> str:
    """Return a program with `...` in place of each hole, or with a name or another stand-in where Python wants that.

    holes: character spans, in order and disjoint. A text that is no Python without its holes gets `...` everywhere.
    """
    pieces, at = list[str](), 0
    for start, end in holes:
        rest, before = source[end:], "".join([*pieces, source[at:start]])
        fitting = (each for each in _STAND_INS if parse(before + each + rest) is not None)
        pieces, at = [before, next(fitting, "...")], end
    return "".join([*pieces, source[at:]])
