"""Run a function over items, many side by side: they share the model's forwards, and none waits for a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from agent.lm.base import LM, JointLM
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
    """Yield what `run` returns of each item, as it ends. tasks: how many run at once.

    Each item has counters and a prefix store of its own, so nothing of it depends on the others. A model that cannot
    answer many at once runs one item after the other.
    """
    lm = context.lm
    if not isinstance(lm, JointLM):
        yield from (run(item, context) for item in items)
    elif tasks == 1 or not lm.takes_joint_feeds():
        yield from (run(item, with_lm(context, lm.beside())) for item in items)
    else:
        scheduler = Scheduler(lm.run_joint, tasks)
        sandbox = YieldingSandbox(context.sandbox, scheduler)

        def run_one(item: Item) -> R:
            return run(item, replace(with_lm(context, lm.beside(scheduler.feed, tasks)), sandbox=sandbox))

        yield from scheduler.run(partial(run_one, item) for item in items)


def with_lm(context: Context, lm: LM) -> Context:
    """Return the context with another model of the same weights."""
    return replace(context, model=replace(context.model, lm=lm))


def count_tasks(context: Context, batch: int | None) -> int:
    """Return how many items to run side by side: as many as asked for, else as suit the model and the device."""
    if batch is not None:
        return batch
    lm = context.lm
    return lm.count_joint_tasks(PROMPT_TOKENS + context.max_tokens) if isinstance(lm, JointLM) else 1
