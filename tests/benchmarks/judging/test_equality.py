"""Two values agree exactly where evalplus says so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.base import Problem
from benchmarks.judging.equality import agree_on_none, agrees, asks_for_anything, choose_comparison, equal, has_floats

nan, inf = math.nan, math.inf
atoms = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text() | st.binary()
plain = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.frozensets(atoms)
        | st.sets(atoms)
        | st.dictionaries(atoms, inner)
    ),
    max_leaves=8,
)


def problem(task_id, entry_point="f", **fields):
    return Problem(task_id, "", entry_point, "", ((),), (), **fields)


@given(plain, st.sampled_from([0.0, 1e-6]))
def test_a_value_agrees_with_itself(value, atol):
    assert agrees(value, value, atol)


@pytest.mark.parametrize("value", [nan, [nan], {nan: [nan, 1]}, (1, {nan, 2}), {"a": (nan,)}, complex(nan, 1)])
def test_nan_agrees_with_another_nan_and_with_nothing_else(value):
    other = eval(repr(value).replace("nan+1j", "complex(nan, 1)"), {"nan": float("nan"), "complex": complex})
    assert agrees(other, value) and agrees(other, value, 1e-6)
    assert not agrees(0.0, value, 1e-6)


@given(st.lists(st.floats() | st.integers(-(2**60), 2**60), min_size=1), st.data())
def test_closeness_is_numpys(expected, data):
    import numpy

    noise = st.floats(-3e-6, 3e-6) | st.floats(-1e-6, 1e-6).map(lambda part: part * 1e4)
    value = [number + data.draw(noise) for number in expected]
    with numpy.errstate(all="ignore"):
        wanted = numpy.allclose(value, expected, rtol=1e-7, atol=1e-6, equal_nan=True)
    assert agrees(value, expected, 1e-6) == (wanted or equal(value, expected))


@pytest.mark.parametrize(
    ("value", "expected", "exactly", "nearly"),
    [
        (1 + 1e-7, 1.0, False, True),
        (1 + 1e-5, 1.0, False, False),
        (1e9 + 50, 1e9, False, True),  # rtol is of the expected value
        (inf, 1e308, False, False),
        (1e308, inf, False, False),
        (inf, inf, True, True),
        (1, 1.0, True, True),
        (True, 1, True, True),
        (1 + 1e-9, 1, False, False),  # of one type, or equal
        ([1, 2], (1, 2), False, False),
        ([(1.0, 2.0)], [[1.0, 2.0]], False, True),  # inside, numpy sees no difference
        ([1.0, 2.0], [1.0], False, False),
        ([[1.0]], [[1.0 + 1e-8]], False, True),
        ([1.0, "a"], [1.0 + 1e-8, "a"], False, False),  # numbers only
        ({"a": 1.0}, {"a": 1.0 + 1e-8}, False, False),
        ({2, 1}, {1, 2}, True, True),
        ({1}, frozenset({1}), True, True),
        ({1: 2, 3: 4}, {3: 4, 1: 2}, True, True),
        ("1", 1, False, False),
        (None, 0, False, False),
        (b"a", "a", False, False),
        (10**400, 10**400 + 1, False, False),
        ([10**400], [1.0], False, False),
        ([1.0, 1.0], [[1.0, 1.0], [1.0, 1.0]], False, False),  # numpy would broadcast, and call this close
        (1 + 1e-8j, 1 + 0j, False, True),
    ],
)
def test_values_agree_as_evalplus_says(value, expected, exactly, nearly):
    assert (agrees(value, expected), agrees(value, expected, 1e-6)) == (exactly, nearly)


def test_only_floats_alone_switch_the_tolerance_on():
    assert [has_floats(value) for value in (1.0, [1.0], (1.0, 2.0))] == [True] * 3
    assert [has_floats(value) for value in (1, [], [1, 2.0], [[1.0]], {1.0}, "1.0")] == [False] * 6


@pytest.mark.parametrize(
    ("entry_point", "arguments", "right", "wrong"),
    [
        ("similar_elements", ((3, 4), (4,)), [[4], (4, 4)], [[3], None, 4]),
        ("are_equivalent", (1, 2), [True, False, None], []),
        ("sum_div", (8,), [[4], 0], [[5]]),
        ("surface_Area", (3, 4), [[4], 35], [34, "35"]),
        ("digit_distance_nums", (1, 2), [[4], 1], [2]),
        ("anything_else", (), [[4]], [(4,), 4]),
    ],
)
def test_mbpps_special_tasks_accept_what_evalplus_accepts(entry_point, arguments, right, wrong):
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    accepts = choose_comparison(problem("Mbpp/1", entry_point))
    assert [accepts(arguments, value, [4], 0.0) for value in right] == [True] * len(right)
    assert [accepts(arguments, value, [4], 0.0) for value in wrong] == [False] * len(wrong)


def test_special_tasks_are_special_in_their_own_benchmark_only():
    assert not choose_comparison(problem("exercises/1", "are_equivalent"))((), 1, 2, 0.0)
    assert not asks_for_anything(problem("exercises/1", "check_str"))


def test_any_root_is_right_where_a_root_is_asked_for():
    pytest.importorskip("evalplus", reason="needs evalplus (pip install 'dubito[bench]')")
    accepts = choose_comparison(problem("HumanEval/32", "find_zero"))
    arguments = ([-6, 11, -6, 1],)  # (x - 1) (x - 2) (x - 3)
    assert [accepts(arguments, value, 1.0, 1e-4) for value in (1.0, 2, 3.0 + 1e-9)] == [True] * 3
    assert [accepts(arguments, value, 1.0, 1e-4) for value in (1.5, None, "1", nan, 1e300, 1j)] == [False] * 6


def test_where_anything_is_asked_for_a_bool_speaks_for_itself():
    found, nothing = "anything", None
    assert [agree_on_none(value, found) for value in (True, "anything", 3, False, None)] == [True] * 3 + [False] * 2
    assert [agree_on_none(value, nothing) for value in (False, None, True, 3)] == [True] * 2 + [False] * 2
