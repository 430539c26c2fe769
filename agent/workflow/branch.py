"""The nodes `branch`, `read_on` and `sample`: begin the next attempt, where an earlier one had another way or anew."""

from __future__ import annotations

from dataclasses import replace

from agent.decoding.samplers import Temperature, pick_uniform
from agent.records import Cost, EdgeKind, Revision, Unfinished, label_of
from agent.search.draws import Beginning, draw_beginning
from agent.workflow.context import Context
from agent.workflow.decode import decode_context, policy_of_attempt, rebuild_completion, seed_of_attempt
from agent.workflow.routes import edge_to_follow
from agent.workflow.state import AgentState


def take_branch(context: Context, state: AgentState) -> AgentState:
    """Leave a fork by another candidate. The branch may already be a whole answer."""
    start, edge = context.clock(), edge_to_follow(state)
    parent = state.attempts[edge.parent]
    tokens, logprobs = parent.tokens[: edge.position], parent.logprobs[: edge.position]
    current = Unfinished(parent.prompt, edge, state.cost, (*tokens, edge.token), (*logprobs, edge.logprob))
    fork = f"token {edge.position + 1} of program {edge.parent_label}, entropy {edge.entropy:.2f}"
    return _begin(context, replace(state, current=current), f"back to {fork}, taking {edge.text!r}", start, chosen=1)


def continue_answer(context: Context, state: AgentState) -> AgentState:
    """Decode on after a code block whose program failed: what the model says next may correct it."""
    start, edge = context.clock(), edge_to_follow(state)
    parent = state.attempts[edge.parent]
    current = Unfinished(parent.prompt, edge, state.cost, parent.tokens, parent.logprobs)
    return _begin(context, replace(state, current=current), f"reading on after program {edge.parent_label}", start)


def draw_sample(context: Context, state: AgentState) -> AgentState:
    """Begin another answer to the first prompt, whose tokens are drawn.

    Where it is to be new, it begins where a draw without replacement leaves the earlier answers. A policy whose
    temperature changes (AdapT) cannot draw so; its samples are independent.
    """
    start, edge = context.clock(), edge_to_follow(state)
    detail = f"fresh sample {1 + sum(each.came_by(EdgeKind.SAMPLE) for each in state.attempts)}"
    beginning = _draw_beginning(context, state) if edge.unrepeated else None
    if beginning is None:
        context.emit(Revision(EdgeKind.SAMPLE, detail, parent=edge.parent))
        return replace(state, current=Unfinished(0, replace(edge, unrepeated=False), state.cost))
    position, label = len(beginning.tokens) - 1, label_of(state.attempts[beginning.parent])
    edge = replace(
        edge,
        parent=beginning.parent,
        parent_label=label,
        position=position,
        token=beginning.tokens[-1],
        logprob=beginning.logprobs[-1],
    )
    current = Unfinished(0, edge, state.cost, beginning.tokens, beginning.logprobs)
    detail = f"{detail}, from token {position + 1} of program {label} on"
    return _begin(context, replace(state, current=current), detail, start, chosen=1)


def _draw_beginning(context: Context, state: AgentState) -> Beginning | None:
    sampler = policy_of_attempt(context.policy, edge_to_follow(state)).sampler
    if not isinstance(sampler, Temperature):
        return None
    seed = seed_of_attempt(context.seed, len(state.attempts))
    return draw_beginning(state.attempts, sampler.temperature, lambda position: pick_uniform(seed, position))


def _begin(context: Context, state: AgentState, detail: str, start: float, *, chosen: int = 0) -> AgentState:
    """Begin the attempt in progress, which has the first tokens of another. It may be at its end already.

    chosen: tokens that are new in it. start: when this node began, in seconds.
    """
    edge = state.current.edge
    assert edge is not None, "the attempt follows an edge"
    counted = replace(state, cost=state.cost + Cost(tokens=chosen))  # the stop rule counts the token
    completion = rebuild_completion(context, counted)
    context.emit(Revision(edge.kind, detail, completion.text, edge.parent))
    end = decode_context(context, counted).stop(completion)
    cost = counted.cost + Cost(seconds=context.clock() - start)
    return replace(counted, current=replace(state.current, end=end), cost=cost)
