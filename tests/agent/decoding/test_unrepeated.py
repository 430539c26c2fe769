"""Draws without replacement: nothing comes twice, and all else keeps its share of the probability."""

import math
from dataclasses import replace
from itertools import product

import pytest
import torch
from trie import TrieLM

from agent.decoding import POLICIES
from agent.decoding.context import DecodeContext, DecodeState
from agent.decoding.step import Completion
from agent.decoding.stops import token_limit
from agent.decoding.unrepeated import Unrepeated, WrittenText
from agent.lm.base import Prefix

# A model of three tokens and texts of two: the probabilities of the first token, and of the second behind each.
FIRST = [0.7, 0.2, 0.1]
SECOND = {0: [0.5, 0.4, 0.1], 1: [0.1, 0.1, 0.8], 2: [1 / 3, 1 / 3, 1 / 3]}
TEXTS = list(product(range(3), repeat=2))


def probability(text):
    return FIRST[text[0]] * SECOND[text[0]][text[1]]


def written(*texts, temperature=1.0):
    return [
        WrittenText.of(text, [math.log(FIRST[text[0]]), math.log(SECOND[text[0]][text[1]])], temperature)
        for text in texts
    ]


def left(texts, temperature=1.0):
    """Return the probability of each text when none of these is to be drawn."""
    unrepeated = Unrepeated(written(*texts, temperature=temperature), temperature)

    def step(probabilities, before):
        logits = unrepeated.discount(torch.tensor(probabilities, dtype=torch.float64).log(), before)
        return (
            torch.softmax(logits / temperature, -1).nan_to_num().tolist()
        )  # no token is left of what is never reached

    return {text: step(FIRST, ())[text[0]] * step(SECOND[text[0]], text[:1])[text[1]] for text in TEXTS}


@pytest.mark.parametrize("texts", [[(0, 0)], [(0, 0), (0, 1)], [(0, 0), (1, 2), (2, 1)], [(2, 0), (2, 1), (2, 2)]])
def test_a_draw_is_distributed_as_one_that_is_repeated_until_it_is_new(texts):
    rest = 1.0 - sum(map(probability, texts))
    for text, share in left(texts).items():
        assert share == pytest.approx(0.0 if text in texts else probability(text) / rest, abs=1e-9)


def test_the_sampler_of_a_policy_does_not_choose_what_was_written():
    logits = torch.tensor([9.0, 0.0, 0.0])
    state = DecodeState(Prefix((0,), logits), Completion())
    context = DecodeContext(TrieLM({"x": 1.0}), POLICIES["sample"], token_limit(9), (0,))
    text = WrittenText.of((0,), [-0.001], 0.8)
    others = {
        replace(context, seed=seed, unrepeated=Unrepeated([text], 0.8)).sample(logits, state) for seed in range(9)
    }
    assert context.sample(logits, state) == 0 and others == {1, 2}


def test_at_another_temperature_nothing_comes_twice_either():
    shares = left([(0, 0), (1, 2)], temperature=0.5)
    assert shares[0, 0] == shares[1, 2] == 0.0 and sum(shares.values()) == pytest.approx(1.0)
    assert shares[0, 1] > shares[0, 2] > 0.0


def test_behind_what_nobody_wrote_the_logits_are_as_they_were():
    logits = torch.tensor([0.1, 0.2, 0.3])
    unrepeated = Unrepeated(written((0, 1)))
    assert unrepeated.discount(logits, (2,)) is logits and unrepeated.discount(logits, (0, 1)) is logits
    kept = logits.clone()
    assert unrepeated.discount(logits, (0,))[1] == -math.inf and torch.equal(logits, kept)


def test_at_a_place_without_ways_a_draw_goes_on_as_the_text_does():
    logprobs = [math.log(FIRST[0]), math.log(SECOND[0][1])]
    unrepeated = Unrepeated([WrittenText.of((0, 1), logprobs, 1.0, {0: {}})])
    first = unrepeated.discount(torch.tensor(FIRST).log(), ())
    assert torch.softmax(first, -1).tolist() == [1.0, 0.0, 0.0]
    second = unrepeated.discount(torch.tensor(SECOND[0]).log(), (0,))
    assert torch.softmax(second, -1).tolist() == pytest.approx([0.5 / 0.6, 0.0, 0.1 / 0.6])


def test_a_draw_leaves_a_text_by_its_ways_alone():
    logprobs = [math.log(FIRST[0]), math.log(SECOND[0][1])]
    unrepeated = Unrepeated([WrittenText.of((0, 1), logprobs, 1.0, {0: {2: math.log(FIRST[2])}, 1: {}})])
    first = torch.softmax(unrepeated.discount(torch.tensor(FIRST).log(), ()), -1)
    assert first.tolist() == pytest.approx([0.0, 0.0, 1.0]), "behind the first token nothing is left"
    elsewhere = torch.tensor(SECOND[1]).log()
    assert unrepeated.discount(elsewhere, (1,)) is elsewhere


def test_where_two_texts_part_their_ways_are_joined():
    texts = [WrittenText.of((token, 1), [-0.5, -0.5], 1.0, {0: {}}) for token in (0, 2)]
    left = torch.softmax(Unrepeated(texts).discount(torch.tensor(FIRST).log(), ()), -1)
    assert left[1] == 0.0 and left[0] > left[2] > 0.0


def test_where_no_way_is_left_a_draw_leaves_by_any_token():
    texts = [WrittenText.of((token,), [-0.5], 1.0, {0: {}}) for token in (0, 2)]
    left = torch.softmax(Unrepeated(texts).discount(torch.tensor(FIRST).log(), ()), -1)
    assert left.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_a_token_has_its_share_among_the_ways(temperature):
    logprobs, ways = [-1.0, math.log(0.6), -1.0], {1: {7: math.log(0.2)}, 2: {}}
    text = WrittenText.of((0, 1, 2), logprobs, temperature, ways)
    assert text.rest == pytest.approx((1 / (1 + (1 / 3) ** (1 / temperature)), 1.0, 1.0))
    assert WrittenText.of((0, 1), [-1.0, -900.0], 0.5, {1: {7: 0.0}}).rest == pytest.approx((0.0, 1.0))


def test_a_certain_token_leaves_no_other_way_and_an_impossible_one_takes_nothing():
    certain = WrittenText.of((0, 1), [0.0, 0.0], 0.8)
    assert certain.rest == (1.0, 1.0)
    unlikely = WrittenText.of((0, 1, 2), [-1.0, -1000.0, -0.5], 0.5)
    assert unlikely.rest[0] == 0.0 and 0.5 < unlikely.rest[1] < 1.0 and unlikely.rest[2] == 1.0
