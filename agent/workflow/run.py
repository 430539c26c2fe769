"""One run of the workflow from a task to a result: new, or resumed under its thread's name. Shows nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from agent.decoding.step import Step
from agent.errors import InvalidRequestError
from agent.files.plain import plain
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, Event
from agent.search.frontier import ENOUGH_SHARE, SearchConfig, with_profile
from agent.workflow.context import Context, Log, attempts_of
from agent.workflow.graph import begin, build, invoke
from agent.workflow.revise import Person
from agent.workflow.state import AgentState

# What an answer rests on.
VERIFIED, AGREED, UNVERIFIED, ABSTAINED = "verified", "agreed", "unverified", "abstained"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended. `steps` are those of this process: a resumed run has the rest in its state."""

    task: Task
    outcome: str  # "accepted" or "abstained"
    attempts: list[Attempt]
    cost: Cost
    answer: Answer
    feedback: str  # "visible" where the examples decided what was tried next, "none" in one pass
    steps: list[Step] = field(default_factory=list)

    @property
    def best(self) -> Attempt:
        """The program that stands for the run, accepted or not."""
        return self.attempts[self.answer.attempt]

    @property
    def standing(self) -> str:
        """What the answer rests on: examples, the model's own agreement on made-up inputs, nothing; or there is none.

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
        answer = self.best
        return {
            "task": self.task.name,
            "outcome": self.outcome,
            "standing": self.standing,
            "program": answer.program,
            "verdict": answer.verdict,
            "checked": answer.checked,
            "unparsed_examples": list(self.task.unparsed),
            "partial": answer.partial,
            "holes": answer.holes,
            "feedback": self.feedback,
            "answer": asdict(self.answer),
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
    """Run a task to its end. With a thread that was cut off, go on where it was; one that ended is only told again.

    on_event: hears what happens in this process. log: hears it, too, with its number in the run, and not the answer of
    a run that had ended; what a kill cut off is heard again under the same numbers.
    """
    graph, config = build(checkpointer), with_profile(config or SearchConfig(), context.profile)
    fresh: AgentState = {**begin(task, config), "identity": identity or {}}
    start: AgentState | None = fresh
    if checkpointer is not None:
        kept = graph.get_state({"configurable": {"thread_id": thread}})
        if kept.values:
            _same(kept.values, fresh, thread)
        if "outcome" in kept.values:
            ended = _result(kept.values, task, [])
            on_event(ended.best)
            on_event(ended.answer)
            return ended
        # Tasks, not `next`: a task whose writes are stored already is still to be carried over into a checkpoint.
        start = None if kept.tasks else fresh
    steps: list[Step] = []

    def heard(event: Event) -> None:
        if isinstance(event, Step):
            steps.append(event)
        on_event(event)

    final = invoke(graph, replace(context, emit=heard, log=log), start, thread=thread, person=person)
    return _result(final, task, steps)


def _result(state: AgentState, task: Task, steps: list[Step]) -> Result:
    feedback = "none" if state["config"]["budget"]["programs"] == 1 else "visible"
    chosen, cost = Answer(**state["answer"]), Cost(**state["cost"])
    return Result(task, state["outcome"], attempts_of(state), cost, chosen, feedback, steps)


def _same(kept: AgentState, wanted: AgentState, thread: str) -> None:
    had, have = ({"task": state["task"], "config": state["config"], **state["identity"]} for state in (kept, wanted))
    other = [name for name in have if json.dumps(had.get(name)) != json.dumps(have[name])]
    if other:
        told = " and ".join(name.replace("_", "-") for name in other)
        raise InvalidRequestError(
            f"the thread {thread!r} was begun with another {told}; give it the same, or choose a new thread"
        )
