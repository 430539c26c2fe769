"""Put a question of a run to the person at the terminal: which candidate at a pause, or what a call should give."""

from __future__ import annotations

import sys
from string import ascii_lowercase

from rich.console import Console
from rich.text import Text

from agent.program.outputs import describe_output
from agent.records import CandidateQuestion, OutputQuestion, Question
from agent.views.choices import PREVIEW, answer_alone, fit_text, show_candidate, show_code, show_probability
from agent.views.text import format_code, one_line
from agent.views.theme import WARNING, highlight

GO_ON = "/go"  # typed by a person who wants to be asked nothing more
_HELP = (
    "A number takes a candidate's first token; what follows it is where it leads. A text is written as it is. "
    f"{GO_ON} lets the model go on alone, Ctrl-C stops. Put a blank before a text that begins with a slash."
)


def put_question(console: Console, question: Question, *, asks: bool) -> tuple[int | str, bool]:
    """Return what the person chose, a number from 0 or a text, and whether the person may be asked again.

    asks: False answers for the person: with the first candidate, and with nothing known of a call.
    """
    try:
        if asks and isinstance(question, CandidateQuestion):
            return _ask_candidate(console, question)
        if asks and isinstance(question, OutputQuestion):
            return _ask_output(console, question), True
    except EOFError:
        console.print(Text("\nno more answers come; going on without asking", style=WARNING))
    except KeyboardInterrupt:
        console.print("")  # the question's line has no end
        raise
    return answer_alone(question), False


def _read_line(console: Console, prompt: str) -> str:
    """Read a line from the person, and print it where no terminal shows what is typed."""
    answer = console.input(prompt)
    if not sys.stdin.isatty():
        console.print(Text(one_line(answer)))
    return answer


def _ask_output(console: Console, question: OutputQuestion) -> int | str:
    console.print(Text(f"Programs differ: what should {one_line(question.call)} give?"))
    labels = ascii_lowercase[: len(question.outputs)]
    for label, output in zip(labels, question.outputs, strict=False):
        console.print(Text(f"  {label}  {one_line(describe_output(output))}"))
    answer = _read_line(console, "A letter, another value, an exception's name, or Enter if you cannot say: ")
    return labels.find(answer.strip()) if answer.strip() in tuple(labels) else answer


def _ask_candidate(console: Console, question: CandidateQuestion) -> tuple[int | str, bool]:
    candidates = question.candidates
    console.print(highlight(show_code(question)))
    for number, candidate in enumerate(candidates, start=1):
        console.print(Text(f"  {number}  {show_candidate(candidate)}  {show_probability(candidate)}"))
    prompt = (
        f"1 to {len(candidates)}, text of your own (\\n ends a line), Enter for 1, or {GO_ON} to be asked no more: "
    )
    while True:
        answer = _read_line(console, prompt)
        typed = answer.strip()
        if typed == GO_ON:
            return 0, False
        if answer.startswith("/") or typed == "?":
            console.print(Text(_HELP if typed in ("?", "/help") else f"{one_line(typed)} is no command. {_HELP}"))
            continue
        if not typed or typed.isdecimal():
            number = int(typed or 1)
            if 1 <= number <= len(candidates):
                console.print(Text(f"chosen: the way to {show_candidate(candidates[number - 1])}", style="dim"))
                return number - 1, True
            console.print(Text(f"{typed} came; wanted 1 to {len(candidates)}", style=WARNING))
            continue
        text = fit_text(answer, candidates).replace("\\n", "\n")
        console.print(Text(f"written: {format_code(text, PREVIEW)!r}", style="dim"))
        return text, True
