"""Anybody's samples, in evalplus' format: read, judged, counted. Prints nothing, and keeps no reason of a verdict.

A record that cannot be judged is left out of every number; it does not count as a failure.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from agent.errors import UsageError
from benchmarks import BENCHMARKS, named, problem
from benchmarks.base import DatasetError, Problem
from benchmarks.checker import REFERENCES, judge
from benchmarks.metrics import pass_at_k
from sandbox import Sandbox, SandboxError, Verdict

LONGEST = 1 << 24  # characters of a program


@dataclass(frozen=True, slots=True)
class Sample:
    """A complete program for a problem, and the line it came from."""

    line: int  # from 1
    problem: Problem
    program: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts of one sample. Plus is "failed", without having been run, where a base test fails."""

    line: int
    task_id: str
    base: Verdict
    plus: Verdict

    @property
    def base_passed(self) -> bool:
        """It passes the base tests."""
        return self.base is Verdict.PASSED

    @property
    def passed(self) -> bool:
        """It passes the base tests and the plus tests."""
        return self.base_passed and self.plus is Verdict.PASSED


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A record without verdicts, and why. The reason names no hidden input."""

    line: int
    reason: str
    sandbox_failed: bool = False  # it is no fault of the record: judge it again


class Reading(NamedTuple):
    """What a file of samples holds."""

    samples: list[Sample]
    broken: list[Unjudged]


def read(path: Path, *, dataset: str | None = None, tasks: Collection[str] = ()) -> Reading:
    """Read the samples of one data set. Where that or tasks are named, samples of others are passed over.

    Raises UsageError for a file that cannot be read, holds nothing to judge, or mixes data sets with none named.
    """
    wanted = {_canonical(dataset)} if dataset else {_dataset_of(task) for task in tasks}
    reading, look_up = Reading([], []), cache(problem)
    for number, line in _lines(path):
        try:
            sample = _sample(number, line, wanted, look_up)
        except (ValueError, KeyError) as error:
            reading.broken.append(Unjudged(number, str(error.args[0])))
            continue
        if sample and (not tasks or sample.problem.task_id in tasks):
            reading.samples.append(sample)
    found = sorted({_dataset_of(sample.problem.task_id) for sample in reading.samples})
    if len(found) > 1:
        mixed = f"{str(path)!r} holds samples of {' and '.join(found)}, and one pass@k over them would mean nothing"
        raise UsageError(f"{mixed}; choose with --dataset")
    if not found and not reading.broken:
        of_what = f" of {' or '.join(sorted(tasks or wanted))}" if wanted else ""
        raise UsageError(f"{str(path)!r} holds no samples{of_what}; is it the right file?")
    return reading


def _canonical(dataset: str) -> str:
    """The data set's name as task ids have it. Raises UsageError with the choices."""
    name = {known.lower(): known for known in BENCHMARKS}.get(dataset.lower(), dataset)
    try:
        return named(name).name
    except KeyError as error:
        raise UsageError(str(error.args[0])) from error


def _dataset_of(task_id: str) -> str:
    return task_id.rpartition("/")[0]


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, by number."""
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        if number == 0:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            raise UsageError(f"cannot read {str(path)!r}: {reason}; wanted JSON lines, in .gz gzipped") from error
        yield number + 1, b"{"  # gzip keeps for itself what it has of a record that is cut off


def _sample(number: int, line: bytes, wanted: set[str], look_up: Callable[[str], Problem]) -> Sample | None:
    """The sample in a line; None for another data set's. Raises ValueError or KeyError with what is wrong."""
    record = _record(line)
    task_id = record.get("task_id")
    if not isinstance(task_id, str):
        raise ValueError("the record has no task_id; wanted one such as 'HumanEval/0'")
    if wanted and _dataset_of(task_id) not in wanted and task_id.partition("/")[0] in BENCHMARKS:
        return None
    known = look_up(task_id)
    field = next((name for name in ("solution", "completion") if name in record), None)
    if field is None:
        raise ValueError(f"the record of {task_id} has neither solution nor completion; wanted one of them")
    if not isinstance(record[field], str):
        raise ValueError(f"the {field} of {task_id} is not a string")
    if len(record[field]) > LONGEST:
        raise ValueError(f"the {field} of {task_id} has {len(record[field])} characters; the most is {LONGEST}")
    return Sample(number, known, record[field] if field == "solution" else known.prompt + record[field])


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        what = "this is not JSON" if line.endswith(b"\n") else "the last record is cut off, or not JSON"
        raise ValueError(f"{what} ({getattr(error, 'msg', error)})") from error
    if not isinstance(record, dict):
        raise ValueError(f"this is not a JSON object but a {type(record).__name__}")
    return record


def judged(samples: Iterable[Sample], sandbox: Sandbox, *, workers: int = 1) -> Generator[Judged | Unjudged]:
    """Judge each distinct program of a task once; yield what became of every sample, equal ones together.

    So many workers run programs at the same time, if the sandbox lets them. Where the sandbox fails for good, the
    verdicts that there are stay, and the rest is not tried. Close the generator before the sandbox: it waits for the
    programs that still run.
    """
    alike = defaultdict[tuple[str, str], list[Sample]](list)
    for sample in samples:
        alike[sample.problem.task_id, sample.program].append(sample)
    firsts = [group[0] for group in alike.values()]
    verdicts = partial(_verdicts, sandbox, set(), [])
    pool = ThreadPoolExecutor(workers)  # starts no thread for one worker, so that Ctrl-C reaches the sandbox
    try:
        found = pool.map(verdicts, firsts) if workers > 1 else map(verdicts, firsts)
        for group, first in zip(alike.values(), found, strict=True):
            yield from (replace(first, line=sample.line) for sample in group)
    finally:
        pool.shutdown(cancel_futures=True)


