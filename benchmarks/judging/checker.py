"""Judge a program: inputs go into the sandbox, values come out, comparison happens here. Expected values never go in.

A program passes by giving right plain data, in time, for every input. It cannot say that it passed, only what it found.
It cannot learn whether it was right either: what a program is asked depends on how its runs ended, never on whether
an answer agreed. So no answer decides whether there will be a next question.
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

MOST_SECONDS = 60.0  # for all tests of a group, on top of the canonical solution's share; evalplus' bound
_MOST_RUNS = 3  # of a stretch of tests: all of them together may use thrice the limits, whatever the program does
_REACHED_LIMIT = {Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL, Verdict.OUT_OF_MEMORY, Verdict.OUTPUT_LIMIT}
REFERENCES = References()


@dataclass(frozen=True, slots=True)
class Tally:
    """How one group of tests went. A test that had no turn, for the program had ended before, has failed."""

    verdict: Verdict  # of the first failing test; PASSED where there is none
    tests: int
    passed: int
    failed: tuple[int, ...]  # test numbers
    reason: str  # the first failure in words. It names a hidden input: never for the agent, a file or a terminal
    runs: int  # of the sandbox
    wall_seconds: float  # in the sandbox
    finished: bool = True  # the program answered every test, and its runs ended well


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one program for one problem. A failing sandbox gives none: it raises."""

    task_id: str
    base: Tally
    plus: Tally  # FAILED where the base tests fail, whatever the answers; not run where the base tests did not finish

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
    references: References = REFERENCES,
) -> Judgement:
    """Run the program on the problem's tests and compare. `program` is complete: the prompt is not put before it.

    `limits` is what any one test may use; tests share it, and get more where the canonical solution takes more.
    Raises SandboxError where the sandbox fails, DatasetError where the canonical solution does, and nothing else,
    whatever the program answers.
    """
    if not problem.base_inputs and not problem.plus_inputs:
        raise DatasetError(f"{problem.task_id} has no tests; nothing can be judged by it")
    known = [references.expected(sandbox, problem, plus=plus) for plus in (False, True)]
    groups = zip((problem.base_inputs, problem.plus_inputs), known, strict=True)
    first, second = (_Candidate(sandbox, problem, program, inputs, expected, limits) for inputs, expected in groups)
    base = _tally(first)
    if not base.finished:
        missing = tuple(range(len(second.inputs)))
        plus = Tally(Verdict.FAILED, len(missing), 0, missing, "not run: a base test has no answer", 0, 0.0)
    else:
        plus = _tally(second)
    if base.verdict is not Verdict.PASSED and plus.verdict is Verdict.PASSED:
        plus = replace(plus, verdict=Verdict.FAILED, reason="a base test fails")
    return Judgement(problem.task_id, base, plus)


class _Candidate(NamedTuple):
    sandbox: Sandbox
    problem: Problem
    program: str
    inputs: Inputs
    expected: Expected
    limits: Limits


class _Part(NamedTuple):
    """What one run came to. No value of the program outlives it."""

    answered: int  # tests, from the first that was asked
    failed: list[int]  # test numbers among these
    reason: str  # why the first of them failed
    end: str  # why testing stopped before every test had an answer; empty if it did not
    verdict: Verdict  # of the run
    wall_seconds: float  # in the sandbox
    host_seconds: float  # of this thread, to send and to decode


def _tally(candidate: _Candidate) -> Tally:
    parts = list(_parts(candidate))  # to the end, whatever disagrees: else the program could tell
    tests, answered = len(candidate.inputs), sum(part.answered for part in parts)
    failed = [*(test for part in parts for test in part.failed), *range(answered, tests)]
    verdict, reason = _first_failure(candidate, parts, answered) if failed else (Verdict.PASSED, "")
    seconds = sum((part.wall_seconds for part in parts), 0.0)
    finished = answered == tests
    return Tally(verdict, tests, tests - len(failed), tuple(failed), reason, len(parts), seconds, finished)


