"""Measure what decoding costs beside transformers' own, in one process: forwards, tokens per second, memory.

By default `dubito bench speed` takes a model of 0.5 B parameters in the shape of Qwen2 with random weights, because
time is measured and not text. So the positions of pauses are drawn at random, and a script says what a repair writes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

import torch

from agent.decoding import POLICIES, decode
from agent.decoding.contrast import Contrast
from agent.decoding.prompt_lookup import Draft, PromptLookup
from agent.decoding.rerank import Rerank
from agent.decoding.stops import token_limit
from agent.lm.hf.cache import count_cache_bytes
from agent.lm.hf.model import HFLM
from benchmarks.speed.bench import PROMPT_TOKENS, Bench, TimedRun, pause_at_random, time_completion, wait_for_gpu
from benchmarks.speed.peak_memory import peak_memory
from benchmarks.speed.uncached import Uncached

_GREEDY = POLICIES["greedy"]
_LONG_PROMPT = 1_500  # tokens
_EDITED = 0.05  # share of a program's tokens that its repair changes


class Measurement(NamedTuple):
    """One line of the table."""

    measure: str
    wanted: str
    measured: str


def measure(bench: Bench, *, uncached: bool = True) -> Iterator[Measurement]:
    """Yield the table line by line. uncached: also run AdaDec without any cache, which takes minutes."""
    yield compare_with_transformers(bench)
    yield measure_pauses(bench, 0.07, "<= 1.10 x")
    yield measure_pauses(bench, 0.12, "<= 1.20 x")
    if uncached:
        yield compare_with_no_cache(bench)
    yield measure_contrasts(bench)
    yield measure_drafts(bench)
    yield measure_memory(bench)
    yield measure_time_outside_forward(bench)


def compare_with_transformers(bench: Bench) -> Measurement:
    """Time our greedy loop and theirs, which should write the same tokens."""
    ids = torch.tensor([bench.prompt()], device=bench.model.device)

    def generate(number: int = 0) -> TimedRun:
        wait_for_gpu()
        start = time.perf_counter()
        out = bench.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0,
            min_new_tokens=bench.tokens, max_new_tokens=bench.tokens,
        )  # fmt: skip
        wait_for_gpu()
        return TimedRun(time.perf_counter() - start, out[0, ids.shape[1] :].tolist(), bench.tokens)

    theirs, ours = bench.alternate(generate, bench.complete_greedily)
    same = _compare_tokens(generate().tokens, bench.run().tokens)
    measured = f"{theirs / ours:.2f} x ({bench.tokens / ours:.1f} tokens/s, {same})"
    return Measurement("greedy against generate(do_sample=False)", ">= 1.00 x", measured)


def measure_pauses(bench: Bench, rate: float, wanted: str) -> Measurement:
    """Time AdaDec with random pauses, at other positions in each round, against greedy."""
    forwards = []

    def complete_with_pauses(number: int) -> TimedRun:
        run = bench.run(pause_at_random("adadec", rate, bench.tokens, number))
        forwards.append(run.forwards / bench.tokens)
        return run

    adadec, greedy = bench.alternate(complete_with_pauses, bench.complete_greedily)
    measured = f"{adadec / greedy:.2f} x ({statistics.median(forwards):.2f} forwards a token)"
    return Measurement(f"adadec at {rate:.0%} pauses against greedy", wanted, measured)


def compare_with_no_cache(bench: Bench) -> Measurement:
    """Time AdaDec against its reference, where every step, also of a rollout, reads all tokens again."""
    tokens = 2 * bench.tokens
    policy = pause_at_random("adadec", 0.07, tokens)
    seconds = statistics.median(bench.run(policy, tokens=tokens).seconds for _ in range(bench.rounds))
    reference = replace(policy, resolver=Rerank(commit_rollout=False))
    slow = time_completion(Uncached(bench.model), reference, bench.prompt(), tokens)
    same = _compare_tokens(slow.tokens, bench.run(policy, tokens=tokens).tokens)
    measured = f"{slow.seconds / seconds:.1f} x ({slow.seconds:.0f} s, run once, against {seconds:.1f} s, {same})"
    return Measurement(f"adadec at 7% pauses against no cache, {tokens} tokens", ">= 12 x", measured)


def measure_contrasts(bench: Bench) -> Measurement:
    """Time USCD with random contrasts, none skipped. The lame prompt is half as long and shares no prefix."""
    lame = bench.prompt(PROMPT_TOKENS // 2)[::-1]

    def complete_with_contrasts(number: int) -> TimedRun:
        policy = replace(pause_at_random("uscd", 0.25, bench.tokens, number), resolver=Contrast(skip=False))
        return bench.run(policy, lame_ids=lame)

    uscd, greedy = bench.alternate(complete_with_contrasts, bench.complete_greedily)
    return Measurement("uscd at 25% contrasts against greedy", "<= 1.35 x", f"{uscd / greedy:.2f} x")


def measure_drafts(bench: Bench) -> Measurement:
    """Time a repair with and without prompt lookup: the answer repeats the program with some tokens changed."""
    program = bench.prompt(bench.tokens)
    changed = Random(0).sample(range(bench.tokens), round(_EDITED * bench.tokens))
    repaired = [7 if at in changed else token for at, token in enumerate(program)]
    prompt = [*bench.prompt(PROMPT_TOKENS - 4), *program, *bench.prompt(PROMPT_TOKENS)[:4], *program[:2]]

    def repair(draft: Draft | None) -> TimedRun:
        return bench.run(replace(_GREEDY, sampler=_Script(repaired)), prompt=prompt, draft=draft)

    drafted, plain = bench.alternate(lambda _: repair(PromptLookup()), lambda _: repair(None))
    forwards = repair(PromptLookup()).forwards
    measured = f"{plain / drafted:.2f} x ({len(changed)} of {len(program)} tokens changed, {forwards} forwards)"
    return Measurement("repair with drafts against greedy", ">= 1.60 x", measured)


def measure_memory(bench: Bench) -> Measurement:
    """Compare the peak memory of AdaDec and greedy on a long prompt, in units of one prefix's keys and values."""
    room = bench.model.config.get_text_config().max_position_embeddings - 64
    prompt, name, wanted = bench.prompt(min(_LONG_PROMPT, room)), "peak memory of adadec above greedy", "<= 3 x"
    policies = (_GREEDY, pause_at_random("adadec", 0.07, 64))
    runs = [partial(bench.run, policy, prompt=prompt, tokens=64) for policy in policies]

    def peaks() -> list[int | None]:
        return [peak_memory(run, device=bench.model.device) for run in runs]

    if None in peaks():  # also a warm-up: what the first runs leave in use no longer counts as growth
        return Measurement(name, wanted, "not measured: needs CUDA, or a CPU under Linux")
    greedy, adadec = (statistics.median(column) for column in zip(*(peaks() for _ in range(bench.rounds)), strict=True))
    one = count_cache_bytes(HFLM(bench.model).prefill(prompt).cache)
    mib = [f"{each / 2**20:.0f}" for each in (adadec, greedy, one)]
    measured = f"{(adadec - greedy) / one:.1f} x ({mib[0]} and {mib[1]} MiB; {len(prompt)} tokens hold {mib[2]})"
    return Measurement(name, wanted, measured)


