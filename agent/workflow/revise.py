"""The next attempt: another candidate of a fork, or a prompt that shows a failure; or one example more, asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from agent.decoding.samplers import argmax
from agent.errors import BudgetSpentError, ContextLengthError
from agent.lm.reference import logits_before
from agent.program import prompts
from agent.program.failures import describe_failure
from agent.records import Attempt, Cost, Revision
from agent.search import answer as evidence
from agent.search.frontier import best_edge, departure
from agent.search.orders import BRANCH, ONWARD, REPAIR, Edge
from agent.verification.behaviour import find_function, read_output
from agent.workflow.context import (
    Context,
    attempt_record,
    attempts_of,
    begun,
    completion_of,
    config_in,
    cost_of,
    decode_context,
    piece_of,
    pieces_of,
    prompt_of,
    task_of,
    within,
)
from agent.workflow.nodes import question_of
from agent.workflow.state import AgentState
from uncertainty import surprisal

Person = Callable[[dict[str, Any]], int | str]  # a question's payload -> the number of what was shown, or text


def revised(context: Context, state: AgentState, person: Person) -> AgentState:
    """Take the best way not taken: leave a fork by another candidate, put the failure into a new prompt, or read on.

    Where the search is over and programs that passed differ, a person is asked what an input should give.
    """
    column = question_of(state)
    if column is not None:
        return _asked(state, column, person)
    attempts = attempts_of(state)
    edge = best_edge(attempts, config_in(state))
    assert edge is not None, "a state without ways not taken is not sent here"
    take = {BRANCH: _branch, REPAIR: _repair, ONWARD: _read_on}[edge.kind]
    return take(within(context, state), state, attempts, edge)


def _branch(context: Context, state: AgentState, attempts: list[Attempt], edge: Edge) -> AgentState:
    start, parent = context.clock(), attempts[edge.parent]
    tokens = [*parent.tokens[: edge.position], edge.token]
    update: AgentState = {
        **begun(state, asdict(edge)),
        "prompt": parent.prompt,
        "tokens": tokens,
        "logprobs": [*parent.logprobs[: edge.position], edge.logprob],
        "cost": asdict(cost_of(state) + Cost(tokens=1)),  # before the stop rule looks at what is left
    }
    after: AgentState = {**state, **update}
    decoding = decode_context(context, after)
    completion = completion_of(decoding, context, tokens)
    where = f"token {edge.position + 1} of program {edge.leaves}, entropy {edge.entropy:.2f}"
    context.emit(Revision("branch", f"back to {where}, taking {edge.text!r}", completion.text, edge.parent))
    cost = cost_of(after) + Cost(seconds=context.clock() - start)
    return {**update, "end": decoding.stop(completion), "cost": asdict(cost)}


def _read_on(context: Context, state: AgentState, attempts: list[Attempt], edge: Edge) -> AgentState:
    """Go on behind a code block whose program failed: what the model says next may correct it."""
    parent = attempts[edge.parent]
    update: AgentState = {
        **begun(state, asdict(edge)),
        "prompt": parent.prompt,
        "tokens": parent.tokens,
        "logprobs": parent.logprobs,
    }
    text = "".join(pieces_of(context, {**state, **update}))
    context.emit(Revision(ONWARD, f"reading on behind program {edge.leaves}", text, edge.parent))
    return update


def _repair(context: Context, state: AgentState, attempts: list[Attempt], edge: Edge) -> AgentState:
    """Show the failure in a new prompt. An answer that would only repeat the failed program begins with leaving it.

    A prompt longer than the model reads gets no answer: the failed program stands as its own duplicate, at no cost.
    """
    attempt = attempts[edge.parent]
    failure = "\n".join(map(describe_failure, attempt.failures[:3]))
    task = task_of(state)
    text = prompts.write_repair_prompt(
        task.request, attempt.program, failure, chat=context.model.chats, name=task.entry_point, tests=task.tests
    )
    try:
        prompt = prompt_of(context, text)
    except ContextLengthError as error:
        context.emit(Revision("repair", f"program {edge.leaves} cannot be repaired: {error}", "", edge.parent))
        return {
            **begun(state, asdict(edge)),
            "prompt": attempt.prompt,
            "tokens": attempt.tokens,
            "logprobs": attempt.logprobs,
            "end": attempt.end,
        }
    update: AgentState = {**begun(state, asdict(edge)), "prompts": [*state["prompts"], prompt]}
    update["prompt"] = len(state["prompts"])
    start, lm = context.clock(), context.lm
    before = Cost(forwards=lm.forwards, token_rows=lm.token_rows)
    failed = attempt.tokens[: _length(context, {**state, "prompt": attempt.prompt, "tokens": attempt.tokens})]
    try:
        tokens, logprobs = _kept_of_repeat(context, prompt["ids"], failed)
    except BudgetSpentError:
        tokens, logprobs = [], []
    after: AgentState = {**state, **update}
    decoding = decode_context(context, after)
    completion = completion_of(decoding, context, tokens)
    told = f"asking again with the failure of program {edge.leaves}: {describe_failure(attempt.failures[0])}"
    context.emit(Revision("repair", told, completion.text, edge.parent))
    spent = Cost(
        tokens=len(tokens[-1:]),
        forwards=lm.forwards - before.forwards,
        token_rows=lm.token_rows - before.token_rows,
        seconds=context.clock() - start,
    )
    end, cost = decoding.stop(completion) if tokens else None, asdict(cost_of(state) + spent)
    return {**update, "tokens": tokens, "logprobs": logprobs, "end": end, "cost": cost}


def _asked(state: AgentState, column: int, person: Person) -> AgentState:
    """Ask what an input should give, and judge the programs by it; an answer that is no literal settles nothing."""
    attempts = attempts_of(state)
    compared = [
        attempts[cluster.attempts[0]]
        for cluster in evidence.clusters(attempts)
        if attempts[cluster.attempts[0]].behaviour
    ]
    name = task_of(state).entry_point or find_function(compared[0].program, None)
    source = f"{name}{_call(state['inputs'][column])}"
    outputs = list(dict.fromkeys((attempt.behaviour or [])[column] for attempt in compared))
    said = person({"call": source, "outputs": outputs})
    right = outputs[said] if isinstance(said, int) else read_output(said, outputs)
    judged = attempts if right is None else evidence.settle(attempts, column, source, right)
    told = state.get("told", []) if right is None else [*state.get("told", []), [column, source, right]]
    asked = [*state.get("asked", []), column]
    return {
        "attempts": [attempt_record(each) for each in judged],
        "asked": asked,
        "told": told,
        "end": None,
        "edge": {},
    }


def _call(arguments: str) -> str:
    """Return the source of a tuple as the brackets of a call."""
    return f"{arguments[:-2]})" if arguments.endswith(",)") else arguments


def _kept_of_repeat(context: Context, prompt: list[int], failed: list[int]) -> tuple[list[int], list[float]]:
    """The tokens, with their logprobs, up to where the answer must leave the failed program; none where it will."""
    room = context.lm.context
    if not failed or context.policy.sampler is not argmax or (room is not None and len(prompt) + len(failed) >= room):
        return [], []
    logits = logits_before(context.lm, prompt, failed)
    left = departure(logits, failed)
    if left is None:
        return [], []
    kept = [*failed[: left[0]], left[1]]
    return kept, [-surprisal(before, token) for before, token in zip(logits, kept, strict=False)]


def _length(context: Context, state: AgentState) -> int:
    """Return how many of the tokens begin before the program ends."""
    pieces = pieces_of(context, state)
    end, at = piece_of(context, state, "".join(pieces)).end, 0
    for number, piece in enumerate(pieces):
        if at >= end:
            return number
        at += len(piece)
    return len(pieces)
