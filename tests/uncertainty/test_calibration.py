"""Measures of stated probabilities, and probabilities learned from features."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.profile import ReliabilityCurve
from uncertainty.calibration import auroc, brier, ece, learn_reliability, learn_weights, reliability_bins


def test_statements_that_are_kept_have_no_error_and_those_that_are_not_have_all():
    assert ece([0.75] * 4, [True, True, True, False]) == 0.0
    assert ece([1.0, 1.0], [False, False]) == 1.0
    assert ece([0.95, 0.05], [False, True]) == pytest.approx(0.95)
    assert math.isnan(ece([], [])) and math.isnan(brier([], []))


def test_brier_is_the_squared_distance():
    assert brier([0.8, 0.4], [True, False]) == pytest.approx((0.04 + 0.16) / 2)


@given(some.lists(some.tuples(some.floats(0, 1), some.booleans()), min_size=1, max_size=30))
def test_bins_hold_every_statement_once_and_the_error_lies_between_nothing_and_one(statements):
    stated, right = [p for p, _ in statements], [r for _, r in statements]
    bins = reliability_bins(stated, right)
    assert sum(each.statements for each in bins) == len(statements)
    assert all(each.low - 1e-9 <= each.stated <= each.high + 1e-9 for each in bins)
    assert 0.0 <= ece(stated, right) <= 1.0 and 0.0 <= brier(stated, right) <= 1.0


@given(some.lists(some.integers(0, 5), min_size=1), some.lists(some.integers(0, 5), min_size=1))
def test_auroc_is_the_share_of_pairs_in_order_ties_half(positive, negative):
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert auroc(positive, negative) == pytest.approx(wins / (len(positive) * len(negative)))


def test_auroc_counts_pairs_in_order():
    assert auroc([2.0, 3.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
    assert math.isnan(auroc([], [1.0]))


def sample_answers(count, seed=0):
    chance = random.Random(seed)
    examples = []
    for _ in range(count):
        of = {"a": chance.gauss(0, 1), "b": chance.gauss(0, 1), "same": 1.0}
        examples.append((of, chance.random() < 1 / (1 + math.exp(-2 * of["a"]))))
    return [of for of, _ in examples], [right for _, right in examples]


def test_weights_find_what_matters_and_give_none_to_what_never_varies():
    weights, intercept = learn_weights(*sample_answers(4_000))
    assert weights["a"] == pytest.approx(2.0, abs=0.25)
    assert abs(weights["b"]) < 0.2 and weights["same"] == 0.0 and abs(intercept) < 0.2


def test_learned_probabilities_hold_on_other_samples():
    curve = learn_reliability(*sample_answers(2_000))
    features, right = sample_answers(2_000, seed=1)
    stated = [ReliabilityCurve(**curve._asdict(), examples=0).probability(of) for of in features]
    assert ece(stated, right) < 0.05
    split = (
        [p for p, r in zip(stated, right, strict=True) if r],
        [p for p, r in zip(stated, right, strict=True) if not r],
    )
    assert auroc(*split) > 0.85
    assert all(0 < p < 1 for p in stated), "nothing is certain"
    assert curve.knots == sorted(curve.knots) and curve.levels == sorted(curve.levels)


def test_nothing_is_learned_where_all_are_right_or_too_few_are_wrong():
    with pytest.raises(ValueError, match="some that are right and some that are wrong"):
        learn_weights([{"a": 1.0}, {"a": 2.0}], [True, True])
    with pytest.raises(ValueError, match="at least 5 of either kind"):
        learn_reliability([{"a": float(n)} for n in range(20)], [n > 2 for n in range(20)])
