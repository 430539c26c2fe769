"""The examples that a file shows are found, with those that reach a hole, and asserts are not run twice."""

from agent.program.file_examples import find_reaching_examples, read_file_examples, remove_asserts
from agent.program.holes import find_holes, show_holes

SOURCE = '''
def low(x):
    return ...


def high(x):
    """Say.

    >>> high(2)
    4
    """
    return low(x) * 2


def other(x):
    """Say.

    >>> y = other(1)
    >>> y
    3
    """
    # dubito: fill


limit = 3
assert low(limit) == 3, "no"
assert other(1) == ...  # dubito: fill


def test_other():
    assert other(2) == 4
'''


def test_docstrings_asserts_and_tests_are_examples_and_an_assert_with_a_hole_is_none():
    plain = show_holes(SOURCE, find_holes(SOURCE))
    shown = read_file_examples(plain)
    sources = [each.source for each in shown.examples]
    assert len(sources) == 4 and "assert low(limit) == 3" in sources and "assert other(2) == 4" in sources, sources
    assert shown.asserts == {"assert low(limit) == 3, 'no'"}
    left = remove_asserts(SOURCE, shown.asserts)
    assert "low(limit)" not in left and "limit = 3" in left and "assert other(1)" in left


def test_examples_reach_a_hole_that_they_name_or_that_is_called_on_the_way():
    holes = find_holes(SOURCE)
    plain = show_holes(SOURCE, holes)
    examples = read_file_examples(plain).examples
    low, other, unnamed = (find_reaching_examples(plain, hole, examples) for hole in holes)
    assert ["low" in examples[n].source or "high" in examples[n].source for n in low] == [True, True]
    assert ["other" in examples[n].source or "y" in examples[n].source for n in other] == [True] * len(other)
    assert len(low) + len(other) == len(examples) and unnamed == ()


def test_an_assert_that_cannot_be_taken_apart_stays_in_the_program():
    source = "def f(x):\n    return 1\n\n\nassert unknown(f(1))\n"
    shown = read_file_examples(source)
    assert shown.examples == () and shown.asserts == frozenset()
    assert "assert unknown" in remove_asserts(source, shown.asserts)


def test_an_assert_is_cut_out_of_a_file_that_python_cannot_write_again():
    source = "def f(x):\n    return 1  # kept\n\n\nassert f(1) == 1\nx = " + "1+" * 900 + "1\n"
    shown = read_file_examples(source)
    assert shown.asserts == {"assert f(1) == 1"}
    assert remove_asserts(source, shown.asserts) == source.replace("assert f(1) == 1", "pass")
