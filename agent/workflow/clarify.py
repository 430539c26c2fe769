"""The node `clarify`: ask a person what an input should give, where programs that passed differ."""

from __future__ import annotations

from dataclasses import replace

from agent.records import OutputQuestion, PersonExample, PersonReply
from agent.search.answer import cluster_programs, judge_by_person
from agent.verification.behaviour import find_function, read_output, write_call
from agent.workflow.context import Context, Person
from agent.workflow.routes import find_question
from agent.workflow.state import AgentState


def ask_for_output(context: Context, state: AgentState, person: Person) -> AgentState:
    """Ask for one more example, and judge the programs by it. An answer that is no literal settles nothing."""
    column = find_question(state)
    assert column is not None, "a state without a question is not sent here"
    question = _build_question(state, column)
    reply = person(question)
    wanted = question.outputs[reply] if isinstance(reply, int) else read_output(reply, question.outputs)
    replies = (*state.replies, PersonReply(question, reply))
    asked = replace(state, asked_inputs=(*state.asked_inputs, column), replies=replies)
    if wanted is None:
        return asked
    example = PersonExample(column, question.call, wanted)
    judged = tuple(judge_by_person(attempt, example) for attempt in state.attempts)
    return replace(asked, attempts=judged, person_examples=(*state.person_examples, example))


def _build_question(state: AgentState, column: int) -> OutputQuestion:
    """Ask about one input, with what the clusters of programs give for it."""
    firsts = [state.attempts[cluster.attempts[0]] for cluster in cluster_programs(state.attempts)]
    compared = [attempt for attempt in firsts if attempt.behaviour]
    name = state.task.entry_point or find_function(compared[0].program, None) or ""
    outputs = dict.fromkeys((attempt.behaviour or ())[column] for attempt in compared)
    return OutputQuestion(write_call(name, state.inputs[column]), tuple(outputs))
