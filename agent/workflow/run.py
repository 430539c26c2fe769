"""One run of the workflow from a task to a result: new, or resumed under its thread's name. Shows nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from agent.decoding.step import Step
from agent.errors import InvalidRequestError
from agent.files.plain import make_plain
from agent.program.styles import PROMPT_STYLES, PromptStyle
from agent.program.task import Task
from agent.records import Answer, Attempt, Cost, Event, RunOutcome
from agent.search.frontier import SearchConfig, with_profile
from agent.workflow.context import Context, Log, Person
from agent.workflow.graph import build, invoke
from agent.workflow.named_runs import check_same_run
from agent.workflow.record_json import ForeignCheckpointError
from agent.workflow.standing import Evidence, Standing, collect_evidence, find_standing
from agent.workflow.state import AgentState

_MATCHED = 8  # last lines of a program by which it is found in its file


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a run: its answer, all attempts, and what they cost."""

    task: Task
    outcome: RunOutcome
    attempts: Sequence[Attempt]
    cost: Cost
    answer: Answer
    feedback: str  # "visible" where the examples decided what came next, "none" in one pass
    steps: Sequence[Step] = field(default_factory=list)  # of this process; a resumed run has the rest in its state
    prompt_style: PromptStyle = PROMPT_STYLES["completion"]
    weights: str = ""  # a digest of the model's weights; empty for a model of the hub
    dtype: str = "float32"  # of the weights: torch's name, or int8

    @property
    def best(self) -> Attempt:
        """The program that stands for the run, accepted or not."""
        return self.attempts[self.answer.attempt]

    @property
    def line_offset(self) -> int:
        """The lines of the file before the answer's body, less those of the program; 0 where there is no module."""
        module, program = self.task.module, self.best.program.rstrip().splitlines()
        text = module.fill(self.best.program) if module else None
        lines = (text or "").splitlines()
        for count in range(min(_MATCHED, len(program)), 0, -1):
            starts = [at for at in range(len(lines)) if lines[at : at + count] == program[-count:]]
            if len(starts) == 1:
                return starts[0] - len(program) + count
        return 0

    @property
    def standing(self) -> Standing:
        """The claim that the answer makes."""
        return find_standing(self.outcome, self.best, self.answer)

    @property
    def evidence(self) -> Evidence:
        """The counts that the claim rests on."""
        return collect_evidence(self.best, self.answer)

    def record(self) -> dict[str, Any]:
        """Return the run as plain data for JSON."""
        best = self.best
        return {
            "task": self.task.name,
            "outcome": self.outcome,
            "standing": self.standing,
            "evidence": asdict(self.evidence),
            "program": best.program,
            "verdict": best.verdict,
            "checked": best.checked,
            "unparsed_examples": list(self.task.unparsed),
            "partial": best.partial,
            "holes": make_plain(best.holes),
            "guarantee": make_plain(best.guarantee),
            "feedback": self.feedback,
            "prompt_style": self.prompt_style.describe(),
            "weights": self.weights,
            "dtype": self.dtype,
            "answer": make_plain(self.answer),
            **asdict(self.cost),
            "steps": [asdict(step) for step in self.steps],
            "attempts": [make_plain(attempt) for attempt in self.attempts],
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

    on_event: receives what happens in this process, after the replies to earlier questions. log: receives what happens
    with its number in the run, but not the answer of a run that had ended; what a kill cut off comes again under the
    same numbers.
    """
    graph, steps = build(checkpointer), list[Step]()
    fresh = AgentState(task, with_profile(config or SearchConfig(), context.profile), identity or {})
    stored = _load_thread(graph, thread, fresh) if checkpointer is not None else _Stored()
    for reply in stored.state.replies if stored.state is not None else ():
        on_event(reply)
    if stored.state is not None and stored.state.answer is not None:
        result = result_of(context, stored.state)
        on_event(result.best)
        on_event(result.answer)
        return result

    def receive(event: Event) -> None:
        if isinstance(event, Step):
            steps.append(event)
        on_event(event)

    listening = replace(context, emit=receive, log=log)
    start = None if stored.cut_off else fresh
    return result_of(context, invoke(graph, listening, start, thread=thread, person=person), steps)


def result_of(context: Context, state: AgentState, steps: Sequence[Step] = ()) -> Result:
    """Return the result that a final state holds. context: of the run."""
    assert state.answer is not None and state.outcome is not None, "a run ends with an answer"
    feedback = "none" if state.config.budget.programs == 1 else "visible"
    return Result(
        state.task, RunOutcome(state.outcome), state.attempts, state.cost, state.answer, feedback, steps,
        context.model.prompt_style, context.model.digest, context.model.dtype,
    )  # fmt: skip


class _Stored(NamedTuple):
    state: AgentState | None = None
    cut_off: bool = False  # the run has nodes left


def _load_thread(graph: Any, thread: str, wanted: AgentState) -> _Stored:
    """Load the run of a thread. Raises InvalidRequestError where it is another run, or another version wrote it."""
    try:
        stored = graph.get_state({"configurable": {"thread_id": thread}})
        state = AgentState(**stored.values) if stored.values else None
    except (ForeignCheckpointError, TypeError) as error:
        raise InvalidRequestError(
            f"the thread {thread!r} was written by another version of dubito; choose a new thread"
        ) from error
    if state is not None:
        check_same_run(state, wanted.task, wanted.config, wanted.identity, thread)
    # Tasks, not `next`: a task whose writes are stored already must still be carried over into a checkpoint.
    return _Stored(state, cut_off=bool(stored.tasks))
