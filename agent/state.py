"""What the workflow carries: plain data only, so that any checkpoint is small and can be read back anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

from agent.decoding.step import Step
from agent.examples import Check


@dataclass(frozen=True, slots=True)
class Task:
    """What the agent is asked: a request and the examples it may run. Hidden tests have no place here."""

    request: str  # Python to complete, or a sentence
    checks: tuple[Check, ...] = ()
    entry_point: str | None = None
    name: str = "task"


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent. Adding costs adds each of their parts."""

    tokens: int = 0  # committed
    forwards: int = 0
    token_rows: int = 0  # tokens fed, over all rows
    pauses: int = 0
    sandbox_runs: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{part.name: getattr(self, part.name) + getattr(other, part.name) for part in fields(self)})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One finished program: how it was decoded, where it paused, what became of it."""

    prompt: int  # which of the state's prompts it answers
    tokens: list[int]
    logprobs: list[float]
    pauses: list[dict[str, Any]]  # position, uncertainty, candidates; of this attempt's own part
    end: str
    program: str
    partial: str  # the program with holes
    holes: list[tuple[int, int]]  # character spans of the program
    verdict: str = ""
    checked: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Revision:
    """What is tried after a failed attempt."""

    kind: str  # "branch" or "repair"
    detail: str  # one line for a person
    text: str = ""  # what is kept of the completion


Event = Step | Attempt | Revision | Cost  # what the workflow tells while it runs


class AgentState(TypedDict, total=False):
    """The graph's state. Everything in it is numbers, strings, lists and dicts."""

    task: dict[str, Any]
    identity: dict[str, Any]  # model, policy and bounds: token ids mean nothing to another model
    resolver: str  # the node that settles this policy's pauses
    prompts: list[dict[str, Any]]  # ids, lame_ids, request as it was asked
    prompt: int  # the one being answered
    tokens: list[int]
    logprobs: list[float]
    pauses: list[dict[str, Any]]
    end: str | None
    draft: dict[str, Any]  # the finished program, with its holes, before it ran
    attempts: list[dict[str, Any]]
    attempts_allowed: int
    cost: dict[str, Any]
    outcome: str  # "accepted" or "abstained"
