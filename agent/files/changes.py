"""Change the text of a file, and keep its byte order mark and its line ends. Reads and writes no file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

MARK = "\ufeff"  # the byte order mark of UTF-8
_LINE_END = re.compile(r"\r\n|\r|\n")


class Change(NamedTuple):
    """New text in the place of some characters of a file's plain text."""

    start: int
    end: int  # exclusive
    text: str


def plain_text(written: str) -> str:
    """Return the text of a file as Python reads it: without a byte order mark, and each line ends with a line feed."""
    return _LINE_END.sub("\n", written.removeprefix(MARK))


def apply_changes(written: str, changes: Iterable[Change]) -> str:
    """Return a file's text with these changes. What they do not touch stays as it is written, to the byte.

    written: the text as the file has it. changes: apart from each other, at offsets of its plain text. New lines end
    as the line of their change does; at the end of a file, as its first line does. Of changes at one place, the first
    comes first.
    """
    ends = [(match.start(), match[0]) for match in _LINE_END.finditer(written)]
    usual = ends[0][1] if ends else "\n"
    for start, end, text in reversed(sorted(changes, key=lambda change: change[:2])):
        begin, stop = _find_written(written, ends, start), _find_written(written, ends, end)
        ending = next((line_end for at, line_end in ends if at >= begin), usual)
        written = written[:begin] + text.replace("\n", ending) + written[stop:]
    return written


def _find_written(written: str, ends: list[tuple[int, str]], offset: int) -> int:
    """Return where a character of the plain text stands in the text as it is written."""
    place = offset + written.startswith(MARK)
    for at, line_end in ends:
        if at >= place:
            break
        place += len(line_end) - 1
    return place


def write_diff(old: str, new: str, name: str, *, is_new: bool = False) -> str:
    """Return the unified diff of two texts of a file, as `git apply` and `patch -p1` read it; nothing where equal."""
    path = PurePath(name).as_posix().lstrip("/")
    before = "/dev/null" if is_new else f"a/{path}"
    lines = difflib.unified_diff(list(_split_lines(old)), list(_split_lines(new)), before, f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _split_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, as git and patch count them: by line feeds alone."""
    return (match[0] for match in re.finditer(r"[^\n]*\n|[^\n]+", text))
