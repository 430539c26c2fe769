"""Write a program's values and texts in few characters. No plain value makes it raise, or take long.

agent/messages.py shortens values of the program that its reader asked for. Here a stranger chose the value, so every
level of nesting is bounded, and every character that could act on a terminal is escaped.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

_LONGEST = 200  # characters of a result
_MOST_ITEMS = 6  # of a container
_DEEPEST = 4
_LONGEST_TEXT = 60  # of a text within a value
_MOST_BITS = 256  # of an int that is written in digits
_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}"), frozenset: ("{", "}"), dict: ("{", "}"),
}  # fmt: skip


def short_value(value: Any) -> str:
    """Write a plain value; an ellipsis stands for what is left out."""
    return escape(_write(value, _DEEPEST))


def escape(text: str, most: int = _LONGEST) -> str:
    """Escape the characters that move a cursor, reverse the line or cannot be encoded; cut the text after `most`."""
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: most + 1])
    return escaped if len(escaped) <= most else f"{escaped[: most - 1]}…"


def _write(value: Any, levels: int) -> str:
    kind = type(value)
    if kind in _BRACKETS:
        left, right = _BRACKETS[kind]
        return f"{left}{_items(value, levels)}{right}"
    if kind is int and value.bit_length() > _MOST_BITS:
        return "<int>"
    if kind in (str, bytes):
        return repr(value) if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]!r}…"
    return repr(value) if kind in (type(None), bool, int, float, complex) else f"<{kind.__name__}>"


def _items(value: Any, levels: int) -> str:
    if not levels:
        return "…" if value else ""
    pairs = value.items() if type(value) is dict else None
    texts = [
        f"{_write(item[0], levels - 1)}: {_write(item[1], levels - 1)}" if pairs else _write(item, levels - 1)
        for item in islice(pairs or value, _MOST_ITEMS)
    ]
    comma = "," if type(value) is tuple and len(value) == 1 else ""
    return ", ".join(texts + ["…"] * (len(value) > _MOST_ITEMS)) + comma
