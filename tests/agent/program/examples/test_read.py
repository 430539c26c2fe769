"""Visible examples are found in prompts, and split so that no program sees an expected value."""

import pytest
from data import humaneval, mbpp, needs_data

from agent.program.examples.asserts import read_tests
from agent.program.examples.example import Example
from agent.program.examples.read import read_examples, visible_examples
from agent.program.separation.separate import NotSeparableError
from agent.program.task import read_task


def prompt(docstring: str, name: str = "f") -> str:
    return f'def {name}(x):\n    """{docstring}"""'


def test_a_doctest_becomes_an_expression_and_a_condition():
    assert visible_examples(prompt("Add.\n    >>> f(1)\n    2\n    ")) == [Example(">>> f(1)", ("f(1)",), "_0 == 2")]


def test_a_doctest_without_output_expects_none():
    assert visible_examples(prompt("Add.\n    >>> f(1)\n    "))[0].expected == "_0 is None"


def test_a_doctest_that_compares_and_shows_nothing_means_what_it_says():
    assert visible_examples(prompt("Add.\n    >>> f(1) == 2\n    ")) == [Example(">>> f(1) == 2", ("f(1)",), "_0 == 2")]


def test_a_doctest_may_expect_an_exception():
    docstring = "Add.\n    >>> f('a')\n    Traceback (most recent call last):\n    ValueError: no\n    "
    wanted = Example(">>> f('a')", ("f('a')",), raises="ValueError", message="no")
    assert visible_examples(prompt(docstring)) == [wanted]


def test_statements_before_a_doctest_run_before_it():
    assert visible_examples(prompt("Add.\n    >>> y = [3]\n    >>> f(y)\n    4\n    "))[0].before == ("y = [3]",)


def test_output_that_is_no_literal_is_compared_as_text():
    example = visible_examples(prompt("Add.\n    >>> f(1)\n    <Point 1>\n    "))[0]
    assert (example.expected, example.shown) == (None, "<Point 1>\n")


@pytest.mark.parametrize("arrow", ["==", "=>", "==>", "->", "➞", "→", "⇒", "=", "returns", "should return", "gives"])
def test_a_line_with_an_arrow_is_an_example(arrow):
    assert visible_examples(prompt(f"Add.\n    f([1, 2]) {arrow} 3\n    ")) == [
        Example("f([1, 2]) == 3", ("f([1, 2])",), "_0 == 3")
    ]


@pytest.mark.parametrize("line", ["f(n) -> f(n-1) + 1", "g(2) == 3", "f(2) is large", "x -> 3", "f(2) => 3 times"])
def test_a_line_that_is_not_a_call_of_literals_is_no_example(line):
    assert visible_examples(prompt(f"Add.\n    {line}\n    ")) == []


@pytest.mark.parametrize("between", [". ", "; ", ", and ", ".\n"])
def test_two_calls_in_one_line_of_a_sentence_are_two_examples(between):
    request = f'Write age(text). age("I am 42.") is 42{between}age("none") is None'
    assert [each.expressions for each in read_task(request).examples] == [("age('I am 42.')",), ("age('none')",)]


def test_an_mbpp_prompt_gives_its_assert():
    assert visible_examples('"""\nWrite a function.\nassert f((3, 4), [5]) == (4, 5)\n"""') == [
        Example("assert f((3, 4), [5]) == (4, 5)", ("f((3, 4), [5])",), "_0 == (4, 5)")
    ]


def test_the_calls_of_an_assert_are_pulled_out_of_what_is_said_of_them():
    example = read_tests("import math\nassert math.isclose(sum(f(2)), g(3), rel_tol=1e-3)").examples[0]
    assert (example.expressions, example.expected) == (("f(2)", "g(3)"), "math.isclose(sum(_0), _1, rel_tol=0.001)")
    assert (example.before, example.expected_setup) == ((), "import math")


