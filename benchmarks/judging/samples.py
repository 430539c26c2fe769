"""Anybody's samples, in evalplus' format: read and judged. Prints nothing, and keeps no reason of a verdict.

A record without verdicts is left out of every number. Only three things leave a record so: a line that is no sample, a
canonical solution that fails, and a sandbox or machine that runs nothing. Nothing that a program does is among them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from agent.errors import InvalidRequestError
from benchmarks import BENCHMARKS, find_problem, open_benchmark
from benchmarks.base import DatasetError, Problem
from benchmarks.judging.checker import REFERENCES, judge
from benchmarks.judging.lines import display_name, parse_record, read_lines
from benchmarks.judging.modules import Modules
from benchmarks.judging.words import escape
from sandbox import Sandbox, SandboxError, Verdict
from sandbox.forkserver import Starved

_logger = logging.getLogger(__name__)
_LONGEST_PROGRAM = 1 << 24  # characters of a program
_LONGEST_ID = 100
LONGEST_REASON = 300
_PROGRAM_FIELDS = {"solution", "completion"}  # the fields of which one holds the program; a solution wins
_MOST_CHARACTERS = 1 << 29  # characters of all programs of a file
_MOST_BROKEN = 10_000  # lines that are no samples, in one file


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
    def passed(self) -> bool:
        """It passes the base tests and the plus tests."""
        return self.base_passed and self.plus is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class UnjudgedSample:
    """A record without verdicts, and why. The reason names no hidden input, and holds no text of a program."""

    line: int
    reason: str
    sandbox_failed: bool = False  # it is no fault of the record: judge it again


class SampleFile(NamedTuple):
    """What a file of samples holds."""

    samples: list[Sample]
    broken: list[UnjudgedSample]


def read_samples(path: Path, *, dataset: str | None = None, tasks: Collection[str] = ()) -> SampleFile:
    """Read the samples of one data set. Where that or tasks are named, samples of others are passed over.

    Raises InvalidRequestError for a file that cannot be read, holds nothing to judge, or mixes data sets with none
    named, and DatasetError where no line's data set can be had.
    """
    wanted = {_canonical(dataset)} if dataset else {_dataset_of(task) for task in tasks}
    reading, look_up, first, size, missing = SampleFile([], []), _LookUp(), b"", 0, list[DatasetError]()
    for number, line in read_lines(path):
        first = first or line
        try:
            sample = _sample(number, line, wanted, look_up)
        except (ValueError, KeyError, DatasetError) as error:
            missing += [error] if isinstance(error, DatasetError) else []
            reading.broken.append(UnjudgedSample(number, escape(str(error.args[0]), LONGEST_REASON)))
            if len(reading.broken) == _MOST_BROKEN:
                break
            continue
        if sample and (not tasks or sample.problem.task_id in tasks):
            reading.samples.append(sample)
            size += len(sample.program)
            if size > _MOST_CHARACTERS:
                raise InvalidRequestError(
                    f"{display_name(path)} holds more than {_MOST_CHARACTERS >> 20} MiB of programs; judge it in parts"
                )
    if missing and not reading.samples:
        raise missing[0]
    _check_holds_samples(path, reading, first, tasks or wanted)
    return reading


class _LookUp:
    """Finds problems by id; asks once for a data set that cannot be had."""

    def __init__(self) -> None:
        self._missing = dict[str, DatasetError]()
        self._problem = cache(find_problem)

    def __call__(self, task_id: str) -> Problem:
        dataset, _, _ = task_id.partition("/")
        if dataset in self._missing:
            raise self._missing[dataset]
        try:
            return self._problem(task_id)
        except DatasetError as error:
            self._missing[dataset] = error
            raise


def _check_holds_samples(path: Path, reading: SampleFile, first: bytes, wanted: Collection[str]) -> None:
    """Raise InvalidRequestError, with what the file seems to be, where there is nothing to judge by one pass@k."""
    sets = sorted({_dataset_of(sample.problem.task_id) for sample in reading.samples})
    if len(sets) > 1:
        mixed = (
            f"{display_name(path)} holds samples of {' and '.join(sets)}, and one pass@k over them would mean nothing"
        )
        raise InvalidRequestError(f"{mixed}; choose with --dataset")
    if len(reading.broken) >= _MOST_BROKEN:
        raise InvalidRequestError(
            f"{display_name(path)} holds {_MOST_BROKEN} lines that are no samples; is it the right file?"
        )
    if not reading.samples and (other := _other_kind(first)):
        raise InvalidRequestError(
            f"{display_name(path)} {other}; wanted lines with task_id, and solution or completion"
        )
    if not reading.samples and not reading.broken:
        of_what = f" of {' or '.join(sorted(wanted))}" if wanted else ""
        raise InvalidRequestError(f"{display_name(path)} holds no samples{of_what}; is it the right file?")


def _other_kind(first: bytes) -> str:
    """Say what a file is, by its first line, that is often taken for one of samples."""
    if b"\0" in first:
        return "is no UTF-8 text"
    try:
        record = parse_record(first)
    except ValueError:
        return ""
    if record.get("kind") == "provenance":
        return "is what `dubito bench run` or --trace wrote, and its programs are judged already"
    if "entry_point" in record and "prompt" in record and not _PROGRAM_FIELDS & record.keys():
        return "holds problems, and no answers to them"
    return ""


def _canonical(dataset: str) -> str:
    """The data set's name as task ids have it. Raises InvalidRequestError with the choices."""
    name = {known.lower(): known for known in BENCHMARKS}.get(dataset.lower(), dataset)
    try:
        return open_benchmark(name).name
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def _dataset_of(task_id: str) -> str:
    return task_id.rpartition("/")[0]


