"""Judging: right programs pass, wrong ones fail with the reason, and no program can make itself pass."""

import pytest
from fakes_sandbox import InProcessSandbox

from benchmarks.base import DatasetError, Problem
from benchmarks.judging import calls
from benchmarks.judging.checker import judge_program
from benchmarks.judging.expected import References
from sandbox import Limits, SandboxError, Verdict, open_sandbox

DOUBLE = Problem("test/0", "def f(x):\n", "f", "    return 2 * x\n", ((1,), ("ab",)), ((2.5,), ([7],), (10,)))
QUICK = Limits(cpu_seconds=0.25, wall_seconds=30.0)
IMPATIENT = Limits(cpu_seconds=10.0, wall_seconds=0.6)


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def giving(value, program_head=""):
    """A problem whose canonical solution gives that value, whatever it is asked."""
    return Problem("test/giving", program_head, "f", f"def f():\n    return {value}\n", ((),), ())


def verdict(sandbox, problem, program, **options):
    judgement = judge_program(sandbox, problem, program, references=References(), **options)
    assert judgement.base_passed is (judgement.base.reason == ""), judgement
    return judgement.base.verdict


def test_the_canonical_solution_passes_base_and_plus(box):
    judgement = judge_program(box, DOUBLE, DOUBLE.reference_program, references=References())
    assert judgement.passed and (judgement.base.passed, judgement.plus.passed) == (2, 3)


def test_a_program_wrong_on_plus_tests_only_passes_the_base(box):
    judgement = judge_program(box, DOUBLE, "def f(x):\n    return 2 * x if x != 10 else 21", references=References())
    assert (judgement.base_passed, judgement.passed) == (True, False)
    assert judgement.plus.failed == (2,) and judgement.plus.reason == "f(10) gave 21, wanted 20"


def test_plus_tests_run_whether_or_not_the_base_tests_agree_and_pass_only_with_them(box):
    judgement = judge_program(box, DOUBLE, "def f(x):\n    return 2 * x if x != 1 else 3", references=References())
    assert (judgement.base.failed, judgement.base.passed, judgement.plus.passed, judgement.plus.runs) == ((0,), 1, 3, 1)
    assert (judgement.plus.verdict, judgement.plus.reason, judgement.passed) == (
        Verdict.FAILED,
        "a base test fails",
        False,
    )


def test_plus_tests_do_not_run_where_a_base_test_has_no_answer(box):
    judgement = judge_program(box, DOUBLE, "import os\ndef f(x): os._exit(0)", references=References())
    assert (judgement.base.failed, judgement.plus.failed, judgement.plus.runs, judgement.passed) == (
        (0, 1),
        (0, 1, 2),
        0,
        False,
    )


@pytest.mark.parametrize(
    ("program", "wanted", "word"),
    [
        ("def f(x) return", Verdict.SYNTAX_ERROR, "SyntaxError"),
        ("def g(x): return 2 * x", Verdict.FAILED, "name 'f' is not defined"),
        ("f = 3", Verdict.FAILED, "TypeError"),
        ("import nothing_of_that_name", Verdict.FAILED, "No module named"),
        ("def f(x): raise KeyError('gone')", Verdict.FAILED, "raised KeyError: 'gone'"),
        ("def f(x): return (y for y in [x])", Verdict.FAILED, "non-plain generator"),
        ("import sys\nsys.exit(0)", Verdict.FAILED, "f(1): failed"),
        ("import os\ndef f(x): os._exit(0)", Verdict.FAILED, "f(1): failed"),
        ("def f(x):\n    while True: pass", Verdict.TIMED_OUT_CPU, "timed out (cpu)"),
        ("import time\ndef f(x): time.sleep(60)", Verdict.TIMED_OUT_WALL, "timed out (wall)"),
        ("def f(x): return bytearray(1 << 40)", Verdict.OUT_OF_MEMORY, "out of memory"),
    ],
)
def test_a_program_that_gives_no_value_fails_with_the_reason(box, program, wanted, word):
    limits = IMPATIENT if "sleep" in program else QUICK
    judgement = judge_program(box, DOUBLE, program, limits=limits, references=References())
    assert not judgement.base_passed and word in judgement.base.reason
    assert judgement.base.verdict is wanted


