"""How unsure the model was of each token of a program that it wrote."""

from __future__ import annotations

from typing import NamedTuple

from agent.program.task import Task
from agent.records import Attempt
from agent.search.frontier import ONE_PROGRAM
from agent.workflow.context import Context
from agent.workflow.prepare import build_prompt
from agent.workflow.state import AgentState
from agent.workflow.text import place_tokens


class HotSpan(NamedTuple):
    """A token in a program: its characters, and its surprisal in nats."""

    start: int
    end: int
    surprisal: float


def measure_heat(context: Context, task: Task, attempt: Attempt) -> list[HotSpan]:
    """Return the tokens of an attempt that stand in its program, in order. context: of its run."""
    prompt = build_prompt(context, AgentState(task, ONE_PROGRAM)).prompt  # a repair's prompt ends as the first one does
    text = place_tokens(context, task, prompt, attempt)
    ends = [*text.starts[1:], len(text.answer)]
    return [
        HotSpan(place, min(place + end - start, len(attempt.program)), -logprob)
        for place, start, end, logprob in zip(text.places, text.starts, ends, attempt.logprobs, strict=True)
        if place is not None
    ]
