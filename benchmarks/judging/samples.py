"""Judge many samples, each distinct program once. Prints nothing, and keeps no reason of a verdict.

A sample without a verdict is left out of every number. Only three things leave it without one: its line is no sample,
the canonical solution fails, or the sandbox or the machine runs nothing. A program can cause none of them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from benchmarks.base import DatasetError, Problem
from benchmarks.judging.checker import REFERENCES, judge_program
from benchmarks.judging.modules import Modules
from benchmarks.judging.words import escape
from sandbox import Sandbox, SandboxError, Verdict
from sandbox.forkserver import Starved

_logger = logging.getLogger(__name__)
LONGEST_REASON = 300  # characters


@dataclass(frozen=True, slots=True)
class Sample:
    """A complete program for a problem, and the line it came from."""

    line: int  # from 1
    problem: Problem
    program: str


@dataclass(frozen=True, slots=True)
class JudgedSample:
    """The verdicts of one sample. Plus is "failed", without having been run, where a base test fails."""

    line: int
    task_id: str
    base: Verdict
    plus: Verdict
    lacks: tuple[str, ...] = ()  # modules that a failed program imports and the sandbox does not have

    @property
    def base_passed(self) -> bool:
        """It passes the base tests."""
        return self.base is Verdict.PASSED

    @property
    def verdict(self) -> Verdict:
        """That of the base tests, and of the plus tests where these passed."""
        return self.plus if self.base_passed else self.base

    @property
    def passed(self) -> bool:
        """It passes the base tests and the plus tests."""
        return self.base_passed and self.plus is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class UnjudgedSample:
    """A record without verdicts, and why. The reason names no hidden input and quotes no program."""

    line: int
    reason: str
    sandbox_failed: bool = False  # the record is not at fault: judge it again


def judge_samples(
    samples: Iterable[Sample], sandbox: Sandbox, *, workers: int = 1
) -> Generator[JudgedSample | UnjudgedSample]:
    """Judge each distinct program of a task once; yield the outcome of every sample, equal samples together.

    workers: how many programs run at the same time, if the sandbox lets them. Where the sandbox fails for good, earlier
    verdicts stay and no other sample is tried. Close the generator before the sandbox: it waits for running programs.
    """
    equal_samples = defaultdict[tuple[str, str], list[Sample]](list)
    for sample in samples:
        equal_samples[sample.problem.task_id, sample.program].append(sample)
    firsts, judge_one = [group[0] for group in equal_samples.values()], _SampleJudge(sandbox).judge
    pool = ThreadPoolExecutor(workers)  # starts no thread for one worker, so that Ctrl-C reaches the sandbox
    try:
        outcomes = pool.map(judge_one, firsts) if workers > 1 else map(judge_one, firsts)
        for group, outcome in zip(equal_samples.values(), outcomes, strict=True):
            yield from (replace(outcome, line=sample.line) for sample in group)
    finally:
        pool.shutdown(cancel_futures=True)


class _SampleJudge:
    """Judges samples in one sandbox and remembers what concerns several of them. Threads may share it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._failure = ""  # why the sandbox runs nothing any more
        self._without_reference = set[str]()  # tasks whose canonical solutions fail in this sandbox
        self._modules = Modules(sandbox)

    def judge(self, sample: Sample) -> JudgedSample | UnjudgedSample:
        """Return the outcome of a sample. Raises nothing, so that no sample can end the judging of another."""
        try:
            return self._outcome(sample)
        except Starved as error:
            return UnjudgedSample(sample.line, str(error), sandbox_failed=True)
        except Exception as error:  # noqa: BLE001 - a bug of ours, or the machine's; its words may be a program's
            reason = f"the canonical solution of {sample.problem.task_id} did not run ({type(error).__name__})"
            return UnjudgedSample(sample.line, reason, sandbox_failed=True)

    def _outcome(self, sample: Sample) -> JudgedSample | UnjudgedSample:
        """Return the outcome of a sample. Raises Starved, and any error of running the canonical solution."""
        has_reference = not self._failure and self._has_reference(sample.problem)
        verdicts = has_reference and (self._try_to_judge(sample) or self._try_to_judge(sample))
        if verdicts:
            return verdicts
        if self._failure:
            return UnjudgedSample(sample.line, f"the sandbox failed ({self._failure})", sandbox_failed=True)
        if has_reference:  # the program is at fault if the sandbox dies of it twice and runs others
            return JudgedSample(sample.line, sample.problem.task_id, Verdict.FAILED, Verdict.FAILED)
        reason = f"the canonical solution of {sample.problem.task_id} fails here, so nothing can be judged by it"
        return UnjudgedSample(sample.line, f"{reason}; does the sandbox have enough memory?")

    def _try_to_judge(self, sample: Sample) -> JudgedSample | None:
        """Return the verdicts of a sample; None where the sandbox failed."""
        if self._failure:
            return None
        try:
            return self._verdicts(sample)
        except SandboxError as error:
            self._check_sandbox(error)
            return None
        except Exception as error:  # noqa: BLE001 - a bug of ours; its words may be the program's
            _logger.warning("judging line %d broke (%s); it counts as failed", sample.line, type(error).__name__)
            return JudgedSample(sample.line, sample.problem.task_id, Verdict.FAILED, Verdict.FAILED)

    def _verdicts(self, sample: Sample) -> JudgedSample:
        # Looked up before the verdict is known: a run after failures alone would let a program learn that it failed.
        lacks = self._modules.find_missing(sample.program)
        judgement = judge_program(self._sandbox, sample.problem, sample.program)
        base, plus = judgement.base.verdict, judgement.plus.verdict
        failed = Verdict.FAILED in (base, plus)
        return JudgedSample(sample.line, sample.problem.task_id, base, plus, lacks if failed else ())

    def _has_reference(self, problem: Problem) -> bool:
        """Return whether base and plus results can be computed. Asked first, or only right programs went unjudged."""
        if problem.task_id not in self._without_reference:
            try:
                for plus in (False, True):
                    REFERENCES.expected(self._sandbox, problem, plus=plus)
            except DatasetError:
                self._without_reference.add(problem.task_id)
            except SandboxError as error:
                if self._check_sandbox(error):
                    self._without_reference.add(problem.task_id)
        return not self._failure and problem.task_id not in self._without_reference

    def _check_sandbox(self, error: SandboxError) -> bool:
        """Return whether the sandbox, after an error, still runs the empty program. Remember why if it does not.

        Raises Starved where the error is one, or this run meets one: the next sample may find memory again.
        """
        if isinstance(error, Starved):
            raise error
        try:
            works, why = self._sandbox.run("").passed, "it runs nothing any more"
        except Starved:
            raise
        except SandboxError as second:  # words about the empty program, so none of a judged one
            works, why = False, escape(str(second), LONGEST_REASON)
        self._failure = self._failure or ("" if works else why)
        return works
