"""Rotations that change with the length of a text: what is cached before the change is not used behind it."""

import math
from dataclasses import replace

import pytest
import torch

from agent.custom_generate import adadec
from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.contrast import Contrast
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.stops import token_limit
from agent.lm.hf.model import HFLM
from agent.lm.hf.rope import rope_boundaries, rope_regime
from agent.lm.reference import logits_before
from benchmarks.speed.decoding import Uncached

TURN, MOST = 24, 16
LONGROPE = {
    "rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4, "long_factor": [4.0, 6.0, 8.0, 10.0],
    "original_max_position_embeddings": TURN,
}  # fmt: skip
SIZES = {
    "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 48, "max_position_embeddings": 128, "tie_word_embeddings": False, "bos_token_id": None,
    "eos_token_id": None, "pad_token_id": 0,
}  # fmt: skip


def make(family, **options):
    import transformers

    config = getattr(transformers, f"{family}Config")(**{**SIZES, "rope_parameters": dict(LONGROPE), **options})
    config._experts_implementation = "eager"  # the grouped kernel has no float64
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, f"{family}ForCausalLM")._from_config(config, dtype=torch.float64)
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(6.0)
        model.get_output_embeddings().weight.data.mul_(8.0)  # some steps pause and some do not
    return model.eval()


MODELS = {
    "phi3": ("Phi3", {"original_max_position_embeddings": TURN}),
    "llama": ("Llama", {}),
    "mistral-window": ("Mistral", {"sliding_window": 8}),  # whose cache cannot be cropped, and has no trees
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    family, options = MODELS[request.param]
    return make(family, **options)


def prompt(length):
    return [(7 * i + 3) % 60 + 2 for i in range(length)]


def tokens(lm, policy, length, most=MOST, **options):
    return [step.token for step in decode(lm, prompt(length), policy, stop=token_limit(most), **options)]


@pytest.mark.oracle
@pytest.mark.parametrize(("length", "most"), [(12, MOST), (23, 6), (24, 6), (25, 6)])
def test_policies_cross_the_turn_as_if_nothing_were_cached(model, length, most):
    for policy in (
        POLICIES["greedy"],
        Policy(Gate("entropy", 0.5), Rerank(horizon=9), argmax),
        Policy(Gate("collision", 0.0), Contrast(), argmax),
    ):
        lm, slow = HFLM(model), Uncached(model)
        options = {"most": most} | ({"lame_ids": prompt(3)} if isinstance(policy.resolver, Contrast) else {})
        wanted = tokens(slow, replace(policy), length, **options)
        assert tokens(lm, policy, length, **options) == wanted
        assert tokens(lm, policy, length, **options) == wanted, "from what is stored by now"
        whole = [*prompt(length), *wanted]
        drafted = tokens(lm, policy, length, draft=lambda ids, whole=whole: whole[len(ids) : len(ids) + 6], **options)
        assert drafted == wanted


@pytest.mark.oracle
@pytest.mark.parametrize("length", [20, 31])
def test_custom_generate_is_generate_without_a_cache(model, length):
    ids = torch.tensor([prompt(length)])
    options = {"max_new_tokens": MOST, "do_sample": False, "attention_mask": torch.ones_like(ids)}
    wanted = model.generate(ids, use_cache=False, **options)
    assert torch.equal(model.generate(ids, custom_generate=adadec(math.inf), **options), wanted)


def test_given_text_is_read_as_decoding_reads_it(model):
    text = prompt(TURN + 12)
    for start in (4, TURN - 1, TURN, TURN + 1, TURN + 6):
        slow = torch.stack([Uncached(model).prefill(text[:n]).logits for n in range(start, len(text))])
        assert torch.allclose(HFLM(model).score_tokens(text[:start], text[start:]), slow, atol=1e-6)
        assert torch.allclose(logits_before(HFLM(model), text[:start], text[start:]), slow, atol=1e-6)


def test_a_shorter_text_behind_a_longer_one_is_read_anew(model):
    lm = HFLM(model)
    lm.prefill(prompt(40))
    for length in (10, TURN, TURN + 1, 33):
        assert torch.allclose(
            lm.prefill(prompt(length)).logits, Uncached(model).prefill(prompt(length)).logits, atol=1e-6
        )


def test_crossing_costs_one_forward_and_no_other_is_dearer():
    lm, plain = HFLM(make("Llama")), HFLM(make("Llama", rope_parameters={"rope_type": "default", "rope_theta": 1e4}))
    for each in (lm, plain):
        tokens(each, POLICIES["greedy"], 12)
    assert lm.forwards == plain.forwards and lm.token_rows == plain.token_rows + TURN


def test_turns_are_read_from_the_configuration_and_not_by_the_kind_of_model():
    def turns(**options):
        import transformers

        return rope_boundaries(transformers.LlamaConfig(**{**SIZES, **options}))

    assert turns(rope_parameters=dict(LONGROPE)) == (TURN,)
    assert turns(rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}) == (128,)
    for kind in ("default", "linear", "yarn", "llama3"):
        more = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
        assert turns(rope_parameters={"rope_type": kind, "factor": 2.0, "rope_theta": 1e4, **more}) == ()
    assert [rope_regime((24, 50), length) for length in (1, 24, 25, 50, 51)] == [0, 0, 1, 1, 2]


def test_dynamic_stretching_never_begins_within_the_context():
    model = make(
        "Llama", rope_parameters={"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}, max_position_embeddings=32
    )
    assert tokens(HFLM(model), POLICIES["greedy"], 10) == tokens(Uncached(model), POLICIES["greedy"], 10)
