"""Laws of agreement: what programs that behave alike or not say of their being right."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from uncertainty.agreement import (
    error_of_draws,
    error_of_mass,
    functional_entropy,
    incoherence,
    information_gain,
)

SHARES = some.lists(some.floats(0.001, 1.0), min_size=1, max_size=6)


def test_entropy_of_kinds_is_that_of_their_shares():
    assert functional_entropy([3.0]) == 0.0
    assert functional_entropy([1, 1, 1, 1]) == pytest.approx(math.log(4))
    assert functional_entropy([2.0, 0.0, 2.0]) == pytest.approx(math.log(2))


@given(SHARES)
def test_entropy_of_kinds_is_at_most_uniform(shares):
    assert -1e-12 <= functional_entropy(shares) <= math.log(len(shares)) + 1e-12


def test_incoherence_is_the_share_of_pairs_that_differ():
    assert (incoherence([4]), incoherence([1, 1, 1]), incoherence([2, 1])) == (0.0, 1.0, pytest.approx(2 / 3))
    assert incoherence([1]) == incoherence([]) == 0.0


@given(some.lists(some.integers(1, 6), min_size=1, max_size=5))
def test_incoherence_equals_counting_pairs(sizes):
    draws = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    pairs = [(a, b) for i, a in enumerate(draws) for b in draws[:i]]
    expected = sum(a != b for a, b in pairs) / len(pairs) if pairs else 0.0
    assert incoherence(sizes) == pytest.approx(expected)


def test_the_bound_from_draws_is_kept_on_average_over_samplers_of_known_error():
    chance = random.Random(3)
    for error in (0.1, 0.3, 0.6):
        bounds = []
        for _ in range(300):
            programs = ["right" if chance.random() > error else chance.random() for _ in range(20)]
            bounds.append(error_of_draws([programs]))
        assert sum(bounds) / len(bounds) <= error + 0.02


def test_the_bound_from_draws_is_nothing_where_all_agree_or_nothing_was_asked():
    assert error_of_draws([["a", "a"], ["b", "b"]]) == 0.0
    assert error_of_draws([]) == 0.0
    assert error_of_draws([["a", "b"]]) == 1.0


@given(SHARES)
def test_the_bound_from_masses_holds_whichever_kind_is_right(masses):
    total = sum(masses)
    masses = [mass / total for mass in masses]
    assert all(error_of_mass(masses) <= 1.0 - right + 1e-9 for right in masses)
    assert error_of_mass([]) == 0.0


def test_the_gain_of_an_input_is_what_it_settles():
    assert information_gain([0.5, 0.5], ["a", "b"]) == pytest.approx(math.log(2))
    assert information_gain([0.5, 0.5], ["a", "a"]) == pytest.approx(0.0)
    assert information_gain([1, 1, 2], ["a", "a", "b"]) == pytest.approx(math.log(2))


@given(SHARES, some.data())
def test_the_gain_is_between_nothing_and_all_doubt(shares, data):
    outputs = data.draw(some.lists(some.integers(0, 2), min_size=len(shares), max_size=len(shares)))
    assert -1e-9 <= information_gain(shares, outputs) <= functional_entropy(shares) + 1e-9
