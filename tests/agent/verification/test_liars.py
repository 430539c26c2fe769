"""No program makes a wrong value pass an example that is read, whatever it defines; and right ones pass."""

from contextlib import suppress
from dataclasses import replace

import pytest

from agent.program.examples.asserts import read_tests
from agent.program.examples.read import read_examples
from agent.program.separation.separate import NotSeparableError
from agent.verification.examples import verify
from sandbox import open_sandbox

# Each says of f(2) that it is 4, in one form or another; None of them holds of 5.
CLAIMS = [
    "f(2) == 4", "4 == f(2)", "not f(2) != 4", "abs(f(2) - 4) < 1e-6", "f(2) in (4,)", "f(2) in {4: 1}", "f(2) <= 4",
    "4 >= f(2)", "f(2) == 4 and True", "False or f(2) == 4", "3 < f(2) < 5", "f(2) - 4 == 0", "not f(2) - 4",
    "f(2) % 4 == 0", "f'{f(2)}' == '4'",
    "str(f(2)) == '4'", "repr(f(2)) == '4'", "f'{f(2):d}' == '4'", "-f(2) == -4",
    "f(2) ** 1 == 4", "[f(2)] == [4]", "{'a': f(2)} == {'a': 4}", "(f(2), 1) == (4, 1)",
    "f(2) is not None and f(2) == 4",
    "all([f(2) == 4])", "any(x == 4 for x in [f(2)])", "[x for x in [f(2)] if x == 4] == [4]",
    "len([f(2)] * f(2)) == 4",
    "isinstance(f(2), int) and f(2) == 4", "type(f(2)) is int and f(2) == 4", "sorted([f(2), 4]) == [4, 4]",
    "max(f(2), 4) == 4", "sum([f(2)]) == 4", "[f(x) for x in (2, 2)] == [4, 4]", "{f(x) for x in (2,)} == {4}",
    "list(map(f, [2])) == [4]", "(lambda v: v == 4)(f(2))", "f(2) == 4 if f(2) else False", "bool(f(2) == 4)",
    "range(4) == range(f(2))", "divmod(f(2), 4) == (1, 0)", "round(f(2)) == 4", "hash(f(2)) == 4", "f(2) ^ 4 == 0",
    "f(2).__eq__(4)", "f(2).__class__(4) == f(2)", "(y := f(2)) == 4", "4 .__eq__(f(2))", "f(2).real == 4",
    "int(f(2)) == 4", "float(f(2)) == 4.0", "f(2).bit_length() == 3 and f(2) == 4", "complex(f(2)) == 4",
    "f(2) == f(2) == 4", "identity(f(2)) == 4", "identity(f(2) == 4)", "identity(f(2) - 4) == 0", "f(f(2) - 2) == 4",
]  # fmt: skip
LIAR = """
class Liar(BASE):
    "Says yes to everything; in truth it is 5, or nothing at all."
    def yes(self, *_, **__): return True
    def zero(self, *_, **__): return 0
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = yes
    __ne__ = lambda self, other: False
    __sub__ = __rsub__ = __mod__ = __xor__ = __abs__ = __round__ = zero
    __hash__ = lambda self: 4
    __instancecheck__ = yes
def identity(x): return x
"""
LIARS = {
    **{base: LIAR.replace("BASE", base) + "def f(x): return Liar(5)\n" for base in ("int", "float")},
    "object": LIAR.replace("BASE", "object") + "def f(x): return Liar()\n",
    "list": LIAR.replace("BASE", "list") + "def f(x): return Liar([5])\n",
    "str": LIAR.replace("BASE", "str") + "def f(x): return Liar('5')\n",
    "plain": "def identity(x): return x\ndef f(x): return 5\n",
    "names": """
import builtins, math, sys
def yes(*_, **__): return True
abs = lambda *_: 0
any = all = isinstance = bool = yes
len = max = sum = int = float = round = hash = divmod = lambda *_: 4
sorted = list = lambda *_: [4, 4]
str = repr = lambda *_: '4'
_approx = approx = _alike = _is_just = _almost = _near = yes
class pytest: approx = yes
_0 = _1 = 4
builtins.abs = abs
math.isclose = yes
def judge(number, *_): return [number, True]
class helper: judge = judge
def identity(x): return x
def f(x): return 5
""",
    "frames": """
def identity(x): return x
def f(x):
    import sys
    frame = sys._getframe()
    while frame:
        frame.f_globals.update(_0=4, expected=lambda *_: True)
        frame = frame.f_back
    return 5
""",
    "showing": """
import builtins
def identity(x): return x
def f(x):
    ways = ('show_value', 'show_exactly', 'show_text', 'run_statements', 'show_exception')
    for name in list(globals()):
        if 'dubito' in name:
            globals()[name] = {way: (lambda *_: 5) for way in ways}
    return 5
""",
}
RIGHT = "def identity(x): return x\ndef f(x): return 2 * x\n"


