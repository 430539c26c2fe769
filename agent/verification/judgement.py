"""Judge the outcomes of one example: a failure, none, or a condition that only the judge's process can decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.messages import shorten_repr, shorten_text
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.verification.expectations import (
    Expectation,
    agree,
    compare_shown,
    find_literal,
    is_tagged,
    is_wanted_exception,
)
from sandbox.base import CallOutcome, Raised, Returned, Unplain

_LONGEST = 10_000  # characters of a message that a regular expression searches


class ExampleOutcomes(NamedTuple):
    """The outcomes of one example in the program's process."""

    example: Example
    before: Sequence[CallOutcome]
    values: Sequence[CallOutcome]  # of its expressions


class ExampleJudgement(NamedTuple):
    """Why an example failed. With an expectation, it failed only if that does not hold."""

    failure: Failure | None
    expectation: Expectation | None = None


def judge_example(outcomes: ExampleOutcomes) -> ExampleJudgement:
    """Judge the outcomes of an example and of the statements before it."""
    for source, outcome in zip(outcomes.example.before, outcomes.before, strict=True):
        if isinstance(outcome, Raised):
            return ExampleJudgement(_fail_raised(source, outcome.type, outcome.message))
    return _judge_outcomes(outcomes.example, outcomes.values)


def _judge_outcomes(example: Example, outcomes: Sequence[CallOutcome]) -> ExampleJudgement:
    for source, outcome in zip(example.expressions, outcomes, strict=True):
        match outcome:
            case Raised(name, message):
                return ExampleJudgement(_fail_raised(source, name, message))
            case Unplain(name):
                failure = Failure(FailureKind.NOT_PLAIN, expression=source, got=shorten_text(name), wanted="plain data")
                return ExampleJudgement(failure)
    values = [outcome.value for outcome in outcomes if isinstance(outcome, Returned)]
    if example.raises is not None:
        return _judge_exception(example, values[0])
    if example.shown is not None:
        right, text = compare_shown(example, values[-1])
        source, wanted = example.expressions[-1], shorten_repr(example.shown)
        failure = Failure(FailureKind.SHOWED, expression=source, got=shorten_repr(text), wanted=wanted)
        return ExampleJudgement(None if right else failure)
    return ExampleJudgement(None) if example.expected is None else _judge_values(example, example.expected, values)


def _fail_raised(source: str, name: str, message: str, wanted: str | None = None) -> Failure:
    exception = f"{shorten_text(name)}: {shorten_text(message)}".rstrip(": ")
    return Failure(FailureKind.RAISED, expression=source, got=exception, wanted=wanted)


def _judge_exception(example: Example, outcome: Any) -> ExampleJudgement:
    source = example.expressions[0]
    wanted = shorten_text(f"{example.raises}{f': {example.message}' if example.message else ''}")
    match outcome:
        case [[], str(value)]:
            return ExampleJudgement(
                Failure(FailureKind.RETURNED, expression=source, got=shorten_text(value, 80), wanted=wanted)
            )
        case [[str(name), *_], str(message)]:
            failure = _fail_raised(source, name, message, wanted)
            if not is_wanted_exception(example, outcome):
                return ExampleJudgement(failure)
            if not example.pattern:
                return ExampleJudgement(None)
            # The search may take for ever on a message made for it, so the judge's process does it, within limits.
            condition = f"re.search({example.message!r}, _0) is not None"
            return ExampleJudgement(failure, Expectation([message[:_LONGEST]], condition, "import re"))
    return ExampleJudgement(Failure(FailureKind.NOT_RAISED, expression=source, wanted=wanted))


def _judge_values(example: Example, expected: str, values: list[Any]) -> ExampleJudgement:
    wanted = find_literal(expected)
    if wanted is not None and not is_tagged(values[0]):
        source, got = example.expressions[0], shorten_repr(values[0])
        failure = Failure(FailureKind.RETURNED, expression=source, got=got, wanted=shorten_repr(wanted[0]))
        return ExampleJudgement(None if agree(values[0], wanted[0]) else failure)
    returned = ", ".join(
        f"{source} returned {shorten_repr(value)}" for source, value in zip(example.expressions, values, strict=True)
    )
    failure = Failure(FailureKind.NOT_HELD, expression=example.source, got=returned)
    return ExampleJudgement(failure, Expectation(values, expected, example.expected_setup))
