"""A doubtful part of a file, from whichever source: one record. Finds none, and draws none."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")  # as Python's parser and editors count lines


class Severity(StrEnum):
    """How much a span matters. The order is that of falling severity."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class SpanKind(StrEnum):
    """Why a part of a file is in doubt."""

    UNCERTAIN = "uncertain"  # the model found something else likelier there
    HOLE = "hole"  # left out of a program, or still to be written
    FAILED = "failed"  # an example ran it and failed
    ABSTAINED = "abstained"  # a run stands by no program


CODES: dict[SpanKind, str] = {
    SpanKind.UNCERTAIN: "DUB101",
    SpanKind.HOLE: "DUB201",
    SpanKind.FAILED: "DUB301",
    SpanKind.ABSTAINED: "DUB401",
}


class Replacement(NamedTuple):
    """A text that the model would have written in the place of a span, and its probability there."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class UncertainSpan:
    """A doubtful part of a file. Offsets are characters of the text that was read, from 0; the end is exclusive."""

    file: str  # its name, as it was given
    start: int
    end: int
    kind: SpanKind
    severity: Severity
    probability: float | None = None  # of what stands there; None where nothing says it
    is_learned: bool = False  # the probability comes from a learned curve; else it is the model's own
    alternatives: tuple[Replacement, ...] = ()  # of the whole span, the likeliest first
    evidence: str = ""  # one sentence without a full stop: what happened there

    @property
    def code(self) -> str:
        """The code under which editors and reports list it, as DUB101."""
        return CODES[self.kind]


@dataclass(frozen=True, slots=True)
class FileSpans:
    """A file's name, its text without a byte order mark and with line feeds, and its doubtful parts in their order."""

    file: str
    source: str
    spans: tuple[UncertainSpan, ...]


class Position(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class SourceLines:
    """Converts offsets of a text, which count characters from 0, to lines and columns, and back.

    Lines end as Python's parser and editors end them: at a line feed, a carriage return, or both. An offset behind the
    text stands at its end.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(source))]

    def __len__(self) -> int:
        """Return the number of lines; a text that ends with a line end has an empty one behind it."""
        return len(self._starts)

    def line_start(self, line: int) -> int:
        """Return the offset at which a line begins. line: from 1; one behind the text begins at its end."""
        return self._starts[line - 1] if line <= len(self._starts) else len(self.source)

    def position(self, offset: int) -> Position:
        """Return the line and the column of an offset, in characters."""
        at = min(max(offset, 0), len(self.source))
        line = bisect_right(self._starts, at)
        return Position(line, at - self._starts[line - 1] + 1)

    def utf16_position(self, offset: int) -> Position:
        """Return the line and the column of an offset, in UTF-16 units, as editors and SARIF count."""
        line, column = self.position(offset)
        start = self._starts[line - 1]
        return Position(line, count_utf16(self.source[start : start + column - 1]) + 1)

    def utf16_offset(self, position: Position) -> int:
        """Return the offset of a line and a column in UTF-16 units. A column behind the line stands at its end."""
        start, end = self.line_start(position.line), self.line_start(position.line + 1)
        text = _LINE_END.sub("", self.source[start:end])
        units = 0
        for number, character in enumerate(text):
            if units + 1 >= position.column:
                return start + number
            units += count_utf16(character)
        return start + len(text)


def count_utf16(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)
