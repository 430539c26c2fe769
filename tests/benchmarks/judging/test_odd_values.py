"""Odd values are compared and described: no error, few words, and never a wrong agreement."""

import math
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.base import Problem
from benchmarks.judging.calls import CallResult, _call_result
from benchmarks.judging.checker import _disagreement
from benchmarks.judging.equality import agrees, equal
from benchmarks.judging.guest import call_function, to_plain
from benchmarks.judging.words import _LONGEST, escape, short_value
from sandbox import Raised, Returned, Unplain

BITS = [61, 1024, 1400, 20_000, 200_000]  # of ints: a hash, the floats, and the digits that Python writes end there
FLOATS = [0.0, -0.0, 1e308, 5e-324, math.inf, -math.inf, math.nan]
TEXTS = ["\ud800", "\udfff\ud800", "\x1b]0;title\x07", "\u202eabc", "a" * 999, "\x00\n\r", "١٢"]
SPECIAL = [
    *((1 << bits) - 1 for bits in BITS), *(-(1 << bits) for bits in BITS), *FLOATS, *TEXTS,
    complex(math.nan, math.inf), complex(1e308, 1e308), b"\xff" * 300,
]  # fmt: skip


@st.composite
def atoms(draw):
    """Hypothesis writes composite strategies by name: these would be long ones."""
    return draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
        | st.integers(0, len(SPECIAL) - 1).map(lambda place: SPECIAL[place])
    )  # fmt: skip