@pytest.mark.parametrize(
    "source",
    [
        "assert all(f(x) == x for x in range(3))",
        "for x in (1, 2):\n    assert f(x) == x",
        "assert 1 == 1",
        "def check(candidate):\n    assert candidate(1) == 2",
        "class TestF:\n    def test(self, x):\n        assert f(1) == 2",
        "@pytest.mark.parametrize('x', [1])\ndef test_f():\n    assert f(1) == 2",
        "async def test_f():\n    assert f(1) == 2",
        "try:\n    f(1)\nexcept ValueError:\n    pass\nelse:\n    assert False",
        "if f(2) != 4:\n    raise AssertionError",
        "def test_nothing():\n    pass",
        "assert f(1).__eq__(2)",
        "assert eval(f(1)) == 2",
        "import pickle\nassert pickle.loads(f(1)) == 2",
        "from helpers import close\nassert close(f(1), 2)",
        "import numpy as np\nassert np.allclose(f(1), 2)",
        "right = f(1) == 2\nassert right",
        "def check(x): return f(x) == 2\nassert check(1)",
        "assert f(1) == {[]: 1}",
        "assert f(1) == " + "-" * 600 + "1",
        "assert f(_0) == 2",
        "import pytest\nwith pytest.raises(ValueError) as e: f(1)\nassert e.value.args == ()",
    ],
)
def test_an_assert_that_cannot_be_split_is_an_error_with_its_line(source):
    with pytest.raises(NotSeparableError, match=r"^[1-6]: "):
        read_tests(source)


@pytest.mark.parametrize(
    ("source", "expressions", "expected", "before", "expected_setup"),
    [
        ("expected = 3\nassert f(1) == expected", ("f(1)",), "_0 == expected", (), "expected = 3"),
        ("result = f(1)\nassert result == 4", ("result",), "_0 == 4", ("result = f(1)",), ""),
        ("x = [2, 1]\nassert f(x) == sorted(x)", ("f(x)", "x"), "_0 == sorted(_1)", ("x = [2, 1]",), ""),
        ("x = [2, 1]\nf(x)\nassert x == [1, 2]", ("x",), "_0 == [1, 2]", ("x = [2, 1]", "f(x)"), ""),
        ("import pytest\nfrom solution import f\nassert f(1) == 2", ("f(1)",), "_0 == 2", (), ""),
        ("import solution\nassert solution.f(1) == 2", ("f(1)",), "_0 == 2", (), ""),
        ("from solution import f as g\nassert g(1) == 2", ("f(1)",), "_0 == 2", (), ""),
        ("assert S().f(2)[0] == 4", ("S().f(2)[0]",), "_0 == 4", (), ""),
        ("s = S()\nassert s.f(2) == 4", ("s.f(2)",), "_0 == 4", ("s = S()",), ""),
        ("assert sum([i for i in f(3)]) == 3", ("f(3)",), "sum([i for i in _0]) == 3", (), ""),
        ("assert [f(x) for x in (1, 2)] == [3, 4]", ("[f(x) for x in (1, 2)]",), "_0 == [3, 4]", (), ""),
        ("assert list(map(f, [1])) == [3]", ("map(f, [1])",), "list(_0) == [3]", (), ""),
        ("assert f('a').startswith('b')", ("f('a')",), "_0.startswith('b')", (), ""),
        ("assert f'{f(2)}' == '4'", ("f(2)",), "f'{_0}' == '4'", (), ""),
        ("assert f(2).total == 4", ("f(2).total",), "_0 == 4", (), ""),
        ("def near(a, b): return a == b\nassert near(f(2), 4)", ("f(2)",), "near(_0, 4)", (),
         "def near(a, b):\n    return a == b"),
        ("from pytest import approx as a\nassert f(2) == [a(4)]", ("f(2)",), "_0 == [_approx(4)]", (), ""),
    ],
)  # fmt: skip
def test_what_depends_on_the_program_is_split_from_what_is_expected(
    source, expressions, expected, before, expected_setup
):
    example = read_tests(source).examples[0]
    wanted = (expressions, expected, before, expected_setup)
    assert (example.expressions, example.expected, example.before, example.expected_setup) == wanted


def test_what_is_printed_is_compared_as_text():
    example = visible_examples(prompt("Add.\n    >>> print(f(1), f(2))\n    2 3\n    "))[0]
    assert (example.expressions, example.expected, example.shown) == (("print(f(1), f(2))",), None, "2 3\n")