LIAR = """
class Liar(%s):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    __class__ = list
    def __reduce__(self): return (list, ([2],))
    def __iter__(self): return iter([2])
    def __len__(self): return 1
    def __instancecheck__(self, other): return True
def f(x): return Liar()
"""

CHEATS = [
    *(LIAR % base for base in ("object", "list", "dict", "int", "str", "float", "set")),
    "import sys\ndef f(x): return sys._getframe(1).f_locals.get('expected')",
    "def f(x): return ('value', 2)",
    "def f(x): return 1\n__dubito_answer__ = lambda *_: ('value', True)",
    "import hashlib\nhashlib.sha256 = None\ndef f(x): return 'x' * 100000",
    "def f(x):\n    globals()['__dubito_answer__'] = lambda *_: ('digest', '00')\n    return 0",
    "def f(x):\n    globals()['__dubito_answer__'] = lambda *_: 7\n    return 0",
    "import builtins\nbuiltins.exec = lambda *_: None\ndef f(x): return 0",
    "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 0",
]


@pytest.mark.parametrize("program", CHEATS)
def test_no_program_passes_by_lying(box, program):
    assert verdict(box, DOUBLE, program, limits=QUICK) is not Verdict.PASSED


@pytest.mark.parametrize(
    ("value", "program"),
    [
        ("{'a': 2}", "from collections import Counter\ndef f(): return Counter('aa')"),
        ("{'a': 1}", "from collections import defaultdict\ndef f(): return defaultdict(int, a=1)"),
        ("[(1, 2)]", "from collections import namedtuple\ndef f(): return [namedtuple('P', 'x y')(1, 2)]"),
        ("['red']", "from enum import Enum\nclass C(str, Enum):\n    RED = 'red'\ndef f(): return [C.RED]"),
        ("[0.5, 1]", "class F(float): pass\nclass I(int): pass\ndef f(): return [F(0.5), I(1)]"),
        ("2", "list = dict = type = map = exec = None\ndef f(): return 2"),
        ("2", "from __future__ import annotations\ndef f(): return 2 # no newline at the end"),
        ("'\\ud800' * 70000", "def f(): return chr(0xd800) * 70000"),
        ("[float(n) for n in range(70000)]", "def f(): return list(range(70000))"),
    ],
)  # fmt: skip
def test_what_equals_the_expected_value_passes_in_any_class(box, value, program):
    assert verdict(box, giving(value), program) is Verdict.PASSED


@pytest.mark.parametrize(
    ("value", "program"),
    [
        ("'a' * 70000", "def f(): return 'a' * 69999 + 'b'"),
        ("list(range(70000))", "def f(): return list(range(69999)) + [0]"),
        ("list(range(70000))", "def f(): return [float('nan')] * 70000"),
        ("[1, 2]", "from collections import deque\ndef f(): return deque([1, 2])"),
        ("[1, 2]", "def f(): return (1, 2)"),
        ("2", "def f():\n    '''never closed\n    return 2"),
        ("[]", "def f():\n    a = []\n    a.append(a)\n    return a"),
    ],
)
def test_what_differs_from_the_expected_value_fails(box, value, program):
    assert verdict(box, giving(value), program) is not Verdict.PASSED


def test_a_digest_stands_for_a_table_too_large_to_send(box, monkeypatch):
    few = calls._suffix().replace("1 << 22", "1 << 4")
    monkeypatch.setattr(calls, "_suffix", lambda: few)
    rows = "[(str(n), n) for n in range(%d)]"
    assert verdict(box, giving(rows % 40), f"def f(): return {rows % 40}") is Verdict.PASSED
    assert verdict(box, giving(rows % 40), f"def f(): return {rows % 39} + [('39', 38)]") is Verdict.FAILED


def test_a_tolerance_holds_from_the_first_float_on(box):
    problem = Problem("test/1", "", "f", "def f(x): return x\n", (([1, 0.5],), (0.5,), ([1, 0.5],)), ())
    noisy = "def f(x): return x if x == 0.5 else [1, 0.5 + 1e-9]"
    judgement = judge_program(box, problem, noisy, references=References())
    assert judgement.base.failed == (0,)


