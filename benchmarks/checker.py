"""Judge a program: inputs go into the sandbox, values come out, comparison happens here. Expected values never go in.

A program passes by giving right plain data, in time, for every input. It cannot say that it passed, only what it found.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks import oracles
from benchmarks.base import DatasetError, Problem
from benchmarks.reference import Expected, Inputs, References, Stretch
from benchmarks.shown import Shown, ask
from sandbox import DEFAULT_LIMITS, Limits, Sandbox, Verdict

MOST_SECONDS = 60.0  # for all tests of a group, on top of the canonical solution's share; evalplus' bound
REFERENCES = References()


@dataclass(frozen=True, slots=True)
class Tally:
    """How one group of tests went. Testing ends at the first failure, unless all were asked for."""

    verdict: Verdict  # of the first failing test; PASSED where there is none
    tests: int
    passed: int
    failed: tuple[int, ...]  # test numbers; a test in neither count was not run
    reason: str  # the first failure in words. It names a hidden input: never for the agent
    runs: int  # of the sandbox
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one program for one problem. A failing sandbox gives none: it raises."""

    task_id: str
    base: Tally
    plus: Tally  # not run where the base tests fail, unless all were asked for

    @property
    def base_passed(self) -> bool:
        """All base tests agree: what pass@k on the plain benchmark counts."""
        return self.base.verdict is Verdict.PASSED

    @property
    def passed(self) -> bool:
        """Base and plus tests agree: what pass@k on the plus benchmark counts."""
        return self.base_passed and self.plus.verdict is Verdict.PASSED


def judge(
    sandbox: Sandbox,
    problem: Problem,
    program: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    every: bool = False,
    references: References = REFERENCES,
) -> Judgement:
    """Run the program on the problem's tests and compare. `program` is complete: the prompt is not put before it.

    `limits` is what any one test may use; tests share it, and get more where the canonical solution takes more.
    `every` goes on after a failure. Raises SandboxError where the sandbox fails, DatasetError where the canonical
    solution does.
    """
    if not problem.base_inputs and not problem.plus_inputs:
        raise DatasetError(f"{problem.task_id} has no tests; nothing can be judged by it")
    tallies: list[Tally] = []
    for plus, inputs in ((False, problem.base_inputs), (True, problem.plus_inputs)):
        if tallies and not every and tallies[0].verdict is not Verdict.PASSED:
            tallies.append(Tally(Verdict.FAILED, len(inputs), 0, (), "not run: a base test fails", 0, 0.0))
            continue
        expected = references.expected(sandbox, problem, plus=plus)
        candidate = _Candidate(sandbox, problem, program, inputs, expected, limits)
        tallies.append(_tally(candidate, every=every))
    return Judgement(problem.task_id, *tallies)


class _Candidate(NamedTuple):
    sandbox: Sandbox
    problem: Problem
    program: str
    inputs: Inputs
    expected: Expected
    limits: Limits


class _Finding(NamedTuple):
    """One run's share of the tests, from `start`: a reason for each that fails, None for each that agrees."""

    start: int
    reasons: list[str | None]
    verdict: Verdict  # of a failing test among them
    wall_seconds: float
    runs: int = 1


def _tally(candidate: _Candidate, *, every: bool) -> Tally:
    passed, failed, runs, seconds = 0, list[int](), 0, 0.0
    verdict, reason = Verdict.PASSED, ""
    for finding in _findings(candidate):
        runs, seconds = runs + finding.runs, seconds + finding.wall_seconds
        for test, why in enumerate(finding.reasons, finding.start):
            if failed and not every:
                break
            if why is None:
                passed += 1
                continue
            failed.append(test)
            if len(failed) == 1:
                verdict, reason = finding.verdict, why
        if failed and not every:
            break
    return Tally(verdict, len(candidate.inputs), passed, tuple(failed), reason, runs, seconds)


def _findings(candidate: _Candidate) -> Iterator[_Finding]:
    """Run after run. One that reached a limit is taken up at the first test it left without an answer.

    So a test fails for want of time or memory only where a run of its own was not enough.
    """
    left = MOST_SECONDS + candidate.expected.wall_seconds
    for stretch in candidate.expected.stretches:
        start, shown = stretch.start, stretch.shown()
        while start < stretch.stop:
            finding = _finding(candidate, stretch, shown, start)
            yield finding
            start += len(finding.reasons)
            left -= finding.wall_seconds
            if finding.verdict is Verdict.SYNTAX_ERROR:
                return
            if left < 0 and start < len(candidate.inputs):
                yield _Finding(start, [_OVER], Verdict.TIMED_OUT_WALL, 0.0, runs=0)
                return


def _finding(candidate: _Candidate, stretch: Stretch, expected: list[Shown], start: int) -> _Finding:
    problem, inputs = candidate.problem, candidate.inputs[start : stretch.stop]
    limits = stretch.limits(candidate.limits)
    answers = ask(candidate.sandbox, candidate.program, problem.entry_point, inputs, limits)
    if not answers.shown:
        run = answers.execution
        said = run.stderr.strip().rpartition("\n")[2]
        reason = f"{_call(problem, inputs[0])}: {run.verdict}" + (f" ({said})" if said else "")
        return _Finding(start, [reason], run.verdict, run.wall_seconds)
    reasons = [
        _disagreement(problem, arguments, shown, wanted, candidate.expected.tolerance(test))
        for test, (arguments, shown, wanted) in enumerate(
            zip(inputs, answers.shown, expected[start - stretch.start :], strict=False), start
        )
    ]
    return _Finding(start, reasons, Verdict.FAILED, answers.execution.wall_seconds)


def _disagreement(problem: Problem, arguments: tuple[Any, ...], shown: Shown, wanted: Shown, atol: float) -> str | None:
    if _agree(problem, arguments, shown, wanted, atol):
        return None
    what = {"value": "gave", "digest": "gave the digest", "unplain": "gave a non-plain", "raised": "raised"}
    text = shown.value if shown.kind != "value" else _short(shown.value)
    return f"{_call(problem, arguments)} {what[shown.kind]} {text}, wanted {_short(wanted.value)}"


def _agree(problem: Problem, arguments: tuple[Any, ...], shown: Shown, wanted: Shown, atol: float) -> bool:
    if shown.kind == "raised":
        return False
    if oracles.asks_for_anything(problem):
        return oracles.both_or_neither(
            *(some.value if some.kind == "value" else "anything" for some in (shown, wanted))
        )
    if shown.kind == wanted.kind == "value":
        return oracles.oracle(problem)(arguments, shown.value, wanted.value, atol)
    return shown == wanted and shown.kind == "digest"


def _call(problem: Problem, arguments: tuple[Any, ...]) -> str:
    return f"{problem.entry_point}({', '.join(map(_short, arguments))})"


def _short(value: Any) -> str:
    try:
        return reprlib.repr(value)
    except ValueError:  # an int with too many digits to write
        return f"<{type(value).__name__}>"


_OVER = f"the tests together take more than {MOST_SECONDS:.0f} seconds"
