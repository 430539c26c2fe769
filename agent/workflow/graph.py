"""The LangGraph workflow, node for node as docs/tour.md draws it.

A node is a function of the context and the state, which returns the next state. Choices live in the routers. Decoding
leaves its node only at a pause or at the end, so a checkpoint is a decision point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import lru_cache, partial
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, interrupt

from agent.decoding.loop import decode_until_pause, resolve_pause
from agent.files.plain import make_plain
from agent.records import EdgeKind, Event
from agent.workflow.branch import continue_answer, draw_sample, take_branch
from agent.workflow.clarify import ask_for_output
from agent.workflow.conclude import choose_answer
from agent.workflow.context import Context, Person
from agent.workflow.decode import advance, ask_for_token, preview_pause
from agent.workflow.extract import extract_draft
from agent.workflow.prepare import build_prompt
from agent.workflow.propose import propose_cases
from agent.workflow.repair import repair_program
from agent.workflow.routes import next_step
from agent.workflow.state import AgentState
from agent.workflow.verify import verify_program

Node = Callable[[Context, AgentState], AgentState]
NODES: dict[str, Node] = {
    "prepare": build_prompt,
    "decode": partial(advance, walk=decode_until_pause),
    "rerank": partial(advance, walk=resolve_pause),
    "contrast": partial(advance, walk=resolve_pause),
    "preview": preview_pause,
    "ask": partial(ask_for_token, person=interrupt),
    "extract": extract_draft,
    "verify": verify_program,
    EdgeKind.BRANCH: take_branch,
    EdgeKind.READ_ON: continue_answer,
    EdgeKind.REPAIR: repair_program,
    EdgeKind.SAMPLE: draw_sample,
    "propose": propose_cases,
    "clarify": partial(ask_for_output, person=interrupt),
    "accept": choose_answer,
    "abstain": choose_answer,
}


def after_decoding(state: AgentState, runtime: Runtime[Context]) -> str:
    """Send a finished answer to `extract`, and a pause to the node of the policy's resolver, to `ask` by `preview`."""
    name = "extract" if state.current.end else runtime.context.policy.resolver.name
    return "preview" if name == "ask" else name


def after_preview(state: AgentState) -> str:
    """Send a pause to the person, unless the budget ended at it."""
    return "extract" if state.current.end else "ask"


def after_pause(state: AgentState) -> str:
    """Send on an answer that a resolved pause or the beginning of an attempt has finished; else decode."""
    return "extract" if state.current.end else "decode"


@lru_cache(maxsize=1)  # compiling takes as long as a forward, and a batch does it for each problem
def build(checkpointer: Any = None) -> Any:
    """Return the compiled workflow. With a checkpointer a run can be interrupted, killed and resumed."""
    graph = StateGraph(AgentState, context_schema=Context)
    for name, node in NODES.items():
        graph.add_node(name, _with_numbered_events(node))
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "decode")
    graph.add_conditional_edges("decode", after_decoding, ["extract", "rerank", "contrast", "preview"])
    graph.add_conditional_edges("preview", after_preview, ["extract", "ask"])
    for name in ("rerank", "contrast", "ask", *EdgeKind):
        graph.add_conditional_edges(name, after_pause, ["extract", "decode"])
    graph.add_edge("extract", "verify")
    after = [*EdgeKind, "clarify", "accept", "abstain"]
    for name, targets in {"verify": [*after, "propose"], "propose": after, "clarify": after}.items():
        graph.add_conditional_edges(name, next_step, targets)
    graph.add_edge("accept", END)
    graph.add_edge("abstain", END)
    return graph.compile(checkpointer=checkpointer)


def invoke(
    graph: Any, context: Context, start: AgentState | None, *, thread: str = "", person: Person | None = None
) -> AgentState:
    """Run to the end and return the final state. start=None resumes the thread.

    person: answers the run's questions. Raises ValueError for a question that nobody is there to answer.
    """
    config = {"configurable": {"thread_id": thread}, "recursion_limit": 10_000}
    step: Any = start
    # A decision is on disk before the next node begins, so a kill leaves no half of it.
    durability = "sync" if graph.checkpointer else None
    with _without_notes():
        while (output := graph.invoke(step, config, context=context, version="v2", durability=durability)).interrupts:
            if person is None:
                raise ValueError("the run asks a question and nobody is there to answer; pass person=")
            step = Command(resume=make_plain(person(output.interrupts[0].value)))
    final: AgentState = output.value
    return final


@contextmanager
def _without_notes() -> Iterator[None]:
    """Take LangGraph's notes from an error: they name its tasks, and a person reads the notes of an error."""
    try:
        yield
    except Exception as error:
        if hasattr(error, "__notes__"):
            error.__notes__ = [note for note in error.__notes__ if not note.startswith("During task with name")]
        raise


def _with_numbered_events(node: Node) -> Any:
    """Return LangGraph's form of a node: it numbers its events from those before it, and returns what it changed.

    A node that runs again, after a kill, gives its events the same numbers.
    """

    def run_node(state: AgentState, runtime: Runtime[Context]) -> dict[str, Any]:
        context, count = runtime.context, state.events

        def emit(event: Event) -> None:
            nonlocal count
            count += 1
            context.log(count, event)
            context.emit(event)

        after = replace(node(replace(context, emit=emit), state), events=count)
        values = ((part.name, getattr(after, part.name)) for part in fields(after))
        return {name: value for name, value in values if value is not getattr(state, name)}

    return run_node
