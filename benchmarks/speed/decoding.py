"""What decoding costs beside transformers' own, in one process: forwards, tokens per second, memory.

By default on a model of 0.5 B parameters shaped as Qwen2 with random weights: what is measured is time, not text. So
pauses are drawn, not felt, and a repair says what a script says.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

import torch

from agent.decoding import POLICIES, Policy, decode
from agent.decoding.contrast import Contrast
from agent.decoding.gates import Gate
from agent.decoding.prompt_lookup import Draft, PromptLookup
from agent.decoding.rerank import Rerank
from agent.decoding.stops import budget
from agent.lm.base import LM, Batch, Prefix
from agent.lm.hf.cache import held_bytes
from agent.lm.hf.model import HFLM
from agent.lm.reference import ExtendEach, RowBatch
from benchmarks.speed.peak_memory import peak_memory

_GREEDY = POLICIES["greedy"]
_PROMPT, _LONG_PROMPT = 200, 1_500  # tokens
_EDITED = 0.05  # share of a program's tokens that its repair changes


class Measurement(NamedTuple):
    """One line of the table."""

    measure: str
    wanted: str
    measured: str


class TimedRun(NamedTuple):
    """One completion and what it took, its prompt included."""

    seconds: float
    tokens: list[int]
    forwards: int


class Medians(NamedTuple):
    """Median seconds of two kinds of runs."""

    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A model, a random prompt, the tokens of a completion, and how often each pair of runs is repeated."""

    model: Any
    tokens: int = 128
    rounds: int = 5

    def prompt(self, length: int = _PROMPT) -> list[int]:
        """Return random token ids, the same each time."""
        vocab = self.model.config.get_text_config().vocab_size
        return [1 + Random(f"prompt {at}").randrange(vocab - 1) for at in range(length)]

    def run(self, policy: Policy = _GREEDY, *, prompt: Sequence[int] = (), tokens: int = 0, **options: Any) -> TimedRun:
        """Complete the prompt with nothing stored before."""
        lm = HFLM(self.model)
        lm.prefill([0])  # whether the cache works is tried once for a model, and no part of a completion
        return time_completion(lm, policy, list(prompt) or self.prompt(), tokens or self.tokens, **options)

    def alternating(self, first: Callable[[int], TimedRun], second: Callable[[int], TimedRun]) -> Medians:
        """Do one after the other, several times over, each told the round; return the median seconds of each."""
        first(0), second(0)
        taken = [(first(number).seconds, second(number).seconds) for number in range(self.rounds)]
        return Medians(*(statistics.median(column) for column in zip(*taken, strict=True)))

    def plain(self, number: int = 0) -> TimedRun:
        """Complete greedily."""
        return self.run()


def measure(bench: Bench, *, uncached: bool = True) -> Iterator[Measurement]:
    """Measure line by line. uncached: AdaDec without any cache too, which takes minutes."""
    yield compare_with_transformers(bench)
    yield measure_pauses(bench, 0.07, "<= 1.10 x")
    yield measure_pauses(bench, 0.12, "<= 1.20 x")
    if uncached:
        yield compare_with_no_cache(bench)
    yield measure_contrasts(bench)
    yield measure_drafts(bench)
    yield measure_memory(bench)
    yield measure_time_outside_forward(bench)


def time_completion(lm: LM, policy: Policy, prompt: Sequence[int], tokens: int, **options: Any) -> TimedRun:
    """Decode so many tokens."""
    _settle()
    forwards, start = lm.forwards, time.perf_counter()
    said = [step.token for step in decode(lm, prompt, policy, stop=budget(tokens), **options)]
    _settle()
    return TimedRun(time.perf_counter() - start, said, lm.forwards - forwards)


@dataclass(frozen=True, slots=True)
class _Drawn(Gate):
    """Pauses at given positions."""

    positions: frozenset[int] = frozenset()

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        return position in self.positions


