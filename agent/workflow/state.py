"""The state that the workflow carries between nodes: records only, so that any checkpoint is small plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.program.examples.example import Example
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, PersonExample, PersonReply, Prompt, RunOutcome, Unfinished
from agent.search.frontier import SearchConfig


@dataclass(frozen=True, slots=True)
class AgentState:
    """The state of one run. Each field is a channel of the graph."""

    task: Task
    config: SearchConfig = field(default_factory=SearchConfig)
    identity: dict[str, Any] = field(default_factory=dict)  # model, policy and bounds, by which a thread is resumed
    prompts: Sequence[Prompt] = ()
    current: Unfinished = field(default_factory=Unfinished)
    attempts: Sequence[Attempt] = ()  # finished, oldest first
    inputs: Sequence[str] = ()  # on which programs are compared: the source of an argument tuple each
    asked_inputs: Sequence[int] = ()  # numbers of the inputs that a person was asked about
    person_examples: Sequence[PersonExample] = ()
    replies: Sequence[PersonReply] = ()  # to the questions so far
    own_cases: Sequence[Example] | None = None  # test cases that the model proposed; None before it was asked
    cases_name: str = ""  # of the function or class in them
    cost: Cost = field(default_factory=Cost)
    events: int = 0  # emitted by the nodes that have ended
    answer: Answer | None = None
    outcome: RunOutcome | None = None  # None while the run goes on

    @property
    def prompt(self) -> Prompt:
        """The prompt that the attempt in progress answers."""
        return self.prompts[self.current.prompt]
