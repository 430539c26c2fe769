"""The LangGraph workflow, node for node as docs/tour.md draws it. Nodes unpack, call one function and return.

Decoding leaves its node only at a pause or at the end, so a checkpoint is a decision point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agent.decoding.ask import Ask
from agent.decoding.loop import decode_until_pause, resolve_pause
from agent.decoding.step import Candidate
from agent.files.plain import plain
from agent.program.task import Task
from agent.records import Cost, Event
from agent.search.frontier import SearchConfig
from agent.workflow import nodes
from agent.workflow.context import Context
from agent.workflow.revise import Person, revised
from agent.workflow.state import AgentState


def prepare(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Turn the task into a prompt."""
    return nodes.opened(runtime.context, state)


def decode(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Decode until the next pause or the end."""
    return nodes.advanced(runtime.context, state, decode_until_pause)


def rerank(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Settle a pause by lookahead."""
    return nodes.advanced(runtime.context, state, resolve_pause)


def contrast(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Settle a pause by contrast with the lame prompt."""
    return nodes.advanced(runtime.context, state, resolve_pause)


def ask(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Settle a pause by asking the person."""
    asking = replace(runtime.context, policy=replace(runtime.context.policy, resolver=Ask(_chooser(runtime.context))))
    return nodes.advanced(asking, state, resolve_pause)


def holes(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Mark what is not to be trusted."""
    return nodes.drafted(runtime.context, state)


def verify(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Run the program on the visible examples."""
    return nodes.verified(runtime.context, state)


def revise(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """Prepare the next attempt, or ask for one more example."""
    return revised(runtime.context, state, interrupt)


def accept(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """End with a program that passed, and what speaks for it."""
    return nodes.answered(runtime.context, state)


def abstain(state: AgentState, runtime: Runtime[Context]) -> AgentState:
    """End with an honest no."""
    return nodes.answered(runtime.context, state)


def after_decoding(state: AgentState) -> str:
    """Finished goes on to holes; paused goes to the node of the policy's resolver."""
    return "holes" if state["end"] else state["resolver"]


def after_decision(state: AgentState) -> str:
    """A settled pause may have been the last."""
    return "holes" if state["end"] else "decode"


def after_revision(state: AgentState) -> str:
    """A branch may already be complete; after a question there is nothing to decode."""
    return "holes" if state["end"] else "decode" if state["edge"] else after_verification(state)


def after_verification(state: AgentState) -> str:
    """Enough is accepted; else the tree grows while there is something to try and to spend."""
    return nodes.next_move(state)


@lru_cache(maxsize=1)  # compiling takes as long as a forward, and a batch does it for each problem
def build(checkpointer: Any = None) -> Any:
    """Return the compiled workflow. With a checkpointer a run can be interrupted, killed and resumed."""
    graph = StateGraph(AgentState, context_schema=Context)
    for node in (prepare, decode, rerank, contrast, ask, holes, verify, revise, accept, abstain):
        graph.add_node(node.__name__, _numbered(node))
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "decode")
    resolvers = ["rerank", "contrast", "ask"]
    graph.add_conditional_edges("decode", after_decoding, ["holes", *resolvers])
    for resolver in resolvers:
        graph.add_conditional_edges(resolver, after_decision, ["holes", "decode"])
    graph.add_edge("holes", "verify")
    graph.add_conditional_edges("verify", after_verification, ["accept", "revise", "abstain"])
    graph.add_conditional_edges("revise", after_revision, ["holes", "decode", "revise", "accept", "abstain"])
    graph.add_edge("accept", END)
    graph.add_edge("abstain", END)
    return graph.compile(checkpointer=checkpointer)


def begin(task: Task, config: SearchConfig | None = None) -> AgentState:
    """Return the state that a run starts from."""
    return {"task": asdict(task), "config": (config or SearchConfig()).record(), "cost": asdict(Cost())}


def invoke(
    graph: Any, context: Context, start: AgentState | None, *, thread: str = "", person: Person | None = None
) -> AgentState:
    """Run to the end and return the final state; the context hears the events. start=None resumes the thread."""
    config = {"configurable": {"thread_id": thread}, "recursion_limit": 10_000}
    given: Any = start
    # What was decided is on disk before the next node begins, so a kill leaves no half of it.
    kept = "sync" if graph.checkpointer else None
    while (reached := graph.invoke(given, config, context=context, version="v2", durability=kept)).interrupts:
        if person is None:
            raise ValueError("the run asks a question and nobody is there to answer; pass person=")
        given = Command(resume=plain(person(reached.interrupts[0].value)))
    final: AgentState = reached.value
    return final


def _numbered(node: Callable[[AgentState, Runtime[Context]], AgentState]) -> Any:
    """Number the events of a node from those before it on: where it is run again, after a kill, they are the same."""

    def run_node(state: AgentState, runtime: Runtime[Context]) -> AgentState:
        context, count = runtime.context, state.get("events", 0)

        def emit(event: Event) -> None:
            nonlocal count
            count += 1
            context.log(count, event)
            context.emit(event)

        update = node(state, runtime.override(context=replace(context, emit=emit)))
        return {**update, "events": count}

    return run_node


def _chooser(context: Context) -> Callable[[str, tuple[Candidate, ...]], list[int]]:
    def choose(text: str, candidates: tuple[Candidate, ...]) -> list[int]:
        answer = interrupt({"text": text, "candidates": [asdict(candidate) for candidate in candidates]})
        return (
            [candidates[answer].token] if isinstance(answer, int) else context.tokenizer.encode(answer, continues=True)
        )

    return choose
