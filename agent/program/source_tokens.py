"""Find the characters of a source that its tokens take."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import NamedTuple


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
