"""Describe a run in sentences: its outcome, the evidence for and against its answer, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.program.outputs import Output, OutputKind, describe_output
from agent.records import Answer, Attempt, Breakage, Cost, Spent, Undecided, label_of
from agent.views.numbers import LEAST, format_count, format_probability, format_share
from agent.views.text import format_code, one_line
from agent.workflow.run import Result, Standing


class Ending(NamedTuple):
    """The end of a run and the advice for it: a sentence each, with a sign and a style."""

    mark: str
    sentence: str
    style: str
    advice: str


def describe_ending(result: Result, *, in_chat: bool = False) -> Ending:
    """Return how a run ended. In a chat, the advice names no option of the command line."""
    best, answer = result.best, result.answer
    example = "give an example in the request, as in `>>> f(2)` and `4` below it"
    example += "" if in_chat else ", or a file of asserts with --tests"
    look = f"; look at {_list_holes(best)} first" if best.holes else ""
    if result.standing == Standing.VERIFIED:
        examples = format_count(best.checked, "visible example")
        sentence = f"accepted: the program passed its {examples}"
        return Ending("✓", sentence, "bold green", f"use it, after you have read it{look}; only {examples} checked it")
    if result.standing == Standing.AGREED:
        sentence = (
            f"accepted, unverified by any example: {format_share(answer.share)} of what the model writes does the same"
        )
        return Ending("≈", sentence, "bold green", f"try it on an input of yours{look}; to have it checked, {example}")
    if result.standing == Standing.UNVERIFIED:
        sentence = "accepted, unverified: the program runs, and nothing checks what it gives"
        return Ending("?", sentence, "bold yellow", f"do not rely on it{look}; to have it checked, {example}")
    why = _explain_abstention(answer) if best.passed else "no program passed"
    return Ending("✗", f"abstained: {why}", "bold red", _advise(result, in_chat=in_chat))


def _advise(result: Result, *, in_chat: bool) -> str:
    """Return what may help after an abstention."""
    if result.best.passed and result.answer.breakage is None:
        return "give more examples in the request" + ("" if in_chat else ", or ask for less with --min-probability")
    if in_chat:
        return "say it in other words, or in smaller steps; a larger model may know it"
    budget = "a larger --budget" if result.answer.ended_by is not None else "another --policy or --order"
    return f"try {budget}, --ask to help at its doubts, or a larger --model"


def describe_cost(cost: Cost) -> str:
    """Return what a run cost, on one line."""
    parts = [
        format_count(cost.tokens, "token"),
        format_count(cost.forwards, "forward"),
        format_count(cost.pauses, "pause"),
        format_count(cost.sandbox_runs, "sandbox run"),
    ]
    return " · ".join([*parts, f"{cost.seconds:.2f} s"])


def describe_doubts(attempt: Attempt) -> list[str]:
    """Return a line for each hole: a part of the program of which the model was unsure."""
    lines = []
    for start, end in attempt.holes:
        text = attempt.program[start:end]
        if text.strip() == attempt.program.strip():
            return ["? the whole program is in doubt"]
        lines.append(f"? {_name_lines(attempt.program, start, end)} in doubt: {format_code(text, 60)}")
    return lines


def describe_evidence(answer: Answer, attempts: Sequence[Attempt]) -> list[str]:
    """Return the evidence for and against an answer beyond its examples, and what ended the search, as sentences."""
    lines = []
    behaviour = attempts[answer.attempt].behaviour
    if answer.programs > 1 and behaviour:
        ways = "one way" if answer.clusters == 1 else f"{answer.clusters} ways"
        inputs = format_count(len(behaviour), "input")
        lines.append(
            f"{answer.programs} programs behave in {ways} on {inputs} that nobody wrote; "
            f"this one's way has {format_share(answer.share)} of their probability (functional entropy "
            f"{answer.functional_entropy:.2f} nats)"
        )
    if answer.error_at_least >= LEAST:
        least = format_probability(answer.error_at_least)
        lines.append(f"a program drawn from this model is wrong with probability {least} or more")
    if answer.rival is not None and answer.differs:
        differs = answer.differs
        lines.append(
            f"close to it: program {_label(attempts, answer.rival)}. For {one_line(differs.input)} it "
            f"{_say_output(differs.rival)}, and this one {_say_output(differs.answer)}"
        )
    lines += [
        f"the examples leave open whether line {mutant.line} is rather: {format_code(mutant.text, 100)}"
        for mutant in _choose_mutants(answer.undecided)
    ]
    if answer.probability is not None and attempts[answer.attempt].passed:
        lines.append(f"probability of being right, as learned for this model: {format_probability(answer.probability)}")
    if answer.suspect is not None:
        lines.append(
            f"programs that differ fail {one_line(answer.suspect)} and nothing else: the model does not know how, or "
            "that example is wrong"
        )
    if answer.ended_by is not None:
        dropped = sum(not attempt.ran for attempt in attempts)
        beside = (
            f"; {dropped} more, like them or no Python, {'was' if dropped == 1 else 'were'} not run" if dropped else ""
        )
        lines.append(f"the search ended at {_describe_spent(answer.ended_by)}{beside}")
    return lines


_LIKELY, _MOST_MUTANTS = -2.5, 2  # nats; mutants that a person sees


def _choose_mutants(undecided: Sequence[Undecided]) -> list[Undecided]:
    """Return the undecided mutants that a person should see: the likeliest, and no improbable one."""
    return [mutant for mutant in undecided if mutant.weight >= _LIKELY][:_MOST_MUTANTS]


def _say_output(output: Output) -> str:
    """Return an output as a verb phrase, as in "gives 3" and "raises NameError"."""
    text = one_line(describe_output(output))
    return text if output.kind == OutputKind.EXCEPTION else f"gives {text}"


def _describe_breakage(breakage: Breakage) -> str:
    """Return a breakage as a verb phrase, as in "raises NameError on 2 of 3 made-up inputs"."""
    return f"raises {' or '.join(breakage.exceptions)} on {breakage.broken} of {breakage.inputs} made-up inputs"


def _describe_spent(spent: Spent) -> str:
    """Return what was used of a budget's part, as in "20 of 20 programs" and "1.50 of 1.5 seconds"."""
    used = f"{spent.used:.2f} of {spent.bound:g}" if spent.part == "seconds" else f"{spent.used} of {spent.bound}"
    return f"{used} {spent.part}"


def _label(attempts: Sequence[Attempt], number: int) -> str:
    return label_of(attempts[number]) if number < len(attempts) else str(number + 1)


def _explain_abstention(answer: Answer) -> str:
    if answer.breakage is not None:
        return f"the best program {_describe_breakage(answer.breakage)}"
    if answer.probability is None:
        return "how probable it is to be right is not known, of so few examples or with so little budget"
    return "it is not probable enough to be right"


def _list_holes(attempt: Attempt) -> str:
    """Return where a program has holes, as in "line 3 and lines 5 to 6"."""
    return " and ".join(_number_lines(attempt.program, start, end) for start, end in attempt.holes)


def _name_lines(program: str, start: int, end: int) -> str:
    lines = _number_lines(program, start, end)
    return f"{lines} is" if lines.startswith("line ") else f"{lines} are"


def _number_lines(program: str, start: int, end: int) -> str:
    first, last = (1 + program.count("\n", 0, at) for at in (start, max(start, end - 1)))
    return f"line {first}" if first == last else f"lines {first} to {last}"
