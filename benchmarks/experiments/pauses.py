"""What a pause is worth: where greedy fails, which candidate at which pause would have led to a program that passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.decoding import POLICIES
from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.loop import decode_until_pause
from agent.decoding.samplers import argmax
from agent.decoding.step import Completion, Step
from agent.lm.base import Tokenizer
from agent.program.prompts import find_program
from agent.program.task import read_task
from agent.workflow.context import Context
from agent.workflow.decode import decode_context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from benchmarks.base import Problem
from benchmarks.judging.checker import judge_program


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
        task = read_task(problem.prompt, entry_point=problem.entry_point)
        decoding = decode_context(context, build_prompt(context, AgentState(task)))
        end, pauses = _greedy_with_pauses(decoding, context.tokenizer)
        if _passes(problem, context, end):
            yield None
        else:
            yield Failure(problem.task_id, tuple(_detour(problem, context, decoding, pause, width) for pause in pauses))


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


def _detour(problem: Problem, context: Context, decoding: DecodeContext, pause: DecodeState, width: int) -> Detour:
    logits = pause.prefix.logits
    candidates = [each.token for each in top_candidates(logits, width, pause.completion)]
    greedy = replace(decoding, policy=POLICIES["greedy"])

    def leads_to_a_pass(token: int) -> bool:
        _, after = greedy.commit(pause, greedy.score(logits), token)
        return _passes(problem, context, _arrived(decode_until_pause(greedy, after)))

    right = next((rank for rank, token in enumerate(candidates) if rank and leads_to_a_pass(token)), None)
    taken = next(decoding.policy.resolver(decoding, pause)).token
    return Detour(
        problem.task_id,
        len(pause.completion.tokens),
        decoding.policy.gate.uncertainty(logits),
        candidates.index(taken) + 1 if taken in candidates else width + 1,
        None if right is None else right + 1,
    )


def _greedy_with_pauses(decoding: DecodeContext, tokenizer: Tokenizer) -> tuple[DecodeState, list[DecodeState]]:
    """Decode greedily; return the end, and every place where the policy's gate would pause."""
    stream = tokenizer.stream(decoding.prompt_ids)
    place, pauses = (
        DecodeState(decoding.lm.prefill(decoding.prompt_ids), Completion(stream=stream)),
        list[DecodeState](),
    )
    while place.end is None:
        place = _arrived(decode_until_pause(decoding, place))
        if place.end is None:
            pauses.append(place)
            _, place = decoding.commit(place, decoding.score(place.prefix.logits), argmax(place.prefix.logits))
    return place, pauses


def _arrived(walk: Generator[Step, None, DecodeState]) -> DecodeState:
    """Follow a walk and return where it leads."""
    while True:
        try:
            next(walk)
        except StopIteration as arrived:
            place: DecodeState = arrived.value
            return place


def _passes(problem: Problem, context: Context, end: DecodeState) -> bool:
    text = end.completion.text
    program = find_program(problem.prompt, text, chat=context.model.chats, name=problem.entry_point).source(text)
    return judge_program(context.sandbox, problem, program).passed
