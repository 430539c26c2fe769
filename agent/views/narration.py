"""Tell a run while it goes on: one line a pause and one line a program, for whoever draws no frame."""

from __future__ import annotations

from agent.decoding.step import Step
from agent.records import Attempt, Event, Revision
from agent.views.pauses import describe_pause
from agent.views.tree import draw_attempt


class Narrator:
    """Follows the events of a run.

    opening: the code that the first completion goes on with. `tokens` counts those that were committed, `entries` holds
    a line for each program that ran.
    """

    def __init__(self, opening: str) -> None:
        self.tokens = 0
        self.entries = list[str]()
        self._opening, self._code = opening, opening

    def tell(self, event: Event) -> str:
        """Return the line of an event; an empty one where it is worth none."""
        match event:
            case Step():
                line = describe_pause(event.pause, _count_lines(self._code), event.text) if event.pause else ""
                self.tokens += 1
                self._code += event.text
                return line.strip()
            case Attempt():
                return self._tell_attempt(event)
            case Revision():
                self._code = self._opening + event.text
        return ""

    def _tell_attempt(self, attempt: Attempt) -> str:
        self._code = self._opening
        line = draw_attempt(attempt).plain.strip().removeprefix("└ ")
        if attempt.ran:
            self.entries.append(line)
        return line


def _count_lines(written: str) -> int:
    """Return the line that is being written, from 1: of the code block, where an answer has one."""
    lines = written.split("\n")
    fence = next((number for number, line in enumerate(reversed(lines)) if line.startswith("```")), len(lines))
    return max(fence, 1)
