"""Check a program on examples. The program never sees what is expected of its values."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from agent.errors import BudgetSpentError
from agent.messages import shorten_text
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.program.syntax import is_degenerate, parse, read_expression
from agent.verification import show_guest
from agent.verification.expectations import (
    judge_expectations,
    needs_exact,
)
from agent.verification.judgement import ExampleOutcomes, judge_example
from sandbox.base import CallOutcome, Execution, Expression, Limits, Sandbox, Verdict

_SECOND_SEED = 1  # the hash seed of the second run; that of the first is 0
_LATE = (Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL)


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict on a program, and why. Without any example, `passed` says only that the program loads."""

    verdict: Verdict
    checked: int  # number of examples that were judged
    failures: tuple[Failure, ...] = ()  # one for each example that failed, or for the program itself
    runs: int = 0  # runs of the sandbox

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
    """Run the program once for each session of examples, and judge the values. Raises SandboxError."""
    bounds = limits or Limits()
    if not examples and parse(program) is not None and is_degenerate(program):
        return Verification(Verdict.FAILED, 0, (Failure(FailureKind.EMPTY),))
    failures: list[Failure] = []
    runs = at = 0
    for _, group in groupby(examples or [Example("", ())], key=lambda example: example.session):
        together = list(group)
        execution = _execute(sandbox, program, together, bounds)
        runs += 1
        if not execution.passed:
            return Verification(execution.verdict, at, (*failures, _find_failure(execution)), runs)
        judgements = [judge_example(each) for each in _group_outcomes(together, execution.outcomes)]
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
    """Verify a program; verify it again, and let it pass only twice, if it ran out of time or may vary between runs.

    The second run has another hash seed, so a program that passes by the order of a set fails one of the two.
    """
    first = verify(sandbox, program, examples, limits=limits)
    late = first.verdict in _LATE
    if not late and not (first.passed and _may_vary(program)):
        return first
    try:
        second = verify(sandbox, program, examples, limits=replace(limits or Limits(), hash_seed=_SECOND_SEED))
    except BudgetSpentError:
        return first
    runs = first.runs + second.runs
    if late and second.verdict not in _LATE:
        return Verification(Verdict.FAILED, first.checked, (Failure(FailureKind.IN_TIME_ONCE),), runs)
    if not late and not second.passed:
        unsteady = Failure(FailureKind.PASSED_ONCE)
        return Verification(Verdict.FAILED, first.checked, (unsteady, *second.failures), runs)
    return replace(first, runs=runs)


def _execute(sandbox: Sandbox, program: str, examples: list[Example], limits: Limits) -> Execution:
    # One call even without examples: a program that exits before its end must not look as if it had loaded.
    calls = [call for example in examples for call in _calls(example)] or [Expression("None")]
    return sandbox.run(f"{program}{_load_show_guest()}", calls=calls, limits=limits)


_SHOW_GUEST = "__dubito_showing__"  # a name that no program has by accident


@cache
def _load_show_guest() -> str:
    """Return the line that defines show_guest.py behind a program, in a namespace that hides its names."""
    source = inspect.getsource(show_guest)
    run = "__import__('builtins').exec"
    return f"\n\n{_SHOW_GUEST} = (lambda space: {run}({source!r}, space) or space)({{'__name__': 'showing'}})\n"


def _calls(example: Example) -> list[Expression]:
    """Return the calls that the program's process evaluates for an example, one outcome each."""
    before = [_call_guest("run_statements", f"{statement!r}, globals()") for statement in example.before]
    if example.raises is not None:
        return [*before, _call_guest("show_exception", f"{example.expressions[0]!r}, globals()")]
    if example.shown is not None:
        return [*before, *map(_show_text, example.expressions)]
    if example.expected is None:
        return [*before, *(_call_guest("run_statements", f"{source!r}, globals()") for source in example.expressions)]
    how = "show_exactly" if needs_exact(example.expected or "") else "show_value"
    return [*before, *(_call_guest(how, source) for source in example.expressions)]


def _show_text(source: str) -> Expression:
    if read_expression(source) is None:
        return _call_guest("run_statements", f"{source!r}, globals()")
    return _call_guest("show_text", f"{_SHOW_GUEST}['listen'](), {source}")


def _call_guest(how: str, arguments: str) -> Expression:
    return Expression(f"{_SHOW_GUEST}[{how!r}]({arguments})")


_VARYING = {"random", "secrets", "uuid", "time", "datetime", "urandom", "id", "threading", "set", "frozenset", "hash"}


def _may_vary(program: str) -> bool:
    """Whether a program makes a set, whose order depends on the hash seed, or names something that varies."""
    tree = parse(program)
    return tree is not None and any(map(_varies, ast.walk(tree)))


def _varies(node: ast.AST) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Name() | ast.Attribute() | ast.alias() | ast.ImportFrom():
            return bool(_VARYING & {*_split_name(node)})
    return False


def _split_name(node: ast.Name | ast.Attribute | ast.alias | ast.ImportFrom) -> list[str]:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name):
            return name.split(".")
    return (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []


def _group_outcomes(examples: list[Example], outcomes: Sequence[CallOutcome]) -> Iterable[ExampleOutcomes]:
    """Yield each example with the outcomes of the statements before it, and of its expressions."""
    at = 0
    for example in examples:
        begin, end = at + len(example.before), at + len(example.before) + len(example.expressions)
        yield ExampleOutcomes(example, outcomes[at:begin], outcomes[begin:end])
        at = end


def _find_failure(execution: Execution) -> Failure:
    """Return the failure of a program that did not run to its end, with the last line of its stderr."""
    lines = [line for line in execution.stderr.splitlines() if line.strip()]
    detail = lines[-1].strip() if lines and execution.verdict in (Verdict.FAILED, Verdict.SYNTAX_ERROR) else ""
    return Failure(_ENDED[execution.verdict], got=shorten_text(detail))


_ENDED = {
    Verdict.FAILED: FailureKind.FAILED,
    Verdict.SYNTAX_ERROR: FailureKind.SYNTAX_ERROR,
    Verdict.TIMED_OUT_CPU: FailureKind.OUT_OF_TIME,
    Verdict.TIMED_OUT_WALL: FailureKind.OUT_OF_TIME,
    Verdict.OUT_OF_MEMORY: FailureKind.OUT_OF_MEMORY,
    Verdict.OUTPUT_LIMIT: FailureKind.OUTPUT_LIMIT,
    Verdict.FORBIDDEN: FailureKind.FORBIDDEN,
}