def _verdicts(sandbox: Sandbox, lacking: set[str], failed: list[str], sample: Sample) -> Judged | Unjudged:
    """What became of a sample. `lacking` collects the tasks whose canonical solutions fail in this sandbox, and
    `failed` why the sandbox itself did.
    """
    task_id = sample.problem.task_id
    if failed:
        return Unjudged(sample.line, f"not tried: the sandbox failed before ({failed[0]})", sandbox_failed=True)
    if task_id not in lacking:
        try:
            for plus in (False, True):  # both at first: else right programs alone would go without a verdict
                REFERENCES.expected(sandbox, sample.problem, plus=plus)
            made = judge(sandbox, sample.problem, sample.program)
            return Judged(sample.line, task_id, made.base.verdict, made.plus.verdict)
        except DatasetError:  # its message may name a hidden input
            lacking.add(task_id)
        except SandboxError as error:
            if not _works(sandbox):
                failed.append(str(error))
            return Unjudged(sample.line, f"the sandbox failed on it: {error}", sandbox_failed=bool(failed))
    reason = f"the canonical solution of {task_id} fails here, so nothing can be judged by it"
    return Unjudged(sample.line, f"{reason}; is the sandbox large enough (--memory-mib)?")


def _works(sandbox: Sandbox) -> bool:
    """Whether the sandbox runs a program that does nothing: else it is not the last program's fault."""
    try:
        return sandbox.run("").passed
    except SandboxError:
        return False


@dataclass(frozen=True, slots=True)
class Report:
    """The numbers over a file of samples."""

    judged: Sequence[Judged]
    unjudged: Sequence[Unjudged]
    ks: Sequence[int]

    @property
    def tasks(self) -> dict[str, list[Judged]]:
        """The judged samples of each task."""
        tasks = defaultdict[str, list[Judged]](list)
        for sample in self.judged:
            tasks[sample.task_id].append(sample)
        return tasks

    def pass_at(self, k: int, group: str) -> float | None:
        """Return pass@k by "base" or "plus", the mean over the tasks; None where one has fewer than k samples."""
        passed, tasks = _PASSED[group], self.tasks.values()
        if not tasks or min(map(len, tasks)) < k:
            return None
        return fmean(pass_at_k(len(samples), sum(map(passed, samples)), k) for samples in tasks)

    def verdicts(self, group: str) -> Counter[str]:
        """Return how often each verdict was given by "base" or "plus"."""
        return Counter(getattr(sample, group).value for sample in self.judged)

    def record(self) -> dict[str, Any]:
        """Return the report as plain data for JSON."""
        return {
            "tasks": len(self.tasks),
            "samples": len(self.judged),
            "pass_at_k": {group: {k: self.pass_at(k, group) for k in self.ks} for group in _PASSED},
            "verdicts": {group: self.verdicts(group) for group in _PASSED},
            "not_judged": [asdict(each) for each in self.unjudged],
            "results": {
                task_id: [{"line": each.line, "base": each.base.value, "plus": each.plus.value} for each in samples]
                for task_id, samples in self.tasks.items()
            },
        }

    def table(self) -> str:
        """Return the report for people, without the single results."""
        shares = [(f"pass@{k}", *(_share(self.pass_at(k, group)) for group in _PASSED)) for k in self.ks]
        base, plus = (self.verdicts(group) for group in _PASSED)
        counts = [(verdict, base[verdict], plus[verdict]) for verdict in Verdict if base[verdict] or plus[verdict]]
        totals = {"tasks": len(self.tasks), "samples": len(self.judged), "records not judged": len(self.unjudged)}
        rows = [*((name, count, "") for name, count in totals.items()), ("", *_PASSED), *shares, *counts]
        return "\n".join(f"{name:<20}{left:>8}{right:>8}".rstrip() for name, left, right in rows)


def report(found: Iterable[Judged | Unjudged], ks: Iterable[int]) -> Report:
    """Count what became of the records, whatever order it was found in."""
    by_line = sorted(found, key=lambda each: each.line)
    judged_ones = [each for each in by_line if isinstance(each, Judged)]
    return Report(judged_ones, [each for each in by_line if isinstance(each, Unjudged)], sorted(set(ks)))


def too_few(samples: Iterable[Sample], ks: Iterable[int]) -> str | None:
    """Say which k are more than a task has samples, and which can be computed; None where all can."""
    counts = Counter(sample.problem.task_id for sample in samples)
    task_id, fewest = min(counts.items(), key=lambda item: item[1], default=("", 0))
    beyond = [f"pass@{k}" for k in sorted(set(ks)) if counts and k > fewest]
    if not beyond:
        return None
    cannot = f"{' and '.join(beyond)} cannot be computed"
    return f"{task_id} has the fewest samples ({fewest}), so {cannot}; k up to {fewest} can"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


_PASSED: dict[str, Callable[[Judged], bool]] = {
    "base": lambda sample: sample.base_passed,
    "plus": lambda sample: sample.passed,
}
