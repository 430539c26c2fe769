"""A partial program is contained if some completion passes the hidden tests; each program runs once."""

import pytest
from partial_programs import read_marked

from benchmarks.base import Problem
from benchmarks.exercises.benchmark import Exercises
from benchmarks.judging.completions import Completions
from sandbox import Limits, open_sandbox

SOLUTION = "    total = 0\n    for x in xs:\n        if x > 0:\n            total += x\n    return total\n"
SUM = Problem("test/sum", "def f(xs):\n", "f", SOLUTION, (([1, -2, 3],), ([],)), (([-1],), ([0.5, 2],)))
QUICK = Limits(cpu_seconds=0.25)
NEVER = "def f(xs):\n    while True: pass\n"


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def complete(box, marked, right=(), **options):
    """Return whether a completion is found, and how many programs ran."""
    source, holes = read_marked(marked)
    completions = Completions(SUM, source, right, box, **options)
    return completions.contains(holes), completions.num_judged


def test_a_program_that_contains_the_reference_needs_no_run(box):
    marked = "def f(ys):\n    s = «1»\n    for y in ys:\n        if y > 0:\n            s += y\n    return s\n"
    assert complete(box, marked) == (True, 0)


def test_a_sample_that_is_known_to_be_right_needs_no_run(box):
    sample = "def f(xs): return sum(x for x in xs if x > 0)"
    assert complete(box, "def f(a): return sum(b for b in a if «b < 0»)", right=[sample]) == (True, 0)


def test_a_right_program_is_its_own_completion(box):
    assert complete(box, "def f(xs): return sum(max(«x», 0) for x in xs)") == (True, 1)


def test_a_graft_is_found_where_another_part_differs(box):
    marked = "def f(xs):\n    total = «1»\n    for x in xs:\n        total += max(x, 0)\n    return total\n"
    assert complete(box, marked) == (True, 2)  # the source, and the graft "total = 0"


def test_no_completion_is_right_where_the_rest_is_wrong(box):
    source, holes = read_marked("def f(xs):\n    total = «1»\n    return len(xs)\n")
    completions = Completions(SUM, source, [], box)
    assert not completions.contains(holes)
    before = completions.num_judged
    assert (
        not completions.contains(holes) and completions.num_judged == before
    )  # each ran once, and its verdict is known


def test_a_bound_on_runs_and_programs_known_to_be_wrong_are_kept(box):
    marked = "def f(xs):\n    total = «1»\n    return len(xs)\n"
    assert complete(box, marked, most_judged=2) == (False, 3)  # the source, and two grafts
    source, _ = read_marked(marked)
    runs = complete(box, marked)[1]
    assert complete(box, marked, wrong_programs=[source])[1] == runs - 1


def test_what_is_proposed_counts_where_nothing_else_is_found(box):
    marked, proposed = (
        "def f(xs):\n    total = «1»\n    return len(xs)\n",
        [SUM.reference_program.replace("total", "n")],
    )
    assert complete(box, marked, propose=lambda holes: proposed)[0]
    assert not complete(box, marked, propose=lambda holes: [NEVER], limits=QUICK)[0]


def test_what_was_found_once_is_known_for_larger_holes(box):
    source, holes = read_marked(
        "def f(xs):\n    total = «1»\n    for x in xs:\n        total += max(x, 0)\n    return total\n"
    )
    completions = Completions(SUM, source, [], box)
    assert completions.contains(holes)
    runs, (start, end) = completions.num_judged, holes[0]
    assert completions.contains([(start - len("total = "), end)]) and completions.num_judged == runs


def test_the_whole_text_and_what_is_not_python_contain_the_reference(box):
    assert complete(box, "«def f(xs): return 1»") == (True, 0)
    assert complete(box, "def f(«xs»: return 1")[1] == 0


def test_a_program_without_end_is_only_wrong(box):
    assert complete(box, NEVER.replace("pass", "«pass»"), most_judged=1, limits=QUICK) == (False, 2)


def test_an_exercise_whose_result_is_wrong_is_completed(box):
    for problem in list(Exercises())[:4]:
        head, line, result = problem.reference_program.rstrip().rpartition("return ")
        marked = f"{head}{line}«[{result}]»\n"
        source, holes = read_marked(marked)
        assert Completions(problem, source, [], box).contains(holes)
        assert not Completions(problem, source, [], box, most_judged=1).contains([])