def test_what_is_printed_of_a_comparison_is_judged_outside():
    example = visible_examples(prompt("Add.\n    >>> print(f(1) == 2)\n    True\n    "))[0]
    assert (example.expressions, example.expected) == (("f(1)",), "' '.join(map(str, [_0 == 2])) == 'True'")


def test_an_example_with_a_doctest_option_is_left_out():
    assert visible_examples(prompt("Add.\n    >>> f(1)  # doctest: +SKIP\n    2\n    ")) == []


def test_a_qualified_exception_is_known_by_its_last_name():
    docstring = (
        "Add.\n    >>> f('a')\n    Traceback (most recent call last):\n    json.decoder.JSONDecodeError: no\n    "
    )
    assert visible_examples(prompt(docstring))[0].raises == "JSONDecodeError"


def test_examples_of_a_coroutine_are_left_out():
    assert visible_examples('async def f(x):\n    """Add.\n    >>> f(1)\n    2\n    """') == []


@pytest.mark.parametrize("text", ["word " * 6000, "f(" * 4000, ">>> " + "-" * 4000 + "1\n2", "x\0y"])
def test_text_that_python_cannot_read_has_no_examples(text):
    assert visible_examples(text) == []
    assert visible_examples(prompt(text)) == []


def test_asserts_inside_test_functions_count():
    assert [c.expressions for c in read_tests("def test_f():\n    y = 1\n    assert f(y) == 2\n").examples] == [
        ("f(1)",)
    ]


def test_a_test_file_that_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        read_tests("assert f(")


@needs_data
def test_nearly_all_humaneval_prompts_that_show_examples_show_one_that_is_read():
    counts = [len(visible_examples(problem["prompt"])) for problem in humaneval()]
    assert sum(count > 0 for count in counts) >= 158, "fewer problems with examples than there were"
    assert sum(counts) >= 459, "fewer examples than there were"


@needs_data
def test_every_mbpp_prompt_shows_one_example_that_is_read():
    assert [problem["task_id"] for problem in mbpp() if len(visible_examples(problem["prompt"])) != 1] == []


@pytest.mark.parametrize(
    ("lines", "unparsed"),
    [
        (["    >>> f(1)", "    2"], []),
        (["    >>> f(1", "    2", "    >>> f(2)", "    3"], [">>> f(1"]),
        (["    >>> x = 3", "    >>> f(x)", "    3"], []),
        (["    assert f(1) == 2"], []),
        (["    assert all(f(x) == x for x in y)"], ["assert all(f(x) == x for x in y)"]),
        (["    Adds numbers, as in f(1)."], []),
    ],
)
def test_examples_that_cannot_be_taken_apart_are_named_and_spoil_no_others(lines, unparsed):
    request = "\n".join(['def f(x):\n    """Add.', *lines, '    """'])
    examples = visible_examples(request)
    assert read_examples(request).unparsed == unparsed
    assert all("f(1\n" not in statement for example in examples for statement in example.before)


@needs_data
def test_humaneval_shows_few_examples_that_cannot_be_read():
    prompts = [problem["prompt"] for problem in humaneval()]
    lost = [line for prompt in prompts for line in read_examples(prompt).unparsed]
    assert len(lost) <= 5, lost


@pytest.mark.parametrize(
    ("docstring", "unparsed"),
    [
        ("f(2) => 3 times", ["f(2) => 3 times"]),
        ("f(1) -> 2\n    f(1) -> 3", ["f(1) -> 2", "f(1) -> 3"]),
        ("Example:\n    table = 4\n    result 5", ["table = 4"]),
        ("Example:\n    import f", []),
        ("gcd(m, n) = 1", []),
        ("assert y.code == 201", ["assert y.code == 201"]),
        ("assert f(y) == 2", ["assert f(y) == 2"]),
        ("Input: 3 4\n    Output: 7", ["Input: 3 4 Output: 7"]),
        ("assert f(1) is the best", ["assert f(1) is the best"]),
        ("f(n) is f(n - 1) + 1", []),
        ("Example:\n    >>> x = 3", []),
        ("Examples are good.", []),
    ],
)
def test_what_looks_like_an_example_and_is_not_read_is_listed_once(docstring, unparsed):
    assert read_examples(prompt(f"Add.\n\n    {docstring}\n    ")) == ([], unparsed)