@pytest.fixture(scope="module")
def sandbox():
    box = open_sandbox("process")
    yield box
    box.close()


def doctest_of(claim):
    return f'def f(x):\n    """Double.\n\n    >>> {claim}\n    True\n    """'


def silent_of(claim):
    return f'def f(x):\n    """Double.\n\n    >>> {claim}\n    """'


def assert_of(claim):
    return f'"""Double.\n\nassert {claim}\n"""'


def printed_of(claim):
    return f'def f(x):\n    """Double.\n\n    >>> print({claim})\n    True\n    """'


def bound_of(claim):
    return f'def f(x):\n    """Double.\n\n    >>> ok = {claim}\n    >>> ok\n    True\n    """'


def branch_of(claim):
    return f'def f(x):\n    """Double.\n\n    >>> if {claim}: print("yes")\n    yes\n    """'


CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        "
FORMS = [doctest_of, silent_of, assert_of, printed_of]  # those that are read


def read(form, claim):
    return read_examples(form(claim)).examples


def passed_by(sandbox, program, named):
    """The names of the examples that a program passes; all run in one process."""
    examples = [(name, replace(example, session=0)) for name, examples in named for example in examples]
    result = verify(sandbox, program, [example for _, example in examples])
    assert result.passed or result.failed_examples, result.failures
    return [name for number, (name, _) in enumerate(examples) if number not in result.failed_examples]


@pytest.mark.parametrize("form", FORMS)
def test_a_right_program_passes_every_example_that_is_read(sandbox, form):
    named = [(claim, read(form, claim)) for claim in CLAIMS]
    assert passed_by(sandbox, RIGHT, named) == [claim for claim, examples in named for _ in examples]


@pytest.mark.parametrize("form", FORMS)
def test_most_forms_of_an_example_are_read(form):
    unparsed = [claim for claim in CLAIMS if not read(form, claim)]
    assert len(unparsed) <= 8, unparsed


@pytest.mark.parametrize("form", [bound_of, branch_of])
@pytest.mark.parametrize("claim", CLAIMS)
def test_no_claim_is_read_whose_outcome_the_session_keeps_or_branches_at(form, claim):
    assert read(form, claim) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("liar", LIARS)
def test_no_liar_passes_an_example_that_is_read(sandbox, liar, form):
    named = [(claim, read(form, claim)) for claim in CLAIMS]
    assert any(examples for _, examples in named) and passed_by(sandbox, LIARS[liar], named) == []


BINDINGS = [
    "ok = list(map(lambda v: v == 4, [f(2)]))[0]", "g = lambda v: v == 4\n    >>> ok = g(f(2))",
    "g = lambda v: (f, v == 4)[1]\n    >>> ok = g(f(2))", "ok = sorted([f(2)], key=lambda v: v == 4) == [4]",
    "ok = {True: 1}.get(f(2) == 4)", "ok = any(map((4).__eq__, [f(2)]))", "ok = bool([4].index(f(2)) + 1)",
    "ok = next(filter(lambda v: v == 4, [f(2)]))", "ok = [4].count(f(2)) == 1", "ok = [4].count(f(2))",
    "ok = {4: True}[f(2)]", "ok = list(range(9))[f(2)]", "ok = min([f(2), 4])", "ok = [f(2)].count(4)",
    "import operator\n    >>> ok = operator.eq(f(2), 4)", "ok = max(4, f(2))", "ok = [f(2)].__contains__(4)",
    "from functools import partial\n    >>> ok = partial(lambda v: v == 4, f(2))()", "ok = dict([(f(2), True)])[4]",
    "ok = True\n    >>> while f(2) != 4: ok = False", "ok = False\n    >>> if f(2) == 4: ok = True",
    "ok = False\n    >>> for x in [f(2)]:\n    ...     if x == 4: ok = True", "ok = f(2)\n    >>> ok = ok == 4",
    "def g(v):\n    ...     return v == 4\n    >>> ok = g(f(2))", "ok = [x for x in [f(2)] if x == 4]",
    "class G:\n    ...     def g(self, v): return v == 4\n    >>> ok = G().g(f(2))",
    "ok = [0, 0, 0, 0, True][f(2)]", "match f(2):\n    ...     case 4: ok = True", "ok = (lambda v: v == 4)(f(2))",
    "try:\n    ...     assert f(2) == 4\n    ...     ok = True\n    ... except AssertionError:\n    ...     ok = False",
]  # fmt: skip


@pytest.mark.parametrize("binding", BINDINGS)
def test_no_example_is_read_that_shows_a_name_bound_before_to_what_was_made_of_an_outcome(binding):
    request = f'def f(x):\n    """Double.\n\n    >>> {binding}\n    >>> ok\n    True\n    """'
    assert read_examples(request).examples == []


