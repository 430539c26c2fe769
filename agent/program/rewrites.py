"""Find what a model's continuation writes in the place of some code: up to where it goes on as the code does."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.files.changes import Change
from agent.program.source_tokens import SourceToken
from agent.program.surprises import list_free_spans, list_words
from agent.program.syntax import BRACKET_DEPTHS, parse
from uncertainty.places import Span

_LONGEST = 60  # characters of code that is replaced
_MOST_LOST = 2  # words that are lost: the shorter code is nearly always the likelier one
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|$)")
_NAME = re.compile(r"\b[^\W\d]\w*")
_PYTHON_NAMES = frozenset(keyword.kwlist) | frozenset(
    name
    for each in (builtins, str, bytes, list, dict, set, tuple, int, float)
    for name in dir(each)
    if not name.startswith("_")
)
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Program:
    """A program, and what decides which changes of it mean something."""

    source: str
    tree: ast.Module
    words: Sequence[SourceToken]  # in order
    free: Sequence[Span]  # what a person is free to choose
    names: frozenset[str]  # that the program has, and those of Python's own types and functions
    used_once: frozenset[str]  # of these, those that the program defines or imports, and uses in one place

    @classmethod
    def read(cls, source: str, tree: ast.Module) -> Program:
        """Return the program of a text and its syntax tree."""
        words, free = list_words(source), list_free_spans(source, tree)
        texts = Counter(source[word.start : word.end] for word in words)
        defined = {name for first, last in free for name in _NAME.findall(source[first:last])}
        used_once = frozenset(name for name in defined - _PYTHON_NAMES if texts[name] == 2)
        return cls(source, tree, words, free, _PYTHON_NAMES | texts.keys(), used_once)


def fit_rewrite(program: Program, at: int, continuation: str) -> Change | None:
    """Return the change that a continuation makes; None where it does not come back to the code, or means nothing.

    It replaces code within one line, from `at` on, by a beginning of the continuation whose rest stands behind that
    code, too. So `len(xs)):` in the place of `n):` makes the change of `n` to `len(xs)`.
    """
    source = program.source
    for end in _list_ends(source, program.words, at):
        for text, rest in _split(continuation):
            if _goes_on(source, end, rest) and _is_balanced(text):
                change = _trim(source, Change(at, end, text))
                return change if _means_something(program, change) else None
    return None


def _means_something(program: Program, change: Change) -> bool:
    """Decide whether a change makes another program of known names: more than another layout, or a shorter way.

    A name that the program has nowhere else is a guess: the model knows no other file. Nor is a name likely to be
    wrong at the one place that uses what the program defines or imports.
    """
    start, end, text = change
    old = program.source[start:end]
    is_free = any(first < end and start < last for first, last in program.free)
    words, new_words = _list_pieces(old), _list_pieces(text)
    if words == new_words or is_free or len(words) - len(new_words) > _MOST_LOST:
        return False
    names, lost = set(_NAME.findall(text)), set(_NAME.findall(old)) - set(_NAME.findall(text))
    if not names <= program.names or lost & program.used_once:
        return False
    return parse(program.source[:start] + text + program.source[end:]) is not None


def ends_line(continuation: str) -> bool:
    """Decide whether a continuation went on to another line, behind which it fits no more."""
    return "\n" in continuation.lstrip()


def _list_ends(source: str, words: Sequence[SourceToken], at: int) -> Iterator[int]:
    """Yield where code that begins at a place may end, in order: on its line, with its brackets closed."""
    yield at
    depth, stop = 0, min(at + _LONGEST, (source + "\n").index("\n", at))
    for word in words[bisect_left(words, at, key=lambda each: each.start) :]:
        depth += BRACKET_DEPTHS.get(source[word.start : word.end], 0)
        if word.end > stop or depth < 0:
            return
        if depth == 0:
            yield word.end


def _split(continuation: str) -> Iterator[tuple[str, str]]:
    """Yield a continuation in two, between its words and signs. What is replaced is of one line."""
    yield "", continuation
    for piece in _PIECE.finditer(continuation):
        if "\n" in piece[0]:
            return
        yield continuation[: piece.end()], continuation[piece.end() :]


def _goes_on(source: str, end: int, rest: str) -> bool:
    """Decide whether the source goes on so behind an end: with the same code, or with the end of the line."""
    if rest.strip():
        return source.startswith(rest, end)
    return rest.startswith("\n") and _LINE_END.match(source, end) is not None


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += BRACKET_DEPTHS.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def _list_pieces(text: str) -> list[str]:
    """Return the words and signs of a text."""
    return [piece for piece in _PIECE.findall(text) if not piece.isspace()]


def _trim(source: str, change: Change) -> Change:
    """Return the same change without the blanks that both texts begin with."""
    old = source[change.start : change.end]
    blanks = 0
    while old[blanks : blanks + 1] == change.text[blanks : blanks + 1] == " ":
        blanks += 1
    return Change(change.start + blanks, change.end, change.text[blanks:])
