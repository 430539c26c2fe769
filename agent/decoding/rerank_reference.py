"""AdaDec's rerank with the quirks of its authors' code, for comparison only; docs/decisions/0005 lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import DecodeContext, DecodeState
from agent.decoding.rerank import Rerank, Rollout
from agent.decoding.step import Candidate, Completion
from agent.program.ends import End

_NO_TOKEN = -1  # no stop rule knows it


@dataclass(frozen=True, slots=True)
class ReferenceRerank(Rerank):
    """Reranks as the authors' code does: a rollout that ended adds logprobs but no length while others go on.

    A candidate that ends the program is rolled out one token further: the code looks for an end only after that.
    """

    grows_past_end: ClassVar[bool] = True

    def start_rollout(self, candidate: Candidate, context: DecodeContext, state: DecodeState) -> Rollout:
        """Return the rollout of a candidate, which has not ended."""
        return replace(Rerank.start_rollout(self, candidate, context, state), ended=False)

    def ends(self, completion: Completion, context: DecodeContext) -> bool:
        """Decide whether a rollout is over. The authors' code overlooks end tokens here, and no other end."""
        if context.stop(completion) == End.END_TOKEN:
            completion = replace(completion, tokens=(*completion.tokens[:-1], _NO_TOKEN))
        return context.ends_rollout(completion)
