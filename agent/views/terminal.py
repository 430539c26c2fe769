"""A run drawn in the terminal: live while tokens stream, one line an event where nobody watches. Decides nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent.decoding.step import Candidate, Pause, Step
from agent.state import Attempt, Cost, Event, Revision

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class TerminalView:
    """Draws events as they come. What a model or a program wrote is shown as text, never obeyed as control codes."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._attempts = self._paused = 0
        self._code = ""
        self._live = Live(console=console, refresh_per_second=8, transient=True) if live else None

    def __enter__(self) -> TerminalView:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *reason: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Draw one event."""
        match event:
            case Step():
                self._step(event)
            case Attempt():
                self._attempt(event)
            case Revision():
                self._code = event.text
                self._say(Text(f"↻ {event.kind}: {clean(event.detail)}", style="cyan"))
        if self._live:
            self._live.update(self._frame())

    def head(self, text: str) -> None:
        """Say in one line what is about to be done."""
        self._say(Text(clean(text), style="bold"))

    def ask(self, question: Mapping[str, Any]) -> int | str:
        """Show a pause's candidates and return what the person chose: a number from 0, or a text."""
        if self._live:
            self._live.stop()
        candidates = [Candidate(**candidate) for candidate in question["candidates"]]
        self._console.print(_code(question["text"], self._console.height - 12))
        for number, candidate in enumerate(candidates, start=1):
            self._console.print(Text(f"  {number}  {shown(candidate.text)}  {_percent(candidate)}"))
        answer = self._console.input(
            "Which one? A number, other text to write (\\n for a new line), or Enter for the first: "
        )
        if self._live:
            self._live.start()
        if not answer.strip():
            return 0
        number = int(answer) - 1 if answer.strip().isdecimal() else -1
        return number if 0 <= number < len(candidates) else answer.replace("\\n", "\n")

    def finish(self, outcome: str, cost: Cost, answer: Attempt) -> None:
        """Draw the last lines: the outcome, without a program what stands of the last one, and the accounting."""
        if outcome == "accepted":
            how = f": the program passed its {answer.checked} visible examples" if answer.checked else ", unverified"
            self._say(Text(f"✓ accepted{how}", style="bold green"))
        else:
            self._say(
                Text("✗ abstained: no program passed. What the last one has that may be trusted:", style="bold red")
            )
            self._say(Text(clean(answer.partial).strip()))
        self._say(Text(accounting(cost), style="dim"))

    def _step(self, step: Step) -> None:
        self._code += step.text
        if step.pause:
            self._paused += 1
            self._say(_pause_table(self._paused, step.pause))

    def _attempt(self, attempt: Attempt) -> None:
        self._attempts += 1
        self._code = ""
        self._say(Panel(_marked(attempt), title=f"program {self._attempts}", title_align="left", expand=False))
        for start, end in attempt.holes:
            first, last = (1 + attempt.program.count("\n", 0, at) for at in (start, max(start, end - 1)))
            where = f"line {first}" if first == last else f"lines {first} to {last}"
            self._say(Text(f"? {where} not to be trusted: {shown(attempt.program[start:end], 60)}", style="yellow"))
        failed = [Text(f"✗ {clean(failure)}", style="red") for failure in attempt.failures[:3]]
        count = (
            f"{attempt.checked} of {attempt.checked} examples" if attempt.checked else "it runs; no example checks it"
        )
        self._say(Group(*(failed or [Text(f"✓ {attempt.verdict}: {count}", style="green")])))

    def _say(self, what: RenderableType) -> None:
        self._console.print(what)

    def _frame(self) -> RenderableType:
        shows = bool(self._code.strip())
        return Panel(_code(self._code, self._console.height - 4), border_style="dim") if shows else Text("")


def accounting(cost: Cost) -> str:
    """Return the line that says what a run took."""
    return (
        f"{cost.tokens} tokens · {cost.forwards} forwards · {cost.pauses} pauses · "
        f"{cost.sandbox_runs} sandbox runs · {cost.seconds:.2f} s"
    )


def clean(text: str) -> str:
    """Return text without control characters, which could move the cursor or change the terminal."""
    return _CONTROL.sub("�", text)


def shown(text: str, most: int = 40) -> str:
    """Return a piece of code on one line, its white space visible."""
    line = clean(text).replace("\n", "⏎").replace("\t", "⇥")
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _code(source: str, most_lines: int = 0) -> Syntax:
    lines = clean(source).strip("\n").split("\n")
    return Syntax(
        "\n".join(lines[-most_lines:] if most_lines > 0 else lines),
        "python",
        background_color="default",
        word_wrap=True,
    )


def _marked(attempt: Attempt) -> Text:
    """Return the program in colour, its holes underlined."""
    code = clean(attempt.program)
    # rich's highlighter widens tabs, and the holes would slip
    text = Text(code) if "\t" in code else Syntax("", "python", background_color="default").highlight(code)
    for start, end in attempt.holes:
        text.stylize("underline yellow", start, end)
    text.rstrip()
    text.no_wrap, text.overflow = False, "fold"
    return text


def _pause_table(number: int, pause: Pause) -> Table:
    table = Table(
        title=f"pause {number}: {pause.reason}", title_justify="left", title_style="yellow", box=None, padding=(0, 2)
    )
    table.add_column("", width=1)
    table.add_column("candidate", no_wrap=True)
    table.add_column("p", justify="right")
    table.add_column("score" if pause.resolver != "rerank" else "lookahead", justify="right")
    for candidate in pause.candidates:
        won = candidate.token == pause.chosen
        table.add_row(
            "▸" if won else "",
            Text(shown(candidate.text)),
            _percent(candidate),
            f"{candidate.score:.2f}",
            style="bold" if won else "dim",
        )
    return table


def _percent(candidate: Candidate) -> str:
    return f"{math.exp(candidate.logprob):.2f}"
