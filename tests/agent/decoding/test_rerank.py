"""AdaDec: rerank by lookahead, by tables small enough to work out by hand and by its laws on random ones."""

import math
from dataclasses import replace

import pytest
from chains import LAW, BatchedTableLM, chain, rows
from fakes import PROMPT, TableLM, steps, tokens
from hypothesis import given
from hypothesis import strategies as st

from agent.decoding import POLICIES, Completion, DecodeState, Gate, Policy, decode, decode_until_pause
from agent.decoding.context import DecodeContext, top_candidates
from agent.decoding.rerank import Rerank
from agent.decoding.rerank_reference import ReferenceRerank
from agent.decoding.samplers import Temperature, argmax
from agent.decoding.stops import any_of, end_token, token_limit

ln = math.log
END = [1, 0, 0, 0]


def adadec(threshold: float = 0.5, **options) -> Policy:
    return Policy(Gate("entropy", threshold), Rerank(**options), argmax)


def reference(**options) -> Policy:
    return Policy(Gate("entropy", 0.5), ReferenceRerank(**options), argmax)


def paused(policy: Policy, lm: TableLM, **options) -> list:
    return [step.pause for step in steps(policy, lm, **options) if step.pause]


def test_the_candidate_with_the_better_future_wins_and_its_certain_rollout_is_committed():
    lm = TableLM({(): [0, 0.5, 0.45, 0.05], (1,): [0.25] * 4, (2,): [0, 0, 0, 1]}, default=END)
    assert tokens(adadec(), lm) == [2, 3, 0]


def test_a_candidate_scores_the_mean_logprob_of_itself_and_its_own_rollout():
    lm = TableLM({(): [0, 0.5, 0.45, 0.05], (1,): [0.25] * 4, (2,): [0, 0, 0, 1]}, default=END)
    (pause,) = paused(adadec(), lm)
    assert [candidate.token for candidate in pause.candidates] == [1, 2, 3]
    assert [candidate.logprob for candidate in pause.candidates] == pytest.approx([ln(0.5), ln(0.45), ln(0.05)])
    # 1 is followed by the end at a quarter, 2 by 3 and the end, 3 by the end: 2, 3 and 2 tokens long.
    expected = [(ln(0.5) + ln(0.25)) / 2, ln(0.45) / 3, ln(0.05) / 2]
    assert [candidate.score for candidate in pause.candidates] == pytest.approx(expected)
    assert (pause.chosen, pause.resolver, pause.reason) == (2, "rerank", "entropy 0.86 >= 0.50")


def test_a_rollout_is_cut_at_the_horizon():
    lm = TableLM({(): [0, 0.6, 0.4, 0], (1, 1): [0, 0.5, 0.5, 0]}, default=[0, 1, 0, 0])
    scores = [paused(adadec(horizon=h), lm, most=1 + h)[0].candidates[0].score for h in (1, 2, 3)]
    assert scores == pytest.approx([ln(0.6) / 2, (ln(0.6) + ln(0.5)) / 3, (ln(0.6) + ln(0.5)) / 4])


def test_a_candidate_that_ends_the_text_is_not_rolled_out():
    lm = BatchedTableLM({(): [0.6, 0.4, 0, 0]}, default=END)
    (pause,) = paused(adadec(), lm)
    assert [candidate.score for candidate in pause.candidates] == pytest.approx([ln(0.6), ln(0.4) / 2])
    assert (pause.chosen, pause.forwards, pause.token_rows) == (1, 1, 1)


def test_the_authors_way_scores_past_an_end_at_the_length_before_it():
    """Token 3 closes the function: its rollout counts one token more, and each further one makes its score worse."""
    lm = BatchedTableLM({(): [0, 0.5, 0, 0.5], (1,): [0, 0.5, 0.5, 0]}, default=[0.2, 0.2, 0.2, 0.4])

    def over(completion):
        return "end of function" if 3 in completion.tokens else None

    stop = any_of(over, token_limit(9))
    policies = adadec(horizon=2), reference(horizon=2)
    ours, theirs = (next(iter(steps(policy, lm, stop=stop))).pause for policy in policies)
    scores = [[candidate.score for candidate in pause.candidates] for pause in (ours, theirs)]
    # 1 goes on with 1 at a half and with 3, the end, at 0.4; 3 is an end, followed by two more at 0.4 each.
    goes_on = (ln(0.5) + ln(0.5) + ln(0.4)) / 3
    assert scores[0] == pytest.approx([goes_on, ln(0.5)])
    assert scores[1] == pytest.approx([goes_on, (ln(0.5) + 2 * ln(0.4)) / 2])
    assert (ours.chosen, theirs.chosen) == (3, 1)


