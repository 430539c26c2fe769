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
class Preview:
    """The candidates at a pause, each with where it leads, and what looking there did cost."""

    candidates: tuple[Candidate, ...]  # by falling probability
    forwards: int
    token_rows: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Commits the tokens that `choose` returns; if it returns none, the likeliest candidate.

    What is no candidate is the person's own text. The model is charged with no doubt about it.

    The person sees where each candidate leads: its greedy rollout, as AdaDec looks ahead. A question may wait for days,
    in another process, so what was seen before can be given.
    """

    choose: Choose = refuse_to_choose
    width: int = 3  # candidates
    horizon: int = 5  # the most tokens of a rollout
    preview: Preview | None = None  # of the pause, where `look_ahead` was called before
    name: ClassVar[str] = "ask"

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield a step for each chosen token; return the state after them."""
        seen = self.preview or self.look_ahead(context, state)
        tokens = tuple(self.choose(state.completion.text, seen.candidates)) or (seen.candidates[0].token,)
        reason = context.explain_pause(context.score(state.prefix.logits))
        is_written = tokens not in {(each.token,) for each in seen.candidates}
        pause: Pause | None = Pause(reason, self.name, seen.candidates, tokens[0], seen.forwards, seen.token_rows)
        for token in tokens:
            prefix = context.feed(state)
            at, distribution = replace(state, prefix=prefix), context.score(prefix.logits)
            step, state = context.commit(at, distribution, token, pause, is_written=is_written)
            yield step
            pause = None  # nobody doubted the tokens behind the first one
            if state.end is not None:
                break
        return state

    def look_ahead(self, context: DecodeContext, state: DecodeState) -> Preview:
        """Return the candidates of a pause and where each leads. Commits and asks nothing."""
        start = Usage.read(context.lm)
        candidates = Rerank(self.width, self.horizon).look_ahead(context, state)
        return Preview(candidates, *Usage.read(context.lm).since(start))
