"""Describe a run in sentences: its outcome, the evidence for and against its answer, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.hole_calibration import BEHAVIOURAL, Guarantee
from agent.program.outputs import Output, OutputKind, describe_output
from agent.program.syntax import is_whole_body
from agent.records import Answer, Attempt, Breakage, Cost, Spent, Undecided, label_of
from agent.search.answer import find_draws
from agent.search.faults import is_whole
from agent.views.numbers import LEAST, format_count, format_probability, format_share
from agent.views.text import format_code, one_line
from agent.workflow.run import Result
from agent.workflow.standing import Evidence, Standing


class Ending(NamedTuple):
    """The end of a run and the advice for it: a sentence each, with a sign and a style."""

    mark: str
    sentence: str
    style: str
    advice: str


def describe_ending(result: Result, *, in_chat: bool = False) -> Ending:
    """Return how a run ended. In a chat, the advice names no option of the command line."""
    best, evidence = result.best, result.evidence
    example = "give an example in the request, as in `>>> f(2)` and `4` below it"
    example += "" if in_chat else ", or a file of asserts with --tests"
    look = f"; look at {_list_holes(best)} first" if _list_holes(best) else ""
    if result.standing == Standing.VERIFIED:
        examples = format_count(evidence.examples, "example")
        sentence = f"verified: the program passed {examples}"
        return Ending("✓", sentence, "bold green", f"use it, after you have read it{look}; only {examples} checked it")
    if result.standing == Standing.AGREED:
        alike, inputs = f"{evidence.alike} of {evidence.separate} programs", format_count(evidence.inputs, "input")
        sentence = f"agreed: {alike} behave alike on {inputs}{_say_cases(evidence)}; no example checked them"
        return Ending("≈", sentence, "bold green", f"try it on an input of yours{look}; to have it verified, {example}")
    if result.standing == Standing.UNVERIFIED:
        sentence = f"unverified: the program runs{_say_cases(evidence)}; nothing else checked what it gives"
        if evidence.examples:
            sentence = _say_too_few(evidence, result.answer)
            example = "give more examples" + ("" if in_chat else ", or accept it as it is with --accept any")
        return Ending("?", sentence, "bold yellow", f"do not rely on it{look}; to have it verified, {example}")
    return Ending("✗", f"abstained: {_explain_abstention(result)}", "bold red", _advise(result, in_chat=in_chat))


def _say_too_few(evidence: Evidence, answer: Answer) -> str:
    """Say that the examples passed are too little for this model's answer."""
    if answer.probability is None:
        passed = format_count(evidence.examples, "example")
        return f"unverified: the program passed {passed}, and how probable it is to be right is not known"
    probability = format_probability(answer.probability)
    return (
        f"unverified: the program passed {format_count(evidence.examples, 'example')}, but too many of such answers "
        f"are wrong: it is right with probability {probability}, and {format_probability(answer.enough)} is wanted"
    )


def _say_cases(evidence: Evidence) -> str:
    """Return how many of the model's own test cases the answer passes, as the rest of a sentence."""
    if not evidence.cases:
        return ""
    return f", and this one passes {evidence.cases_passed} of {format_count(evidence.cases, 'test case')} of the model"


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


def describe_evidence(result: Result) -> list[str]:
    """Return the evidence for and against an answer beyond its claim, and what ended the search: a sentence each."""
    answer, attempts = result.answer, result.attempts
    lines = [
        _say_doubts(result.best),
        _say_mutants(answer.undecided),
        _say_probability(answer, result.best),
        _say_ways(answer, result.best),
        _say_error(answer, attempts),
        _say_rival(answer, attempts),
        _say_suspect(answer),
        _say_end(answer, attempts),
    ]
    return [line for line in lines if line]


def _say_doubts(best: Attempt) -> str:
    """Say which parts of a program the model found least probable, and what is guaranteed of the rest."""
    places, note = list_doubts(best), describe_guarantee(best.guarantee, failed=not best.passed)
    if not best.holes:
        return ""
    if not places:
        return f"the model's doubt is spread over the whole program, so no line stands out ({note})"
    parts = [f"{number_lines(best.program, *hole)}: {format_code(best.program[slice(*hole)], 60)}" for hole in places]
    beside = "; the examples passed with them as they are" if best.passed and best.checked else ""
    return f"the model was least sure of {', and of '.join(parts)} ({note}){beside}"