keys = atoms() | st.lists(atoms(), max_size=3).map(tuple) | st.frozensets(atoms(), max_size=3)
odd = st.recursive(
    atoms(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(keys, max_size=4)
        | st.frozensets(keys, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=10,
)
PROBLEMS = [
    Problem("exercises/0", "", "f", "", (), ()),
    Problem("HumanEval/32", "", "find_zero", "", (), (), 1e-4),
    Problem("Mbpp/2", "", "similar_elements", "", (), ()),
    Problem("Mbpp/164", "", "are_equivalent", "", (), ()),
    Problem("Mbpp/295", "", "sum_div", "", (), ()),
    Problem("Mbpp/581", "", "surface_Area", "", (), ()),
    Problem("Mbpp/558", "", "digit_distance_nums", "", (), ()),
    Problem("Mbpp/16", "", "text_match_three", "", (), ()),
]
needs_evalplus = pytest.mark.usefixtures("evalplus")


@pytest.fixture(scope="module")
def evalplus():
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")


def deep(value, levels, make):
    for _ in range(levels):
        value = make(value)
    return value


@needs_evalplus
@settings(deadline=None)
@given(
    problem=st.sampled_from(PROBLEMS),
    kind=st.sampled_from(["value", "digest", "unplain", "raised"]),
    value=odd,
    expected=odd,
    arguments=st.lists(odd, max_size=2).map(tuple),
    atol=st.sampled_from([0.0, 1e-6]),
)
def test_no_value_breaks_a_comparison_or_its_reason(problem, kind, value, expected, arguments, atol):
    reason = _disagreement(problem, arguments, CallResult(kind, value), CallResult("value", expected), atol)
    assert reason is None or (reason.isprintable() and len(reason) < 5 * _LONGEST)
    assert reason is None or reason, "a reason has words"
    assert kind != "raised" or reason


@given(value=odd, atol=st.sampled_from([0.0, 1e-6]))
def test_a_value_agrees_with_itself_however_odd(value, atol):
    assert agrees(value, value, atol)


@given(value=odd, expected=odd)
def test_without_nan_equality_is_pythons(value, expected):
    if "nan" not in repr_of(expected):
        assert equal(value, expected) == (value == expected)


def repr_of(value):
    try:
        return repr(value)
    except ValueError:  # an int of too many digits
        return "nan"


@needs_evalplus
@settings(deadline=None)
@given(value=odd, expected=odd, atol=st.sampled_from([0.0, 1e-6]), near=st.booleans())
def test_nothing_agrees_that_evalplus_would_not_let_pass(value, expected, atol, near):
    import numpy

    value = expected if near else value
    if not agrees(value, expected, atol) or equal(value, expected):
        return
    assert atol and type(value) is type(expected)
    assert numpy.allclose(value, expected, rtol=1e-7, atol=atol, equal_nan=True)


@pytest.mark.parametrize("make", [lambda v: [v], lambda v: (v,), lambda v: frozenset({v}), lambda v: {0: v}])
def test_values_as_deep_as_can_be_sent_are_compared(make):
    one, other = deep(math.nan, 95, make), deep(float("nan"), 95, make)
    assert agrees(one, other, 1e-6) and not agrees(one, deep(1.0, 95, make), 1e-6)
    assert len(short_value(one)) <= _LONGEST


SLOW = {
    "a list of equal hashes": [n * (2**61 - 1) for n in range(100_000)],
    "a long list": [0] * 3_000_000,
    "a long list of no numbers": [math.nan] * 1_000_000,
    "many empty sets": [set() for _ in range(300_000)],
    "a long text": "0" * 20_000_000,
    "a large int": 1 << 100_000_000,
    "a large dict": dict.fromkeys(range(300_000)),
}


@needs_evalplus
@pytest.mark.parametrize("value", SLOW.values(), ids=SLOW)
def test_a_comparison_ends_where_what_is_expected_ends(value):
    for problem in PROBLEMS:
        for expected in (1, 2.5, [1.0, 2.0], (0, 1), [math.nan], {1, 2}, {1: math.nan}, {math.nan}):
            before = time.process_time()
            _disagreement(problem, ((1, 2),), CallResult("value", value), CallResult("value", expected), 1e-6)
            seconds = time.process_time() - before
            assert seconds < 2.0, (problem.entry_point, expected, seconds)


@given(st.text() | st.sampled_from(TEXTS))
def test_words_of_a_program_are_few_and_printable(text):
    for outcome in (Raised(text, text), Unplain(text), Returned(("unplain", text)), Returned(("digest", text))):
        words = _call_result(outcome).value
        assert words.isprintable() and len(words) <= _LONGEST
    assert escape(text) == text or not text.isprintable() or len(text) > _LONGEST


@given(odd)
def test_what_a_program_returns_in_the_checkers_place_is_forged_or_well_formed(value):
    kind, shown = _call_result(Returned(value))
    assert kind == "value" or isinstance(shown, str)


NUMPY = [
    ("numpy.int64(3)", 3),
    ("numpy.uint8(255)", 255),
    ("numpy.bool_(True)", True),
    ("numpy.float64(0.5)", 0.5),
    ("numpy.float32(0.5)", 0.5),
    ("numpy.complex64(1j)", 1j),
    ("numpy.str_('a')", "a"),
    ("numpy.bytes_(b'a')", b"a"),
    ("numpy.array([1, 2])", [1, 2]),
    ("numpy.array(7)", 7),
    ("numpy.array([[1.5], [2.5]])", [[1.5], [2.5]]),
    ("numpy.array([1, 'a', None], dtype=object)", [1, "a", None]),
    ("[numpy.int64(1), (numpy.bool_(False),)]", [1, (False,)]),
    ("{numpy.int64(1): numpy.float64(2)}", {1: 2.0}),
    ("{numpy.int64(1)}", {1}),
]


@pytest.mark.parametrize(("source", "wanted"), NUMPY)
def test_numpys_numbers_and_arrays_become_pythons(source, wanted):
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    kind, value = call_function({"f": lambda: eval(source, {"numpy": numpy})}, "f", [])
    assert (kind, repr(value)) == ("value", repr(wanted))


@pytest.mark.parametrize("source", ["numpy.longdouble(1) / 3", "numpy.datetime64('2020-01-01')", "numpy.dtype('i4')"])
def test_what_numpy_has_and_python_has_not_is_not_plain(source):
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    kind, _ = call_function({"f": lambda: eval(source, {"numpy": numpy})}, "f", [])
    assert kind == "unplain"


def test_showing_a_value_imports_no_numpy(monkeypatch):
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    with pytest.raises(TypeError):
        to_plain(object())
    assert "numpy" not in sys.modules


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((member for member in (1, 2)), [1, 2]),
        ({1: 0, 2: 0}.keys(), [1, 2]),
        (map(str, (1, 2)), ["1", "2"]),
        ((1, 2), (1, 2)),
        ({1}, {1}),
        ("12", "12"),
        (list(range(70_000)), list(range(70_000))),
    ],
)
def test_where_members_count_whatever_can_be_gone_through_is_listed(given, shown):
    assert call_function({"f": lambda: given}, "f", [], True) == ("value", shown)
