"""Hostile programs never learn whether they were right, never pass, and never end another program's judging."""

import time

import pytest

from benchmarks.base import Problem
from benchmarks.judging.calls import FORGED, CallResult, call_program
from benchmarks.judging.checker import _MOST_RUNS, judge_program
from benchmarks.judging.expected import References
from benchmarks.judging.words import _LONGEST
from sandbox import Call, Limits, Verdict, open_sandbox

DOUBLE = Problem("test/0", "def f(x):\n", "f", "    return 2 * x\n", ((1,), (2,), (3,), (4,), (5,)), ((10,),))
QUICK = Limits(cpu_seconds=0.25, wall_seconds=30.0)
IMPATIENT = Limits(cpu_seconds=10.0, wall_seconds=0.6)
ROOMY = Limits(cpu_seconds=2.0, wall_seconds=20.0)
KNOWN = References()


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    for plus in (False, True):  # before anybody counts runs
        KNOWN.expected(sandbox, DOUBLE, plus=plus)
    yield sandbox
    sandbox.close()


class Recorded:
    """A sandbox, and what each run was asked."""

    def __init__(self, sandbox):
        self.sandbox, self.asked = sandbox, []

    def run(self, program, *, calls=(), **options):
        self.asked.append([call.arguments for call in calls if isinstance(call, Call)])
        return self.sandbox.run(program, calls=calls, **options)


LEAVING = {
    "an exit": ("os._exit(0)", Verdict.FAILED),
    "an exit with a code": ("os._exit(7)", Verdict.FAILED),
    "a signal": ("os.kill(os.getpid(), signal.SIGTERM)", Verdict.FAILED),
    "a kill": ("os.kill(os.getpid(), signal.SIGKILL)", Verdict.FAILED),
    "a segmentation fault": ("ctypes.string_at(0)", Verdict.FAILED),
    "noise where answers go": ("os.write(4, b'\\0\\0\\0\\2no')", Verdict.FAILED),
    "the end of where answers go": ("os.close(4)", Verdict.FAILED),
    "another program in its place": ("os.execv('/bin/true', ['true'])", Verdict.FAILED),
    "a forged time-out": ("os.kill(os.getpid(), signal.SIGXCPU)", Verdict.TIMED_OUT_CPU),
    "a loop": ("[None for _ in iter(int, 1)]", Verdict.TIMED_OUT_CPU),
    "sleep": ("time.sleep(60)", Verdict.TIMED_OUT_WALL),
    "a claim to have no memory": ("_raise(MemoryError)", Verdict.OUT_OF_MEMORY),
    "too much noise": ("[os.write(1, b'x' * (1 << 20)) for _ in range(20)]", Verdict.OUTPUT_LIMIT),
}
AFTER_EACH_ANSWER = """
import ctypes, os, signal, time
asked = []
def _raise(error): raise error
def f(x):
    if asked: {}
    asked.append(x)
    return {}
"""


def leave(sandbox, how, answer):
    """Judge a program that ends so after each answer."""
    program = AFTER_EACH_ANSWER.format(LEAVING[how][0], answer)
    limits = IMPATIENT if how == "sleep" else QUICK
    return judge_program(sandbox, DOUBLE, program, limits=limits, references=KNOWN)


@pytest.mark.parametrize("how", LEAVING)
def test_a_program_that_ends_after_each_answer_fails_and_is_asked_the_same_whether_the_answer_was_right(box, how):
    wanted = LEAVING[how][1]
    runs = 1 if wanted is Verdict.FAILED else _MOST_RUNS
    right, wrong = Recorded(box), Recorded(box)
    judgement = leave(right, how, "2 * x")
    assert (judgement.base.verdict, judgement.base.runs, judgement.base.passed) == (wanted, runs, runs), judgement
    assert judgement.plus.runs == 0 and judgement.plus.verdict is Verdict.FAILED
    assert not leave(wrong, how, "2 * x if x == 1 else 0").base_passed
    assert right.asked == wrong.asked


def test_a_wrong_program_that_ends_well_is_asked_the_plus_tests_as_a_right_one_is(box):
    asked = []
    for program in ("def f(x): return 2 * x", "def f(x): return 0", "def f(x): raise ValueError", "def f(x): return f"):
        recorded = Recorded(box)
        judge_program(recorded, DOUBLE, program, references=KNOWN)
        asked.append(recorded.asked)
    assert all(each == asked[0] for each in asked) and len(asked[0]) == 2


@pytest.mark.parametrize("end", ["os._exit(0)", "os._exit(3)", "ctypes.string_at(0)", "os.kill(os.getpid(), 9)"])
def test_a_crash_after_the_last_right_answer_is_a_failure(box, end):
    program = f"""
import ctypes, os, sys
class Stream:
    def write(self, text): pass
    def flush(self): {end}
def f(x):
    if x in (5, 10): sys.stdout = Stream()
    return 2 * x
"""
    judgement = judge_program(box, DOUBLE, program, references=KNOWN)
    assert (judgement.base.verdict, judgement.base.passed, judgement.base.failed) == (Verdict.FAILED, 4, (4,)), (
        judgement
    )
    assert judgement.base.reason.startswith("f(5): failed")


