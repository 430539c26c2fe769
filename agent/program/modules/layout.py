"""Find the parts of a function in its source: head, docstring, comments, statements. Move lines to another margin."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.program.modules.functions import Function, SourceTree
from agent.program.source_tokens import list_line_starts, read_tokens
from agent.program.syntax import BRACKET_DEPTHS, is_text
from uncertainty.places import Places, Span

_UNIT = "    "
_MARK = re.compile(r"#\s*(?:(?:TODO|FIXME|XXX|dubito:\s*fill)\b|dubito:)[\s:,.(]*", re.IGNORECASE)
_REQUEST = re.compile(r"#\s*dubito:", re.IGNORECASE)
_LEADING = re.compile(r"[ \t\f]*")
_STRING_PARTS = ("FSTRING_START", "FSTRING_END", "TSTRING_START", "TSTRING_END")  # tokens since Python 3.12 and 3.14


class Layout(NamedTuple):
    """The parts of a function, in characters of the text; and the blanks before its lines."""

    start: int  # of its first line, which may be a decorator's
    colon: int  # behind the colon that ends its head
    docstring: Span | None
    first: int  # of its first statement behind the docstring; `end` where it has none
    end: int  # of its last statement
    indent: str
    body_indent: str

    @property
    def head(self) -> int:
        """Where its head ends, with the docstring."""
        return self.docstring[1] if self.docstring else self.colon


class Line(NamedTuple):
    """A line without its end. A line that begins inside a string keeps its blanks wherever it is moved."""

    text: str
    in_string: bool


@lru_cache(maxsize=64)
def find_layout(source: SourceTree, function: Function) -> Layout:
    """Find the parts of a function in its text."""
    places, node, plain = find_places(source.plain), function.node, source.plain
    start = line_start(plain, places.find(node)[0])
    colon = find_colon(plain, places.locate(node.lineno, node.col_offset))
    spans = [places.find(each) for each in node.body]
    docstring = spans.pop(0) if is_text(node.body[0]) else None
    end = spans[-1][1] if spans else (docstring or (colon, colon))[1]
    first = spans[0][0] if spans else end
    indent = read_indent(plain, start)
    begin = docstring[0] if docstring else first
    in_block = "\n" in plain[colon:begin]
    body_indent = read_indent(plain, line_start(plain, begin)) if in_block else indent + find_unit(source)
    most = len(source.text) if len(source.plain) == len(source.text) else len(source.text.rstrip())
    return Layout(start, min(colon, most), docstring, min(first, most), min(end, most), indent, body_indent)


def find_colon(plain: str, start: int) -> int:
    """Return the place behind the first colon outside of brackets: it ends the head that starts there."""
    head, depth = plain[start:], 0
    for kind, begin, end in read_tokens(head, list_line_starts(head)):
        token = head[begin:end]
        depth += BRACKET_DEPTHS.get(token, 0) if kind == tokenize.OP else 0
        if token == ":" and not depth:
            return start + end
    raise AssertionError("the head of a function ends in a colon")


@lru_cache(maxsize=16)
def find_places(plain: str) -> Places:
    """Return what finds the nodes of a text."""
    return Places(plain)


def line_start(text: str, place: int) -> int:
    """Return where the line of a character begins."""
    return text.rfind("\n", 0, place) + 1


def line_end(text: str, place: int) -> int:
    """Return where the line of a character ends, without its line feed."""
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def read_indent(text: str, start: int) -> str:
    """Return the blanks that begin a line. Python counts them from the line's last form feed on."""
    match = _LEADING.match(text, start)
    return match[0].rpartition("\f")[2] if match else ""


@lru_cache(maxsize=16)
def find_unit(source: SourceTree) -> str:
    """Return the blanks by which the first block of a text is indented; four spaces where it has none."""
    for node in ast.walk(source.tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.stmt) and isinstance(body, list) and body[0].lineno > node.lineno:
            outer, inner = (read_indent(source.plain, find_places(source.plain).locate(each, 0)) for each in (
                node.lineno, body[0].lineno
            ))  # fmt: skip
            if inner.startswith(outer) and inner != outer:
                return inner[len(outer) :]
    return _UNIT


