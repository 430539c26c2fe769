"""Find the characters of a source that its tokens and the nodes of its tree take."""

from __future__ import annotations

import ast
import io
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple

Place = tuple[int, int]  # the first character, and the one behind the last


class SourceToken(NamedTuple):
    """A token of Python, and its characters in the source."""

    kind: int  # as in the module `token`
    start: int
    end: int


def list_line_starts(source: str) -> list[int]:
    """Return the character at which each line begins, and one past the end."""
    return [0, *accumulate(len(line) + 1 for line in source.split("\n"))]


def read_tokens(source: str, starts: Sequence[int]) -> Iterator[SourceToken]:
    """Yield the tokens of a source, up to the first mistake."""
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            (line, column), (last, end) = token.start, token.end
            yield SourceToken(token.type, starts[line - 1] + column, starts[last - 1] + end)


def find_span(node: ast.expr | ast.stmt, source: str, starts: Sequence[int]) -> Place:
    """Return the characters of a node. Python counts the columns of a tree in bytes."""
    assert node.end_lineno is not None and node.end_col_offset is not None, "a parsed node has a place"
    return (
        _find_offset(source, starts, node.lineno, node.col_offset),
        _find_offset(source, starts, node.end_lineno, node.end_col_offset),
    )


def _find_offset(source: str, starts: Sequence[int], line: int, column: int) -> int:
    start = starts[line - 1]
    text = source[start : starts[min(line, len(starts) - 1)]]
    sizes = list(accumulate((len(character.encode()) for character in text), initial=0))
    return start + bisect_right(sizes, column) - 1
