"""Find the characters of a source at which its syntax nodes stand. Reads and writes no code."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from itertools import accumulate

Span = tuple[int, int]  # characters, end exclusive


class Places:
    """Finds the span of a syntax node, whose columns count bytes of UTF-8."""

    def __init__(self, source: str) -> None:
        self._source = source
        # The line breaks that ast counts; str.splitlines also breaks at form feeds and U+2028.
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", source)), len(source)]
        self._bytes = dict[int, list[int]]()  # of each line with other characters than ASCII: bytes up to each of them

    def find(self, node: ast.AST) -> Span:
        """Return the span of a node that has a place. That of a decorated definition begins at its first "@"."""
        start, end = self.locate(node.lineno, node.col_offset), self.locate(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        for decorator in getattr(node, "decorator_list", [])[:1]:  # ast leaves the "@" out
            start = self._find_at_sign(decorator.lineno)
        return start, end

    def locate(self, line: int, column: int) -> int:
        """Return the character at a line, from 1, and a column in bytes, from 0."""
        if line not in self._bytes:
            text = self._line(line)
            self._bytes[line] = [] if text.isascii() else [0, *accumulate(len(each.encode()) for each in text)]
        widths = self._bytes[line]
        return self._starts[line - 1] + (bisect_left(widths, column) if widths else column)

    def _find_at_sign(self, line: int) -> int:
        """Return where the decorator begins whose expression begins on this line: "@" is the first of its line."""
        while line > 1 and not self._line(line).lstrip(" \t\f").startswith("@"):
            line -= 1
        return self._starts[line - 1] + self._line(line).index("@")

    def _line(self, line: int) -> str:
        return self._source[self._starts[line - 1] : self._starts[line]]
