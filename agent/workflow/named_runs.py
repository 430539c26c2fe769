"""Named runs as they lie in their store: listed, read and removed without LangGraph or torch. Runs nothing."""

from __future__ import annotations

import json
import shlex
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError, StorageError
from agent.messages import quote, suggest
from agent.program.task import Task
from agent.records import CandidateQuestion, OutputQuestion
from agent.search.frontier import SearchConfig
from agent.workflow.record_json import FORMAT, RECORDS, ForeignCheckpointError, load_records
from agent.workflow.state import AgentState
from agent.workflow.threads import threads_file

_WAIT_SECONDS = 2  # for another process that writes
_RUNS = """
SELECT last.thread_id, last.type, last.checkpoint, kept.bytes + coalesce(written.bytes, 0),
       (SELECT value FROM writes WHERE thread_id = kept.thread_id AND checkpoint_id = kept.checkpoint_id
        AND channel = '__interrupt__' LIMIT 1)
FROM (SELECT thread_id, max(checkpoint_id) AS checkpoint_id, sum(length(checkpoint) + length(metadata)) AS bytes
      FROM checkpoints GROUP BY thread_id) AS kept
JOIN checkpoints AS last ON last.thread_id = kept.thread_id AND last.checkpoint_id = kept.checkpoint_id
LEFT JOIN (SELECT thread_id, sum(length(value)) AS bytes FROM writes GROUP BY thread_id) AS written
     ON written.thread_id = kept.thread_id
ORDER BY kept.checkpoint_id DESC
"""  # ids of checkpoints begin with their time
_MAY_CHANGE = frozenset({"sandbox", "device"})  # keys of an identity
_IDENTITY_OPTIONS = {"dtype": "weights", "weights": "digest"}  # the options of keys that have another name
_LEARNED = ("weights", "reliability")  # fields of a search that were learned of the model
_SEARCH_OPTIONS = {  # the options of other fields; those without one follow from the strategy
    "budget": "budget",
    "order": "order",
    "min_probability": "min-probability",
    "questions": "ask",
}
# Theirs would need torch and langgraph.
_OTHER_KINDS = ("Candidate", "Interrupt", "Preview")
_KINDS: dict[str, Callable[..., Any]] = {**RECORDS, **dict.fromkeys(_OTHER_KINDS, SimpleNamespace)}


class RunState(StrEnum):
    """How far a named run is."""

    ENDED = "ended"
    WAITING = "waits for an answer"
    UNFINISHED = "unfinished"  # it was cut off, or goes on in another process
    FOREIGN = "written by another version"


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A named run in a line of a list."""

    name: str
    state: RunState
    written: datetime | None  # when its last checkpoint was; None where another version wrote it
    task: str  # name of its task
    request: str
    size: int  # bytes of its checkpoints


class WholeRun(NamedTuple):
    """A named run with all that it holds."""

    run: NamedRun
    state: AgentState
    question: CandidateQuestion | OutputQuestion | None  # that it waits with


def list_runs() -> list[NamedRun]:
    """Return the named runs, the newest first. Raises StorageError."""
    return [_describe(row) for row in _read_rows()]


def load_run(name: str) -> WholeRun:
    """Return a named run. Raises InvalidRequestError for a name of none, or another version's run; StorageError."""
    rows = _read_rows()
    _check_names([name], [row[0] for row in rows])
    _, form, text, _, asked = row = next(row for row in rows if row[0] == name)
    try:
        if form != FORMAT:
            raise ForeignCheckpointError(form)
        values = load_records(text, _KINDS)["channel_values"]
        state = AgentState(**{part.name: values[part.name] for part in fields(AgentState) if part.name in values})
        question = load_records(asked, _KINDS)[0].value if asked else None
    except (ForeignCheckpointError, KeyError, TypeError) as error:
        raise InvalidRequestError(
            f"the run {quote(name)} holds no whole state of this version; remove it, or begin anew under another name"
        ) from error
    return WholeRun(_describe(row), state, question)


def find_state(name: str) -> AgentState | None:
    """Return the state of a named run; None without such a run, or if it holds no whole state. Raises StorageError."""
    with suppress(InvalidRequestError):
        return load_run(name).state
    return None


