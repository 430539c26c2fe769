"""A module and a name become a task with the examples of that function alone, or one sentence."""

import pytest
from shapes import SHAPES

from agent.cli.inputs import build_task
from agent.errors import InvalidRequestError
from agent.program.modules.request import read_module_task

PROMPT = 'def f(x):\n    """Say.\n\n    >>> f(1)\n    2\n    """\n'


def sources(task):
    return [example.source for example in task.examples]


def test_the_examples_are_those_of_the_function_and_may_name_all_of_the_module():
    text = SHAPES.replace('"""A shape of points."""', '"""A shape.\n\n    >>> Shape([]).last()\n    1\n    """')
    task = read_module_task(text, file="m.py", function="Shape.perimeter")
    assert sources(task) == [">>> Shape([Point(0, 0), Point(3, 4)]).perimeter()"] and task.unparsed == ()
    assert (task.entry_point, task.name, task.module.function) == (None, "Shape.perimeter in m.py", "Shape.perimeter")
    anew = read_module_task(text, file="m.py", function="distance")
    assert (anew.entry_point, anew.name) == ("distance", "distance in m.py, written anew")


def test_examples_name_what_stands_below_and_in_branches():
    text = f"{PROMPT.replace('f(1)', 'f(later(LIMIT))')}    ...\n\n\ndef later(x): return x\nif 1:\n    LIMIT = 1\n"
    task = read_module_task(text, file="m.py")
    assert sources(task) == [">>> f(later(LIMIT))"] and task.unparsed == ()


@pytest.mark.parametrize(
    "tests", ["assert f(2) == 3\n", "from m import f\nassert f(2) == 3\n", "import m\nassert m.f(2) == 3\n"]
)
def test_tests_may_import_nothing_or_the_module(tests):
    task = read_module_task(f"{PROMPT}    ...\n", file="m.py", tests=tests)
    assert len(task.examples) == 2 and task.tests == ("assert f(2) == 3",)


def test_tests_of_a_method_and_with_other_names_of_the_module():
    tests = "from shapes import Shape, Point, DIGITS\nassert Shape([Point(0, 0)]).perimeter() == 0\n"
    task = read_module_task(SHAPES, file="m.py", function="Shape.perimeter", tests=tests)
    assert len(task.examples) == 2 and task.entry_point is None


def test_tests_of_what_nobody_defines_are_refused_with_their_line():
    with pytest.raises(InvalidRequestError, match=r"t\.py:1: `assert g\(2\) == 3` needs g, and the prompt defines f"):
        read_module_task(f"{PROMPT}    ...\n", file="m.py", tests="assert g(2) == 3\n", tests_file="t.py")


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        "def f(x):\n    # TODO",
        "def f(x):\n    y = (1,\n",
        "def g(): return 1\n\n\ndef f(x):\n",
        "def f(x):\n    return 1\n",
        'class Stack:\n    """A stack."""\n    def push(self, x): ...\n    def pop(self): ...\n',
    ],
)
def test_a_text_that_is_a_request_as_it_stands_is_no_module(text):
    assert read_module_task(text, file="m.py") is None


def test_what_is_to_be_changed_is_a_module_even_if_it_ends_with_the_function():
    assert read_module_task(PROMPT, file="m.py", edits=True).request == PROMPT
    assert read_module_task(PROMPT, file="m.py", function="f").request == PROMPT
    with pytest.raises(InvalidRequestError, match="holds no function that is still to be written; name the one"):
        read_module_task("def f(x):\n    return 1\n", file="m.py", edits=True)


@pytest.mark.parametrize(
    ("text", "function", "sentence"),
    [
        ("def f(): ...\ndef g(): ...\nx = 1\n", None, "m.py holds 2 functions that are still to be written (f, g)"),
        ("class A:\n    def f(self): ...\n    def g(self): ...\nx = 1\n", None, "(A.f, A.g)"),
        ("def f(x):\n    return 1\n", "g", "m.py defines no function 'g'; the nearest is f"),
        ("x = 1\n", "f", "m.py defines no function, and 'f' came"),
        ("def f(x):\n    return (\n", "f", "m.py:2: this is no Python ('(' was never closed)"),
        ("Write a function.\n", "f", "m.py:1: this is no Python"),
        ("def f(x): ...\0", "f", "m.py: this is no Python"),
    ],
)
def test_what_is_unclear_is_one_sentence(text, function, sentence):
    with pytest.raises(InvalidRequestError) as caught:
        read_module_task(text, file="m.py", function=function)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_keeps_its_line_ends_and_its_mark_in_the_task(tmp_path):
    data = b"\xef\xbb\xbfx = 1\r\ndef f(x): ...\r\n\r\ny = 2\r"
    (tmp_path / "m.py").write_bytes(data)
    task = build_task(None, tmp_path / "m.py", None)
    assert task.module.written.encode() == data and task.module.file == str(tmp_path / "m.py")
    assert "\r" not in task.request


def test_the_request_of_a_file_with_one_stub_is_that_of_a_module(tmp_path):
    (tmp_path / "m.py").write_text("def f(x):\n    pass\n\n\ndef g(): return 1\n")
    (tmp_path / "prompt.py").write_text(PROMPT)
    assert build_task(None, tmp_path / "m.py", None).module.function == "f"
    assert build_task(None, tmp_path / "prompt.py", None).module is None