def _sample(number: int, line: bytes, wanted: set[str], look_up: Callable[[str], Problem]) -> Sample | None:
    """The sample in a line; None for another data set's. Raises ValueError or KeyError with what is wrong."""
    record = parse_record(line)
    task_id = record.get("task_id")
    if not isinstance(task_id, str) or len(task_id) > _LONGEST_ID:
        raise ValueError("the record has no task_id; wanted one such as 'HumanEval/0'")
    if wanted and _dataset_of(task_id) not in wanted and task_id.partition("/")[0] in BENCHMARKS:
        return None
    known = look_up(task_id)
    field = max(_PROGRAM_FIELDS & record.keys(), default=None)
    if field is None:
        raise ValueError(f"the record of {task_id} has neither solution nor completion; wanted one of them")
    if not isinstance(record[field], str):
        raise ValueError(f"the {field} of {task_id} is not a string")
    if len(record[field]) > _LONGEST_PROGRAM:
        raise ValueError(
            f"the {field} of {task_id} has {len(record[field])} characters; the most is {_LONGEST_PROGRAM}"
        )
    return Sample(number, known, record[field] if field == "solution" else _join(known.prompt, record[field]))


def _join(prompt: str, completion: str) -> str:
    """Return the program. A prompt that ends within a line is ended where an indented completion follows."""
    ends_within = not prompt.endswith("\n") and completion.startswith((" ", "\t"))
    return f"{prompt}\n{completion}" if ends_within else prompt + completion


def judge_samples(
    samples: Iterable[Sample], sandbox: Sandbox, *, workers: int = 1
) -> Generator[JudgedSample | UnjudgedSample]:
    """Judge each distinct program of a task once; yield what became of every sample, equal ones together.

    So many workers run programs at the same time, if the sandbox lets them. Where the sandbox fails for good, the
    verdicts that there are stay, and the rest is not tried. Close the generator before the sandbox: it waits for the
    programs that still run.
    """
    alike = defaultdict[tuple[str, str], list[Sample]](list)
    for sample in samples:
        alike[sample.problem.task_id, sample.program].append(sample)
    firsts, judge_one = [group[0] for group in alike.values()], _Judge(sandbox).judge
    pool = ThreadPoolExecutor(workers)  # starts no thread for one worker, so that Ctrl-C reaches the sandbox
    try:
        verdicts = pool.map(judge_one, firsts) if workers > 1 else map(judge_one, firsts)
        for group, first in zip(alike.values(), verdicts, strict=True):
            yield from (replace(first, line=sample.line) for sample in group)
    finally:
        pool.shutdown(cancel_futures=True)


