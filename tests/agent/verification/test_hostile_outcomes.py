"""Whatever a guest may send is compared, shown and written in bounded time, and raises nothing."""

import json
import math
import time

import pytest
from fakes import ScriptedSandbox

from agent.messages import shorten_repr, shorten_text
from agent.program.examples.example import Example
from agent.program.failures import describe_failure
from agent.program.outputs import describe_output
from agent.program.syntax import read_literal
from agent.verification import expectations
from agent.verification.behaviour import observe_behaviour, read_output
from agent.verification.examples import verify
from agent.verification.expectations import agree, compare_shown, is_tagged, is_wanted_exception
from agent.verification.show_guest import TAG
from sandbox import Execution, Limits, Raised, Returned, Unplain, Verdict, open_sandbox

DEEP = None
for _ in range(90):
    DEEP = [DEEP]
VALUES = [
    10**400, -(10**5000), 1 << 70, 0.0, -0.0, 1e308, math.inf, -math.inf, math.nan, complex(math.nan, math.inf), 1j,
    complex(1e308, 1e308), "\ud800", "a\udfffb" * 40, "\0", "\x1b]0;x\x07", "x" * 10**6, b"\xff" * 10**5, True, None,
    DEEP, [10**400], (10**400,), {10**400: 1}, {1: 10**400}, {"\ud800": 1}, {10**400}, frozenset({1.5, "a"}), {(): []},
    {TAG: 1}, {TAG: ["decimal.Decimal", "1"]}, [{TAG: [[], {}]}], list(range(10**5)), {n: n for n in range(10**4)},
    [[], "\ud800"], [["E\ud800"], "m\ud800"], [[1], 2], ["a", None], [1, 2, 3], ["\ud800", "\ud800"],
]  # fmt: skip
WANTED = [
    None, True, 3, 2.5, 0.0, 1e-07, math.inf, math.nan, "abc", [1, 2.0], (1, "a"), {1: 2.0}, {"x"}, [[1.5]], 1 + 2j,
    {(1,): 0.5}, 10**400, 1e308, b"a", [],
]  # fmt: skip
EXAMPLES = [
    Example("f(1)", ("f(1)",), "_0 == 1.5"), Example("f(1)", ("f(1)",), "_0 == [1.5]"),
    Example("f(1)", ("f(1)",), "_0 > 1"),
    Example("f(1)", ("f(1)",), raises="ValueError", message="no"), Example("f(1)", ("f(1)",), shown="a\n"),
    Example("f(1)", ("f(1)",), raises="E", message="(a+)+$", pattern=True), Example("f(1)", ("f(1)",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


class Saying(ScriptedSandbox):
    """A sandbox in which every call has the same outcome."""

    def __init__(self, outcome):
        super().__init__()
        self.outcome = outcome

    def run(self, program, *, calls=(), stdin="", limits=None):
        outcomes = tuple(self.outcome for _ in calls)
        return Execution(Verdict.PASSED, "", "", False, outcomes, 0.0, 0.0, 0.0, "3.11")


def fits_anywhere(text):
    return text.encode("utf-8") and len(text) < 2000 and json.loads(json.dumps(text)) == text


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_any_value_is_compared_and_shown(value):
    start = time.process_time()
    for wanted in WANTED:
        assert agree(value, wanted) in (True, False)
        assert agree([value], [wanted]) in (True, False)
    assert is_tagged(value) in (True, False)
    assert is_wanted_exception(EXAMPLES[3], value) in (True, False)
    assert compare_shown(EXAMPLES[4], value)[0] in (True, False)
    assert fits_anywhere(shorten_repr(value))
    assert time.process_time() - start < 20


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_any_outcome_gives_a_verdict_whose_sentences_can_be_written(example):
    outcomes = [Returned(value) for value in VALUES]
    for text in ("\ud800" * 9000, "x\n" * 9000, "\0"):
        outcomes += [Raised(text, text), Raised("ValueError", text), Unplain(text)]
    for outcome in outcomes:
        result = verify(Saying(outcome), "def f(x): ...", [example])
        assert all(fits_anywhere(describe_failure(failure)) for failure in result.failures)


SLOW = f"{{{', '.join(str(n * (2**61 - 1)) for n in range(20_000))}}}"  # all have one hash


@pytest.mark.parametrize("wanted", ["Point(1)\n", "...\n", "{1, 2}\n", "\n"])
def test_no_text_is_evaluated_that_is_no_match_for_what_is_wanted(wanted, monkeypatch):
    evaluated = []
    monkeypatch.setattr(expectations, "read_literal", lambda text: evaluated.append(text) or read_literal(text))
    assert not compare_shown(Example("f(1)", ("f(1)",), shown=wanted), ["", SLOW])[0]
    assert f"{SLOW}\n".strip() not in evaluated


@pytest.mark.parametrize(
    ("wanted", "text", "same"),
    [
        ("{1: 2, 3: 4}", "{3: 4, 1: 2}", True), ("[1]", "[1.0]", True), ("(1,)", "(  1 ,)", True), ("[]", "[ ]", True),
        ("0.1", "0.10000000000000000555111512312578270211815834045410156250", True), ("{1, 2}", "{2}", False),
        ("f", "g", False), ("1", "f", False), ("[1]", "[1," + " " * 300 + "]", False),
    ],
)  # fmt: skip
def test_texts_are_compared_as_literals_where_both_are(wanted, text, same):
    assert compare_shown(Example("f(1)", ("f(1)",), shown=f"{wanted}\n"), ["", text])[0] is same


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_any_outcome_becomes_a_behaviour(value):
    for outcome in (
        Returned(value),
        Returned([value, [value]]),
        Raised(str(value)[:50] if value != -(10**5000) else "", ""),
    ):
        output = observe_behaviour(Saying(outcome), "def f(x): ...", "f", ["(1,)"], Limits())[0]
        assert fits_anywhere(describe_output(output))
        typed = read_output(output.text)
        assert typed is None or fits_anywhere(describe_output(typed))


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('\\ud800')", "raise type('E', (Exception,), {'__str__': lambda s: '\\udfff' * 20000})()",
        "return 10 ** 400", "return [10 ** 400]", "return '\\ud800'", "return {'\\ud800': 1}", "print('\\ud800')",
        "class L:\n        def __repr__(self): return '\\ud800'\n    return L()", "return {10 ** 400}",
        "class L:\n        def __repr__(self): raise SystemExit\n    return L()", "import os; os._exit(0)",
        "return eval('[' * 90 + ']' * 90)", "x = []; x.append(x); return x", "return iter(int, 1)",
        "import itertools; return itertools.count()", "import decimal; return decimal.Decimal('1e999999')",
        "return type('Counter', (dict,), {'__module__': 'collections', 'items': lambda s: [(1, 2, 3)]})()",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "example", [">>> f(1)\n    1.5", ">>> f(1)\n    Point(1)", ">>> f(1)\n    ValueError", ">>> 0 < f(1) < 9"]
)
def test_a_hostile_program_fails_in_a_sentence(box, body, example):
    from agent.program.examples.read import visible_examples

    examples = visible_examples(f'def f(x):\n    """Do.\n\n    {example}\n    """')
    result = verify(box, f"def f(x):\n    {body}\n", examples, limits=Limits(cpu_seconds=2.0, wall_seconds=4.0))
    assert examples and not result.passed
    assert all(fits_anywhere(describe_failure(failure)) for failure in result.failures)


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        (9e-07, 1e-07, False), (0.0, 1e-07, False), (1e-07, 1e-07, True), (1.0000000001e-07, 1e-07, True),
        (1e-17, 0.0, True), (1e-9, 0.0, False), (10**400, 1e308, False), (10**400, 10**400, True), (1e22, 10**22, True),
        (3.14159, 3.14, False), (math.inf, math.inf, True), (-math.inf, math.inf, False), ("1", 1.0, False),
    ],
)  # fmt: skip
def test_floats_are_compared_by_the_digits_that_are_wanted(value, wanted, same):
    assert agree(value, wanted) is same


def test_text_of_the_guest_is_cut_and_can_be_written():
    assert shorten_text("a\ud800b") == "a\\ud800b"
    assert len(shorten_text("x" * 10**6)) == 300 and len(shorten_text("\ud800" * 10**6)) == 300
