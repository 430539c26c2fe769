"""Beam search by transformers' own `generate`, as a strategy to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.lm.base import BeamSearcher
from agent.program.task import Task
from agent.records import Cost, Unfinished
from agent.strategies import ONCE, Contestant
from agent.workflow.conclude import choose_answer
from agent.workflow.context import Context, count_forwards
from agent.workflow.extract import extract_draft
from agent.workflow.prepare import build_prompt
from agent.workflow.run import Result, result_of
from agent.workflow.state import AgentState
from agent.workflow.verify import verify_program


def beam(width: int, *, chosen: bool = False) -> Contestant:
    """One program by transformers' own beam search; or the first of all its beams that passes the visible examples."""

    def found(context: Context, task: Task) -> Result:
        greedy = replace(context, policy=POLICIES["greedy"])
        state = build_prompt(greedy, AgentState(task, ONCE))
        start, before = context.clock(), count_forwards(context)
        beams = _beams(context, state.prompt.ids, width, width if chosen else 1)
        spent = Cost(sum(map(len, beams)), seconds=context.clock() - start) + (count_forwards(context) - before)
        state = replace(state, cost=spent)
        for tokens in beams:
            current = Unfinished(tokens=tuple(tokens), logprobs=(0.0,) * len(tokens), end="beam")
            state = verify_program(greedy, extract_draft(greedy, replace(state, current=current)))
            if state.attempts[-1].passed:
                break
        return replace(result_of(choose_answer(greedy, state)), feedback="visible" if chosen else "none")

    return found


def _beams(context: Context, prompt: Sequence[int], width: int, returned: int) -> list[list[int]]:
    """Return the best beams, best first, each up to its end token. Raises InvalidRequestError for another backend."""
    lm = context.lm
    if not isinstance(lm, BeamSearcher):
        raise InvalidRequestError("beam search needs the backend hf; choose a model of it, or another strategy")
    room = (lm.context or len(prompt) + context.max_tokens) - len(prompt)
    return lm.beam_search(
        prompt,
        width=width,
        returned=returned,
        max_tokens=min(context.max_tokens, room),
        end_ids=context.tokenizer.end_ids,
    )
