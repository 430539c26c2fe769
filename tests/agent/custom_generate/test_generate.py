"""Policies as `custom_generate`: what transformers would have done, but for the pauses."""

import math

import pytest
import torch
from architectures import DEVICE, make

from agent.custom_generate import adadec, generate_by, uscd
from agent.custom_generate.processed import Processed
from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.contrast import Contrast
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.stops import token_limit
from agent.lm.hf.model import HFLM
from uncertainty.scores import collision_of_deviation

PROMPT = [(7 * i + 3) % 64 for i in range(12)]
IDS = torch.tensor([PROMPT], device=DEVICE)
GREEDY = {"do_sample": False, "max_new_tokens": 24}


@pytest.fixture(scope="module")
def model():
    return make("llama")


def generate(model, ids=IDS, **options):
    return model.generate(ids, attention_mask=options.pop("mask", torch.ones_like(ids)), **options)


def doubtful(model):
    """A threshold that most of the greedy tokens reach."""
    steps = decode(HFLM(model), PROMPT, POLICIES["greedy"], stop=token_limit(24))
    return sum(sorted(step.scores["entropy"] for step in steps)[5:7]) / 2


@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [{}, {"repetition_penalty": 1.7}, {"eos_token_id": 40, "pad_token_id": 0}, {"bad_words_ids": [[5], [40]]}],
)
def test_without_pauses_it_is_transformers_greedy_search(model, options):
    wanted = generate(model, **GREEDY, **options)
    assert torch.equal(generate(model, custom_generate=adadec(math.inf), **GREEDY, **options), wanted)


@pytest.mark.oracle
def test_with_pauses_it_is_our_loop(model):
    threshold = doubtful(model)
    policy = Policy(Gate("entropy", threshold), Rerank(), argmax)
    steps = list(decode(HFLM(model), PROMPT, policy, stop=token_limit(24)))
    assert sum(step.pause is not None for step in steps) > 2
    generated = generate(model, custom_generate=adadec(threshold), **GREEDY)
    assert generated.tolist() == [[*PROMPT, *(step.token for step in steps)]]
    assert not torch.equal(generated, generate(model, **GREEDY))


def test_processors_act_inside_lookaheads_too(model):
    """The committed rollout equals the one that is computed again, so both saw the same processed logits."""
    threshold, options = doubtful(model), {**GREEDY, "repetition_penalty": 1.7}
    again = generate_by(Policy(Gate("entropy", threshold), Rerank(commit_rollout=False), argmax))
    assert torch.equal(
        generate(model, custom_generate=adadec(threshold), **options), generate(model, custom_generate=again, **options)
    )


def test_a_padded_batch_is_its_rows_one_by_one(model):
    short = PROMPT[5:]
    ids = torch.tensor([PROMPT, [0] * 5 + short], device=DEVICE)
    mask = torch.tensor([[1] * 12, [0] * 5 + [1] * 7], device=DEVICE)
    policy = adadec(doubtful(model))
    options = {**GREEDY, "pad_token_id": 0, "eos_token_id": 40}
    generated = generate(model, ids, mask=mask, custom_generate=policy, **options)
    for row, prompt in zip(generated, (PROMPT, short), strict=True):
        alone = generate(model, torch.tensor([prompt], device=DEVICE), custom_generate=policy, **options)[
            0, len(prompt) :
        ]
        rest = row[12:]
        assert rest[: len(alone)].tolist() == alone.tolist() and not rest[len(alone) :].any()


def test_sampling_follows_torchs_seed_and_the_calls_temperature(model):
    def drawn(seed, **options):
        torch.manual_seed(seed)
        return generate(model, custom_generate=adadec(math.inf), do_sample=True, max_new_tokens=24, **options).tolist()

    assert drawn(0) == drawn(0) != drawn(1)
    cold = drawn(0, temperature=1e-4, top_k=0)
    assert cold == generate(model, **GREEDY).tolist()


def test_uscd_contrasts_with_the_lame_prompt(model):
    generated = generate(model, custom_generate=uscd(PROMPT[6:], threshold=0.0), **GREEDY)
    policy = POLICIES["uscd"]
    policy = Policy(Gate("collision", 0.0), policy.resolver, argmax)
    steps = decode(HFLM(model), PROMPT, policy, stop=token_limit(24), lame_ids=PROMPT[6:])
    assert generated.tolist() == [[*PROMPT, *(step.token for step in steps)]]
    assert not torch.equal(generated, generate(model, **GREEDY))
    for same in (torch.tensor(PROMPT[6:]), torch.tensor([PROMPT[6:]]), [PROMPT[6:]]):
        assert torch.equal(generate(model, custom_generate=uscd(same, threshold=0.0), **GREEDY), generated)


