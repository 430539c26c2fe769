"""The store of one run and the people in it, which a strategy passes on to the workflow. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.records import Event

if TYPE_CHECKING:  # the command line names strategies before torch is imported
    from agent.workflow.context import Person


@dataclass(frozen=True, slots=True)
class Session:
    """The person and the log of a run, and its store."""

    person: Person | None = None  # answers the questions of a run that asks; it needs a checkpointer
    log: Callable[[int, Event], None] = lambda number, event: None  # receives each event with its number in the run
    checkpointer: Any = None  # LangGraph's, as `agent.workflow.threads` opens it; None keeps nothing
    thread: str = ""  # the name under which the checkpointer keeps the run, and resumes it
    identity: dict[str, Any] = field(default_factory=dict)  # what must be as it was when a run is resumed
    stop: Callable[[], bool] | None = None  # says whether the person wants what there is now; None: never
