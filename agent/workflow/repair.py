"""The node `repair`: begin the next attempt with a prompt that shows a program and its failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from agent.decoding.samplers import argmax
from agent.errors import BudgetSpentError, ContextLengthError
from agent.lm.reference import logits_before
from agent.program import prompts
from agent.program.failures import describe_failure
from agent.records import Attempt, Cost, Edge, EdgeKind, Prompt, Revision, Unfinished
from agent.search.frontier import find_departure
from agent.workflow.context import Context, count_forwards, limit_forwards
from agent.workflow.decode import decode_context, forbid_first, rebuild_completion
from agent.workflow.prepare import encode_prompt
from agent.workflow.routes import edge_to_follow
from agent.workflow.state import AgentState
from agent.workflow.text import code_region, locate_program, split_pieces
from uncertainty.scores import surprisal

_SHOWN = 3  # failures in the prompt


def repair_program(context: Context, state: AgentState) -> AgentState:
    """Ask for a repair of the failed program. Where the model cannot read the prompt, the attempt ends at once."""
    edge = edge_to_follow(state)
    try:
        prompt = _build_repair_prompt(context, state, state.attempts[edge.parent])
    except ContextLengthError as error:
        return _repeat_parent(context, state, edge, str(error))
    return _begin_repair(limit_forwards(context, state), state, edge, prompt)


def _build_repair_prompt(context: Context, state: AgentState, failed: Attempt) -> Prompt:
    task, failure = state.task, "\n".join(map(describe_failure, failed.failures[:_SHOWN]))
    text = prompts.write_repair_prompt(
        task.request, failed.program, failure, context.model.prompt_style, name=task.entry_point, tests=task.tests
    )
    return encode_prompt(context, text)


def _repeat_parent(context: Context, state: AgentState, edge: Edge, reason: str) -> AgentState:
    """Let the failed program stand as its own duplicate, at no cost, so that its repair leaves the frontier."""
    parent = state.attempts[edge.parent]
    detail = f"program {edge.parent_label} cannot be repaired: {reason}"
    context.emit(Revision(EdgeKind.REPAIR, detail, parent=edge.parent))
    current = Unfinished(parent.prompt, edge, state.cost, parent.tokens, parent.logprobs, end=parent.end)
    return replace(state, current=current)


def _begin_repair(context: Context, state: AgentState, edge: Edge, prompt: Prompt) -> AgentState:
    """Begin the answer to a repair prompt: where it would only repeat the failed program, with leaving that program."""
    start, before, failed = context.clock(), count_forwards(context), state.attempts[edge.parent]
    tokens, logprobs = _decode_repeated_part(context, state, prompt, failed)
    current = Unfinished(len(state.prompts), edge, state.cost, tokens, logprobs)
    repairing = replace(state, prompts=(*state.prompts, prompt), current=current)
    completion = rebuild_completion(context, repairing)
    failure = describe_failure(failed.failures[0])
    detail = f"asking again with the failure of program {edge.parent_label}: {failure}"
    context.emit(Revision(EdgeKind.REPAIR, detail, completion.text, edge.parent))
    end = decode_context(context, repairing).stop(completion) if tokens else None
    spent = Cost(tokens=len(tokens[-1:]), seconds=context.clock() - start) + (count_forwards(context) - before)
    return replace(repairing, current=replace(current, end=end), cost=state.cost + spent)


def _decode_repeated_part(
    context: Context, state: AgentState, prompt: Prompt, failed: Attempt
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the tokens, with their logprobs, up to the departure from the failed program.

    None where greedy decoding departs by itself, where the policy is not greedy, or where the budget ends.
    """
    room, repeated = context.lm.context, _program_tokens(context, state, failed)
    too_long = room is not None and len(prompt.ids) + len(repeated) >= room
    if not repeated or context.policy.sampler is not argmax or too_long:
        return (), ()
    try:
        logits = logits_before(forbid_first(context.lm, prompt), prompt.ids, repeated)
    except BudgetSpentError:
        return (), ()
    departure = find_departure(logits, repeated, _places_in_code(context, state, prompt, repeated))
    if departure is None:
        return (), ()
    tokens = (*repeated[: departure[0]], departure[1])
    return tokens, tuple(-surprisal(before, token) for before, token in zip(logits, tokens, strict=False))


def _places_in_code(context: Context, state: AgentState, prompt: Prompt, tokens: Sequence[int]) -> list[int]:
    """Return the positions of the tokens that belong to the code of an answer."""
    in_code = code_region(context, state.task, prompt)
    texts = accumulate(split_pieces(context, prompt, tokens), initial="")
    return [position for position, text in zip(range(len(tokens)), texts, strict=False) if in_code(text)]


def _program_tokens(context: Context, state: AgentState, attempt: Attempt) -> Sequence[int]:
    """Return the tokens of an attempt that begin before its program ends."""
    prompt = state.prompts[attempt.prompt]
    pieces = split_pieces(context, prompt, attempt.tokens)
    end, at = locate_program(context, state.task, prompt, "".join(pieces)).end, 0
    for number, piece in enumerate(pieces):
        if at >= end:
            return attempt.tokens[:number]
        at += len(piece)
    return attempt.tokens
