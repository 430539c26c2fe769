"""Bounds on the risk of prediction sets: the exact counts, the order of the tests, and what a simulation keeps."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty.bounds import binomial_tail, last_rejected, least_problems, most_errors

# k(n, epsilon, 0.1), by exact fractions
EPSILONS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
TABLE = {
    90: (1, 4, 8, 12, 20, 29, 38),
    164: (4, 11, 18, 25, 41, 57, 73),
    500: (18, 40, 64, 88, 136, 185, 235),
    1000: (40, 87, 135, 183, 280, 379, 479),
}


def exact_tail(errors: int, problems: int, risk: Fraction) -> Fraction:
    return sum(
        (math.comb(problems, k) * risk**k * (1 - risk) ** (problems - k) for k in range(errors + 1)), Fraction(0)
    )


@pytest.mark.parametrize("problems", TABLE)
def test_the_most_errors_are_those_of_the_table(problems):
    assert tuple(most_errors(problems, epsilon, 0.1) for epsilon in EPSILONS) == TABLE[problems]


def test_the_most_errors_at_another_confidence():
    assert [most_errors(164, epsilon, 0.05) for epsilon in (0.05, 0.1, 0.2)] == [3, 9, 24]


@settings(derandomize=True, deadline=None)
@given(problems=st.integers(1, 80), percent=st.integers(1, 99), share=st.floats(0, 1))
def test_a_tail_is_that_of_exact_fractions(problems, percent, share):
    errors, risk = round(share * problems), Fraction(percent, 100)
    assert math.isclose(binomial_tail(errors, problems, float(risk)), exact_tail(errors, problems, risk), rel_tol=1e-9)


@settings(derandomize=True, deadline=None)
@given(problems=st.integers(1, 60), percent=st.integers(1, 99), confidence=st.integers(1, 99))
def test_one_error_more_than_the_most_is_too_many(problems, percent, confidence):
    epsilon, delta = Fraction(percent, 100), Fraction(confidence, 100)
    allowed = most_errors(problems, float(epsilon), float(delta))
    fitting = [k for k in range(problems + 1) if exact_tail(k, problems, epsilon) <= delta]
    assert allowed == (max(fitting) if fitting else None)


@pytest.mark.parametrize("risk", [0.0, 1.0])
def test_a_risk_at_its_end_leaves_no_chance(risk):
    assert binomial_tail(0, 5, risk) == 1.0 - risk
    assert binomial_tail(5, 5, risk) == 1.0


def test_the_smallest_calibration_set_is_the_first_that_bears_no_error():
    assert [least_problems(epsilon, 0.1) for epsilon in (0.05, 0.1, 0.2)] == [45, 22, 11]
    for epsilon, delta in ((0.05, 0.1), (0.1, 0.05), (0.3, 0.01), (0.5, 0.5), (0.9, 0.9)):
        least = least_problems(epsilon, delta)
        assert most_errors(least, epsilon, delta) is not None
        assert least == 1 or most_errors(least - 1, epsilon, delta) is None


def test_the_sequence_stops_at_its_first_failure_though_later_settings_would_pass():
    assert last_rejected([0, 4, 3, 5, 0], 90, 0.1, 0.1) == 2
    assert last_rejected([5, 0], 90, 0.1, 0.1) is None
    assert last_rejected([0, 0], 21, 0.1, 0.1) is None
    assert last_rejected([], 90, 0.1, 0.1) is None


@pytest.mark.parametrize(("epsilon", "delta", "named"), [(0.0, 0.1, "epsilon is 0"), (0.1, 1.0, "delta is 1")])
def test_a_level_out_of_range_is_refused(epsilon, delta, named):
    for ask in (lambda: most_errors(10, epsilon, delta), lambda: least_problems(epsilon, delta)):
        with pytest.raises(ValueError, match=named):
            ask()


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.1, 0.2])
def test_over_random_splits_the_risk_exceeds_epsilon_no_more_often_than_delta(epsilon):
    """400 calibration sets of 200 problems. The risk of a setting is known, and does not fall with tau."""
    rng, delta, trials, problems = np.random.default_rng(0), 0.1, 400, 200
    steps = np.linspace(0, 1, 100)
    risks = 0.45 * steps**1.5 + 0.05 * np.sin(12 * steps) ** 2  # of each setting, in the order of the tests
    exceeded = 0
    for _ in range(trials):
        hardness = rng.random(problems)  # one problem fails all settings whose risk is above it: as dependent as can be
        last = last_rejected((hardness[:, None] < risks).sum(0).tolist(), problems, epsilon, delta)
        exceeded += last is not None and risks[: last + 1].max() > epsilon
    assert 0 < exceeded <= trials * delta + 2 * math.sqrt(trials * delta * (1 - delta))
