"""Strategies spend a budget on a task: one program, best of n, or the pause tree. All keep the same record of cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agent.decoding import POLICIES
from agent.program.syntax import is_degenerate
from agent.program.task import Task
from agent.records import Cost
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.workflow.context import Context
from agent.workflow.run import Result, run_task

Contestant = Callable[[Context, Task], Result]


GUARD_DRAWS = 3


ONCE = SearchConfig(Budget(programs=1), votes=1, mutants=0)


def once(context: Context, task: Task) -> Result:
    """One program by the context's policy."""
    return run_task(context, task, config=ONCE)


@dataclass(frozen=True, slots=True)
class TreeSearch:
    """Programs by the context's policy, as a search plans them; the visible examples decide."""

    config: SearchConfig

    def __call__(self, context: Context, task: Task) -> Result:
        """Search."""
        return run_task(context, task, config=self.config)


def tree(programs: int, **options: Any) -> Contestant:
    """The pause tree, within so many programs."""
    return TreeSearch(SearchConfig(Budget(programs=programs), **options))


def redraw_degenerate(context: Context, task: Task) -> Result:
    """One program by the context's policy; while there is nothing to run, draw another, three at most.

    The degenerate-output guard by itself: no example is looked at. Where all are degenerate the first stands.
    """
    results = [once(context, task)]
    while is_degenerate(results[-1].best.program) and len(results) <= GUARD_DRAWS:
        results.append(_draw(context, task, len(results), context.max_tokens))
    stands = results[0] if is_degenerate(results[-1].best.program) else results[-1]
    return _joined(results, stands)


def best_of(samples: int) -> Contestant:
    """Draw programs until one passes the visible examples; the first one stands where none does."""

    def drawn(context: Context, task: Task) -> Result:
        results = [_draw(context, task, 0, context.max_tokens)]
        while results[-1].outcome != "accepted" and len(results) < samples:
            results.append(_draw(context, task, len(results), context.max_tokens))
        return _first_accepted(results)

    return drawn


def _draw(context: Context, task: Task, number: int, max_tokens: int) -> Result:
    """Draw one program; each number draws another."""
    drawing = replace(context, policy=POLICIES["sample"], seed=seed_of(context, number), max_tokens=max_tokens)
    return run_task(drawing, task, config=ONCE)


def seed_of(context: Context, number: int) -> int:
    """Return the seed of the sample of this number, from 0."""
    return context.seed + 1_000 * number


def _first_accepted(results: list[Result]) -> Result:
    """The accepted program, or else the first one, at the cost of all."""
    chosen = results[-1] if results[-1].outcome == "accepted" else results[0]
    return replace(_joined(results, chosen), feedback="visible")


def _joined(results: list[Result], chosen: Result) -> Result:
    others = [attempt for result in results if result is not chosen for attempt in result.attempts]
    return replace(
        chosen,
        cost=sum((result.cost for result in results), Cost()),
        steps=[step for result in results for step in result.steps],
        attempts=[*others, *chosen.attempts],
        answer=replace(chosen.answer, attempt=len(others)),
    )


def best_of_equal(budgets: Mapping[str, int]) -> Contestant:
    """Draw programs as `best_of` does, on each task for its budget of tokens fed (`token_rows`).

    budgets: by request. The first program is drawn whole, whatever it takes; of the others the last is cut off where
    the budget ends: n tokens of another draw feed the prompt's last token and n - 1 of its own. (A model whose cache
    cannot be kept feeds its whole prompt again, and spends more.) A task that has no budget raises KeyError.
    """

    def drawn(context: Context, task: Task) -> Result:
        left, results = budgets[task.request], list[Result]()
        while not results or (results[-1].outcome != "accepted" and left > 0):
            room = left if results else context.max_tokens
            results.append(_draw(context, task, len(results), min(context.max_tokens, room)))
            left -= max(1, results[-1].cost.token_rows)  # a draw whose every token was known before costs none
        return _first_accepted(results)

    return drawn
