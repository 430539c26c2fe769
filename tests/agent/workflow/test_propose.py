"""The node `propose`: the model's own test cases rank programs, cost what they cost, and verify none."""

from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest
from trie import PLAIN_CHAT, TrieLM

from agent.decoding import POLICIES
from agent.program.cases import read_cases
from agent.program.outputs import OutputKind
from agent.program.probe_inputs import MOST_INPUTS
from agent.program.styles import Turn
from agent.program.task import read_task
from agent.records import Answer, Attempt
from agent.search.answer import best_answer, cluster_programs
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.verification.own_cases import run_cases
from agent.workflow.context import Context
from agent.workflow.run import Standing, run_task
from agent.workflow.threads import open_memory_store
from sandbox import open_sandbox
from sandbox.base import Limits

STYLE = replace(PLAIN_CHAT, cases=Turn("Cases for {name}:\n{signature}", "{lead}"))
REQUEST = "Write double(x)."
PROGRAMS = {
    "```python\ndef double(x):\n    return x + 2\n```": 0.6,
    "```python\ndef double(x):\n    return x * 2\n```": 0.25,
    "```python\ndef double(x):\n    return x + x\n```": 0.15,
}
CASES = "(3) == 6\nassert double(5) == 10\nassert double(1) == 4\nassert double(\nassert double(4) == 8"


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


def search(box, cases=CASES, *, budget=None, own_cases=True, request=REQUEST, **more):
    model = TrieLM(PROGRAMS, {cases: 1.0}, repairs_from="Cases for")
    context = Context(model.model(style=STYLE), POLICIES["greedy"], box)
    config = SearchConfig(budget or Budget(), repair_after=0, own_cases=own_cases)
    return run_task(context, read_task(request), config=config, **more)


def test_the_answer_is_of_the_programs_and_cases_that_pass_together_and_not_the_likeliest(box):
    result = search(box)
    assert "x * 2" in result.best.program
    assert (result.answer.cases, result.answer.cases_passed) == (4, 3)
    assert [sum(each.cases) for each in result.attempts] == [0, 3, 3]
    assert result.standing == Standing.UNVERIFIED and not result.best.checked and not result.task.examples
    plain = search(box, "nothing")
    assert "x + 2" in plain.best.program and plain.answer.cases == 0


def test_a_search_without_cases_asks_for_none_and_takes_the_likeliest(box):
    result = search(box, own_cases=False)
    assert "x + 2" in result.best.program and result.answer.cases == 0
    assert result.cost.tokens == sum(attempt.cost.tokens for attempt in result.attempts)


def test_the_tokens_and_runs_of_the_cases_are_counted_and_held_to_the_budget(box):
    whole, plain = search(box), search(box, "n")
    assert whole.cost.tokens - plain.cost.tokens == len(CASES) - len("n")
    assert whole.cost.sandbox_runs > plain.cost.sandbox_runs
    programs = sum(attempt.cost.tokens for attempt in whole.attempts)
    cut = search(box, budget=Budget(tokens=programs + 10))
    assert cut.cost.tokens <= programs + 10 and cut.answer.cases == 1
    runs = sum(attempt.cost.sandbox_runs for attempt in whole.attempts)
    starved = search(box, budget=Budget(runs=runs + 1))
    assert starved.answer.cases == 0 and starved.cost.sandbox_runs <= runs + 1


def compared(result):
    """Return how many outputs of the programs are values and how many are exceptions, and what all programs give."""
    rows = [each.behaviour for each in result.attempts if each.behaviour]
    assert len({len(row) for row in rows}) == 1 and len(rows) == 3
    return Counter(output.kind for row in rows for output in row), {output.text for row in rows for output in row}


def test_with_cases_programs_are_compared_on_inputs_of_the_types_that_these_have(box):
    """Without a hint nobody knows that x is a number, and a text or a list says nothing of these programs."""
    (kinds, texts), (before, _) = compared(search(box)), compared(search(box, "n"))
    assert kinds[OutputKind.EXCEPTION] == 0 and kinds[OutputKind.VALUE] == 3 * MOST_INPUTS
    assert before[OutputKind.EXCEPTION] > 10
    assert {"5", "6", "10", "7"} <= texts, "x + 2 and x * 2 for the cases' own 3 and 5"


@pytest.mark.parametrize(
    "cases",
    [
        "(1, 2) == 2\nassert double() == 0",  # it takes one argument
        "([]) == []\nassert double(None) == 0",  # nothing can be changed in them
        "({}) == 0\nassert double({1: 2}) == 4\nassert double({3}) == 6",  # on these every program raises
        "(x=3) == 6",
    ],
    ids=["arity", "empty", "types", "keyword"],
)
def test_cases_of_no_use_leave_the_inputs_on_which_a_program_gives_a_value(cases, box):
    result, before = search(box, cases), search(box, "n")
    assert compared(result)[0][OutputKind.VALUE] >= compared(before)[0][OutputKind.VALUE] > 0
    assert result.outcome == before.outcome == "accepted" and result.answer.clusters == before.answer.clusters == 2


def test_what_the_request_names_stays_among_the_inputs_whatever_the_cases_are(box):
    result = search(
        box, "(3) == 6\nassert double(5) == 10\nassert double(7) == 14", request="Write double(x), as in double(1000)."
    )
    assert {"2000", "1002"} <= compared(result)[1]


def test_a_model_that_repeats_a_case_is_stopped(box):
    repeats = "(3) == 6\n" + "assert double(4) == 8\n" * 20
    result = search(box, repeats)
    assert result.answer.cases == 2
    assert result.cost.tokens - search(box, "n").cost.tokens < 70


def test_a_run_that_is_cut_off_in_the_proposal_ends_as_an_uninterrupted_one(box):
    saver, whole = open_memory_store(), search(box)

    def cut(event):
        if isinstance(event, Answer):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(box, checkpointer=saver, thread="t", on_event=cut)
    resumed = search(box, checkpointer=saver, thread="t")
    assert resumed.best.program == whole.best.program and resumed.answer == whole.answer
    assert [each.cases for each in resumed.attempts] == [each.cases for each in whole.attempts]
    assert resumed.cost.tokens == whole.cost.tokens


def test_a_case_that_never_ends_or_ends_the_process_spoils_no_other(box):
    program = "import os\ndef f(x):\n    while x == 1: pass\n    if x == 2: os._exit(0)\n    return x"
    cases = read_cases("\n".join(f"assert f({n}) == {n}" for n in (0, 1, 2, 3)), "f")
    assert run_cases(box, program, "f", cases, Limits()) == (True, False, False, True)
    assert run_cases(box, "def g(x): return x", "f", cases[:1], Limits()) == (True,)


def test_programs_times_cases_is_the_papers_score():
    def attempt(number, cases, logprob=-1.0, duplicate=None):
        known = (0, (number,), (logprob,), (), "end", "", "", (), "passed")
        return Attempt(*known, cases=cases, number=number, duplicate_of=duplicate)

    three, two = (True, True, True), (True, True, False)
    one_of_three, two_of_two = [attempt(0, three, -2.0)], [attempt(1, two), attempt(2, two)]
    assert cluster_programs([*one_of_three, *two_of_two])[0].attempts == (0,)  # 3.0 against 2.83
    more = [*one_of_three, *two_of_two, attempt(3, two)]
    assert 0 not in cluster_programs(more)[0].attempts  # 3.0 against 3.46
    twins = [*one_of_three, *two_of_two, attempt(3, two, duplicate=1)]
    assert best_answer(twins, ()).attempt == 0  # a duplicate is no program of its own
