"""Beam search by transformers' own `generate`, as a strategy to compare with."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from agent.decoding import POLICIES
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
        start, counted = context.clock(), _Counter()
        beams = _generated(context, state, width, width if chosen else 1, counted)
        spent = Cost(sum(map(len, beams)), counted.forwards, counted.token_rows, seconds=context.clock() - start)
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


class _Counter:
    """Counts a module's calls and the tokens fed to it."""

    forwards = token_rows = 0

    def __call__(self, module: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        ids = options.get("input_ids", arguments[0] if arguments else None)
        self.forwards += 1
        self.token_rows += int(ids.numel()) if ids is not None else 0


def _generated(context: Context, state: AgentState, width: int, returned: int, counter: _Counter) -> list[list[int]]:
    """Return the best beams, best first, each up to its end token."""
    import torch  # noqa: PLC0415 - the command line reads this registry before it knows that a model is wanted

    model, prompt = context.lm.model, state["prompts"][0]["ids"]  # type: ignore[attr-defined]  # beam search is HF's alone
    ids = torch.tensor([prompt], device=model.device)
    room = (context.lm.context or len(prompt) + context.max_tokens) - len(prompt)
    hook = model.register_forward_pre_hook(counter, with_kwargs=True)
    try:
        ends = sorted(context.lm.end_ids) or None
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), num_beams=width, num_return_sequences=returned, do_sample=False,
            eos_token_id=ends, pad_token_id=ends[0] if ends else None, max_new_tokens=min(context.max_tokens, room),
        )  # fmt: skip
    finally:
        hook.remove()
    return [_up_to_end(tokens, context.lm.end_ids) for tokens in out[:, len(prompt) :].tolist()]


def _up_to_end(tokens: list[int], ends: frozenset[int]) -> list[int]:
    return next((tokens[: at + 1] for at, token in enumerate(tokens) if token in ends), tokens)
