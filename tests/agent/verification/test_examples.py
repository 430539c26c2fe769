"""Verification judges where no program can reach, and says in sentences what failed."""

import math

import pytest
from fakes import ScriptedSandbox

from agent.program.examples.asserts import read_tests
from agent.program.examples.read import visible_examples
from agent.program.failures import describe_failure
from agent.program.syntax import is_degenerate
from agent.verification.examples import verify, verify_steadily
from agent.verification.expectations import agree
from sandbox import Call, Verdict, open_sandbox

REQUEST = 'def f(xs):\n    """Sum.\n    >>> f([1, 2])\n    3\n    >>> f([])\n    0\n    """'


@pytest.fixture(scope="module")
def sandbox():
    box = open_sandbox("process")
    yield box
    box.close()


def described(result):
    return tuple(map(describe_failure, result.failures))


def test_a_right_program_passes_every_example(sandbox):
    result = verify(sandbox, REQUEST + "\n    return sum(xs)\n", visible_examples(REQUEST))
    assert (result.verdict, result.checked, result.failures) == (Verdict.PASSED, 2, ())


def test_a_wrong_value_is_reported_beside_the_wanted_one(sandbox):
    result = verify(sandbox, REQUEST + "\n    return max(xs)\n", visible_examples(REQUEST))
    assert result.verdict is Verdict.FAILED
    assert described(result)[0] == "f([1, 2]) returned 2, wanted 3"
    assert described(result)[1].startswith("f([]) raised ValueError: max()")


@pytest.mark.parametrize("value", ["10 ** 5000", "[10 ** 5000]", "{'a': -(10 ** 9000)}"])
def test_a_number_too_long_to_write_fails_like_any_other_wrong_value(sandbox, value):
    result = verify(
        sandbox,
        f"def f(xs): return {value}\n",
        [*visible_examples(REQUEST), *read_tests("assert f([1]) in (1, 2)").examples],
    )
    assert (result.verdict, len(result.failures)) == (Verdict.FAILED, 3)
    assert all("too long to write" in failure for failure in described(result))


def test_a_program_that_does_not_compile_is_reported_so(sandbox):
    result = verify(sandbox, "def f(:\n", visible_examples(REQUEST))
    assert result.verdict is Verdict.SYNTAX_ERROR
    assert described(result)[0].startswith("the program is no valid Python")


def test_a_program_without_examples_must_still_load(sandbox):
    assert verify(sandbox, "x = 1\n", []).passed
    assert not verify(sandbox, "raise ValueError('no')\n", []).passed
    assert not verify(sandbox, "import sys\nsys.exit(0)\n", []).passed


@pytest.mark.parametrize("program", ["# a comment", "", "def f(x):\n    pass\n", 'def f(x):\n    """Add."""\n'])
def test_a_program_that_does_nothing_is_no_answer(sandbox, program):
    assert described(verify(sandbox, program, [])) == ("the program does nothing: it has no statement of its own",)


def test_is_true_wants_true_and_no_equal(sandbox):
    assert not verify(sandbox, "def f(x): return 1\n", read_tests("assert f(1) is True").examples).passed
    assert verify(sandbox, "def f(x): return True\n", read_tests("assert f(1) is True").examples).passed


def test_wanted_values_in_variables_stay_outside():
    fake = ScriptedSandbox(value=5)
    verify(fake, "def f(x): ...", read_tests("wanted = 987654321\nassert f(1) == wanted").examples)
    assert "987654321" not in fake.programs[0]


def test_a_lying_object_proves_nothing(sandbox):
    liar = "class L(int):\n    __eq__ = lambda s, o: True\n    __hash__ = int.__hash__\ndef f(xs): return L(9)\n"
    assert not verify(sandbox, liar, visible_examples(REQUEST)).passed
    assert not verify(sandbox, liar, read_tests("assert f([1]) == 2 and True").examples).passed


def test_a_condition_is_judged_where_the_program_cannot_reach(sandbox):
    forging = "import math\nmath.isclose = lambda *a, **k: True\ndef f(xs): return 5.0\n"
    assert not verify(sandbox, forging, read_tests("assert math.isclose(f([1]), 1.0)").examples).passed
    assert verify(sandbox, "def f(xs): return 1.0\n", read_tests("assert math.isclose(f([1]), 1.0)").examples).passed


def test_expected_values_never_reach_the_program():
    fake = ScriptedSandbox(value=123456789)
    verify(fake, "def f(x): ...", read_tests("assert f(1) == 123456789\nassert f(2) != 987654321").examples)
    assert "123456789" not in fake.programs[0]
    assert "987654321" not in fake.programs[0]


