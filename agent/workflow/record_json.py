"""Records as JSON and back. Reading builds the records named here and nothing else. Imports no torch, no langgraph."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any

from agent.profile import ReliabilityCurve
from agent.program.examples.example import Example
from agent.program.failures import Failure, FailureKind
from agent.program.hole_calibration import Guarantee
from agent.program.modules.module import Module
from agent.program.outputs import Output, OutputKind
from agent.program.prompts import CodeBeside
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
    PersonReply,
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

RECORDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        AgentState, Answer, Attempt, Breakage, Budget, CandidateQuestion, CodeBeside, Cost, Difference, DraftProgram,
        Edge, Example, Failure, Fork, Guarantee, LastTrace, Module, Output, OutputQuestion, PersonExample, PersonReply,
        Prompt, ReliabilityCurve, SearchConfig, Spent, Task, Undecided, Unfinished,
    )
}  # fmt: skip
_ENUMS: dict[Any, dict[str, type[StrEnum]]] = {  # JSON holds their texts
    AgentState: {"outcome": RunOutcome},
    Attempt: {"verdict": Verdict},
    Edge: {"kind": EdgeKind},
    Failure: {"kind": FailureKind},
    Output: {"kind": OutputKind},
}
FORMAT = "dubito"  # under which a checkpointer keeps them
_KIND = "record"  # the key under which a JSON object names its record


class ForeignCheckpointError(ValueError):
    """A checkpoint that another version wrote."""


def dump_records(value: Any, kinds: Mapping[str, type]) -> bytes:
    """Return a value as JSON. kinds: of the records in it, by their names. Raises TypeError for any other."""

    def name_fields(item: Any) -> Any:
        if is_dataclass(item) and type(item).__name__ in kinds:
            return {_KIND: type(item).__name__, **{part.name: getattr(item, part.name) for part in fields(item)}}
        if isinstance(item, BaseException):  # LangGraph keeps a node's error beside its checkpoint, and nobody reads it
            return repr(item)
        raise TypeError(f"a {type(item).__name__} has no place in a checkpoint")

    return json.dumps(value, default=name_fields, separators=(",", ":")).encode()


def load_records(text: bytes, kinds: Mapping[str, Callable[..., Any]]) -> Any:
    """Return the value that JSON holds. A list inside a record is read as a tuple. kinds: what builds its records.

    Raises ForeignCheckpointError for another version's records.
    """

    def rebuild(item: dict[str, Any]) -> Any:
        if _KIND not in item:
            return item
        kind = kinds[item.pop(_KIND)]
        values = {name: _as_tuple(value) for name, value in item.items()}
        enums = {name: enum(values[name]) for name, enum in _ENUMS.get(kind, {}).items() if values[name] is not None}
        return kind(**{**values, **enums})

    try:
        return json.loads(text, object_hook=rebuild)
    except (KeyError, TypeError, ValueError) as error:
        raise ForeignCheckpointError(f"the checkpoint holds another version's records ({error})") from error


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value
