"""What is kept of a run over problems: one file of JSON lines, which a killed run goes on from. Believes no line."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import MISSING, asdict, dataclass, fields
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Generic, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from agent.errors import InvalidRequestError
from agent.files.plain import plain
from agent.messages import quoted
from agent.trace import TraceWriter, collect_provenance, read_trace
from benchmarks.base import Problem

DEFAULTS: dict[str, Any] = {  # of options; one that a file does not name had its default when the file was made
    "benchmark": "exercises", "model": "models/tiny", "policy": "greedy", "max_tokens": 512, "seed": 0, "dtype": "auto",
    "samples": 20, "problems": "exercises/calibration", "side_by_side": False, "prompt_format": "auto",
}  # fmt: skip
_MOST_TEXT = 2**22  # characters of a text
_LARGEST = 10**15  # of a number: sums over any file stay exact enough


class Record(Protocol):
    """What is kept of a problem, one line each."""

    @property
    def task_id(self) -> str:
        """The problem's."""
        ...

    @property
    def prompt_sha256(self) -> str:
        """Its first 12 digits: an id means nothing once its problem has changed."""
        ...


R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Kept(Generic[R]):
    """What a file holds: the options that it was made with, and a record of each problem, in order."""

    options: dict[str, Any]
    records: list[R]


class RecordFile(Generic[R]):
    """The file of a run, new or to be gone on from. While it is open no other process writes it."""

    def __init__(self, path: Path, kind: type[R], options: Mapping[str, Any]) -> None:
        self._path, self._name = path, kind.__name__.lower()
        self._writer = TraceWriter(path, {**collect_provenance(), "options": dict(options)}, resume=True)
        try:
            records = records_in(path, kind, options) if self._writer.keeps and path.stat().st_size else []
        except BaseException:
            self._writer.close()
            raise
        self._done = {record.task_id: record for record in records}

    def go_on(self, problems: Iterable[Problem], make: Callable[[Problem], R]) -> Iterator[R]:
        """Yield a record of each problem, from the file or made and appended. Raises InvalidRequestError."""
        for problem in problems:
            record = self._done.get(problem.task_id)
            if record is not None and record.prompt_sha256 != digest(problem):
                raise InvalidRequestError(
                    f"{quoted(self._path)} was made with another {problem.task_id}; choose another file"
                )
            if record is None:
                record = make(problem)
                self._writer.write(self._name, record)
            yield record

    def close(self) -> None:
        """Close the file; what stands in it is whole."""
        self._writer.close()


def kept(
    problems: Iterable[Problem], path: Path, options: Mapping[str, Any], kind: type[R], make: Callable[[Problem], R]
) -> Iterator[R]:
    """Yield a record of each problem, made or from the file, where each new one is appended."""
    with closing(RecordFile(path, kind, options)) as file:
        yield from file.go_on(problems, make)


def records_in(path: Path, kind: type[R], options: Mapping[str, Any] | None = None) -> list[R]:
    """Read a file of records of one kind. Raises InvalidRequestError."""
    held = read(path, kind)
    if options is not None and (differing := differences(held.options, options)):
        raise InvalidRequestError(f"{quoted(path)} was made with other options ({differing}); choose another file")
    return held.records


def read(path: Path, kind: type[R]) -> Kept[R]:
    """Read a file of records of one kind, with its options. Raises InvalidRequestError for any other file."""
    options: dict[str, Any] | None = None
    records: dict[str, R] = {}
    for number, line in enumerate(read_trace(path), start=1):
        if line.get("kind") == "provenance" and isinstance(line.get("options"), dict):
            if options is not None and (differing := differences(options, line["options"])):
                raise InvalidRequestError(
                    f"{quoted(path)} holds runs with different options ({differing}); take them apart"
                )
            options = line["options"]
            continue
        record = _record(path, number, line, kind)
        if not _same(records.setdefault(record.task_id, record), record):
            raise InvalidRequestError(
                f"{quoted(path)}, line {number}: {quoted(record.task_id)} came before, with another outcome"
            )
    return Kept(options or {}, list(records.values()))


def differences(there: Mapping[str, Any], here: Mapping[str, Any], *, ignored: Iterable[str] = ()) -> str:
    """Name the options that differ, with both values, as in "policy: greedy there, adadec here"; nothing if none do."""
    names = [name for name in {**here, **there} if name not in {"plan", *ignored}]  # a plan follows from the rest
    pairs = [(name, *(plain(each.get(name, DEFAULTS.get(name))) for each in (there, here))) for name in names]
    # As text: True is 1 to Python, and neither is the other's option.
    sentences = [f"{_short(name)}: {_short(a)} there, {_short(b)} here" for name, a, b in pairs if _json(a) != _json(b)]
    return "; ".join(sentences)


def digest(problem: Problem) -> str:
    """Return what tells a problem's prompt from another under the same id."""
    return hashlib.sha256(problem.prompt.encode()).hexdigest()[:12]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "none" if value is None else _json(value)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _same(one: Any, other: Any) -> bool:
    """Whether two records of a problem say the same, whatever time it took: two processes may have written one file."""
    return one is other or {**asdict(one), "seconds": 0} == {**asdict(other), "seconds": 0}


def _record(path: Path, number: int, line: dict[str, Any], kind: type[R]) -> R:
    """Return the record in a line. Raises InvalidRequestError where it is of another kind, or cannot be one."""
    name = kind.__name__.lower()
    required = {part.name for part in fields(kind) if part.default is MISSING}  # type: ignore[arg-type]  # a dataclass
    hints = _hints(kind)
    if line.get("kind") != name or not required.issubset(line):
        command = {"draws": "bench draw", "lesson": "calibrate search"}.get(name, "bench run")
        option = "--keep" if name == "lesson" else "--out"
        raise InvalidRequestError(
            f"{quoted(path)}, line {number}: this is no {name}; wanted a file made by `dubito {command} {option}`"
        )
    parts = {each: value for each, value in line.items() if each in hints}
    try:
        for each, value in parts.items():
            if not _fits(hints[each], value):
                raise ValueError(f"{each} is {_short(value)}")
        return kind(**parts)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{quoted(path)}, line {number}: this is no sound {name}: {error}") from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(hint: Any, value: Any) -> bool:
    """Whether a value read from JSON is of a type: numbers finite, counts not negative, texts that can be written."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return any(_fits(each, value) for each in inner)
    if origin is list:
        return isinstance(value, list) and all(_fits(inner[0], each) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(str, key) and _fits(inner[1], each) for key, each in value.items())
    return _PLAIN[hint](value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MOST_TEXT and plain(value) == value


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and (isinstance(value, int) or math.isfinite(value)) and abs(value) <= _LARGEST


_PLAIN: dict[Any, Callable[[Any], bool]] = {
    NoneType: lambda value: value is None,
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and _is_number(value) and value >= 0,
    float: _is_number,
    str: _is_text,
}