def test_the_authors_way_does_not_see_end_tokens_in_rollouts():
    lm = BatchedTableLM({(): [0.6, 0.4, 0, 0]}, default=[0.5, 0.25, 0.25, 0])
    (pause, *_) = paused(reference(horizon=2), lm, most=3)
    assert [each.score for each in pause.candidates] == pytest.approx(
        [(ln(0.6) + 2 * ln(0.5)) / 3, (ln(0.4) + 2 * ln(0.5)) / 3]
    )


def test_the_authors_way_ends_at_the_budget_behind_an_end_token_too():
    lm = BatchedTableLM({(): [0.5, 0.5, 0, 0]}, default=[0.9, 0.1, 0, 0])
    (pause, *_) = paused(reference(), lm, most=3)
    assert pause.forwards == 2


def test_a_winner_that_ends_the_text_ends_it_there():
    lm = TableLM({(): [0.6, 0.4, 0, 0], (1,): [0.25] * 4}, default=END)
    (step,) = steps(adadec(), lm)
    assert (step.token, step.end, step.pause.chosen) == (0, "end token", 0)


def test_where_every_candidate_ends_the_text_nothing_is_fed():
    lm = TableLM({(): [0, 0.5, 0.4, 0.1]}, default=END)
    (step,) = steps(adadec(), lm, most=1)
    assert (step.token, step.pause.forwards, lm.forwards) == (1, 0, 1)
    assert [candidate.score for candidate in step.pause.candidates] == pytest.approx([ln(0.5), ln(0.4), ln(0.1)])


def test_an_uncertain_token_inside_a_committed_rollout_pauses_right_there_without_another_forward():
    table = {(): [0, 0.5, 0.45, 0.05], (1,): [0.25] * 4, (2,): [0, 0, 0, 1], (2, 3): [0, 0.5, 0.5, 0]}
    lm = BatchedTableLM(table, default=END)
    run = list(steps(adadec(horizon=2), lm))
    assert [step.token for step in run] == [2, 3, 1, 0]
    assert [step.pause is not None for step in run] == [True, False, True, False]
    assert [step.pause.forwards for step in run if step.pause] == [2, 1]
    assert lm.forwards == 1 + 2 + 1  # the prompt and the two lookaheads


def test_after_a_rollout_committed_whole_one_forward_of_one_token_goes_on():
    lm = BatchedTableLM({(): [0, 0.5, 0.5, 0]}, default=[0, 1, 0, 0])
    run = list(steps(adadec(horizon=3), lm, most=5))
    assert [step.token for step in run] == [1, 1, 1, 1, 1]
    assert run[0].pause.token_rows == 2 * 3
    assert (lm.forwards, lm.token_rows) == (1 + 3 + 1, 1 + 2 * 3 + 1)


def test_equal_scores_go_to_the_likelier_candidate_and_then_to_the_lower_id():
    even = TableLM({(): [0, 0.4, 0.2, 0.4]}, default=END)
    assert [c.token for c in paused(adadec(), even)[0].candidates] == [1, 3, 2]
    assert tokens(adadec(), even) == [1, 0]
    # Both candidates come to the mean of ln 1/2 and ln 1/4; token 3 is the likelier one.
    swapped = TableLM({(): [0, 0.25, 0.25, 0.5], (3,): [0.25] * 4, (1,): [0.5, 0.5, 0, 0], (2,): [0.25] * 4}, END)
    (pause, *_) = paused(adadec(width=2), swapped)
    assert [c.score for c in pause.candidates] == pytest.approx([ln(0.125) / 2] * 2)
    assert pause.chosen == 3


def test_the_budget_cuts_inside_a_committed_rollout():
    lm = TableLM({(): [0, 0.5, 0.5, 0]}, default=[0, 1, 0, 0])
    run = list(steps(adadec(), lm, most=3))
    assert [step.token for step in run] == [1, 1, 1]
    assert [step.end for step in run] == [None, None, "token budget"]


def test_a_sampler_that_draws_commits_the_winner_alone():
    policy = replace(adadec(), sampler=Temperature(1.0, top_p=1.0))
    lm = TableLM({(): [0, 0.5, 0.45, 0.05], (1,): [0.25] * 4, (2,): [0, 0, 0, 1]}, default=END)
    decoding = DecodeContext(lm, policy, any_of(end_token([0]), token_limit(9)), PROMPT)
    state = DecodeState(lm.prefill(PROMPT), Completion())
    assert [step.token for step in policy.resolver(decoding, state)] == [2]