def pause_at_random(name: str, rate: float, tokens: int, seed: int = 0) -> Policy:
    """A policy that pauses at exactly this share of positions, which a seed draws."""
    policy = POLICIES[name]
    positions = frozenset(Random(seed).sample(range(tokens), round(rate * tokens)))
    return replace(policy, gate=_Drawn(policy.gate.score, policy.gate.threshold, positions))


def compare_with_transformers(bench: Bench) -> Measurement:
    """Our greedy loop and theirs, which should say the same."""
    ids = torch.tensor([bench.prompt()], device=bench.model.device)

    def theirs(number: int = 0) -> TimedRun:
        _settle()
        start = time.perf_counter()
        out = bench.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0,
            min_new_tokens=bench.tokens, max_new_tokens=bench.tokens,
        )  # fmt: skip
        _settle()
        return TimedRun(time.perf_counter() - start, out[0, ids.shape[1] :].tolist(), bench.tokens)

    other, own = bench.alternating(theirs, bench.plain)
    told = f"{other / own:.2f} x ({bench.tokens / own:.1f} tokens/s, {_same(theirs().tokens, bench.run().tokens)})"
    return Measurement("greedy against generate(do_sample=False)", ">= 1.00 x", told)


def measure_pauses(bench: Bench, rate: float, wanted: str) -> Measurement:
    """AdaDec with drawn pauses, others in each round."""
    forwards = []

    def paused(number: int) -> TimedRun:
        made = bench.run(pause_at_random("adadec", rate, bench.tokens, number))
        forwards.append(made.forwards / bench.tokens)
        return made

    own, greedy = bench.alternating(paused, bench.plain)
    told = f"{own / greedy:.2f} x ({statistics.median(forwards):.2f} forwards a token)"
    return Measurement(f"adadec at {rate:.0%} pauses against greedy", wanted, told)


def compare_with_no_cache(bench: Bench) -> Measurement:
    """AdaDec as its reference runs it: each step, and each step of each rollout, reads everything again."""
    tokens = 2 * bench.tokens
    policy = pause_at_random("adadec", 0.07, tokens)
    own = statistics.median(bench.run(policy, tokens=tokens).seconds for _ in range(bench.rounds))
    plain = replace(policy, resolver=Rerank(commit_rollout=False))
    slow = time_completion(Uncached(bench.model), plain, bench.prompt(), tokens)
    same = _same(slow.tokens, bench.run(policy, tokens=tokens).tokens)
    told = f"{slow.seconds / own:.1f} x ({slow.seconds:.0f} s, run once, against {own:.1f} s, {same})"
    return Measurement(f"adadec at 7% pauses against no cache, {tokens} tokens", ">= 12 x", told)


