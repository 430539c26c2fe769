"""Write Markdown that shows code as it is. Text of a model or a program is cleaned."""

from __future__ import annotations

import re

from agent.views.text import clean, one_line


def choose_fence(code: str) -> str:
    """Return the ticks that open and close a block of code: more than stand together in it."""
    return "`" * max(3, _count_ticks(code) + 1)


def fence(code: str, language: str = "python") -> str:
    """Return code as a block."""
    mark = choose_fence(code)
    return f"{mark}{language}\n{clean(code).strip(chr(10))}\n{mark}"


def quote_code(text: str) -> str:
    """Return a text on one line that is shown as it is."""
    line = one_line(text)
    mark = "`" * (_count_ticks(line) + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{mark}{space}{line}{space}{mark}"


def escape_markdown(text: str) -> str:
    """Return a text in which no character means anything to Markdown."""
    return re.sub(r"([\\`*_\[\]<>~#])", r"\\\1", text)


def _count_ticks(text: str) -> int:
    """Return the length of the longest row of ticks in a text."""
    return max(map(len, re.findall("`+", text)), default=0)
