"""Write a program with its holes as text that still is Python. Chooses no hole."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.program.syntax import parse

# By falling generality: an expression or a statement, arguments, names, a keyword, a star, a text, a handler, a case.
_STAND_INS = (
    "...", "(...)", "_", "__", "_=...", "*_", "'_'", "except Exception: ...", "except* Exception: ...", "case _: ...",
    "",
)  # fmt: skip


def write_partial(source: str, holes: Sequence[tuple[int, int]]) -> str:
    """Return a program with `...` in place of each hole, or with a name or another stand-in where Python wants that.

    holes: character spans, in order and disjoint. A text that is no Python without its holes gets `...` everywhere.
    """
    pieces, at = list[str](), 0
    for start, end in holes:
        rest, before = source[end:], "".join([*pieces, source[at:start]])
        fitting = (
            each for each in _STAND_INS if not _is_glued(before, each, rest) and parse(before + each + rest) is not None
        )
        pieces, at = [before, next(fitting, "...")], end
    return "".join([*pieces, source[at:]])


def _is_glued(before: str, text: str, rest: str) -> bool:
    """Whether a text would become part of the word before or behind it."""
    return any(re.search(r"\w$", one) and re.match(r"\w", other) for one, other in ((before, text), (text, rest)))
