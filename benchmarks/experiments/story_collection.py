"""Collect the story of one problem out of the events of its run. Decides nothing, and never sees a hidden test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite, log

from agent.decoding.step import Pause, Step
from agent.program.failures import describe_failure
from agent.records import Attempt, Edge, Event, label_of
from agent.search.frontier import ONE_PROGRAM
from agent.views.doubts import describe_guarantee
from agent.workflow.context import Context
from agent.workflow.prepare import build_prompt
from agent.workflow.run import Result
from agent.workflow.state import AgentState
from agent.workflow.text import TokenText, place_tokens
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import digest_prompt
from benchmarks.experiments.stories import Story, StoryAttempt, StoryCandidate, StoryEdge, StoryPause, StorySpan

_EVEN_ODDS = log(2)  # nats: a token of more surprisal was less probable than all others together
_MOST_FAILURES = 8
_DIGITS = 4  # of a number that is stored


def collect_story(item: WorkItem, context: Context, events: Iterable[Event], result: Result) -> Story:
    """Build the story of one item. events: all that `solve` emitted in its run, in order; result: what it returned."""
    # A repair's prompt ends as the first prompt does, so the first one tells how to read all answers.
    prompt = build_prompt(context, AgentState(result.task, ONE_PROGRAM)).prompt
    attempts, texts = list[StoryAttempt](), list[TokenText]()
    for attempt, steps in zip(result.attempts, _split_steps(events), strict=True):
        texts.append(place_tokens(context, result.task, prompt, attempt))
        attempts.append(_describe_attempt(attempt, steps, texts))
    problem = item.problem
    return Story(
        problem.task_id, digest_prompt(problem.prompt), problem.prompt, result.answer.attempt, attempts, item.sample
    )


def _split_steps(events: Iterable[Event]) -> Iterator[list[Step]]:
    """Yield the steps of each attempt: those that came since the attempt before."""
    steps = list[Step]()
    for event in events:
        if isinstance(event, Step):
            steps.append(event)
        elif isinstance(event, Attempt):
            yield steps
            steps = []


def _describe_attempt(attempt: Attempt, steps: Sequence[Step], texts: Sequence[TokenText]) -> StoryAttempt:
    """Return the story of an attempt. texts: of the attempts up to this one."""
    text, first = texts[-1], len(attempt.tokens) - len(steps)  # a branch begins with tokens of its parent
    pauses = [
        _describe_pause(step.pause, number, text, attempt.program)
        for number, step in enumerate(steps, start=first)
        if step.pause is not None
    ]
    return StoryAttempt(
        label=label_of(attempt),
        edge=None if attempt.edge is None else _describe_edge(attempt.edge, texts[attempt.edge.parent]),
        answer=text.answer,
        program=attempt.program,
        partial=attempt.partial,
        holes=[_describe_hole(hole, text.places, attempt.logprobs) for hole in attempt.holes],
        doubts=list(_find_doubts(text, attempt)),
        verdict=attempt.verdict.value,
        checked=attempt.checked,
        failures=[describe_failure(failure) for failure in attempt.failures[:_MOST_FAILURES]],
        end=attempt.end,
        tokens=len(attempt.tokens),
        surprisal=_round(-sum(attempt.logprobs)),
        pauses=pauses,
        same_as=attempt.duplicate_label,
        guarantee=describe_guarantee(attempt.guarantee, failed=not attempt.passed),
    )


def _describe_pause(pause: Pause, number: int, text: TokenText, program: str) -> StoryPause:
    """Return the pause before the token of this number."""
    place = text.places[number]
    tokens = [candidate.token for candidate in pause.candidates]
    return StoryPause(
        at=text.starts[number],
        place=place,
        line=0 if place is None else 1 + program.count("\n", 0, place),
        reason=pause.reason,
        resolver=pause.resolver,
        candidates=[StoryCandidate(each.text, _round(each.logprob), _round(each.score)) for each in pause.candidates],
        chosen=tokens.index(pause.chosen) if pause.chosen in tokens else None,
        forwards=pause.forwards,
    )


def _describe_edge(edge: Edge, parent: TokenText) -> StoryEdge:
    at = parent.starts[edge.position] if edge.line and edge.position < len(parent.starts) else 0
    return StoryEdge(edge.kind.value, edge.parent, at, edge.line, edge.text)


def _describe_hole(hole: tuple[int, int], places: Iterable[int | None], logprobs: Iterable[float]) -> StorySpan:
    start, end = hole
    nats = sum(
        -logprob for place, logprob in zip(places, logprobs, strict=True) if place is not None and start <= place < end
    )
    return StorySpan(start, end, _round(nats))


def _find_doubts(text: TokenText, attempt: Attempt) -> Iterator[StorySpan]:
    """Yield the tokens of the program that were less probable than all others together."""
    ends = [*text.starts[1:], len(text.answer)]
    for place, start, end, logprob in zip(text.places, text.starts, ends, attempt.logprobs, strict=True):
        if place is not None and -logprob > _EVEN_ODDS:
            yield StorySpan(place, min(place + end - start, len(attempt.program)), _round(-logprob))


def _round(number: float) -> float | None:
    """Return a number as it is stored; None for one that JSON does not have."""
    return round(number, _DIGITS) if isfinite(number) else None
