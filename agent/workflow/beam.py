"""Beam search by transformers, run as a run of the workflow: its beams become programs, and the examples judge them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.errors import InvalidRequestError
from agent.lm.base import BeamSearcher
from agent.program.ends import End
from agent.program.task import Task
from agent.records import Cost, Prompt, Unfinished
from agent.search.frontier import ONE_PROGRAM
from agent.workflow.conclude import choose_answer
from agent.workflow.context import Context, count_forwards
from agent.workflow.extract import extract_draft
from agent.workflow.prepare import build_prompt
from agent.workflow.run import Result, result_of
from agent.workflow.state import AgentState
from agent.workflow.verify import verify_program


def run_beams(context: Context, task: Task, width: int, *, choose_by_examples: bool) -> Result:
    """Search with so many beams, and verify the best one, or each up to the first that passes the examples.

    Raises InvalidRequestError for a model of another backend than hf.
    """
    state = build_prompt(context, AgentState(task, ONE_PROGRAM))
    start, before = context.clock(), count_forwards(context)
    beams = _search(context, state.prompt, width, width if choose_by_examples else 1)
    spent = Cost(sum(map(len, beams)), seconds=context.clock() - start) + (count_forwards(context) - before)
    state = choose_answer(context, _verify_beams(context, replace(state, cost=spent), beams))
    return replace(result_of(context, state), feedback="visible" if choose_by_examples else "none")


def _search(context: Context, prompt: Prompt, width: int, returned: int) -> list[list[int]]:
    """Return the beams that may become programs, best first, each up to its end token."""
    lm = context.lm
    if not isinstance(lm, BeamSearcher):
        raise InvalidRequestError("beam search needs the backend hf; choose a model of it, or another strategy")
    room = (lm.context or len(prompt.ids) + context.max_tokens) - len(prompt.ids)
    return lm.beam_search(
        prompt.ids,
        width=width,
        returned=returned,
        max_tokens=min(context.max_tokens, room),
        end_ids=context.tokenizer.end_ids,
        forbidden_first=prompt.forbidden_first,
    )


def _verify_beams(context: Context, state: AgentState, beams: Sequence[list[int]]) -> AgentState:
    """Run the programs of the beams on the examples, best first, up to the first that passes."""
    for tokens in beams:
        beam = Unfinished(tokens=tuple(tokens), logprobs=(0.0,) * len(tokens), end=End.BEAM)
        state = verify_program(context, extract_draft(context, replace(state, current=beam)))
        if state.attempts[-1].passed:
            break
    return state
