"""A policy that is told where the code is decides there as ever, and nothing elsewhere."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from chains import LAME, LAW, chain, rows
from fakes import PROMPT, TableLM
from hypothesis import given
from hypothesis import strategies as st

from agent.decoding import POLICIES, Completion, DecodeState, Gate, Policy, Step, decode, decode_until_pause
from agent.decoding.context import CodeRegion, DecodeContext, everywhere
from agent.decoding.gates import LineStartGate, RandomGate
from agent.decoding.loop import resolve_pause
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.stops import any_of, end_token, token_limit

MOST = 9
STOP = any_of(end_token([0]), token_limit(MOST))
ln = math.log


class Letters:
    """Text of tokens that are letters; 2 is a fence."""

    def feed(self, token: int) -> tuple["Letters", str]:
        return self, "e\nf|"[token] if token != 2 else "|"


def run(policy: Policy, lm, in_code: CodeRegion = everywhere) -> list[Step]:
    return list(decode(lm, PROMPT, policy, stop=STOP, lame_ids=LAME, text=Letters(), in_code=in_code))


def facts(steps: list[Step]) -> list[tuple]:
    return [(step.token, step.logprob, step.scores, step.end) for step in steps]


def between_fences(text: str) -> bool:
    return text.count("|") % 2 == 1


def resumed(policy: Policy, lm, done: tuple[int, ...], in_code: CodeRegion, *, forking: bool) -> Iterator[Step]:
    context = DecodeContext(lm, policy, STOP, PROMPT, LAME, forking=forking, in_code=in_code)
    completion = Completion(stream=Letters())
    for token in done:
        completion = completion.append(token)
    state = DecodeState(lm.prefill((*PROMPT, *done)), completion)
    while state.end is None:
        state = yield from decode_until_pause(context, state)
        if state.end is None:
            state = yield from resolve_pause(context, state)


GATED = {**POLICIES, "line-start": replace(POLICIES["adadec"], gate=LineStartGate("entropy", 0.0)),
         "random": replace(POLICIES["adadec"], gate=RandomGate("entropy", 0.0, rate=0.5))}  # fmt: skip


@pytest.mark.parametrize("policy", GATED.values(), ids=GATED.keys())
@LAW
@given(standard=rows, lame=rows, since=st.integers(0, MOST), threshold=st.floats(0, 1.0))
def test_before_the_code_the_sampler_decides_and_from_there_on_the_policy_as_ever(
    policy, standard, lame, since, threshold
):
    if math.isfinite(policy.gate.threshold):
        policy = replace(policy, gate=replace(policy.gate, threshold=threshold))
    steps = run(policy, chain(standard, lame), lambda text: len(text) >= since)
    sampled = run(replace(policy, gate=Gate("entropy", math.inf)), chain(standard, lame))
    prose = steps[:since]
    assert [step.token for step in prose] == [step.token for step in sampled[: len(prose)]]
    assert all(step.pause is None for step in prose)
    if len(steps) > since:
        done = tuple(step.token for step in prose)
        rest = list(resumed(policy, chain(standard, lame), done, everywhere, forking=False))
        assert facts(steps[since:]) == facts(rest)
        paused, expected = ([each.pause and each.pause.candidates for each in run] for run in (steps[since:], rest))
        assert paused == expected


@pytest.mark.oracle
@LAW
@given(rows=rows, threshold=st.floats(0, 1.5), width=st.integers(1, 4), horizon=st.integers(0, 6))
def test_where_code_and_prose_alternate_committing_the_rollout_changes_no_step(rows, threshold, width, horizon):
    runs = [
        run(
            Policy(Gate("entropy", threshold), Rerank(width, horizon, commit_rollout=commit), argmax),
            chain(rows),
            between_fences,
        )
        for commit in (True, False)
    ]
    assert facts(runs[0]) == facts(runs[1])
    text = ""
    for step in runs[0]:
        assert (step.pause is not None) == (between_fences(text) and step.scores["entropy"] >= threshold)
        text += step.text


@LAW
@given(rows=rows, threshold=st.floats(0, 1.0))
def test_outside_the_code_no_step_has_alternatives(rows, threshold):
    policy = Policy(Gate("entropy", threshold), Rerank(), argmax)
    with_forks = list(resumed(policy, chain(rows), (), between_fences, forking=True))
    text = ""
    for step in with_forks:
        assert between_fences(text) or not step.others
        text += step.text
    assert facts(with_forks) == facts(list(resumed(policy, chain(rows), (), between_fences, forking=False)))


def test_a_lookahead_ends_at_the_fence_that_closes_the_code_and_counts_it():
    """Token 2 opens and closes the code. What follows in prose is improbable, and no candidate is blamed for it."""
    table = {(): [0, 0, 1, 0], (2,): [0, 0.5, 0.1, 0.4], (2, 1): [0, 0.1, 0.8, 0.1], (2, 3): [0, 0.4, 0.3, 0.3]}
    policy = Policy(Gate("entropy", 0.9), Rerank(), argmax)
    _, step, after, *_ = run(policy, TableLM(table, default=[0.25] * 4), between_fences)
    scores = {each.token: each.score for each in step.pause.candidates}
    assert scores[1] == pytest.approx((ln(0.5) + ln(0.8)) / 2) and scores[2] == pytest.approx(ln(0.1))
    assert (step.token, after.token, after.pause) == (1, 2, None)


def test_a_winner_that_closes_the_code_is_committed_alone_and_decoding_goes_on_in_prose():
    lm = TableLM({(): [0, 0, 1, 0], (2,): [0, 0.3, 0.4, 0.3]}, default=[0.25] * 4)
    policy = Policy(Gate("entropy", 0.9), Rerank(), argmax)
    steps = run(policy, lm, between_fences)
    assert [step.token for step in steps[:3]] == [2, 2, 0]
    assert [step.pause is not None for step in steps[:3]] == [False, True, False]
