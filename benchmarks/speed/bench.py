"""Time completions of one model. Knows no table; decoding.py says what is compared with what."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, NamedTuple

import torch

from agent.decoding import POLICIES, Policy, decode
from agent.decoding.gates import Gate
from agent.decoding.stops import token_limit
from agent.lm.base import LM
from agent.lm.hf.model import HFLM

_GREEDY = POLICIES["greedy"]
PROMPT_TOKENS = 200


class TimedRun(NamedTuple):
    """One completion and what it took, its prompt included. seconds: as `read_clock` counts them."""

    seconds: float
    tokens: list[int]
    forwards: int


class Medians(NamedTuple):
    """Median seconds of two kinds of runs."""

    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A model, the length of a completion in tokens, and how often each pair of runs is repeated."""

    model: Any
    tokens: int = 128
    rounds: int = 5

    def prompt(self, length: int = PROMPT_TOKENS) -> list[int]:
        """Return random token ids, the same each time."""
        vocab = self.model.config.get_text_config().vocab_size
        return [1 + Random(f"prompt {at}").randrange(vocab - 1) for at in range(length)]

    def run(self, policy: Policy = _GREEDY, *, prompt: Sequence[int] = (), tokens: int = 0, **options: Any) -> TimedRun:
        """Complete the prompt with an empty prefix store."""
        lm = HFLM(self.model)
        lm.prefill([0])  # the first forward of a model also tries whether its cache works; that is not timed
        return time_completion(lm, policy, list(prompt) or self.prompt(), tokens or self.tokens, **options)

    def generate(self, prompts: Sequence[Sequence[int]]) -> TimedRun:
        """Complete prompts of one length by transformers' own greedy search; no token ends a text."""
        ids = torch.tensor(prompts, device=self.model.device)
        start = read_clock()
        out = self.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, repetition_penalty=1.0, eos_token_id=None,
            max_new_tokens=self.tokens,
        )  # fmt: skip
        return TimedRun(read_clock() - start, out[:, ids.shape[1] :].flatten().tolist(), self.tokens)

    def alternate(self, first: Callable[[int], TimedRun], second: Callable[[int], TimedRun]) -> Medians:
        """Call one after the other, with the number of the round, `rounds` times after a warm-up."""
        first(0), second(0)
        seconds = [(first(number).seconds, second(number).seconds) for number in range(self.rounds)]
        return Medians(*(statistics.median(column) for column in zip(*seconds, strict=True)))

    def complete_greedily(self, number: int = 0) -> TimedRun:
        """Complete the usual prompt with the greedy policy; the number of the round changes nothing."""
        return self.run()


def time_completion(lm: LM, policy: Policy, prompt: Sequence[int], tokens: int, **options: Any) -> TimedRun:
    """Decode this many tokens and time them."""
    forwards, start = lm.forwards, read_clock()
    completion = [step.token for step in decode(lm, prompt, policy, stop=token_limit(tokens), **options)]
    return TimedRun(read_clock() - start, completion, lm.forwards - forwards)


@dataclass(frozen=True, slots=True)
class _PositionGate(Gate):
    """Pauses at given positions, whatever the score."""

    positions: frozenset[int] = frozenset()

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        return position in self.positions


def pause_at_random(name: str, rate: float, tokens: int, seed: int = 0) -> Policy:
    """Return the policy with a gate that pauses at exactly this share of positions, drawn by the seed."""
    policy = POLICIES[name]
    positions = frozenset(Random(seed).sample(range(tokens), round(rate * tokens)))
    return replace(policy, gate=_PositionGate(policy.gate.score, policy.gate.threshold, positions))


def pin_one_thread() -> str:
    """Let torch compute on one thread where seconds are those of CPUs; return what is measured, for a person.

    CPU seconds add up over threads: on one they are the seconds that a machine of its own would take.
    """
    if torch.cuda.is_available():
        return "wall seconds"
    torch.set_num_threads(1)
    return "CPU seconds of one thread"


def read_clock() -> float:
    """Return seconds of this process's CPUs, which other processes hardly lengthen; with a GPU, wall seconds.

    CPU seconds leave out child processes. Waits until the GPU, if there is one, has done its work.
    """
    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()
