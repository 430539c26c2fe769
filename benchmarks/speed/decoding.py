"""Measure what decoding costs beside transformers' own, in one process: forwards, tokens per second, memory.

Time is measured and not text, so the positions of pauses are drawn at random, a script says what a repair writes, and
the weights may be random. On a CPU seconds are those of the process, so that ratios hold beside other work;
`pin_one_thread` says why that takes one thread.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

import torch

from agent.decoding import POLICIES, decode
from agent.decoding.contrast import Contrast
from agent.decoding.gates import Gate
from agent.decoding.prompt_lookup import Draft, PromptLookup
from agent.decoding.rerank import Rerank
from agent.decoding.stops import token_limit
from agent.lm.hf.cache import count_cache_bytes
from agent.lm.hf.int8 import find_linear, has_int8, put_back, use_int8
from agent.lm.hf.model import HFLM
from benchmarks.speed.bench import PROMPT_TOKENS, Bench, TimedRun, pause_at_random, read_clock, time_completion
from benchmarks.speed.peak_memory import peak_memory
from benchmarks.speed.rival import complete_as_authors
from benchmarks.speed.together import Together
from benchmarks.speed.uncached import Uncached

_GREEDY = POLICIES["greedy"]
_LONG_PROMPT = 1_500  # tokens
_MOST_RIVAL_TOKENS = 32  # a token takes their code seconds, because it reads all tokens again
_EDITED = 0.05  # share of a program's tokens that its repair changes


class Measurement(NamedTuple):
    """One line of the table."""

    measure: str
    wanted: str
    measured: str


def measure(bench: Bench, only: str | None = None) -> Iterator[Measurement]:
    """Yield the table line by line, or one of its parts."""
    for name, part in PARTS.items():
        if name == only or only is None:
            yield from part(bench)


def measure_policies(bench: Bench) -> Iterator[Measurement]:
    """Time each policy against greedy, and greedy against transformers' own."""
    on_gpu = bench.model.device.type == "cuda"
    yield compare_with_transformers(bench)
    yield measure_pauses(bench, 0.07, "<= 1.15 x" if on_gpu else "<= 1.10 x")
    yield measure_pauses(bench, 0.12, "<= 1.20 x")
    yield measure_contrasts(bench)
    yield measure_drafts(bench)


def measure_uncached(bench: Bench) -> Iterator[Measurement]:
    """Time AdaDec against itself without any cache, and against its authors' code, which has none: minutes."""
    yield compare_with_no_cache(bench)
    yield compare_with_authors(bench)


def measure_overhead(bench: Bench) -> Iterator[Measurement]:
    """Measure memory, and time outside the model."""
    yield measure_memory(bench)
    yield measure_time_outside_forward(bench)


def compare_with_transformers(bench: Bench) -> Measurement:
    """Time our greedy loop and theirs, which should write the same tokens."""

    def generate(number: int = 0) -> TimedRun:
        return bench.generate([bench.prompt()])

    theirs, ours = bench.alternate(generate, bench.complete_greedily)
    same = _compare_tokens(generate().tokens, bench.run().tokens)
    measured = f"{theirs / ours:.2f} x ({bench.tokens / ours:.1f} tokens/s, {same})"
    wanted = ">= 3.00 x" if bench.model.device.type == "cuda" else ">= 0.98 x"
    return Measurement("greedy against generate(do_sample=False)", wanted, measured)


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


def compare_with_authors(bench: Bench) -> Measurement:
    """Time AdaDec against its authors' code, at a threshold that the prompt's greedy completion reaches at 7 %."""
    name, wanted, prompt = "adadec against the authors' own (0.1.0)", "no bound", bench.prompt()
    tokens = min(bench.tokens, _MOST_RIVAL_TOKENS)
    steps = decode(HFLM(bench.model), prompt, _GREEDY, stop=token_limit(tokens))
    entropies = sorted(step.scores["entropy"] for step in steps)
    threshold = entropies[-max(1, round(0.07 * tokens))]
    theirs = complete_as_authors(bench.model, prompt, tokens, threshold)
    if theirs is None:
        return Measurement(name, wanted, "not measured: the package adadec is not installed")
    policy = replace(POLICIES["adadec"], gate=Gate("entropy", threshold))
    ours = bench.run(policy, prompt=prompt, tokens=tokens)
    same = _compare_tokens(theirs.tokens, ours.tokens)
    measured = f"{theirs.seconds / ours.seconds:.1f} x ({theirs.seconds:.0f} s for {tokens} tokens, run once, {same})"
    return Measurement(name, wanted, measured)


