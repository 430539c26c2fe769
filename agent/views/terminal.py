"""A run drawn in the terminal: live while tokens stream, one line an event where nobody watches. Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from string import ascii_lowercase

from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from agent.decoding.step import Candidate, Pause, Step
from agent.program.failures import describe_failure
from agent.program.task import Task
from agent.records import Attempt, CandidateQuestion, Event, OutputQuestion, Question, Revision, label_of
from agent.views.sentences import describe_cost, describe_doubts, describe_ending, describe_evidence, format_probability
from agent.views.text import clean, format_code, one_line
from agent.views.tree import draw_attempt
from agent.workflow.run import ABSTAINED, Result

ECHO = (
    4  # columns beside the live frame, where a terminal writes ^C: in a full line it would break, and shift the frame
)


class TerminalView:
    """Draws events as they come. What a model or a program wrote is shown as text, never obeyed as control codes."""

    def __init__(self, console: Console, *, live: bool, in_chat: bool = False) -> None:
        self._console, self._in_chat, self._asks = console, in_chat, True
        self._paused = 0
        self._code = ""
        self._live = _drawing(console) if live else None

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
        self._say(Text(one_line(text), style="bold"))

    def say(self, text: str) -> None:
        """Say something."""
        self._say(Text(clean(text)))

    def unparsed(self, task: Task) -> None:
        """Say which examples of the request cannot be taken apart, and so are not checked."""
        for example in task.unparsed:
            self._say(
                Text(f"this example cannot be read, and is not checked: {format_code(example, 80)}", style="yellow")
            )

    def alternatives(self, result: Result | None, which: str) -> None:
        """Show the tree of a run, or one program of it by its number."""
        if result is None:
            self.say("nothing was asked for yet")
        elif not which:
            for attempt in result.attempts:
                self._say(draw_attempt(attempt))
        elif which in (labels := [label_of(each) for each in result.attempts]):
            attempt = result.attempts[labels.index(which)]
            self._say(draw_attempt(attempt))
            self._say(Panel(_marked(attempt), title=f"program {which}", title_align="left", expand=False))
            for failure in attempt.failures:
                self._say(Text(f"✗ {one_line(describe_failure(failure))}", style="red"))
        else:
            self.say(f"there is no program {which!r}; wanted a number from 1 to {labels[-1]}")

    def ask(self, question: Question) -> int | str:
        """Show a question and return what the person chose: a number from 0, or a text.

        At the end of input nobody is asked any more: the first candidate is taken, and an example left open.
        """
        if self._live:
            self._live.stop()
        try:
            if self._asks:
                return self._candidate(question) if isinstance(question, CandidateQuestion) else self._output(question)
        except EOFError:
            self._asks = False
            self._say(Text("\nno more answers come; going on without asking", style="yellow"))
        except KeyboardInterrupt:
            self._say("")  # the question's line has no end
            raise
        finally:
            if self._live:
                self._live = _drawing(self._console)  # the old one would draw over the question
                self._live.start()
        return 0 if isinstance(question, CandidateQuestion) else ""

    def _output(self, question: OutputQuestion) -> int | str:
        self._console.print(Text(f"Programs differ: what should {one_line(question.call)} give?"))
        labels = ascii_lowercase[: len(question.outputs)]
        for label, output in zip(labels, question.outputs, strict=False):
            self._console.print(Text(f"  {label}  {one_line(output)}"))
        answer = self._console.input("A letter, another value, an exception's name, or Enter if you cannot say: ")
        return labels.find(answer.strip()) if answer.strip() in tuple(labels) else answer

    def _candidate(self, question: CandidateQuestion) -> int | str:
        candidates = question.candidates
        self._console.print(_code(question.text, self._console.height - 12))
        for number, candidate in enumerate(candidates, start=1):
            self._console.print(Text(f"  {number}  {format_code(candidate.text)}  {_percent(candidate)}"))
        answer = self._console.input(
            "Which one? A number, other text to write (\\n for a new line), or Enter for the first: "
        )
        if not answer.strip():
            return 0
        number = int(answer) - 1 if answer.strip().isdecimal() else -1
        return number if 0 <= number < len(candidates) else answer.replace("\\n", "\n")

    def finish(self, result: Result, hidden: Mapping[str, str] | None = None) -> None:
        """Draw the program that stands for the run, what speaks for it and against it, and the accounting.

        hidden: the verdicts of a benchmark's own tests. The last line says what to do now.
        """
        answer = result.best
        self._say(Panel(_marked(answer), title=f"program {label_of(answer)}", title_align="left", expand=False))
        for line in [*describe_doubts(answer), *describe_evidence(result.answer, result.attempts)]:
            self._say(Text(clean(line), style="yellow"))
        ending = describe_ending(result, in_chat=self._in_chat)
        if result.standing == ABSTAINED:
            self._withhold(answer, result.answer.breaks)
        self._say(Text(one_line(f"{ending.mark} {ending.sentence}"), style=ending.style))
        self._say(Text(describe_cost(result.cost), style="dim"))
        if hidden is not None:
            verdicts = f"base {hidden['base']}, plus {hidden['plus']}"
            self._say(Text(f"hidden tests, which the agent never sees: {verdicts}"))
        self._say(Text(one_line(f"What now: {ending.advice}.")))

    def _withhold(self, answer: Attempt, breaks: str) -> None:
        """Say what is wrong with the best program, or show what of it may be trusted."""
        if not answer.passed:
            reason = describe_failure(answer.failures[0]) if answer.failures else answer.verdict
            self._say(Text(f"✗ {one_line(reason)}", style="red"))
        elif answer.holes and not breaks:
            self._say(Text("without what is in doubt:"))
            self._say(Text(clean(answer.partial).strip()))

    def _step(self, step: Step) -> None:
        self._code += step.text
        if step.pause:
            self._paused += 1
            self._say(_pause_table(self._paused, step.pause))

    def _attempt(self, attempt: Attempt) -> None:
        self._code = ""
        self._say(draw_attempt(attempt))

    def _say(self, what: RenderableType) -> None:
        self._console.print(what)

    def _frame(self) -> RenderableType:
        if not self._code.strip():
            return Text("")
        width = max(8, self._console.width - ECHO)
        return Panel(_code(self._code, self._console.height - 4), border_style="dim", width=width)


def _drawing(console: Console) -> Live:
    return Live(console=console, refresh_per_second=8, transient=True)


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
        title=Text(f"pause {number}: {one_line(pause.reason)}"),
        title_justify="left",
        title_style="yellow",
        box=None,
        padding=(0, 2),
    )
    table.add_column("", width=1)
    table.add_column("candidate", overflow="fold")
    table.add_column("p", justify="right", min_width=5)
    table.add_column("score" if pause.resolver != "rerank" else "lookahead", justify="right", min_width=5)
    for candidate in pause.candidates:
        won = candidate.token == pause.chosen
        table.add_row(
            "▸" if won else "",
            Text(format_code(candidate.text)),
            _percent(candidate),
            f"{candidate.score:.2f}",
            style="bold" if won else "dim",
        )
    return table


def _percent(candidate: Candidate) -> str:
    return format_probability(math.exp(min(candidate.logprob, 0.0)))