def test_what_is_sent_with_a_candidate_holds_neither_expected_values_nor_the_canonical_solution():
    sandbox, known = InProcessSandbox(), References()
    problem = Problem("test/2", "", "f", "def f(x): return 'sec' + 'ret' * x\n", ((2,),), ((3,),))
    assert judge_program(sandbox, problem, problem.reference_program, references=known).passed
    sandbox.runs.clear()
    assert not judge_program(sandbox, problem, "def f(x): return x", references=known).passed
    for program, sent, limits in sandbox.runs:
        assert "'sec'" not in program and "secret" not in f"{program} {sent} {limits}"


def test_expected_values_are_computed_once():
    sandbox, known = InProcessSandbox(), References()
    for _ in range(3):
        assert judge_program(sandbox, DOUBLE, DOUBLE.reference_program, references=known).passed
    assert len(sandbox.runs) == 2 + 3 * 2


def test_a_run_that_reached_a_limit_is_taken_up_where_it_ended():
    judgement = judge_program(InProcessSandbox(most=2), DOUBLE, DOUBLE.reference_program, references=References())
    assert judgement.passed and (judgement.base.runs, judgement.plus.runs) == (1, 2)


def test_a_test_that_has_a_run_of_its_own_and_gives_nothing_has_timed_out():
    known = References()
    judge_program(InProcessSandbox(), DOUBLE, DOUBLE.reference_program, references=known)
    judgement = judge_program(InProcessSandbox(most=0), DOUBLE, "f = print", references=known)
    assert (judgement.base.verdict, judgement.base.failed) == (Verdict.TIMED_OUT_CPU, (0, 1))


def test_all_tests_together_have_a_bound():
    known = References()
    judge_program(InProcessSandbox(), DOUBLE, DOUBLE.reference_program, references=known)
    slow = InProcessSandbox(most=1, wall_seconds=100.0)
    judgement = judge_program(slow, DOUBLE, DOUBLE.reference_program, references=known)
    assert (judgement.base.verdict, judgement.base.runs) == (Verdict.TIMED_OUT_WALL, 1)
    assert "more than 60 seconds" in judgement.base.reason


def test_a_candidate_gets_more_where_the_canonical_solution_takes_more():
    sandbox = InProcessSandbox(wall_seconds=20.0)
    judge_program(sandbox, DOUBLE, DOUBLE.reference_program, references=References())
    assert sandbox.runs[2][2].wall_seconds == 80.0


def test_a_canonical_solution_that_fails_is_the_datas_fault():
    broken = Problem("test/3", "", "f", "def f(x): return x / 0", ((1,),), ())
    with pytest.raises(DatasetError, match=r"canonical solution of test/3 .*ZeroDivisionError"):
        judge_program(InProcessSandbox(), broken, "def f(x): return 0", references=References())
    with pytest.raises(DatasetError, match="no tests"):
        judge_program(InProcessSandbox(), Problem("test/4", "", "f", "", (), ()), "", references=References())


@pytest.mark.parametrize("end", ["raise KeyError(x)", "raise type(f'E{x}', (Exception,), {})()", "print(x); exit(3)"])
def test_the_error_about_a_failing_canonical_solution_names_no_input(box, end):
    broken = Problem("test/3", "", "f", f"def f(x):\n    if x != 1: {end}\n    return x", ((5421,),), ())
    with pytest.raises(DatasetError) as caught:
        judge_program(box, broken, "def f(x): return 0", references=References())
    assert "5421" not in str(caught.value)


def test_a_failing_sandbox_is_no_score():
    class Broken(InProcessSandbox):
        def run(self, program, **_):
            raise SandboxError("the engine is gone")

    with pytest.raises(SandboxError, match="gone"):
        judge_program(Broken(), DOUBLE, DOUBLE.reference_program, references=References())


def test_a_number_too_long_to_write_still_makes_a_reason(box):
    judgement = judge_program(box, giving("10 ** 9000"), "def f(): return 10 ** 9000 + 1", references=References())
    assert judgement.base.reason == "f() gave <int>, wanted <int>"
