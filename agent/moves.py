"""What the nodes of the workflow do: a context and a state in, an update of the state out. The order is graph.py's."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

from agent import prompts
from agent.decoding.drafts import PromptLookup
from agent.decoding.place import Place, Surroundings
from agent.decoding.policies import Policy
from agent.decoding.samplers import argmax
from agent.decoding.step import Completion, Step
from agent.decoding.stops import StopRule, any_of, budget, end_of_code_block, end_of_function, end_token
from agent.errors import UsageError
from agent.examples import Check
from agent.lm import TextLM, logits_before
from agent.search import departure, next_branch, repairs_now
from agent.state import AgentState, Attempt, Cost, Event, Revision, Task
from agent.verify import verify
from sandbox.base import Limits, Sandbox, Verdict
from uncertainty import PartialProgram, partial_program, program_tree, surprisal

Emit = Callable[[Event], None]
Walk = Callable[[Surroundings, Place], Generator[Step, None, Place]]


@dataclass(frozen=True, slots=True)
class Context:
    """What a run works with, and never stores: the model, the policy, the sandbox and the bounds."""

    lm: TextLM
    policy: Policy
    sandbox: Sandbox
    max_tokens: int = 512
    tau: float = 0.1  # of the partial program: kept cost at most -ln tau nats
    max_holes: int = 2
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic


def opened(context: Context, state: AgentState) -> AgentState:
    """Start: the prompt's tokens, nothing generated yet."""
    task = task_of(state)
    prompt = _prompt(context, prompts.standard(task.request, chat=context.lm.chats))
    lame = prompts.standard(prompts.lame(task.request, task.entry_point), chat=context.lm.chats)
    prompt["lame_ids"] = context.lm.encode(lame, chat=context.lm.chats)
    return {**_begun(), "resolver": context.policy.resolver.name, "prompts": [prompt], "prompt": 0, "attempts": []}


def advanced(context: Context, state: AgentState, emit: Emit, walk: Walk) -> AgentState:
    """Decode along `walk`: to the next pause or the end, or through one pause."""
    start, lm = context.clock(), context.lm
    before = Cost(forwards=lm.forwards, token_rows=lm.token_rows)
    around = surroundings(context, state)
    steps = _drained(walk(around, _standing(around, context, state["tokens"])), emit)
    pauses = [_record(len(state["tokens"]) + i, step, context.policy) for i, step in enumerate(steps) if step.pause]
    spent = Cost(
        tokens=len(steps),
        forwards=lm.forwards - before.forwards,
        token_rows=lm.token_rows - before.token_rows,
        pauses=len(pauses),
        seconds=context.clock() - start,
    )
    return {
        "tokens": [*state["tokens"], *(step.token for step in steps)],
        "logprobs": [*state["logprobs"], *(step.logprob for step in steps)],
        "pauses": [*state["pauses"], *pauses],
        "end": steps[-1].end if steps else state["end"],
        "cost": asdict(_cost(state) + spent),
    }


def drafted(context: Context, state: AgentState) -> AgentState:
    """Cut the program out of what was generated, and mark what is not to be trusted as holes."""
    request = task_of(state).request
    pieces = _pieces(context, state)
    text = "".join(pieces)
    part = prompts.piece(request, text, chat=context.lm.chats)
    charges, at = [], len(part.head) - part.start
    for piece, logprob in zip(pieces, state["logprobs"], strict=True):
        if piece and len(part.head) <= at < len(part.head) + part.end - part.start:
            charges.append((at, -logprob))
        at += len(piece)
    partial = _holed(part.source(text), charges, context)
    return {
        "draft": {
            "program": partial.source,
            "partial": partial.rendered(),
            "holes": [list(hole) for hole in partial.holes],
        }
    }


def verified(context: Context, state: AgentState, emit: Emit) -> AgentState:
    """Run the draft on the visible examples."""
    start = context.clock()
    task, draft = task_of(state), state["draft"]
    result = verify(context.sandbox, draft["program"], task.checks, limits=context.limits)
    if state["end"] == "token budget" and result.passed and not result.checked:
        result = replace(result, verdict=Verdict.FAILED, failures=("the program was cut off by the token budget",))
    attempt = Attempt(
        state["prompt"], state["tokens"], state["logprobs"], state["pauses"], state["end"] or "", draft["program"],
        draft["partial"], draft["holes"], result.verdict.value, result.checked, list(result.failures),
    )  # fmt: skip
    emit(attempt)
    spent = Cost(sandbox_runs=result.runs, seconds=context.clock() - start)
    return {"attempts": [*state["attempts"], asdict(attempt)], "cost": asdict(_cost(state) + spent)}


def revised(context: Context, state: AgentState, emit: Emit) -> AgentState:
    """Go back to a pause and take another candidate, or put the failure into a new prompt."""
    attempts = attempts_of(state)
    if repairs_now(attempts, state["attempts_allowed"]):
        return _repair(context, state, attempts[-1], emit)
    return _branch(context, state, attempts, emit)


def task_of(state: AgentState) -> Task:
    """Return the task as a record."""
    task = state["task"]
    checks = tuple(Check(**{**check, "expressions": tuple(check["expressions"])}) for check in task["checks"])
    return Task(task["request"], checks, task["entry_point"], task["name"])


def attempts_of(state: AgentState) -> list[Attempt]:
    """Return the attempts as records, oldest first."""
    return [Attempt(**attempt) for attempt in state["attempts"]]


