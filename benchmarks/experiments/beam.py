"""Beam search by transformers' own `generate`, as a strategy to compare with."""

from __future__ import annotations

from dataclasses import asdict, replace

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.lm.base import BeamSearcher
from agent.program.task import Task
from agent.records import Answer, Cost
from agent.strategies import ONCE, Contestant
from agent.workflow import nodes
from agent.workflow.context import Context, attempts_of
from agent.workflow.graph import begin
from agent.workflow.run import Result
from agent.workflow.state import AgentState


def beam(width: int, *, chosen: bool = False) -> Contestant:
    """One program by transformers' own beam search; or the first of all its beams that passes the visible examples."""

    def found(context: Context, task: Task) -> Result:
        greedy = replace(context, policy=POLICIES["greedy"])
        state: AgentState = begin(task, ONCE)
        state = {**state, **nodes.opened(greedy, state)}
        start, forwards, token_rows = context.clock(), context.lm.forwards, context.lm.token_rows
        beams = _beams(context, state, width, width if chosen else 1)
        spent = Cost(
            sum(map(len, beams)),
            context.lm.forwards - forwards,
            context.lm.token_rows - token_rows,
            seconds=context.clock() - start,
        )
        state = {**state, "cost": asdict(spent)}
        for tokens in beams:
            state = {**state, "tokens": tokens, "logprobs": [0.0] * len(tokens), "forks": [], "end": "beam"}
            state = {**state, **nodes.drafted(greedy, state)}
            state = {**state, **nodes.verified(greedy, state)}
            if state["attempts"][-1]["verdict"] == "passed":
                break
        state = {**state, **nodes.answered(greedy, state)}
        attempts, feedback = attempts_of(state), "visible" if chosen else "none"
        return Result(task, state["outcome"], attempts, Cost(**state["cost"]), Answer(**state["answer"]), feedback)

    return found


def _beams(context: Context, state: AgentState, width: int, returned: int) -> list[list[int]]:
    """Return the best beams, best first, each up to its end token. Raises InvalidRequestError for another backend."""
    lm, prompt = context.lm, state["prompts"][0]["ids"]
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
