"""Run a function over items, many side by side: they share the model's forwards, and none waits for a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from agent.lm.base import JointLM
from agent.lm.scheduler import Scheduler
from agent.workflow.context import Context
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, Sandbox

Item = TypeVar("Item")
R = TypeVar("R")

PROMPT_TOKENS = 512  # of a usual prompt; those of HumanEval+ have 60 to 500


@dataclass(frozen=True, slots=True)
class YieldingSandbox:
    """A sandbox that lets other tasks go on while a program runs. The task's sandbox must bear threads."""

    sandbox: Sandbox
    scheduler: Scheduler

    def run(
        self, program: str, *, calls: Sequence[Call | Expression] = (), stdin: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> Execution:
        """Execute the program, then the calls; see Sandbox.run."""
        return self.scheduler.call(self.sandbox.run, program, calls=calls, stdin=stdin, limits=limits)

    def close(self) -> None:
        """Close the sandbox."""
        self.sandbox.close()


def run_side_by_side(
    items: Iterable[Item], context: Context, run: Callable[[Item, Context], R], *, tasks: int
) -> Iterator[R]:
    """Yield what `run` returns of each item, as it ends. tasks: how many run at once, each in a context of its own.

    A model that cannot answer many at once runs one item after the other.
    """
    lm = context.lm
    if tasks == 1 or not isinstance(lm, JointLM) or not lm.takes_joint_feeds():
        yield from (run(item, context) for item in items)
        return
    scheduler = Scheduler(lm.run_joint, tasks)

    def run_one(item: Item) -> R:
        model = replace(context.model, lm=lm.beside(scheduler.feed, tasks))
        return run(item, replace(context, model=model, sandbox=YieldingSandbox(context.sandbox, scheduler)))

    yield from scheduler.run(partial(run_one, item) for item in items)


def count_tasks(context: Context, batch: int | None) -> int:
    """Return how many items to run side by side: as many as asked for, else as suit the model and the device."""
    if batch is not None:
        return batch
    lm = context.lm
    return lm.count_joint_tasks(PROMPT_TOKENS + context.max_tokens) if isinstance(lm, JointLM) else 1