def measure_int8(bench: Bench) -> Iterator[Measurement]:
    """Time greedy with int8 weights against bf16, then the policies with int8 weights: on a CPU, for bf16 weights."""
    model = bench.model
    if model.device.type != "cpu" or model.dtype != torch.bfloat16 or has_int8(model):
        return
    bf16_layers = find_linear(model)
    use_int8(model)
    int8_layers = {name: model.get_submodule(name) for name in bf16_layers}

    def complete_with(layers: Mapping[str, torch.nn.Module]) -> TimedRun:
        put_back(model, layers)
        return bench.complete_greedily()

    bf16, int8 = bench.alternate(lambda _: complete_with(bf16_layers), lambda _: complete_with(int8_layers))
    yield Measurement("greedy, int8 weights against bf16", ">= 1.70 x", f"{bf16 / int8:.2f} x")
    for row in _measure_decoding(bench):
        yield row._replace(measure=f"int8: {row.measure}")
    put_back(model, bf16_layers)


def _measure_decoding(bench: Bench) -> Iterator[Measurement]:
    yield measure_pauses(bench, 0.07, "<= 1.10 x")
    yield measure_contrasts(bench)
    yield from measure_together(bench)


def measure_together(bench: Bench) -> Iterator[Measurement]:
    """Time 8 tasks that share forwards against the same tasks one after another, for each policy."""
    # Eight tasks take eight times as long, and two rounds of them tell as much as more rounds of one.
    shorter = replace(bench, tokens=min(bench.tokens, 64), rounds=min(bench.rounds, 2))
    for policy, wanted, ratio, rate, same in Together(shorter).gains():
        tokens = "the same tokens" if same else "near-ties fell the other way"
        yield Measurement(f"{policy}: 8 tasks together", wanted, f"{ratio:.2f} x ({rate:.1f} tokens/s, {tokens})")
    if bench.model.device.type == "cuda":
        yield from measure_plain_batch(bench)


def measure_plain_batch(bench: Bench, rows: int = 64) -> Iterator[Measurement]:
    """Time tasks that share forwards against transformers' own batch of prompts of one length."""
    for policy, wanted, ratio, rate, same in Together(bench, rows, step=0).against_plain_batch():
        tokens = ", the same tokens" if same else ""
        yield Measurement(
            f"{policy}: {rows} tasks against a plain batch", wanted, f"{ratio:.2f} x ({rate:.0f} tokens/s{tokens})"
        )


def measure_contrasts(bench: Bench) -> Measurement:
    """Time USCD with random contrasts, none skipped. The lame prompt is half as long and shares no prefix."""
    lame = bench.prompt(PROMPT_TOKENS // 2)[::-1]

    def complete_with_contrasts(number: int) -> TimedRun:
        policy = replace(pause_at_random("uscd", 0.25, bench.tokens, number), resolver=Contrast(skip=False))
        return bench.run(policy, lame_ids=lame)

    uscd, greedy = bench.alternate(complete_with_contrasts, bench.complete_greedily)
    wanted = "<= 1.40 x" if bench.model.device.type == "cuda" else "<= 1.35 x"
    return Measurement("uscd at 25% contrasts against greedy", wanted, f"{uscd / greedy:.2f} x")


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
    name = "Python and torch outside the forward, of a token"
    if bench.model.device.type == "cuda":
        return Measurement(name, "<= 3 %", "not measured: a recorded forward runs no hooks")
    lm, inside, started = HFLM(bench.model), [0.0], [0.0]

    def before(*_: Any) -> None:
        started[0] = read_clock()

    def after(*_: Any) -> None:
        inside[0] += read_clock() - started[0]

    shares = []
    hooks = bench.model.register_forward_pre_hook(before), bench.model.register_forward_hook(after)
    for number in range(bench.rounds):
        steps = decode(lm, bench.prompt(PROMPT_TOKENS + number), _GREEDY, stop=token_limit(bench.tokens))
        next(steps)  # the prompt is no part of a token's time
        inside[0], start = 0.0, read_clock()
        list(steps)
        shares.append(1 - inside[0] / (read_clock() - start))
    for hook in hooks:
        hook.remove()
    return Measurement(name, "<= 3 %", f"{statistics.median(shares):.1%}")


PARTS: dict[str, Callable[[Bench], Iterator[Measurement]]] = {
    "policies": measure_policies,
    "uncached": measure_uncached,
    "overhead": measure_overhead,
    "together": measure_together,
    "int8": measure_int8,
}


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
