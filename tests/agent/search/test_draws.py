"""Draws without replacement among what attempts wrote and considered: nothing comes twice, and none is lost."""

import math
from collections import Counter
from itertools import product

import pytest

from agent.decoding import Candidate
from agent.decoding.samplers import pick_uniform
from agent.records import Attempt, Fork
from agent.search.draws import draw_beginning

# A model of three tokens and texts of three, of which each position is a fork: probabilities behind each beginning.
CHANCES = {0: [0.7, 0.2, 0.1], 1: [0.5, 0.1, 0.4], 2: [0.25, 0.7, 0.05]}


def chances_behind(before):
    return CHANCES[(sum(before) + len(before)) % 3]


def probability(text, temperature):
    """Return the probability that a text is drawn: at each place a softmax of logprob / temperature."""
    rows = [[each ** (1 / temperature) for each in chances_behind(text[:place])] for place in range(len(text))]
    return math.prod(row[token] / sum(row) for row, token in zip(rows, text, strict=True))


def written(text, *, forks=(0, 1, 2), prompt=0):
    """Return the attempt that wrote a text; at its forks it considered the other tokens."""
    logprobs = [[math.log(each) for each in chances_behind(text[:place])] for place in range(len(text))]
    met = tuple(
        Fork(place, 1.0, logprobs[place][text[place]], tuple(
            Candidate(token, logprobs[place][token], 0.0) for token in range(3) if token != text[place]
        ))
        for place in forks
    )  # fmt: skip
    taken = tuple(logprobs[place][token] for place, token in enumerate(text))
    return Attempt(prompt, tuple(text), taken, met, "end", "", "", (), "failed")


def distribution(attempts, temperature=1.0, steps=500):
    """Return how often each beginning comes, over evenly spread numbers for the first position and others by chance."""
    drawn = Counter()
    for n in range(steps):
        begun = draw_beginning(
            attempts, temperature, lambda place, n=n: (n + 0.5) / steps if place == 0 else pick_uniform(n, place)
        )
        drawn[begun.tokens] += 1
    return {tokens: count / steps for tokens, count in drawn.items()}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    "texts",
    [
        [(0, 0, 0)],
        [(0, 0, 0), (0, 0, 1)],
        [(0, 0, 0), (1, 2, 0), (2, 1, 1)],
        [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)],
    ],
)
def test_a_draw_is_distributed_as_one_that_is_repeated_until_it_is_new(texts, temperature):
    beginnings = {text[:end] for text in texts for end in range(4)}
    wanted = Counter()
    for text in product(range(3), repeat=3):
        if text not in texts:
            leaves = next(text[:end] for end in range(1, 4) if text[:end] not in beginnings)
            wanted[leaves] += probability(text, temperature)
    found = distribution(list(map(written, texts)), temperature, steps=4_000)
    assert found.keys() <= wanted.keys()
    for tokens, share in wanted.items():
        assert found.get(tokens, 0.0) == pytest.approx(share / wanted.total(), abs=0.03), tokens


def test_each_text_comes_once_and_then_nothing_is_left():
    attempts, seen = [written((0, 0, 0))], {(0, 0, 0)}
    for seed in range(26):
        begun = draw_beginning(attempts, 0.8, lambda place, seed=seed: pick_uniform(seed, place))
        text = (*begun.tokens, *(0,) * (3 - len(begun.tokens)))
        assert text not in seen
        seen.add(text)
        attempts.append(written(text))
    assert len(seen) == 27
    assert draw_beginning(attempts, 0.8, lambda place: 0.0) is None


def test_a_draw_leaves_an_attempt_only_at_its_forks():
    attempts = [written((0, 0, 0), forks=[1])]
    begun = {draw_beginning(attempts, 1.0, lambda place, n=n: n / 9).tokens for n in range(9)}
    assert begun == {(0, 1), (0, 2)}
    assert draw_beginning([written((0, 0, 0), forks=[])], 1.0, lambda place: 0.5) is None
    assert draw_beginning([], 1.0, lambda place: 0.5) is None


def test_what_one_attempt_considered_another_may_have_written():
    """The second left the first at its fork, and has none; so only the third token is left there."""
    attempts = [written((0, 0, 0), forks=[1]), written((0, 1, 0), forks=[])]
    begun = draw_beginning(attempts, 1.0, lambda place: 0.0)
    assert (begun.parent, begun.tokens) == (0, (0, 2))
    assert begun.logprobs == pytest.approx((math.log(0.7), math.log(chances_behind((0,))[2])))


def test_the_parent_is_an_attempt_that_begins_so():
    attempts = [written((0, 0, 0), forks=[]), written((1, 0, 0), forks=[2])]
    begun = draw_beginning(attempts, 1.0, lambda place: 0.999)
    assert begun.parent == 1 and begun.tokens[:2] == (1, 0)


def test_an_attempt_that_ended_early_or_answers_another_prompt_takes_nothing_from_the_others():
    alone = distribution([written((0, 0, 0))], steps=500)
    assert distribution([written((0, 0, 0)), written((0, 0), forks=[])], steps=500) == alone
    assert distribution([written((0, 0, 0)), written((1, 1, 1), prompt=1)], steps=500) == alone


@pytest.mark.parametrize("temperature", [0.01, 0.05, 1.0, 50.0])
def test_however_improbable_a_way_that_is_left_is_drawn(temperature):
    likeliest = written((0, 0, 1))  # at the lowest temperature all else has less than 1e-23
    for mark in (0.0, 0.5, 0.999999):
        begun = draw_beginning([likeliest], temperature, lambda place, mark=mark: mark)
        assert begun.tokens not in [(0,), (0, 0), (0, 0, 1)]
