"""Ask the person: show the candidates of a pause and commit what they choose, or what they write instead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from agent.decoding.context import Place, Surroundings, likeliest
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

    def __call__(self, around: Surroundings, place: Place) -> Generator[Step, None, Place]:
        """Yield a step for each answered token; return the place after them."""
        logits = place.prefix.logits
        candidates = tuple(likeliest(logits, self.width, place.completion))
        answer = tuple(self.choose(place.completion.text, candidates)) or (candidates[0].token,)
        pause: Pause | None = Pause(around.reason(around.read(logits)), self.name, candidates, answer[0], 0, 0)
        for token in answer:
            prefix = around.fed(place)
            step, place = around.step(replace(place, prefix=prefix), around.read(prefix.logits), token, pause)
            yield step
            pause = None  # the rest of the answer was not doubted
            if place.end is not None:
                break
        return place