def test_a_limit_that_strikes_with_the_last_answer_is_no_pass(box):
    late = "import time\ndef f(x):\n    while time.process_time() < 0.6: pass\n    return x"
    one = Problem("test/one", "", "f", "def f(x): return x", ((1,),), ())
    judgement = judge_program(box, one, late, limits=QUICK, references=References())
    assert judgement.base.verdict is Verdict.TIMED_OUT_CPU


FORGERIES = [
    "('digest', 10**5000)",
    "('digest', '0' * 10**6)",
    "('digest', ['0' * 64])",
    "('digest', '0' * 64)",
    "('digest', '\\ud800' * 64)",
    "('unplain', 10**5000)",
    "('unplain', [[10**5000]])",
    "('unplain', 'x' * 10**6)",
    "('unplain', '\\x1b]0;title\\x07\\u202e')",
    "('raised', 10**5000)",
    "('value', 10**5000)",
    "('value', {10**5000: '\\ud800'})",
    "('value',)",
    "('value', 2, 2)",
    "(10**5000, 2)",
    "{'value': 2}",
    "10**5000",
    "None",
    "'va'",
]


@pytest.mark.parametrize("forged", FORGERIES)
def test_no_answer_in_the_checkers_place_passes_or_ends_the_check(box, forged):
    program = f"import functools\nfunctools.partial = lambda *_: lambda *_: {forged}\ndef f(x): return 0"
    judgement = judge_program(box, DOUBLE, program, references=KNOWN)
    assert (judgement.base.verdict, judgement.base.failed) == (Verdict.FAILED, (0, 1, 2, 3, 4)), judgement
    assert len(judgement.base.reason) < 4 * _LONGEST and judgement.base.reason.isprintable(), judgement.base.reason


def test_a_claim_of_the_wrong_type_counts_as_forged(box):
    forged = "import functools\nfunctools.partial = lambda *_: lambda _, arguments: arguments[0]"
    claims = [
        ("digest", 1),
        ("digest", "f" * 63),
        ("unplain", 1),
        ("raised", "x"),
        ("value", 1),
        ("unplain", "x" * 999),
    ]
    shown = call_program(box, forged, "f", [(claim,) for claim in claims], QUICK).results
    assert shown[:4] == (FORGED,) * 4 and shown[4] == CallResult("value", 1)
    assert shown[5].kind == "unplain" and len(shown[5].value) == _LONGEST


def test_a_forged_answer_is_not_anything_where_anything_counts(box):
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    problem = Problem("Mbpp/16", "", "check_str", "import re\ndef check_str(): return re.match('', '')", ((),), ())
    assert judge_program(box, problem, "def check_str(): return object()", references=References()).base_passed
    forged = "import functools\nfunctools.partial = lambda *_: lambda *_: 7"
    assert not judge_program(box, problem, forged, references=References()).base_passed


HUGE = {
    "an int beyond the floats": "10**400",
    "a float beyond the others": "1e308",
    "an int of a million digits": "1 << 4_000_000",
    "what is no number": "float('nan')",
    "complex infinity": "complex(float('inf'), float('nan'))",
    "a list where a float is wanted": "[2.0] * 1000",
    "a list of ints beyond the floats": "[10**400, 10**400]",
    "lists within lists": "deep",
    "a set of no number": "{float('nan')}",
    "text": "'2.0'",
    "bytes": "b'2'",
}
DEEP = "deep = 2.0\nfor _ in range(90): deep = [deep]\n"


WANTED = "[2.5, [2.5, 1.0], float('inf'), [float('nan'), 1.0], {1.5: float('nan')}]"


@pytest.mark.parametrize("value", HUGE.values(), ids=HUGE)
def test_a_value_that_is_hard_to_compare_is_just_wrong(box, value):
    tests = tuple((test,) for test in range(5))
    problem = Problem("test/hard", "", "f", f"def f(test): return {WANTED}[test]", tests, ())
    judgement = judge_program(box, problem, f"{DEEP}def f(test): return {value}", references=KNOWN)
    assert judgement.base.verdict is Verdict.FAILED and judgement.base.failed == (0, 1, 2, 3, 4), judgement
    assert judgement.base.reason.isprintable(), judgement


SLOW = {
    "a list of equal hashes": "[i * (2**61 - 1) for i in range(40_000)]",
    "tuples of equal hashes": "[(i * (2**61 - 1),) for i in range(40_000)]",
    "a member again and again": "[5, 4] * 1_000_000",
    "a generator without end": "iter(int, 1)",
    "a text": "'54' * 1_000_000",
}


@pytest.mark.parametrize("value", SLOW.values(), ids=SLOW)
def test_members_made_to_be_slow_cost_the_host_little(box, value):
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    problem = Problem("Mbpp/2", "", "similar_elements", "def similar_elements(): return (4, 5)", ((),), ())
    before = time.process_time()
    judgement = judge_program(
        box, problem, f"def similar_elements(): return {value}", limits=ROOMY, references=References()
    )
    assert judgement.base_passed is (value == SLOW["a member again and again"]), judgement
    assert time.process_time() - before < 10.0, "seconds of this process"
