"""One expression is cut out, the model fills it, and the hidden tests judge: nothing else decides."""

import ast
from types import SimpleNamespace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model

from agent.decoding import POLICIES
from agent.errors import InvalidRequestError
from agent.verification.examples import Verification
from agent.workflow.context import Context
from benchmarks.exercises import make_problem
from benchmarks.experiments import infill
from benchmarks.experiments.infill import choose_hole, fill_problems, find_expressions
from sandbox import Verdict

PROGRAM = (
    'def f(xs):\n    """Sum."""\n    total = 0\n    for x in xs[1:]:\n        total += x * 2\n    return "é", total\n'
)


def test_expressions_are_what_is_read_and_begin_where_asked():
    texts = [PROGRAM[first:last] for first, last in find_expressions(PROGRAM, PROGRAM.index("    total"))]
    assert sorted(texts) == sorted(["0", "xs[1:]", "xs", "1", "x * 2", "x", "2", '"é", total', '"é"', "total"])


def test_a_hole_is_an_expression_of_the_solution_and_always_the_same():
    problems = [make_problem(f"exercises/{number}") for number in range(60)]
    for exercise in problems:
        first, last = choose_hole(exercise)
        text = exercise.reference_program[first:last]
        assert first >= len(exercise.prompt) and len(text) >= 3
        ast.parse(text, mode="eval")
        assert choose_hole(exercise) == (first, last)
    places = {
        choose_hole(make_problem(f"exercises/{number}"))[0] - len(make_problem(f"exercises/{number}").prompt)
        for number in range(60)
    }
    assert len(places) > 10, "holes lie in many places"


def test_a_model_without_the_marks_is_refused():
    context = Context(byte_model(), POLICIES["greedy"], ScriptedSandbox(), max_tokens=4)
    with pytest.raises(InvalidRequestError, match="no fill-in-the-middle tokens"):
        next(fill_problems([make_problem("exercises/0")], context))


@pytest.mark.model
def test_a_filling_stands_between_what_was_shown_and_is_judged_by_the_hidden_tests():
    from agent.lm import open_lm
    from sandbox import open_sandbox

    box = open_sandbox("process")
    context = Context(open_lm("models/tiny"), POLICIES["greedy"], box, max_tokens=64)
    problems = [make_problem(f"exercises/{number}") for number in (0, 5, 6, 7)]
    once, found = (list(fill_problems(problems, context, attempts=attempts)) for attempts in (1, 4))
    box.close()
    assert [each.task_id for each in found] == [each.task_id for each in problems]
    assert all(each.passed for each in found if each.filling == each.expression)
    assert all(each.attempts == 1 for each in once) and all(1 <= each.attempts <= 4 for each in found)
    assert all(late.passed for late, early in zip(found, once, strict=True) if early.passed), "what passes stands"
    assert sum(each.passed for each in found) > sum(each.passed for each in once) >= 1, found


@pytest.mark.model
def test_where_no_filling_passes_the_examples_the_first_stands_and_all_differ(monkeypatch):
    from agent.lm import open_lm

    tried = []
    failed = Verification(Verdict.FAILED, 1)
    monkeypatch.setattr(infill, "verify", lambda box, program, checks, limits: tried.append(program) or failed)
    monkeypatch.setattr(
        infill, "judge_program", lambda box, problem, program: SimpleNamespace(passed=program == tried[0])
    )
    context = Context(open_lm("models/tiny"), POLICIES["greedy"], ScriptedSandbox(), max_tokens=64)
    (found,) = fill_problems([make_problem("exercises/3")], context, attempts=4)
    assert len(tried) == len(set(tried)) == found.attempts == 4
    assert found.passed and found.filling in tried[0]
