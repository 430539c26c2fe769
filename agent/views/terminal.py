"""Draw a run in the terminal: live while tokens stream, or one line an event if stdout is no terminal."""

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
from agent.program.outputs import describe_output
from agent.program.task import Task
from agent.records import Attempt, Breakage, CandidateQuestion, Event, OutputQuestion, Question, Revision, label_of
from agent.search.faults import is_whole
from agent.views.numbers import format_probability
from agent.views.sentences import describe_cost, describe_ending, describe_evidence, list_doubts
from agent.views.text import clean, format_code, one_line
from agent.views.tree import draw_attempt
from agent.workflow.run import Result
from agent.workflow.standing import Standing

# A terminal writes ^C at the cursor; in a full line it would wrap, and shift the frame.
ECHO = 4  # free columns beside the live frame


class TerminalView:
    """Draws events as they come. Text of a model or a program is cleaned, so the terminal obeys none of it."""

    def __init__(self, console: Console, *, live: bool, in_chat: bool = False) -> None:
        self._console, self._in_chat, self._asks = console, in_chat, True
        self._pauses = 0
        self._code = ""
        self._live = _make_live(console) if live else None

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
                self._show_step(event)
            case Attempt():
                self._show_attempt(event)
            case Revision():
                self._code = event.text
        if self._live:
            self._live.update(self._draw_frame())

    def show_heading(self, text: str) -> None:
        """Draw one line that says what is about to be done."""
        self._print(Text(one_line(text), style="bold"))

    def show_limits(self, text: str) -> None:
        """Draw what the model cannot do, if there is anything."""
        if text:
            self._print(Text(one_line(text), style="yellow"))

    def say(self, text: str) -> None:
        """Draw a text for the person."""
        self._print(Text(clean(text)))

    def show_unparsed(self, task: Task) -> None:
        """Draw the examples of the request that cannot be parsed, and so are not checked."""
        for example in task.unparsed:
            self._print(
                Text(f"this example cannot be read, and is not checked: {format_code(example, 80)}", style="yellow")
            )

    def show_tree(self, result: Result | None, which: str) -> None:
        """Draw the pause tree of a run, or the program with the label `which`."""
        if result is None:
            self.say("nothing was asked for yet")
        elif not which:
            for attempt in result.attempts:
                self._print(draw_attempt(attempt))
        elif which in (labels := [label_of(each) for each in result.attempts]):
            attempt = result.attempts[labels.index(which)]
            self._print(draw_attempt(attempt))
            self._print(Panel(_mark_holes(attempt), title=f"program {which}", title_align="left", expand=False))
            for failure in attempt.failures:
                self._print(Text(f"✗ {one_line(describe_failure(failure))}", style="red"))
        else:
            self.say(f"there is no program {which!r}; wanted a number from 1 to {labels[-1]}")

    def ask(self, question: Question) -> int | str:
        """Draw a question, and return what the person chose: a number from 0, or a text.

        After the end of input nobody is asked any more: the first candidate is taken, and an example stays open.
        """
        if self._live:
            self._live.stop()
        try:
            if self._asks and isinstance(question, CandidateQuestion):
                return self._ask_candidate(question)
            if self._asks and isinstance(question, OutputQuestion):
                return self._ask_output(question)
        except EOFError:
            self._asks = False
            self._print(Text("\nno more answers come; going on without asking", style="yellow"))
        except KeyboardInterrupt:
            self._print("")  # the question's line has no end
            raise
        finally:
            if self._live:
                self._live = _make_live(self._console)  # the old one would draw over the question
                self._live.start()
        return 0 if isinstance(question, CandidateQuestion) else ""

    def _ask_output(self, question: OutputQuestion) -> int | str:
        self._console.print(Text(f"Programs differ: what should {one_line(question.call)} give?"))
        labels = ascii_lowercase[: len(question.outputs)]
        for label, output in zip(labels, question.outputs, strict=False):
            self._console.print(Text(f"  {label}  {one_line(describe_output(output))}"))
        answer = self._console.input("A letter, another value, an exception's name, or Enter if you cannot say: ")
        return labels.find(answer.strip()) if answer.strip() in tuple(labels) else answer

    def _ask_candidate(self, question: CandidateQuestion) -> int | str:
        candidates = question.candidates
        self._console.print(_highlight(question.text, self._console.height - 12))
        for number, candidate in enumerate(candidates, start=1):
            self._console.print(Text(f"  {number}  {format_code(candidate.text)}  {_format_percent(candidate)}"))
        answer = self._console.input(
            "Which one? A number, other text to write (\\n for a new line), or Enter for the first: "
        )
        if not answer.strip():
            return 0
        number = int(answer) - 1 if answer.strip().isdecimal() else -1
        return number if 0 <= number < len(candidates) else answer.replace("\\n", "\n")

    def finish(self, result: Result, hidden: Mapping[str, str] | None = None) -> None:
        """Draw the answer's program, the evidence for and against it, the cost, and what to do now.

        hidden: verdicts of a benchmark's own tests.
        """
        answer = result.best
        rest = "" if answer.passed or is_whole(answer, result.task.entry_point) else ", not whole"
        title = f"program {label_of(answer)}{rest}"
        self._print(Panel(_mark_holes(answer), title=title, title_align="left", expand=False))
        for line in describe_evidence(result):
            self._print(Text(clean(line), style="yellow"))
        ending = describe_ending(result, in_chat=self._in_chat)
        if result.standing == Standing.ABSTAINED:
            self._explain_abstention(answer, result.answer.breakage)
        self._print(Text(one_line(f"{ending.mark} {ending.sentence}"), style=ending.style))
        self._print(Text(describe_cost(result.cost), style="dim"))
        if hidden is not None:
            verdicts = f"base {hidden['base']}, plus {hidden['plus']}"
            self._print(Text(f"hidden tests, which the agent never sees: {verdicts}"))
        self._print(Text(one_line(f"What now: {ending.advice}.")))

    def _explain_abstention(self, answer: Attempt, breakage: Breakage | None) -> None:
        """Draw why the best program failed, if it did, and the program without its holes."""
        if not answer.passed:
            reason = describe_failure(answer.failures[0]) if answer.failures else answer.verdict
            self._print(Text(f"✗ {one_line(reason)}", style="red"))
        if list_doubts(answer) and breakage is None:
            self._print(Text("without what is in doubt:"))
            self._print(Text(clean(answer.partial).strip()))

    def _show_step(self, step: Step) -> None:
        self._code += step.text
        if step.pause:
            self._pauses += 1
            self._print(_draw_pause(self._pauses, step.pause))

    def _show_attempt(self, attempt: Attempt) -> None:
        self._code = ""
        self._print(draw_attempt(attempt))

    def _print(self, what: RenderableType) -> None:
        self._console.print(what)

    def _draw_frame(self) -> RenderableType:
        if not self._code.strip():
            return Text("")
        width = max(8, self._console.width - ECHO)
        return Panel(_highlight(self._code, self._console.height - 4), border_style="dim", width=width)


def _make_live(console: Console) -> Live:
    return Live(console=console, refresh_per_second=8, transient=True)


def _highlight(source: str, most_lines: int = 0) -> Syntax:
    lines = clean(source).strip("\n").split("\n")
    return Syntax(
        "\n".join(lines[-most_lines:] if most_lines > 0 else lines),
        "python",
        background_color="default",
        word_wrap=True,
    )


def _mark_holes(attempt: Attempt) -> Text:
    """Return the program in colour, with holes underlined where they point at a part of it."""
    code = clean(attempt.program)
    # The highlighter of rich widens tabs, and would shift the holes.
    text = Text(code) if "\t" in code else Syntax("", "python", background_color="default").highlight(code)
    for start, end in list_doubts(attempt):
        text.stylize("underline yellow", start, end)
    text.rstrip()
    text.no_wrap, text.overflow = False, "fold"
    return text


def _draw_pause(number: int, pause: Pause) -> Table:
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
            _format_percent(candidate),
            f"{candidate.score:.2f}",
            style="bold" if won else "dim",
        )
    return table


def _format_percent(candidate: Candidate) -> str:
    return format_probability(math.exp(min(candidate.logprob, 0.0)))
