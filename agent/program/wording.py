"""Find where another token would only reword a program: in a comment, a docstring, the layout, or a new name."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from agent.program.syntax import DEFINITIONS, parse

_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


@dataclass(frozen=True, slots=True)
class _NewName:
    """A name where a program binds it first."""

    start: int
    end: int
    of_loop: bool  # a loop's variable: whatever stands there is a name


@dataclass(frozen=True, slots=True)
class Wording:
    """The parts of a program that are wording. Offsets are characters of the program, from 0."""

    source: str
    comments: tuple[tuple[int, int], ...]
    docstrings: tuple[tuple[int, int], ...]
    names: tuple[_NewName, ...]
    words: tuple[tuple[int, str], ...]  # names and keywords, with their offsets

    def is_reworded(self, at: int, text: str) -> bool:
        """Whether a token of this text, written at an offset instead of what stands there, only rewords the program.

        A program that it begins may still do something else. This looks at the token alone.
        """
        inside = any(start < at <= end for start, end in self.comments)
        inside = inside or any(start < at < end for start, end in self.docstrings)
        return inside or self._is_layout(at, text) or any(self._is_renamed(name, at, text) for name in self.names)

    def _is_layout(self, at: int, text: str) -> bool:
        """Whether the token only sets other blanks, at the end of a line or around an operator."""
        behind, written = self.source[at:], text.strip()
        if not self.source[:at].rpartition("\n")[2].strip():  # blanks at the start of a line are indentation
            return False
        if "\n" in text and behind.startswith(text.rstrip()):
            return behind[len(text.rstrip()) :][:1] in ("", "\n")
        same = bool(written) and behind.lstrip().startswith(written) and not re.search(r"\w", written)
        return same and not behind.startswith(text)

    def _is_renamed(self, name: _NewName, at: int, text: str) -> bool:
        """Whether the token gives a new variable another name, and not that of an earlier one."""
        begins = name.of_loop and name.start - 1 <= at <= name.start
        if not (name.start < at < name.end or begins):
            return False
        word = text.strip() if begins else self.source[name.start : at] + text
        is_name = word.isidentifier() and not keyword.iskeyword(word)
        return is_name and not any(each.startswith(word) for at, each in self.words if at < name.start)


@lru_cache(maxsize=256)
def read_wording(source: str) -> Wording:
    """Find the wording of a program. Of a text that is not Python, only its comments up to the first mistake."""
    tree, starts = parse(source), [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    docstrings = tuple(_find_docstrings(tree, source, starts)) if tree else ()
    names = tuple(_find_new_names(tree, source, starts)) if tree else ()
    tokens = [(token.type, starts[token.start[0] - 1] + token.start[1], token.string) for token in _read_tokens(source)]
    comments = tuple((start, start + len(text)) for kind, start, text in tokens if kind == tokenize.COMMENT)
    words = tuple((start, text) for kind, start, text in tokens if kind == tokenize.NAME)
    return Wording(source, comments, docstrings, names, words)


def _read_tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """Yield the comments and words of a text, up to the first mistake."""
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.COMMENT, tokenize.NAME):
                yield token


def _find_docstrings(tree: ast.Module, source: str, starts: list[int]) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITIONS)):
            match node.body:
                case [ast.Expr(ast.Constant(str()) as text), *_]:
                    yield _find_span(text, source, starts)


def _find_new_names(tree: ast.Module, source: str, starts: list[int]) -> Iterator[_NewName]:
    """Yield the variables that are bound where no earlier text of the program has their name."""
    targets = [node.target for node in ast.walk(tree) if isinstance(node, _LOOPS)]
    loops = {id(name) for target in targets for name in ast.walk(target)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            start, end = _find_span(node, source, starts)
            if id(node) in loops or not re.search(rf"\b{node.id}\b", source[:start]):
                yield _NewName(start, end, id(node) in loops)


def _find_span(node: ast.expr, source: str, starts: list[int]) -> tuple[int, int]:
    """Return the characters of a node. Python counts the columns of a tree in bytes."""
    assert node.end_lineno is not None and node.end_col_offset is not None, "a parsed node has a place"
    lines = source.splitlines(keepends=True)
    return tuple(
        starts[line - 1] + len(lines[line - 1].encode()[:column].decode())
        for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
    )  # type: ignore[return-value]  # two of them