def measure_time_outside_forward(bench: Bench) -> Measurement:
    """Measure, for greedy, the share of a token's time that is spent outside the model's forward."""
    lm, inside, started = HFLM(bench.model), [0.0], [0.0]

    def before(*_: Any) -> None:
        wait_for_gpu()
        started[0] = time.perf_counter()

    def after(*_: Any) -> None:
        wait_for_gpu()
        inside[0] += time.perf_counter() - started[0]

    shares = []
    hooks = bench.model.register_forward_pre_hook(before), bench.model.register_forward_hook(after)
    for number in range(bench.rounds):
        steps = decode(lm, bench.prompt(PROMPT_TOKENS + number), _GREEDY, stop=token_limit(bench.tokens))
        next(steps)  # the prompt is no part of a token's time
        inside[0], start = 0.0, time.perf_counter()
        list(steps)
        shares.append(1 - inside[0] / (time.perf_counter() - start))
    for hook in hooks:
        hook.remove()
    return Measurement("Python and torch outside the forward, of a token", "<= 3 %", f"{statistics.median(shares):.1%}")


class _Script:
    """A sampler that returns given tokens, one after another."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens = iter(tokens)

    def __call__(self, logits: torch.Tensor, uniform: float, text: str) -> int:
        return next(self._tokens)


def _compare_tokens(one: list[int], other: list[int]) -> str:
    """Say how far two runs wrote the same tokens; in half precision a near-tie may fall either way."""
    at = next((at for at, pair in enumerate(zip(one, other, strict=True)) if len(set(pair)) > 1), None)
    return "the same tokens" if at is None else f"the same tokens up to {at}"
