"""The language model layer on every kind of architecture: fast path == slow path."""

import warnings
from dataclasses import replace

import pytest
import torch
from architectures import ARCHITECTURES, DEVICE, MORE, make

from agent.decoding import POLICIES, Gate, Policy, decode
from agent.decoding.contrast import Contrast
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.stops import token_limit
from agent.errors import InvalidRequestError
from agent.lm.hf.int8 import use_int8
from agent.lm.hf.model import HFLM
from agent.lm.hf.tree_attention import CopiedRowsBatch, TreeAttentionBatch
from benchmarks.speed.decoding import Uncached

PROMPT = [(7 * i + 3) % 64 for i in range(20)]  # longer than the sliding windows of 8
MOST = 10
CACHELESS = {"mamba"}

pytestmark = pytest.mark.filterwarnings("ignore:this model's cache cannot be forked")


@pytest.fixture(
    scope="module",
    params=[
        *sorted(ARCHITECTURES),
        "qwen2 int8",
        *(pytest.param(name, marks=pytest.mark.slow) for name in sorted(MORE)),
    ],
)
def lm(request):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reference kernels of linear attention say that they are slow
        model = make(request.param.removesuffix(" int8"))
    if request.param.endswith(" int8"):
        use_int8(model.float())  # the kernel has no float64
    return HFLM(model)


def run(lm, policy, *, most=MOST, lame=None) -> list[int]:
    return [step.token for step in decode(lm, PROMPT, policy, stop=token_limit(most), lame_ids=lame)]


def median_threshold(lm, share: float) -> float:
    """Between two entropies: at one of them the last bit would decide."""
    entropies = sorted(
        step.scores["entropy"] for step in decode(lm, PROMPT, POLICIES["greedy"], stop=token_limit(MOST))
    )
    above = int(share * len(entropies))
    return sum(entropies[above - 1 : above + 1]) / 2


@pytest.mark.oracle
def test_greedy_equals_generate_token_for_token(lm):
    ids = torch.tensor([PROMPT], device=DEVICE)
    reference = lm.model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MOST)
    assert run(lm, POLICIES["greedy"]) == reference[0, len(PROMPT) :].tolist()


def test_prefixes_are_values_that_growing_leaves_alone(lm):
    prefix = lm.prefill(PROMPT)
    first = lm.extend(prefix, [5, 6])
    lm.branch(prefix, [1, 2, 3]).advance([4, 4, 4])
    again = lm.extend(prefix, [5, 6])
    assert torch.allclose(first.logits, again.logits, atol=1e-4)


def test_extend_branch_select_and_store_equal_recomputation(lm):
    slow = Uncached(lm.model)
    prefix = lm.prefill(PROMPT)
    rows = lm.branch(prefix, [1, 2, 3]).advance([4, 5, 6]).advance([7, 8, 9])
    for row, path in enumerate([(1, 4, 7), (2, 5, 8), (3, 6, 9)]):
        for drop in (0, 1, 2):
            kept = path[: 3 - drop]
            selected = rows.select(row, drop)
            assert selected.ids == (*PROMPT, *kept)
            for prefix_of_row in (selected, lm.prefill(selected.ids)):
                expected = slow.prefill(selected.ids).logits
                assert torch.allclose(prefix_of_row.logits, expected, atol=1e-4), (path, drop)
            longer = lm.extend(selected, [11, 12, 13])
            assert torch.allclose(longer.logits, slow.prefill(longer.ids).logits, atol=1e-4), (path, drop)


def test_extend_each_gives_every_prefix_in_between(lm):
    slow, prefix = Uncached(lm.model), lm.prefill(PROMPT)
    prefixes = list(lm.extend_each(prefix, [5, 6, 7]))
    assert [each.ids for each in prefixes] == [(*PROMPT, 5), (*PROMPT, 5, 6), (*PROMPT, 5, 6, 7)]
    for each in prefixes:
        longer = lm.extend(each, [8, 9])
        for seen in (each, longer, lm.prefill(each.ids)):
            assert torch.allclose(seen.logits, slow.prefill(seen.ids).logits, atol=1e-4)


