"""Describe a run in sentences: its outcome, the evidence for and against its answer, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.program.ends import PRUNED
from agent.program.failures import FailureKind
from agent.records import Answer, Attempt, Breakage, Cost, Spent
from agent.search.faults import is_whole
from agent.views.doubts import list_doubts, number_lines, say_doubts
from agent.views.numbers import LEAST, format_count, format_probability, format_share
from agent.views.text import one_line
from agent.views.theme import GOOD, WARNING
from agent.workflow.run import Result
from agent.workflow.standing import Evidence, Standing

_GOOD = f"bold {GOOD}"


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
    holes = _list_holes(best, result.line_offset)
    look = f"; look at {holes} first" if holes else ""
    if result.standing == Standing.VERIFIED:
        examples = format_count(evidence.examples, "example")
        if result.task.changes:
            sentence = f"verified: the program still passes {examples}; they are older, and none checks the change"
            return Ending("✓", sentence, _GOOD, f"look at what changed{look}; {example}")
        sentence = f"verified: the program passed {examples}"
        return Ending("✓", sentence, _GOOD, f"use it, after you have read it{look}; only {examples} checked it")
    if result.standing == Standing.AGREED:
        alike, inputs = f"{evidence.alike} of {evidence.separate} programs", format_count(evidence.inputs, "input")
        sentence = f"agreed: {alike} behave alike on {inputs}{_say_cases(evidence)}; no example checked them"
        return Ending("≈", sentence, _GOOD, f"try it on an input of yours{look}; to have it verified, {example}")
    if result.standing == Standing.UNVERIFIED:
        sentence = f"unverified: the program runs{_say_cases(evidence)}; nothing else checked what it gives"
        if evidence.examples:
            sentence = _say_too_few(evidence, result.answer)
            example = "give more examples" + ("" if in_chat else ", or accept it as it is with --accept any")
        return Ending("?", sentence, f"bold {WARNING}", f"do not rely on it{look}; to have it verified, {example}")
    return Ending("✗", f"abstained: {explain_abstention(result)}", "bold red", _advise(result, in_chat=in_chat))


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
    ended_by = result.answer.ended_by
    if ended_by is not None and ended_by.part == "seconds" and ended_by.used < ended_by.bound:
        return "you stopped it; /retry tries it again"
    if result.best.passed and result.answer.breakage is None:
        return "give more examples in the request" + ("" if in_chat else ", or ask for less with --min-probability")
    if result.answer.suspect is not None:
        return f"check the example of {one_line(result.answer.suspect)}; if it is right, a larger model may know how"
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


def describe_programs(attempts: Sequence[Attempt]) -> str:
    """Return how many programs passed, failed or ran unchecked, and why others did not run; empty for one alone."""
    if len(attempts) < 2:
        return ""
    dropped = sum(each.end in PRUNED for each in attempts)
    repeated = sum(each.duplicate_of is not None and each.end not in PRUNED for each in attempts)
    own = [each for each in attempts if each.ran]
    ran = [each for each in own if FailureKind.NOT_RUN not in {failure.kind for failure in each.failures}]
    unchecked = sum(each.passed and not each.checked for each in ran)
    passed = sum(each.passed for each in ran) - unchecked
    outcomes = [(passed, "passed"), (unchecked, "unchecked"), (len(ran) - passed - unchecked, "failed")]
    reasons = [
        (repeated, "like an earlier one"),
        (dropped, "dropped unfinished"),
        (len(own) - len(ran), "beyond the budget"),
    ]
    parts = [f"{format_count(len(ran), 'program')}: {_list_counts(outcomes)}" if ran else "no program was run"]
    return "; not run: ".join([*parts, *filter(None, [_list_counts(reasons)])])


def _list_counts(counts: Sequence[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def describe_evidence(result: Result, *, in_full: bool = True) -> list[str]:
    """Return the evidence for and against an answer beyond its claim, and what ended the search: a sentence each.

    in_full: also what only a person who knows the measures can use. The program that is close to it is not among it.
    """
    answer = result.answer
    lines = [
        *say_doubts(result.best, answer.undecided, result.line_offset),
        _say_probability(answer, result.best),
        _say_ways(answer, result.best) if in_full else "",
        _say_error(answer) if in_full else "",
        _say_suspect(answer),
        _say_end(answer),
    ]
    return [line for line in lines if line]


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


def _say_error(answer: Answer) -> str:
    if answer.error_at_least is None or answer.error_at_least < LEAST:
        return ""
    least = format_probability(answer.error_at_least)
    return f"{answer.draws} independent draws differ: such a draw is wrong with probability {least} or more"


def _say_suspect(answer: Answer) -> str:
    if answer.suspect is None:
        return ""
    return (
        f"programs that differ fail {one_line(answer.suspect)} and nothing else: the model does not know how, or "
        "that example is wrong"
    )


def _say_end(answer: Answer) -> str:
    if answer.ended_by is None:
        return ""
    spent = answer.ended_by
    if spent.part == "seconds" and spent.used < spent.bound:
        return f"the search was stopped after {spent.used:.0f} seconds"
    return f"the search ended at {_describe_spent(spent)}"


def _describe_breakage(breakage: Breakage) -> str:
    """Return a breakage as a verb phrase, as in "raises NameError on 2 of 3 made-up inputs"."""
    return f"raises {' or '.join(breakage.exceptions)} on {breakage.broken} of {breakage.inputs} made-up inputs"


def _describe_spent(spent: Spent) -> str:
    """Return what was used of a budget's part, as in "20 of 20 programs" and "1.50 of 1.5 seconds"."""
    used = f"{spent.used:.2f} of {spent.bound:g}" if spent.part == "seconds" else f"{spent.used} of {spent.bound}"
    return f"{used} {spent.part}"


def explain_abstention(result: Result) -> str:
    """Return why a run that abstained stands by no program, as a part of a sentence."""
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
    if FailureKind.OTHER_NAME in {failure.kind for failure in best.failures}:
        return f"no program defines {result.task.entry_point}"
    if not is_whole(best, result.task.entry_point):
        return "no whole program was written"
    if failed and best.checked:
        return f"no program passed; the best one fails {failed} of {format_count(best.checked, 'example')}"
    return "no program passed"


def _list_holes(attempt: Attempt, offset: int) -> str:
    """Return where a program has holes, as in "line 3 and lines 5 to 6"."""
    lines = (number_lines(attempt.program, start, end, offset) for start, end in list_doubts(attempt))
    return " and ".join(dict.fromkeys(lines))
