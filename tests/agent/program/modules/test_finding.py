"""A line is in one function or in none, and a comment to Dubito chooses a function and says what is wanted there."""

import pytest

from agent.errors import InvalidRequestError
from agent.program.modules.request import read_module_task

MODULE = '''\
import os


class Shape:
    @property
    def area(self):
        """Return the area.

        >>> Shape().area
        3
        """


    def sides(self):

        def inner():
            return 1

        return inner()


# of the unit circle
@cache
def turn(x): ...  # TODO


LIMIT = 3


def last(x):
    """Anew."""
    return x

    # done

'''
LINES = {
    **dict.fromkeys(range(5, 14), "Shape.area"),
    **dict.fromkeys(range(14, 22), "Shape.sides"),
    **dict.fromkeys(range(22, 27), "turn"),
    **dict.fromkeys(range(30, 36), "last"),
}


def choose(text, **where):
    return read_module_task(text, file="m.py", edits=True, **where)


@pytest.mark.parametrize(("line", "name"), LINES.items())
def test_a_line_is_in_the_function_whose_code_comments_or_blank_lines_it_is(line, name):
    assert choose(MODULE, line=line).module.function == name
    assert choose(MODULE.replace("\n", "\r\n"), line=line).module.function == name


@pytest.mark.parametrize("line", sorted({*range(1, MODULE.count("\n") + 1)} - LINES.keys()))
def test_another_line_is_refused_with_the_nearest_function(line):
    with pytest.raises(InvalidRequestError, match=rf"m\.py:{line}: there is no function in this line; the nearest is"):
        choose(MODULE, line=line)


def test_a_line_that_the_file_does_not_have_or_a_file_without_functions_is_one_sentence():
    with pytest.raises(InvalidRequestError, match=r"m\.py has 36 lines, and line 99 came; save it, or give another"):
        choose(MODULE, line=99)
    with pytest.raises(InvalidRequestError, match=r"m\.py defines no function; wanted one in line 1, as in `def f"):
        choose("x = 1\n", line=1)
    with pytest.raises(InvalidRequestError, match=r"m\.py:3: this is no Python"):
        choose("def f(x):\n    ...\nx = = 1\n", line=1)


def test_a_line_never_means_another_function_of_the_same_name():
    text = "if A:\n    def f(x):\n        return 1\nelse:\n    def f(x):\n        ...\n"
    assert choose(text, line=5).module.function == "f"
    with pytest.raises(InvalidRequestError, match="defines f in the lines 2 and 5, and a body is still to be written"):
        choose(text, line=2)
    with pytest.raises(InvalidRequestError, match="defines f in the lines 2 and 5, and one of them was wanted"):
        choose(text.replace("...", "return 2"), line=2)


TWO = 'def f(x):\n    ...\n\n\ndef g(x):\n    """Say."""\n    y = x  # a note\n    # dubito: double x\n    return y\n'


def test_a_comment_chooses_its_function_and_is_a_hint_that_is_gone_when_the_body_is_written():
    task = choose(TWO)
    assert task.module.function == "g" and task.request.endswith('    """Say."""\n    # double x\n')
    assert task.module.fill("def g(x):\n    return 2 * x\n") == TWO.partition("    y =")[0] + "    return 2 * x\n"
    assert "# double x\n" in choose(TWO, line=1).request + choose(TWO, line=5).request
    stub = "def f(x):\n    # a note\n    # dubito: double x\n"
    assert choose(stub).request.endswith("    # a note\n    # double x\n")
    assert (
        choose(stub)
        .module.fill("def f(x):\n    # double x\n    return 2 * x\n")
        .endswith("    # a note\n    return 2 * x\n")
    )


def test_a_hole_asks_for_no_function():
    assert choose("def f(x):\n    # dubito: fill by hand\n\n\ndef g(x):\n    # dubito: x\n").module.function == "g"
    with pytest.raises(InvalidRequestError, match="holds 2 functions that are still to be written"):
        choose("def f(x):\n    # dubito: fill by hand\n\n\ndef g(x):\n    ...\n")


def test_comments_in_several_functions_or_in_none_are_refused():
    with pytest.raises(InvalidRequestError, match=r"m\.py asks for 2 functions by comments \(f, g\), and one is"):
        choose(TWO.replace("...", "...  # dubito: x"))
    with pytest.raises(InvalidRequestError, match=r"m\.py:1: this comment asks for code, and stands in no function"):
        choose(f"# dubito: write f\n{TWO}")
