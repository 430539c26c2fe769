"""Say why evalplus and this project judge a program differently. Reasons name no input and no expected value.

What is known of evalplus 0.3.1 stands in docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.base import Problem
from benchmarks.judging import equality
from benchmarks.judging.calls import CallResult, CallResults, call_program
from benchmarks.judging.checker import REFERENCES, judge_program
from benchmarks.judging.evalplus_judge import MIN_SECONDS, EvalplusVerdict
from benchmarks.judging.expected import Chunk, Expected, Inputs
from benchmarks.judging.modules import Modules
from benchmarks.judging.words import escape
from sandbox import DEFAULT_LIMITS, Sandbox, Verdict

UNKNOWN = "unknown"
_THEIR_LIMIT = f"evalplus allows {MIN_SECONDS} s of wall time a test, and 60 s in all"
_LIMITS = {
    Verdict.TIMED_OUT_CPU: "our limit of CPU time",
    Verdict.TIMED_OUT_WALL: "our limit of wall time",
    Verdict.OUT_OF_MEMORY: "our limit of memory",
    Verdict.OUTPUT_LIMIT: "our limit of output",
}
_KNOWN = {  # problems that evalplus cannot judge, whatever the program
    "HumanEval/32": "evalplus 0.3.1 fails every program here: its check never records a right answer",
    "Mbpp/255": "evalplus' limit of memory counts its own, so that even the canonical solution fails",
    "Mbpp/392": "evalplus' limit of memory counts its own, so that even the canonical solution fails",
}


def differ(ours: tuple[str, str], theirs: EvalplusVerdict) -> bool:
    """Whether two verdicts differ in the base tests, or in all tests together."""
    base, plus = (verdict == "passed" for verdict in ours)
    return (base, base and plus) != (theirs.base == "pass", theirs.passed)


def find_reason(
    sandbox: Sandbox, problem: Problem, program: str, ours: tuple[str, str], theirs: EvalplusVerdict
) -> str:
    """Return why a program is judged differently, or UNKNOWN. It may run again. Raises SandboxError."""
    if theirs.passed or problem.task_id not in _KNOWN:
        return _find_limit(ours, theirs) or _find_by_running(sandbox, problem, program, ours) or UNKNOWN
    return _KNOWN[problem.task_id]


def _find_limit(ours: tuple[str, str], theirs: EvalplusVerdict) -> str:
    """Return the limit that one side reached; empty if none."""
    if "timeout" in theirs:
        return f"timeout: {_THEIR_LIMIT}"
    return next((reason for verdict, reason in _LIMITS.items() if verdict.value in ours), "")


def _find_by_running(sandbox: Sandbox, problem: Problem, program: str, ours: tuple[str, str]) -> str:
    if lacks := Modules(sandbox).find_missing(program):
        return f"our sandbox lacks {', '.join(lacks)}"
    runs = [_Run(sandbox, problem, program, *part) for part in _chunks(sandbox, problem)]
    if reason := next(filter(None, (run.compare_rules() for run in runs)), ""):
        return reason
    if (slowest := max((run.time_slowest() for run in runs), default=0.0)) > MIN_SECONDS / 2:
        return f"timeout: one test takes {slowest:.1f} s alone in our sandbox; {_THEIR_LIMIT}"
    judged = judge_program(sandbox, problem, program)
    again = (judged.base.verdict.value, judged.plus.verdict.value)
    return "" if again == ours else "our verdict is another when the program is judged again: time or chance decides it"


def _chunks(sandbox: Sandbox, problem: Problem) -> Iterator[tuple[Inputs, Expected, Chunk]]:
    """Yield the tests of a problem, as our judge asks them."""
    for plus, inputs in ((False, problem.base_inputs), (True, problem.plus_inputs)):
        expected = REFERENCES.expected(sandbox, problem, plus=plus)
        for chunk in expected.chunks:
            yield inputs[chunk.start : chunk.stop], expected, chunk


@dataclass(frozen=True, slots=True)
class _Run:
    """A program on one chunk of tests."""

    sandbox: Sandbox
    problem: Problem
    program: str
    inputs: Inputs
    expected: Expected
    chunk: Chunk

    def compare_rules(self) -> str:
        """Return why evalplus' rule and ours differ on an answer of the program; empty where they do not."""
        own_rule = equality.has_own_rule(self.problem)
        for test, (result, wanted) in enumerate(
            zip(self._call(self.inputs).results, self.chunk.results(), strict=False)
        ):
            atol = self.expected.tolerance(self.chunk.start + test)
            if reason := _compare_on(result, wanted, atol, own_rule=own_rule):
                return reason
        return ""

    def time_slowest(self) -> float:
        """Return the CPU seconds of the slowest test; 0 where no test comes near evalplus' limit."""
        inputs, seconds = self.inputs, self._call(self.inputs).execution.cpu_seconds
        while len(inputs) > 1 and seconds > MIN_SECONDS / 2:
            half = len(inputs) // 2
            timed = [(self._call(part).execution.cpu_seconds, part) for part in (inputs[:half], inputs[half:])]
            seconds, inputs = max(timed, key=lambda pair: pair[0])
        return seconds if len(inputs) == 1 else 0.0

    def _call(self, inputs: Inputs) -> CallResults:
        limits, members = self.chunk.limits(DEFAULT_LIMITS), equality.asks_for_members(self.problem)
        return call_program(self.sandbox, self.program, self.problem.entry_point, inputs, limits, members=members)


def _compare_on(result: CallResult, wanted: CallResult, atol: float, *, own_rule: bool) -> str:
    if result.kind == "unplain":
        return f"our judge takes plain data alone, and the program returns {escape(str(result.value), 40)}"
    if result.kind != "value" or wanted.kind != "value" or own_rule:
        return ""
    theirs = _evalplus_agrees(result.value, wanted.value, atol)
    if equality.agrees(result.value, wanted.value, atol) == theirs:
        return ""
    if equality.agrees(wanted.value, wanted.value) and not _evalplus_agrees(wanted.value, wanted.value, atol):
        return "NaN: it equals NaN here, and nothing in evalplus"
    return "float tolerance: numpy stretches lists of different shapes, we do not" if theirs else "float tolerance"


def _evalplus_agrees(value: Any, expected: Any, atol: float) -> bool:
    """Compare as evalplus does: exactly, or with a tolerance by numpy."""
    import numpy as np  # noqa: PLC0415 - evalplus needs it, this project does not

    if value == expected:
        return True
    if atol == 0 or type(value) is not type(expected):
        return False
    try:
        same_length = not isinstance(expected, (list, tuple)) or len(value) == len(expected)
        return bool(same_length and np.allclose(value, expected, rtol=1e-07, atol=atol))
    except (TypeError, ValueError, OverflowError):
        return False
