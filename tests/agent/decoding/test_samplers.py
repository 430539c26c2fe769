"""Samplers: a draw is the inverse of the cumulative distribution, so sweeping the uniform number shows all of it."""

import math
import re
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decoding.samplers import LineStart, Temperature, argmax, pick_uniform

LAW = settings(derandomize=True, deadline=None, max_examples=40)
SWEEP = 200

P = [0.1, 0.5, 0.0, 0.25, 0.15]
LOGITS = torch.tensor(P, dtype=torch.float64).log()

weights = st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any)


def shares(sampler: Temperature, logits: torch.Tensor = LOGITS) -> dict[int, float]:
    """Share of the unit interval that each token owns, by evenly spaced numbers."""
    drawn = Counter(sampler(logits, (k + 0.5) / SWEEP) for k in range(SWEEP))
    return {token: count / SWEEP for token, count in sorted(drawn.items())}


def test_draws_follow_the_distribution_exactly():
    assert shares(Temperature(1.0, top_p=1.0)) == {0: 0.1, 1: 0.5, 3: 0.25, 4: 0.15}


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_raises_probabilities_to_its_inverse(temperature):
    powers = [p ** (1 / temperature) for p in P]
    expected = {token: power / sum(powers) for token, power in enumerate(powers) if power}
    assert shares(Temperature(temperature, top_p=1.0)) == pytest.approx(expected, abs=1 / SWEEP)


@LAW
@given(weights=weights)
def test_the_likeliest_token_owns_the_first_numbers_and_the_others_follow(weights):
    logits = torch.tensor(weights, dtype=torch.float64).log()
    ranked = sorted((t for t in range(len(weights)) if weights[t]), key=lambda t: (-weights[t], t))
    drawn = list(dict.fromkeys(Temperature(1.0, top_p=1.0)(logits, (k + 0.5) / SWEEP) for k in range(SWEEP)))
    assert drawn == ranked


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.4, {1}), (0.5, {1}), (0.51, {1, 3}), (0.8, {1, 3, 4}), (1.0, {0, 1, 3, 4})]
)
def test_the_nucleus_is_the_fewest_likeliest_tokens_that_reach_its_mass(top_p, kept):
    drawn = shares(Temperature(1.0, top_p=top_p))
    mass = sum(P[token] for token in kept)
    assert drawn == pytest.approx({token: P[token] / mass for token in sorted(kept)}, abs=1 / SWEEP)


@LAW
@given(weights=weights, uniform=st.floats(0, 1, exclude_max=True), temperature=st.sampled_from([1e-3, 1e-300, 5e-324]))
def test_a_tiny_temperature_is_the_argmax(weights, uniform, temperature):
    unequal = torch.tensor([w + token / 100 if w else 0 for token, w in enumerate(weights)]).double()
    assert Temperature(temperature)(unequal.log(), uniform) == argmax(unequal.log())


@LAW
@given(weights=weights, uniform=st.floats(0, 1, exclude_max=True), top_p=st.floats(0.01, 1))
def test_an_impossible_token_is_never_drawn(weights, uniform, top_p):
    token = Temperature(1.3, top_p=top_p)(torch.tensor(weights).double().log(), uniform)
    assert weights[token] > 0


def test_the_largest_number_below_one_draws_the_last_token_kept():
    assert Temperature(1.0, top_p=1.0)(LOGITS, math.nextafter(1, 0)) == 0
    assert Temperature(1.0, top_p=0.8)(LOGITS, math.nextafter(1, 0)) == 4


def test_each_token_owns_its_lower_bound_and_not_its_upper_one():
    halves = torch.zeros(2)
    assert [Temperature(1.0, top_p=1.0)(halves, u) for u in (0.0, math.nextafter(0.5, 0), 0.5)] == [0, 0, 1]


def test_equals_are_drawn_in_the_order_of_their_ids_in_a_large_vocabulary_too():
    draw = Temperature(1.0, top_p=1.0)
    assert [draw(torch.zeros(1000), (k + 0.5) / 1000) for k in range(0, 1000, 10)] == list(range(0, 1000, 10))


