"""Run a strategy over problems and judge what it writes. The agent never sees the hidden tests."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass, replace
from typing import Any

from agent.decoding import Policy
from agent.program.task import read_task
from agent.records import Event
from agent.search.frontier import SearchConfig
from agent.strategies import Search, Strategy, name_of
from agent.workflow.context import Context
from agent.workflow.run import Result
from benchmarks.experiments.arms import Arm
from benchmarks.experiments.outcomes import ProblemOutcome, pause_rate
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.experiments.rivals import BestOfEqual, named_policy, pausing_by_chance
from benchmarks.experiments.side_by_side import call_beside, run_side_by_side
from benchmarks.experiments.stories import Story
from benchmarks.experiments.story_collection import collect_story
from benchmarks.experiments.trails import Trail, collect_trail
from benchmarks.judging.checker import judge_program
from uncertainty.signals import scale_by_root_length

Tell = Callable[[Story], None]
Follow = Callable[[Trail], None]

_ALWAYS_SHOWN = ("programs", "width")
_NEVER_SHOWN = ("weights", "reliability")  # learned numbers: provenance has their digest


def run_items(
    items: Iterable[WorkItem],
    context: Context,
    strategy: Strategy,
    *,
    tasks: int = 1,
    tell: Tell | None = None,
    follow: Follow | None = None,
) -> Iterator[ProblemOutcome]:
    """Yield the outcome of each item, as it ends. tasks: how many run side by side; it changes no outcome.

    tell, follow: receive the story and the trail of each item.

    An error gets a note of the item that it came from. It is raised when the items beside that one have ended.
    """

    def run_one(item: WorkItem, own: Context) -> ProblemOutcome:
        try:
            return run_item(item, own, strategy, tell, follow)
        except Exception as error:
            error.add_note(f"in {item.problem.task_id}, sample {item.sample}")
            raise

    return run_side_by_side(items, context, run_one, tasks=tasks)


def run_item(
    item: WorkItem, context: Context, strategy: Strategy, tell: Tell | None = None, follow: Follow | None = None
) -> ProblemOutcome:
    """Run a strategy on one problem, then judge its answer by the hidden tests. tell: receives the story before."""
    problem = item.problem
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    events = list[Event]()
    result = strategy(replace(context, seed=item.seed(context.seed), emit=events.append), task)
    if tell is not None:
        tell(collect_story(item, context, events, result))
    if follow is not None:
        follow(collect_trail(item, context, result, majority=believes_majority(strategy)))
    judged = call_beside(judge_program, context.sandbox, problem, result.best.program)
    return ProblemOutcome(
        problem.task_id, digest_prompt(problem.prompt), result.best.program, result.outcome,
        judged.base.verdict.value, judged.plus.verdict.value, len(result.attempts),
        **asdict(result.cost), feedback=result.feedback, probability=result.answer.probability, sample=item.sample,
        standing=result.standing.value, doubt=_measure_doubt(result),
    )  # fmt: skip


def _measure_doubt(result: Result) -> float | None:
    """Measure how much the model doubted its program, in nats; None for a search, or where its numbers were none.

    Of what one pass computes anyway this tells wrong programs best (docs/results/signals.md).
    """
    doubt = scale_by_root_length([step.scores["entropy"] for step in result.steps])
    return doubt if len(result.attempts) == 1 and math.isfinite(doubt) else None


def believes_majority(strategy: Strategy) -> bool:
    """Whether a strategy takes the answer by a majority of its programs."""
    return isinstance(strategy, Search) and strategy.config.majority


def settle(arm: Arm, matched: Sequence[ProblemOutcome] = ()) -> tuple[Policy, Strategy]:
    """Return the policy and the strategy of an arm. matched: outcomes of the arm that it must match, if any."""
    policy, strategy = named_policy(arm.policy), arm.strategy
    if arm.threshold is not None:
        policy = replace(policy, gate=replace(policy.gate, threshold=arm.threshold))
    if arm.match and arm.match.part == "cost":
        strategy = BestOfEqual({each.prompt_sha256: each.token_rows for each in matched})
    if arm.match and arm.match.part == "pause rate":
        policy = pausing_by_chance(pause_rate(matched))
    return policy, strategy


def digest_outcomes(outcomes: Sequence[ProblemOutcome]) -> str:
    """Return what tells the costs and pauses of one run from those of another."""
    spent = [(each.task_id, each.token_rows, each.pauses, each.tokens) for each in outcomes]
    return hashlib.sha256(repr(spent).encode()).hexdigest()[:12]


def describe(strategy: Strategy) -> str:
    """Return a strategy in one line with the options that differ from their defaults, as "tree(programs=5)"."""
    if isinstance(strategy, Search):
        pairs = _options(strategy.config, SearchConfig(**strategy.settings))
    else:
        pairs = _options(strategy)
    options = ", ".join(f"{name}={value}" for name, value in pairs)
    return name_of(strategy) + (f"({options})" if options else "")


def _options(record: Any, usual: Any = None) -> Iterator[tuple[str, Any]]:
    """Yield the options that differ from those of `usual`, or else from the defaults of their fields."""
    for part in fields(record):
        value = getattr(record, part.name)
        default = part.default if part.default_factory is MISSING else part.default_factory()
        default = default if usual is None else getattr(usual, part.name)
        if part.name in _NEVER_SHOWN or not part.repr:
            continue
        if is_dataclass(value):
            yield from _options(value, default)
        elif value != default or part.name in _ALWAYS_SHOWN:
            yield part.name, value