def check_same_run(
    stored: AgentState, task: Task, config: SearchConfig, identity: Mapping[str, Any], name: str
) -> None:
    """Raise InvalidRequestError where a named run has another task, search or identity.

    identity: the options to compare, maybe not all. A run may go on in another sandbox and on another device.
    """
    options = dict.fromkeys([*_list_other_options(stored.config, config), *_list_other_keys(stored.identity, identity)])
    changed = [
        *(["task"] if stored.task != task else []),
        *(["calibration"] if _list_learned(stored.config) != _list_learned(config) else []),
        *(["version of the model"] if "model" not in options and "digest" in options else []),
    ]
    options.pop("digest", None)
    if not options and not changed:
        return
    command = shlex.join(["dubito", "threads", "show", name])
    advice = "give it the same, or" if changed else f"`{command}` prints the command that goes on with it, or"
    raise InvalidRequestError(
        f"the thread {quote(name)} was begun with another {' and '.join([*changed, *options])}; {advice} choose a new "
        "thread"
    )


def _list_other_options(stored: SearchConfig, wanted: SearchConfig) -> list[str]:
    """Return the options by which two searches differ. Where their strategy differs, the rest may follow from it."""
    names = [each.name for each in fields(wanted) if each.name not in _LEARNED]
    differing = [each for each in names if getattr(stored, each) != getattr(wanted, each)]
    options = [_SEARCH_OPTIONS.get(each, "strategy") for each in differing]
    if "budget" in options and replace(stored.budget, programs=wanted.budget.programs) == wanted.budget:
        options[options.index("budget")] = "programs"
    return ["strategy"] if "strategy" in options else options


def _list_other_keys(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the options by which two identities differ; "digest" for that of the weights."""
    keys = [each for each in wanted if each not in _MAY_CHANGE and stored.get(each) != wanted[each]]
    return [_IDENTITY_OPTIONS.get(each, each).replace("_", "-") for each in keys]


def _list_learned(config: SearchConfig) -> list[Any]:
    """Return what a search uses that was learned of the model."""
    return [getattr(config, each) for each in _LEARNED]


def remove_runs(names: Sequence[str]) -> list[NamedRun]:
    """Remove named runs, all or none, and return what they were. Raises InvalidRequestError, StorageError."""
    runs = {run.name: run for run in list_runs()}
    _check_names(names, runs)
    with _open("rw") as connection:
        with connection:
            for table in ("writes", "checkpoints"):
                connection.executemany(f"DELETE FROM {table} WHERE thread_id = ?", [(name,) for name in names])
        with suppress(sqlite3.OperationalError):  # another process reads, or the disk is full
            connection.execute("VACUUM")
    return [runs[name] for name in dict.fromkeys(names)]


def _check_names(names: Sequence[str], known: Sequence[str] | dict[str, Any]) -> None:
    """Raise InvalidRequestError for a name of no run, with the nearest one that there is."""
    for name in names:
        if name not in known:
            nearest = suggest(name, known) or "; `dubito threads list` shows all"
            raise InvalidRequestError(f"there is no run named {quote(name)}{nearest}")


def _read_rows() -> list[Any]:
    """Return the rows of all runs; none where there is no store."""
    if not threads_file().exists():
        return []
    with _open("ro") as connection:
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'writes'").fetchone() == (0,):
            return []  # the first run has just opened it
        return connection.execute(_RUNS).fetchall()


@contextmanager
def _open(mode: str) -> Iterator[sqlite3.Connection]:
    """Open the store. Raises StorageError also for what is done with it."""
    file = threads_file()
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode={mode}", uri=True, timeout=_WAIT_SECONDS)) as connection:
            yield connection
    except sqlite3.Error as error:
        where = f"cannot use the named runs in {quote(file)} ({error})"
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StorageError(f"{where}: another process writes there; try again when it has ended") from error
        raise StorageError(f"{where}; if it is broken, remove the file, and its runs are gone") from error


def _describe(row: tuple[str, str, bytes, int, bytes | None]) -> NamedRun:
    """Return the line of a run. It reads no records, so a list of large runs is quick."""
    name, form, text, size, asked = row
    try:
        checkpoint = json.loads(text) if form == FORMAT else {}
        values, written = checkpoint["channel_values"], datetime.fromisoformat(checkpoint["ts"])
        ended = values.get("outcome") is not None
        what = values.get("task") or {"name": "", "request": ""}
        state = RunState.ENDED if ended else RunState.WAITING if asked else RunState.UNFINISHED
        return NamedRun(name, state, written, what["name"], what["request"], size)
    except (AttributeError, KeyError, TypeError, ValueError):
        return NamedRun(name, RunState.FOREIGN, None, "", "", size)
