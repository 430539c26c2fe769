"""The live frame of a run: the code as it grows, what was settled last, and a line of counts.

It is drawn at most 8 times a second, and less often where drawing takes more than a fiftieth of the time.
"""

from __future__ import annotations

import os
import sys
import termios
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from agent.views.numbers import format_count
from agent.views.say import saying_above
from agent.views.text import one_line
from agent.views.theme import WARNING, highlight

_LEAST_SECONDS = 1 / 8  # between two drawings
_MOST_SHARE = 0.02  # of the time, for drawing
_MARGIN = 4  # free columns: a terminal writes ^C at the cursor, and in a full line it would shift the frame
_MOST_LINES = 3  # of what was settled last
_OTHER_LINES = 6  # of the terminal, that no code may take


@dataclass(frozen=True, slots=True)
class Meter:
    """What the counts are of: the model's name, its forwards so far, and the programs that the run may write."""

    model: str = ""
    forwards: Callable[[], int] = lambda: 0
    programs: int | None = None


class LiveFrame:
    """Draws what is being written, over itself. Everything else is printed above it."""

    def __init__(self, console: Console, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._meter, self._clock = console, meter, clock
        self._start, self._forwards = clock(), meter.forwards()
        self._next = 0.0  # when it may be drawn again
        self._code, self._marks = "", set[int]()
        self._tokens = self._pauses = self._programs = 0
        self._settled = deque[str](maxlen=_MOST_LINES)
        self._live: Live | None = None
        self._above = ExitStack()
        self._echo = False  # whether the terminal echoed what is typed, before the frame was shown

    def start(self) -> None:
        """Show the frame."""
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, get_renderable=self._draw,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._live.start()
        self._above.enter_context(saying_above(lambda line: self._console.print(Text(line))))
        self._echo = _set_echo(False)

    def stop(self) -> None:
        """Take the frame away."""
        if self._live:
            self._above.close()
            self._live.stop()
            self._live = None
            if self._echo:
                _set_echo(True)

    def begin(self, code: str) -> None:
        """Begin a program with this text."""
        self._code, self._marks = code, set()
        self.draw()

    def write(self, text: str, *, pause: str = "") -> None:
        """Add a token's text. pause: what a pause before it decided, in one line."""
        self._tokens += 1
        if pause:
            self._pauses += 1
            self._marks.add(self.line)
            self.settle(pause)
        self._code += text
        self.draw()

    def settle(self, line: str) -> None:
        """Show a line among those that were settled last."""
        self._settled.append(one_line(line))

    def count_program(self) -> None:
        """Count a program that ran."""
        self._programs += 1

    @property
    def line(self) -> int:
        """The line that is being written, from 1."""
        return 1 + self._code.count("\n")

    def draw(self) -> None:
        """Draw the frame, if it is time."""
        start = self._clock()
        if self._live and start >= self._next:
            self._live.refresh()
            end = self._clock()
            self._next = end + max(_LEAST_SECONDS, (end - start) / _MOST_SHARE)

    def _draw(self) -> RenderableType:
        settled = [_cut(Text(line, style="dim"), self._width) for line in self._settled]
        return Group(*self._draw_code(), *settled, _cut(self._draw_counts(), self._width))

    @property
    def _width(self) -> int:
        return max(8, self._console.width - _MARGIN)

    def _draw_code(self) -> list[Text]:
        most = max(1, self._console.height - _OTHER_LINES - len(self._settled))
        lines = highlight(self._code).split("\n", allow_blank=True)
        first = max(0, len(lines) - most)
        return [self._draw_line(number, line) for number, line in enumerate(lines[first:], start=first + 1)]

    def _draw_line(self, number: int, line: Text) -> Text:
        mark = ("●", WARNING) if number in self._marks else (" ", "")
        return _cut(Text.assemble((f"{number:>3}", "dim"), mark, ("│ ", "dim"), line), self._width)

    def _draw_counts(self) -> Text:
        seconds = max(self._clock() - self._start, 1e-9)
        number = f"program {self._programs + 1}" + (f" of {self._meter.programs}" if self._meter.programs else "")
        parts = [
            one_line(self._meter.model),
            number,
            format_count(self._tokens, "token"),
            f"{self._tokens / seconds:.1f} tokens/s",
            format_count(self._pauses, "pause"),
            format_count(self._meter.forwards() - self._forwards, "forward"),
            f"{seconds:.0f} s",
        ]
        return Text(" · ".join(filter(None, parts)), style="dim")


def _set_echo(on: bool) -> bool:
    """Let the terminal echo what is typed, or not: an echo would shift the frame. Return whether it did before."""
    try:
        if os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():
            return False  # in the background, where a change of the terminal would stop the process
        iflag, oflag, cflag, lflag, *rest = termios.tcgetattr(sys.stdin)
    except (termios.error, ValueError, OSError, AttributeError):  # it is no terminal
        return False
    changed = lflag | termios.ECHO if on else lflag & ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, [iflag, oflag, cflag, changed, *rest])
    return bool(lflag & termios.ECHO)


def drop_typed() -> None:
    """Drop what was typed while nothing was asked, so that it answers no question."""
    with suppress(termios.error, ValueError, OSError, AttributeError):  # it is no terminal
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    text.no_wrap = True
    return text
