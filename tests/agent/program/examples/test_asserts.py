"""A test file is read whole, or it is refused with the line that cannot be read."""

import ast
import textwrap

import pytest

from agent.program.examples.asserts import read_tests
from agent.program.separation.separate import NotSeparableError
from agent.verification.examples import verify
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
    examples = read_tests(tests, program={"f", "Stack"}, classes={"Stack"}).examples
    return verify(sandbox, program, examples).passed


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


# Tests, a right program, and one that is wrong.
STATES = [
    ("data = [3, 1]\nwant = sorted(data)\ngot = f(data)\nassert got == want", "return sorted(x)", "x.sort()"),
    ("x = [3, 1]\ny = list(x)\nf(x)\nassert x == y", "pass", "x.sort()"),
    ("x = [3, 1]\nn = len(x)\ny = f(x)\nassert y == n", "return len(x)", "return 3"),
    ("x = [3, 1]\ny = f(x)\nassert len(y) == len(x)\nassert sorted(x) == sorted(y)", "return x[::-1]", "return x + x"),
    ("x = [[3], 1]\nimport copy\ny = copy.deepcopy(x)\nf(x)\nassert x == y", "pass", "x[0].append(1)"),
    ("x = [3, 1]\nassert f(x) == x", "x.sort(); return x", "return sorted(x)"),
    ("x = [3, 1]\nassert f(x) == [1, 3] and x == [3, 1]", "return sorted(x)", "x.sort(); return x"),
    ("x = [3, 1]\nassert f(x) == [1, 3]\nassert x == [3, 1]", "return sorted(x)", "x.sort(); return x"),
    ("x = [3, 1]\nassert sorted(x) == f(x)", "return sorted(x)", "return x"),
    ("x = 'ab'\nwant = x.upper()\ngot = f(x)\nassert got == want", "return x.upper()", "return x"),
    ("x = {'a': [1]}\nf(x)\nassert x == {'a': [1, 2]}", "x['a'].append(2)", "pass"),
    ("cases = [([3, 1], [1, 3])]\nassert f(cases[0][0]) == cases[0][1]", "return sorted(x)", "return x"),
    ("x = 3\ny = f(x)\nassert y == x + 1", "return x + 1", "return x"),
    ("x = 2\ny = f(x)\nx = 4\nassert y == x", "return 2 * x", "return x"),
    ("x = []\nfor i in range(3):\n    x.append(f(i))\nassert x == [0, 2, 4]", "return 2 * x", "return x"),
    ("x = [1, 2]\nx.pop()\nassert f(x) == 2", "return 2 * x[0]", "return 1"),
    ("w = []\nw.append(4)\nassert f(2) == w[0]", "return 2 * x", "return x"),
    ("w = 0\nfor i in range(4):\n    w += 1\nassert f(2) == w", "return 2 * x", "return x"),
    ("def ref(x):\n    return 2 * x\nassert [f(i) for i in range(3)] == [ref(i) for i in range(3)]",
     "return 2 * x", "return x"),
    ("import os\nos.environ['X'] = '2'\nassert f(1) == 2", "import os; return int(os.environ['X'])", "return 1"),
    ("import os\nv = '2'\nos.environ['X'] = v\nassert f(1) == 2", "import os; return int(os.environ['X'])", "return 1"),
    ("import sys, io\nsys.stdin = io.StringIO('2')\nassert f(1) == '2'", "return input()", "return 2"),
    ("with open('a', 'w') as file:\n    file.write('2')\nassert f('a') == '2'", "return open(x).read()", "return x"),
    ("h = open('c', 'w')\nh.write('2')\nh.close()\nassert f('c') == '2'", "return open(x).read()", "return x"),
    ("open('b', 'w').write('2')\nassert f('b') == '2'", "return open(x).read()", "return x"),
    ("import sys\nsys.setrecursionlimit(5000)\nassert f(2000) == 2000", "return 0 if x == 0 else 1 + f(x - 1)",
     "return 1"),
    ("import decimal\ndecimal.getcontext().prec = 5\nassert str(f(1)) == '0.33333'",
     "import decimal; return decimal.Decimal(x) / 3", "import decimal; return decimal.Decimal(x)"),
    ("import random\nrandom.seed(1)\ny = f(9)\nrandom.seed(1)\nassert f(9) == y",
     "import random; return random.randint(0, 10 ** x)", "import os; return os.urandom(9)"),
    ("import random\nx = [random.randint(0, 9) for _ in range(9)]\nassert f(x) == sorted(x)", "return sorted(x)",
     "return x + [1]"),
    ("y = f(1)\nz = f(2)\nassert z == 4", "return 2 * x", "return x if x == 2 else 1 / 0"),
    ("y = f(1)\nz = f(2)\nassert z == 4", "return 2 * x", "return 2 * x if x == 2 else 1 / 0"),
    ("g = f(3)\nassert not isinstance(g, list) and sum(g) == 3", "return iter(range(x))", "return [1, 2]"),
    ("assert f(1) is not None", "return object()", "return None"),
    ("y = f(1)\nassert f(2) is None and y == 1", "return x if x == 1 else None", "return x"),
    ("def g(v): return v + 1\nassert f(g) == g(1)", "return x(1)", "return x(2)"),
    ("f.seen = []\nf(1)\nassert f.seen == [1]", "f.seen.append(x)", "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("tests", "right", "wrong"), STATES)
def test_what_a_test_keeps_is_what_it_was_where_it_was_kept(sandbox, tests, right, wrong):
    tested = read_tests(tests, program={"f"})
    assert tested.examples and not tested.unparsed
    result = verify(sandbox, f"def f(x):\n    {right}\n", tested.examples)
    assert result.passed, result.failures
    assert not verify(sandbox, f"def f(x):\n    {wrong}\n", tested.examples).passed


@pytest.mark.parametrize(
    "tests",
    [
        "x = [2]\ny = x\nf(x)\nassert y == [2, 3]",
        "x = [2]\ny = {'k': x}\nf(x)\nassert y['k'] == [2, 3]",
        "x = [2]\nassert x == f(x)",
        "seen = []\ndef g(x): seen.append(x)\nf(g)\nassert f(seen) == [1]",
        "x = [2]\nf(x)\nn = len(x)\nassert f(x) == n",
    ],
)
def test_what_the_program_may_have_changed_unseen_is_refused(tests):
    with pytest.raises(NotSeparableError, match=r"^\d: "):
        read_tests(tests, program={"f"})


def test_statements_run_in_the_order_in_which_they_stand(sandbox):
    tests = "reset()\nassert f(1) == 1\nassert f(1) == 2\nreset()\nassert f(1) == 1\n"
    program = "n = 5\ndef reset():\n    global n\n    n = 0\ndef f(x):\n    global n\n    n += 1\n    return n\n"
    examples = read_tests(tests, program={"f", "reset"}).examples
    assert len(examples) == 5 and verify(sandbox, program, examples).passed


def test_a_long_test_file_is_read_in_steps_that_do_not_grow_with_it(monkeypatch):
    def steps_for(count):
        walked = []
        walk = ast.walk
        monkeypatch.setattr(ast, "walk", lambda node: (walked.append(1), walk(node))[1])
        lines = [f"x{n} = [{n}]" for n in range(3 * count)] + [f"assert f(x{n}) == x{n + 1}" for n in range(count)]
        assert len(read_tests("\n".join(lines), program={"f"}).examples) == count
        monkeypatch.undo()
        return len(walked)

    assert steps_for(80) < 2.5 * steps_for(40)


def test_each_test_of_a_class_begins_with_its_own_set_up(sandbox):
    tests = (
        "import unittest\nclass TestStack(unittest.TestCase):\n"
        "    def setUp(self):\n        self.s = Stack()\n        self.s.push(1)\n"
        "    def test_pop(self):\n        self.assertEqual(self.s.pop(), 1)\n"
        "    def test_pop_again(self):\n        self.assertEqual(self.s.pop(), 1)\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    )
    assert len(read_tests(tests).examples) == 2 and passed(sandbox, tests)


@pytest.mark.parametrize(
    ("tests", "line", "message"),
    [
        ("assert f(1) == 2\nif f(2) != 4:\n    raise ValueError", 2, "judges what the program gives"),
        ("def test_a(tmp_path):\n    f(1)", 1, "takes arguments"),
        ("@pytest.mark.parametrize('x', [1])\ndef test_a():\n    assert f(1) == 2", 2, "decorated"),
        ("class TestF:\n    def helper(self):\n        return f(1)\n    def test_a(self):\n        pass", 2, "no more"),
        (f"{CASE}self.assertLogs(f(1))", 4, "cannot be read"),
        ("def test_a():\n    pass", 1, "checks nothing"),
        ("assert g(1) == 2", 1, "needs g, and the prompt defines f"),
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
def test_what_cannot_be_read_is_refused_with_its_line(tests, line, message):
    with pytest.raises(NotSeparableError, match=rf"(?s)^{line}: .*{message}"):
        read_tests(tests, program={"f"})


def test_statements_that_no_check_needs_are_named():
    tested = read_tests("while True: pass\nx = 3\nassert f(1) == 2\nimport os\nos.mkdir('x')\n")
    assert (len(tested.examples), tested.unparsed) == (1, ["1: while True:", "5: os.mkdir('x')"])


def test_a_file_that_is_no_python_says_why():
    with pytest.raises(SyntaxError, match="was never closed"):
        read_tests("assert f(")
    with pytest.raises(SyntaxError):
        read_tests("assert f(1) == 2\0")


@pytest.mark.parametrize(
    ("skip", "inside"),
    [
        ("@unittest.skip('later')", True),
        ("@pytest.mark.skip", False),
        ("@pytest.mark.skip(reason='later')", False),
    ],
)
def test_a_skipped_test_is_named_and_the_others_are_read(skip, inside):
    wrong = f"{skip}\ndef test_b({'self' if inside else ''}):\n    assert f(2) == 5\n"
    right = f"def test_a({'self' if inside else ''}):\n    assert f(2) == 4\n"
    body = textwrap.indent(right + wrong, "    ") if inside else right + wrong
    tests = f"import pytest, unittest\n{'class T(unittest.TestCase):' if inside else ''}\n{body}"
    tested = read_tests(tests, program={"f"})
    assert [example.expressions for example in tested.examples] == [("f(2)",)]
    assert any("test_b, which is skipped" in line for line in tested.unparsed)


@pytest.mark.parametrize(
    "tests",
    [
        "def twice(x):\n    return 2 * x\ndef test_a():\n    assert f([twice(1)]) == 2\n",
        "def make(n):\n    return list(range(n))\nassert f(make(3)) == 3\n",
        "def node(v, *below):\n    return (v, list(below))\nt = node(1, node(2))\nassert f(t) == 6\n",
    ],
)
def test_a_function_that_makes_what_is_passed_may_stand_in_the_test_file(tests):
    assert len(read_tests(tests, program={"f"}).examples) == 1


@pytest.mark.parametrize(
    "tests",
    [
        "def ref(x):\n    return 2 * x\nassert f(ref(2)) == ref(4)\n",
        "def case():\n    return 2, 4\nassert f(case()[0]) == case()[1]\n",
        "def ref(x):\n    return 2 * x\nassert f(ref(2)) == 8\nassert f(3) == ref(3)\n",
        "def ref(x):\n    return 2 * x\nwant = ref(4)\nassert f(ref(2)) == want\n",
        "def ref(x):\n    return 2 * x\ndef outer(x):\n    return ref(x)\nassert f(ref(2)) == outer(4)\n",
        "def ref(x):\n    return 2 * x\nx = ref(2)\nwant = ref(4)\nassert f(x) == want\n",
        "def ref(x):\n    return 2 * x\nr = f([ref(1), ref(2)])\nassert r == ref(3)\n",
    ],
)
def test_a_function_by_which_the_wanted_value_is_made_is_not_shown_to_the_program(tests):
    with pytest.raises(NotSeparableError, match="by which the wanted value is made"):
        read_tests(tests, program={"f"})


CASES = """
import pytest

@pytest.mark.parametrize(("x", "wanted"), [(1, 2), pytest.param(3, 6, id="three")])
def test_twice(x, wanted):
    assert f(x) == wanted

@pytest.mark.parametrize("error", [ValueError, TypeError])
@pytest.mark.parametrize("x", [-1, -2], ids=["one", "two"])
def test_errors(x, error):
    with pytest.raises(error):
        f(x)
"""


def test_each_case_of_a_test_with_parameters_is_an_example(sandbox):
    sources = [each.source for each in read_tests(CASES, program={"f"}).examples]
    assert sources[:2] == ["assert f(1) == 2", "assert f(3) == 6"]
    assert sources[2:] == [f"_raises({error}): f({x})" for error in ("ValueError", "TypeError") for x in ("-1", "-2")]
    program = "def f(x):\n    if x < 0:\n        raise ValueError\n    return 2 * x\n"
    verdict = verify(sandbox, program, read_tests(CASES, program={"f"}).examples)
    assert [failure.example for failure in verdict.failures] == [4, 5], "TypeError alone is wrong"


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("@pytest.mark.parametrize('x', range(3))\ndef test_b(x):\n    assert f(x) == 2", "is decorated with"),
        ("@pytest.mark.parametrize('x', [1])\ndef test_b(x, tmp_path):\n    assert f(x) == 2", "is decorated with"),
        ("@pytest.mark.parametrize('x', [1])\ndef test_b(x):\n    x = 2\n    assert f(x) == 2", "is decorated with"),
        (
            "@pytest.mark.parametrize('x', [(1, 2)])\ndef test_b(x):\n    for y in x:\n        assert f(y)",
            "inside a loop",
        ),
        ("def test_b(tmp_path):\n    assert f(tmp_path) == 2", "takes arguments"),
        ("def test_b():\n    assert f(1) == 2\n    assert g(1) == 2", "needs g, and the prompt defines f"),
        ("def test_b():\n    for x in (1, 2):\n        assert f(x) == 2", "inside a loop"),
        ("class TestB:\n    x = 1\n    def test_b(self):\n        assert f(1) == 2", "may hold setUp and tests"),
    ],
)
def test_a_test_that_cannot_be_read_is_left_out_as_a_whole_and_named(test, reason):
    """Those beside it count; what stands in no test may be needed by what follows, and is an error."""
    rest = "def test_a():\n    assert f(1) == 2\n{}\ndef test_c():\n    assert f(2) == 3\n"
    read = read_tests(rest.format(test), program={"f"})
    assert [each.source for each in read.examples] == ["assert f(1) == 2", "assert f(2) == 3"]
    (line,) = read.unparsed
    assert reason in line and line.partition(":")[0].isdecimal() and "leave it out" not in line
