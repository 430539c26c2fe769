"""Text of a model or a program, made fit to be shown."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Return text without control characters, which could move the cursor or change the terminal."""
    return _CONTROL.sub("�", text)


def shown(text: str, most: int = 40) -> str:
    """Return a piece of code on one line, its white space visible."""
    line = clean(text).replace("\n", "⏎").replace("\t", "⇥")
    return line if len(line) <= most else f"{line[: most - 1]}…"
