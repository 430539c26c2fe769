"""Add entries to a list in JSON with comments, and keep every byte that is there. Reads and writes no file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r'(?P<blank>[ \t\r\n]+)|(?P<comment>//[^\r\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\r\n]|\\.)*")'
    r"|(?P<sign>[{}\[\],:])|(?P<literal>[\w.+-]+)",
    re.DOTALL,
)
_OPENING, _CLOSING = ("{", "["), ("}", "]")


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def read_json(text: str) -> Any:
    """Return what JSON with comments and trailing commas says. Raises ValueError for anything else."""
    tokens = _list_words(text)
    following = [*(each.text for each in tokens[1:]), ""]
    plain = (
        each.text for each, after in zip(tokens, following, strict=False) if each.text != "," or after not in _CLOSING
    )
    return json.loads(" ".join(plain))


def add_entries(text: str, entries: Sequence[Any], key: str | None = None) -> str:
    """Return JSON with these entries at the end of a list: that of a key of the outermost object, or the outermost.

    All else stays to the byte. Raises ValueError where there is no such list, or the text is no JSON with comments.
    """
    wanted = read_json(text)
    items = wanted if key is None else wanted.get(key) if isinstance(wanted, dict) else None
    if not isinstance(items, list):
        raise ValueError(f"it has no list {key!r}" if key else "it is no list")
    added = _insert(text, entries, key)
    items.extend(entries)
    if read_json(added) != wanted:
        raise ValueError("its list cannot be told from the rest")
    return added


def _insert(text: str, entries: Sequence[Any], key: str | None) -> str:
    tokens = _list_words(text)
    opening, closing = _find_list(tokens, key)
    last, end = tokens[closing - 1], tokens[closing]
    ending = "\r\n" if "\r\n" in text else "\n"
    margin = " " * (2 if key is None else 4)
    written = ",\n".join(margin + write_readable(entry, margin) for entry in entries).replace("\n", ending)
    line = text[: end.start].rpartition("\n")[2]
    # What stands between the last entry and the bracket, comments above all, stays with that entry.
    place = end.start - len(line) if not line.strip() else end.start
    between = text[last.end : place]
    comma = "" if last.text == "," or closing == opening + 1 else ","
    between += "" if between.endswith("\n") else ending
    tail = ending + ("" if not line.strip() else margin[2:])
    return text[: last.end] + comma + between + written + tail + text[place:]


def _find_list(tokens: Sequence[_Token], key: str | None) -> tuple[int, int]:
    """Return the numbers of the tokens that open and close the list. Raises ValueError where there is none."""
    opening, depth = None if key else 0, 0
    for number, token in enumerate(tokens):
        depth += (token.text in _OPENING and token.kind == "sign") - (token.text in _CLOSING and token.kind == "sign")
        if opening is not None and number > opening and depth == (1 if key else 0):
            return opening, number
        if opening is None and depth == 2 and token.text == "[" and _names(tokens[number - 2 : number], key):
            opening = number
    raise ValueError("its list cannot be found")


def _names(tokens: Sequence[_Token], key: str | None) -> bool:
    """Decide whether two tokens are this key and its colon."""
    return len(tokens) == 2 and tokens[0].kind == "string" and json.loads(tokens[0].text) == key


def write_readable(value: Any, margin: str = "") -> str:
    """Write JSON with two blanks a level; a list of texts and numbers stays on one line."""
    if isinstance(value, dict) and value:
        rows = [f"{margin}  {json.dumps(name)}: {write_readable(each, margin + '  ')}" for name, each in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{margin}}}"
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        rows = [f"{margin}  {write_readable(each, margin + '  ')}" for each in value]
        return "[\n" + ",\n".join(rows) + f"\n{margin}]"
    return json.dumps(value, ensure_ascii=False)


def _list_words(text: str) -> list[_Token]:
    """Return the tokens but blanks and comments. Raises ValueError for a character that begins none."""
    return [each for each in _read(text) if each.kind not in ("blank", "comment")]


def _read(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"character {at} begins nothing that JSON has")
        yield _Token(str(match.lastgroup), match[0], at, match.end())
        at = match.end()
