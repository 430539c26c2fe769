"""Caches in a pool: a task gets the tokens that it gets with caches of its own. Without a GPU nothing is recorded."""

from __future__ import annotations

import gc

import pytest
import torch
from architectures import DEVICE, make
from joint import JOINT, WAYS, complete, complete_together

from agent.errors import InvalidLogitsError
from agent.lm.hf import model as backend
from agent.lm.hf import recording, slot_forward
from agent.lm.hf.cache import count_cache_bytes, fork, gather
from agent.lm.hf.feeds import Feed
from agent.lm.hf.model import HFLM
from agent.lm.hf.slots import SlotCache, SlotPool
from agent.lm.hf.trial import try_slots, try_slots_on

ON_GPU = DEVICE.startswith("cuda")


@pytest.fixture
def pooled(monkeypatch):
    """Let models keep their caches in a pool, on a CPU too."""
    pools = {}

    def try_here(lm):
        if lm.model not in pools:
            pools[lm.model] = try_slots_on(lm, records=ON_GPU)
        return pools[lm.model] or None

    monkeypatch.setattr(backend, "try_slots", try_here)
    yield pools
    pools.clear()
    gc.collect()  # a pool of 270 MB is in a cycle, and nothing but memory would grow until it is looked for


def own_caches(monkeypatch):
    monkeypatch.setattr(backend, "try_slots", lambda lm: None)


@pytest.mark.oracle
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(JOINT))
def test_a_pool_changes_no_token_alone_or_beside_others(name, way, pooled, monkeypatch):
    model = make(name)
    alone = {number: complete(HFLM(model), number, way) for number in range(4)}
    assert pooled[model], "it takes a pool"
    together = complete_together(model, range(4), way, at_once=3)
    own_caches(monkeypatch)
    assert alone == together == {number: complete(HFLM(model), number, way) for number in range(4)}


@pytest.mark.parametrize("bound", ["_MOST_TOKENS", "MOST_KEPT", "_MOST_BYTES", "_MOST_READ"])
def test_long_feeds_are_read_as_texts_with_the_same_tokens(bound, pooled, monkeypatch):
    model = make("llama")
    expected = {number: complete(HFLM(model), number, "drafts") for number in range(3)}
    read, run_texts = [], slot_forward.SlotForward._run_texts
    monkeypatch.setattr(
        slot_forward.SlotForward, "_run_texts", lambda self, *arguments: read.append(1) or run_texts(self, *arguments)
    )
    for each in {bound, "_MOST_TOKENS"}:
        monkeypatch.setattr(slot_forward, each, 0)
    assert complete_together(model, range(3), "drafts", at_once=3) == expected and read


def test_tasks_whose_texts_outgrow_a_pool_double_it_and_keep_their_tokens(pooled, monkeypatch):
    model = make("qwen2")
    expected = {number: complete(HFLM(model), number, "greedy") for number in range(4)}
    small = SlotPool.__init__
    monkeypatch.setattr(SlotPool, "__init__", lambda self, keys, values: small(self, keys, values, 16))
    pooled.clear()
    assert complete_together(model, range(4), "greedy", at_once=4) == expected
    assert pooled[model].pool.size >= 64


def test_slots_are_free_again_when_no_cache_uses_them(pooled):
    model = make("llama")
    complete_together(model, range(3), "adadec", at_once=3)
    pool = pooled[model].pool
    gc.collect()
    pool.take(1)
    assert len(pool._free) == pool.size - 2, "but for the padding and the one just taken"


def test_caches_share_slots_and_count_their_bytes():
    states = [torch.zeros(1, 2, 1, 4), torch.zeros(1, 1, 1, 4)]
    pool = SlotPool(states, states, slots=8)
    cache = SlotCache(pool)
    first = cache.append(3)
    shorter, chosen = fork(cache, length=2), gather(cache, torch.tensor([0, 2]))
    assert cache.get_seq_length() == 3 and shorter.slots.tolist() == first[:2].tolist()
    assert chosen.slots.tolist() == first[[0, 2]].tolist()
    assert count_cache_bytes(cache) == 3 * 2 * (2 + 1) * 4 * 4
    del cache
    assert first[2] not in pool.take(4) and first[1] not in pool.take(1), "others still use them"


def test_an_attention_with_further_options_takes_no_pool(pooled, monkeypatch):
    monkeypatch.setattr(recording, "_OPTIONS", set())
    assert HFLM(make("llama"))._slots is None


def test_logits_that_say_nothing_are_refused(pooled):
    model = make("llama")
    lm = HFLM(model)
    lm.prefill([1, 2])
    with torch.no_grad():
        model.lm_head.weight[3] = torch.nan
    with pytest.raises(InvalidLogitsError):
        lm.prefill([1, 2, 3])


def test_without_a_gpu_a_model_keeps_caches_of_its_own():
    if ON_GPU:
        pytest.skip("needs a test device without CUDA")
    assert try_slots(HFLM(make("llama"))) is None


def test_a_model_that_others_watch_keeps_caches_of_its_own(pooled):
    assert not isinstance(HFLM(make("llama"), pools=False).prefill([1, 2]).cache, SlotCache)


def test_memory_that_runs_out_leaves_a_pool_as_it_was(monkeypatch):
    states = [torch.zeros(1, 2, 1, 4)]
    pool = SlotPool(states, states, slots=4)
    cat, calls = torch.cat, []

    def run_out(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return cat(*arguments, **options)

    monkeypatch.setattr(torch, "cat", run_out)
    with pytest.raises(RuntimeError, match="out of memory"):
        pool.take(5)
    monkeypatch.undo()
    assert len(pool.keys[0]) == len(pool.values[0]) == pool.size == 4
    assert len(pool.take(5)) == 5 and len(pool.keys[0]) == len(pool.values[0]) == pool.size == 8


def test_a_model_without_memory_for_a_pool_keeps_caches_of_its_own(monkeypatch):
    monkeypatch.setattr(slot_forward, "SlotPool", lambda *states: (_ for _ in ()).throw(RuntimeError("out of memory")))
    assert not try_slots_on(HFLM(make("llama")), records=False)


def test_feeds_with_and_without_a_pool_go_together(pooled):
    lm = HFLM(make("llama"))
    prefix = lm.prefill([1, 2, 3])
    alone, pooled_answer = lm.run_joint([Feed([[4, 5]], None, 0), Feed([[4]], fork(prefix.cache), 3)])
    assert alone.summaries is None and pooled_answer.summaries[0].token == int(pooled_answer.logits.argmax())
