"""Run a program against the examples that its prompt shows. The program never sees what is claimed of its values."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from agent.errors import BudgetSpentError
from agent.messages import short, words
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.program.syntax import is_degenerate, parse, read_expression
from agent.verification import show_guest
from agent.verification.expectations import (
    Expectation,
    agree,
    compare_shown,
    find_literal,
    is_tagged,
    is_wanted_exception,
    judge_expectations,
    needs_exact,
)
from sandbox.base import CallOutcome, Execution, Expression, Limits, Raised, Returned, Sandbox, Unplain, Verdict

_SECOND_SEED = 1  # the first is 0
_LONGEST = 10_000  # characters of a message in which a regular expression is looked for


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a program and its examples. `passed` without any example says only that the program loads."""

    verdict: Verdict
    checked: int  # examples that were judged
    failures: tuple[Failure, ...] = ()  # one for each example that failed, or for the program itself
    runs: int = 0  # of the sandbox

    @property
    def passed(self) -> bool:
        """No example failed, and the program itself did not."""
        return self.verdict is Verdict.PASSED

    @property
    def failed_examples(self) -> tuple[int, ...]:
        """Numbers of the examples that failed; none where the program itself did not run to its end."""
        if any(failure.kind in _ENDED.values() for failure in self.failures):
            return ()
        return tuple(failure.example for failure in self.failures if failure.example is not None)


def verify(
    sandbox: Sandbox, program: str, examples: Sequence[Example], *, limits: Limits | None = None
) -> Verification:
    """Run the program once for each session of examples. Raises SandboxError where the sandbox fails."""
    bounds = limits or Limits()
    if not examples and parse(program) is not None and is_degenerate(program):
        return Verification(Verdict.FAILED, 0, (Failure(FailureKind.EMPTY),))
    failures: list[Failure] = []
    runs = at = 0
    for _, group in groupby(examples or [Example("", ())], key=lambda example: example.session):
        together = list(group)
        execution = _executed(sandbox, program, together, bounds)
        runs += 1
        if not execution.passed:
            return Verification(execution.verdict, at, (*failures, _describe_end(execution)), runs)
        judgements = [_judge(answer) for answer in _answers(together, execution.outcomes)]
        expectations = [judgement.expectation for judgement in judgements if judgement.expectation]
        holds = iter(judge_expectations(sandbox, expectations, bounds))
        runs += bool(expectations)
        for number, judgement in enumerate(judgements, start=at):
            failure = None if judgement.expectation and next(holds) else judgement.failure
            failures += [replace(failure, example=number)] if failure else []
        at += len(together)
    verdict = Verdict.FAILED if failures else Verdict.PASSED
    return Verification(verdict, len(examples), tuple(failures), runs)


def verify_steadily(
    sandbox: Sandbox, program: str, examples: Sequence[Example], *, limits: Limits | None = None
) -> Verification:
    """Verify, and verify again what ran out of time or may do something else each time: only a steady pass counts.

    The second run has another hash seed, so a program that is right in one order of its sets alone does not pass twice.
    """
    first = verify(sandbox, program, examples, limits=limits)
    late = first.verdict in (Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL)
    if not late and not (first.passed and _may_vary(program)):
        return first
    try:
        second = verify(sandbox, program, examples, limits=replace(limits or Limits(), hash_seed=_SECOND_SEED))
    except BudgetSpentError:
        return first
    runs = first.runs + second.runs
    if late and second.verdict not in (Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL):
        return Verification(Verdict.FAILED, first.checked, (Failure(FailureKind.IN_TIME_ONCE),), runs)
    if not late and not second.passed:
        unsteady = Failure(FailureKind.PASSED_ONCE)
        return Verification(Verdict.FAILED, first.checked, (unsteady, *second.failures), runs)
    return replace(first, runs=runs)


def _executed(sandbox: Sandbox, program: str, examples: list[Example], limits: Limits) -> Execution:
    # A call even without examples: a program that leaves before its end must not look like one that loaded.
    calls = [call for example in examples for call in _calls(example)] or [Expression("None")]
    return sandbox.run(f"{program}{_suffix()}", calls=calls, limits=limits)


_SHOWING = "__dubito_showing__"


@cache
def _suffix() -> str:
    """Return the line that brings show_guest.py behind the program, whatever names that has. It ends no open text."""
    source = inspect.getsource(show_guest)
    run = "__import__('builtins').exec"
    return f"\n\n{_SHOWING} = (lambda space: {run}({source!r}, space) or space)({{'__name__': 'showing'}})\n"


def _calls(example: Example) -> list[Expression]:
    """Return what the guest evaluates for an example, one outcome each."""
    before = [_asked("run_statements", f"{statement!r}, globals()") for statement in example.before]
    if example.raises is not None:
        return [*before, _asked("show_exception", f"{example.expressions[0]!r}, globals()")]
    if example.shown is not None:
        return [*before, *map(_text_of, example.expressions)]
    if example.expected is None:
        return [*before, *(_asked("run_statements", f"{source!r}, globals()") for source in example.expressions)]
    how = "show_exactly" if needs_exact(example.expected or "") else "show_value"
    return [*before, *(_asked(how, source) for source in example.expressions)]


def _text_of(source: str) -> Expression:
    if read_expression(source) is None:
        return _asked("run_statements", f"{source!r}, globals()")
    return _asked("show_text", f"{_SHOWING}['listen'](), {source}")


def _asked(how: str, arguments: str) -> Expression:
    return Expression(f"{_SHOWING}[{how!r}]({arguments})")


