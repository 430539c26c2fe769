"""What the workflow carries: plain data only, so that any checkpoint is small and can be read back anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:  # so that a request can be read and refused before torch is imported
    pass


class AgentState(TypedDict, total=False):
    """The graph's state. Everything in it is numbers, strings, lists and dicts."""

    task: dict[str, Any]
    identity: dict[str, Any]  # model, policy and bounds: token ids mean nothing to another model
    config: dict[str, Any]
    resolver: str  # the node that settles this policy's pauses
    prompts: list[dict[str, Any]]  # ids, lame_ids, request as it was asked
    prompt: int  # the one being answered
    edge: dict[str, Any]  # by which the attempt in progress was begun
    before: dict[str, Any]  # the cost when it was begun
    tokens: list[int]
    logprobs: list[float]
    forks: list[dict[str, Any]]
    end: str | None
    draft: dict[str, Any]  # the finished program, with its holes, before it ran
    attempts: list[dict[str, Any]]
    inputs: list[str]  # on which programs are compared: the source of an argument tuple each
    asked: list[int]  # numbers of the inputs that a person was asked about
    told: list[list[Any]]  # what was answered: the input's number, the call, what it gives
    cost: dict[str, Any]
    events: int  # told by the nodes that have ended
    answer: dict[str, Any]
    outcome: str  # "accepted" or "abstained"
