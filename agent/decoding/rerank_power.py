"""Rerank by power sampling: commit the candidate that begins the likeliest texts, each to the power alpha.

Scalable power sampling (arXiv:2601.21590), without its jackknife. The power distribution favours what leads to few
likely futures over what leads to many unlikely ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState
from agent.decoding.rerank import Rerank, Rollout
from agent.decoding.samplers import pick_uniform
from agent.decoding.step import Candidate
from uncertainty.scores import Summary


@dataclass(frozen=True, slots=True)
class PowerRerank(Rerank):
    """Commits the candidate with the most mass under p^alpha, which drawn rollouts estimate (theorem 3.1 there)."""

    alpha: float = 4.0
    rollouts: int = 4  # of each candidate
    greedy_rollouts: ClassVar[bool] = False

    def __post_init__(self) -> None:
        Rerank.__post_init__(self)
        if not self.alpha >= 1 or self.rollouts < 1:
            raise ValueError(
                f"alpha {self.alpha} and {self.rollouts} rollouts came; wanted alpha >= 1 and rollouts >= 1"
            )

    def start_rollouts(self, candidate: Candidate, context: DecodeContext, state: DecodeState) -> list[Rollout]:
        """Return the rollouts of a candidate before they grow."""
        first = self.start_rollout(candidate, context, state)
        return [replace(first, number=number, tokens=[], before=[]) for number in range(self.rollouts)]

    def continue_with(self, logits: Tensor, summary: Summary | None, context: DecodeContext, rollout: Rollout) -> int:
        """Draw the next token of a rollout from the model's own distribution. logits: [vocab]."""
        # Candidates share their numbers, so that chance parts them less.
        uniform = pick_uniform(f"{context.seed}:{rollout.number}", len(rollout.completion.tokens))
        mass = logits.double().softmax(-1).cumsum(-1)
        return min(int(torch.searchsorted(mass, uniform * mass[-1], right=True)), len(mass) - 1)

    def score(self, rollouts: list[Rollout]) -> float:
        """Return alpha ln p(c) + ln mean_m exp((alpha - 1) ln p(rollout_m)), in nats."""
        logprob = rollouts[0].candidate.logprob
        futures = [(self.alpha - 1) * (rollout.total - logprob) for rollout in rollouts]
        largest = max(futures)
        mean = sum(math.exp(future - largest) for future in futures) / len(futures)
        return self.alpha * logprob + largest + math.log(mean)
