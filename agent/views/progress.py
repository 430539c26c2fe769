"""How far a long command is: live where a person watches stderr, else a plain line now and then. Counts, no more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.views.say import is_watched, say, saying_above
from agent.views.text import one_line

_LINE_SECONDS = 10.0  # between two plain lines
_MARGIN = 4  # free columns: a terminal writes ^C at the cursor, and in a full line it would shift the frame
_MOST_LABELS = 8  # rows of the live table


class ProgressView:
    """Counts items by how they ended, as in "passed" or "timed out", and shows the counts until it is left.

    total: the items to come; there may be fewer in the end. known: as many of the first ones cost no time, because a
    file had them.
    """

    def __init__(self, total: int, *, known: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._known, self._clock = total, known, clock
        self._counts, self._cleanup = Counter[str](), ExitStack()
        self._start = self._said = clock()
        console = Console(stderr=True)
        watched = is_watched(err=True) and not console.is_dumb_terminal
        # A command may write its results to stdout meanwhile: that must stay as it is.
        self._live = Live(self, console=console, transient=True, redirect_stdout=False) if watched else None

    def __enter__(self) -> ProgressView:
        if self._live:
            self._live.start()
            self._cleanup.callback(self._live.stop)
            self._cleanup.enter_context(saying_above(self._print_above))
        return self

    def __exit__(self, *reason: object) -> None:
        self._cleanup.close()
        if self._done:
            say(f"{self._describe_counts()}, in {_format_seconds(self._clock() - self._start)}", err=True)

    def count(self, label: str) -> None:
        """Count one more item."""
        self._counts[label] += 1
        now = self._clock()
        if self._done <= self._known:
            self._start = now
        if self._live is None and now - self._said >= _LINE_SECONDS and self._done < self._total:
            self._said = now
            say(", ".join([self._describe_counts(), *self._describe_pace()]), err=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the bar, and below it a row for each way in which items ended."""
        width = max(10, options.max_width - _MARGIN)
        bar = Table.grid(padding=(0, 2, 0, 0))
        words = Text("  ".join([f"{self._done}/{self._total}", *self._describe_pace()]), no_wrap=True)
        bar.add_row(ProgressBar(self._total, self._done, width=max(4, width - len(words) - 2)), words)
        yield bar
        rows = Table.grid(padding=(0, 2, 0, 0))
        for label, count in self._counts.most_common(_MOST_LABELS):
            rows.add_row(Text(one_line(label)), Text(f"{count}", justify="right"), f"{count / self._done:4.0%}")
        yield rows

    def _print_above(self, line: str) -> None:
        if self._live:
            self._live.console.print(Text(line))

    @property
    def _done(self) -> int:
        return self._counts.total()

    def _describe_counts(self) -> str:
        counts = (f"{count} {label}" for label, count in self._counts.most_common())
        return ", ".join([f"{self._done}/{self._total} tried", *counts])

    def _describe_pace(self) -> list[str]:
        """Return the items a second, and the time left; nothing before an item has cost time."""
        seconds, items = self._clock() - self._start, self._done - self._known
        if items <= 0 or seconds <= 0:
            return []
        pace = f"{items / seconds:.1f}/s" if items > seconds else f"{seconds / items:.1f} s each"
        return [pace, f"{_format_seconds((self._total - self._done) * seconds / items)} left"]


def _format_seconds(seconds: float) -> str:
    """Return a duration as 1:02:03, without hours where there are none."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
