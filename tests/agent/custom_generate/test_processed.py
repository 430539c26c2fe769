"""Logits processors that keep state, and models that leave nothing to choose from."""

import math
import threading

import pytest
import torch
from architectures import DEVICE, make
from transformers import LogitsProcessor, LogitsProcessorList

from agent.custom_generate import adadec, generate_by, uscd
from agent.custom_generate.processed import copy_processors
from agent.decoding import Gate, Policy
from agent.decoding.contrast import Contrast
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.lm.hf.model import HFLM

PROMPT = [(7 * i + 3) % 64 for i in range(12)]
IDS = torch.tensor([PROMPT], device=DEVICE)
END, MOST = 40, 10


@pytest.fixture(scope="module")
def model():
    return make("llama")


class Turns(LogitsProcessor):
    """Even and odd tokens in turn, by a count of its own calls; it minds being called out of turn, or behind an end."""

    def __init__(self, end=None):
        self.position, self.seen, self.end = 0, None, end

    def __call__(self, ids, scores):
        now = ids[0].tolist()
        if self.seen is not None:
            assert now[:-1] == self.seen, "one more token each call"
            assert now[-1] % 2 == self.position % 2, "a token that was not allowed"
            assert now[-1] != self.end, "nothing is asked behind an end"
            self.position += 1
        self.seen = now
        return scores.masked_fill(
            torch.arange(scores.shape[-1], device=scores.device) % 2 != self.position % 2, -math.inf
        )


class Stubborn(Turns):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def generate(model, ids=IDS, **options):
    options = {"max_new_tokens": MOST, "do_sample": False, "attention_mask": torch.ones_like(ids)} | options
    return model.generate(ids, pad_token_id=0, **options)


