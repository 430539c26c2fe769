"""What a pause is worth: where greedy fails, which candidate at which pause would have led to a program that passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.decoding import POLICIES
from agent.decoding.context import Place, Surroundings, likeliest
from agent.decoding.loop import until_pause
from agent.decoding.samplers import argmax
from agent.decoding.step import Completion, Step
from agent.program.prompts import piece
from agent.program.task import task_from
from agent.workflow import nodes
from agent.workflow.context import Context, surroundings
from agent.workflow.graph import begin
from benchmarks.base import Problem
from benchmarks.judging.checker import judge


@dataclass(frozen=True, slots=True)
class Detour:
    """One pause of a greedy run that failed, and the first candidate from which greedy decoding passes."""

    task_id: str
    position: int  # of the token, from 0
    uncertainty: float  # by the policy's gate
    chosen: int  # rank of the candidate that the policy takes here; 1 is the likeliest
    right: int | None  # rank of the first candidate whose greedy continuation passes every hidden test; None: none does


@dataclass(frozen=True, slots=True)
class Failure:
    """A greedy run that failed, with all its pauses."""

    task_id: str
    detours: tuple[Detour, ...]


def failures(problems: Iterable[Problem], context: Context, *, width: int = 5) -> Iterator[Failure | None]:
    """Yield, for each problem, None where greedy passes, or what each pause of the failed run held.

    Pauses are those of the gate of `context.policy`, met by greedy decoding; `width` candidates are tried at each.
    """
    for problem in problems:
        begun = begin(task_from(problem.prompt, entry_point=problem.entry_point))
        around = surroundings(context, {**begun, **nodes.opened(context, begun)})
        end, pauses = _greedy_with_pauses(around)
        if _passes(problem, context, end):
            yield None
        else:
            yield Failure(problem.task_id, tuple(_detour(problem, context, around, pause, width) for pause in pauses))


def table(found: Sequence[Failure | None]) -> str:
    """Return the numbers in words: how many failures have a way out, and at which rank it lies."""
    failed = [failure for failure in found if failure]
    pauses = [detour for failure in failed for detour in failure.detours]
    ranks = Counter(detour.right for detour in pauses)
    saved = [failure for failure in failed if any(detour.right for detour in failure.detours)]
    taken = [failure for failure in failed if any(detour.right == detour.chosen != 1 for detour in failure.detours)]
    rows = {
        "problems": len(found),
        "failed by greedy": len(failed),
        "of these, with a pause": sum(bool(failure.detours) for failure in failed),
        "of these, with a way out at a pause": len(saved),
        "of these, where the policy takes it": len(taken),
        "pauses in failed runs": len(pauses),
        **{f"way out is candidate {rank}": ranks[rank] for rank in sorted(rank for rank in ranks if rank)},
        "no way out among the candidates": ranks[None],
        "pauses where the policy leaves the likeliest": sum(detour.chosen != 1 for detour in pauses),
    }
    return "\n".join(f"{name:<46}{value}" for name, value in rows.items())


def _detour(problem: Problem, context: Context, around: Surroundings, pause: Place, width: int) -> Detour:
    logits = pause.prefix.logits
    candidates = [each.token for each in likeliest(logits, width, pause.completion)]
    greedy = replace(around, policy=POLICIES["greedy"])

    def leads_to_a_pass(token: int) -> bool:
        _, after = greedy.step(pause, greedy.read(logits), token)
        return _passes(problem, context, _arrived(until_pause(greedy, after)))

    right = next((rank for rank, token in enumerate(candidates) if rank and leads_to_a_pass(token)), None)
    taken = next(around.policy.resolver(around, pause)).token
    return Detour(
        problem.task_id,
        len(pause.completion.tokens),
        around.policy.gate.uncertainty(logits),
        candidates.index(taken) + 1 if taken in candidates else width + 1,
        None if right is None else right + 1,
    )


def _greedy_with_pauses(around: Surroundings) -> tuple[Place, list[Place]]:
    """Decode greedily; return the end, and every place where the policy's gate would pause."""
    stream = around.lm.stream_after(list(around.prompt_ids))  # type: ignore[attr-defined]  # a TextLM: the workflow needs one
    place, pauses = Place(around.lm.prefill(around.prompt_ids), Completion(stream=stream)), list[Place]()
    while place.end is None:
        place = _arrived(until_pause(around, place))
        if place.end is None:
            pauses.append(place)
            _, place = around.step(place, around.read(place.prefix.logits), argmax(place.prefix.logits))
    return place, pauses


def _arrived(walk: Generator[Step, None, Place]) -> Place:
    """Follow a walk and return where it leads."""
    while True:
        try:
            next(walk)
        except StopIteration as arrived:
            place: Place = arrived.value
            return place


def _passes(problem: Problem, context: Context, end: Place) -> bool:
    text = end.completion.text
    program = piece(problem.prompt, text, chat=context.lm.chats, name=problem.entry_point).source(text)
    return judge(context.sandbox, problem, program).passed