@pytest.mark.parametrize(
    "tests",
    [
        "import pytest\ndef test_f():\n    assert f(2) == pytest.approx(4)\n",
        "from pytest import approx\nassert {'a': [f(2)]} == {'a': [approx(4, abs=0.1)]}\n",
        CASE + "self.assertEqual(f(2), 4)\n",
        CASE + "self.assertAlmostEqual(f(2), 4.0)\n",
        CASE + "self.assertTrue(f(2) == 4)\n",
        CASE + "self.assertCountEqual([f(2)], [4])\n",
        CASE + "self.assertIn(f(2), [4])\n",
        "def close(a, b):\n    return abs(a - b) < 1e-6\ndef test_f():\n    assert close(f(2), 4)\n",
        "wanted = 4\ndef test_f():\n    got = f(2)\n    assert got == wanted\n",
        "import math\nassert math.isclose(f(2), 4)\n",
        "import operator\nassert operator.eq(f(2), 4)\n",
        "import pytest\nwith pytest.raises(ValueError, match='4'):\n    f(2)\n",
    ],
)
def test_no_liar_passes_a_test_file(sandbox, tests):
    examples = read_tests(tests, program={"f", "identity"}).examples
    assert examples
    for name, liar in LIARS.items():
        assert not verify(sandbox, liar, examples).passed, name


@pytest.mark.parametrize(
    "tests",
    [
        "from helpers import close\nassert close(f(2), 4)\n",
        "right = f(2) == 4\nassert right\n",
        "def right(x):\n    return f(x) == 4\nassert right(2)\n",
        "if f(2) != 4:\n    raise AssertionError\n",
        "try:\n    assert f(2) == 4\nexcept ZeroDivisionError:\n    pass\n",
        "assert eval('f(2) == 4')\nassert eval(f(2)) == 4\n",
    ],
)
def test_what_a_liar_could_pass_is_refused(tests):
    with pytest.raises(NotSeparableError, match=r"^\d+: "):
        read_tests(tests, program={"f"})


SPY = """
import sys


def seen(value, x):
    if isinstance(value, dict):
        return value.get(x, value.get('want', 0))
    if isinstance(value, (list, tuple)) and value:
        pairs = [each for each in value if isinstance(each, (list, tuple)) and len(each) == 2 and each[0] == x]
        return pairs[0][1] if pairs else value[-1]
    return getattr(value, 'want', 4 if callable(value) else value)


def f(x):
    space = sys.modules['__main__'].__dict__
    for name in ('case', 'cases', 'want', 'd', 'msg', 'ref', 'make', 'self_case', 'self_want', 'ws', 'got', 'rest'):
        if name in space:
            return seen(space[name], x)
    return 0
"""

