"""Ask: what a person answers is what is committed."""

import math

import pytest
from fakes import TableLM, steps

from agent.decoding import Gate, Policy
from agent.decoding.ask import Ask
from agent.decoding.policies import name_policy
from agent.decoding.samplers import argmax

TABLE = {(): [0, 0.5, 0.3, 0.2], (2,): [0, 0, 0.1, 0.9]}


def run(ask: Ask, threshold: float = 0.5, **options) -> list:
    lm = TableLM(TABLE, default=[1, 0, 0, 0])
    return list(steps(Policy(Gate("entropy", threshold), ask, argmax), lm, **options))


def tokens(ask: Ask, **options) -> list[int]:
    return [step.token for step in run(ask, **options)]


def test_a_chosen_candidate_is_committed():
    assert tokens(Ask(lambda text, candidates: [candidates[1].token])) == [2, 3, 0]


def test_each_candidate_is_shown_with_where_it_leads():
    shown = []
    tokens(Ask(lambda text, candidates: shown.append(candidates) or [1], width=2))
    (candidates,) = shown
    assert [each.token for each in candidates] == [1, 2]
    assert candidates[0].score == pytest.approx(math.log(0.5) / 2), "then the end, which is certain"
    assert candidates[1].score == pytest.approx((math.log(0.3) + math.log(0.9)) / 3)


def test_a_person_who_needs_no_preview_costs_none():
    shown = []
    tokens(Ask(lambda text, candidates: shown.append(candidates) or [1], width=2, horizon=0))
    assert [[(c.token, c.score) for c in candidates] for candidates in shown] == [
        [(1, pytest.approx(math.log(0.5))), (2, pytest.approx(math.log(0.3)))]
    ]


def test_an_answer_of_several_tokens_is_committed_whole_and_paused_once():
    answered = run(Ask(lambda text, candidates: [2, 2, 1]))
    assert [step.token for step in answered] == [2, 2, 1, 0]
    assert [step.pause is not None for step in answered] == [True, False, False, False]
    assert (answered[0].pause.resolver, answered[0].pause.chosen, answered[0].pause.forwards) == ("ask", 2, 6)


def test_a_chosen_candidate_carries_the_models_own_logprob_and_a_persons_own_text_no_doubt():
    chosen = [step.logprob for step in run(Ask(lambda text, candidates: [2]))]
    assert chosen[0] == pytest.approx(math.log(0.3))
    written = run(Ask(lambda text, candidates: [2, 2, 0]))
    assert [step.logprob for step in written] == [0, 0, 0]
    assert written[0].scores["entropy"] > 1, "why it was asked stays"


def test_an_end_inside_the_answer_drops_the_rest():
    answered = run(Ask(lambda text, candidates: [2, 0, 1]), most=9)
    assert [(step.token, step.end) for step in answered] == [(2, None), (0, "end token")]


def test_the_budget_ends_inside_an_answer():
    assert [step.end for step in run(Ask(lambda text, candidates: [1] * 9), most=2)] == [None, "token budget"]


def test_an_empty_answer_takes_the_first_candidate():
    assert tokens(Ask(lambda text, candidates: [])) == [1, 0]


def test_with_nobody_to_ask_a_pause_is_an_error():
    with pytest.raises(ValueError, match="nobody to ask"):
        tokens(Ask())


@pytest.mark.parametrize(("horizon", "forwards"), [(0, 4), (5, 10)])
def test_an_answer_costs_one_forward_a_token_beside_the_preview(horizon, forwards):
    lm = TableLM(TABLE, default=[1, 0, 0, 0])
    ask = Ask(lambda text, candidates: [2, 2, 1], horizon=horizon)
    list(steps(Policy(Gate("entropy", 0.5), ask, argmax), lm))
    assert lm.forwards == forwards


def test_a_policy_that_asks_has_a_name_without_the_person():
    policy = Policy(Gate("entropy", 0.5), Ask(lambda text, candidates: []), argmax)
    assert name_policy(policy) == "ask@0.5"
