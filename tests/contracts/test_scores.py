"""The promises of every score: uniform is largest, certain is zero, and only what is no distribution is NaN."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from uncertainty.scores import SCORES

LAW = settings(derandomize=True, deadline=None, max_examples=60)

numbers = st.one_of(st.floats(-30, 30), st.just(-math.inf))
logits = st.lists(numbers, min_size=2, max_size=40).filter(lambda z: max(z) > -math.inf)

each_score = pytest.mark.parametrize("score", SCORES.values(), ids=SCORES.keys())


def wide(z) -> torch.Tensor:
    return torch.tensor(z, dtype=torch.float64)


@LAW
@given(z=logits)
def test_uniform_is_the_most_uncertain_of_all_distributions(z):
    uniform = torch.zeros(len(z), dtype=torch.float64)
    for name, score in SCORES.items():
        assert score(wide(z)) <= score(uniform) + 1e-9, name


@each_score
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_certain_is_zero(score, dtype):
    assert score(torch.tensor([-math.inf, 3.0, -math.inf], dtype=dtype)) == 0
    assert score(torch.tensor([0.0, 3e4, 0.0], dtype=dtype)) == 0


@LAW
@given(z=logits, random=st.randoms(use_true_random=False))
def test_the_order_of_the_vocabulary_does_not_matter(z, random):
    ordered, shuffled = wide(z), wide(random.sample(z, len(z)))
    for name, score in SCORES.items():
        assert score(shuffled) == pytest.approx(score(ordered), abs=1e-9), name


@LAW
@given(z=logits, shift=st.floats(-20, 20))
def test_a_shift_of_all_logits_does_not_matter(z, shift):
    for name, score in SCORES.items():
        assert score(wide(z) + shift) == pytest.approx(score(wide(z)), abs=1e-9), name


@LAW
@given(z=logits, dtype=st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16]))
def test_any_floating_logits_give_a_finite_number_of_at_least_zero(z, dtype):
    for name, score in SCORES.items():
        value = score(torch.tensor(z, dtype=dtype))
        assert isinstance(value, float), name
        assert 0 <= value < math.inf, name


@LAW
@given(z=logits, dtype=st.sampled_from([torch.float16, torch.bfloat16]))
def test_half_precision_is_widened_before_anything_is_computed(z, dtype):
    narrow = torch.tensor(z, dtype=dtype)
    for name, score in SCORES.items():
        assert score(narrow) == score(narrow.float()), name


@LAW
@given(z=logits)
def test_an_impossible_token_changes_nothing(z):
    for name, score in SCORES.items():  # top-entropy looks at the 20 likeliest only, and that token is none of them
        assert score(wide([*z, -math.inf])) == pytest.approx(score(wide(z)), abs=1e-9), name


@each_score
def test_the_logits_are_left_as_they_were(score):
    z = torch.tensor([1.0, 2.0, -math.inf])
    score(z)
    assert z.tolist() == [1.0, 2.0, -math.inf]


@each_score
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize(
    "z", [[1.0, math.nan, 2.0], [math.nan] * 3, [math.inf, 1.0], [math.inf, -math.inf], [-math.inf] * 4, [math.nan]]
)
def test_what_is_no_distribution_is_not_certain_but_nan(score, z, normalised):
    given = torch.log_softmax(wide(z), -1) if normalised else wide(z)
    assert math.isnan(score(given, normalised=normalised))