def list_comments(source: SourceTree, function: Function) -> list[str]:
    """Return the comments in a function that is still to be written, without the words that only say so."""
    text, layout = source.text, find_layout(source, function)
    below = text[layout.head : find_tail(source, function)].split("\n")
    placeholder = text[layout.end : line_end(text, layout.end)]
    if text[layout.first : layout.first + 1] == "#":  # the comment stands for the body
        placeholder = text[layout.first : line_end(text, layout.first)]
    comments = [line.strip() for line in (*below[1:], placeholder) if line.strip().startswith("#")]
    hints = (_MARK.sub("", each).strip(" \t.):") if is_mark(each) else each for each in dict.fromkeys(comments))
    return [each if each.startswith("#") else f"# {each}" for each in hints if each]


def list_hints(source: SourceTree, function: Function) -> list[str]:
    """Return the comments in a function that say how to write it. Of one that has a body, those to Dubito alone do."""
    if function.is_stub:
        return list_comments(source, function)
    text, layout = source.text, find_layout(source, function)
    lines = [line.strip() for line in text[layout.head : line_end(text, layout.end)].split("\n")]
    hints = (_MARK.sub("", line).strip(" \t.):") for line in lines if _REQUEST.match(line))
    return [f"# {each}" for each in dict.fromkeys(hints) if each]


def is_mark(line: str) -> bool:
    """Decide whether a line is a comment that says that code is missing, or what Dubito is to write."""
    return _MARK.match(line.strip()) is not None


def find_tail(source: SourceTree, function: Function) -> int:
    """Return the end of the line of a function's last statement; of a stub, that of the last mark below it.

    Where the docstring alone is its body, it ends with the comments below.
    """
    text, layout = source.text, find_layout(source, function)
    tail = at = line_end(text, layout.end)
    while function.is_stub and at < len(text):
        at, line = line_end(text, at + 1), text[at + 1 : line_end(text, at + 1)]
        deeper = len(read_indent(line, 0).expandtabs()) > len(layout.indent.expandtabs())
        if line.strip() and not (deeper and line.lstrip().startswith("#")):
            break
        tail = at if is_mark(line) or (line.strip() and layout.first == layout.end) else tail
    return tail


def take_lines(text: str, start: int, end: int) -> list[Line]:
    """Return the lines of these characters of a text that is Python. What stands beside them on a line is left out."""
    strings, number = _find_string_lines(text), text.count("\n", 0, start) + 1
    lines = text[start:end].split("\n")
    return [Line(line, at > 0 and number + at in strings) for at, line in enumerate(lines)]


def move_lines(lines: Sequence[Line], old: str, new: str, units: tuple[str, str] = ("", "")) -> list[str]:
    """Return lines with other blanks before them. Lines inside of strings, and blank ones, stay as they are.

    old, new: the blanks before all lines, where they come from and where they go. units: the blanks of one more block
    there and here.
    """
    return [
        line.text if line.in_string else "" if not line.text.strip() else _move_line(line.text, old, new, units)
        for line in lines
    ]


def _move_line(text: str, old: str, new: str, units: tuple[str, str]) -> str:
    rest = text[len(old) :] if text.startswith(old) else text.lstrip(" \t")
    blanks, (before, after) = read_indent(rest, 0), units
    if before and before != after:
        count = 0
        while blanks.startswith(before, count * len(before)):
            count += 1
        rest = after * count + rest[count * len(before) :]
    return new + rest


@lru_cache(maxsize=16)
def _find_string_lines(plain: str) -> frozenset[int]:
    """Return the lines, from 1, that begin inside of a string."""
    inside, opened, starts = set[int](), list[int](), list_line_starts(plain)
    for kind, start, end in read_tokens(plain, starts):
        name = tokenize.tok_name[kind]
        if name in _STRING_PARTS[::2]:
            opened.append(start)
        elif name == "STRING" or name in _STRING_PARTS[1::2]:
            begin = start if name == "STRING" else opened.pop()
            first = plain.count("\n", 0, begin) + 1
            inside |= {*range(first + 1, first + 1 + plain.count("\n", begin, end))}
    return frozenset(inside)