def test_a_horizon_of_zero_takes_the_likeliest_and_feeds_nothing():
    lm = TableLM({(): [0, 0.3, 0.4, 0.3]}, default=END)
    run = list(steps(adadec(horizon=0), lm))
    assert ([step.token for step in run], run[0].pause.forwards) == ([2, 0], 0)


@LAW
@given(rows=rows, threshold=st.floats(0, 1.5))
def test_a_width_of_one_is_greedy(rows, threshold):
    assert tokens(adadec(threshold, width=1), chain(rows)) == tokens(POLICIES["greedy"], chain(rows))


@pytest.mark.oracle
@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), width=st.integers(1, 4), horizon=st.integers(0, 6))
def test_committing_the_rollout_changes_no_step(rows, threshold, width, horizon):
    runs = [
        list(steps(adadec(threshold, width=width, horizon=horizon, commit_rollout=commit), chain(rows)))
        for commit in (True, False)
    ]
    assert [(s.token, s.logprob, s.end) for s in runs[0]] == [(s.token, s.logprob, s.end) for s in runs[1]]
    committed, plain = ([(s.pause.candidates, s.pause.chosen) if s.pause else None for s in run] for run in runs)
    assert committed == plain


@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), width=st.integers(1, 4), horizon=st.integers(0, 6))
def test_pauses_stand_exactly_where_the_gate_fires(rows, threshold, width, horizon):
    for step in steps(adadec(threshold, width=width, horizon=horizon), chain(rows)):
        assert (step.pause is not None) == (step.scores["entropy"] >= threshold)


@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), horizon=st.integers(1, 6))
def test_a_pause_costs_at_most_the_horizon_in_forwards_and_commits_save_the_rest(rows, threshold, horizon):
    costs = []
    for commit in (True, False):
        lm = chain(rows)
        run = list(steps(adadec(threshold, horizon=horizon, commit_rollout=commit), lm))
        assert all(step.pause.forwards <= horizon for step in run if step.pause)
        costs.append(lm.forwards)
    assert costs[0] <= costs[1]


@pytest.mark.oracle
@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), width=st.integers(1, 4))
def test_a_candidate_scores_what_decoding_greedily_behind_it_would_say(rows, threshold, width):
    lm, done = chain(rows), []
    for step in steps(adadec(threshold, width=width, horizon=4), chain(rows), most=9):
        for candidate in step.pause.candidates if step.pause else ():
            behind = (*PROMPT, *done, candidate.token)
            stop = any_of(end_token([0]), token_limit(min(4, 9 - len(done) - 1)))
            ended = candidate.token == 0 or len(done) + 1 == 9
            follow = [] if ended else [s.logprob for s in decode(lm, behind, POLICIES["greedy"], stop=stop)]
            assert candidate.score == pytest.approx((candidate.logprob + sum(follow)) / (1 + len(follow)))
        done.append(step.token)


@LAW
@given(weights=st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any), width=st.integers(1, 6))
def test_the_likeliest_fall_in_probability_and_of_equals_the_lower_id_comes_first(weights, width):
    logits = TableLM({}, [weight / sum(weights) for weight in weights]).prefill(PROMPT).logits
    possible = [token for token in range(4) if weights[token]]
    expected = sorted(possible, key=lambda token: (-weights[token], token))[:width]
    assert [candidate.token for candidate in top_candidates(logits, width, Completion())] == expected


def test_near_ties_that_normalising_rounds_away_are_ranked_as_an_argmax_ranks_them():
    import torch

    logits = torch.zeros(50_000)
    logits[7] = 1e-7
    assert torch.equal(logits.log_softmax(-1)[7], logits.log_softmax(-1)[0])
    assert top_candidates(logits, 1, Completion())[0].token == argmax(logits) == 7


@pytest.mark.parametrize("options", [{"width": 0}, {"horizon": -1}])
def test_a_width_or_horizon_out_of_range_is_refused_with_its_value(options):
    with pytest.raises(ValueError, match=r"came; wanted width >= 1 and horizon >= 0"):
        Rerank(**options)


def test_until_pause_returns_the_place_of_the_pause_and_yields_what_comes_before():
    lm = TableLM({(1,): [0, 0, 0.5, 0.5]}, default=[0, 1, 0, 0])
    decoding = DecodeContext(lm, adadec(), token_limit(9), PROMPT)
    stream = decode_until_pause(decoding, DecodeState(lm.prefill(PROMPT), Completion()))
    assert next(stream).token == 1
    with pytest.raises(StopIteration) as ended:
        next(stream)
    assert ended.value.value.completion.tokens == (1,)
    assert ended.value.value.prefix.ids == (*PROMPT, 1)
