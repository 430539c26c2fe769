"""Write Markdown that shows code as it is. Text of a model or a program is cleaned."""

from __future__ import annotations

import re

from agent.views.text import clean, one_line


def fence(code: str, language: str = "python") -> str:
    """Return code as a block whose fence is longer than any in it."""
    mark = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{mark}{language}\n{clean(code).strip(chr(10))}\n{mark}"


def quote_code(text: str) -> str:
    """Return a text on one line that is shown as it is."""
    line = one_line(text)
    mark = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{mark}{space}{line}{space}{mark}"


def escape_markdown(text: str) -> str:
    """Return a text in which no character means anything to Markdown."""
    return re.sub(r"([\\`*_\[\]<>~#])", r"\\\1", text)
