"""The trace of an unfinished program: values by line, endless loops, exceptions, forged events."""

import pytest
from fakes import ScriptedSandbox

from agent.verification.trace_guest import record_values
from agent.verification.value_trace import ExecutedLine, ValueTrace, describe_trace, trace_values
from sandbox import Limits, Verdict, open_sandbox

LOOP = "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n"


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def describe(box, program: str, source: str, before=()) -> list[str]:
    trace = trace_values(box, program, before, source, Limits())
    return describe_trace(trace, program, source).splitlines()[1:]


def test_each_line_shows_the_values_that_it_set(box):
    assert describe(box, LOOP, "f([1, 2])") == [
        "- `def f(xs):`: xs = [1, 2]",
        "- `n = 0`: n = 0",
        "- `for x in xs:`: x = 1 then 2",
        "- `n += x`: n = 1 then 3",
    ]


def test_many_values_of_one_line_show_the_first_and_the_last(box):
    assert describe(box, LOOP, "f(range(1, 9))")[-1] == "- `n += x`: n = 1 then 3 then 6 then … then 36"


def test_a_line_that_sets_nothing_says_how_often_it_ran_and_a_result_is_shown(box):
    program = "def f(x):\n    if x > 1:\n        return [each for each in range(x)]\n"
    assert describe(box, program, "f(2)")[1:] == [
        "- `if x > 1:`: ran once",
        "- `return [each for each in range(x)]`: return [0, 1]",
    ]


def test_an_exception_ends_the_trace_with_its_message(box):
    assert describe(box, "def f(x):\n    y = 1 // x\n", "f(0)")[1:] == [
        "- `y = 1 // x`: ran once",
        "- then it raised ZeroDivisionError: integer division or modulo by zero",
    ]


def test_a_loop_without_end_is_traced_for_a_while(box):
    assert "`n += 1`: n = 2 then 3" in describe(box, "def f(n):\n    while True:\n        n += 1\n", "f(1)")[-1]


def test_the_same_run_gives_the_same_text_and_any_value_has_one(box):
    program = "def f():\n    g = lambda: 1\n    big = 10 ** 5000\n    class C:\n        __repr__ = None\n    c = C()\n"
    rows = describe(box, program, "f()")
    assert rows == describe(box, program, "f()")
    assert rows[1:3] == ["- `g = lambda: 1`: g = <function f.<locals>.<lambda>>", "- `big = 10 ** 5000`: big = <int>"]
    assert rows[-1] == "- `c = C()`: c = <C instance>"


def test_sources_that_come_before_are_run_and_not_traced(box):
    assert describe(box, LOOP, "f(xs)", ["xs = [5]"])[0] == "- `def f(xs):`: xs = [5]"


def test_a_program_that_does_not_load_has_no_trace(box):
    assert trace_values(box, "raise ValueError\n", [], "f(1)", Limits()) is None
    assert trace_values(ScriptedSandbox(lambda _: Verdict.TIMED_OUT_CPU), LOOP, [], "f(1)", Limits()) is None


@pytest.mark.parametrize(
    ("forged", "runs"),
    [
        ([[[2, [["n", "0"], ["n"], 3]], [9, []], ["1", []], 5], ""], (ExecutedLine(2, {"n": "0"}),)),
        ([[], ""], ()),
    ],
)
def test_what_a_program_forges_is_read_as_far_as_it_is_a_trace(forged, runs):
    assert trace_values(ScriptedSandbox(value=forged), LOOP, [], "f([])", Limits()) == ValueTrace(runs)


def test_what_is_no_trace_at_all_is_none():
    assert trace_values(ScriptedSandbox(value=7), LOOP, [], "f([])", Limits()) is None


def test_the_guest_stops_after_the_most_events_and_restores_the_tracer():
    space = {"__file__": "program.py"}
    exec(compile(LOOP, "program.py", "exec"), space)
    events, raised = record_values("f([1, 2, 3])", space, 3)
    assert (events, raised) == ([[1, [["xs", "[1, 2, 3]"]]], [2, [["n", "0"]]], [3, [["x", "1"]]]], "")
