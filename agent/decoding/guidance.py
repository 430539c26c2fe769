"""Guide the model by execution: prefer tokens that gain where the prompt shows how the lines so far run.

EG-CFG (arXiv:2506.10948), lazily: lines are run at pauses alone. The traced prompt catches up in one forward.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.samplers import argmax
from agent.decoding.step import Pause, Step
from agent.lm.base import Usage


@dataclass(frozen=True, slots=True)
class Guidance:
    """Commits one token by ln p + gamma (ln q - ln p): p by the prompt, q by the prompt with a trace (EG-CFG, eq. 9).

    Only plausible tokens count, p >= alpha * max p, as in a contrast.
    """

    gamma: float = 1.5
    alpha: float = 0.1
    name: ClassVar[str] = "contrast"

    def __post_init__(self) -> None:
        if not (self.gamma >= 0 and 0 <= self.alpha <= 1):
            raise ValueError(f"gamma {self.gamma} and alpha {self.alpha} came; wanted gamma >= 0 and 0 <= alpha <= 1")

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield one step; return the state after it. Where there is no trace, the sampler alone decides."""
        start, logits = Usage.read(context.lm), state.prefix.logits
        distribution = context.score(logits, state.prefix.summary)
        traced = self._read_traced(context, state)
        ranking = logits if traced is None else self.guide(logits, traced)
        token = context.sample(ranking, state)
        scores = distribution.logprobs if traced is None else ranking
        candidates = tuple(
            replace(candidate, score=float(scores[candidate.token]))
            for candidate in top_candidates(logits, 3, state.completion)
        )
        cost = Usage.read(context.lm).since(start)
        pause = Pause(context.explain_pause(distribution), self.name, candidates, token, *cost)
        step, state = context.commit(state, distribution, token, pause)
        yield step
        return state

    def guide(self, logits: Tensor, traced: Tensor) -> Tensor:
        """Return guided logprobs, not normalised, -inf for implausible tokens. All [vocab]."""
        p = logits.softmax(-1)
        # Never 0: a token that the trace rules out loses by a finite amount, and 0 * inf cannot happen.
        q = traced.softmax(-1).clamp(min=torch.finfo(traced.dtype).tiny)
        plausible = (p >= self.alpha * p.max()) & (p > 0)
        return ((1 - self.gamma) * p.log() + self.gamma * q.log()).where(plausible, -torch.inf)

    def _read_traced(self, context: DecodeContext, state: DecodeState) -> Tensor | None:
        """Return the logits behind the traced prompt, [vocab]; None where it has no say, or is not there."""
        greedy, tokens = context.policy.sampler is argmax, state.completion.tokens
        if greedy and self._is_decided(state.prefix.logits):
            return None
        ids = context.write_traced_prompt(state.completion.text)
        if ids is None or (context.lm.context is not None and len(ids) + len(tokens) > context.lm.context):
            return None
        return context.lm.prefill((*ids, *tokens)).logits

    def _is_decided(self, logits: Tensor) -> bool:
        """Decide whether only one token is plausible."""
        first, second = logits.softmax(-1).topk(2).values
        return bool(second < self.alpha * first)
