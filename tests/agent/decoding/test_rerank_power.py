"""Power sampling: the score by hand, its limits, and what it prefers where AdaDec's mean does not."""

import math

import pytest
from chains import LAW, BatchedTableLM, chain, rows
from fakes import PROMPT, TableLM, steps, tokens
from hypothesis import given
from hypothesis import strategies as st

from agent.decoding import POLICIES, Completion, Gate, Policy
from agent.decoding.rerank import Rerank, Rollout
from agent.decoding.rerank_power import PowerRerank
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate

ln = math.log
END = [1, 0, 0, 0]


def power(threshold: float = 0.5, **options) -> Policy:
    return Policy(Gate("entropy", threshold), PowerRerank(**options), argmax)


def rollout(candidate: float, future: float) -> Rollout:
    return Rollout(Candidate(1, ln(candidate), ln(candidate)), Completion(), False, ln(candidate) + ln(future))


def test_the_score_is_alpha_times_the_logprob_and_the_log_of_the_mean_power_of_the_futures():
    score = PowerRerank(alpha=4).score([rollout(0.5, 0.2), rollout(0.5, 0.6)])
    assert score == pytest.approx(4 * ln(0.5) + ln((0.2**3 + 0.6**3) / 2))


def test_an_alpha_of_one_scores_by_the_logprob_alone():
    assert PowerRerank(alpha=1).score([rollout(0.5, 0.2), rollout(0.5, 0.6)]) == pytest.approx(ln(0.5))


def test_futures_too_unlikely_for_a_float_still_have_a_score():
    futures = [Rollout(Candidate(1, -1.0, -1.0), Completion(), False, -1000.0) for _ in range(2)]
    assert PowerRerank(alpha=4).score(futures) == pytest.approx(4 * -1.0 + 3 * -999.0)


def test_a_candidate_with_one_certain_future_beats_a_likelier_one_with_many():
    table = {(): [0, 0.55, 0.45, 0], (1,): [0, 0.25, 0.25, 0.5], (2,): [0, 0, 0, 1]}
    assert tokens(power(horizon=1), TableLM(table, default=END)) == [2, 3, 0]
    assert tokens(power(horizon=1, alpha=1), TableLM(table, default=END))[0] == 1


def test_drawn_rollouts_see_futures_that_a_greedy_one_misses():
    # Behind 1 the greedy future has 0.4; the power mean of all futures is larger behind 2.
    table = {(): [0, 0.5, 0.5, 0], (1,): [0, 0.4, 0.3, 0.3], (2,): [0.5, 0.5, 0, 0]}
    pause = next(steps(power(horizon=1, rollouts=200), TableLM(table, default=END))).pause
    expected = [4 * ln(0.5) + ln(0.4**4 + 2 * 0.3**4), 4 * ln(0.5) + ln(2 * 0.5**4)]
    assert [candidate.score for candidate in pause.candidates] == pytest.approx(expected, abs=0.15)


def test_a_draw_never_lands_behind_the_last_token():
    certain = TableLM({}, default=[0, 0, 0, 1]).prefill(PROMPT).logits
    context = type("Seeded", (), {"seed": 0})()
    assert PowerRerank().continue_with(certain, None, context, rollout(0.5, 0.5)) == 3


def test_only_the_winner_is_committed_and_a_lookahead_takes_a_forward_for_each_depth():
    lm = BatchedTableLM({(): [0, 0.5, 0.5, 0]}, default=[0, 1, 0, 0])
    first, *rest = steps(power(horizon=3), lm, most=6)
    assert (first.pause.forwards, first.pause.token_rows) == (3, 3 * 2 * 4)
    assert [step.pause for step in rest] == [None] * 5
    assert lm.forwards == 1 + 3 + 5


@pytest.mark.oracle
@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), horizon=st.integers(0, 3))
def test_with_one_future_each_power_and_mean_agree_on_the_order_at_equal_lengths(rows, threshold, horizon):
    # Where every row is certain, no draw is left: both rules see the same rollouts.
    certain = [[5 if at == row.index(max(row)) else 0 for at in range(4)] for row in rows]
    plain = Policy(Gate("entropy", threshold), Rerank(horizon=horizon), argmax)
    assert tokens(power(threshold, horizon=horizon), chain(certain)) == tokens(plain, chain(certain))


@LAW
@given(rows=rows, threshold=st.floats(0, 1.5))
def test_a_width_of_one_is_greedy(rows, threshold):
    assert tokens(power(threshold, width=1), chain(rows)) == tokens(POLICIES["greedy"], chain(rows))


@pytest.mark.parametrize("options", [{"alpha": 0.5}, {"alpha": math.nan}, {"rollouts": 0}])
def test_an_alpha_or_a_number_of_rollouts_out_of_range_is_refused(options):
    with pytest.raises(ValueError, match="came; wanted alpha >= 1 and rollouts >= 1"):
        PowerRerank(**options)