_VARYING = {"random", "secrets", "uuid", "time", "datetime", "urandom", "id", "threading", "set", "frozenset", "hash"}


def _may_vary(program: str) -> bool:
    """Whether a program names what may differ from run to run, or makes a set, whose order does."""
    tree = parse(program)
    return tree is not None and any(map(_varies, ast.walk(tree)))


def _varies(node: ast.AST) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name() | ast.Attribute() | ast.alias() | ast.ImportFrom():
            return bool(_VARYING & {*_said(node)})
    return False


def _said(node: ast.Name | ast.Attribute | ast.alias | ast.ImportFrom) -> list[str]:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name):
            return name.split(".")
    return (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []


class _Answer(NamedTuple):
    example: Example
    before: Sequence[CallOutcome]
    outcomes: Sequence[CallOutcome]


def _answers(examples: list[Example], outcomes: Sequence[CallOutcome]) -> Iterable[_Answer]:
    """Yield each example with the outcomes of the statements before it, and of its expressions."""
    at = 0
    for example in examples:
        begin, end = at + len(example.before), at + len(example.before) + len(example.expressions)
        yield _Answer(example, outcomes[at:begin], outcomes[begin:end])
        at = end


def _describe_end(execution: Execution) -> Failure:
    """Return the failure of a program that did not run to its end, with the last line that it wrote of an error."""
    lines = [line for line in execution.stderr.splitlines() if line.strip()]
    detail = lines[-1].strip() if lines and execution.verdict in (Verdict.FAILED, Verdict.SYNTAX_ERROR) else ""
    return Failure(_ENDED[execution.verdict], got=words(detail))


_ENDED = {
    Verdict.FAILED: FailureKind.FAILED,
    Verdict.SYNTAX_ERROR: FailureKind.SYNTAX_ERROR,
    Verdict.TIMED_OUT_CPU: FailureKind.OUT_OF_TIME,
    Verdict.TIMED_OUT_WALL: FailureKind.OUT_OF_TIME,
    Verdict.OUT_OF_MEMORY: FailureKind.OUT_OF_MEMORY,
    Verdict.OUTPUT_LIMIT: FailureKind.OUTPUT_LIMIT,
    Verdict.FORBIDDEN: FailureKind.FORBIDDEN,
}


class _Judgement(NamedTuple):
    failure: Failure | None
    expectation: Expectation | None = None  # if it holds, nothing failed


def _judge(answer: _Answer) -> _Judgement:
    """Say what is wrong with the outcomes of an example, or with a statement before it."""
    for source, outcome in zip(answer.example.before, answer.before, strict=True):
        if isinstance(outcome, Raised):
            return _Judgement(_raised(source, outcome.type, outcome.message))
    return _judge_outcomes(answer.example, answer.outcomes)


def _judge_outcomes(example: Example, outcomes: Sequence[CallOutcome]) -> _Judgement:
    for source, outcome in zip(example.expressions, outcomes, strict=True):
        match outcome:
            case Raised(name, message):
                return _Judgement(_raised(source, name, message))
            case Unplain(name):
                failure = Failure(FailureKind.NOT_PLAIN, expression=source, got=words(name), wanted="plain data")
                return _Judgement(failure)
    values = [outcome.value for outcome in outcomes if isinstance(outcome, Returned)]
    if example.raises is not None:
        return _judge_exception(example, values[0])
    if example.shown is not None:
        right, text = compare_shown(example, values[-1])
        source, wanted = example.expressions[-1], short(example.shown)
        failure = Failure(FailureKind.SHOWED, expression=source, got=short(text), wanted=wanted)
        return _Judgement(None if right else failure)
    return _Judgement(None) if example.expected is None else _judge_values(example, example.expected, values)


def _raised(source: str, name: str, message: str, wanted: str | None = None) -> Failure:
    exception = f"{words(name)}: {words(message)}".rstrip(": ")
    return Failure(FailureKind.RAISED, expression=source, got=exception, wanted=wanted)


def _judge_exception(example: Example, outcome: Any) -> _Judgement:
    source = example.expressions[0]
    wanted = words(f"{example.raises}{f': {example.message}' if example.message else ''}")
    match outcome:
        case [[], str(value)]:
            returned = Failure(FailureKind.RETURNED, expression=source, got=words(value, 80), wanted=wanted)
            return _Judgement(returned)
        case [[str(name), *_], str(message)]:
            failure = _raised(source, name, message, wanted)
            if not is_wanted_exception(example, outcome):
                return _Judgement(failure)
            if not example.pattern:
                return _Judgement(None)
            text = (
                f"re.search({example.message!r}, _0) is not None"  # which may take for ever, on a message made for it
            )
            return _Judgement(failure, Expectation([message[:_LONGEST]], text, "import re"))
    return _Judgement(Failure(FailureKind.NOT_RAISED, expression=source, wanted=wanted))


def _judge_values(example: Example, expected: str, values: list[Any]) -> _Judgement:
    wanted = find_literal(expected)
    if wanted is not None and not is_tagged(values[0]):
        source, got = example.expressions[0], short(values[0])
        failure = Failure(FailureKind.RETURNED, expression=source, got=got, wanted=short(wanted[0]))
        return _Judgement(None if agree(values[0], wanted[0]) else failure)
    returned = ", ".join(
        f"{source} returned {short(value)}" for source, value in zip(example.expressions, values, strict=True)
    )
    failure = Failure(FailureKind.NOT_HELD, expression=example.source, got=returned)
    return _Judgement(failure, Expectation(values, expected, example.expected_setup))
