"""The signals of whole programs, in numbers that can be checked by hand; each is higher where doubt is higher."""

import math

import pytest
import torch

from uncertainty.scores import entropy, margin_doubt, surprisal, top_entropy, varentropy
from uncertainty.signals import (
    SIGNALS,
    TokenScores,
    leave_out_comments,
    read_signals,
    scale_by_root_length,
    score_program,
    worst_window,
)

LOGITS = torch.tensor([[0.0, 1.0, -2.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]], dtype=torch.float64)
TOKENS, FIRST, COMMENT = [1, 2, 0], [True, False, True], [False, False, True]
NONE = TokenScores([], [], [], [], [], [], [])


def scored():
    return score_program(LOGITS, TOKENS, FIRST, COMMENT)


def test_each_token_is_scored_by_the_distribution_before_it():
    scores = scored()
    assert scores.surprisal == pytest.approx([surprisal(row, t) for row, t in zip(LOGITS, TOKENS, strict=True)])
    for name, score in {
        "entropy": entropy,
        "top_entropy": top_entropy,
        "varentropy": varentropy,
        "margin": margin_doubt,
    }.items():
        assert getattr(scores, name) == pytest.approx([score(row) for row in LOGITS]), name
    assert (scores.begins_line, scores.in_comment) == (FIRST, COMMENT)


def test_signals_are_sums_means_and_maxima_of_the_scores():
    scores, signals = scored(), read_signals(scored())
    assert signals["surprisal"] == pytest.approx(math.fsum(scores.surprisal))
    assert signals["mean entropy"] == pytest.approx(math.fsum(scores.entropy) / 3)
    assert signals["highest entropy"] == pytest.approx(math.log(3))
    assert signals["first of line"] == pytest.approx(scores.entropy[0] + scores.entropy[2])
    assert signals["varentropy by root length"] == pytest.approx(math.fsum(scores.varentropy) / math.sqrt(3))
    assert signals["entropy by root length, no comments"] == pytest.approx(sum(scores.entropy[:2]) / math.sqrt(2))
    assert signals["smallest gap"] == 1 and signals["length"] == 3
    assert signals["even odds"] == sum(value > math.log(2) for value in scores.surprisal) == 2


def test_a_program_without_tokens_has_no_doubt():
    assert read_signals(NONE) == dict.fromkeys(SIGNALS, 0.0)


def test_a_certain_program_has_no_doubt_but_its_length():
    certain = score_program(
        torch.tensor([[0.0, -math.inf]] * 4, dtype=torch.float64), [0] * 4, [*FIRST, False], [False] * 4
    )
    assert read_signals(certain) == {**dict.fromkeys(SIGNALS, 0.0), "length": 4.0}


@pytest.mark.parametrize(
    ("values", "share", "worst"), [([1, 5, 2, 0], 0.25, 5), ([1, 5, 2, 0], 0.5, 3.5), ([3], 0.1, 3)]
)
def test_the_worst_window_is_the_highest_mean_of_neighbours(values, share, worst):
    assert worst_window(values, share) == worst


def test_the_root_of_the_length_is_between_a_sum_and_a_mean():
    assert scale_by_root_length([2.0] * 9) == 6.0
    assert leave_out_comments(scored(), [1.0, 2.0, 3.0]) == [1.0, 2.0]
