"""The open files as the client has them, and what is known of each. Reads no disk and asks no model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from lsprotocol import types
from pygls.workspace import PositionCodec

from agent.files.changes import MARK, plain_text
from agent.lm.scoring import SourceScorer
from agent.program.spans import UncertainSpan
from agent.program.surprises import ReadToken
from agent.servers.lsp.carrying import carry_spans, compare_texts
from agent.servers.lsp.findings import TextProblem
from agent.servers.lsp.positions import TextPositions


class Reading(NamedTuple):
    """The tokens of a text that the model has read so far."""

    text: str
    tokens: Sequence[ReadToken]


@dataclass(eq=False)
class Document:
    """An open file. Its text is the client's; offsets are characters of `source`, the same text as Python reads it."""

    uri: str
    version: int
    written: str
    codec: PositionCodec
    spans: tuple[UncertainSpan, ...] = ()  # of the latest text
    problem: TextProblem | None = None  # why nothing is scored
    reading: Reading | None = None  # the thread of the model replaces it; it may be of an earlier text
    scorer: SourceScorer | None = None  # of that thread alone
    is_scored: bool = False  # the spans are those of the latest text
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)  # work on the latest text
    source: str = field(init=False)
    _positions: TextPositions = field(init=False)

    def __post_init__(self) -> None:
        self._take(self.written)

    @property
    def name(self) -> str:
        """The name of the file, for messages."""
        return PurePosixPath(unquote(urlsplit(self.uri).path)).name or "the text"

    def write(self, text: str) -> str:
        """Return a text with the line ends of this one."""
        return text.replace("\n", "\r\n" if "\r\n" in self.written else "\n")

    def change(self, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Take a later version. Spans that the changes do not touch stay, at their new places."""
        written = self.written
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                positions = TextPositions(written, self.codec)
                start, end = positions.offset(change.range.start), positions.offset(change.range.end)
                written = written[:start] + change.text + written[max(start, end) :]
            else:
                written = change.text
        before = self.source
        self._take(written)
        self.version, self.is_scored = version, False
        self.spans = carry_spans(self.spans, compare_texts(before, self.source))

    def cancel(self) -> None:
        """Give up the work on the text that was the latest."""
        for task in self.tasks:
            task.cancel()
        self.tasks.clear()

    def range(self, start: int, end: int) -> types.Range:
        """Return the client's range of some characters."""
        return self._positions.range(start + self._shift, end + self._shift)

    def offset(self, position: types.Position) -> int:
        """Return the character at a position of the client's."""
        return max(0, self._positions.offset(position) - self._shift)

    @property
    def _shift(self) -> int:
        """Characters before the text as Python reads it: the byte order mark, which few clients send."""
        return len(MARK) if self.written.startswith(MARK) else 0

    def _take(self, written: str) -> None:
        self.written, self.source = written, plain_text(written)
        self._positions = TextPositions(written[: self._shift] + self.source, self.codec)
