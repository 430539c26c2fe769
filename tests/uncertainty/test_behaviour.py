"""Laws of the measures of clusters of programs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from uncertainty.behaviour import functional_entropy, information_gain, least_error

SHARES = some.lists(some.floats(0.001, 1.0), min_size=1, max_size=6)


def test_entropy_of_clusters_is_that_of_their_shares():
    assert functional_entropy([3.0]) == 0.0
    assert functional_entropy([1, 1, 1, 1]) == pytest.approx(math.log(4))
    assert functional_entropy([2.0, 0.0, 2.0]) == pytest.approx(math.log(2))


@given(SHARES)
def test_entropy_of_clusters_is_at_most_uniform(shares):
    assert -1e-12 <= functional_entropy(shares) <= math.log(len(shares)) + 1e-12


@given(some.lists(some.integers(1, 9), min_size=1, max_size=6))
def test_the_least_error_holds_whichever_cluster_is_right_and_comes_from_pairs_of_draws(counts):
    draws = [cluster for cluster, count in enumerate(counts) for _ in range(count)]
    alike = sum(one == other for one in draws for other in draws) / len(draws) ** 2
    assert least_error(counts) == pytest.approx(1 - math.sqrt(alike))
    assert all(least_error(counts) <= 1 - right / len(draws) + 1e-9 for right in counts)


def test_draws_that_behave_alike_or_do_not_exist_bound_nothing():
    assert least_error([5]) == least_error([]) == 0.0


def test_the_gain_of_an_input_is_what_it_settles():
    assert information_gain([0.5, 0.5], ["a", "b"]) == pytest.approx(math.log(2))
    assert information_gain([0.5, 0.5], ["a", "a"]) == pytest.approx(0.0)
    assert information_gain([1, 1, 2], ["a", "a", "b"]) == pytest.approx(math.log(2))


@given(SHARES, some.data())
def test_the_gain_is_between_nothing_and_all_doubt(shares, data):
    outputs = data.draw(some.lists(some.integers(0, 2), min_size=len(shares), max_size=len(shares)))
    assert -1e-9 <= information_gain(shares, outputs) <= functional_entropy(shares) + 1e-9