def describe_guarantee(guarantee: Guarantee, *, failed: bool) -> str:
    """Return what is guaranteed of a program without its holes, or why nothing is. failed: on an example."""
    if not guarantee.confidence:
        return f"uncalibrated: {guarantee.missing}" if guarantee.missing else "uncalibrated"
    goal = "a right program" if guarantee.label == BEHAVIOURAL else "the reference solution"
    sentence = (
        f"with confidence {guarantee.confidence:.1%}, at least {guarantee.coverage:.1%} of such partial programs, for "
        f"problems like those of {guarantee.problems}, can be completed to {goal}"
    ).replace(".0%", "%")
    return f"{sentence}; of those that fail their examples, as this one does, it may be fewer" if failed else sentence


def list_doubts(attempt: Attempt) -> list[tuple[int, int]]:
    """Return the holes of a program that point at a part of it; none where one covers all that was written."""
    covered = any(is_whole_body(attempt.program, start, end) for start, end in attempt.holes)
    return [] if covered else list(attempt.holes)


def _say_mutants(undecided: Sequence[Undecided]) -> str:
    texts = [f"line {mutant.line} as {format_code(mutant.text, 100)}" for mutant in _choose_mutants(undecided)]
    return f"the examples also allow {', or '.join(texts)}" if texts else ""


def _say_probability(answer: Answer, best: Attempt) -> str:
    if answer.probability is None or not best.passed:
        return ""
    return f"probability of being right, as learned for this model: {format_probability(answer.probability)}"


def _say_ways(answer: Answer, best: Attempt) -> str:
    if answer.clusters < 2 or not best.behaviour:
        return ""
    return (
        f"{answer.programs} programs behave in {answer.clusters} ways on {format_count(len(best.behaviour), 'input')}; "
        f"this one's way has {format_share(answer.share)} of their probability (functional entropy "
        f"{answer.functional_entropy:.2f} nats)"
    )


def _say_error(answer: Answer, attempts: Sequence[Attempt]) -> str:
    if answer.error_at_least is None or answer.error_at_least < LEAST:
        return ""
    least = format_probability(answer.error_at_least)
    return (
        f"{len(find_draws(attempts))} independent draws differ: such a draw is wrong with probability {least} or more"
    )


def _say_rival(answer: Answer, attempts: Sequence[Attempt]) -> str:
    if answer.rival is None or answer.differs is None:
        return ""
    differs = answer.differs
    return (
        f"close to it: program {_label(attempts, answer.rival)}. For {one_line(differs.input)} it "
        f"{_say_output(differs.rival)}, and this one {_say_output(differs.answer)}"
    )


def _say_suspect(answer: Answer) -> str:
    if answer.suspect is None:
        return ""
    return (
        f"programs that differ fail {one_line(answer.suspect)} and nothing else: the model does not know how, or "
        "that example is wrong"
    )


def _say_end(answer: Answer, attempts: Sequence[Attempt]) -> str:
    if answer.ended_by is None:
        return ""
    dropped = sum(not attempt.ran for attempt in attempts)
    beside = f"; {dropped} more, like them or no Python, {'was' if dropped == 1 else 'were'} not run" if dropped else ""
    return f"the search ended at {_describe_spent(answer.ended_by)}{beside}"


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


def _explain_abstention(result: Result) -> str:
    best, answer = result.best, result.answer
    if not best.passed:
        return _explain_failure(result)
    if answer.breakage is not None:
        return f"the best program {_describe_breakage(answer.breakage)}"
    if answer.probability is None:
        return "how probable it is to be right is not known, of so few examples or with so little budget"
    return "it is not probable enough to be right"


def _explain_failure(result: Result) -> str:
    """Say how far the best program came. A view shows its first failure beside it."""
    best = result.best
    failed = sum(failure.example is not None for failure in best.failures)
    if not is_whole(best, result.task.entry_point):
        return "no whole program was written"
    if failed and best.checked:
        return f"no program passed; the best one fails {failed} of {format_count(best.checked, 'example')}"
    return "no program passed"


def _list_holes(attempt: Attempt) -> str:
    """Return where a program has holes, as in "line 3 and lines 5 to 6"."""
    return " and ".join(number_lines(attempt.program, start, end) for start, end in list_doubts(attempt))


def number_lines(program: str, start: int, end: int) -> str:
    """Return the lines of a span, as in "line 3" and "lines 5 to 6"."""
    first, last = (1 + program.count("\n", 0, at) for at in (start, max(start, end - 1)))
    return f"line {first}" if first == last else f"lines {first} to {last}"
