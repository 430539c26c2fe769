"""The tracer records the lines that a failing example ran, and those that its exception passed."""

import pytest
from fakes import ScriptedSandbox

from agent.verification.executed_lines import TracedLines, trace_lines
from sandbox import Limits, Verdict, open_sandbox

PROGRAM = "def g(x):\n    return 1 // x\n\ndef f(x):\n    if x > 5:\n        return 7\n    return g(x)\n"


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def ran(box, *expressions: str, program: str = PROGRAM, before=()):
    return trace_lines(box, program, before, expressions, Limits())


def test_the_lines_of_each_expression_are_told_apart(box):
    assert ran(box, "f(9)", "f(1)") == [TracedLines((5, 6), ()), TracedLines((2, 5, 7), ())]


def test_an_exception_blames_the_lines_it_came_through_and_a_wrong_value_all_that_ran(box):
    (raised,), (wrong,) = ran(box, "f(0)"), ran(box, "f(9)")
    assert (raised.raised, raised.blamed) == ((7, 2), (7, 2))
    assert wrong.blamed == (5, 6)


def test_what_an_example_prepares_is_no_line_of_the_program(box):
    assert ran(box, "f(h())", before=["def h():\n    return 9"]) == [TracedLines((5, 6), ())]


def test_a_program_that_does_not_load_has_no_lines(box):
    assert ran(box, "f(1)", program="raise ValueError") is None
    assert ran(ScriptedSandbox(lambda program: Verdict.TIMED_OUT_CPU), "f(1)") is None


@pytest.mark.parametrize("value", [None, [], [1, 2], [["a"], [10**9]], "x"])
def test_a_program_that_lies_about_its_lines_is_not_believed_beyond_them(value):
    assert ran(ScriptedSandbox(value=value), "f(1)") == [TracedLines((), ())]
