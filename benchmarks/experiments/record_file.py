"""Files of runs: the options on the first line, one record a problem on each further one. Trusts no line it reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from agent.errors import InvalidRequestError
from agent.files.plain import make_plain
from agent.messages import quote
from agent.trace import TraceWriter, collect_provenance, read_trace
from benchmarks.base import Problem
from benchmarks.experiments.plan import Key, WorkItem, natural_order
from benchmarks.experiments.typed import build_record, describe_value, required_fields

if TYPE_CHECKING:
    from agent.lm.base import Model

_DEFAULTS: dict[str, Any] = {  # an option that a file does not name had its default when the file was written
    "benchmark": "exercises", "model": "models/tiny", "policy": "greedy", "strategy": "once", "max_tokens": 512,
    "seed": 0, "dtype": "auto", "samples": 20, "problems": "exercises/calibration",
    "prompt_format": "auto", "prompt_style": "auto",  # the first is the name that older files have
}  # fmt: skip
_DERIVED = {"arm"}  # options that follow from the others


class Record(Protocol):
    """The record that a run stores of one problem: a dataclass of plain values, one line of a file."""

    KIND: ClassVar[str]  # what the line calls it
    MADE_BY: ClassVar[str]  # the command and option that write such files

    @property
    def task_id(self) -> str:
        """The problem's id."""
        ...

    @property
    def prompt_sha256(self) -> str:
        """The `digest_prompt` of the problem: an id means nothing once its problem has changed."""
        ...


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class StoredRun(Generic[R]):
    """The content of a file: the options of the run, and a record of each problem, in order."""

    options: dict[str, Any]
    records: list[R]
    model: dict[str, str]  # its `dtype` and `prompt_style`, as far as the file says them


class RecordFile(Generic[R]):
    """The file of a run, new or resumed. No other process writes it while it is open."""

    def __init__(self, path: Path, kind: type[R], options: Mapping[str, Any]) -> None:
        self._path, self._kind, self._ended = path, kind, False
        self._writer = TraceWriter(path, {**collect_provenance(), "options": dict(options)}, resume=True)
        try:
            stored = self._stored_run(options) if self._writer.has_provenance else StoredRun({}, [], {})
        except BaseException:
            self._writer.close()
            raise
        self._model, self._done = stored.model, {key_of(record): record for record in stored.records}

    def resume(self, items: Iterable[WorkItem], run: Callable[[list[WorkItem]], Iterable[R]]) -> Iterator[R]:
        """Yield one record an item: first those in the file, then those that `run` makes of the others, appended.

        They may come in any order: a file that is closed after the last one is in order. Raises InvalidRequestError for
        a problem that has changed since.
        """
        items = list(items)
        for item in items:
            if (record := self._done.get(item.key)) is not None:
                self._check_problem(record, item.problem)
                yield record
        if missing := [item for item in items if item.key not in self._done]:
            for record in run(missing):
                self._writer.write(self._kind.KIND, record)
                yield record
        self._ended = True  # after a kill, a file with every record may not be in order yet

    def append(self, record: R) -> None:
        """Append a record, unless the file has one of the same item from before a kill."""
        if key_of(record) not in self._done:
            self._writer.write(self._kind.KIND, record)
        self._ended = True

    def missing(self, items: Iterable[WorkItem]) -> list[WorkItem]:
        """Return the items that the file has no record of."""
        return [item for item in items if item.key not in self._done]

    def _check_problem(self, record: R, problem: Problem) -> None:
        if record.prompt_sha256 != digest_prompt(problem.prompt):
            raise InvalidRequestError(
                f"{quote(self._path)} was made with another {problem.task_id}; choose another file"
            )

    def note_model(self, facts: Mapping[str, Any]) -> None:
        """Add what `describe_model` says of the model to the first line. The options may say `auto` for it.

        Raises InvalidRequestError where the file was made with another model.
        """
        if differing := _describe_other_model(self._model, _read_model(facts)):
            raise InvalidRequestError(
                f"{quote(self._path)} was made with another model ({differing}); choose another file"
            )
        self._writer.note(facts)

    def close(self) -> None:
        """Close the file. Every line in it is whole."""
        try:
            if self._ended:
                self._writer.sort(lambda line: natural_order((str(line.get("task_id")), int(line.get("sample", 0)))))
        finally:
            self._writer.close()

    def _stored_run(self, options: Mapping[str, Any]) -> StoredRun[R]:
        run = read_run(self._path, self._kind)
        _check_same_options(self._path, run.options, options)
        return run


def resume_items(
    file: RecordFile[R] | None, items: Iterable[WorkItem], run: Callable[[list[WorkItem]], Iterable[R]]
) -> Iterable[R]:
    """Yield one record an item, from the file if there is one and it has it, else as `run` makes it."""
    return run(list(items)) if file is None else file.resume(items, run)


