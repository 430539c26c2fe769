"""USCD: contrast with the lame prompt, in numbers that can be checked by hand and by its laws on random tables."""

import math
from dataclasses import replace

import pytest
import torch
from chains import LAME, LAW, chain, rows
from fakes import PROMPT, TableLM
from hypothesis import given
from hypothesis import strategies as st

from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.contrast import Contrast
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import Temperature, argmax
from agent.decoding.stops import any_of, end_token, token_limit

ln = math.log
STOP = any_of(end_token([0]), token_limit(8))
ALWAYS = Gate("collision", 0.0)

forms = st.sampled_from(["linear", "logratio"])


def uscd(gate: Gate = ALWAYS, **options) -> Policy:
    return Policy(gate, Contrast(**options), argmax)


def run(policy: Policy, lm: TableLM, lame=LAME, seed: int = 0) -> list:
    return list(decode(lm, PROMPT, policy, stop=STOP, lame_ids=lame, seed=seed))


def tokens(policy: Policy, lm: TableLM, lame=LAME, seed: int = 0) -> list[int]:
    return [step.token for step in run(policy, lm, lame, seed)]


def logits(*probabilities: float) -> torch.Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


P, Q = logits(0, 0.5, 0.3, 0.2), logits(0, 0.6, 0.1, 0.3)


def test_linear_scores_are_the_probability_less_the_weighted_lame_one():
    scores = Contrast("linear", weight=0.7).contrast(P, Q, raw=True)
    assert scores.tolist() == pytest.approx([-math.inf, 0.08, 0.23, -0.01])


def test_logratio_scores_are_the_logprob_less_the_weighted_lame_one():
    scores = Contrast("logratio", weight=0.3).contrast(P, Q, raw=True)
    expected = [ln(0.5) - 0.3 * ln(0.6), ln(0.3) - 0.3 * ln(0.1), ln(0.2) - 0.3 * ln(0.3)]
    assert scores.tolist() == pytest.approx([-math.inf, *expected])


@pytest.mark.parametrize("form", ["linear", "logratio"])
@pytest.mark.parametrize("raw", [True, False])
def test_tokens_below_alpha_times_the_largest_are_out(form, raw):
    scores = Contrast(form, weight=0.1, alpha=0.5).contrast(P, Q, raw=raw)
    assert [score > -math.inf for score in scores.tolist()] == [False, True, True, False]


def test_linear_weights_to_draw_by_leave_out_what_is_negative():
    assert Contrast("linear", weight=0.7).contrast(P, Q, raw=False).exp().tolist() == pytest.approx([0, 0.08, 0.23, 0])


def test_where_no_weight_is_positive_the_draw_is_from_the_standard_prompt():
    assert Contrast("linear", weight=3).contrast(P, P, raw=False).exp().tolist() == pytest.approx(P.exp().tolist())


def test_what_only_the_standard_prompt_supports_is_chosen():
    lm = TableLM({(): [0, 0.5, 0.3, 0.2], (7,): [0, 0.6, 0.1, 0.3]}, default=[1, 0, 0, 0])
    step, _ = run(uscd(), lm)
    assert (step.token, step.logprob) == (2, pytest.approx(ln(0.3)))
    assert [(c.token, c.score) for c in step.pause.candidates] == [
        (1, pytest.approx(0.08)),
        (2, pytest.approx(0.23)),
        (3, pytest.approx(-0.01)),
    ]
    assert (step.pause.resolver, step.pause.chosen, step.pause.forwards) == ("contrast", 2, 1)


def test_the_lame_stream_is_read_only_where_it_is_asked():
    lm = TableLM({(2,): [0, 0.5, 0.3, 0.2], (7, 2): [0, 0.6, 0.1, 0.3], (): [0, 0, 1, 0]}, default=[1, 0, 0, 0])
    run_ = run(uscd(Gate("collision", 0.2)), lm)
    assert [step.token for step in run_] == [2, 2, 0]
    assert [step.pause is not None for step in run_] == [False, True, False]
    assert lm.forwards == 3 + 1


@pytest.mark.oracle
@LAW
@given(rows=rows, lame=rows, form=forms, skip=st.booleans())
def test_a_weight_of_zero_is_greedy(rows, lame, form, skip):
    policy = uscd(form=form, weight=0, skip=skip)
    assert tokens(policy, chain(rows, lame)) == tokens(POLICIES["greedy"], chain(rows))


@pytest.mark.oracle
@LAW
@given(rows=rows, form=forms, lame=st.sampled_from([None, PROMPT]))
def test_without_a_lame_prompt_or_with_the_same_it_is_greedy_and_costs_no_forward(rows, form, lame):
    lm, greedy = chain(rows), chain(rows)
    assert tokens(uscd(form=form, skip=False), lm, lame) == tokens(POLICIES["greedy"], greedy)
    assert lm.forwards == greedy.forwards