# Each says of f(2) that it is 4, and has 4 at hand in one form or another.
AT_HAND = [
    "x, want = 2, 4\nassert f(x) == want", "[x, want] = [2, 4]\nassert f(x) == want",
    "x, *rest = [2, 3, 4]\nassert f(x) == rest[-1]", "(x, y), want = (2, 3), 4\nassert f(x) == want",
    "case = (2, 4)\nassert f(case[0]) == case[1]", "case = (2, 4)\nx, want = case\nassert f(x) == want",
    "cases = [(2, 4), (3, 9)]\nassert f(cases[0][0]) == cases[0][1]",
    "cases = [(2, 4)]\nx = cases[0][0]\nassert f(x) == cases[0][1]",
    "cases = [(2, 4)]\nassert [f(a) for a, b in cases] == [b for a, b in cases]",
    "cases = {2: 4}\nassert [f(a) for a in cases] == list(cases.values())",
    "cases = {2: 4}\nassert list(map(f, cases)) == [4]", "cases = {2: 4}\nassert f(list(cases)[0]) == cases[2]",
    "d = {'x': 2, 'want': 4}\nassert f(d['x']) == d['want']",
    "d = {}\nd['x'] = 2\nd['want'] = 4\nassert f(d['x']) == d['want']",
    "d = dict(x=2, want=4)\nassert f(d['x']) == d['want']",
    "d = dict(x=2)\nd |= {'want': 4}\nassert f(**{'x': d['x']}) == 4",
    "import json\nd = json.loads('{\"x\": 2, \"want\": 4}')\nassert f(d['x']) == d['want']",
    "from types import SimpleNamespace\ncase = SimpleNamespace(x=2, want=4)\nassert f(case.x) == case.want",
    "class case:\n    x = 2\n    want = 4\nassert f(case.x) == case.want",
    "class Case:\n    def __init__(self): self.x, self.want = 2, 4\ncase = Case()\nassert f(case.x) == case.want",
    "import collections\nCase = collections.namedtuple('Case', 'x want')\ncase = Case(2, 4)\nassert f(case.x) == case.want",  # noqa: E501 - one test
    "import enum\nclass case(enum.Enum):\n    x = 2\n    want = 4\nassert f(case.x.value) == case.want.value",
    "def make(): return 2, 4\nassert f(make()[0]) == make()[1]",
    "def make(x=2, want=4): return x\nassert f(make()) == 4",
    "def ref(x): return 4\nassert f(ref(0) - 2) == ref(2)", "ref = lambda x: 2 * x\nassert f(ref(1)) == ref(2)",
    "want = 4\ngot = f(2)\nmsg = f'{got} is not {want}'\nassert got == want, msg",
    "want = 4\nassert f(want - 2) == want", "want = [4]\nassert f(want[0] - 2) == want[0]",
    "want = [2, 4]\nassert f(*want[:1]) == want[1]", "want = 4\nassert f([2, want][0]) == want",
    "want = 4\nassert f(2 if want else 3) == want", "want = 4\nassert f(*[a for a in (2, 4) if a != want]) == want",
    "got, want = [], []\nfor a, b in [(2, 4)]:\n    got.append(f(a))\n    want.append(b)\nassert got == want",
    "assert [f(a) for a, b in [(2, 4)]] == [b for a, b in [(2, 4)]]",
    "got = []\nfor a, b in [(2, 4)]:\n    got.append(f(a))\nassert got == [4]",
    "want = 4\nassert f(2, lambda: want) == want", "case = [(2, 4)]\ndef g(): return case[0][0]\nassert f(g) == 4",
    "case = [2, 4]\ng = lambda: case[1]\nassert f(g) == 4",
    "want = 4\ndef g(): return want\nassert f(2, key=g) == want",
    "def g(): return ref(2)\ndef ref(x): return case\ncase = 4\nassert f(g) == 4",
    "xs, ws = zip((2, 4), (3, 9))\nassert [f(x) for x in xs] == list(ws)",
    "want = 4\ngot = (f(2), want)\nassert got[0] == got[1]", "got = [0, f(2), 4]\nassert got[1] == got[2]",
    "want = 4\ngot = [f(2)]\ngot.append(want)\nassert got[0] == got[1]",
    "want = [3]\nf(1)\nwant.append(4)\nassert [f(3), f(2)][1] == want[1]",
    CASE + "self.case = (2, 4)\n        self.assertEqual(f(self.case[0]), self.case[1])",
    CASE + "self.x, self.want = 2, 4\n        self.assertEqual(f(self.x), self.want)",
]  # fmt: skip


@pytest.mark.parametrize("tests", AT_HAND)
def test_no_program_finds_what_is_wanted_of_it_beside_itself(sandbox, tests):
    try:
        examples = read_tests(tests, program={"f"}).examples
    except NotSeparableError:
        examples = []
    assert not examples or not verify(sandbox, SPY, examples).passed
    right = "def f(x): return {2: 4, 3: 9}.get(x, x)\n"
    assert verify(sandbox, right, examples).passed or "[0, f(2)" in tests


@pytest.mark.parametrize("tests", [tests for tests in AT_HAND if "self." not in tests])
def test_no_program_finds_what_is_wanted_of_it_beside_itself_in_a_session(sandbox, tests):
    lines = [f"    {'...' if line[0] == ' ' else '>>>'} {line}\n" for line in tests.splitlines()]
    examples, unparsed = read_examples('def f(x):\n    """Double.\n\n' + "".join(lines) + '    """\n')
    assert examples or unparsed
    assert not examples or not verify(sandbox, SPY, examples).passed


def test_most_tables_of_cases_are_read():
    read = 0
    for tests in AT_HAND:
        with suppress(NotSeparableError):
            read += len(read_tests(tests, program={"f"}).examples) > 0
    assert read >= 20, read


@pytest.mark.parametrize(
    "example",
    [
        ">>> close(f(2), 4)\n    True", ">>> print(close(f(2), 4))\n    True", ">>> close(f(2), 4)",
        ">>> not far(f(2), 4)\n    True", ">>> identity(close(f(2), 4))\n    True", "assert close(f(2), 4)",
        ">>> same(f(2), 4) and True\n    True", ">>> same(f(2), 4)\n    True", ">>> print(same(f(2), 4))\n    True",
        ">>> all([same(f(2), 4)])\n    True", ">>> ok = same(f(2), 4)\n    >>> ok\n    True",
    ],
)  # fmt: skip
def test_no_function_of_the_program_judges_another(example):
    begin = "def same(a, b):\n    return a == b\n\n\ndef identity(x):\n    return x\n\n\n"
    examples, unparsed = read_examples(f'{begin}def f(x):\n    """Double.\n\n    {example}\n    """')
    assert examples == [] and len(unparsed) == 1
