"""The nodes `branch`, `read_on` and `sample`: begin the next attempt, where an earlier one had another way or anew."""

from __future__ import annotations

from dataclasses import replace

from agent.records import Cost, EdgeKind, Revision, Unfinished
from agent.workflow.context import Context
from agent.workflow.decode import decode_context, rebuild_completion
from agent.workflow.routes import edge_to_follow
from agent.workflow.state import AgentState
from agent.workflow.text import read_text


def take_branch(context: Context, state: AgentState) -> AgentState:
    """Leave a fork by another candidate. The branch may already be a whole answer."""
    start, edge = context.clock(), edge_to_follow(state)
    parent = state.attempts[edge.parent]
    current = Unfinished(
        parent.prompt,
        edge,
        state.cost,
        (*parent.tokens[: edge.position], edge.token),
        (*parent.logprobs[: edge.position], edge.logprob),
    )
    branched = replace(state, current=current, cost=state.cost + Cost(tokens=1))  # the stop rule counts the token
    completion = rebuild_completion(context, branched)
    fork = f"token {edge.position + 1} of program {edge.parent_label}, entropy {edge.entropy:.2f}"
    context.emit(Revision(EdgeKind.BRANCH, f"back to {fork}, taking {edge.text!r}", completion.text, edge.parent))
    end = decode_context(context, branched).stop(completion)
    cost = branched.cost + Cost(seconds=context.clock() - start)
    return replace(branched, current=replace(current, end=end), cost=cost)


def continue_answer(context: Context, state: AgentState) -> AgentState:
    """Decode on after a code block whose program failed: what the model says next may correct it."""
    edge = edge_to_follow(state)
    parent = state.attempts[edge.parent]
    current = Unfinished(parent.prompt, edge, state.cost, parent.tokens, parent.logprobs)
    text = read_text(context, state.prompts[parent.prompt], parent.tokens)
    context.emit(Revision(EdgeKind.READ_ON, f"reading on after program {edge.parent_label}", text, edge.parent))
    return replace(state, current=current)


def draw_sample(context: Context, state: AgentState) -> AgentState:
    """Begin another answer to the first prompt, whose tokens are drawn."""
    edge, number = edge_to_follow(state), 1 + sum(each.came_by(EdgeKind.SAMPLE) for each in state.attempts)
    context.emit(Revision(EdgeKind.SAMPLE, f"fresh sample {number}", parent=edge.parent))
    return replace(state, current=Unfinished(0, edge, state.cost))
