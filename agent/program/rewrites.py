"""Find what a model's continuation writes in the place of some code: up to where it goes on as the code does."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from agent.files.changes import Change
from agent.program.source_tokens import SourceToken
from agent.program.syntax import BRACKET_DEPTHS, parse

_LONGEST = 60  # characters of code that is replaced
_MOST_LOST = 2  # words that are lost: the shorter code is nearly always the likelier one
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")


def fit_rewrite(source: str, words: Sequence[SourceToken], at: int, continuation: str) -> Change | None:
    """Return the change that a continuation makes; None where it does not come back to the code, or changes nothing.

    It replaces code within one line, from `at` on, by a beginning of the continuation whose rest stands behind that
    code, too. So `len(xs)):` in the place of `n):` makes the change of `n` to `len(xs)`. The program stays Python.
    words: of the source, in order.
    """
    for end in _list_ends(source, words, at):
        for text, rest in _split(continuation):
            if _goes_on(source, end, rest) and _is_balanced(text) and not _loses_much(source[at:end], text):
                change = _trim(source, Change(at, end, text))
                return change if change.text != source[change.start : change.end] and _keeps(source, change) else None
    return None


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
    return rest.startswith("\n") and source[end : end + 1] in ("\n", "")


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += BRACKET_DEPTHS.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def _loses_much(old: str, new: str) -> bool:
    return len(_PIECE.findall(old.replace(" ", ""))) - len(_PIECE.findall(new.replace(" ", ""))) > _MOST_LOST


def _trim(source: str, change: Change) -> Change:
    """Return the same change without the blanks that both texts begin with."""
    old = source[change.start : change.end]
    blanks = 0
    while old[blanks : blanks + 1] == change.text[blanks : blanks + 1] == " ":
        blanks += 1
    return Change(change.start + blanks, change.end, change.text[blanks:])


def _keeps(source: str, change: Change) -> bool:
    """Decide whether the program is still Python with the change."""
    return parse(source[: change.start] + change.text + source[change.end :]) is not None
