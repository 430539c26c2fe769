"""Convert places of a text to the client's positions and back. Lines end as editors end them, and not as pygls does."""

from __future__ import annotations

from lsprotocol import types
from pygls.workspace import PositionCodec

from agent.program.spans import SourceLines


class TextPositions:
    """Converts between offsets of a text, in characters, and positions in the units that the client counts."""

    def __init__(self, text: str, codec: PositionCodec) -> None:
        self.text = text
        self._lines, self._codec = SourceLines(text), codec

    def position(self, offset: int) -> types.Position:
        """Return the position of an offset; one behind the text stands at its end."""
        line, column = self._lines.position(offset)
        start = self._lines.line_start(line)
        return types.Position(line - 1, self._codec.client_num_units(self.text[start : start + column - 1]))

    def range(self, start: int, end: int) -> types.Range:
        """Return the range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def offset(self, position: types.Position) -> int:
        """Return the offset of a position. A column behind its line stands at its end, a line behind the text too."""
        line = min(position.line, len(self._lines)) + 1
        start, end = self._lines.line_start(line), self._lines.line_start(line + 1)
        text = self.text[start:end].rstrip("\r\n")
        if text.isascii() or self._codec.client_num_units("\U0001f600") == 1:
            return start + min(position.character, len(text))
        units = 0
        for number, character in enumerate(text):
            if units >= position.character:
                return start + number
            units += self._codec.client_num_units(character)
        return start + len(text)
