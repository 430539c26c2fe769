"""Examples to calibrate hole-sets on: a program a problem, its tokens with their numbers, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.step import Step
from agent.program.task import read_task
from agent.records import Event
from agent.search.frontier import ONE_PROGRAM
from agent.strategies import Once
from agent.workflow.context import Context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from agent.workflow.text import place_tokens
from benchmarks.base import Problem
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.experiments.side_by_side import call_beside, run_side_by_side
from benchmarks.judging.checker import judge_program


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """A token of a program, and what the model said of it."""

    place: int  # character of the program at which it begins
    surprisal: float  # nats
    entropy: float  # nats, of the distribution that it came from
    paused: bool


@dataclass(frozen=True, slots=True)
class HoleExample:
    """The program of one problem, written in one go."""

    KIND: ClassVar[str] = "hole example"
    MADE_BY: ClassVar[str] = "calibrate holes --keep"

    task_id: str
    prompt_sha256: str
    program: str
    tokens: list[ScoredToken]  # those inside the program, in order
    right: bool  # it passes the hidden tests
    sample: int = 0


def collect_hole_examples(items: Sequence[WorkItem], context: Context, *, tasks: int) -> Iterator[HoleExample]:
    """Write a program for each item by the context's policy, and judge it by the hidden tests. Many side by side."""

    def run_one(item: WorkItem, own: Context) -> HoleExample:
        return _collect(item, own)

    return run_side_by_side(items, context, run_one, tasks=tasks)


def _collect(item: WorkItem, context: Context) -> HoleExample:
    problem, events = item.problem, list[Event]()
    task = read_task(problem.prompt, entry_point=problem.entry_point)
    own = replace(context, seed=item.seed(context.seed), emit=events.append)
    best = Once()(own, task).best
    prompt = build_prompt(context, AgentState(task, ONE_PROGRAM)).prompt
    places = place_tokens(context, task, prompt, best).places
    steps = [event for event in events if isinstance(event, Step)]
    tokens = [
        ScoredToken(place, -step.logprob, step.scores["entropy"], step.pause is not None)
        for place, step in zip(places, steps, strict=True)
        if place is not None
    ]
    right = call_beside(judge_program, context.sandbox, problem, best.program).passed
    return HoleExample(problem.task_id, digest_prompt(problem.prompt), best.program, tokens, right, item.sample)


def split_in_halves(problems: Sequence[Problem]) -> tuple[list[Problem], list[Problem]]:
    """Split problems by the digests of their prompts, in a way that depends neither on their order nor on labels."""
    ranked = sorted(problems, key=lambda problem: digest_prompt(problem.prompt))
    half = {problem.task_id for problem in ranked[: len(ranked) // 2]}
    return [each for each in problems if each.task_id in half], [each for each in problems if each.task_id not in half]