POLICIES = {
    "no pause": adadec(math.inf),
    "some pauses": adadec(1.0),
    "a pause at each token": adadec(0.0),
    "a long horizon": adadec(0.0, horizon=9, width=5),
    "rollouts that are not kept": generate_by(Policy(Gate("entropy", 0.0), Rerank(commit_rollout=False), argmax)),
    "contrast": uscd(PROMPT[3:], threshold=0.5),
    "contrast with a longer prompt": uscd([*PROMPT, 5], threshold=0.0),
    "contrast, then rerank": uscd(PROMPT[3:], threshold=0.0, rerank=Rerank()),
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("ends", [None, END])
def test_each_branch_has_its_own_copy_of_a_processor_that_counts(model, name, ends):
    processor = Turns(ends)
    generated = generate(
        model, custom_generate=POLICIES[name], logits_processor=LogitsProcessorList([processor]), eos_token_id=ends
    )
    tokens = generated[0, len(PROMPT) :].tolist()
    assert all(token % 2 == number % 2 for number, token in enumerate(tokens)), tokens
    assert processor.position == 0, "the processor of the call stays unchanged"
    if name == "no pause":
        again = generate(model, logits_processor=LogitsProcessorList([Turns()]), eos_token_id=ends)
        assert torch.equal(generated, again)


@pytest.mark.parametrize("architecture", ["gemma3", "mamba"])
@pytest.mark.filterwarnings("ignore:this model's cache cannot be forked")
def test_they_advance_in_order_with_caches_that_cannot_be_cropped(architecture):
    generated = generate(
        make(architecture), custom_generate=adadec(0.0), logits_processor=LogitsProcessorList([Turns()])
    )
    assert all(token % 2 == number % 2 for number, token in enumerate(generated[0, len(PROMPT) :].tolist()))


def test_each_row_of_a_batch_begins_with_the_processor_as_it_was_given(model):
    rows = torch.tensor([PROMPT, PROMPT[::-1]], device=DEVICE)
    options = {"custom_generate": adadec(0.5)}
    both = generate(model, rows, logits_processor=LogitsProcessorList([Turns()]), **options)
    for row, prompt in zip(both, rows, strict=True):
        alone = generate(model, prompt[None], logits_processor=LogitsProcessorList([Turns()]), **options)
        assert torch.equal(row, alone[0])


def test_a_processor_with_a_model_and_a_cache_of_its_own_is_followed(model):
    options = {"guidance_scale": 1.5, "negative_prompt_ids": IDS[:, 6:]}
    assert torch.equal(generate(model, custom_generate=adadec(math.inf), **options), generate(model, **options))
    again = generate_by(Policy(Gate("entropy", 1.0), Rerank(commit_rollout=False), argmax))
    assert torch.equal(
        generate(model, custom_generate=adadec(1.0), **options), generate(model, custom_generate=again, **options)
    )


def test_what_cannot_be_copied_is_refused_by_name(model):
    with pytest.raises(ValueError, match=r"logits processor Stubborn cannot be copied .*; give it a __deepcopy__"):
        generate(model, custom_generate=adadec(), logits_processor=LogitsProcessorList([Stubborn()]))


def test_models_and_tokenizers_that_a_processor_holds_are_shared(model):
    processor = Turns()
    processor.model, processor.list = model, [1]
    (again,) = copy_processors(LogitsProcessorList([processor]))
    assert again.model is model and again.list == [1] and again.list is not processor.list


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_processors_that_leave_nothing_to_choose_from_are_said(model, value):
    def spoil(ids, scores):
        return scores.fill_(value) if ids.shape[1] == len(PROMPT) + 3 else scores

    for policy in (adadec(math.inf), adadec(0.0)):
        with pytest.raises(ValueError, match="the logits processors leave NaN or infinite logits, or no token at all"):
            generate(model, custom_generate=policy, logits_processor=LogitsProcessorList([spoil]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_model_that_gives_no_numbers_is_said_and_left_as_it_was(value):
    model = make("llama").train()
    model.lm_head.eval()  # a part in another mode than the whole
    model.model.norm.weight.data.fill_(value)
    with pytest.raises(ValueError, match="the model gives NaN or infinite logits"):
        generate(model, custom_generate=adadec())
    assert model.training and model.model.training and not model.lm_head.training


def test_single_tokens_that_are_impossible_are_no_failure(model):
    options = {"suppress_tokens": list(range(3, 64))}
    assert torch.equal(generate(model, custom_generate=adadec(math.inf), **options), generate(model, **options))


def test_a_text_ends_where_the_context_is_full():
    model = make("llama")
    model.config.max_position_embeddings = 32
    for policy in (adadec(math.inf), adadec(0.0), uscd([PROMPT[:2]], threshold=0.0)):
        text = generate(model, custom_generate=policy, max_new_tokens=2000)
        assert text.shape[1] == HFLM(model).context == 32
    short = generate(model, custom_generate=adadec(math.inf), max_new_tokens=10)
    assert torch.equal(short, generate(model, max_new_tokens=10)), "a bound within the context is kept"


def test_a_prompt_that_is_too_long_is_said_without_a_word_of_the_command_line(model):
    model.train()
    with pytest.raises(ValueError, match="300 tokens and this model reads at most 256") as error:
        generate(model, torch.ones((1, 300), dtype=torch.long, device=DEVICE), custom_generate=adadec())
    assert "--" not in str(error.value) and model.training
    model.eval()


def test_the_trial_of_a_cache_is_remembered_with_the_model():
    model, calls = make("llama"), []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    for wanted in (20, 1, 1):  # one forward, and at first the trials of the cache, of trees and of joint forwards
        calls.clear()
        generate(model, custom_generate=adadec(math.inf), max_new_tokens=1)
        assert len(calls) <= wanted, len(calls)


def test_contrast_and_lame_prompts_may_begin_alike(model):
    policy = generate_by(Policy(Gate("collision", 0.0), Contrast(), argmax), lame=[PROMPT[:4]])
    generated = generate(model, custom_generate=policy, logits_processor=LogitsProcessorList([Turns()]))
    assert generated.shape[1] == len(PROMPT) + MOST
