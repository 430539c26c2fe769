"""The node `repair`: begin the next attempt with a prompt that shows a program and its failure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from agent.decoding.samplers import argmax
from agent.errors import BudgetSpentError, ContextLengthError
from agent.lm.reference import logits_before
from agent.program import prompts
from agent.program.failures import describe_failure
from agent.program.wording import Wording, read_wording
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


class _Repeated(NamedTuple):
    """The part of a failed program's answer that a repair would repeat."""

    tokens: tuple[int, ...]
    offsets: Sequence[int | None]  # where in the program each token begins
    wording: Wording  # of the program


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
        task.request,
        failed.program,
        failure,
        context.model.prompt_style,
        name=task.entry_point,
        parameters=task.parameters,
        tests=task.tests,
        beside=task.beside,
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

    None where greedy decoding departs by itself, where no likely token changes the code, where the policy is not
    greedy, or where the budget ends.
    """
    room, repeated = context.lm.context, _read_repeated(context, state, failed)
    too_long = room is not None and len(prompt.ids) + len(repeated.tokens) >= room
    if not repeated.tokens or context.policy.sampler is not argmax or too_long:
        return (), ()
    try:
        logits = logits_before(forbid_first(context.lm, prompt), prompt.ids, repeated.tokens)
    except BudgetSpentError:
        return (), ()

    def changes_code(position: int, token: int) -> bool:
        text = split_pieces(context, prompt, [*repeated.tokens[:position], token])[-1]
        offset = repeated.offsets[position]
        return offset is not None and not repeated.wording.is_reworded(offset, text)

    in_prose = [offset is None or repeated.wording.is_prose(offset) for offset in repeated.offsets]
    places = [each for each in _places_in_code(context, state, prompt, repeated.tokens) if not in_prose[each]]
    departure = find_departure(logits, repeated.tokens, places, changes_code)
    if departure is None:
        return (), ()
    tokens = (*repeated.tokens[: departure[0]], departure[1])
    return tokens, tuple(-surprisal(before, token) for before, token in zip(logits, tokens, strict=False))


def _places_in_code(context: Context, state: AgentState, prompt: Prompt, tokens: Sequence[int]) -> list[int]:
    """Return the positions of the tokens that belong to the code of an answer."""
    in_code = code_region(context, state.task, prompt)
    texts = accumulate(split_pieces(context, prompt, tokens), initial="")
    return [position for position, text in zip(range(len(tokens)), texts, strict=False) if in_code(text)]


def _read_repeated(context: Context, state: AgentState, attempt: Attempt) -> _Repeated:
    """Return what a repair would repeat: the tokens that begin before the last character of the program."""
    prompt = state.prompts[attempt.prompt]
    pieces = split_pieces(context, prompt, attempt.tokens)
    text, starts = "".join(pieces), [0, *accumulate(map(len, pieces))][:-1]
    location = locate_program(context, state.task, prompt, text)
    count = bisect_left(starts, len(text[: location.end].rstrip()))
    wording = read_wording(location.source(text))
    return _Repeated(attempt.tokens[:count], location.offsets(starts, len(text))[:count], wording)
