"""Run a program against the examples that its prompt shows. The program never sees what is claimed of its values."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from agent.budget import BudgetSpentError
from agent.examples import Check, parsed
from sandbox.base import Call, Execution, Expression, Limits, Outcome, Raised, Returned, Sandbox, Unplain, Verdict


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a program and its examples. `passed` without any example says only that the program loads."""

    verdict: Verdict
    checked: int  # examples that were judged
    failures: tuple[str, ...] = ()  # a sentence for each example that failed, or for the program itself
    runs: int = 0  # of the sandbox
    failed: tuple[int, ...] = ()  # numbers of the examples that failed, where the program itself did not

    @property
    def passed(self) -> bool:
        """No example failed, and the program itself did not."""
        return self.verdict is Verdict.PASSED


def verify(sandbox: Sandbox, program: str, checks: Sequence[Check], *, limits: Limits | None = None) -> Verification:
    """Run the program once for each setup that examples share. Raises SandboxError where the sandbox fails."""
    bounds = limits or Limits()
    if not checks and parsed(program) is not None and degenerate(program):
        return Verification(Verdict.FAILED, 0, ("the program does nothing: it has no statement of its own",))
    failures: list[str] = []
    failed: list[int] = []
    runs = at = 0
    for setup, group in groupby(checks or [Check("", (), None)], key=lambda check: check.setup):
        together = list(group)
        execution = _executed(sandbox, program, setup, together, bounds)
        runs += 1
        if not execution.passed:
            return Verification(execution.verdict, len(checks), (*failures, _told(execution)), runs)
        for check, outcomes in _answers(together, execution.outcomes):
            failure, claims = _judged(sandbox, check, outcomes, bounds)
            runs += claims
            failures += [failure] if failure else []
            failed += [at] if failure else []
            at += 1
    verdict = Verdict.FAILED if failures else Verdict.PASSED
    return Verification(verdict, len(checks), tuple(failures), runs, tuple(failed))


def confirmed(sandbox: Sandbox, program: str, checks: Sequence[Check], *, limits: Limits | None = None) -> Verification:
    """Verify, and once more what ran out of time or may do something else each time: only a steady pass is one."""
    first = verify(sandbox, program, checks, limits=limits)
    late = first.verdict in (Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL)
    if not late and not (first.passed and _may_vary(program)):
        return first
    try:
        second = verify(sandbox, program, checks, limits=limits)
    except BudgetSpentError:
        return first
    runs = first.runs + second.runs
    if late and second.verdict not in (Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL):
        told = "the program ran out of time in one of two runs, so it is not to be relied on"
        return Verification(Verdict.FAILED, first.checked, (told,), runs)
    if not late and not second.passed:
        told = "the program passed in one of two runs: it does something else each time"
        return Verification(Verdict.FAILED, first.checked, (told, *second.failures), runs, second.failed)
    return replace(first, runs=runs)


def degenerate(program: str) -> bool:
    """Whether a program is no Python, or nothing to run: comments and texts alone, functions without a body."""
    tree = parsed(program)
    return tree is None or all(_says_nothing(statement) for statement in tree.body)


def _executed(sandbox: Sandbox, program: str, setup: str, checks: list[Check], limits: Limits) -> Execution:
    # A call even without examples: a program that leaves before its end must not look like one that loaded.
    calls = [Expression(source) for check in checks for source in check.expressions] or [Expression("None")]
    return sandbox.run(f"{program}\n\n{setup}" if setup else program, calls=calls, limits=limits)


_VARYING = {"random", "secrets", "uuid", "time", "datetime", "urandom", "id", "threading"}


def _may_vary(program: str) -> bool:
    """Whether a program names what may differ from run to run."""
    tree = parsed(program)
    return tree is not None and any(
        isinstance(node, ast.Name | ast.Attribute | ast.alias | ast.ImportFrom) and _VARYING & {*_said(node)}
        for node in ast.walk(tree)
    )


def _said(node: ast.Name | ast.Attribute | ast.alias | ast.ImportFrom) -> list[str]:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name):
            return name.split(".")
    return (node.module or "").split(".") if isinstance(node, ast.ImportFrom) else []


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return all(_says_nothing(inner) for inner in statement.body)
    return False


