"""Run a function over items, many side by side: they share the model's forwards, and none waits for a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from agent.lm.base import LM, JointLM, Model
from agent.lm.scheduler import Scheduler
from agent.workflow.context import Context
from sandbox.base import DEFAULT_LIMITS, Call, Execution, Expression, Limits, Sandbox

_Item = TypeVar("_Item")
_R = TypeVar("_R")

_PROMPT_TOKENS = 512  # of a usual prompt; those of HumanEval+ have 60 to 500


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


def call_beside(function: Callable[..., _R], sandbox: Sandbox, *arguments: Any) -> _R:
    """Return `function(sandbox, *arguments)` while other tasks go on.

    Other tasks run in the thread of this one, so whatever holds a lock while a program runs must be called so.
    """
    if isinstance(sandbox, YieldingSandbox):
        return sandbox.scheduler.call(function, sandbox.sandbox, *arguments)
    return function(sandbox, *arguments)


def run_side_by_side(
    items: Iterable[_Item], context: Context, run: Callable[[_Item, Context], _R], *, tasks: int
) -> Iterator[_R]:
    """Yield what `run` returns of each item, as it ends. tasks: how many run at once.

    Each item has counters and a prefix store of its own, so nothing of it depends on the others. A model that cannot
    answer many at once runs one item after the other.
    """

    def run_one(item: _Item, model: Model, scheduler: Scheduler | None) -> _R:
        own = replace(context, model=model)
        if scheduler is not None:
            own = replace(own, sandbox=YieldingSandbox(context.sandbox, scheduler), clock=scheduler.clock)
        return run(item, own)

    return share_model(items, context.model, run_one, tasks=tasks)


def share_model(
    items: Iterable[_Item], model: Model, run: Callable[[_Item, Model, Scheduler | None], _R], *, tasks: int
) -> Iterator[_R]:
    """Yield what `run` returns of each item and its model, as it ends. It gets the scheduler for its slow calls."""
    lm = model.lm
    if not isinstance(lm, JointLM):
        yield from (run(item, model, None) for item in items)
    elif tasks == 1 or not lm.takes_joint_feeds():
        yield from (run(item, replace(model, lm=lm.beside()), None) for item in items)
    else:
        scheduler = Scheduler(lm.run_joint, tasks)

        def run_one(item: _Item) -> _R:
            return run(item, replace(model, lm=lm.beside(scheduler.feed)), scheduler)

        yield from scheduler.run(partial(run_one, item) for item in items)


def count_tasks(lm: LM, max_tokens: int, batch: int | None) -> int:
    """Return how many items to run side by side: as many as asked for, else as suit the model and the device."""
    if batch is not None:
        return batch
    return lm.count_joint_tasks(_PROMPT_TOKENS + max_tokens) if isinstance(lm, JointLM) else 1
