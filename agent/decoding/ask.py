"""Ask a person at a pause: commit the candidate that they choose, or the text that they write instead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.step import Candidate, Pause, Step

# From the text so far and the candidates to the token ids to commit.
Choose = Callable[[str, tuple[Candidate, ...]], Sequence[int]]


def refuse_to_choose(text: str, candidates: tuple[Candidate, ...]) -> Sequence[int]:
    """Raise ValueError: this is the default of a resolver that was given no person."""
    raise ValueError("there is a pause and nobody to ask; give Ask a choose=")


@dataclass(frozen=True, slots=True)
class Ask:
    """Commits the tokens that `choose` returns; if it returns none, the likeliest candidate."""

    choose: Choose = refuse_to_choose
    width: int = 3
    name: ClassVar[str] = "ask"

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield a step for each chosen token; return the state after them."""
        logits = state.prefix.logits
        candidates = tuple(top_candidates(logits, self.width, state.completion))
        tokens = tuple(self.choose(state.completion.text, candidates)) or (candidates[0].token,)
        pause: Pause | None = Pause(
            context.explain_pause(context.score(logits)), self.name, candidates, tokens[0], 0, 0
        )
        for token in tokens:
            prefix = context.feed(state)
            step, state = context.commit(replace(state, prefix=prefix), context.score(prefix.logits), token, pause)
            yield step
            pause = None  # nobody doubted the tokens behind the first one
            if state.end is not None:
                break
        return state