def _answers(checks: list[Check], outcomes: Sequence[Outcome]) -> Iterable[tuple[Check, Sequence[Outcome]]]:
    at = 0
    for check in checks:
        yield check, outcomes[at : at + len(check.expressions)]
        at += len(check.expressions)


def _told(execution: Execution) -> str:
    lines = [line for line in execution.stderr.splitlines() if line.strip()]
    detail = lines[-1].strip() if lines and execution.verdict in (Verdict.FAILED, Verdict.SYNTAX_ERROR) else ""
    return f"the program {_BECAME.get(execution.verdict, execution.verdict)}{': ' if detail else ''}{detail}"


_BECAME = {
    Verdict.FAILED: "failed",
    Verdict.SYNTAX_ERROR: "is no valid Python",
    Verdict.TIMED_OUT_CPU: "ran out of time",
    Verdict.TIMED_OUT_WALL: "ran out of time",
    Verdict.OUT_OF_MEMORY: "ran out of memory",
    Verdict.OUTPUT_LIMIT: "wrote too much output",
    Verdict.FORBIDDEN: "did what the sandbox forbids",
}


def _judged(sandbox: Sandbox, check: Check, outcomes: Sequence[Outcome], limits: Limits) -> tuple[str | None, int]:
    """Return what is wrong with these values, or None; and how many more runs it took to know."""
    for source, outcome in zip(check.expressions, outcomes, strict=True):
        match outcome:
            case Raised(name, _) if name == check.raises:
                return None, 0
            case Raised(name, message):
                return f"{source} raised {name}: {message}".rstrip(": "), 0
            case Unplain(name):
                return f"{source} returned a {name}, wanted plain data", 0
    values = [outcome.value for outcome in outcomes if isinstance(outcome, Returned)]
    if check.claim is None:
        return (
            (f"{check.expressions[0]} returned {short(values[0])}, wanted {check.raises}", 0)
            if check.expressions
            else (None, 0)
        )
    return _claimed(sandbox, check, values, limits)


def _claimed(sandbox: Sandbox, check: Check, values: list[Any], limits: Limits) -> tuple[str | None, int]:
    assert check.claim is not None
    wanted = _wanted(check.claim)
    if wanted is not None:
        right = agree(values[0], wanted[0])
        return (None if right else f"{check.expressions[0]} returned {short(values[0])}, wanted {short(wanted[0])}"), 0
    names = ", ".join(f"_{i}" for i in range(len(values)))
    program = f"{check.claim_setup}\nimport math\ndef claim({names}):\n    return bool({check.claim})\n"
    execution = sandbox.run(program, calls=[Call("claim", tuple(values))], limits=limits)
    right = execution.passed and execution.outcomes == (Returned(True),)
    told = ", ".join(
        f"{source} returned {short(value)}" for source, value in zip(check.expressions, values, strict=True)
    )
    return (None if right else f"{check.source} does not hold: {told}"), 1


def _wanted(claim: str) -> tuple[Any] | None:
    """Return the literal that _0 should equal, if that is the whole claim."""
    match ast.parse(claim, mode="eval").body:
        case ast.Compare(ast.Name("_0"), [ast.Eq()], [right]):
            try:
                return (ast.literal_eval(right),)
            except ValueError:
                return None
    return None


def agree(value: Any, wanted: Any) -> bool:
    """Whether plain data are equal, floats within 1e-6; lists and tuples differ, as they do in Python."""
    if isinstance(value, float) or isinstance(wanted, float):
        both = isinstance(value, int | float) and isinstance(wanted, int | float)
        return both and (
            math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-6) or (value != value and wanted != wanted)
        )
    if isinstance(value, list | tuple) and type(value) is type(wanted):
        return len(value) == len(wanted) and all(agree(v, w) for v, w in zip(value, wanted, strict=True))
    if isinstance(value, dict) and isinstance(wanted, dict):
        return value.keys() == wanted.keys() and all(agree(value[key], wanted[key]) for key in wanted)
    return bool(value == wanted)


def short(value: Any, most: int = 80) -> str:
    """Return how a failure shows a value: its repr, cut after `most` characters."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to write an int of more than 4,300 digits
        text = f"a {type(value).__name__} too long to write"
    return text if len(text) <= most else f"{text[: most - 1]}…"