@pytest.mark.oracle
@LAW
@given(
    standard=rows,
    lame=rows,
    form=forms,
    weight=st.sampled_from([0.2, 0.25, 0.5, 0.7, 1.5]),
    alpha=st.sampled_from([0, 0.1, 0.5, 1]),
)
def test_the_skip_rules_change_no_token_and_save_forwards(standard, lame, form, weight, alpha):
    quick, slow = chain(standard, lame), chain(standard, lame)
    policy = uscd(form=form, weight=weight, alpha=alpha)
    assert tokens(policy, quick) == tokens(replace(policy, resolver=replace(policy.resolver, skip=False)), slow)
    assert quick.forwards <= slow.forwards


def test_a_lead_of_just_the_weight_is_not_skipped_because_the_lame_prompt_can_make_it_a_tie():
    table = {(): [0, 5 / 16, 11 / 16, 0], (7,): [0, 0, 1, 0]}
    for skip in (True, False):
        assert tokens(uscd(weight=6 / 16, skip=skip), TableLM(table, default=[1, 0, 0, 0])) == [1, 0]


@pytest.mark.parametrize(
    ("form", "weight", "first", "forwards"),
    [("linear", 0.5, 0.8, 0), ("linear", 0.7, 0.8, 1), ("logratio", 0.7, 0.95, 0), ("logratio", 0.7, 0.8, 1)],
)
def test_the_lame_pass_is_skipped_where_it_cannot_change_the_choice(form, weight, first, forwards):
    lm = TableLM({(): [0, first, 1 - first, 0]}, default=[1, 0, 0, 0])
    assert run(uscd(form=form, weight=weight), lm)[0].pause.forwards == forwards


def test_a_sampler_that_draws_never_skips():
    lm = TableLM({(): [0, 0.95, 0.05, 0]}, default=[1, 0, 0, 0])
    policy = replace(uscd(), sampler=Temperature(1.0))
    assert run(policy, lm)[0].pause.forwards == 1


@LAW
@given(rows=rows, lame=rows, form=forms, weight=st.sampled_from([0, 0.3, 0.7, 2]), alpha=st.sampled_from([0, 0.1, 1]))
def test_impossible_tokens_make_nothing_nan_and_are_never_chosen(rows, lame, form, weight, alpha):
    contrast = Contrast(form, weight=weight, alpha=alpha)
    for standard, weaker in zip(rows, lame, strict=True):
        p, q = (torch.tensor(row).double().div(sum(row)).log() for row in (standard, weaker))
        for raw in (True, False):
            scores = contrast.contrast(p, q, raw=raw)
            assert not scores.isnan().any()
            assert scores.max() < math.inf
            assert standard[argmax(scores)] > 0
            drawn = {Temperature(1.0, top_p=1.0)(scores, k / 8) for k in range(8)}
            assert all(standard[token] > 0 for token in drawn)


@LAW
@given(rows=rows, lame=rows, form=forms, seed=st.integers(0, 9))
def test_drawn_tokens_are_possible_and_the_same_for_the_same_seed(rows, lame, form, seed):
    policy = replace(uscd(form=form), sampler=Temperature(1.0, top_p=1.0))
    first, second = (run(policy, chain(rows, lame), seed=seed) for _ in range(2))
    assert first == second
    assert all(step.logprob > -math.inf for step in first)


@pytest.mark.parametrize("options", [{"weight": -0.1}, {"weight": math.nan}, {"alpha": 1.1}, {"alpha": -0.1}])
def test_a_weight_or_alpha_out_of_range_is_refused_with_its_value(options):
    (value,) = options.values()
    with pytest.raises(ValueError, match=rf"{value}.* came; wanted weight >= 0 and 0 <= alpha <= 1"):
        Contrast(**options)


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form 'cubic' came; wanted linear or logratio"):
        Contrast("cubic")


def both(gate: Gate, **options) -> Policy:
    return Policy(gate, Contrast(rerank=Rerank(width=2, horizon=2), **options), argmax)


def test_what_a_contrast_leaves_in_doubt_is_reranked_among_what_it_puts_first():
    """1 and 2 are even once the lame prompt's 1 is taken off; the future speaks for 1, and 3, now the last, is out."""
    table = {(): [0, 0.4, 0.25, 0.35], (7,): [0, 0.3, 0.1, 0.35], (2,): [0.25] * 4}
    lm = TableLM(table, default=[1, 0, 0, 0])
    step, *_ = run(both(Gate("collision", 0.2), weight=0.5), lm)
    assert [each.token for each in step.pause.candidates] == [1, 2]
    assert [each.score for each in step.pause.candidates] == pytest.approx([ln(0.4) / 2, (ln(0.25) + ln(0.25)) / 2])
    assert (step.token, step.pause.resolver) == (1, "rerank")


