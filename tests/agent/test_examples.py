"""Visible examples: found in prompts, taken apart so that a program never sees what is claimed of its values."""

import pytest
from data import humaneval, needs_data

from agent.examples import Check, NotSeparableError, asserts, unread_examples, visible_checks


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
    assert (check.setup, check.claim_setup) == ("", "import math")


@pytest.mark.parametrize(
    "source",
    [
        "assert all(f(x) == x for x in range(3))",
        "for x in (1, 2):\n    assert f(x) == x",
        "assert 1 == 1",
        "def check(candidate):\n    assert candidate(1) == 2",
        "class TestF:\n    def test(self):\n        assert f(1) == 2",
    ],
)
def test_an_assert_that_cannot_be_split_is_an_error_with_its_line(source):
    with pytest.raises(NotSeparableError, match=r"^[123]: "):
        asserts(source)


@pytest.mark.parametrize(
    ("source", "expressions", "claim", "setup", "claim_setup"),
    [
        ("expected = 3\nassert f(1) == expected", ("f(1)",), "_0 == expected", "", "expected = 3"),
        ("result = f(1)\nassert result == 4", ("result",), "_0 == 4", "result = f(1)", ""),
        ("x = [2, 1]\nassert f(x) == sorted(x)", ("f(x)",), "_0 == sorted(x)", "x = [2, 1]", "x = [2, 1]"),
        ("x = [2, 1]\nf(x)\nassert x == [1, 2]", ("x",), "_0 == [1, 2]", "x = [2, 1]\nf(x)", ""),
        ("import pytest\nfrom solution import f\nassert f(1) == 2", ("f(1)",), "_0 == 2", "", ""),
        ("assert S().f(2)[0] == 4", ("S().f(2)[0]",), "_0 == 4", "", ""),
        ("s = S()\nassert s.f(2) == 4", ("s.f(2)",), "_0 == 4", "s = S()", ""),
        ("assert sum([i for i in f(3)]) == 3", None, None, None, None),
    ],
)
def test_what_depends_on_the_program_is_split_from_what_is_claimed(source, expressions, claim, setup, claim_setup):
    if expressions is None:
        with pytest.raises(NotSeparableError):
            asserts(source)
        return
    check = asserts(source)[0]
    assert (check.expressions, check.claim, check.setup, check.claim_setup) == (expressions, claim, setup, claim_setup)


def test_a_printed_value_is_compared_as_text():
    check = visible_checks(prompt("Add.\n    >>> print(f(1))\n    2\n    "))[0]
    assert (check.expressions, check.claim) == (("f(1)",), "str(_0) == '2'")


def test_an_example_with_a_doctest_option_is_left_out():
    assert visible_checks(prompt("Add.\n    >>> f(1)  # doctest: +SKIP\n    2\n    ")) == []


def test_a_qualified_exception_is_known_by_its_last_name():
    docstring = (
        "Add.\n    >>> f('a')\n    Traceback (most recent call last):\n    json.decoder.JSONDecodeError: no\n    "
    )
    assert visible_checks(prompt(docstring))[0].raises == "JSONDecodeError"


def test_examples_of_a_coroutine_are_left_out():
    assert visible_checks('async def f(x):\n    """Add.\n    >>> f(1)\n    2\n    """') == []


@pytest.mark.parametrize("text", ["word " * 6000, "f(" * 4000, ">>> " + "-" * 4000 + "1\n2", "x\0y"])
def test_text_that_python_cannot_read_has_no_examples(text):
    assert visible_checks(text) == []
    assert visible_checks(prompt(text)) == []


def test_asserts_inside_test_functions_count():
    assert [c.expressions for c in asserts("def test_f():\n    y = 1\n    assert f(y) == 2\n")] == [("f(y)",)]


def test_a_test_file_that_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        asserts("assert f(")


@needs_data
def test_most_humaneval_prompts_show_examples_that_can_be_taken_apart():
    found = [len(visible_checks(problem["prompt"])) for problem in humaneval()]
    assert sum(count > 0 for count in found) >= 129, "fewer problems with examples than there were"


@pytest.mark.parametrize(
    ("lines", "unread"),
    [
        (["    >>> f(1)", "    2"], []),
        (["    >>> f(1", "    2", "    >>> f(2)", "    3"], [">>> f(1"]),
        (["    >>> x = 3", "    >>> f(x)", "    3"], []),
        (["    assert f(1) == 2"], []),
        (["    assert all(f(x) == x for x in y)"], ["assert all(f(x) == x for x in y)"]),
        (["    Adds numbers, as in f(1)."], []),
    ],
)
def test_examples_that_cannot_be_taken_apart_are_named_and_spoil_no_others(lines, unread):
    request = "\n".join(['def f(x):\n    """Add.', *lines, '    """'])
    checks = visible_checks(request)
    assert unread_examples(request, checks) == unread
    assert all("f(1\n" not in check.setup for check in checks)


@needs_data
def test_humaneval_shows_few_examples_that_cannot_be_read():
    prompts = [problem["prompt"] for problem in humaneval()]
    lost = [line for prompt in prompts for line in unread_examples(prompt, visible_checks(prompt))]
    assert len(lost) < 20, lost
