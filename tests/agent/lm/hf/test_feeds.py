"""Joint forwards: a task gets the tokens that it gets alone, whoever shares its forwards."""

from __future__ import annotations

import pytest
import torch
from architectures import ARCHITECTURES, DEVICE, make
from joint import JOINT, WAYS, complete, complete_together

from agent.lm.hf.cache import fork
from agent.lm.hf.feeds import Feed
from agent.lm.hf.int8 import use_int8
from agent.lm.hf.model import HFLM
from agent.lm.hf.trial import try_joint


@pytest.mark.oracle
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(JOINT))
def test_a_task_decodes_beside_others_what_it_decodes_alone(name, way):
    model = make(name)
    assert try_joint(HFLM(model))
    alone = {number: complete(HFLM(model), number, way) for number in range(4)}
    assert complete_together(model, range(4), way, at_once=3) == alone
    assert complete_together(model, reversed(range(4)), way, at_once=4) == alone, "neither the order nor who shares"


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - JOINT))
def test_a_model_whose_layers_count_on_a_sequence_of_their_own_shares_no_forward(name, recwarn):
    assert not HFLM(make(name)).takes_joint_feeds()


on_cpu = pytest.mark.skipif(DEVICE.startswith("cuda"), reason="a GPU keeps these caches in a pool: test_recording.py")


@on_cpu
@pytest.mark.parametrize("kind", ["bfloat16", "int8"])
def test_on_a_cpu_joint_logits_are_the_same_to_the_bit(kind):
    model = make("qwen2").to(torch.bfloat16)
    if kind == "int8":
        use_int8(model)
    lm = HFLM(model)

    def feeds():
        for number in range(4):
            prefix = HFLM(model).prefill([1 + number] * (3 + number))
            yield Feed([[5, 6][: 1 + number % 2]], prefix.cache, 3 + number, keep=1 + number % 2)

    for alone, together in zip(map(lm.run_plainly, feeds()), lm.run_joint(list(feeds())), strict=True):
        assert torch.equal(alone.logits, together.logits)


@on_cpu
def test_feeds_that_are_long_or_have_no_cache_go_alone_and_answers_keep_their_order():
    lm, calls = HFLM(make("llama")), []
    caches = [HFLM(lm.model).prefill([1, 2, 3]).cache for _ in range(3)]
    hook = lm.model.register_forward_pre_hook(lambda model, arguments: calls.append(tuple(arguments[0].shape)))
    few, uncached, many = Feed([[4]], caches[0], 3), Feed([[1, 2]], None, 0), Feed([[5] * 40], caches[1], 3)
    feeds = [few, uncached, many, Feed([[6]], caches[2], 3)]
    answers = lm.run_joint(feeds)
    hook.remove()
    assert sorted(calls) == [(1, 2), (1, 2), (1, 40)]
    for feed, answer in zip(feeds, answers, strict=True):
        if feed.cache is not None:
            feed.cache.crop(-feed.tokens)
        assert torch.allclose(lm.run_plainly(feed).logits, answer.logits)


@on_cpu
def test_rows_of_a_feed_keep_their_own_texts():
    lm = HFLM(make("llama"))

    def feeds():
        rows = HFLM(lm.model).prefill([1, 2, 3])
        return [Feed([[4, 5], [6, 7]], fork(rows.cache, rows=2), 3, keep=2), Feed([[8]], fork(rows.cache), 3)]

    for alone, together in zip(map(lm.run_plainly, feeds()), lm.run_joint(feeds()), strict=True):
        assert torch.allclose(alone.logits, together.logits)


def test_the_attention_of_a_model_is_its_own_again_after_a_joint_forward():
    model = make("llama")
    before = model.config._attn_implementation
    complete_together(model, range(2), "greedy", at_once=2)
    assert model.config._attn_implementation == before


@on_cpu
def test_a_cpu_takes_few_tasks_at_once():
    assert HFLM(make("llama")).count_joint_tasks(1000) == 8
