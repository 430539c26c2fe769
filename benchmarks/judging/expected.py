"""Compute what the canonical solutions return, in the sandbox, once. No expected value is ever sent to a candidate."""

from __future__ import annotations

import builtins
import marshal
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from benchmarks.base import DatasetError, Problem
from benchmarks.judging.calls import CallResult, CallResults, call_program
from benchmarks.judging.equality import FLOAT_ATOL, asks_for_anything, asks_for_members, has_floats
from sandbox import Limits, Sandbox

_REFERENCE_LIMITS = Limits(cpu_seconds=60.0, wall_seconds=120.0, memory_mib=4096, values_mib=16, written_mib=64)
_MOST_TESTS = 2048  # in one run
_MOST_CHARACTERS = 1 << 20  # of the inputs of one run, written out
_SLACK = 4.0  # a candidate may take this many times what the canonical solution took: evalplus' factor
_MIB = 1 << 20

Inputs = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """The tests from `start` to before `stop`: one run of the canonical solution, and what it took."""

    start: int
    stop: int
    packed: bytes  # the results, compressed
    unpacked_mib: float
    cpu_seconds: float
    wall_seconds: float
    peak_memory_mib: float

    def results(self) -> list[CallResult]:
        """Unpack what the canonical solution gave, test by test."""
        return [CallResult(*pair) for pair in marshal.loads(zlib.decompress(self.packed))]  # packed by this process

    def limits(self, least: Limits) -> Limits:
        """Raise the limits of a candidate where the canonical solution took much."""
        return replace(
            least,
            cpu_seconds=max(least.cpu_seconds, _SLACK * self.cpu_seconds),
            wall_seconds=max(least.wall_seconds, _SLACK * self.wall_seconds),
            memory_mib=max(least.memory_mib, int(2 * self.peak_memory_mib)),
            values_mib=max(least.values_mib, int(_SLACK * self.unpacked_mib)),
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The canonical solution's results for one group of tests."""

    chunks: tuple[Chunk, ...]
    atol: float  # the problem's
    first_float: int  # test; evalplus compares it and all later ones with a tolerance

    def tolerance(self, test: int) -> float:
        """Return the absolute tolerance for a test."""
        return self.atol or (FLOAT_ATOL if test >= self.first_float else 0.0)

    @property
    def wall_seconds(self) -> float:
        """Seconds that the canonical solution took for all tests."""
        return sum(chunk.wall_seconds for chunk in self.chunks)


class References:
    """Expected results by problem and group. Computes them when they are first asked for; other threads wait."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], tuple[Problem, Expected]] = {}
        self._locks: dict[tuple[str, bool], Lock] = {}

    def expected(self, sandbox: Sandbox, problem: Problem, *, plus: bool) -> Expected:
        """Return the results for the base or the plus tests. Raises DatasetError where the canonical solution fails."""
        with self._locks.setdefault((problem.task_id, plus), Lock()):
            stored = self._known.get((problem.task_id, plus))
            if stored is None or stored[0] != problem:
                inputs = problem.plus_inputs if plus else problem.base_inputs
                stored = problem, _compute_expected(sandbox, problem, inputs)
                self._known[problem.task_id, plus] = stored
            return stored[1]


def _compute_expected(sandbox: Sandbox, problem: Problem, inputs: Inputs) -> Expected:
    chunks, first_float, start = [], len(inputs), 0
    for size in _chunk_sizes(inputs):
        stop = start + size
        while start < stop:  # after a run that reached a limit, another one starts where it ended
            run = call_program(
                sandbox, problem.reference_program + problem.driver, problem.called, inputs[start:stop],
                _REFERENCE_LIMITS, members=asks_for_members(problem),
            )  # fmt: skip
            _check_results(problem, run)
            floats = (start + at for at, result in enumerate(run.results) if has_floats(result.value))
            first_float = min(first_float, next(floats, first_float))
            chunks.append(_chunk(start, run))
            start = chunks[-1].stop
    return Expected(tuple(chunks), problem.atol, first_float)


def _chunk_sizes(inputs: Inputs) -> Iterator[int]:
    """Yield how many tests go into each run."""
    tests = text = 0
    for arguments in inputs:
        length = len(repr(arguments))
        if tests == _MOST_TESTS or (tests and text + length > _MOST_CHARACTERS):
            yield tests
            tests = text = 0
        tests, text = tests + 1, text + length
    if tests:
        yield tests


def _check_results(problem: Problem, run: CallResults) -> None:
    """Raise DatasetError unless every result can be compared with. The message names no input."""
    useful = ("value", "digest", "unplain") if asks_for_anything(problem) else ("value", "digest")
    bad = next((result for result in run.results if result.kind not in useful), None)
    if bad or not run.results:
        name = bad.value.partition(":")[0] if bad else ""
        what = f" ({name})" if hasattr(builtins, name) else ""
        why = bad.kind if bad else run.execution.verdict
        raise DatasetError(
            f"the canonical solution of {problem.task_id} gave no value to compare with: {why}{what}; "
            "is the data file evalplus' own, and is the sandbox large enough?"
        )


def _chunk(start: int, run: CallResults) -> Chunk:
    data = marshal.dumps([tuple(result) for result in run.results])
    return Chunk(
        start=start,
        stop=start + len(run.results),
        packed=zlib.compress(data, 1),
        unpacked_mib=len(data) / _MIB,
        cpu_seconds=run.execution.cpu_seconds,
        wall_seconds=run.execution.wall_seconds,
        peak_memory_mib=run.execution.peak_memory_mib,
    )