def test_argmax_takes_the_lowest_id_of_equals():
    assert argmax(torch.tensor([0.0, 2.0, 1.0, 2.0])) == 1


def test_a_position_of_a_seed_always_has_the_same_number():
    assert [pick_uniform(0, 0), pick_uniform(0, 1), pick_uniform(1, 0)] == [
        0.5847004851343456,
        0.1894119604636878,
        0.7259748788500867,
    ]


def test_positions_and_seeds_differ_and_stay_below_one():
    numbers = {pick_uniform(seed, position) for seed in range(10) for position in range(10)}
    assert len(numbers) == 100
    assert 0 <= min(numbers) <= max(numbers) < 1


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0}, {"temperature": -1}, {"temperature": math.nan}, {"top_p": 0}, {"top_p": 1.1}],
)
def test_settings_out_of_range_are_refused_with_their_values(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=rf"{name}={value}.* is out of range; wanted temperature > 0"):
        Temperature(**options)


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("", False),
        (" + x", False),
        ("\n", True),
        ("\n    ", True),
        ("\n\t ", True),
        ("\n    re", False),
        ("a\n\n  ", True),
    ],
)
def test_a_line_begins_where_its_text_is_blank_so_far(text, begins):
    hot, cold = Temperature(1.0, top_p=1.0), Temperature(0.01, top_p=1.0)
    assert LineStart(start=hot, rest=cold)(LOGITS, 0.99, text) == (0 if begins else 1)


@pytest.mark.oracle
@LAW
@given(weights=weights, uniform=st.floats(0, 1, exclude_max=True), text=st.sampled_from(["", "\n", "x\ny"]))
def test_one_temperature_everywhere_is_plain_temperature(weights, uniform, text):
    logits, same = torch.tensor(weights, dtype=torch.float64).log(), Temperature(0.7)
    assert LineStart(same, same)(logits, uniform, text) == same(logits, uniform)


@pytest.mark.oracle
def test_two_tokenizers_fire_on_the_same_characters():
    """Pieces of one character and pieces of many: whatever begins at the same place is drawn alike."""
    text = "\n    for x in xs:\n        total += x\n    return total"

    def fires(pieces):
        places, so_far = set(), ""
        for piece in pieces:
            if LineStart(Temperature(1.0, top_p=1.0), Temperature(0.01, top_p=1.0))(LOGITS, 0.99, so_far) == 0:
                places.add(len(so_far))
            so_far += piece
        return places

    words = re.findall(r"\n *|[^\n ]+ ?", text)
    assert "".join(words) == text and len(words) < len(text) / 2
    starts = {at for at in range(len(text)) if text[at - 1 : at] in (" ", "\n") and text[at] != " "}
    assert fires(words) == fires(list(text)) & starts


@LAW
@given(
    seed=st.integers(0, 10_000),
    sharpness=st.sampled_from([0.0, 0.5, 2.0, 6.0]),
    uniform=st.floats(0, 1, exclude_max=True),
)
@pytest.mark.parametrize("top_p", [0.5, 0.95, 1.0])
def test_a_large_vocabulary_is_drawn_from_as_if_all_of_it_were_sorted(seed, sharpness, uniform, top_p):
    logits = sharpness * torch.randn(5_000, generator=torch.Generator().manual_seed(seed)).round(
        decimals=1
    )  # with ties
    p = torch.softmax(logits.double(), dim=-1)
    ranked, ids = p.sort(descending=True, stable=True)
    nucleus = ranked * (ranked.cumsum(-1) - ranked < top_p)
    rank = int(torch.searchsorted(nucleus.cumsum(-1), uniform * nucleus.sum(), right=True))
    assert Temperature(1.0, top_p)(logits, uniform) == int(ids[min(rank, int((nucleus > 0).sum()) - 1)])
