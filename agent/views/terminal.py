"""A run drawn in the terminal: live while tokens stream, one line an event where nobody watches. Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from string import ascii_lowercase
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent.decoding.step import Candidate, Pause, Step
from agent.evidence import suspect
from agent.job import Result
from agent.mutants import likely
from agent.state import Answer, Attempt, Cost, Event, Revision, Task
from agent.views.text import clean, shown
from agent.views.tree import line_of


class TerminalView:
    """Draws events as they come. What a model or a program wrote is shown as text, never obeyed as control codes."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console = console
        self._paused = 0
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
        if self._live:
            self._live.update(self._frame())

    def head(self, text: str) -> None:
        """Say in one line what is about to be done."""
        self._say(Text(clean(text), style="bold"))

    def say(self, text: str) -> None:
        """Say something."""
        self._say(Text(clean(text)))

    def unread(self, task: Task) -> None:
        """Say which examples of the request cannot be taken apart, and so are not checked."""
        for example in task.unread:
            self._say(Text(f"this example cannot be read, and is not checked: {shown(example, 80)}", style="yellow"))

    def alternatives(self, result: Result | None, which: str) -> None:
        """Show the tree of a run, or one program of it by its number."""
        if result is None:
            self.say("nothing was asked for yet")
        elif not which:
            for attempt in result.attempts:
                self._say(line_of(attempt))
        elif which.isdecimal() and 0 < int(which) <= len(result.attempts):
            attempt = result.attempts[int(which) - 1]
            self._say(line_of(attempt))
            self._say(Panel(_marked(attempt), title=f"program {which}", title_align="left", expand=False))
            for failure in attempt.failures:
                self._say(Text(f"✗ {clean(failure)}", style="red"))
        else:
            self.say(f"there is no program {which!r}; wanted a number from 1 to {len(result.attempts)}")

    def ask(self, question: Mapping[str, Any]) -> int | str:
        """Show a question and return what the person chose: a number from 0, or a text."""
        if self._live:
            self._live.stop()
        answer = self._example(question) if "call" in question else self._candidate(question)
        if self._live:
            self._live.start()
        return answer

    def _example(self, question: Mapping[str, Any]) -> int | str:
        outputs = question["outputs"]
        self._console.print(Text(f"Programs differ: what should {clean(question['call'])} give?"))
        labels = ascii_lowercase[: len(outputs)]
        for label, output in zip(labels, outputs, strict=False):
            self._console.print(Text(f"  {label}  {clean(output)}"))
        answer = self._console.input("A letter, another value, an exception's name, or Enter if you cannot say: ")
        return labels.find(answer.strip()) if answer.strip() in tuple(labels) else answer

    def _candidate(self, question: Mapping[str, Any]) -> int | str:
        candidates = [Candidate(**candidate) for candidate in question["candidates"]]
        self._console.print(_code(question["text"], self._console.height - 12))
        for number, candidate in enumerate(candidates, start=1):
            self._console.print(Text(f"  {number}  {shown(candidate.text)}  {_percent(candidate)}"))
        answer = self._console.input(
            "Which one? A number, other text to write (\\n for a new line), or Enter for the first: "
        )
        if not answer.strip():
            return 0
        number = int(answer) - 1 if answer.strip().isdecimal() else -1
        return number if 0 <= number < len(candidates) else answer.replace("\\n", "\n")

    def finish(self, result: Result) -> None:
        """Draw the program that stands for the run, what speaks for it and against it, and the accounting."""
        answer, number = result.answer, result.chosen.attempt + 1
        self._say(Panel(_marked(answer), title=f"program {number}", title_align="left", expand=False))
        for start, end in answer.holes:
            first, last = (1 + answer.program.count("\n", 0, at) for at in (start, max(start, end - 1)))
            where = f"line {first}" if first == last else f"lines {first} to {last}"
            self._say(Text(f"? {where} not to be trusted: {shown(answer.program[start:end], 60)}", style="yellow"))
        for line in told_of(result.chosen, result.attempts):
            self._say(Text(clean(line), style="yellow"))
        if result.outcome == "accepted":
            how = f": the program passed its {answer.checked} visible examples" if answer.checked else ", unverified"
            self._say(Text(f"✓ accepted{how}", style="bold green"))
        else:
            why = _withheld(result.chosen) if answer.passed else "no program passed"
            self._say(Text(f"✗ abstained: {why}. What the best one has that may be trusted:", style="bold red"))
            self._say(Text(clean(answer.partial).strip()))
        self._say(Text(accounting(result.cost), style="dim"))

    def _step(self, step: Step) -> None:
        self._code += step.text
        if step.pause:
            self._paused += 1
            self._say(_pause_table(self._paused, step.pause))

    def _attempt(self, attempt: Attempt) -> None:
        self._code = ""
        self._say(line_of(attempt))

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


def told_of(answer: Answer, attempts: list[Attempt]) -> list[str]:
    """Return, in sentences, what is known of an answer beyond its examples, and what ended the search."""
    lines = []
    if answer.programs > 1 and attempts[answer.attempt].behaviour:
        inputs = len(attempts[answer.attempt].behaviour or ())
        ways = "one way" if answer.kinds == 1 else f"{answer.kinds} ways"
        lines.append(
            f"{answer.programs} programs behave in {ways} on {inputs} inputs that were made up; this one's way has "
            f"{answer.share:.0%} of their probability (functional entropy {answer.functional_entropy:.2f} nats)"
        )
    if answer.error_at_least > 0:
        lines.append(f"a program drawn from this model is wrong with probability {answer.error_at_least:.2f} or more")
    if answer.rival is not None and answer.differs:
        told = answer.differs
        lines.append(
            f"close to it: program {answer.rival + 1}. For {told['input']} it gives {told['rival']}, and this one "
            f"{told['answer']}"
        )
    lines += [
        f"the examples leave open whether line {mutant['line']} is rather: {shown(mutant['text'], 100)}"
        for mutant in likely(answer.undecided)
    ]
    if answer.probability is not None:
        lines.append(f"probability of being right, as learned for this model: {answer.probability:.2f}")
    if answer.programs == 0 and (example := suspect(attempts)):
        lines.append(f"programs that differ fail {example} and nothing else: that example may itself be wrong")
    if answer.ended_by:
        lines.append(f"the search ended at {answer.ended_by}")
    return lines


def _withheld(answer: Answer) -> str:
    if answer.probability is None:
        return "how probable it is to be right is not known, of so few examples or with so little budget"
    return "it is not probable enough to be right"


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
