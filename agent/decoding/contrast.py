"""Contrast with a deliberately weaker prompt: what only the standard prompt supports is favoured.

USCD (arXiv:2409.05923). Two prompts, one generated sequence; the lame stream catches up in one chunk where it is asked.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.rerank import Rerank, Spent
from agent.decoding.samplers import argmax
from agent.decoding.step import Candidate, Pause, Step

Form = Literal["linear", "logratio"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Commits one token, chosen by the standard prompt's scores less what the lame prompt says anyway.

    linear: p+ - weight * p-; logratio: ln p+ - weight * ln p-; both over the plausible tokens, p+ >= alpha * max p+.
    """

    form: Form = "linear"
    weight: float = 0.7
    alpha: float = 0.1
    skip: bool = True  # leave out the lame pass where it cannot change an argmax; changes no token
    rerank: Rerank | None = None  # settles the pause where the gate finds the contrasted distribution in doubt, too
    name: ClassVar[str] = "contrast"

    def __post_init__(self) -> None:
        if not (self.weight >= 0 and 0 <= self.alpha <= 1):
            raise ValueError(
                f"weight {self.weight} and alpha {self.alpha} came; wanted weight >= 0 and 0 <= alpha <= 1"
            )
        if self.form not in get_args(Form):
            raise ValueError(f"form {self.form!r} came; wanted linear or logratio")

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield one step, or the rerank's; return the place after. With no lame prompt the standard one decides."""
        start = Spent(context.lm.forwards, context.lm.token_rows)
        logits, greedy = state.prefix.logits, context.policy.sampler is argmax
        lame = None if context.lame_ids == context.prompt_ids else context.lame_ids
        decided = lame is not None and self.skip and greedy and self._decided(logits)
        weaker = None if lame is None or decided else context.lm.prefill(lame + state.completion.tokens).logits

        def scores(*, raw: bool) -> Tensor:
            return logits if weaker is None else self.scores(logits, weaker, raw=raw)

        if self.rerank and not decided and context.pauses_at(context.score(scores(raw=False)), state.completion):
            return (yield from self.rerank.among(scores(raw=True), context, state, start))
        distribution, contrasted = context.score(logits), scores(raw=greedy)
        token = context.sample(contrasted, state)
        spent = context.lm.forwards - start.forwards, context.lm.token_rows - start.token_rows
        compared = distribution.logprobs if contrasted is logits else contrasted
        seen = tuple(_scored(candidate, compared) for candidate in top_candidates(logits, 3, state.completion))
        pause = Pause(context.explain_pause(distribution), self.name, seen, token, *spent)
        step, state = context.commit(state, distribution, token, pause)
        yield step
        return state

    def scores(self, logits: Tensor, lame: Tensor, *, raw: bool) -> Tensor:
        """Return contrasted scores, -inf where implausible; raw for an argmax, else logits to draw by. All [vocab]."""
        p = logits.softmax(-1)
        # Never quite 0: a token that the lame prompt rules out wins by a finite amount, and 0 * inf stays away.
        q = lame.softmax(-1).clamp(min=torch.finfo(lame.dtype).tiny)
        plausible = (p >= self.alpha * p.max()) & (p > 0)
        if self.form == "logratio":
            return (p.log() - self.weight * q.log()).where(plausible, -torch.inf)
        linear = p - self.weight * q
        if raw:
            return linear.where(plausible, -torch.inf)
        weights = linear.clamp(min=0)
        return (weights if bool(weights[plausible].any()) else p).log().where(plausible, -torch.inf)

    def _decided(self, logits: Tensor) -> bool:
        """Whether the first token wins whatever the lame prompt says: p- lies between 0 and 1."""
        # In the arithmetic of `scores`, and strictly: at equality the lame prompt can still make a tie.
        first, second = logits.softmax(-1).topk(2).values
        if self.form == "linear" and self.rerank is None:
            return bool(first - self.weight > second)
        return bool(second < self.alpha * first)  # one plausible token: it wins, and nothing is left in doubt


def _scored(candidate: Candidate, contrasted: Tensor) -> Candidate:
    return replace(candidate, score=float(contrasted[candidate.token]))
