"""Checkpoints as JSON: records to bytes and back. Reading builds the records named here and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

from langgraph.types import Interrupt

from agent.decoding.step import Candidate
from agent.hole_calibration import Guarantee
from agent.profile import ReliabilityCurve
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.program.modules.module import Module
from agent.program.outputs import Output, OutputKind
from agent.program.task import Task
from agent.records import (
    Answer,
    Attempt,
    Breakage,
    CandidateQuestion,
    Cost,
    Difference,
    DraftProgram,
    Edge,
    EdgeKind,
    Fork,
    LastTrace,
    OutputQuestion,
    PersonExample,
    Prompt,
    RunOutcome,
    Spent,
    Undecided,
    Unfinished,
)
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.workflow.state import AgentState
from sandbox.base import Verdict

_RECORDS = {
    kind.__name__: kind
    for kind in (
        AgentState, Answer, Attempt, Breakage, Budget, Candidate, CandidateQuestion, Cost, Difference, DraftProgram,
        Edge, Example, Failure, Fork, Guarantee, Interrupt, LastTrace, Module, Output, OutputQuestion, PersonExample,
        Prompt, ReliabilityCurve, SearchConfig, Spent, Task, Undecided, Unfinished,
    )
}  # fmt: skip
_ENUMS: dict[type, dict[str, type[StrEnum]]] = {  # JSON holds their texts
    AgentState: {"outcome": RunOutcome},
    Attempt: {"verdict": Verdict},
    Edge: {"kind": EdgeKind},
    Failure: {"kind": FailureKind},
    Output: {"kind": OutputKind},
}
_KIND = "record"  # the key under which a JSON object names its record
_FORMAT = "dubito"


class ForeignCheckpointError(ValueError):
    """A checkpoint that another version wrote."""


class RecordSerializer:
    """Turns what LangGraph keeps of a run into JSON and back. A list inside a record is read as a tuple."""

    def dumps_typed(self, value: Any) -> tuple[str, bytes]:
        """Return the format's name and the value as JSON."""
        return _FORMAT, json.dumps(value, default=_named_fields, separators=(",", ":")).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value that these bytes hold. Raises ForeignCheckpointError for another version's."""
        form, text = data
        if form != _FORMAT:
            raise ForeignCheckpointError(f"the checkpoint's format is {form}")
        try:
            return json.loads(text, object_hook=_rebuild)
        except (KeyError, TypeError, ValueError) as error:
            raise ForeignCheckpointError(f"the checkpoint holds another version's records ({error})") from error


def _named_fields(value: Any) -> Any:
    if is_dataclass(value) and type(value).__name__ in _RECORDS:
        return {_KIND: type(value).__name__, **{part.name: getattr(value, part.name) for part in fields(value)}}
    if isinstance(value, BaseException):  # LangGraph keeps a node's error beside its checkpoint, and nobody reads it
        return repr(value)
    raise TypeError(f"a {type(value).__name__} has no place in a checkpoint")


def _rebuild(item: dict[str, Any]) -> Any:
    if _KIND not in item:
        return item
    kind = _RECORDS[item.pop(_KIND)]
    values = {name: _as_tuple(value) for name, value in item.items()}
    enums = {name: enum(values[name]) for name, enum in _ENUMS.get(kind, {}).items() if values[name] is not None}
    return kind(**{**values, **enums})


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
