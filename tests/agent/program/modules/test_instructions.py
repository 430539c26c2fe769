"""Words about a file mean one of its functions, or a new one; they are a hint for the model that leaves no trace."""

import pytest

from agent.errors import InvalidRequestError
from agent.program.modules.instructions import read_instruction

STUB = '''import math


class Circle:
    def __init__(self, radius):
        self.radius = radius

    def area(self):
        """Return the area.

        >>> Circle(1).area()
        3.14
        """
        # TODO: pi times the square


def largest(circles):
    return max(circles, key=Circle.area)  # by area


def add(a, b): return a + b
'''
WHOLE = STUB.replace("        # TODO: pi times the square\n", "        return 3.14 * self.radius**2\n")


def meant(text, line, function=None):
    task = read_instruction(text, line, "shapes.py", function)
    return task and task.module.function


@pytest.mark.parametrize(
    ("line", "function"),
    [
        ("", "Circle.area"),
        ("fill in the TODO", "Circle.area"),
        ("make largest raise ValueError for no circles", "largest"),
        ("Make `add` take any number of arguments", "add"),
        ("add(1) should give 1", "add"),
        ("let Circle.area round", "Circle.area"),
        ("largest gives None for no circles", "largest"),
        ("add should take any number", "add"),
        ("add also takes one number", "add"),
        ("the area should be rounded; largest stays", "Circle.area"),
        ("Write largest(circles), None for no circles", "largest"),
        ("add a docstring", "Circle.area"),  # the first word says what to do, and a stub is there
        ("Write slugify(title) for URLs", None),
        ("def perimeter(self):\n    ...", None),
    ],
)
def test_words_mean_the_function_they_mention_else_the_stub_else_a_new_one(line, function):
    assert meant(STUB, line) == function


def test_without_a_stub_words_mean_what_was_written_last_else_a_new_function():
    assert meant(WHOLE, "round it") is None
    assert meant(WHOLE, "round it", "Circle.area") == "Circle.area"
    assert meant(WHOLE, "round it", "Circle.gone") is None
    assert meant(WHOLE, "make largest quicker", "Circle.area") == "largest"


@pytest.mark.parametrize(
    ("line", "name", "body"),
    [
        ("fill in the TODO", "Circle.area", "        return 1\n"),
        ("make largest right", "largest", "    return circles[0]\n"),
        ("add(1) is 1", "add", "    return 1\n"),
    ],
)
def test_the_words_are_a_hint_for_the_model_that_the_file_never_holds(line, name, body):
    task = read_instruction(STUB, line, "shapes.py")
    lines = task.request.rstrip("\n").split("\n")
    hints = [each.strip() for each in lines if each.strip().startswith(f"# {line}")]
    assert hints == [f"# {line}"] and lines[-1].lstrip().startswith("#")
    filled = task.module.fill(task.request + body)
    assert line not in filled and body.strip() in filled
    outside = [each for each in STUB.split("\n") if f"def {name.rpartition('.')[2]}" not in each]
    assert sum(each in filled.split("\n") for each in outside) >= len(outside) - 2, "all else stays"


def test_a_function_with_a_body_is_shown_as_it_is_and_a_stub_is_not():
    (shown,) = read_instruction(STUB, "make largest right", "shapes.py").beside
    assert shown.code == "def largest(circles):\n    return max(circles, key=Circle.area)"
    assert read_instruction(STUB, "fill it in", "shapes.py").beside == ()


def test_examples_in_the_words_count_beside_those_of_the_docstring():
    assert len(read_instruction(STUB, "", "shapes.py").examples) == 1
    words = read_instruction(STUB, "let add work: add(1, 2) is 3", "shapes.py")
    assert len(words.examples) == 1
    text = 'def one(x):\n    """Give x.\n\n    >>> one(1)\n    1\n    """\n    return 2\n'
    both = read_instruction(text, "make one right: one(2) is 2", "mod.py").examples
    assert [each.source for each in both] == ["one(2) == 2", ">>> one(1)"]


def test_line_ends_and_tabs_of_the_file_stay():
    text = "def one(x):\r\n\treturn x\r\n\r\n\r\ndef two(x):\r\n\treturn x\r\n"
    task = read_instruction(text, "make one add 1", "mod.py")
    assert task.module.fill("def one(x):\n    return x + 1\n") == text.replace(
        "return x\r\n\r\n", "return x + 1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("def f(x)\n", "make it right", r"mod\.py:1: this is no Python"),
        ("def one(x): ...\ndef two(x): ...\n", "fill them in", "holds 2 functions that are still to be written"),
        ("def one(x): return 1\ndef one(x): return 2\n", "make one right", "defines one in the lines 1 and 2"),
        ("X = 1\n", "", "holds no function that is still to be written"),
    ],
)
def test_what_is_unclear_is_refused_in_one_sentence(text, line, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        read_instruction(text, line, "mod.py")
