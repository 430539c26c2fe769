"""Files of runs: the options on the first line, one record a problem on each further one. Trusts no line it reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from agent.errors import InvalidRequestError
from agent.files.plain import make_plain
from agent.messages import quote
from agent.trace import TraceWriter, collect_provenance, read_lines_from
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
_ADDED = {"tests", "memory_mib", "seeds"}  # options that older files lack: any value may have been theirs


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
        self._model: Mapping[str, str] = {}
        self._done: dict[Key, str] = {}  # the digest of its prompt, by the key of each record in the file
        try:
            if self._writer.has_provenance:
                self._read_stored(options)
        except BaseException:
            self._writer.close()
            raise

    def resume(self, items: Iterable[WorkItem], run: Callable[[list[WorkItem]], Iterable[R]]) -> Iterator[R]:
        """Yield one record an item: first those in the file, then those that `run` makes of the others, appended.

        They may come in any order: a file that is closed after the last one is in order. Raises InvalidRequestError for
        a problem that has changed since.
        """
        items = list(items)
        self._check_problems(items)
        keys = {item.key for item in items}
        if self._done:
            yield from (record for record in RecordReader(self._path, self._kind) if key_of(record) in keys)
        if missing := self.missing(items):
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

    def _check_problems(self, items: Iterable[WorkItem]) -> None:
        for item in items:
            if self._done.get(item.key, digest := digest_prompt(item.problem.prompt)) != digest:
                raise InvalidRequestError(
                    f"{quote(self._path)} was made with another {item.problem.task_id}; choose another file"
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

    def _read_stored(self, options: Mapping[str, Any]) -> None:
        reader = RecordReader(self._path, self._kind)
        self._done = {key_of(record): record.prompt_sha256 for record in reader}
        self._model = reader.model
        _check_same_options(self._path, reader.options, options)


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


class RecordReader(Generic[R]):
    """Reads the records of one kind in a file, each once, and holds none of them. Knows the options once it has."""

    def __init__(self, path: Path, kind: type[R]) -> None:
        self.options: dict[str, Any] = {}
        self.model: dict[str, str] = {}
        self._path, self._kind = path, kind

    def __iter__(self) -> Iterator[R]:
        """Yield the records, in order. Raises InvalidRequestError for a file of anything else."""
        return (record for _, record in self.locate())

    def locate(self) -> Iterator[tuple[int, R]]:
        """Yield each record with the byte of the file where its line begins."""
        digests: dict[Key, str] = {}
        heads = 0
        for number, start, line in read_lines_from(self._path):
            if line.get("kind") == "provenance" and isinstance(line.get("options"), dict):
                self._read_head(line, first=heads == 0)
                heads += 1
                continue
            record = build_from_line(self._path, number, line, self._kind)
            digest = digest_record(record)
            if digests.get(key_of(record), digest) != digest:
                raise InvalidRequestError(
                    f"{quote(self._path)}, line {number}: {quote(record.task_id)} came before, with another outcome"
                )
            if key_of(record) not in digests:
                digests[key_of(record)] = digest
                yield start, record

    def _read_head(self, line: Mapping[str, Any], *, first: bool) -> None:
        differing = "" if first else describe_differences(self.options, line["options"])
        if differing := differing or _describe_other_model(self.model, _read_model(line)):
            raise InvalidRequestError(
                f"{quote(self._path)} holds runs with different options ({differing}); take them apart"
            )
        self.options, self.model = line["options"], {**self.model, **_read_model(line)}


def read_run(path: Path, kind: type[R]) -> StoredRun[R]:
    """Read a file of records of one kind, with its options. Raises InvalidRequestError for any other file."""
    reader = RecordReader(path, kind)
    records = list(reader)
    return StoredRun(reader.options, records, reader.model)


def describe_other_run(there: StoredRun[Any] | RecordReader[Any], here: StoredRun[Any] | RecordReader[Any]) -> str:
    """Name what tells the run of one file from that of another; empty where both hold parts of one run."""
    return describe_differences(there.options, here.options) or _describe_other_model(there.model, here.model)


def _check_same_options(path: Path, there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    if differing := describe_differences(there, here):
        raise InvalidRequestError(f"{quote(path)} was made with other options ({differing}); choose another file")


def describe_differences(there: Mapping[str, Any], here: Mapping[str, Any], *, ignored: Iterable[str] = ()) -> str:
    """Name the options that differ, with both values, as in "policy: greedy there, adadec here"; empty if none do."""
    unknown = _ADDED - (there.keys() & here.keys())
    names = [name for name in {**here, **there} if name not in {*_DERIVED, *ignored, *unknown}]
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


def digest_record(record: Any) -> str:
    """Return what is the same for two records that agree but for their seconds.

    Two processes may have written one file.
    """
    timeless = replace(record, seconds=0.0) if hasattr(record, "seconds") else record
    return hashlib.sha256(repr(timeless).encode("utf-8", "surrogatepass")).hexdigest()


def build_from_line(path: Path, number: int, line: dict[str, Any], kind: type[R]) -> R:
    """Return the record in a line. Raises InvalidRequestError if it is of another kind or its values do not fit."""
    if line.get("kind") != kind.KIND or not required_fields(kind) <= line.keys():
        raise InvalidRequestError(
            f"{quote(path)}, line {number}: this is no {kind.KIND}; wanted a file made by `dubito {kind.MADE_BY}`"
        )
    try:
        return build_record(kind, line)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{quote(path)}, line {number}: this is no sound {kind.KIND}: {error}") from error