def test_a_wanted_exception_passes_and_a_value_in_its_place_fails(sandbox):
    request = (
        'def f(x):\n    """Check.\n    >>> f(1)\n    Traceback (most recent call last):\n    ValueError: no\n    """'
    )
    assert verify(sandbox, "def f(x): raise ValueError('no')\n", visible_examples(request)).passed
    failed = verify(sandbox, "def f(x): return 1\n", visible_examples(request))
    assert described(failed) == ("f(1) returned 1, wanted ValueError: no",)
    other = verify(sandbox, "def f(x): raise ValueError('yes')\n", visible_examples(request))
    assert described(other) == ("f(1) raised ValueError: yes, wanted ValueError: no",)


def test_setups_run_before_their_examples_only(sandbox):
    examples = read_tests("y = 2\nassert f(y) == 3\ny = 5\nassert f(y) == 6\n").examples
    assert verify(sandbox, "def f(x): return x + 1\n", examples).passed


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        (0.1 + 0.2, 0.3, True), (1.0, 1, True), (1.1, 1, False), (math.nan, math.nan, True), ([0.3], [0.1 + 0.2], True),
        ([1], (1,), False), ({"a": 0.3}, {"a": 0.1 + 0.2}, True), ({1, 2}, {2, 1}, True), ("1", 1.0, False),
        ([1, 2], [1], False),
    ],
)  # fmt: skip
def test_plain_data_agree_with_tolerance_for_floats_only(value, wanted, same):
    assert agree(value, wanted) is same


@pytest.mark.parametrize(
    ("program", "empty"),
    [
        ("def f(x:", True),
        ("# a comment", True),
        ('import re\n\ndef f(x):\n    """Text."""\n', True),
        ("def f(x):\n    pass\n", True),
        ("def f(x):\n    return x\n", False),
        ("x = 1", False),
    ],
)
def test_degenerate_is_what_does_not_parse_or_has_nothing_to_run(program, empty):
    assert is_degenerate(program) is empty


class Sometimes(ScriptedSandbox):
    """A sandbox in which a program meets one verdict after another."""

    def __init__(self, *verdicts: Verdict) -> None:
        met = iter(verdicts)
        super().__init__(lambda program: next(met), value=3)


LATE, WALL, PASSED, WRONG = Verdict.TIMED_OUT_CPU, Verdict.TIMED_OUT_WALL, Verdict.PASSED, Verdict.FAILED
CHECK = visible_examples(REQUEST)[:1]


@pytest.mark.parametrize(
    ("met", "verdict", "message"),
    [
        ((PASSED,), PASSED, ()),
        ((LATE, LATE), LATE, ("the program ran out of time",)),
        ((WALL, LATE), WALL, ("the program ran out of time",)),
        ((LATE, PASSED), WRONG, ("the program ran out of time in one of two runs, so it is not to be relied on",)),
        ((WALL, WRONG), WRONG, ("the program ran out of time in one of two runs, so it is not to be relied on",)),
        ((WRONG,), WRONG, ("the program failed: NameError: name 'x' is not defined",)),
    ],
)
def test_a_program_that_ran_out_of_time_is_run_again_and_sometimes_is_not_enough(met, verdict, message):
    box = Sometimes(*met)
    result = verify_steadily(box, "def f(xs): return 3", CHECK)
    assert (result.verdict, described(result), result.runs) == (verdict, message, len(met))


@pytest.mark.parametrize("source", ["import random", "from time import time", "import os\nos.urandom", "id(3)"])
def test_a_program_that_may_vary_must_pass_twice(source):
    result = verify_steadily(Sometimes(PASSED, WRONG), f"{source}\ndef f(xs): return 3", CHECK)
    assert described(result)[0] == "the program passed in one of two runs: it does something else each time"
    assert verify_steadily(Sometimes(PASSED, PASSED), f"{source}\ndef f(xs): return 3", CHECK).passed


def test_a_program_that_is_random_is_found_out_in_a_real_sandbox(sandbox):
    program = "import random\ndef f(xs): return 3 if random.random() < .5 else 4"
    verdicts = [verify_steadily(sandbox, program, CHECK).passed for _ in range(24)]
    assert sum(verdicts) < 16, "it passes twice a quarter of the time"


def test_numbers_of_failing_examples_are_reported(sandbox):
    examples = [*visible_examples(REQUEST), *read_tests("assert f([2]) == 2").examples]
    assert verify(sandbox, "def f(xs): return 0", examples).failed_examples == (0, 2)
    assert verify(sandbox, "raise ValueError", examples).failed_examples == ()


def test_a_program_that_is_right_in_one_order_of_its_set_alone_does_not_pass(sandbox):
    by_order = "def f(words):\n    return list(set(words))"
    words = [f"w{number}" for number in range(12)]
    (order,) = sandbox.run(by_order, calls=[Call("f", (words,))]).outcomes
    examples = read_tests(f"assert f({words!r}) == {order.value!r}").examples
    assert verify(sandbox, by_order, examples).passed
    assert described(verify_steadily(sandbox, by_order, examples))[0] == (
        "the program passed in one of two runs: it does something else each time"
    )
    steady = f"def f(words):\n    return sorted(set(words), key={order.value!r}.index)"
    assert verify_steadily(sandbox, steady, examples).passed