def count_done(path: Path, kind: type[R], options: Mapping[str, Any], items: Iterable[WorkItem]) -> int:
    """Count the items that a file has a record of; writes nothing. Raises InvalidRequestError for another run's."""
    if not path.exists():
        return 0
    run = read_run(path, kind)
    if run != StoredRun({}, [], {}):  # an empty file, and a torn first line, are as good as none
        _check_same_options(path, run.options, options)
    done = {key_of(record) for record in run.records}
    return sum(item.key in done for item in items)


def read_run(path: Path, kind: type[R]) -> StoredRun[R]:
    """Read a file of records of one kind, with its options. Raises InvalidRequestError for any other file."""
    options: dict[str, Any] | None = None
    model: dict[str, str] = {}
    records: dict[Key, R] = {}
    for number, line in enumerate(read_trace(path), start=1):
        if line.get("kind") == "provenance" and isinstance(line.get("options"), dict):
            differing = "" if options is None else describe_differences(options, line["options"])
            differing = differing or _describe_other_model(model, _read_model(line))
            if differing:
                raise InvalidRequestError(
                    f"{quote(path)} holds runs with different options ({differing}); take them apart"
                )
            options, model = line["options"], {**model, **_read_model(line)}
            continue
        record = _record(path, number, line, kind)
        if not same_but_for_time(records.setdefault(key_of(record), record), record):
            raise InvalidRequestError(
                f"{quote(path)}, line {number}: {quote(record.task_id)} came before, with another outcome"
            )
    return StoredRun(options or {}, list(records.values()), model)


def describe_other_run(there: StoredRun[Any], here: StoredRun[Any]) -> str:
    """Name what tells the run of one file from that of another; empty where both hold parts of one run."""
    return describe_differences(there.options, here.options) or _describe_other_model(there.model, here.model)


def _check_same_options(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if differing := describe_differences(there, here):
        raise InvalidRequestError(f"{quote(path)} was made with other options ({differing}); choose another file")


def describe_differences(there: Mapping[str, Any], here: Mapping[str, Any], *, ignored: Iterable[str] = ()) -> str:
    """Name the options that differ, with both values, as in "policy: greedy there, adadec here"; empty if none do."""
    names = [name for name in {**here, **there} if name not in {*_DERIVED, *ignored}]
    pairs = [(name, *(make_plain(each.get(name, _DEFAULTS.get(name))) for each in (there, here))) for name in names]
    # Compare them as text: to Python True equals 1.
    sentences = [
        f"{describe_value(name)}: {describe_value(a)} there, {describe_value(b)} here"
        for name, a, b in pairs
        if _json(a) != _json(b)
    ]
    return "; ".join(sentences)


def describe_model(model: Model) -> dict[str, Any]:
    """Return how a model is asked and computes, for the provenance of what it made."""
    return {"prompt_style": model.prompt_style.describe(), "dtype": model.dtype}


def _read_model(line: Mapping[str, Any]) -> dict[str, str]:
    """Return the type of weights and the prompt style that a first line holds. Files of earlier versions lack them."""
    style = line.get("prompt_style")
    style = style if isinstance(style, dict) and "digest" in style else {}
    values = {"dtype": line.get("dtype"), "prompt_style": style and f"{style.get('name')} {style['digest']}"}
    return {name: make_plain(value) for name, value in values.items() if value and isinstance(value, str)}


def _describe_other_model(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """Name the facts that both sides know and that differ; empty if none do."""
    known = there.keys() & here.keys()
    return describe_differences(*({name: side[name] for name in sorted(known)} for side in (there, here)))


def key_of(record: Record) -> Key:
    """Return what tells a record from the others of its run: its problem, and its sample where it is one of many."""
    return record.task_id, getattr(record, "sample", 0)


def digest_prompt(prompt: str) -> str:
    """Return 12 digits that tell a prompt from another one under the same id."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:12]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def same_but_for_time(one: Any, other: Any) -> bool:
    """Check that two records of a problem agree: two processes may have written one file."""
    return one is other or {**asdict(one), "seconds": 0} == {**asdict(other), "seconds": 0}


def _record(path: Path, number: int, line: dict[str, Any], kind: type[R]) -> R:
    """Return the record in a line. Raises InvalidRequestError if it is of another kind or its values do not fit."""
    if line.get("kind") != kind.KIND or not required_fields(kind) <= line.keys():
        raise InvalidRequestError(
            f"{quote(path)}, line {number}: this is no {kind.KIND}; wanted a file made by `dubito {kind.MADE_BY}`"
        )
    try:
        return build_record(kind, line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{quote(path)}, line {number}: this is no sound {kind.KIND}: {error}") from error
