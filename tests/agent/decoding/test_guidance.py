"""EG-CFG: the guided scores by hand, the laws on random tables, and no forward where there is no trace."""

import math
from dataclasses import replace

import pytest
import torch
from chains import LAME, LAW, chain, rows
from fakes import PROMPT, TableLM
from hypothesis import given
from hypothesis import strategies as st

from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.guidance import Guidance
from agent.decoding.samplers import Temperature, argmax
from agent.decoding.stops import any_of, end_token, token_limit

ln = math.log
STOP = any_of(end_token([0]), token_limit(8))
TRACED = LAME  # what follows the traced prompt is looked up behind a 7
FLIP = {(): [0, 0.5, 0.4, 0.1], (7,): [0, 0.2, 0.7, 0.1]}


def guided(**options) -> Policy:
    return Policy(Gate("entropy", 0.0), Guidance(**options), argmax)


def run(policy: Policy, lm: TableLM, ids=TRACED, seed: int = 0) -> list:
    return list(decode(lm, PROMPT, policy, stop=STOP, seed=seed, write_traced_prompt=lambda text: ids))


def tokens(policy: Policy, lm: TableLM, ids=TRACED) -> list[int]:
    return [step.token for step in run(policy, lm, ids)]


def test_scores_move_from_the_prompt_towards_the_traced_prompt_and_beyond():
    p, q = (torch.tensor(row, dtype=torch.float64).log() for row in ([0, 0.5, 0.4, 0.1], [0, 0.2, 0.7, 0.1]))
    expected = [ln(0.5) + 2 * (ln(0.2) - ln(0.5)), ln(0.4) + 2 * (ln(0.7) - ln(0.4)), ln(0.1)]
    assert Guidance(gamma=2, alpha=0).guide(p, q).tolist() == pytest.approx([-math.inf, *expected])
    assert Guidance(gamma=2, alpha=0.5).guide(p, q).tolist()[3] == -math.inf


def test_a_trace_turns_the_token_that_it_supports_into_the_choice():
    lm = TableLM(FLIP, default=[1, 0, 0, 0])
    step, _ = run(guided(gamma=1), lm)
    assert (step.token, step.logprob, step.pause.forwards) == (2, pytest.approx(ln(0.4)), 1)
    scores = [ln(0.2), ln(0.7), ln(0.1)]
    assert [candidate.score for candidate in step.pause.candidates] == pytest.approx(scores)


def test_lines_are_traced_only_at_pauses_in_doubt():
    asked = []

    def write(text: str) -> tuple[int, ...]:
        asked.append(text)
        return TRACED

    lm = TableLM({(): [0, 0, 1, 0], (2,): [0, 0.5, 0.4, 0.1], (7, 2): [0, 0.2, 0.7, 0.1]}, default=[1, 0, 0, 0])
    policy = replace(guided(), gate=Gate("entropy", 0.2))
    steps = list(decode(lm, PROMPT, policy, stop=STOP, write_traced_prompt=write))
    assert ([step.token for step in steps], len(asked), lm.forwards) == ([2, 2, 0], 1, 3 + 1)


def test_where_one_token_is_plausible_an_argmax_asks_for_no_trace_and_a_draw_does():
    lm = TableLM({(): [0, 0.95, 0.05, 0]}, default=[1, 0, 0, 0])
    assert run(guided(), lm)[0].pause.forwards == 0
    assert run(replace(guided(), sampler=Temperature(1.0)), lm)[0].pause.forwards == 1


@pytest.mark.oracle
@LAW
@given(rows=rows, traced=rows)
def test_a_gamma_of_zero_is_greedy(rows, traced):
    assert tokens(guided(gamma=0), chain(rows, traced)) == tokens(POLICIES["greedy"], chain(rows))


@pytest.mark.oracle
@LAW
@given(rows=rows, gamma=st.sampled_from([0.5, 1, 3]))
def test_without_a_trace_it_is_greedy_and_costs_no_forward(rows, gamma):
    lm, greedy = chain(rows), chain(rows)
    assert tokens(guided(gamma=gamma), lm, None) == tokens(POLICIES["greedy"], greedy)
    assert lm.forwards == greedy.forwards


@LAW
@given(rows=rows, traced=rows, gamma=st.sampled_from([0, 0.5, 1, 3]), alpha=st.sampled_from([0, 0.1, 1]))
def test_impossible_tokens_make_nothing_nan_and_are_never_chosen(rows, traced, gamma, alpha):
    for standard, better in zip(rows, traced, strict=True):
        p, q = (torch.tensor(row).double().div(sum(row)).log() for row in (standard, better))
        scores = Guidance(gamma=gamma, alpha=alpha).guide(p, q)
        assert not scores.isnan().any()
        assert standard[argmax(scores)] > 0


def test_a_traced_prompt_that_the_model_cannot_read_is_no_trace():
    lm = TableLM(FLIP, default=[1, 0, 0, 0], context=1)
    assert tokens(guided(gamma=1), lm) == [1, 0]
    assert tokens(guided(gamma=1), replace(lm, context=2)) == [2, 0]


@pytest.mark.parametrize("options", [{"gamma": -1}, {"gamma": math.nan}, {"alpha": 1.1}])
def test_a_gamma_or_alpha_out_of_range_is_refused_with_its_value(options):
    with pytest.raises(ValueError, match="came; wanted gamma >= 0 and 0 <= alpha <= 1"):
        Guidance(**options)
