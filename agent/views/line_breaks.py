"""Break the lines of a text that comes piece by piece between its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from rich.cells import cell_len


def break_lines(pieces: Iterable[str], width: int) -> Iterator[str]:
    """Yield a text that comes in pieces word for word, with line breaks so that no line is wider than `width` cells.

    A word comes once the blank behind it has come; one that is wider than a line stays whole. The text ends with a
    line break.
    """
    column, blanks, word = 0, "", ""
    for character in chain.from_iterable(chain(pieces, "\n")):
        if not character.isspace():
            word += character
            continue
        if word:
            needed = cell_len(blanks) + cell_len(word)
            breaks = column > 0 and column + needed > width
            yield ("\n" if breaks else blanks) + word
            column = cell_len(word) if breaks else column + needed
            blanks = word = ""
        blanks += character
        if character == "\n":
            yield blanks
            column, blanks = 0, ""