def measure_contrasts(bench: Bench) -> Measurement:
    """USCD with drawn contrasts, none skipped; the lame prompt is half as long and shares nothing."""
    lame = bench.prompt(_PROMPT // 2)[::-1]

    def contrasted(number: int) -> TimedRun:
        policy = replace(pause_at_random("uscd", 0.25, bench.tokens, number), resolver=Contrast(skip=False))
        return bench.run(policy, lame_ids=lame)

    own, greedy = bench.alternating(contrasted, bench.plain)
    return Measurement("uscd at 25% contrasts against greedy", "<= 1.35 x", f"{own / greedy:.2f} x")


def measure_drafts(bench: Bench) -> Measurement:
    """A repair: the prompt holds the program, the answer says it again with some tokens changed."""
    program = bench.prompt(bench.tokens)
    changed = Random(0).sample(range(bench.tokens), round(_EDITED * bench.tokens))
    repaired = [7 if at in changed else token for at, token in enumerate(program)]
    prompt = [*bench.prompt(_PROMPT - 4), *program, *bench.prompt(_PROMPT)[:4], *program[:2]]

    def run(draft: Draft | None) -> TimedRun:
        return bench.run(replace(_GREEDY, sampler=_Script(repaired)), prompt=prompt, draft=draft)

    own, greedy = bench.alternating(lambda _: run(PromptLookup()), lambda _: run(None))
    forwards = run(PromptLookup()).forwards
    told = f"{greedy / own:.2f} x ({len(changed)} of {len(program)} tokens changed, {forwards} forwards)"
    return Measurement("repair with drafts against greedy", ">= 1.60 x", told)


def measure_memory(bench: Bench) -> Measurement:
    """Peak memory with a long prompt, beyond greedy's, in keys and values of one prefix."""
    room = bench.model.config.get_text_config().max_position_embeddings - 64
    prompt, measure, wanted = bench.prompt(min(_LONG_PROMPT, room)), "peak memory of adadec above greedy", "<= 3 x"
    runs = [
        partial(bench.run, policy, prompt=prompt, tokens=64)
        for policy in (_GREEDY, pause_at_random("adadec", 0.07, 64))
    ]

    def peaks() -> list[int | None]:
        return [peak_memory(run, device=bench.model.device) for run in runs]

    if None in peaks():  # what the first runs leave in use is no longer found to grow
        return Measurement(measure, wanted, "not measured: needs CUDA, or a CPU under Linux")
    greedy, own = (statistics.median(column) for column in zip(*(peaks() for _ in range(bench.rounds)), strict=True))
    one = held_bytes(HFLM(bench.model).prefill(prompt).cache)
    mib = [f"{each / 2**20:.0f}" for each in (own, greedy, one)]
    told = f"{(own - greedy) / one:.1f} x ({mib[0]} and {mib[1]} MiB; {len(prompt)} tokens hold {mib[2]})"
    return Measurement(measure, wanted, told)


def measure_time_outside_forward(bench: Bench) -> Measurement:
    """Time outside the model's forward, greedily, as a share of a token's."""
    lm, inside, begun = HFLM(bench.model), [0.0], [0.0]

    def before(*_: Any) -> None:
        _settle()
        begun[0] = time.perf_counter()

    def after(*_: Any) -> None:
        _settle()
        inside[0] += time.perf_counter() - begun[0]

    shares = []
    hooks = bench.model.register_forward_pre_hook(before), bench.model.register_forward_hook(after)
    for number in range(bench.rounds):
        steps = decode(lm, bench.prompt(_PROMPT + number), _GREEDY, stop=budget(bench.tokens))
        next(steps)
        inside[0], start = 0.0, time.perf_counter()
        list(steps)
        shares.append(1 - inside[0] / (time.perf_counter() - start))
    for hook in hooks:
        hook.remove()
    return Measurement("Python and torch outside the forward, of a token", "<= 3 %", f"{statistics.median(shares):.1%}")


class Uncached:
    """A model without any cache: each prefix is read from its first token, each alternative by itself."""

    def __init__(self, model: Any) -> None:
        self._model, self.forwards, self.token_rows = model, 0, 0

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Read all of the ids."""
        self.forwards, self.token_rows = self.forwards + 1, self.token_rows + len(ids)
        with torch.inference_mode():
            wanted = torch.tensor([list(ids)], device=self._model.device)
            logits = self._model(wanted, use_cache=False, logits_to_keep=1).logits[0, -1]
        return Prefix(tuple(ids), logits.to(torch.promote_types(logits.dtype, torch.float32)))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Read all of the longer ids."""
        return self.prefill((*prefix.ids, *tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Read each alternative."""
        return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Read each longer prefix."""
        return ExtendEach(self, prefix, tokens)


class _Script:
    """A sampler that says given tokens, one after another."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens = iter(tokens)

    def __call__(self, logits: torch.Tensor, uniform: float, text: str) -> int:
        return next(self._tokens)


def _same(one: list[int], other: list[int]) -> str:
    """Say whether two runs said the same; in half precision a near-tie may fall either way."""
    at = next((at for at, pair in enumerate(zip(one, other, strict=True)) if len(set(pair)) > 1), None)
    return "the same tokens" if at is None else f"the same tokens up to {at}"


def _settle() -> None:
    """Wait until a GPU, where there is one, has done what it was told."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