def surroundings(context: Context, state: AgentState) -> Surroundings:
    """Return what a step may look at, for the prompt being answered."""
    prompt = state["prompts"][state["prompt"]]
    lame = tuple(prompt["lame_ids"]) if prompt.get("lame_ids") else None
    stop, seed = _stop(context, prompt), context.seed + len(state["attempts"])
    draft = PromptLookup() if state["prompt"] else None  # a repair repeats most of the program that its prompt shows
    return Surroundings(context.lm, context.policy, stop, tuple(prompt["ids"]), lame, seed, draft)


def _branch(context: Context, state: AgentState, attempts: list[Attempt], emit: Emit) -> AgentState:
    branch = next_branch(attempts)
    assert branch is not None, "repairs_now() sends a state without branches to repair"
    tokens = branch.tokens
    update: AgentState = {
        "prompt": branch.attempt.prompt,
        "tokens": tokens,
        "logprobs": [*branch.attempt.logprobs[: branch.position], branch.logprob],
        "pauses": [],
        "cost": asdict(_cost(state) + Cost(tokens=1)),
    }
    around = surroundings(context, cast(AgentState, {**state, **update}))
    completion = _completion(around, context, tokens)
    where = f"the pause at token {branch.position + 1}, uncertainty {branch.uncertainty:.2f}"
    detail = f"back to {where}, taking {branch.text!r}"
    emit(Revision("branch", detail, completion.text))
    return {**update, "end": around.stop(completion)}


def _repair(context: Context, state: AgentState, attempt: Attempt, emit: Emit) -> AgentState:
    """Show the failure in a new prompt. An answer that would only repeat the failed program begins with leaving it."""
    failure = "\n".join(attempt.failures[:3])
    text = prompts.repair(task_of(state).request, attempt.program, failure, chat=context.lm.chats)
    update: AgentState = {**_begun(), "prompts": [*state["prompts"], _prompt(context, text)]}
    update["prompt"] = len(state["prompts"])
    start, lm = context.clock(), context.lm
    before = Cost(forwards=lm.forwards, token_rows=lm.token_rows)
    tokens, logprobs = _kept_of_repeat(context, update["prompts"][-1]["ids"], attempt.tokens[: _length(context, state)])
    around = surroundings(context, cast(AgentState, {**state, **update}))
    completion = _completion(around, context, tokens)
    told = f"asking again with the failure: {attempt.failures[0] if attempt.failures else attempt.verdict}"
    emit(Revision("repair", told, completion.text))
    spent = Cost(
        tokens=len(tokens[-1:]),
        forwards=lm.forwards - before.forwards,
        token_rows=lm.token_rows - before.token_rows,
        seconds=context.clock() - start,
    )
    end, cost = around.stop(completion) if tokens else None, asdict(_cost(state) + spent)
    return {**update, "tokens": tokens, "logprobs": logprobs, "end": end, "cost": cost}


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
    """How many of the last attempt's tokens begin inside its program."""
    pieces = _pieces(context, state)
    end, at = prompts.piece(task_of(state).request, "".join(pieces), chat=context.lm.chats).end, 0
    for number, piece in enumerate(pieces):
        if at >= end:
            return number
        at += len(piece)
    return len(pieces)


def _begun() -> AgentState:
    return {"tokens": [], "logprobs": [], "pauses": [], "end": None}


def _prompt(context: Context, text: str) -> dict[str, Any]:
    ids = context.lm.encode(text, chat=context.lm.chats)
    if context.lm.context is not None and len(ids) >= context.lm.context:
        raise UsageError(
            f"the prompt has {len(ids)} tokens and this model reads at most {context.lm.context} with its answer; "
            "shorten the prompt or choose a model with a longer context"
        )
    return {"text": text, "ids": ids, "lame_ids": None}


def _stop(context: Context, prompt: dict[str, Any]) -> StopRule:
    room = context.lm.context - len(prompt["ids"]) if context.lm.context else context.max_tokens
    over = end_of_code_block if context.lm.chats else end_of_function(prompt["text"])
    return any_of(end_token(context.lm.end_ids), over, budget(min(context.max_tokens, room)))


def _standing(around: Surroundings, context: Context, tokens: list[int]) -> Place:
    return Place(context.lm.prefill([*around.prompt_ids, *tokens]), _completion(around, context, tokens))


def _completion(around: Surroundings, context: Context, tokens: list[int]) -> Completion:
    completion = Completion(stream=context.lm.stream_after(list(around.prompt_ids)))
    for token in tokens:
        completion = completion.append(token)
    return completion


def _pieces(context: Context, state: AgentState) -> list[str]:
    stream = context.lm.stream_after(state["prompts"][state["prompt"]]["ids"])
    pieces = []
    for token in state["tokens"]:
        assert stream is not None, "a program is text: the workflow needs a model with a tokenizer"
        stream, piece = stream.feed(token)
        pieces.append(piece)
    return pieces


def _holed(source: str, charges: list[tuple[int, float]], context: Context) -> PartialProgram:
    return partial_program(source, program_tree(source, charges), tau=context.tau, max_holes=context.max_holes)


def _drained(stream: Generator[Step, None, Place], emit: Emit) -> list[Step]:
    steps = []
    for step in stream:
        emit(step)
        steps.append(step)
    return steps


def _record(position: int, step: Step, policy: Policy) -> dict[str, Any]:
    assert step.pause is not None
    return {
        "position": position,
        "uncertainty": step.scores[policy.gate.score],
        "candidates": [asdict(candidate) for candidate in step.pause.candidates],
    }


def _cost(state: AgentState) -> Cost:
    return Cost(**state["cost"])
