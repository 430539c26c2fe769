"""Measure what a pause is worth: try each candidate of each pause where greedy decoding fails, and judge it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from agent.decoding import POLICIES
from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.loop import decode_until_pause
from agent.decoding.samplers import argmax
from agent.decoding.step import Completion, Step
from agent.lm.base import Tokenizer
from agent.program.task import read_task
from agent.views.report import Report
from agent.workflow.context import Context
from agent.workflow.decode import decode_context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from agent.workflow.text import locate_program
from benchmarks.base import Problem
from benchmarks.judging.checker import judge_program


@dataclass(frozen=True, slots=True)
class PauseOutcome:
    """One pause of a greedy run that failed, and the first candidate from which greedy decoding passes."""

    task_id: str
    position: int  # the token's, from 0
    uncertainty: float  # the gate's score
    chosen: int  # rank of the candidate that the policy commits here; 1 is the likeliest
    right: int | None  # rank of the first candidate whose greedy continuation passes every hidden test; None: none does


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A greedy run that failed, with all its pauses."""

    task_id: str
    pauses: tuple[PauseOutcome, ...]


def explore_failures(problems: Iterable[Problem], context: Context, *, width: int = 5) -> Iterator[FailedRun | None]:
    """Yield None for each problem that greedy decoding solves, and the pauses of the failed run for each other one.

    The gate of `context.policy` decides where greedy decoding would pause. `width` candidates are tried at each pause.
    """
    for problem in problems:
        task = read_task(problem.prompt, entry_point=problem.entry_point)
        state = build_prompt(context, AgentState(task))
        decoding = decode_context(context, state)
        judge = partial(_passes, problem, context, state)
        end, pauses = _greedy_with_pauses(decoding, context.tokenizer)
        if judge(end):
            yield None
        else:
            yield FailedRun(problem.task_id, tuple(_explore(problem, decoding, at, width, judge) for at in pauses))


def report_pauses(runs: Sequence[FailedRun | None]) -> Report:
    """Count how many failures have a way out, and at which rank it lies."""
    failed = [run for run in runs if run]
    pauses = [pause for run in failed for pause in run.pauses]
    ranks = Counter(pause.right for pause in pauses)
    saved = [run for run in failed if any(pause.right for pause in run.pauses)]
    followed = [run for run in failed if any(pause.right == pause.chosen != 1 for pause in run.pauses)]
    rows = {
        "problems": len(runs),
        "failed by greedy": len(failed),
        "of these, with a pause": sum(bool(run.pauses) for run in failed),
        "of these, with a way out at a pause": len(saved),
        "of these, where the policy takes it": len(followed),
        "pauses in failed runs": len(pauses),
        **{f"way out is candidate {rank}": ranks[rank] for rank in sorted(rank for rank in ranks if rank)},
        "no way out among the candidates": ranks[None],
        "pauses where the policy leaves the likeliest": sum(pause.chosen != 1 for pause in pauses),
    }
    return Report(dict(rows), "\n".join(f"{name:<46}{value}" for name, value in rows.items()))


def _explore(
    problem: Problem,
    decoding: DecodeContext,
    pause: DecodeState,
    width: int,
    judge: Callable[[DecodeState], bool],
) -> PauseOutcome:
    """Decode greedily from each candidate of a pause, and judge the programs."""
    logits = pause.prefix.logits
    candidates = [each.token for each in top_candidates(logits, width, pause.completion)]
    greedy = replace(decoding, policy=POLICIES["greedy"])

    def leads_to_a_pass(token: int) -> bool:
        _, after = greedy.commit(pause, greedy.score(logits), token)
        return judge(_last_state(decode_until_pause(greedy, after)))

    # The failed run chose rank 0.
    right = next((rank for rank, token in enumerate(candidates) if rank and leads_to_a_pass(token)), None)
    choice = next(decoding.policy.resolver(decoding, pause)).token
    return PauseOutcome(
        problem.task_id,
        len(pause.completion.tokens),
        decoding.policy.gate.uncertainty(logits),
        candidates.index(choice) + 1 if choice in candidates else width + 1,
        None if right is None else right + 1,
    )


def _greedy_with_pauses(decoding: DecodeContext, tokenizer: Tokenizer) -> tuple[DecodeState, list[DecodeState]]:
    """Decode greedily; return the end, and every state in which the policy's gate would pause."""
    stream = tokenizer.stream(decoding.prompt_ids)
    state = DecodeState(decoding.lm.prefill(decoding.prompt_ids), Completion(stream=stream))
    pauses = list[DecodeState]()
    while state.end is None:
        state = _last_state(decode_until_pause(decoding, state))
        if state.end is None:
            pauses.append(state)
            _, state = decoding.commit(state, decoding.score(state.prefix.logits), argmax(state.prefix.logits))
    return state, pauses


def _last_state(steps: Generator[Step, None, DecodeState]) -> DecodeState:
    """Run decoding to its end and return the state it ends in."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            state: DecodeState = stop.value
            return state


def _passes(problem: Problem, context: Context, state: AgentState, end: DecodeState) -> bool:
    text = end.completion.text
    program = locate_program(context, state.task, state.prompt, text).source(text)
    return judge_program(context.sandbox, problem, program).passed