def test_options_are_those_of_the_loop(model):
    threshold = doubtful(model)
    lame, gate = PROMPT[6:], Gate("entropy", threshold)
    wanted = {
        adadec(threshold, width=2): Policy(gate, Rerank(2), argmax),
        uscd(lame, threshold=0.3, rerank=Rerank()): Policy(Gate("collision", 0.3), Contrast(rerank=Rerank()), argmax),
    }
    for generated, policy in wanted.items():
        steps = list(decode(HFLM(model), PROMPT, policy, stop=token_limit(24), lame_ids=lame))
        assert "rerank" in {step.pause.resolver for step in steps if step.pause}
        assert generate(model, custom_generate=generated, **GREEDY).tolist() == [
            [*PROMPT, *(step.token for step in steps)]
        ]


def test_a_bound_on_the_deviation_is_one_on_the_collision_entropy(model):
    lame, deviation = PROMPT[:5], 0.05
    bound = collision_of_deviation(deviation, 64)
    by_deviation = generate(model, custom_generate=uscd(lame, deviation=deviation), **GREEDY)
    assert torch.equal(by_deviation, generate(model, custom_generate=uscd(lame, threshold=bound), **GREEDY))
    assert not torch.equal(by_deviation, generate(model, **GREEDY)), "it contrasts somewhere"


def test_one_call_leaves_nothing_for_the_next_nor_the_model_otherwise(model):
    plain = generate(model, custom_generate=adadec(0.0), **GREEDY)
    model.train()
    generate(model, custom_generate=adadec(0.0), **GREEDY, repetition_penalty=1.7)
    assert model.training
    model.eval()
    assert torch.equal(generate(model, custom_generate=adadec(0.0), **GREEDY), plain)


def test_processors_see_the_row_as_it_came_with_its_padding(model):
    """Two rows of one prompt, one of them padded: what counts tokens counts the padding in both."""
    ids = torch.tensor([PROMPT, [0] * 5 + PROMPT[5:]], device=DEVICE)
    mask = torch.tensor([[1] * 12, [0] * 5 + [1] * 7], device=DEVICE)
    options = {
        "do_sample": False,
        "max_new_tokens": 9,
        "min_new_tokens": 4,
        "eos_token_id": list(range(63)),  # one token is left where the text may not end yet
        "pad_token_id": 0,
    }
    generated = generate(model, ids, mask=mask, custom_generate=adadec(math.inf), **options)
    assert torch.equal(generated, generate(model, ids, mask=mask, **options)) and generated.shape[1] <= 12 + 5


def test_a_dictionary_is_returned_where_it_is_asked_for(model):
    generated = generate(model, custom_generate=adadec(math.inf), return_dict_in_generate=True, **GREEDY)
    assert torch.equal(generated.sequences, generate(model, **GREEDY))


def test_what_it_cannot_do_is_said(model):
    with pytest.raises(ValueError, match="one beam"):
        generate(model, custom_generate=adadec(), num_beams=2, max_new_tokens=2)
    with pytest.raises(ValueError, match="token ids alone"):
        generate(model, custom_generate=adadec(), output_scores=True, return_dict_in_generate=True, **GREEDY)
    with pytest.raises(ValueError, match="give input_ids"):
        model.generate(inputs_embeds=torch.zeros(1, 2, 32).double(), custom_generate=adadec(), max_new_tokens=2)
    with pytest.raises(ValueError, match="2 lame prompts came for 1 rows"):
        generate(model, custom_generate=uscd([[1], [2]]), **GREEDY)
    with pytest.raises(
        ValueError, match="a lame prompt has 250 tokens, 24 may follow it, and this model reads at most 256"
    ):
        generate(model, custom_generate=uscd([1] * 250), **GREEDY)


def test_drafts_of_a_processed_model_change_no_token(model):
    seen = Processed(HFLM(model), lambda ids, logits: logits / 1.5)
    plain = [step.token for step in decode(seen, PROMPT, POLICIES["greedy"], stop=token_limit(16))]
    whole = [*PROMPT, *plain, 1, 2, 3]
    drafted = decode(
        seen, PROMPT, POLICIES["greedy"], stop=token_limit(16), draft=lambda ids: whole[len(ids) : len(ids) + 3]
    )
    assert [step.token for step in drafted] == plain


def test_costs_are_those_of_the_model_behind(model):
    lm = HFLM(model)
    seen = Processed(lm, lambda ids, logits: logits)
    prefix = seen.extend(seen.prefill(PROMPT), [1])
    assert seen.extend(prefix, []) is prefix
    assert (seen.forwards, seen.token_rows) == (lm.forwards, lm.token_rows) == (2, 13)
