"""Contrast with a deliberately weaker prompt: prefer tokens that only the standard prompt supports.

USCD (arXiv:2409.05923). Two prompts share one completion. The lame stream catches up in one forward when it is needed.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import argmax
from agent.decoding.step import Pause, Step
from agent.lm.base import Usage

Form = Literal["linear", "logratio"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Commits one token, chosen by the contrast of the two prompts' distributions p+ (standard) and p- (lame).

    linear: p+ - weight * p-. logratio: ln p+ - weight * ln p-. Both rank the plausible tokens, p+ >= alpha * max p+.
    """

    form: Form = "linear"
    weight: float = 0.7
    alpha: float = 0.1
    skip: bool = True  # the lame forward if it cannot change an argmax; changes no token
    rerank: Rerank | None = None  # settles the pause if the gate pauses at the contrasted distribution too
    name: ClassVar[str] = "contrast"
    contrasts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (self.weight >= 0 and 0 <= self.alpha <= 1):
            raise ValueError(
                f"weight {self.weight} and alpha {self.alpha} came; wanted weight >= 0 and 0 <= alpha <= 1"
            )
        if self.form not in get_args(Form):
            raise ValueError(f"form {self.form!r} came; wanted linear or logratio")

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield one step, or the rerank's; return the state after it. With no lame prompt the standard one decides."""
        start = Usage.read(context.lm)
        logits, greedy = state.prefix.logits, context.policy.sampler is argmax
        lame = None if context.lame_ids == context.prompt_ids else context.lame_ids
        decided = lame is not None and self.skip and greedy and self._is_decided(logits)
        weaker = None if lame is None or decided else context.lm.prefill(lame + state.completion.tokens).logits

        def contrast(*, raw: bool) -> Tensor:
            return logits if weaker is None else self.contrast(logits, weaker, raw=raw)

        if self.rerank and not decided and context.pauses_at(context.score(contrast(raw=False)), state.completion):
            return (yield from self.rerank.choose(contrast(raw=True), context, state, start))
        distribution, contrasted = context.score(logits, state.prefix.summary), contrast(raw=greedy)
        token = context.sample(contrasted, state)
        cost = Usage.read(context.lm).since(start)
        ranking = distribution.logprobs if contrasted is logits else contrasted
        candidates = tuple(
            replace(candidate, score=float(ranking[candidate.token]))
            for candidate in top_candidates(logits, 3, state.completion)
        )
        pause = Pause(context.explain_pause(distribution), self.name, candidates, token, *cost)
        step, state = context.commit(state, distribution, token, pause)
        yield step
        return state

    def contrast(self, logits: Tensor, lame: Tensor, *, raw: bool) -> Tensor:
        """Return contrasted scores, -inf for implausible tokens. raw: for an argmax, else logits. All [vocab]."""
        p = logits.softmax(-1)
        # Never 0: a token that the lame prompt rules out wins by a finite amount, and 0 * inf cannot happen.
        q = lame.softmax(-1).clamp(min=torch.finfo(lame.dtype).tiny)
        plausible = (p >= self.alpha * p.max()) & (p > 0)
        if self.form == "logratio":
            return (p.log() - self.weight * q.log()).where(plausible, -torch.inf)
        linear = p - self.weight * q
        if raw:
            return linear.where(plausible, -torch.inf)
        weights = linear.clamp(min=0)
        return (weights if bool(weights[plausible].any()) else p).log().where(plausible, -torch.inf)

    def _is_decided(self, logits: Tensor) -> bool:
        """Decide whether the first token wins for every p- between 0 and 1."""
        # The same arithmetic as in `contrast`, and strict: at equality the lame prompt can still make a tie.
        first, second = logits.softmax(-1).topk(2).values
        if self.form == "linear" and self.rerank is None:
            return bool(first - self.weight > second)
        return bool(second < self.alpha * first)  # with one plausible token nothing is left in doubt
