"""Judge a program: inputs go into the sandbox, values come out, comparison happens here. Expected values never go in.

A program passes by returning right plain data, in time, for every input. It cannot claim that it passed. It cannot
learn whether it was right either: what a program is asked depends on how its runs ended, never on whether an answer
agreed. So no answer decides whether another question follows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from benchmarks.base import DatasetError, Problem
from benchmarks.judging import equality
from benchmarks.judging.calls import FORGED, CallResult, call_program
from benchmarks.judging.expected import Chunk, Expected, Inputs, References
from benchmarks.judging.words import escape, short_value
from sandbox import DEFAULT_LIMITS, Execution, Limits, Sandbox, Verdict

MOST_SECONDS = 60.0  # for all tests of a group, on top of the canonical solution's time; evalplus' bound
_MOST_RUNS = 3  # of one chunk of tests: together they may use three times the limits, whatever the program does
_REACHED_LIMIT = {Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL, Verdict.OUT_OF_MEMORY, Verdict.OUTPUT_LIMIT}
REFERENCES = References()


@dataclass(frozen=True, slots=True)
class Tally:
    """The result of one group of tests. A test that was not asked, because the program had ended, has failed."""

    verdict: Verdict  # the first failing test's; PASSED where none fails
    tests: int
    passed: int
    failed: tuple[int, ...]  # test numbers
    reason: str  # the first failure in words. It names a hidden input: never for the agent, a file or a terminal
    runs: int  # runs of the sandbox
    wall_seconds: float  # time in the sandbox
    finished: bool = True  # the program answered every test, and its runs ended well


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of one program on one problem. `judge_program` raises instead where the sandbox fails."""

    task_id: str
    base: Tally
    plus: Tally  # FAILED where a base test fails, whatever the answers; not run where the base tests did not finish

    @property
    def base_passed(self) -> bool:
        """All base tests agree: what pass@k on the plain benchmark counts."""
        return self.base.verdict is Verdict.PASSED

    @property
    def passed(self) -> bool:
        """Base and plus tests agree: what pass@k on the plus benchmark counts."""
        return self.base_passed and self.plus.verdict is Verdict.PASSED


def judge_program(
    sandbox: Sandbox,
    problem: Problem,
    program: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    references: References = REFERENCES,
) -> Judgement:
    """Run the program on the problem's tests and compare. `program` is complete: the prompt is not put before it.

    `limits` is what any one test may use. The tests of a group share it, and get more where the canonical solution
    takes more. Raises SandboxError where the sandbox fails and DatasetError where the canonical solution does. Raises
    nothing else, whatever the program returns.
    """
    if not problem.base_inputs and not problem.plus_inputs:
        raise DatasetError(f"{problem.task_id} has no tests; nothing can be judged by it")
    expected = [references.expected(sandbox, problem, plus=plus) for plus in (False, True)]
    groups = zip((problem.base_inputs, problem.plus_inputs), expected, strict=True)
    for_base, for_plus = (_Candidate(sandbox, problem, program, inputs, known, limits) for inputs, known in groups)
    base = _tally(for_base)
    if not base.finished:
        missing = tuple(range(len(for_plus.inputs)))
        plus = Tally(Verdict.FAILED, len(missing), 0, missing, "not run: a base test has no answer", 0, 0.0)
    else:
        plus = _tally(for_plus)
    if base.verdict is not Verdict.PASSED and plus.verdict is Verdict.PASSED:
        plus = replace(plus, verdict=Verdict.FAILED, reason="a base test fails")
    return Judgement(problem.task_id, base, plus)


class _Candidate(NamedTuple):
    """A program, one group of the problem's tests, and what decides its verdict."""

    sandbox: Sandbox
    problem: Problem
    program: str
    inputs: Inputs
    expected: Expected
    limits: Limits


class _Run(NamedTuple):
    """The outcome of one run. No value of the program outlives it."""

    answered: int  # tests, from the first that was asked
    failed: list[int]  # test numbers among these
    reason: str  # why the first of them failed
    end: str  # why testing stopped before every test had an answer; empty if it did not
    verdict: Verdict
    wall_seconds: float  # time in the sandbox
    host_seconds: float  # CPU time of this thread, to send and to decode


def _tally(candidate: _Candidate) -> Tally:
    runs = list(_run_all(candidate))  # all of them, even after a wrong answer: else the program could tell
    tests, answered = len(candidate.inputs), sum(run.answered for run in runs)
    failed = [*(test for run in runs for test in run.failed), *range(answered, tests)]
    verdict, reason = _first_failure(candidate, runs, answered) if failed else (Verdict.PASSED, "")
    seconds = sum((run.wall_seconds for run in runs), 0.0)
    finished = answered == tests
    return Tally(verdict, tests, tests - len(failed), tuple(failed), reason, len(runs), seconds, finished)


