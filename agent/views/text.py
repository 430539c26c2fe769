"""Text of a model, a program, a file name or an exception, made fit to be shown or written as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

from agent.files.plain import plain

# What moves the cursor, turns the order of reading, or cannot be seen; and halves of characters. Unicode's control
# characters but for line feed and tab, its default ignorable code points, line and paragraph separators, surrogates.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Replace each character that could act on the terminal or hide in it by U+FFFD. The length stays as it is."""
    return _UNFIT.sub("\ufffd", text)


def one_line(text: object) -> str:
    """Return what is shown of a file name or a sentence: cleaned, and without a line break."""
    return clean(str(text)).replace("\n", "⏎").replace("\t", " ")


def format_code(text: str, most: int = 40) -> str:
    """Return a piece of code on one line, its white space visible."""
    line = clean(text).replace("\n", "⏎").replace("\t", "⇥")
    return line if len(line) <= most else f"{line[: most - 1]}…"


def json_text(value: Any) -> str:
    """Return any value as JSON that every reader takes: no NaN, no half of a character, no endless depth or integer."""
    return json.dumps(plain(value), allow_nan=False)