@pytest.mark.oracle
def test_drafts_change_no_token(lm):
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", median_threshold(lm, 0.6)))
    plain = run(lm, policy)
    whole = [*PROMPT, *plain]
    wrong = [token if number % 4 else (token + 1) % 64 for number, token in enumerate(whole)]
    drafted = decode(lm, PROMPT, policy, stop=token_limit(MOST), draft=lambda ids: wrong[len(ids) : len(ids) + 5])
    assert [step.token for step in drafted] == plain


@pytest.mark.parametrize("name", ["llama", "qwen2", "qwen3", "mistral", "gpt2", "mixtral"])
def test_caches_that_can_be_cropped_hold_a_prompt_once_however_many_alternatives(name):
    lm = HFLM(make(name))
    prefix = lm.prefill(PROMPT)
    batch = lm.branch(prefix, [1, 2, 3]).advance([4, 4, 4])
    assert isinstance(batch, TreeAttentionBatch)
    assert {tuple(layer.keys.shape[::2]) for layer in batch._cache.layers} == {(1, len(PROMPT) + 6)}


def test_what_half_precision_hides_from_the_trial_is_known_by_other_signs():
    """MPT takes no positions (ALiBi); GPT-Neo looks back a fixed number of cache places."""
    from transformers import GPTNeoConfig, GPTNeoForCausalLM, MptConfig, MptForCausalLM

    kinds = (
        (MptForCausalLM, MptConfig(d_model=32, n_heads=4, n_layers=2, vocab_size=64, max_seq_len=256)),
        (GPTNeoForCausalLM, GPTNeoConfig(**ARCHITECTURES["gpt-neo"][1])),
    )
    for kind, config in kinds:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            lm = HFLM(kind._from_config(config, dtype=torch.bfloat16).to(DEVICE))
        assert isinstance(lm.branch(lm.prefill(PROMPT), [1, 2, 3]), CopiedRowsBatch)


def test_a_tree_grows_twice_from_one_place_and_each_way_is_as_if_it_were_alone():
    lm = HFLM(make("llama"))
    slow, batch_at_root = Uncached(lm.model), lm.branch(lm.prefill(PROMPT), [1, 2])
    first, second = batch_at_root.advance([3, 4]), batch_at_root.advance([5, 6])
    for batch, paths in (
        (first.advance([7, 7]), ((1, 3, 7), (2, 4, 7))),
        (second, ((1, 5), (2, 6))),
        (batch_at_root, ((1,), (2,))),
    ):
        for row, path in enumerate(paths):
            expected = slow.prefill((*PROMPT, *path)).logits
            assert torch.allclose(batch.logits[row], expected) and torch.allclose(batch.select(row).logits, expected)
            longer = lm.extend(batch.select(row), [9]).logits
            assert torch.allclose(longer, slow.prefill((*PROMPT, *path, 9)).logits)
    with pytest.raises(AssertionError, match="no 1 to drop"):
        batch_at_root.select(0, 1)


def test_a_stored_prefix_keeps_no_logits_alive_but_its_own():
    lm = HFLM(make("llama"))
    lm.extend_each(lm.prefill(PROMPT), [1, 2, 3])
    lm.branch(lm.prefill(PROMPT[:9]), [1, 2]).advance([3, 4]).select(1)
    kept = [prefix.logits for prefix, _ in lm._store._entries.values()]
    assert [logits.untyped_storage().nbytes() for logits in kept] == [logits.nbytes for logits in kept]


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_a_lookahead_beyond_the_context_says_so_in_a_sentence(name):
    lm = HFLM(make(name))
    batch = lm.branch(lm.prefill([1] * 254), [1, 2])
    with pytest.raises(InvalidRequestError, match="257 tokens and this model reads at most 256"):
        batch.advance([3, 4]).advance([5, 6])


