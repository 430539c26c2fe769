"""Scores in numbers that can be checked by hand."""

import math

import pytest
import torch

from uncertainty.scores import (
    collision_entropy,
    collision_of_deviation,
    entropy,
    least_probability,
    margin_doubt,
    surprisal,
    top_entropy,
    varentropy,
)

HALVES = torch.tensor([0.5, 0.25, 0.25, 0.0], dtype=torch.float64).log()


@pytest.mark.parametrize("vocab", [2, 7, 1000])
def test_uniform_has_entropy_and_collision_entropy_log_vocab(vocab):
    uniform = torch.zeros(vocab)
    assert entropy(uniform) == pytest.approx(math.log(vocab), rel=1e-6)
    assert collision_entropy(uniform) == pytest.approx(math.log(vocab), rel=1e-6)
    assert top_entropy(uniform) == pytest.approx(math.log(min(vocab, 20)), rel=1e-6)
    assert margin_doubt(uniform) == 1
    assert least_probability(uniform) == pytest.approx(1 - 1 / vocab)


def test_a_half_and_two_quarters_score_what_the_formulas_say():
    assert entropy(HALVES) == pytest.approx(1.5 * math.log(2))
    assert collision_entropy(HALVES) == pytest.approx(-math.log(0.25 + 0.0625 + 0.0625))
    assert margin_doubt(HALVES) == pytest.approx(0.75)
    assert least_probability(HALVES) == pytest.approx(0.5)
    assert varentropy(HALVES) == pytest.approx(0.25 * math.log(2) ** 2)


def test_top_entropy_renormalises_what_it_keeps():
    assert top_entropy(HALVES, count=1) == 0
    thirds = [2 / 3, 1 / 3]
    assert top_entropy(HALVES, count=2) == pytest.approx(-sum(p * math.log(p) for p in thirds))


def test_top_entropy_of_at_most_twenty_tokens_is_entropy():
    assert top_entropy(HALVES) == pytest.approx(entropy(HALVES))


def test_varentropy_is_zero_both_where_one_token_is_certain_and_where_all_are_alike():
    assert varentropy(torch.tensor([0.0, -math.inf])) == 0
    assert varentropy(torch.zeros(8)) == pytest.approx(0, abs=1e-12)


def test_varentropy_is_the_variance_of_the_surprisal():
    p = HALVES.exp()
    surprisals = torch.tensor([surprisal(HALVES, token) for token in range(3)], dtype=torch.float64)
    assert varentropy(HALVES) == pytest.approx(float((p[:3] * surprisals**2).sum() - entropy(HALVES) ** 2))


def test_surprisal_is_minus_the_log_probability_and_infinite_for_the_impossible():
    assert [surprisal(HALVES, token) for token in range(3)] == pytest.approx([math.log(2), math.log(4), math.log(4)])
    assert surprisal(HALVES, 3) == math.inf
    assert surprisal(torch.tensor([5.0, -math.inf]), 0) == 0


def test_the_only_token_of_a_vocabulary_is_in_no_doubt():
    assert margin_doubt(torch.zeros(1)) == 0


@pytest.mark.oracle
def test_the_collision_gate_is_the_gate_on_the_standard_deviation_of_probabilities():
    # sigma > theta  <=>  c > theta^2 (V - 1) + 1/V, so a collision threshold ports USCD's from any vocabulary size
    generator = torch.Generator().manual_seed(0)
    for scale in (0.5, 2.0, 8.0):
        z = scale * torch.randn(512, generator=generator, dtype=torch.float64)
        sigma = float(z.softmax(-1).std())
        collision = math.exp(-collision_entropy(z))
        assert collision == pytest.approx(sigma**2 * (512 - 1) + 1 / 512)


@pytest.mark.oracle
def test_the_collision_entropy_reaches_its_bound_exactly_where_the_probabilities_deviate_no_more():
    random = torch.Generator().manual_seed(1)
    for vocab in (7, 320, 32_016):
        for scale in (0.1, 1.0, 3.0, 9.0):
            logits = scale * torch.randn(vocab, generator=random, dtype=torch.float64)
            own = float(logits.softmax(-1).std())
            for deviation in (0.5 * own, 0.999 * own, 1.001 * own, 2 * own):
                contrasts = collision_entropy(logits) >= collision_of_deviation(deviation, vocab)
                assert contrasts == (own <= deviation), (vocab, scale, own, deviation)


@pytest.mark.parametrize(
    ("vocab", "deviation", "largest"), [(32_016, 0.0035, 0.392), (32_016, 0.0050, 0.800), (49_152, 0.0035, 0.602)]
)
def test_the_papers_deviations_stand_for_these_collision_probabilities(vocab, deviation, largest):
    assert math.exp(-collision_of_deviation(deviation, vocab)) == pytest.approx(largest, abs=5e-4)


def test_a_deviation_that_no_distribution_over_so_many_tokens_has_contrasts_always():
    assert collision_of_deviation(0.0035, 151_936) < 0


@pytest.mark.parametrize("z", [[1.0, math.nan], [math.inf, 1.0], [-math.inf, -math.inf]])
def test_surprisal_and_varentropy_of_no_distribution_are_nan(z):
    assert math.isnan(surprisal(torch.tensor(z), 0)) and math.isnan(varentropy(torch.tensor(z)))


def test_one_token_alone_is_certain():
    assert margin_doubt(torch.tensor([3.0])) == 0
