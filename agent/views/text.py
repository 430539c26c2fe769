"""Make any text fit to be shown or written as JSON: of a model, a program, a file name, an exception."""

from __future__ import annotations

import json
import re
from typing import Any

from agent.files.plain import make_plain

# They move the cursor, reverse the direction of reading, or cannot be seen: Unicode's control characters except line
# feed and tab, its default ignorable code points, line and paragraph separators, and surrogates. A joiner between two
# emoji and the selector behind one can be seen. Blocks of Unicode stand for its property Extended_Pictographic.
_EMOJI = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u231a-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff\u3030"
    "\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_UNFIT = re.compile(
    f"(?<!{_EMOJI})\ufe0f(?!\u20e3)"  # before U+20E3 it makes the key of a digit
    f"|(?<!{_EMOJI})(?<!{_EMOJI}\ufe0f)\u200d|\u200d(?!{_EMOJI})"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Replace each character that could act on a terminal or hide in it by U+FFFD. The length stays the same."""
    return _UNFIT.sub("\ufffd", text)


def one_line(text: object) -> str:
    """Return a text on one line, cleaned."""
    return clean(str(text)).replace("\n", "⏎").replace("\t", " ")


def format_code(text: str, most: int = 40) -> str:
    """Return code on one line, with visible white space, cut after `most` characters."""
    line = clean(text).replace("\n", "⏎").replace("\t", "⇥")
    return line if len(line) <= most else f"{line[: most - 1]}…"


def json_text(value: Any) -> str:
    """Return any value as JSON that every parser reads: no NaN, no surrogates, no great depth, no huge integers."""
    return json.dumps(make_plain(value), allow_nan=False)
