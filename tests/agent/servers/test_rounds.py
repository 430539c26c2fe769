"""A run stops where it asks, and goes on with the answer as if somebody had been there."""

from threading import Event

import pytest
from chat_answers import fenced

from agent.program.task import read_task
from agent.records import Attempt, CandidateQuestion, OutputQuestion
from agent.servers.rounds import Rounds
from agent.workflow.run import Result
from agent.workflow.session import Session
from agent.workflow.threads import open_memory_store

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3 and total([4]) is 4."
OPEN = "Write total(xs)."
SUM, MAX = (fenced(f"def total(xs):\n    return {name}(xs)\n") for name in ("sum", "max"))


def nothing(event):
    pass


def drive(rounds, choose, stop=None):
    """Advance to the result, and return the questions with it."""
    questions, stop = [], stop or Event()
    while not isinstance(outcome := rounds.advance(nothing, stop), Result):
        questions.append(outcome)
        rounds.reply(choose(outcome))
    return outcome, questions


def test_a_run_that_does_not_ask_ends_in_one_round(agent_of):
    events = []
    result = Rounds(agent_of({SUM: 1.0}), read_task(ASKED)).advance(events.append, Event())
    assert isinstance(result, Result) and result.standing == "verified"
    assert sum(isinstance(each, Attempt) for each in events) == 1


@pytest.mark.parametrize("choice", [0, 1, "sum(reversed(xs))\n"])
def test_the_answer_to_a_question_is_what_the_program_goes_on_with(agent_of, choice):
    agent = agent_of({SUM: 0.6, MAX: 0.4}, ask=True, strategy="once")
    result, (question,) = drive(Rounds(agent, read_task(ASKED)), lambda question: choice)
    assert isinstance(question, CandidateQuestion)
    assert question.text.endswith("return ") and [each.text[:3] for each in question.candidates[:2]] == ["sum", "max"]
    assert ("return " + ("sum(xs)", "max(xs)")[choice] if isinstance(choice, int) else choice) in result.best.program


def test_rounds_give_what_a_run_with_a_person_beside_it_gives(agent_of):
    agent, choices = agent_of({SUM: 0.5, MAX: 0.3, SUM.replace("sum", "len"): 0.2}, ask=True, programs=4), [1, 0, 1, 0]
    asked = iter(choices)
    session = Session(lambda question: next(asked), checkpointer=open_memory_store(), thread="run")
    wanted = agent.solve(read_task(ASKED), on_event=nothing, session=session)
    asked = iter(choices)
    result, _ = drive(Rounds(agent, read_task(ASKED)), lambda question: next(asked))
    assert [each.program for each in result.attempts] == [each.program for each in wanted.attempts]
    assert result.answer == wanted.answer


def test_no_answer_lets_the_run_decide_and_ask_no_more(agent_of):
    agent = agent_of({SUM: 0.6, MAX: 0.4}, ask=True, programs=3)
    result, questions = drive(Rounds(agent, read_task("Write total(xs).")), lambda question: None)
    assert len(questions) == 1 and "sum(xs)" in result.attempts[0].program


def test_no_more_questions_than_allowed_are_asked(agent_of):
    agent = agent_of({SUM: 0.5, MAX: 0.3, SUM.replace("sum", "len"): 0.2}, ask=True, programs=4)
    _, free = drive(Rounds(agent, read_task(OPEN)), lambda question: 0)
    _, bounded = drive(Rounds(agent, read_task(OPEN), most_questions=1), lambda question: 0)
    assert len(free) > 1 == len(bounded)


def test_a_person_is_asked_what_a_call_should_give_where_programs_differ(agent_of):
    agent = agent_of({SUM: 0.5, MAX: 0.5}, ask=True, programs=4)
    _, questions = drive(Rounds(agent, read_task(OPEN)), lambda question: 0)
    (asked, *_) = [each for each in questions if isinstance(each, OutputQuestion)]
    assert asked.call.startswith("total(") and len(asked.outputs) == 2


def test_a_run_that_is_stopped_at_a_question_ends_with_what_there_is(agent_of):
    stop = Event()
    agent = agent_of({SUM: 0.6, MAX: 0.4}, ask=True)

    def leave(question):
        stop.set()

    result, questions = drive(Rounds(agent, read_task(ASKED)), leave, stop)
    assert len(questions) == 1 and result.standing == "abstained"
    assert result.best.program.rstrip().endswith("return")


def test_a_run_that_is_stopped_before_its_first_token_ends_as_well(agent_of):
    stop = Event()
    stop.set()
    result = Rounds(agent_of({SUM: 1.0}), read_task(ASKED)).advance(nothing, stop)
    assert isinstance(result, Result) and result.standing == "abstained"
