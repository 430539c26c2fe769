"""Mutants of an answer: one token changed, the likeliest first, no duplicate, and what the examples say of them."""

import math
from contextlib import closing

import pytest
from trie import TrieLM

from agent.decoding import POLICIES, Candidate
from agent.profile import ModelProfile, ReliabilityCurve
from agent.program.task import read_task
from agent.records import Attempt, Edge, EdgeKind, Fork
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.search.mutants import LEAST_WEIGHT, make_mutants, total_weight
from agent.workflow.context import Context
from agent.workflow.run import run_task
from agent.workflow.threads import open_memory_store
from sandbox import open_sandbox


def read_program(tokens) -> str:
    return "".join(map(chr, tokens))


def attempt(program: str, *forks, edge=None, logprob=-0.2) -> Attempt:
    met = tuple(Fork(at, 1.0, logprob, tuple(Candidate(ord(text), p, p) for text, p in others)) for at, others in forks)
    tokens = tuple(map(ord, program))
    return Attempt(0, tokens, (logprob,) * len(tokens), met, "end", program, "", (), "passed", 2, edge=edge)


def list_mutants(*attempts: Attempt, any_name: bool = False) -> list[tuple[str, float]]:
    return [
        (each.program, round(each.weight, 6))
        for each in make_mutants(attempts, len(attempts) - 1, read_program, any_name=any_name)
    ]


def test_each_has_one_token_that_was_nearly_written_and_the_likeliest_comes_first():
    assert list_mutants(attempt("x=1", (2, [("2", -2.0), ("3", -1.0)]))) == [("x=3", -0.8), ("x=2", -1.8)]


def test_what_is_no_python_a_duplicate_or_hardly_probable_is_none():
    assert list_mutants(attempt("x=1", (2, [("=", -0.5)]), (1, [("-", -0.7)]))) == [("x-1", -0.5)]
    assert list_mutants(attempt("x=1", (0, [("y", -0.5)]))) == [("y=1", -0.3)], "another global name is another program"
    assert list_mutants(attempt("x=1", (0, [("y", -0.5)])), any_name=True) == []
    assert list_mutants(attempt("x=1", (2, [("2", LEAST_WEIGHT - 0.3)]))) == []
    assert list_mutants(attempt("x=11", (2, [("2", -1.0)]), (3, [("2", -1.0)]))) == [("x=21", -0.8), ("x=12", -0.8)]


def test_forks_on_the_way_before_it_left_another_attempt_are_its_own_too():
    first = attempt("x=1+1", (2, [("2", -1.0)]), (3, [("-", -1.0), ("*", -1.5)]), (4, [("7", -1.0)]))
    branch = Edge(EdgeKind.BRANCH, 0, 0.0, 0.0, position=3)
    second = attempt("x=1-5", (4, [("6", -3.0)]), edge=branch)
    # No "x=1+5": what the first one said there was decoded and run, with the tail that belongs to it.
    assert list_mutants(first, second) == [("x=2-5", -0.8), ("x=1*5", -1.3), ("x=1-6", -2.8)]
    assert list_mutants(first, attempt("x=2", edge=Edge(EdgeKind.REPAIR, 0, 0.0, 0.0))) == []


def test_each_says_in_which_line_it_differs_first_and_what_stands_there():
    (mutant,) = make_mutants([attempt("x=1\ny=2", (6, [("3", -1.0)]))], 0, read_program)
    assert (mutant.line, mutant.text) == (2, "y=3")
    (mutant,) = make_mutants([attempt("x=1\n+2", (3, [(" ", -1.0)]))], 0, read_program)
    assert (mutant.line, mutant.text) == (1, "x=1 +2"), "the token itself begins behind what changes"


def test_nothing_open_weighs_nothing_and_one_as_probable_as_the_answer_ln_2():
    assert total_weight([]) == 0.0
    assert total_weight([0.0]) == pytest.approx(math.log(2))


# In the workflow

KNOWN = {"\n    return x + 1": 0.5, "\n    return x * 1": 0.2, "\n    return x - 1": 0.2, "\n    return x + 2": 0.1}


