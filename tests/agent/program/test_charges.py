"""What a program's prose costs is not charged, and all else is."""

import pytest

from agent.program.charges import charge_code

SOURCE = '''# A comment.
def f(x):
    """Say something."""
    return x + 1  # so
'''


def test_comments_and_docstrings_cost_nothing():
    places = [SOURCE.index(text) for text in ("# A", "comment", '"""', "something", "# so", "  # so", '    """')]
    assert sum(charge_code(SOURCE, [(at, 1.0) for at in places]).costs) == 0.0


def test_code_costs_what_it_is_charged():
    places = [SOURCE.index(text) for text in ("def", "f(", "(x", "    return", "x +", "1")]
    tree = charge_code(SOURCE, [(at, 0.5) for at in places])
    assert sum(tree.costs) == 3.0
    assert charge_code(SOURCE, [(SOURCE.index("return"), 0.5)]).costs[tree.kinds.index("Return")] == 0.5


def test_a_token_that_begins_with_a_blank_is_charged_to_its_word():
    source = "def f(a):\n    return a + b\n"
    tree = charge_code(source, [(source.index(text), 1.0) for text in ("\n    ", " a", " +", " b")])
    costs = dict(zip(map(source.__getitem__, (slice(*span) for span in tree.spans)), tree.costs, strict=True))
    assert (costs["a"], costs["b"], costs["a + b"]) == (1.0, 1.0, 1.0)
    assert costs["return a + b"] == 1.0, "a line break and its indentation, with the word that they come before"


def test_a_token_of_blanks_alone_stays_where_it_is():
    source = "def f(a):\n    return a\n"
    at = source.index("    return")
    tree = charge_code(source, [(at, 2.0), (at + 4, 1.0)])
    assert tree.costs[tree.kinds.index("FunctionDef")] == 2.0 and tree.costs[tree.kinds.index("Return")] == 1.0


@pytest.mark.parametrize("ending", ["\r\n", "\f\n", " \u2028\n"])
def test_prose_is_free_whatever_else_is_in_the_lines(ending):
    source = SOURCE.replace(" # so\n", f" # so{ending}")
    places = [source.index("comment"), source.index("something"), source.rindex("so")]
    assert sum(charge_code(source, [(at, 1.0) for at in places]).costs) == 0.0


def test_a_string_that_is_used_is_code():
    source = "x = '# no comment'\n"
    assert sum(charge_code(source, [(source.index("#"), 2.0)]).costs) == 2.0


def test_a_text_that_is_no_python_is_one_node():
    assert len(charge_code("def f(:", [(0, 1.0)])) == 1
