"""The request for a function of a module shows what the function needs, within a bound, and ends with its head."""

import pytest
from shapes import SHAPES

from agent.program.modules.excerpt import write_excerpt
from agent.program.modules.functions import find_target, read_tree
from agent.program.prompts import write_prompt
from agent.program.styles import PROMPT_STYLES
from agent.program.syntax import find_asked_name, is_open, parse

REQUEST = '''\
"""Shapes."""
import math
from dataclasses import dataclass

# How many digits count.
DIGITS = 3


@dataclass
class Point:
    """A point."""
    x: float
    y: float


def distance(a: Point, b: Point) -> float:
    """Return the distance of two points."""
    return math.hypot(a.x - b.x, a.y - b.y)


# Elsewhere in this module:
# Shape.later(self)
# Shape.last(self)
# unwritten(x)


class Shape:
    """A shape of points."""

    scale = 1.0

    def __init__(self, points):
        self.points = points

    # The way around.
    def perimeter(self) -> float:
        """Return the length of the way around, rounded to DIGITS.

        >>> Shape([Point(0, 0), Point(3, 4)]).perimeter()
        10.0
        """
        # close it
        # use distance
'''


def excerpt(text, name, most=4_000):
    source = read_tree(text)
    return write_excerpt(source, find_target(source, name, "m.py"), most)


def test_a_method_is_shown_in_its_class_below_what_it_names():
    assert excerpt(SHAPES, "Shape.perimeter") == REQUEST
    assert is_open(REQUEST) and find_asked_name(REQUEST) == "Shape"


def test_a_function_that_fits_is_shown_below_the_text_above_it_as_it_stands():
    above = "import re\n\n\ndef g(x):\n\treturn x  # so\n\n\n# about f\n"
    assert excerpt(f"{above}@print\ndef f(x: int) -> int: ...\n", "f") == f"{above}@print\ndef f(x: int) -> int:\n"


def test_a_request_that_is_open_already_stays_as_it_is():
    prompt = 'import re\n\nX = 1\n\n\ndef f(x):\n    """Say.\n\n    >>> f(1)\n    2\n    """\n'
    assert excerpt(prompt, "f") == prompt


@pytest.mark.parametrize("name", ["Shape.perimeter", "Shape.later", "unwritten", "distance"])
@pytest.mark.parametrize("most", [0, 150, 400, 1_000])
def test_an_excerpt_keeps_its_bound_and_is_open_with_any(name, most):
    text, least = excerpt(SHAPES, name, most), excerpt(SHAPES, name, 0)
    assert len(text) <= max(len(least), most + len("# Elsewhere in this module:") + 10)
    assert is_open(text) and find_asked_name(text) == name.partition(".")[0]
    turn = write_prompt(text, PROMPT_STYLES["dubito"], name=None)
    assert turn.opening == f"```python\n{text.rstrip()}\n", "the model goes on with the text, and copies none of it"


def test_what_is_named_comes_before_what_is_near_and_the_rest_is_told_by_its_head():
    many = "".join(f"def g{number}(x: int):\n    return x + {number}  # {'-' * 80}\n\n\n" for number in range(300))
    text = excerpt(f'import re\n\n\ndef far(x):\n    return 1\n\n\n{many}def f(x):\n    """Use far."""\n', "f")
    assert "def far(x):" in text and "def g299(" in text and "def g270(" not in text and "import re\n" in text
    assert "# g260(x: int)\n# g261(x: int)\n" in text and len(text) < 4_100


def test_stubs_and_statements_that_define_nothing_are_not_shown():
    text = excerpt(
        "def g(): ...\n\n\nprint(1)\nassert g\n\n\nclass P:\n    def m(self): pass\n\n\ndef f(x): ...\n", "f"
    )
    assert text == "# Elsewhere in this module:\n# g()\n# class P\n\n\ndef f(x):\n"


def test_a_function_in_a_branch_and_a_nested_class_move_to_the_margin():
    branch = 'if True:\n\tdef f(x):\n\t\t"""Say.\n\n\tmore\n\t\t"""\n\t\t...\n'
    assert excerpt(branch, "f") == 'def f(x):\n\t"""Say.\n\n\tmore\n\t\t"""\n'
    nested = "class A:\n    class B:\n        y = 1\n\n        def f(self): ...\n"
    assert excerpt(nested, "A.B.f") == "class B:\n    y = 1\n\n    def f(self):\n"
    assert parse(excerpt(nested, "A.B.f") + "        pass") is not None


def test_a_real_body_is_not_shown_to_who_writes_it_anew():
    assert excerpt('def f(x):\n    """Say."""\n    # secret\n    return 42\n', "f") == 'def f(x):\n    """Say."""\n'


def test_a_docstring_of_one_line_gets_a_line_of_its_own():
    assert excerpt('def f(x): """Say."""  # TODO: add one\n', "f") == 'def f(x):\n    """Say."""\n    # add one\n'