def _first_failure(candidate: _Candidate, runs: list[_Run], answered: int) -> tuple[Verdict, str]:
    reason = next((run.reason for run in runs if run.failed), "")
    if reason:
        return Verdict.FAILED, reason
    if runs[-1].end:
        return runs[-1].verdict, f"{_call(candidate.problem, candidate.inputs[answered])}: {runs[-1].end}"
    return Verdict.TIMED_OUT_WALL, f"the tests together take more than {MOST_SECONDS:.0f} seconds"


def _run_all(candidate: _Candidate) -> Iterator[_Run]:
    """Run the program on one chunk of tests after another, while there are seconds left.

    After a run that reached a limit, another run starts at the first test without an answer. Testing ends where a run
    answers not even its first test, and where the program leaves by itself.
    """
    left = MOST_SECONDS + candidate.expected.wall_seconds
    for chunk in candidate.expected.chunks:
        start, wanted = chunk.start, chunk.results()
        for number in range(_MOST_RUNS):
            if start == chunk.stop or left < 0:
                break
            run = _run_from(candidate, chunk, wanted, start, last=number == _MOST_RUNS - 1)
            start, left = start + run.answered, left - run.wall_seconds - run.host_seconds
            yield run
            if run.end:
                return
        if left < 0:
            return


def _run_from(candidate: _Candidate, chunk: Chunk, wanted: list[CallResult], start: int, *, last: bool) -> _Run:
    problem, before = candidate.problem, time.thread_time()
    called = call_program(
        candidate.sandbox, candidate.program + problem.driver, problem.called, candidate.inputs[start : chunk.stop],
        chunk.limits(candidate.limits), members=equality.asks_for_members(problem),
    )  # fmt: skip
    host_seconds = time.thread_time() - before
    execution, results = called.execution, called.results
    if not execution.passed:  # it ended badly, so at least one test counts as not answered
        results = results[: chunk.stop - start - 1]
    goes_on = execution.passed or (results and execution.verdict in _REACHED_LIMIT and not last)
    reasons = {
        test: _disagreement(problem, candidate.inputs[test], *pair, candidate.expected.tolerance(test))
        for test, pair in enumerate(zip(results, wanted[start - chunk.start :], strict=False), start)
    }
    failed = [test for test, reason in reasons.items() if reason]
    reason = next(filter(None, reasons.values()), "")
    end = "" if goes_on else _describe_end(execution)
    return _Run(len(results), failed, reason, end, execution.verdict, execution.wall_seconds, host_seconds)


def _describe_end(execution: Execution) -> str:
    last_line = execution.stderr.strip().rpartition("\n")[2]
    return f"{execution.verdict}" + (f" ({escape(last_line)})" if last_line else "")


def _disagreement(
    problem: Problem, arguments: tuple[Any, ...], result: CallResult, wanted: CallResult, atol: float
) -> str | None:
    """Say what is wrong with a result; None where it is right. Raises nothing: a value that breaks it is wrong.

    atol: absolute tolerance for floats.
    """
    try:
        if _agree(problem, arguments, result, wanted, atol):
            return None
    except Exception:  # noqa: BLE001 - a value on which a comparison breaks ends no other program's check
        pass
    gave = {"value": "gave", "digest": "gave the digest", "unplain": "gave a non-plain", "raised": "raised"}
    is_text = result.kind != "value" and isinstance(result.value, str)
    text = escape(result.value) if is_text else short_value(result.value)
    return f"{_call(problem, arguments)} {gave[result.kind]} {text}, wanted {short_value(wanted.value)}"


def _agree(problem: Problem, arguments: tuple[Any, ...], result: CallResult, wanted: CallResult, atol: float) -> bool:
    if result.kind == "raised" or result == FORGED:
        return False
    if equality.asks_for_anything(problem):
        values = (each.value if each.kind == "value" else "anything" for each in (result, wanted))
        return equality.agree_on_none(*values)
    if result.kind == wanted.kind == "value":
        return equality.choose_comparison(problem)(arguments, result.value, wanted.value, atol)
    return result == wanted and result.kind == "digest"


def _call(problem: Problem, arguments: tuple[Any, ...]) -> str:
    return f"{problem.entry_point}({escape(', '.join(map(short_value, arguments)))})"
