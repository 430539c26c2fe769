"""What an engine is, and what it needs to know of a run. Works on no item."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.decoding import Policy
from agent.strategies import Strategy
from agent.workflow.context import Context
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.runner import Tell


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """What a process needs in order to work on any item of a run. It is small, and pickle can send it."""

    benchmark: str
    open_context: Callable[[ExitStack], Context]  # loads the model and opens the sandbox, which the stack closes
    batch: int | None = None  # how many items run side by side; None: as many as suit the device
    device: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)  # set where a machine does not set it itself
    folder: str = "."  # where relative paths begin


@dataclass(frozen=True, slots=True)
class Job:
    """What is done with each item."""

    policy: Policy
    strategy: Strategy


class Engine(Protocol):
    """One or more processes that each have the model loaded."""

    def describe_model(self) -> dict[str, Any]:
        """Return how the model is asked and computes, for the provenance of what it writes."""
        ...

    def run(
        self, items: Sequence[WorkItem], job: Job, stopped: Callable[[], bool], tell: Tell | None
    ) -> Iterator[ProblemOutcome]:
        """Yield the outcome of each item, in any order; once `stopped`, begin no more. tell: receives its story."""
        ...

    def close(self) -> None:
        """Close the sandboxes and end the processes."""
        ...
