"""What a program's prose costs is not charged, and all else is."""

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


def test_a_string_that_is_used_is_code():
    source = "x = '# no comment'\n"
    assert sum(charge_code(source, [(source.index("#"), 2.0)]).costs) == 2.0


def test_a_text_that_is_no_python_is_one_node():
    assert len(charge_code("def f(:", [(0, 1.0)])) == 1
