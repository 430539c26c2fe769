"""What every policy promises, whatever its gate, resolver and sampler."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random

import pytest
from fakes import PROMPT, TableLM
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decoding import POLICIES, Completion, DecodeState, Policy, Step, decode, decode_until_pause
from agent.decoding.context import DecodeContext
from agent.decoding.contrast import Contrast
from agent.decoding.loop import resolve_pause
from agent.decoding.samplers import argmax, pick_uniform
from agent.decoding.stops import any_of, end_token, token_limit
from uncertainty.scores import SCORES

LAW = settings(derandomize=True, deadline=None, max_examples=25)
LAME = (8, 7)  # what follows the lame prompt is looked up behind a 7, which no completion contains
MOST = 8
STOP = any_of(end_token([0]), token_limit(MOST))

worlds = st.integers(0, 10_000)
seeds = st.integers(0, 100)

pytestmark = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())


def model(world: int) -> TableLM:
    """Return a model that has counted no forward yet."""
    table, default = distributions(world)
    return TableLM(table, default=default)


@lru_cache(maxsize=512)
def distributions(world: int) -> tuple[dict[tuple[int, ...], list[float]], list[float]]:
    """Draw a distribution for each completion of up to three tokens, sharp and flat ones mixed, and one for others."""
    random = Random(world)
    completions = [b for length in range(4) for b in itertools.product((1, 2, 3), repeat=length)]
    table = {(*lame, *completion): _distribution(random) for lame in ((), LAME[1:]) for completion in completions}
    return table, _distribution(random)


def _distribution(random: Random) -> list[float]:
    weights = [random.choice([0, 1, 2, 5, 50]) for _ in range(3)] + [1]
    return [weight / sum(weights) for weight in weights]


def run(policy: Policy, lm: TableLM, seed: int = 0) -> Iterator[Step]:
    return decode(lm, PROMPT, policy, stop=STOP, lame_ids=LAME, seed=seed, write_traced_prompt=write_traced_prompt)


def write_traced_prompt(text: str) -> tuple[int, ...]:
    return LAME


def never_pausing(policy: Policy) -> Policy:
    return replace(policy, gate=replace(policy.gate, threshold=math.inf))


@LAW
@given(world=worlds, seed=seeds)
def test_the_same_seed_gives_the_same_steps(policy, world, seed):
    assert list(run(policy, model(world), seed)) == list(run(policy, model(world), seed))


@LAW
@given(world=worlds, seed=seeds)
def test_each_step_carries_the_models_own_finite_logprob_and_scores(policy, world, seed):
    done = PROMPT
    for step in run(policy, model(world), seed):
        logits = model(world).prefill(done).logits
        assert step.logprob == pytest.approx(float(logits.log_softmax(-1)[step.token]))
        assert -math.inf < step.logprob <= 0
        assert step.scores == {n: SCORES[n](logits) for n in {"entropy", "margin", policy.gate.score}}
        done = (*done, step.token)


@LAW
@given(world=worlds, seed=seeds)
def test_the_last_step_says_why_it_is_the_last_and_no_other_does(policy, world, seed):
    *earlier, last = run(policy, model(world), seed)
    assert all(step.end is None for step in earlier)
    assert last.end == ("end token" if last.token == 0 else "token budget")
    assert len(earlier) < MOST


@LAW
@given(world=worlds, seed=seeds)
def test_no_forward_is_done_beyond_the_last_consumed_step(policy, world, seed):
    lm = model(world)
    stream = run(policy, lm, seed)
    assert lm.forwards == 0
    allowed = 0
    for step in stream:
        allowed += 1 + (step.pause.forwards if step.pause else 0)
        assert lm.forwards <= allowed
        spent = lm.forwards
    assert lm.forwards == spent


@LAW
@given(world=worlds, seed=seeds)
def test_with_an_infinite_threshold_a_policy_is_its_sampler_alone(policy, world, seed):
    lm, alone = model(world), Completion()
    while STOP(alone) is None:
        logits = lm.prefill((*PROMPT, *alone.tokens)).logits
        alone = alone.append(policy.sampler(logits, pick_uniform(seed, len(alone.tokens)), alone.text))
    steps = list(run(never_pausing(policy), model(world), seed))
    assert tuple(step.token for step in steps) == alone.tokens
    assert all(step.pause is None for step in steps)


@pytest.mark.oracle
@LAW
@given(world=worlds)
def test_with_an_infinite_threshold_and_an_argmax_a_policy_is_greedy(policy, world):
    unsampled = replace(never_pausing(policy), sampler=argmax)
    greedy = list(run(POLICIES["greedy"], model(world)))
    assert [(s.token, s.logprob) for s in run(unsampled, model(world))] == [(s.token, s.logprob) for s in greedy]


@LAW
@given(world=worlds, seed=seeds)
def test_a_pause_stands_where_the_gate_fires_and_names_what_was_chosen(policy, world, seed):
    for step in run(policy, model(world), seed):
        assert step.pause is None or step.scores[policy.gate.score] >= policy.gate.threshold
        if step.pause:
            assert step.pause.chosen == step.token
            assert step.pause.resolver in {policy.resolver.name, "rerank"}  # to which a contrast may leave a pause
            logprobs = [candidate.logprob for candidate in step.pause.candidates]
            assert logprobs == sorted(logprobs, reverse=True)
            assert min(logprobs) > -math.inf


@pytest.mark.oracle
@LAW
@given(world=worlds, seed=seeds, done=st.integers(0, MOST - 1))
def test_a_resumed_run_goes_on_like_the_uninterrupted_one(policy, world, seed, done):
    whole = list(run(policy, model(world), seed))
    before = tuple(step.token for step in whole[: min(done, len(whole) - 1)])
    lm = model(world)
    decoding = DecodeContext(lm, policy, STOP, PROMPT, LAME, seed, write_traced_prompt=write_traced_prompt)
    rest = list(_resumed(decoding, DecodeState(lm.prefill((*PROMPT, *before)), Completion(before))))
    assert [(s.token, s.logprob, s.end) for s in rest] == [(s.token, s.logprob, s.end) for s in whole[len(before) :]]


def _resumed(decoding: DecodeContext, state: DecodeState) -> Iterator[Step]:
    while state.end is None:
        state = yield from decode_until_pause(decoding, state)
        if state.end is None:
            state = yield from resolve_pause(decoding, state)


def test_a_lame_prompt_is_written_for_the_policies_that_contrast_alone(policy):
    assert policy.contrasts == isinstance(policy.resolver, Contrast)
