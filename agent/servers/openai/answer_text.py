"""The text of an answer as it grows. It gives out no character that a stop may still take back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.program.stop_texts import find_stop_text
from agent.program.syntax import find_function_end
from agent.servers.openai.events import AnswerPiece, WrittenToken


@dataclass(slots=True)
class AnswerText:
    """An answer of one choice. Characters are counted from the beginning of the answer, its opening included."""

    choice: int
    opening: str
    stops: Sequence[str]
    function: str | None  # the code with whose function the answer ends
    text: str = ""  # what the tokens make
    _tokens: list[WrittenToken] = field(default_factory=list)
    _given: int = 0  # characters of opening and text that were given out
    _given_tokens: int = 0

    @property
    def length(self) -> int:
        """Return how many characters there are."""
        return len(self.opening) + len(self.text)

    def add(self, token: WrittenToken) -> AnswerPiece | None:
        """Append a token; return what can be given out now, if anything."""
        self.text += token.text
        self._tokens.append(token)
        return self._give(len(self.opening) + self._find_safe_length())

    def end(self, closing: str) -> AnswerPiece | None:
        """Cut the text where it ends, and return the rest with the line that closes it, if there is anything."""
        self.text = self.text[: self._find_end()]
        if closing:
            self.text = self.text.rstrip("\n")
        self._tokens = [token for token in self._tokens if token.start < self.length]
        rest = self._give(self.length) or AnswerPiece(self.choice, "")
        rest = rest._replace(text=f"{rest.text}\n{closing}") if closing else rest
        return rest if rest.text else None

    def _find_end(self) -> int:
        """Return where a stop or the end of the function cuts the text."""
        stop = find_stop_text(self.text, self.stops)
        end = None if self.function is None else find_function_end(self.function, self.text)
        return min(cut for cut in (stop, end, len(self.text)) if cut is not None)

    def _give(self, end: int) -> AnswerPiece | None:
        """Return the characters up to an end that were not given out, with the tokens that begin among them."""
        if end <= self._given:
            return None
        text = (self.opening + self.text)[self._given : end]
        tokens = [token for token in self._tokens[self._given_tokens :] if token.start < end]
        self._given, self._given_tokens = end, self._given_tokens + len(tokens)
        return AnswerPiece(self.choice, text, tuple(tokens))

    def _find_safe_length(self) -> int:
        """Return how many characters of the text no later one can take back."""
        beginnings = (
            length
            for stop in self.stops
            for length in range(min(len(stop) - 1, len(self.text)), 0, -1)
            if self.text.endswith(stop[:length])
        )
        length = min(self._find_end(), len(self.text) - max(beginnings, default=0))
        return length if self.function is None else min(length, _count_whole_lines(self.text))


def _count_whole_lines(text: str) -> int:
    """Return the length of the whole lines without blank ones and comments at their end, which may not belong there."""
    lines = text.split("\n")[:-1]
    while lines and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return len("\n".join(lines))
