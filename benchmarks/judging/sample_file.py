"""Read anybody's samples, a file or a folder in evalplus' formats. Judges nothing and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

from agent.errors import InvalidRequestError
from benchmarks import BENCHMARKS, find_problem, open_benchmark
from benchmarks.base import DatasetError, Problem
from benchmarks.evalplus_names import id_from_files
from benchmarks.judging.lines import display_name, parse_record, read_lines
from benchmarks.judging.sample_folder import read_folder
from benchmarks.judging.samples import LONGEST_REASON, Sample, UnjudgedSample
from benchmarks.judging.words import escape

_LONGEST_PROGRAM = 1 << 24  # characters
_LONGEST_ID = 100
_PROGRAM_FIELDS = {"solution", "completion"}  # one of them holds the program; a solution wins
_MOST_CHARACTERS = 1 << 29  # of all programs of a file
_MOST_BROKEN = 10_000  # lines of one file that are no samples


class SampleFile(NamedTuple):
    """The samples of a file, and the lines that are none."""

    samples: list[Sample]
    broken: list[UnjudgedSample]


def read_samples(path: Path, *, dataset: str | None = None, tasks: Collection[str] = ()) -> SampleFile:
    """Read the samples of one data set. Pass over those of other data sets and tasks than the named ones.

    Raises InvalidRequestError for a file that cannot be read, holds nothing to judge, or mixes data sets while none is
    named. Raises DatasetError where the data set of no line can be had.
    """
    datasets = {_canonical(dataset)} if dataset else {_dataset_of(task) for task in tasks}
    file, look_up, first, size, missing = SampleFile([], []), _LookUp(), b"", 0, list[DatasetError]()
    for number, line in read_folder(path) if path.is_dir() else read_lines(path):
        first = first or line
        try:
            sample = _parse_sample(number, line, datasets, look_up)
        except (ValueError, KeyError, DatasetError) as error:
            missing += [error] if isinstance(error, DatasetError) else []
            file.broken.append(UnjudgedSample(number, escape(str(error.args[0]), LONGEST_REASON)))
            if len(file.broken) == _MOST_BROKEN:
                break
            continue
        if sample and (not tasks or sample.problem.task_id in tasks):
            file.samples.append(sample)
            size += len(sample.program)
            if size > _MOST_CHARACTERS:
                mib = _MOST_CHARACTERS >> 20
                raise InvalidRequestError(
                    f"{display_name(path)} holds more than {mib} MiB of programs; judge it in parts"
                )
    if missing and not file.samples:
        raise missing[0]
    _check_holds_samples(path, file, first, tasks or datasets)
    return file


class _LookUp:
    """Finds problems by id. Asks only once for a data set that cannot be had."""

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


def _check_holds_samples(path: Path, file: SampleFile, first: bytes, wanted: Collection[str]) -> None:
    """Raise InvalidRequestError unless the file holds samples of one data set; say what it seems to hold instead."""
    name, sets = display_name(path), sorted({_dataset_of(sample.problem.task_id) for sample in file.samples})
    if len(sets) > 1:
        mixed = f"{name} holds samples of {' and '.join(sets)}, and one pass@k over them would mean nothing"
        raise InvalidRequestError(f"{mixed}; name the one to judge")
    if len(file.broken) >= _MOST_BROKEN:
        raise InvalidRequestError(f"{name} holds {_MOST_BROKEN} lines that are no samples; is it the right file?")
    if not file.samples and (other := _other_kind(first)):
        raise InvalidRequestError(f"{name} {other}; wanted lines with task_id, and solution or completion")
    if not file.samples and not file.broken:
        of_what = f" of {' or '.join(sorted(wanted))}" if wanted else ""
        raise InvalidRequestError(f"{name} holds no samples{of_what}; is it the right file?")


def _other_kind(first: bytes) -> str:
    """Guess from its first line what a file holds that is often mistaken for one of samples; empty if unknown."""
    if b"\0" in first:
        return "is no UTF-8 text"
    try:
        record = parse_record(first)
    except ValueError:
        return ""
    if record.get("kind") == "provenance":
        return "holds outcomes of a run or a trace, and its programs are judged already"
    if "entry_point" in record and "prompt" in record and not _PROGRAM_FIELDS & record.keys():
        return "holds problems, and no answers to them"
    return ""


def _canonical(dataset: str) -> str:
    """Return the data set's name as task ids write it. Raises InvalidRequestError with the choices."""
    name = {benchmark.lower(): benchmark for benchmark in BENCHMARKS}.get(dataset.lower(), dataset)
    try:
        return open_benchmark(name).name
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def _dataset_of(task_id: str) -> str:
    return task_id.rpartition("/")[0]


def _parse_sample(number: int, line: bytes, wanted: set[str], look_up: Callable[[str], Problem]) -> Sample | None:
    """Parse a line; None where it belongs to another data set. Raises ValueError or KeyError with what is wrong."""
    record = parse_record(line)
    task_id = record.get("task_id")
    if not isinstance(task_id, str) or len(task_id) > _LONGEST_ID:
        raise ValueError("the record has no task_id; wanted one such as 'HumanEval/0'")
    task_id = id_from_files(task_id, wanted)
    if wanted and _dataset_of(task_id) not in wanted and task_id.partition("/")[0] in BENCHMARKS:
        return None
    problem = look_up(task_id)
    field = max(_PROGRAM_FIELDS & record.keys(), default=None)
    if field is None:
        raise ValueError(f"the record of {task_id} has neither solution nor completion; wanted one of them")
    text = record[field]
    if not isinstance(text, str):
        raise ValueError(f"the {field} of {task_id} is not a string")
    if len(text) > _LONGEST_PROGRAM:
        raise ValueError(f"the {field} of {task_id} has {len(text)} characters; the most is {_LONGEST_PROGRAM}")
    return Sample(number, problem, text if field == "solution" else _join(problem.prompt, text))


def _join(prompt: str, completion: str) -> str:
    """Join prompt and completion. Adds a line break where the prompt has none and the completion is indented."""
    needs_break = not prompt.endswith("\n") and completion.startswith((" ", "\t"))
    return f"{prompt}\n{completion}" if needs_break else prompt + completion
