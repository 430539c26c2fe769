"""Draw a run in the terminal: live while tokens stream, or one line an event if it is no terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import unified_diff
from itertools import chain

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.text import Text

from agent.decoding.step import Step
from agent.files.changes import plain_text
from agent.program.failures import FailureKind, describe_failure
from agent.program.outputs import describe_output
from agent.program.task import Task
from agent.records import Attempt, Event, PersonReply, Question, Revision, RunOutcome, label_of
from agent.search.faults import is_whole
from agent.views.choices import describe_reply
from agent.views.doubts import list_doubts
from agent.views.frame import LiveFrame, Meter, drop_typed
from agent.views.line_breaks import break_lines
from agent.views.pauses import describe_pause
from agent.views.questions import put_question
from agent.views.sentences import describe_cost, describe_ending, describe_evidence, describe_programs
from agent.views.text import clean, format_code, one_line
from agent.views.theme import GOOD, WARNING, highlight
from agent.views.tree import draw_attempt
from agent.workflow.run import Result

_LONGEST_EXAMPLE = 160  # characters of one that is not checked
PAUSES, PROGRAMS = 1, 2  # levels of detail: each pause and each program as a line; each program in full, too


class TerminalView:
    """Draws events as they come. Text of a model or a program is cleaned, so the terminal obeys none of it.

    console: for all but the program. program_console: for the program of a run that stands by it; without one, the
    caller writes it. detail: 0, PAUSES or PROGRAMS. meter: what the line of counts is of.
    """

    def __init__(
        self,
        console: Console,
        *,
        live: bool,
        program_console: Console | None = None,
        detail: int = 0,
        meter: Meter | None = None,
        in_chat: bool = False,
    ) -> None:
        self._console, self._program_console = console, program_console
        self._detail, self._in_chat, self._live, self._asks = detail, in_chat, live, True
        self._frame = LiveFrame(console, meter or Meter())
        self._opening = ""  # what the program begins with, before the completion

    def __enter__(self) -> TerminalView:
        if self._live:
            self._frame.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._frame.stop()

    def begin(self, task: Task, opening: str = "") -> None:
        """Draw what is about to be done. opening: the code that the completion goes on with."""
        self._opening = opening
        self._frame.begin(opening)
        self.show_unread(task)

    def show_unread(self, task: Task) -> None:
        """Draw which examples and tests of a task are not checked, because they cannot be read."""
        for example in task.unparsed:
            self._warn(f"this example cannot be read, and is not checked: {format_code(example, _LONGEST_EXAMPLE)}")

    def show(self, event: Event) -> None:
        """Draw one event."""
        match event:
            case Step():
                self._show_step(event)
            case Attempt():
                self._show_attempt(event)
            case Revision():
                self._frame.begin(self._opening + event.text)
            case PersonReply():
                self._print(Text(f"answered before: {describe_reply(event)}", style="dim"))

    def show_heading(self, text: str) -> None:
        """Draw one line that says what is about to be done."""
        self._print(Text(one_line(text), style="bold"))

    def show_limits(self, text: str) -> None:
        """Draw what the model cannot do, if there is anything."""
        if text:
            self._warn(text)

    def say(self, text: str) -> None:
        """Draw a text for the person."""
        self._print(Text(clean(text)))

    def draw(self, what: RenderableType) -> None:
        """Draw code that another module of views made."""
        self._console.print(what, soft_wrap=True)

    def stream(self, pieces: Iterable[str]) -> None:
        """Draw a text piece by piece. A line breaks between two words."""
        whole = chain(map(clean, pieces), "\n")
        shown = whole if self._console.soft_wrap else break_lines(map(clean, pieces), self._console.width)
        for piece in shown:
            self._console.print(Text(piece), end="", soft_wrap=True)

    def show_tree(self, result: Result | None, which: str) -> None:
        """Draw the pause tree of a run, or the program with the label `which`."""
        if result is None:
            self.say("nothing was asked for yet")
        elif not which:
            for attempt in result.attempts:
                self._print(draw_attempt(attempt))
        elif which in (labels := [label_of(each) for each in result.attempts]):
            self._show_whole(result.attempts[labels.index(which)])
        else:
            self.say(f"there is no program {which!r}; wanted a number from 1 to {labels[-1]}")

    def ask(self, question: Question) -> int | str:
        """Draw a question, and return what the person chose: a number from 0, or a text.

        After the end of input, or once the person says so, nobody is asked any more.
        """
        self._frame.stop()
        if self._live:
            drop_typed()
        try:
            reply, self._asks = put_question(self._console, question, asks=self._asks)
        finally:
            if self._live:
                self._frame.start()
        return reply

    def finish(self, result: Result, hidden: Mapping[str, str] | None = None, *, before: str = "") -> None:
        """Draw the answer's program, the evidence for and against it, the cost, and what to do now.

        hidden: verdicts of a benchmark's own tests. before: the program that was to be changed, or the text of the file
        around it; then the change is drawn, and not the whole program.
        """
        answer = result.best
        if result.outcome == RunOutcome.ABSTAINED:
            self._show_abstained(result)
        elif self._program_console:
            shown = draw_change(before, _write_changed(result)) if before else _mark_doubts(answer)
            self._program_console.print(shown, soft_wrap=True)  # a line break inside a line would be copied with it
        for line in describe_evidence(result, in_full=self._detail > 0):
            self._warn(line)
        self._show_rival(result)
        ending = describe_ending(result, in_chat=self._in_chat)
        self._print(Text(one_line(f"{ending.mark} {ending.sentence}"), style=ending.style))
        counts = describe_programs(result.attempts)
        self._print(Text(" · ".join(filter(None, (counts, describe_cost(result.cost)))), style="dim"))
        if hidden is not None:
            verdicts = f"base {hidden['base']}, plus {hidden['plus']}"
            self._print(Text(f"hidden tests, which the agent never sees: {verdicts}"))
        self._print(Text(one_line(f"What now: {ending.advice}.")))

    def _show_abstained(self, result: Result) -> None:
        """Draw the best program of a run that stands by none, why it failed, and the program without its holes."""
        best = result.best
        rest = "" if best.passed or is_whole(best, result.task.entry_point) else ", not whole"
        self._print(Text(f"program {label_of(best)}{rest}:", style="bold"))
        self._console.print(_mark_doubts(best), soft_wrap=True)
        if not best.passed and not any(each.kind == FailureKind.NOT_RUN for each in best.failures):
            self._print(Text(f"✗ {one_line(_say_failure(best))}", style="red"))
        if list_doubts(best) and result.answer.breakage is None:
            self._print(Text("without what is in doubt:"))
            self._console.print(Text(clean(best.partial).strip()), soft_wrap=True)

    def _show_rival(self, result: Result) -> None:
        """Draw the answer beside the program that is close to it, with an input on which they differ."""
        answer = result.answer
        if answer.rival is None or answer.differs is None or answer.rival >= len(result.attempts):
            return
        rival, differs = result.attempts[answer.rival], answer.differs
        self._warn(f"two programs are close to each other, and differ for {one_line(differs.input)}:")
        both = ((result.best, differs.answer), (rival, differs.rival))
        if self._console.soft_wrap:
            for attempt, output in both:
                self.say(f"program {label_of(attempt)} gives {one_line(describe_output(output))}:")
                self.say(attempt.program.strip("\n"))
            return
        panels = [
            Panel(
                highlight(attempt.program.strip("\n")),
                title=Text(f"program {label_of(attempt)}"),
                subtitle=Text(one_line(describe_output(output))),
                title_align="left",
                subtitle_align="left",
            )
            for attempt, output in both
        ]
        self._print(Columns(panels, equal=True, expand=False))

    def _show_step(self, step: Step) -> None:
        pause = describe_pause(step.pause, self._frame.line, step.text) if step.pause else ""
        if pause and self._detail >= PAUSES:
            self._print(Text(pause, style=WARNING))
        self._frame.write(step.text, pause=pause)

    def _show_attempt(self, attempt: Attempt) -> None:
        line = draw_attempt(attempt)
        if self._detail >= PAUSES or not self._live:
            self._print(line)
        else:
            self._frame.settle(line.plain)
        if self._detail >= PROGRAMS and not attempt.passed:
            self._console.print(highlight(attempt.program.strip("\n")), soft_wrap=True)
        if attempt.ran:
            self._frame.count_program()
        self._frame.begin(self._opening)

    def _show_whole(self, attempt: Attempt) -> None:
        self._print(draw_attempt(attempt))
        self._console.print(_mark_doubts(attempt), soft_wrap=True)
        for failure in attempt.failures:
            self._print(Text(f"✗ {one_line(describe_failure(failure))}", style="red"))

    def _warn(self, text: str) -> None:
        self._print(Text(one_line(text), style=WARNING))

    def _print(self, what: RenderableType) -> None:
        self._console.print(what)


def draw_change(before: str, after: str) -> Text:
    """Return what changes from one program to another, as lines of a unified diff without its head."""
    lines = list(unified_diff(before.strip("\n").split("\n"), after.strip("\n").split("\n"), lineterm="", n=2))[2:]
    if not lines:
        return Text("the program stays as it was", style="dim")
    styles = {"+": GOOD, "-": "red", "@": "dim"}
    return Text("\n").join(Text(clean(line), style=styles.get(line[:1], "")) for line in lines)


def _write_changed(result: Result) -> str:
    """Return the answer's program, with the text of its file around it where it is a part of one."""
    module, program = result.task.module, result.best.program
    text = module.fill(program) if module else None
    return program if text is None else plain_text(text)


def _say_failure(attempt: Attempt) -> str:
    return describe_failure(attempt.failures[0]) if attempt.failures else str(attempt.verdict)


def _mark_doubts(attempt: Attempt) -> Text:
    """Return the program in colour, with its holes underlined where they point at a part of it."""
    text = highlight(attempt.program)
    for start, end in list_doubts(attempt):
        text.stylize(f"underline {WARNING}", start, end)
    text.rstrip()
    text.no_wrap, text.overflow = False, "fold"
    return text