def _first_failure(candidate: _Candidate, parts: list[_Part], answered: int) -> tuple[Verdict, str]:
    reason = next((part.reason for part in parts if part.failed), "")
    if reason:
        return Verdict.FAILED, reason
    if parts[-1].end:
        return parts[-1].verdict, f"{_call(candidate.problem, candidate.inputs[answered])}: {parts[-1].end}"
    return Verdict.TIMED_OUT_WALL, f"the tests together take more than {MOST_SECONDS:.0f} seconds"


def _parts(candidate: _Candidate) -> Iterator[_Part]:
    """Run after run, while there are seconds left. One that reached a limit is taken up at its first test unanswered.

    A test without an answer in a run that began with it ends the testing, and so does a program that leaves by
    itself.
    """
    left = MOST_SECONDS + candidate.expected.wall_seconds
    for stretch in candidate.expected.stretches:
        start, wanted = stretch.start, stretch.shown()
        for run in range(_MOST_RUNS):
            if start == stretch.stop or left < 0:
                break
            part = _part(candidate, stretch, wanted, start, last=run == _MOST_RUNS - 1)
            start, left = start + part.answered, left - part.wall_seconds - part.host_seconds
            yield part
            if part.end:
                return
        if left < 0:
            return


def _part(candidate: _Candidate, stretch: Chunk, wanted: list[CallResult], start: int, *, last: bool) -> _Part:
    problem, before = candidate.problem, time.thread_time()
    answers = call_program(
        candidate.sandbox, candidate.program, problem.entry_point, candidate.inputs[start : stretch.stop],
        stretch.limits(candidate.limits), members=equality.asks_for_members(problem),
    )  # fmt: skip
    host_seconds = time.thread_time() - before
    run, shown = answers.execution, answers.shown
    if not run.passed:  # it ended badly, so at least one test counts as not answered
        shown = shown[: stretch.stop - start - 1]
    end = "" if run.passed or (shown and run.verdict in _REACHED_LIMIT and not last) else _epitaph(run)
    reasons = {
        test: _disagreement(problem, candidate.inputs[test], *pair, candidate.expected.tolerance(test))
        for test, pair in enumerate(zip(shown, wanted[start - stretch.start :], strict=False), start)
    }
    failed = [test for test, reason in reasons.items() if reason]
    reason = next(filter(None, reasons.values()), "")
    return _Part(len(shown), failed, reason, end, run.verdict, run.wall_seconds, host_seconds)


def _epitaph(run: Execution) -> str:
    words = run.stderr.strip().rpartition("\n")[2]
    return f"{run.verdict}" + (f" ({escape(words)})" if words else "")


def _disagreement(
    problem: Problem, arguments: tuple[Any, ...], shown: CallResult, wanted: CallResult, atol: float
) -> str | None:
    """Say what is wrong with an answer; None where it is right. Raises nothing: on whatever breaks, it is wrong."""
    try:
        if _agree(problem, arguments, shown, wanted, atol):
            return None
    except Exception:  # noqa: BLE001 - a value on which a comparison breaks ends no other program's check
        pass
    gave = {"value": "gave", "digest": "gave the digest", "unplain": "gave a non-plain", "raised": "raised"}
    in_words = shown.kind != "value" and isinstance(shown.value, str)
    text = escape(shown.value) if in_words else short_value(shown.value)
    return f"{_call(problem, arguments)} {gave[shown.kind]} {text}, wanted {short_value(wanted.value)}"


def _agree(problem: Problem, arguments: tuple[Any, ...], shown: CallResult, wanted: CallResult, atol: float) -> bool:
    if shown.kind == "raised" or shown == FORGED:
        return False
    if equality.asks_for_anything(problem):
        return equality.both_or_neither(
            *(some.value if some.kind == "value" else "anything" for some in (shown, wanted))
        )
    if shown.kind == wanted.kind == "value":
        return equality.choose_comparison(problem)(arguments, shown.value, wanted.value, atol)
    return shown == wanted and shown.kind == "digest"


def _call(problem: Problem, arguments: tuple[Any, ...]) -> str:
    return f"{problem.entry_point}({escape(', '.join(map(short_value, arguments)))})"
