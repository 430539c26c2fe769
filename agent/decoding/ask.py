"""Ask a person at a pause: commit the candidate that they choose, or the text that they write instead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import DecodeContext, DecodeState
from agent.decoding.rerank import Rerank
from agent.decoding.step import Candidate, Pause, Step
from agent.lm.base import Usage

# From the text so far and the candidates to the token ids to commit.
Choose = Callable[[str, tuple[Candidate, ...]], Sequence[int]]


def refuse_to_choose(text: str, candidates: tuple[Candidate, ...]) -> Sequence[int]:
    """Raise ValueError: this is the default of a resolver that was given no person."""
    raise ValueError("there is a pause and nobody to ask; give Ask a choose=")


@dataclass(frozen=True, slots=True)
class Ask:
    """Commits the tokens that `choose` returns; if it returns none, the likeliest candidate.

    The person sees where each candidate leads: its greedy rollout, as AdaDec looks ahead.
    """

    choose: Choose = refuse_to_choose
    width: int = 3  # candidates
    horizon: int = 5  # the most tokens of a rollout
    name: ClassVar[str] = "ask"

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield a step for each chosen token; return the state after them."""
        logits, start = state.prefix.logits, Usage.read(context.lm)
        candidates = Rerank(self.width, self.horizon).look_ahead(context, state)
        cost = Usage.read(context.lm).since(start)
        tokens = tuple(self.choose(state.completion.text, candidates)) or (candidates[0].token,)
        pause: Pause | None = Pause(
            context.explain_pause(context.score(logits)), self.name, candidates, tokens[0], *cost
        )
        for token in tokens:
            prefix = context.feed(state)
            step, state = context.commit(replace(state, prefix=prefix), context.score(prefix.logits), token, pause)
            yield step
            pause = None  # nobody doubted the tokens behind the first one
            if state.end is not None:
                break
        return state