class Watched:
    """A sandbox that remembers the limits of each run."""

    def __init__(self, box) -> None:
        self.box, self.limits = box, []

    def run(self, program, *, limits, **options):
        self.limits.append(limits)
        return self.box.run(program, limits=limits, **options)


def search(known, examples: str, *, profile=None, answer=None, watch=lambda box: box, **config):
    request = f'def f(x: int) -> int:\n    """Do.\n{examples}    """'
    with closing(open_sandbox("process")) as box:
        here = Context(TrieLM(known).model(), POLICIES["greedy"], watch(box), profile=profile or ModelProfile(""))
        task, saver = read_task(request), open_memory_store()
        return run_task(here, task, config=SearchConfig(**config), checkpointer=saver, thread="t", person=answer)


def test_an_answer_says_what_its_examples_leave_open():
    open_to = search(KNOWN, "    >>> f(0) >= 0\n    True\n    >>> f(1) >= 0\n    True\n").answer
    texts = [(each.text, each.line) for each in open_to.undecided]
    assert texts == [("return x * 1", 8), ("return x + 2", 8)]
    assert open_to.mutants == 3 and open_to.undecided[0].weight > open_to.undecided[1].weight
    closed = search(KNOWN, "    >>> f(1)\n    2\n    >>> f(5)\n    6\n").answer
    assert (closed.mutants, closed.undecided) == (3, ())


CURVE = ReliabilityCurve({"undecided": -1.0}, 0.0, (-1.0, 0.0), (0.0, 1.0), examples=0)


def test_no_probability_is_stated_where_not_all_mutants_were_run():
    def stated(**config):
        examples = "    >>> f(0) >= 0\n    True\n    >>> f(1) >= 0\n    True\n"
        return search(KNOWN, examples, profile=ModelProfile("m", reliability=CURVE), **config).answer

    whole = stated()
    weights = [each.weight for each in whole.undecided]
    assert whole.probability == pytest.approx(1.0 - total_weight(weights)) and len(weights) == 2
    assert stated(budget=Budget(runs=8)) == whole  # two of a program: its own, and its claims
    assert stated(budget=Budget(runs=7)).probability is None and stated(mutants=0).probability is None


def test_a_curve_that_knows_nothing_of_mutants_holds_also_where_none_ran():
    curve = ReliabilityCurve({"logprob": 1.0}, 0.0, (-9.0, 0.0), (0.0, 1.0), examples=0)
    profile = ModelProfile("m", reliability=curve)
    states = [search(KNOWN, "", profile=profile, mutants=most).answer.probability for most in (0, 12)]
    assert states[0] == states[1] is not None


def test_what_a_person_said_refutes_mutants_as_examples_do():
    known = {"\n    return x + 1": 0.5, "\n    return x * 1": 0.3, "\n    return x - 1": 0.2}
    result = search(known, "", answer=lambda question: "1" if question.call == "f(0)" else "", questions=3)
    assert result.best.program.endswith("x + 1") and result.best.checked == 1
    assert (result.answer.mutants, result.answer.undecided) == (2, ())


def test_a_mutant_that_loops_may_take_a_second():
    known = {"\n    while x > 5: x -= 1\n    return 1": 0.6, "\n    while x > 5: x += 1\n    return 1": 0.4}
    boxes = []
    watch = lambda box: boxes.append(Watched(box)) or boxes[-1]  # noqa: E731 - one expression says it
    result = search(known, "    >>> f(9)\n    1\n    >>> f(8)\n    1\n", watch=watch)
    assert (result.answer.mutants, result.answer.undecided) == (1, ())
    assert [(limits.cpu_seconds, limits.wall_seconds) for limits in boxes[0].limits] == [(5.0, 10.0), (1.0, 2.0)]


def test_mutants_are_run_within_the_budget_and_not_where_no_example_could_refute_them():
    examples = "    >>> f(1)\n    2\n    >>> f(5)\n    6\n"
    few = search(KNOWN, examples, budget=Budget(runs=2))
    assert (few.answer.mutants, few.cost.sandbox_runs, few.answer.ended_by) == (1, 2, None)
    assert search(KNOWN, examples, mutants=0).cost.sandbox_runs == 1
    assert search(KNOWN, "", votes=1).answer.mutants == 0
