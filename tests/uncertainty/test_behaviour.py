"""Laws of the measures of clusters of programs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from uncertainty.behaviour import error_of_mass, functional_entropy, information_gain

SHARES = some.lists(some.floats(0.001, 1.0), min_size=1, max_size=6)


def test_entropy_of_clusters_is_that_of_their_shares():
    assert functional_entropy([3.0]) == 0.0
    assert functional_entropy([1, 1, 1, 1]) == pytest.approx(math.log(4))
    assert functional_entropy([2.0, 0.0, 2.0]) == pytest.approx(math.log(2))


@given(SHARES)
def test_entropy_of_clusters_is_at_most_uniform(shares):
    assert -1e-12 <= functional_entropy(shares) <= math.log(len(shares)) + 1e-12


@given(SHARES)
def test_the_bound_from_masses_holds_whichever_cluster_is_right(masses):
    total = sum(masses)
    masses = [mass / total for mass in masses]
    assert all(error_of_mass(masses) <= 1.0 - right + 1e-9 for right in masses)
    assert error_of_mass([]) == 0.0


@given(SHARES)
def test_the_bound_from_masses_is_no_weaker_than_the_one_from_disagreeing_samples(masses):
    masses = [mass / sum(masses) for mass in masses]
    incoherence = 1.0 - sum(mass * mass for mass in masses)
    assert error_of_mass(masses) >= 1.0 - math.sqrt(max(0.0, 1.0 - incoherence)) - 1e-9


def test_the_gain_of_an_input_is_what_it_settles():
    assert information_gain([0.5, 0.5], ["a", "b"]) == pytest.approx(math.log(2))
    assert information_gain([0.5, 0.5], ["a", "a"]) == pytest.approx(0.0)
    assert information_gain([1, 1, 2], ["a", "a", "b"]) == pytest.approx(math.log(2))


@given(SHARES, some.data())
def test_the_gain_is_between_nothing_and_all_doubt(shares, data):
    outputs = data.draw(some.lists(some.integers(0, 2), min_size=len(shares), max_size=len(shares)))
    assert -1e-9 <= information_gain(shares, outputs) <= functional_entropy(shares) + 1e-9
