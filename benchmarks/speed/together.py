"""Measure what tasks gain from sharing forwards, against the same tasks one after another, in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from agent.decoding import POLICIES, Policy
from agent.decoding.contrast import Contrast
from agent.lm.hf.model import HFLM
from agent.lm.scheduler import Scheduler
from benchmarks.speed.bench import PROMPT_TOKENS, Bench, TimedRun, pause_at_random, read_clock, time_completion


class Gain(NamedTuple):
    """How much faster tasks are together."""

    policy: str
    wanted: str
    ratio: float
    tokens_per_second: float  # together
    same: bool  # each task wrote the tokens that it wrote alone


@dataclass(frozen=True, slots=True)
class Together:
    """Tasks of one model, each with a prompt of another length and with pauses at other positions."""

    bench: Bench
    tasks: int = 8
    step: int = 20  # tokens by which each prompt is longer than the one before

    def gains(self) -> Iterator[Gain]:
        """Yield the gain of each policy."""
        tokens = self.bench.tokens
        yield self._gain("greedy", ">= 2.50 x", lambda number: POLICIES["greedy"])
        yield self._gain(
            "adadec at 7% pauses", ">= 2.20 x", lambda number: pause_at_random("adadec", 0.07, tokens, number)
        )
        yield self._gain("uscd at 25% contrasts", ">= 2.00 x", self._contrasting)

    def against_plain_batch(self) -> Iterator[Gain]:
        """Yield the speed of each policy as a share of that of transformers' own batch of as many rows."""
        tokens = self.bench.tokens
        prompts = [self._prompt(number) for number in range(self.tasks)]

        def generate(_: int = 0) -> TimedRun:
            return self.bench.generate(prompts)

        def gain(name: str, wanted: str, policy: Callable[[int], Policy]) -> Gain:
            plain, ours = self.bench.alternate(generate, lambda _: self._together(policy))
            same = name == "greedy" and generate().tokens == self._together(policy).tokens
            return Gain(name, wanted, plain / ours, self.tasks * tokens / ours, same)

        yield gain("greedy", ">= 0.60 x", lambda number: POLICIES["greedy"])
        yield gain("adadec at 7% pauses", ">= 0.45 x", lambda number: pause_at_random("adadec", 0.07, tokens, number))

    def _gain(self, name: str, wanted: str, policy: Callable[[int], Policy]) -> Gain:
        alone, together = self.bench.alternate(lambda _: self._alone(policy), lambda _: self._together(policy))
        same = self._alone(policy).tokens == self._together(policy).tokens
        return Gain(name, wanted, alone / together, self.tasks * self.bench.tokens / together, same)

    def _contrasting(self, number: int) -> Policy:
        policy = pause_at_random("uscd", 0.25, self.bench.tokens, number)
        return replace(policy, resolver=Contrast(skip=False))

    def _complete(self, lm: HFLM, policy: Policy, number: int) -> list[int]:
        prompt = self._prompt(number)
        lame = prompt[: PROMPT_TOKENS // 2][::-1] if isinstance(policy.resolver, Contrast) else None
        return time_completion(lm, policy, prompt, self.bench.tokens, lame_ids=lame).tokens

    def _prompt(self, number: int) -> list[int]:
        """Return the prompt of a task; no two begin alike."""
        return self.bench.prompt(PROMPT_TOKENS + (self.step + 1) * number)[number:]

    def _alone(self, policy: Callable[[int], Policy]) -> TimedRun:
        start = read_clock()
        runs = [self._complete(HFLM(self.bench.model), policy(number), number) for number in range(self.tasks)]
        return TimedRun(read_clock() - start, [token for tokens in runs for token in tokens], 0)

    def _together(self, policy: Callable[[int], Policy]) -> TimedRun:
        start, lm = read_clock(), HFLM(self.bench.model)
        scheduler = Scheduler(lm.run_joint, self.tasks)

        def task(number: int) -> tuple[int, list[int]]:
            return number, self._complete(lm.beside(scheduler.feed), policy(number), number)

        tokens = dict(scheduler.run(partial(task, number) for number in range(self.tasks)))
        return TimedRun(read_clock() - start, [token for number in sorted(tokens) for token in tokens[number]], 0)
