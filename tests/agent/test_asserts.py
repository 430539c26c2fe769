"""Test files: everything that checks the program is read, or the file is refused with a line."""

import pytest

from agent.apart import NotSeparableError
from agent.asserts import read_tests
from agent.verify import verify
from sandbox import open_sandbox

STACK = """
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x)
    def pop(self): return self.items.pop()
def f(x):
    if x < 0: raise ValueError(f"negative: {x}")
    return 2 * x
"""


@pytest.fixture(scope="module")
def sandbox():
    box = open_sandbox("process")
    yield box
    box.close()


def passed(sandbox, tests, program=STACK):
    checks = read_tests(tests, program={"f", "Stack"}, classes={"Stack"}).checks
    return verify(sandbox, program, checks).passed


WITH = "import pytest\nwith pytest.raises("
CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        "


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (f"{WITH}ValueError):\n    f(-1)", f"{WITH}ValueError):\n    f(1)"),
        (f"{WITH}Exception):\n    f(-1)", f"{WITH}KeyError):\n    f(-1)"),
        (
            f"{WITH}(KeyError, ValueError), match='neg.*1'):\n    f(-1)",
            f"{WITH}(KeyError, ValueError), match='pos'):\n    f(-1)",
        ),
        ("from pytest import raises\nraises(ValueError, f, -1)", "from pytest import raises\nraises(ValueError, f, 1)"),
        ("assert f(0.1 + 0.2) == pytest.approx(0.6)", "assert f(0.3) == pytest.approx(0.7)"),
        ("assert [f(0.15)] == pytest.approx([0.3])", "assert f(1) == pytest.approx(2.1, abs=0.01)"),
        (f"{CASE}self.assertEqual(f(1), 2)", f"{CASE}self.assertEqual(f(1), 3)"),
        (f"{CASE}self.assertEqual(first=f(1), second=2)", f"{CASE}self.assertNotEqual(f(1), 2)"),
        (f"{CASE}self.assertTrue(f(1) == 2, 'told')", f"{CASE}self.assertFalse(f(1) == 2)"),
        (f"{CASE}self.assertIn(f(1), [2])", f"{CASE}self.assertNotIn(f(1), [2])"),
        (f"{CASE}self.assertIsNotNone(f(1))", f"{CASE}self.assertIsNone(f(1))"),
        (f"{CASE}self.assertAlmostEqual(f(0.15), 0.3)", f"{CASE}self.assertAlmostEqual(f(0.15), 0.31, places=3)"),
        (f"{CASE}self.assertAlmostEqual(f(1), 2.5, delta=1)", f"{CASE}self.assertAlmostEqual(f(1), 3.5, delta=1)"),
        (f"{CASE}self.assertRaises(ValueError, f, -1)", f"{CASE}self.assertRaises(ValueError, f, 1)"),
        (
            f"{CASE}with self.assertRaisesRegex(ValueError, 'neg'):\n            f(-1)",
            f"{CASE}self.assertRaisesRegex(ValueError, 'x', f, -1)",
        ),
        (f"{CASE}self.assertCountEqual([f(1), 1], [1, 2])", f"{CASE}self.assertCountEqual([f(1), 1], [1, 1])"),
        (f"{CASE}self.assertIsInstance(f(1), int)", f"{CASE}self.assertIsInstance(f(1), str)"),
        (f"{CASE}self.assertGreater(f(2), 3)", f"{CASE}self.assertLess(f(2), 3)"),
        ("s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2\ns.push(5)\nassert s.pop() == 5\nassert s.pop() == 1",
         "s = Stack()\ns.push(1)\nassert s.pop() == 1\nassert s.pop() == 1"),
        ("def test_a():\n    f(1)\n", "def test_a():\n    f(-1)\n"),
        ("assert(f(1) == 2)", "assert f(1) != 2"),
        (f"{CASE}self.assertSequenceEqual([f(1), 1], (2, 1))", f"{CASE}self.assertSequenceEqual([f(1), 1], (1, 2))"),
        ("def test_a():\n    assert f(1) == 2\n    return\n    assert f(1) == 3", "assert f(1) == 3"),
        ("assert type(f(1)) is int and f(1) is not None", "assert type(f(1)) is str or f(1) is None"),
    ],
)  # fmt: skip
def test_a_test_passes_and_fails_as_it_does_in_python(sandbox, right, wrong):
    assert passed(sandbox, right)
    assert not passed(sandbox, wrong)


