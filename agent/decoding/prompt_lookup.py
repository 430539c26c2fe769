"""Guess the next tokens from what was said before, so that one forward can check several.

No token changes, as far as a chunk gives the logits of its tokens one by one: in half precision near-ties may flip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# From the ids so far, at least one, to guesses at those that follow; there may be none.
Draft = Callable[[Sequence[int]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class PromptLookup:
    """Guesses that what followed the last tokens before follows them again: a repair repeats most of its program.

    The place is taken that agrees with most tokens backwards, of equals the latest. As many tokens are guessed as
    agree, so that guesses grow while they prove right; at least `least` agree, and at most `most` are guessed.
    """

    least: int = 2
    most: int = 16

    def __call__(self, ids: Sequence[int]) -> Sequence[int]:
        """Return the guesses."""
        best, agreeing = 0, self.least - 1
        for after in range(len(ids) - 1, 0, -1):
            if ids[after - 1] == ids[-1] and (length := _agreeing(ids, after, self.most)) > agreeing:
                best, agreeing = after, length
                if length == self.most:
                    break
        return ids[best : best + agreeing] if best else ()


def _agreeing(ids: Sequence[int], after: int, most: int) -> int:
    """How many tokens before `after` equal the last ones, counted backwards."""
    length = 0
    while length < min(most, after) and ids[after - 1 - length] == ids[-1 - length]:
        length += 1
    return length
