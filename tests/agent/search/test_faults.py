"""Programs that nobody should rely on: which failed least, and which break on inputs that were made up."""

import math
import warnings

import pytest
from fakes import outputs

from agent.program.ends import End
from agent.program.failures import Failure, FailureKind
from agent.program.normal_form import normal_form
from agent.program.syntax import parse
from agent.records import Attempt, Breakage
from agent.search.answer import best_answer
from agent.search.faults import find_breakage, find_least_failed
from uncertainty.tree import program_tree


def attempt(verdict, *, checked=0, failures=0, end="end", behaviour=None, mass=0.5, tokens=(1,), duplicate_of=None):
    wrong = Failure(FailureKind.RETURNED, 0, "f(1)", "2", "3")
    return Attempt(
        0, tokens, (math.log(mass),), (), end, "", "", (), verdict, checked, (wrong,) * failures,
        behaviour=behaviour and outputs(*behaviour), duplicate_of=duplicate_of,
    )  # fmt: skip


def test_a_dropped_fragment_never_stands_for_a_run_that_has_a_program():
    dropped = attempt("syntax error", failures=1, end=End.NO_PYTHON)
    assert find_least_failed([dropped, attempt("failed", checked=3, failures=2)]) == 1
    assert find_least_failed([dropped, attempt("failed", checked=3, failures=3)]) == 1
    assert find_least_failed([dropped, attempt("syntax error", failures=1)]) == 1


def test_of_programs_that_failed_the_one_with_the_fewest_failures_stands_for_the_run():
    attempts = [attempt("failed", failures=1), attempt("failed", checked=3, failures=2)]
    assert find_least_failed([*attempts, attempt("failed", checked=3, failures=1)]) == 2
    assert find_least_failed([*attempts, attempt("failed", checked=3, failures=1, duplicate_of=0)]) == 1


@pytest.mark.parametrize(
    ("behaviour", "breakage"),
    [
        (["[]", "raises NameError", "raises NameError"], Breakage(("NameError",), 2, 3)),
        (["raises TypeError", "raises AttributeError"], Breakage(("AttributeError", "TypeError"), 2, 2)),
        (["1", "raises TypeError", "raises TypeError"], None),  # inputs may be of a wrong type
        (["raises ValueError", "raises ValueError"], None),  # that may be what is asked for
        (["raises KeyError", "raises TypeError"], None),
        (["1", "raises UnboundLocalError"], None),
        ([], None),
    ],
)
def test_a_program_breaks_that_stumbles_over_its_own_names_or_gives_nothing_else(behaviour, breakage):
    assert find_breakage(outputs(*behaviour)) == breakage


def test_a_program_that_breaks_loses_to_any_that_returns_however_improbable():
    broken = attempt("passed", behaviour=["[]", "raises NameError", "raises NameError"], mass=0.9, tokens=(1,))
    works = attempt("passed", behaviour=["[]", "[1]", "[2]"], mass=0.01, tokens=(2,))
    assert best_answer([broken, works], ["()"] * 3).attempt == 1
    sometimes = attempt("passed", behaviour=["[]", "[1]", "raises NameError"], mass=0.9, tokens=(3,))
    assert best_answer([sometimes, works], ["()"] * 3).attempt == 1


def test_an_answer_says_how_it_breaks_unless_an_example_holds():
    behaviour = ["raises NameError"] * 2
    assert best_answer([attempt("passed", behaviour=behaviour)], ["()"] * 2).breakage
    assert not best_answer([attempt("passed", behaviour=behaviour, checked=1)], ["()"] * 2).breakage


@pytest.mark.parametrize("source", ["x = 1if 2else 3", "x = '\\d'", "assert (1, 'a')", "x is 3", "(1)(2)"])
def test_oddities_of_generated_code_warn_nobody(source):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(source) is not None
        normal_form(f"def f(y):\n    z = y\n    {source}\n    return z")
        assert program_tree(source, []).kinds[0] == "Module"
