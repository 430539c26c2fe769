"""Choose the next node of the graph from the state. Change nothing."""

from __future__ import annotations

from agent.records import Edge
from agent.search.answer import best_question, share_of_first
from agent.search.frontier import best_edge, next_edge
from agent.workflow.state import AgentState


def next_step(state: AgentState) -> str:
    """Return the node after a verification: the one that follows the next edge, a question to a person, or the end."""
    edge = next_edge(
        state.attempts, state.config, state.cost, share_of_first(state.attempts, majority=state.config.majority)
    )
    if edge is not None:
        return edge.kind
    if needs_cases(state):
        return "propose"
    if find_question(state) is not None:
        return "clarify"
    return "accept" if any(attempt.passed for attempt in state.attempts) else "abstain"


def edge_to_follow(state: AgentState) -> Edge:
    """Return the edge that `next_step` chose."""
    edge = best_edge(state.attempts, state.config)
    assert edge is not None, "a state without edges is not sent here"
    return edge


def find_question(state: AgentState) -> int | None:
    """Return the number of the input whose right output would settle most doubt; None where nobody is to be asked."""
    if len(state.asked_inputs) >= state.config.questions:
        return None
    return best_question(state.attempts, state.inputs, state.asked_inputs)


def needs_cases(state: AgentState) -> bool:
    """Whether no example checks the programs that passed, and the model was not asked for cases yet."""
    wanted = state.config.own_cases and state.config.votes > 1 and state.own_cases is None
    passed = [attempt for attempt in state.attempts if attempt.passed]
    return wanted and bool(passed) and not any(attempt.checked for attempt in state.attempts)