@pytest.mark.oracle
def test_adadec_with_cache_and_committed_rollout_equals_adadec_without_any(lm):
    gate = Gate("entropy", median_threshold(lm, 0.6))
    plain = Policy(gate, Rerank(commit_rollout=False), argmax)
    expected = run(Uncached(lm.model), plain)
    assert run(lm, plain) == expected
    assert run(lm, replace(plain, resolver=Rerank())) == expected


@pytest.mark.oracle
def test_uscd_with_lazy_stream_and_skips_equals_uscd_without(lm):
    gate, lame = Gate("collision", 0.2), PROMPT[:12]
    eager = Policy(gate, Contrast("logratio", weight=0.5, skip=False), argmax)
    expected = run(Uncached(lm.model), eager, lame=lame)
    assert run(lm, eager, lame=lame) == expected
    assert run(lm, replace(eager, resolver=Contrast("logratio", weight=0.5)), lame=lame) == expected
    linear = replace(eager, resolver=Contrast("linear", weight=0.5, rerank=Rerank()))
    assert run(lm, linear, lame=lame) == run(Uncached(lm.model), linear, lame=lame)


def test_a_pause_costs_as_many_forwards_as_the_horizon_and_commits_without_more():
    lm = HFLM(make("llama"))
    policy = Policy(Gate("entropy", median_threshold(lm, 0.6)), Rerank(), argmax)
    before = lm.forwards
    steps = list(decode(lm, PROMPT, policy, stop=token_limit(MOST)))
    paused = [step for step in steps if step.pause]
    assert paused
    assert all(step.pause.forwards <= 5 for step in paused)
    ordinary = lm.forwards - before - sum(step.pause.forwards for step in paused)
    assert ordinary <= len(steps) - len(paused)


def test_decoding_does_no_forward_for_a_step_nobody_asked_for():
    lm = HFLM(make("llama"))
    stream = decode(lm, PROMPT, POLICIES["greedy"], stop=token_limit(MOST))
    for _, _ in zip(range(3), stream, strict=False):
        pass
    assert lm.forwards == 3


def test_asking_for_a_known_prefix_again_costs_one_forward_of_one_token():
    lm = HFLM(make("llama"))
    end = lm.extend(lm.prefill(PROMPT), [1, 2, 3])
    rows = lm.token_rows
    assert torch.allclose(lm.prefill(end.ids[:-1]).logits, Uncached(lm.model).prefill(end.ids[:-1]).logits, atol=1e-6)
    assert lm.token_rows - rows == 1


def test_the_store_stays_within_its_bytes():
    lm = HFLM(make("llama"), store_bytes=40_000)
    for start in range(30):
        lm.prefill([start, *PROMPT])
    assert 1 <= len(lm._store) < 30
    assert lm._store._bytes <= 40_000


def test_a_model_whose_cache_cannot_fork_warns_once_and_recomputes():
    lm = HFLM(make("mamba"))
    with pytest.warns(UserWarning, match="cannot be forked"):
        lm.prefill(PROMPT)
    lm.prefill(PROMPT[:5])  # a second warning would be an error


def test_tokens_that_are_read_on_get_the_logits_of_the_whole_text(lm):
    text = [*PROMPT, *((5 * i + 1) % 64 for i in range(12))]
    slow = lm.score_tokens(text[:4], text[4:])
    start = lm.prefill(text[:4])
    first = lm.score_on(start, text[4:17])
    second = lm.score_on(first.prefix, text[17:])
    exact = 1e-4 if slow.dtype == torch.float64 else 0.05  # the kernel for int8 weights depends on the rows
    assert torch.allclose(torch.cat([first.logits, second.logits]), slow, atol=exact)
    assert second.prefix.ids == tuple(text)
    again = lm.score_on(start, text[4:6]).logits  # what was read on has changed no prefix
    assert torch.allclose(again, slow[:2], atol=exact)