class _Judge:
    """Judges samples in one sandbox; remembers what concerns more than one of them. Threads may share it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._failure = ""  # why the sandbox runs nothing any more
        self._without_reference = set[str]()  # the tasks whose canonical solutions fail in this sandbox
        self._modules = Modules(sandbox)

    def judge(self, sample: Sample) -> JudgedSample | UnjudgedSample:
        """Return what became of a sample. Raises nothing: no sample is another's affair."""
        try:
            return self._outcome(sample)
        except Starved as error:
            return UnjudgedSample(sample.line, str(error), sandbox_failed=True)
        except Exception as error:  # noqa: BLE001 - a bug of ours, or the machine's; its words may be a program's
            reason = f"the canonical solution of {sample.problem.task_id} did not run ({type(error).__name__})"
            return UnjudgedSample(sample.line, reason, sandbox_failed=True)

    def _outcome(self, sample: Sample) -> JudgedSample | UnjudgedSample:
        """Return what became of a sample. Raises Starved, and what nobody expects of the canonical solution's run."""
        known = not self._failure and self._has_reference(sample.problem)
        result = known and (self._attempt(sample) or self._attempt(sample))
        if result:
            return result
        if self._failure:
            return UnjudgedSample(sample.line, f"the sandbox failed ({self._failure})", sandbox_failed=True)
        if known:  # a sandbox that dies twice of a program, and runs others, is the program's doing
            return JudgedSample(sample.line, sample.problem.task_id, Verdict.FAILED, Verdict.FAILED)
        reason = f"the canonical solution of {sample.problem.task_id} fails here, so nothing can be judged by it"
        return UnjudgedSample(sample.line, f"{reason}; is the sandbox large enough (--memory-mib)?")

    def _attempt(self, sample: Sample) -> JudgedSample | UnjudgedSample | None:
        """Return what became of a sample; None where the sandbox failed."""
        if self._failure:
            return None
        try:
            return self._verdicts(sample)
        except SandboxError as error:
            self._works(error)
            return None
        except Exception as error:  # noqa: BLE001 - a bug of ours; its words may be the program's
            _logger.warning("judging line %d broke (%s); it counts as failed", sample.line, type(error).__name__)
            return JudgedSample(sample.line, sample.problem.task_id, Verdict.FAILED, Verdict.FAILED)

    def _verdicts(self, sample: Sample) -> JudgedSample:
        lacks = self._modules.lacked_by(sample.program)  # first: a run after a failure alone would tell of it
        judgement = judge(self._sandbox, sample.problem, sample.program)
        base, plus = judgement.base.verdict, judgement.plus.verdict
        failed = Verdict.FAILED in (base, plus)
        return JudgedSample(sample.line, sample.problem.task_id, base, plus, lacks if failed else ())

    def _has_reference(self, task: Problem) -> bool:
        """Whether there is something to compare with, base and plus: else right programs alone would go unjudged."""
        if task.task_id not in self._without_reference:
            try:
                for plus in (False, True):
                    REFERENCES.expected(self._sandbox, task, plus=plus)
            except DatasetError:
                self._without_reference.add(task.task_id)
            except SandboxError as error:
                if self._works(error):
                    self._without_reference.add(task.task_id)
        return not self._failure and task.task_id not in self._without_reference

    def _works(self, after: SandboxError) -> bool:
        """Whether the sandbox runs a program that does nothing. Why not is remembered: no other program's words.

        Raises Starved where the error before was one, or this run's is: the next sample may find memory.
        """
        if isinstance(after, Starved):
            raise after
        try:
            works, why = self._sandbox.run("").passed, "it runs nothing any more"
        except Starved:
            raise
        except SandboxError as error:
            works, why = False, escape(str(error), LONGEST_REASON)
        self._failure = self._failure or ("" if works else why)
        return works