def test_each_test_of_a_class_begins_with_its_own_set_up(sandbox):
    tests = (
        "import unittest\nclass TestStack(unittest.TestCase):\n"
        "    def setUp(self):\n        self.s = Stack()\n        self.s.push(1)\n"
        "    def test_pop(self):\n        self.assertEqual(self.s.pop(), 1)\n"
        "    def test_pop_again(self):\n        self.assertEqual(self.s.pop(), 1)\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    )
    assert len(read_tests(tests).checks) == 2 and passed(sandbox, tests)


@pytest.mark.parametrize(
    ("tests", "line", "told"),
    [
        ("assert f(1) == 2\nif f(2) != 4:\n    raise ValueError", 2, "judges what the program gives"),
        ("assert f(1) == 2\ndef test_a(tmp_path):\n    f(1)", 2, "takes arguments"),
        ("@pytest.mark.parametrize('x', [1])\ndef test_a():\n    assert f(1) == 2", 2, "decorated"),
        ("class TestF:\n    def helper(self):\n        return f(1)\n    def test_a(self):\n        pass", 2, "no more"),
        (f"{CASE}self.assertLogs(f(1))", 4, "cannot be read"),
        ("def test_a():\n    pass", 1, "checks nothing"),
        ("assert g(1) == 2", 1, "needs g, which the prompt does not define"),
        ("from helpers import near\nassert near(f(1), 2)", 2, "needs near of helpers"),
        ("import numpy as np\nassert np.allclose(f(1), 2)", 2, "needs np of numpy"),
        ("for x in (1, 2):\n    assert f(x) == x", 2, "inside a loop"),
        ("import pytest\nfor x in (1, 2):\n    with pytest.raises(ValueError):\n        f(x)", 3, "inside a loop"),
        ("import pytest\nwith pytest.raises(kinds()):\n    f(1)", 2, "cannot be read"),
        ("import pytest\nwith pytest.raises(ValueError) as e:\n    f(-1)\nassert str(e.value) == 'x'", 4, "depends on"),
        ("def test_a():\n    raise ValueError", 2, "always raises"),
        (f"{CASE}self.fail()", 4, "always fails"),
        ("def test_a():\n    return\n    assert f(1) == 2", 1, "checks nothing"),
        ("x = [1]\nassert f(x) is x", 2, "two objects are one"),
        ("x = [1]\nassert f(x) is not x", 2, "two objects are one"),
        (f"{CASE}x = []\n        self.assertIs(f(x), x)", 5, "two objects are one"),
        (f"{CASE}x = []\n        self.assertIsNot(f(x), x)", 5, "two objects are one"),
        ("assert f(300) is f(300)", 1, "two objects are one"),
        ("import operator\nassert operator.is_(f(1), 2)", 2, "two objects are one"),
        ("assert callable(f(1))", 1, "gives a value of the program to callable"),
        ("assert f(1) == {[]: 1}", 1, "Python cannot make"),
        ("assert f(1) == 2\nassert f(1) == " + "- " * 600 + "1", 2, "too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tests, line, told):
    with pytest.raises(NotSeparableError, match=rf"(?s)^{line}: .*{told}"):
        read_tests(tests, program={"f"})


def test_statements_that_no_check_needs_are_named():
    tested = read_tests("import os\nos.system('x')\nwhile True: pass\nx = 3\nassert f(1) == 2\n")
    assert (len(tested.checks), tested.unread) == (1, ["2: os.system('x')", "3: while True:"])


def test_a_file_that_is_no_python_says_why():
    with pytest.raises(SyntaxError, match="was never closed"):
        read_tests("assert f(")
    with pytest.raises(SyntaxError):
        read_tests("assert f(1) == 2\0")
