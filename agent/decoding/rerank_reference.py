"""AdaDec's rerank as its authors' code has it, quirks included: for comparison only, see docs/decisions/0005."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import DecodeContext
from agent.decoding.rerank import Rerank
from agent.decoding.step import Completion
from agent.decoding.stops import END_TOKEN

NO_TOKEN = -1  # stands for a token that no stop rule knows


@dataclass(frozen=True, slots=True)
class ReferenceRerank(Rerank):
    """Reranks as the authors' code: while other rollouts go on, one that ended adds logprobs but no length."""

    grows_past_end: ClassVar[bool] = True

    def ends(self, completion: Completion, context: DecodeContext) -> bool:
        """Whether a rollout is over. The authors' code misses end tokens here, and no other end."""
        reason = context.stop(completion)
        if reason == END_TOKEN:
            reason = context.stop(replace(completion, tokens=(*completion.tokens[:-1], NO_TOKEN)))
        return reason is not None
