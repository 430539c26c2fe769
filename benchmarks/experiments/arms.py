"""Ways to spend a budget on a task, with one record of cost: policies, with revisions, and what they must beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from agent.decoding import POLICIES, Policy
from agent.decoding.gates import LineStartGate, RandomGate
from agent.decoding.policies import ADADEC
from agent.decoding.rerank import Rerank
from agent.search.budget import Budget
from agent.search.frontier import Plan
from agent.search.orders import ORDERS
from agent.verification.examples import degenerate
from agent.workflow import nodes
from agent.workflow.context import Context
from agent.workflow.graph import begin
from agent.workflow.run import Result, perform
from agent.workflow.state import AgentState, Answer, Attempt, Cost, Task

Contestant = Callable[[Context, Task], Result]
GUARD_DRAWS = 3
ONCE = Plan(Budget(programs=1), votes=1, mutants=0)


def alone(context: Context, task: Task) -> Result:
    """One program by the context's policy."""
    return perform(context, task, plan=ONCE)


@dataclass(frozen=True, slots=True)
class Searched:
    """Programs by the context's policy, as a search plans them; the visible examples decide."""

    plan: Plan

    def __call__(self, context: Context, task: Task) -> Result:
        """Search."""
        return perform(context, task, plan=self.plan)


def tree(programs: int, **options: Any) -> Contestant:
    """The pause tree, within so many programs."""
    return Searched(Plan(Budget(programs=programs), **options))


def guarded(context: Context, task: Task) -> Result:
    """One program by the context's policy; while there is nothing to run, draw another, three at most.

    The degenerate-output guard by itself: no example is looked at. Where all are degenerate the first stands.
    """
    results = [alone(context, task)]
    while degenerate(results[-1].answer.program) and len(results) <= GUARD_DRAWS:
        results.append(_draw(context, task, len(results), context.max_tokens))
    stands = results[0] if degenerate(results[-1].answer.program) else results[-1]
    return _joined(results, stands)


def best_of(samples: int) -> Contestant:
    """Draw programs until one passes the visible examples; the first one stands where none does."""

    def drawn(context: Context, task: Task) -> Result:
        results = [_draw(context, task, 0, context.max_tokens)]
        while results[-1].outcome != "accepted" and len(results) < samples:
            results.append(_draw(context, task, len(results), context.max_tokens))
        return _first_accepted(results)

    return drawn


def _draw(context: Context, task: Task, number: int, max_tokens: int) -> Result:
    """Draw one program; each number draws another."""
    drawing = replace(context, policy=POLICIES["sample"], seed=seed_of(context, number), max_tokens=max_tokens)
    return perform(drawing, task, plan=ONCE)


def seed_of(context: Context, number: int) -> int:
    """Return the seed of the sample of this number, from 0."""
    return context.seed + 1_000 * number


def _first_accepted(results: list[Result]) -> Result:
    """The accepted program, or else the first one, at the cost of all."""
    chosen = results[-1] if results[-1].outcome == "accepted" else results[0]
    return replace(_joined(results, chosen), feedback="visible")


def _joined(results: list[Result], chosen: Result) -> Result:
    others = [attempt for result in results if result is not chosen for attempt in result.attempts]
    return replace(
        chosen,
        cost=sum((result.cost for result in results), Cost()),
        steps=[step for result in results for step in result.steps],
        attempts=[*others, *chosen.attempts],
        chosen=replace(chosen.chosen, attempt=len(others)),
    )


def best_of_equal(budgets: Mapping[str, int]) -> Contestant:
    """Draw programs as `best_of` does, on each task for its budget of tokens fed (`token_rows`).

    budgets: by request. The first program is drawn whole, whatever it takes; of the others the last is cut off where
    the budget ends: n tokens of another draw feed the prompt's last token and n - 1 of its own. (A model whose cache
    cannot be kept feeds its whole prompt again, and spends more.) A task that has no budget raises KeyError.
    """

    def drawn(context: Context, task: Task) -> Result:
        left, results = budgets[task.request], list[Result]()
        while not results or (results[-1].outcome != "accepted" and left > 0):
            room = left if results else context.max_tokens
            results.append(_draw(context, task, len(results), min(context.max_tokens, room)))
            left -= max(1, results[-1].cost.token_rows)  # a draw whose every token was known before costs none
        return _first_accepted(results)

    return drawn


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
        attempts, feedback = [Attempt(**attempt) for attempt in state["attempts"]], "visible" if chosen else "none"
        return Result(task, state["outcome"], attempts, Cost(**state["cost"]), Answer(**state["answer"]), feedback)

    return found


def by_chance(rate: float) -> Policy:
    """AdaDec that pauses at a share of all tokens, whatever the model says of them."""
    return replace(ADADEC, gate=RandomGate("entropy", math.nan, rate=rate))


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


LINE_START = replace(ADADEC, gate=LineStartGate("entropy", ADADEC.gate.threshold))
ABSORBING = replace(ADADEC, resolver=Rerank(width=3, horizon=5, ends="absorbing"))
MIN_P = replace(ADADEC, resolver=Rerank(width=5, horizon=5, min_p=0.1))
CUT = replace(ADADEC, resolver=Rerank(width=3, horizon=5, cut=True))

CONTESTANTS: dict[str, tuple[Policy, Contestant]] = {
    **{name: (policy, alone) for name, policy in POLICIES.items()},
    "beam-3": (POLICIES["greedy"], beam(3)),
    "beam-5-chosen": (POLICIES["greedy"], beam(5, chosen=True)),
    "best-of-5": (POLICIES["sample"], best_of(5)),
    "greedy-guarded": (POLICIES["greedy"], guarded),
    "adadec-guarded": (POLICIES["adadec"], guarded),
    "adadec-line-start": (LINE_START, alone),
    "adadec-absorbing": (ABSORBING, alone),
    "adadec-min-p": (MIN_P, alone),
    "adadec-cut": (CUT, alone),
    **{f"{name}-tree-{most}": (policy, tree(most)) for name, policy in POLICIES.items() for most in (5, 20)},
    **{f"tree-20-{order}": (POLICIES["greedy"], tree(20, order=order)) for order in ORDERS if order != "probability"},
    "adadec-tree-20-learned": (POLICIES["adadec"], tree(20, order="learned")),
    "greedy-repaired": (POLICIES["greedy"], tree(2, branches=False, repair_after=1)),
    "tree-20-unrepaired": (POLICIES["greedy"], tree(20, repair_after=0)),
    "tree-20-unbranched": (POLICIES["greedy"], tree(20, branches=False, repair_after=1)),
    "tree-20-unpruned": (POLICIES["greedy"], tree(20, prune=False)),
}
