"""Cut what a model writes for a hole to the code that fits there, and tell equal fillings. Generates nothing."""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize
from collections.abc import Iterator

from agent.program.holes import Hole, has_gap, read_whole
from agent.program.normal_form import normal_form
from agent.program.source_tokens import list_line_starts, read_tokens
from agent.program.syntax import BRACKET_DEPTHS, PARSE_ERRORS, parse

_BLANK = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_NEXT_LINE = re.compile(r"\n([^\n]*\S[^\n]*)")
_LEAST = 4  # characters of a line whose repetition is no accident


def fit_filling(plain: str, hole: Hole, text: str, *, whole: bool = True) -> str | None:
    """Return the longest beginning of a text that fits into a hole; None where the program is no Python with any.

    plain: the program with `...` in its holes, at the offsets of the holes. whole: the model ended the text; the last
    line of a text that was cut off does not count.
    """
    before, after = plain[: hole.start], plain[hole.end :]
    end = find_misfit(hole, text, after)
    fitting = text[:end].rstrip()
    if before.rpartition("\n")[2].strip() == "" or not fitting.startswith("\n"):  # else a block begins behind a colon
        fitting = fitting.lstrip()
    for filling in _shorten(hole, fitting, after, whole=whole or end is not None):
        if _says_something(hole, filling) and _is_python(f"{before}{filling}{after}"):
            return filling
    return None


def find_misfit(hole: Hole, text: str, after: str) -> int | None:
    """Return where a text no longer fits into a hole, whatever follows; None while it does.

    An expression ends at the end of its line, at a comment, and where it closes a bracket that it did not open.
    Statements end before a line that is less indented, and before the first line behind the hole. after: the program
    behind the hole.
    """
    places = [place for place in (_find_end(hole, text), _find_repetition(hole, text, after)) if place is not None]
    return min(places, default=None)


def name_filling(hole: Hole, filling: str) -> str:
    """Return a text that is equal for fillings that differ only in layout, comments or docstrings."""
    return normal_form(_move_to_margin(hole, filling))


def _find_end(hole: Hole, text: str) -> int | None:
    lead = " " * hole.margin if hole.margin and not text.startswith("\n") else "(" if hole.in_brackets else ""
    source = lead + text
    starts, depth, end = list_line_starts(source), 0, None
    for kind, start, stop in read_tokens(source, starts):
        if kind in _BLANK:
            continue
        if end is not None and start - source.rfind("\n", 0, start) - 1 < (hole.margin or 0):
            return end
        token = source[start:stop]
        depth += BRACKET_DEPTHS.get(token, 0) if kind == tokenize.OP else 0
        if depth < (lead == "("):
            return start - len(lead)
        if kind == tokenize.NEWLINE and token:
            end = start - len(lead)
        if not hole.is_statement and (end is not None or kind == tokenize.COMMENT or token == ";"):
            return start - len(lead)
    return None


def _find_repetition(hole: Hole, text: str, after: str) -> int | None:
    """Return where statements repeat the first line of code behind the hole, and with it what is there already."""
    match = _NEXT_LINE.search(after) if hole.is_statement else None
    if match is None or len(match[1].strip()) < _LEAST:
        return None
    if text.partition("\n")[0].strip() == match[1].strip():
        return 0
    at = f"{text}\n".find(f"\n{match[1].rstrip()}\n")
    return at if at >= 0 else None


def _shorten(hole: Hole, text: str, after: str, *, whole: bool) -> Iterator[str]:
    """Yield the beginnings of a text that may be the filling, the longest first."""
    if hole.is_statement:
        lines = text.split("\n")
        for count in range(len(lines) - (not whole), 0, -1):
            yield "\n".join(lines[:count]).rstrip()
    elif whole:
        yield text
        rest = after.partition("\n")[0].strip()  # a model writes it once more, up to where its brackets close
        yield from (text.removesuffix(again).rstrip() for again in (rest, rest.rstrip(")]}:")))


def _says_something(hole: Hole, filling: str) -> bool:
    """Decide whether a filling is more than `pass`, comments and texts, and leaves no hole of its own."""
    tree = parse(_move_to_margin(hole, filling))
    if tree is None:  # an `else`, or an argument with its name, is no program by itself
        return bool(filling.strip())
    speaks = not hole.is_statement or not all(isinstance(each, ast.Pass) or _is_constant(each) for each in tree.body)
    return speaks and bool(tree.body) and not has_gap(tree)


def _is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_python(program: str) -> bool:
    try:
        read_whole(program)
    except PARSE_ERRORS:
        return False
    return True


def _move_to_margin(hole: Hole, filling: str) -> str:
    return textwrap.dedent(filling if filling.startswith("\n") else " " * (hole.margin or 0) + filling)
