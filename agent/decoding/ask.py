"""Ask the person: show the candidates of a pause and commit what they choose, or what they write instead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import DecodeContext, DecodeState, top_candidates
from agent.decoding.step import Candidate, Pause, Step

Choose = Callable[[str, tuple[Candidate, ...]], Sequence[int]]  # (text so far, candidates) -> token ids to commit


def nobody(text: str, candidates: tuple[Candidate, ...]) -> Sequence[int]:
    """Raise ValueError: a person has to be named to be asked."""
    raise ValueError("there is a pause and nobody to ask; give Ask a choose=")


@dataclass(frozen=True, slots=True)
class Ask:
    """Commits the tokens that `choose` answers with: one of the candidates, or a text that somebody wrote."""

    choose: Choose = nobody
    width: int = 3
    name: ClassVar[str] = "ask"

    def __call__(self, context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
        """Yield a step for each answered token; return the place after them."""
        logits = state.prefix.logits
        candidates = tuple(top_candidates(logits, self.width, state.completion))
        answer = tuple(self.choose(state.completion.text, candidates)) or (candidates[0].token,)
        pause: Pause | None = Pause(
            context.explain_pause(context.score(logits)), self.name, candidates, answer[0], 0, 0
        )
        for token in answer:
            prefix = context.feed(state)
            step, state = context.commit(replace(state, prefix=prefix), context.score(prefix.logits), token, pause)
            yield step
            pause = None  # the rest of the answer was not doubted
            if state.end is not None:
                break
        return state