def test_what_a_contrast_settles_is_not_looked_ahead_of():
    lm = TableLM({(): [0, 0.5, 0.3, 0.2], (7,): [0, 0.9, 0.05, 0.05]}, default=[1, 0, 0, 0])
    step, *_ = run(both(Gate("collision", 0.2), weight=0.7, alpha=0.5), lm)
    assert (step.token, step.pause.resolver, step.pause.forwards) == (2, "contrast", 1)


def test_candidates_are_ranked_by_the_contrast_even_where_it_leaves_nothing_of_any():
    """1 is the likeliest, but 2 and then 3 are what the lame prompt says least of."""
    table = {(): [0.1, 0.4, 0.3, 0.2], (7,): [0.25, 0.45, 0.15, 0.15]}
    lm = TableLM(table, default=[1, 0, 0, 0])
    contrast = Contrast(weight=3)
    policy = Policy(Gate("collision", 0.2), replace(contrast, rerank=Rerank(width=2, horizon=0)), argmax)
    step, *_ = run(policy, lm)
    assert [each.token for each in step.pause.candidates] == [2, 3]
    assert step.token == run(replace(policy, resolver=contrast), lm)[0].token == 2


def test_where_nothing_is_left_an_implausible_token_is_not_drawn():
    scores = Contrast("linear", weight=3, alpha=0.5).contrast(P, P, raw=False)
    assert scores.exp().tolist() == pytest.approx([0, 0.5, 0.3, 0])


@LAW
@given(rows=rows, lame=rows, form=forms, threshold=st.floats(0, 1.2), alpha=st.sampled_from([0, 0.1, 0.5, 1]))
@pytest.mark.oracle
def test_a_rerank_of_one_candidate_behind_a_contrast_is_the_contrast(rows, lame, form, threshold, alpha):
    gate, contrast = Gate("collision", threshold), Contrast(form, alpha=alpha, skip=False)
    one = replace(contrast, rerank=Rerank(width=1, commit_rollout=False))
    assert tokens(Policy(gate, one, argmax), chain(rows, lame)) == tokens(
        Policy(gate, contrast, argmax), chain(rows, lame)
    )


@LAW
@given(rows=rows, lame=rows, form=forms, threshold=st.floats(0, 1.2), alpha=st.sampled_from([0, 0.1, 0.5, 1]))
@pytest.mark.oracle
def test_with_a_rerank_behind_it_skips_and_commits_change_no_token(rows, lame, form, threshold, alpha):
    runs = {}
    for skip in (True, False):
        for commit in (True, False):
            lm = chain(rows, lame)
            rerank = Rerank(width=2, horizon=3, commit_rollout=commit)
            policy = Policy(Gate("collision", threshold), Contrast(form, alpha=alpha, skip=skip, rerank=rerank), argmax)
            runs[skip, commit] = [(step.token, step.end) for step in run(policy, lm)], lm.forwards
    assert len({str(said) for said, _ in runs.values()}) == 1
    assert runs[True, True][1] <= runs[False, True][1]


def test_one_plausible_token_is_neither_read_twice_nor_reranked():
    lm = TableLM({(): [0, 0.52, 0.24, 0.24], (7,): [0, 0.9, 0.05, 0.05]}, default=[1, 0, 0, 0])
    step, *_ = run(both(Gate("collision", 0.2), alpha=0.5), lm)
    assert (step.token, step.pause.resolver, step.pause.forwards) == (1, "contrast", 0)


@LAW
@given(rows=rows, form=forms, threshold=st.floats(0, 1.2))
def test_with_no_lame_prompt_it_is_a_rerank_alone(rows, form, threshold):
    gate = Gate("collision", threshold)
    alone = Policy(gate, Rerank(width=2, horizon=2), argmax)
    assert tokens(both(gate, form=form), chain(rows), None) == tokens(alone, chain(rows))


@LAW
@given(rows=rows, lame=rows, form=forms, threshold=st.floats(0, 1.2))
def test_what_is_not_reranked_is_what_the_contrast_alone_chooses(rows, lame, form, threshold):
    gate, done = Gate("collision", threshold), ()
    for step in run(both(gate, form=form), chain(rows, lame)):
        if step.pause is None or step.pause.resolver == "contrast":
            alone = decode(
                chain(rows, lame), (*PROMPT, *done), uscd(gate, form=form), stop=STOP, lame_ids=(*LAME, *done)
            )
            assert next(iter(alone)).token == step.token
        done = (*done, step.token)
