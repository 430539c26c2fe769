"""Visible examples: found in prompts, taken apart so that a program never sees what is claimed of its values."""

import pytest
from data import humaneval, needs_data

from agent.examples import Check, asserts, visible_checks


def prompt(docstring: str, name: str = "f") -> str:
    return f'def {name}(x):\n    """{docstring}"""'


def test_a_doctest_becomes_an_expression_and_a_claim():
    assert visible_checks(prompt("Add.\n    >>> f(1)\n    2\n    ")) == [Check(">>> f(1)", ("f(1)",), "_0 == 2")]


def test_a_doctest_without_output_expects_none():
    assert visible_checks(prompt("Add.\n    >>> f(1)\n    "))[0].claim == "_0 is None"


def test_a_doctest_that_compares_and_shows_nothing_means_what_it_says():
    assert visible_checks(prompt("Add.\n    >>> f(1) == 2\n    ")) == [Check(">>> f(1) == 2", ("f(1)",), "_0 == 2")]


def test_a_doctest_may_expect_an_exception():
    docstring = "Add.\n    >>> f('a')\n    Traceback (most recent call last):\n    ValueError: no\n    "
    assert visible_checks(prompt(docstring)) == [Check(">>> f('a')", ("f('a')",), None, raises="ValueError")]


def test_statements_before_a_doctest_are_its_setup():
    assert visible_checks(prompt("Add.\n    >>> y = 3\n    >>> f(y)\n    4\n    "))[0].setup == "y = 3"


def test_output_that_is_no_literal_is_compared_as_text():
    assert visible_checks(prompt("Add.\n    >>> f(1)\n    <Point 1>\n    "))[0].claim == "repr(_0) == '<Point 1>'"


@pytest.mark.parametrize("arrow", ["==", "=>", "==>", "->", "➞", "returns"])
def test_a_line_with_an_arrow_is_an_example(arrow):
    assert visible_checks(prompt(f"Add.\n    f([1, 2]) {arrow} 3\n    ")) == [
        Check("f([1, 2]) == 3", ("f([1, 2])",), "_0 == 3")
    ]


@pytest.mark.parametrize("line", ["f(n) -> f(n-1) + 1", "g(2) == 3", "f(2) is large", "x -> 3", "f(2) => 3 times"])
def test_a_line_that_is_not_a_call_of_literals_is_no_example(line):
    assert visible_checks(prompt(f"Add.\n    {line}\n    ")) == []


def test_an_mbpp_prompt_gives_its_assert():
    assert visible_checks('"""\nWrite a function.\nassert f((3, 4), [5]) == (4, 5)\n"""') == [
        Check("assert f((3, 4), [5]) == (4, 5)", ("f((3, 4), [5])",), "_0 == (4, 5)")
    ]


def test_the_calls_of_an_assert_are_pulled_out_of_what_is_said_of_them():
    check = asserts("import math\nassert math.isclose(sum(f(2)), g(3), rel_tol=1e-3)")[0]
    assert (check.expressions, check.claim) == (("f(2)", "g(3)"), "math.isclose(sum(_0), _1, rel_tol=0.001)")
    assert check.setup == "import math"


def test_an_assert_whose_calls_depend_on_a_comprehension_is_left_out():
    assert asserts("assert all(f(x) == x for x in range(3))") == []


def test_asserts_inside_test_functions_count():
    assert [c.expressions for c in asserts("def test_f():\n    y = 1\n    assert f(y) == 2\n")] == [("f(y)",)]


def test_a_test_file_that_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        asserts("assert f(")


@needs_data
def test_most_humaneval_prompts_show_examples_that_can_be_taken_apart():
    found = [len(visible_checks(problem["prompt"])) for problem in humaneval()]
    assert sum(count > 0 for count in found) >= 129, "fewer problems with examples than there were"
