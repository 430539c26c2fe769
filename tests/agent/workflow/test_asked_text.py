"""What a person writes at a question is no doubt of the model's: neither in the holes nor in the heat."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from trie import TrieLM

from agent.decoding import POLICIES
from agent.decoding.ask import Ask
from agent.decoding.gates import Gate
from agent.program.task import read_task
from agent.search.frontier import ONE_PROGRAM
from agent.views.doubts import list_doubts, say_doubts
from agent.workflow.context import Context
from agent.workflow.heat import measure_heat
from agent.workflow.run import run_task
from agent.workflow.threads import open_memory_store

REQUEST = 'def f(x: int) -> int:\n    """Return x times seven."""'
KNOWN = {"\n    return x + 7": 0.95, "\n    return x - 7": 0.05}


@pytest.mark.parametrize(("reply", "in_doubt"), [("* 7", False), (1, True)])
def test_a_text_is_in_no_doubt_and_a_chosen_candidate_is_as_unsure_as_the_model_was(reply, in_doubt):
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", 0.1), resolver=Ask())
    context = Context(TrieLM(KNOWN).model(), policy, ScriptedSandbox(value=2), max_tokens=40)
    result = run_task(
        context, read_task(REQUEST), config=ONE_PROGRAM, checkpointer=open_memory_store(), thread="t",
        person=lambda question: reply,
    )  # fmt: skip
    best = result.best
    assert best.program.rstrip().endswith("x - 7" if in_doubt else "x * 7")
    place = best.program.index(" 7") - 1
    hot = [span for span in measure_heat(context, result.task, best) if span.start >= place and span.surprisal > 0.3]
    doubts = [each for each in list_doubts(best) if each[1] > place]
    assert (bool(hot), bool(doubts)) == (in_doubt, in_doubt)
    assert any("in doubt: " in line for line in say_doubts(best, ())) == in_doubt


def test_a_person_sees_the_head_of_the_function_with_which_the_answer_begins():
    seen = []
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", 0.1), resolver=Ask())
    known = {"):\n    return x + 7": 0.9, "):\n    return x - 7": 0.1}
    context = Context(TrieLM(known).model(), policy, ScriptedSandbox(value=2), max_tokens=40)
    run_task(
        context, read_task("Write f(x)."), config=ONE_PROGRAM, checkpointer=open_memory_store(), thread="t",
        person=lambda question: seen.append(question.text) or 0,
    )  # fmt: skip
    assert [text.partition("def ")[2] for text in seen] == ["f(x):\n    return x "]
