"""Drafts change how many forwards a completion takes, and nothing else."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_model import byte_model

from agent.decoding import POLICIES, Gate, decode
from agent.decoding.prompt_lookup import PromptLookup
from agent.decoding.stops import any_of, end_token, token_limit
from agent.errors import InvalidRequestError

LAW = settings(derandomize=True, deadline=None, max_examples=40)


def test_what_followed_the_last_tokens_is_guessed_as_far_as_they_agree():
    lookup = PromptLookup(min_match=2, max_match=3)
    assert lookup([1, 2, 3, 4, 5, 9, 2, 3]) == [4, 5]
    assert lookup([1, 2, 3, 4, 5, 6, 9, 1, 2, 3]) == [4, 5, 6]
    assert lookup([7, 1, 2, 3, 4, 5, 6, 7, 7, 1, 2, 3]) == [4, 5, 6], "four agree and three at most are guessed"


def test_of_equal_places_the_latest_is_taken():
    assert PromptLookup()([1, 2, 8, 8, 1, 2, 9, 9, 1, 2]) == [9, 9]


@pytest.mark.parametrize("ids", [[1], [1, 2], [1, 2, 3, 2], [1, 1]])
def test_where_nothing_or_too_little_agrees_there_is_no_draft(ids):
    assert list(PromptLookup()(ids)) == []


@LAW
@given(ids=st.lists(st.integers(0, 2), min_size=1, max_size=40), least=st.integers(1, 4), most=st.integers(4, 8))
def test_a_draft_is_what_follows_an_earlier_match(ids, least, most):
    drafted = list(PromptLookup(least, most)(ids))
    assert len(drafted) <= most
    places = [
        at
        for at in range(least, len(ids))
        if ids[at - least : at] == ids[-least:] and ids[at : at + len(drafted)] == drafted
    ]
    agrees = any(ids[at - least : at] == ids[len(ids) - least :] for at in range(least, len(ids)))
    assert bool(drafted) == agrees and (places or not drafted)


@pytest.fixture(scope="module")
def model():
    return byte_model(sharpness=20.0)


def parrot(text: str):
    """Draft a known continuation, with every seventh token wrong."""
    known = list(text)

    def draft(ids):
        at = len(ids)
        return [token if (at + n) % 7 else (token + 1) % 250 for n, token in enumerate(known[at : at + 5])]

    return draft


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("threshold", [0.9, math.inf])
def test_steps_and_pauses_are_the_same_with_drafts_as_without(model, name, threshold):
    lm, tokenizer = model.lm, model.tokenizer
    policy = replace(POLICIES[name], gate=Gate(POLICIES[name].gate.score, threshold))
    prompt, lame = tokenizer.encode("def f(x):\n    "), tokenizer.encode("def f(")
    stop = any_of(end_token(tokenizer.end_ids), token_limit(40))

    def run(draft):
        before, text = lm.forwards, tokenizer.stream(prompt)
        steps = list(decode(lm, prompt, policy, stop=stop, lame_ids=lame, text=text, seed=3, draft=draft))
        return steps, lm.forwards - before

    plain, forwards = run(None)
    drafted, fewer = run(parrot([*prompt, *(step.token for step in plain)]))
    assert [(s.token, s.text, s.end) for s in drafted] == [(s.token, s.text, s.end) for s in plain]
    assert [s.scores["entropy"] for s in drafted] == pytest.approx([s.scores["entropy"] for s in plain])
    assert [bool(s.pause) for s in drafted] == [bool(s.pause) for s in plain]
    assert any(s.pause for s in plain) == (threshold < math.inf)
    assert fewer < forwards, (fewer, forwards)


def test_a_prompt_that_holds_the_answer_is_repeated_in_few_forwards(model):
    lm, prompt = model.lm, model.tokenizer.encode("ab")
    plain = [step.token for step in decode(lm, prompt, POLICIES["greedy"], stop=token_limit(60))]
    copied = [*prompt, *plain, *prompt]
    script = iter(plain)

    def copies(logits, uniform, text):
        return next(script)

    policy = replace(POLICIES["greedy"], sampler=copies)
    before = lm.forwards
    drafted = [step.token for step in decode(lm, copied, policy, stop=token_limit(60), draft=PromptLookup())]
    assert drafted == plain
    assert lm.forwards - before <= 12


def test_draft_tokens_end_where_the_context_does():
    lm = byte_model(sharpness=8.0, context=20).lm
    prompt = list(range(12))
    plain = [step.token for step in decode(lm, prompt, POLICIES["greedy"], stop=token_limit(8))]
    draft = [*prompt, *plain, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    steps = decode(
        lm, prompt, POLICIES["greedy"], stop=token_limit(8), draft=lambda ids: draft[len(ids) : len(ids) + 9]
    )
    assert [step.token for step in steps] == plain


def test_what_does_not_fit_into_the_context_is_an_error_with_drafts_as_without():
    lm = byte_model(sharpness=8.0, context=20).lm
    prompt = list(range(12))
    known = [*prompt, *(step.token for step in decode(lm, prompt, POLICIES["greedy"], stop=token_limit(9))), 1, 2, 3]
    for draft in (None, lambda ids: known[len(ids) : len(ids) + 9]):
        steps, tokens = decode(lm, prompt, POLICIES["greedy"], stop=token_limit(30), draft=draft), []
        with pytest.raises(InvalidRequestError, match="21 tokens and this model reads at most 20"):
            tokens.extend(step.token for step in steps)
        assert tokens == known[12:21]
