"""One run of the workflow from a task to a result: new, or resumed under its thread's name. Shows nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from agent.decoding.step import Step
from agent.errors import InvalidRequestError
from agent.files.plain import plain
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, Event
from agent.search.frontier import ENOUGH_SHARE, SearchConfig, with_profile
from agent.workflow.checkpoints import ForeignCheckpointError
from agent.workflow.context import Context, Log, Person
from agent.workflow.graph import build, invoke
from agent.workflow.state import AgentState

# What an answer rests on.
VERIFIED, AGREED, UNVERIFIED, ABSTAINED = "verified", "agreed", "unverified", "abstained"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    task: Task
    outcome: str  # "accepted" or "abstained"
    attempts: Sequence[Attempt]
    cost: Cost
    answer: Answer
    feedback: str  # "visible" where the examples decided what came next, "none" in one pass
    steps: Sequence[Step] = field(default_factory=list)  # of this process; a resumed run has the rest in its state

    @property
    def best(self) -> Attempt:
        """The program that stands for the run, accepted or not."""
        return self.attempts[self.answer.attempt]

    @property
    def standing(self) -> str:
        """What the answer rests on: VERIFIED, AGREED, UNVERIFIED or ABSTAINED.

        Agreement is that of several programs, most of what the model writes, on at least one value that they return.
        """
        if self.outcome != "accepted":
            return ABSTAINED
        if self.best.checked:
            return VERIFIED
        returned = any(not each.startswith("raises ") for each in self.best.behaviour or ())
        agreed = self.answer.programs > 1 and self.answer.share >= ENOUGH_SHARE and returned
        return AGREED if agreed else UNVERIFIED

    def record(self) -> dict[str, Any]:
        """Return the run as plain data for JSON."""
        best = self.best
        return {
            "task": self.task.name,
            "outcome": self.outcome,
            "standing": self.standing,
            "program": best.program,
            "verdict": best.verdict,
            "checked": best.checked,
            "unparsed_examples": list(self.task.unparsed),
            "partial": best.partial,
            "holes": plain(best.holes),
            "feedback": self.feedback,
            "answer": plain(self.answer),
            **asdict(self.cost),
            "steps": [asdict(step) for step in self.steps],
            "attempts": [plain(attempt) for attempt in self.attempts],
        }


def run_task(
    context: Context,
    task: Task,
    *,
    config: SearchConfig | None = None,
    checkpointer: Any = None,
    thread: str = "",
    identity: dict[str, Any] | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    log: Log = lambda number, event: None,
    person: Person | None = None,
) -> Result:
    """Run a task to its end. Resume a thread that was cut off; of a thread that ended, repeat its answer alone.

    on_event: receives what happens in this process. log: receives it with its number in the run, but not the answer
    of a run that had ended; what a kill cut off comes again under the same numbers.
    """
    graph, config = build(checkpointer), with_profile(config or SearchConfig(), context.profile)
    fresh = AgentState(task, config, identity or {})
    start: AgentState | None = fresh
    if checkpointer is not None:
        stored = _stored_run(graph, thread)
        if stored.values:
            ended = AgentState(**stored.values)
            _check_same_run(ended, fresh, thread)
            if ended.answer is not None:
                result = result_of(ended)
                on_event(result.best)
                on_event(result.answer)
                return result
        # Tasks, not `next`: a task whose writes are stored already is still to be carried over into a checkpoint.
        start = None if stored.tasks else fresh
    steps: list[Step] = []

    def receive(event: Event) -> None:
        if isinstance(event, Step):
            steps.append(event)
        on_event(event)

    return result_of(invoke(graph, replace(context, emit=receive, log=log), start, thread=thread, person=person), steps)


def result_of(state: AgentState, steps: Sequence[Step] = ()) -> Result:
    """Return the result that a final state holds."""
    assert state.answer is not None, "a run ends with an answer"
    feedback = "none" if state.config.budget.programs == 1 else "visible"
    return Result(state.task, state.outcome, state.attempts, state.cost, state.answer, feedback, steps)


def _stored_run(graph: Any, thread: str) -> Any:
    """Return what is stored under a thread's name. Raises InvalidRequestError where another version stored it."""
    try:
        return graph.get_state({"configurable": {"thread_id": thread}})
    except ForeignCheckpointError as error:
        raise InvalidRequestError(
            f"the thread {thread!r} was written by another version of dubito; choose a new thread"
        ) from error


def _check_same_run(stored: AgentState, wanted: AgentState, thread: str) -> None:
    """Raise InvalidRequestError where a thread holds a run of another task, configuration or identity."""
    had, have = ({"task": each.task, "config": each.config, **each.identity} for each in (stored, wanted))
    others = [name for name in have if had.get(name) != have[name]]
    if others:
        names = " and ".join(name.replace("_", "-") for name in others)
        raise InvalidRequestError(
            f"the thread {thread!r} was begun with another {names}; give it the same, or choose a new thread"
        )
