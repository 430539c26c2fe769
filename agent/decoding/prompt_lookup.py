"""Draft the next tokens by prompt lookup: copy what followed the last tokens before. One forward checks a whole draft.

A draft changes no token. The one exception is half precision, where a longer forward may round a near-tie otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# From the ids so far, at least one, to draft tokens; there may be none.
Draft = Callable[[Sequence[int]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class PromptLookup:
    """Drafts what followed the longest earlier match of the last tokens, of equal matches the latest.

    A draft is as long as its match, so drafts grow while they prove right. A repair repeats most of its program, so
    most of its tokens come from drafts.
    """

    min_match: int = 2  # tokens
    max_match: int = 16  # tokens; a draft has no more either

    def __call__(self, ids: Sequence[int]) -> Sequence[int]:
        """Return the draft tokens."""
        best, matching = 0, self.min_match - 1
        for after in range(len(ids) - 1, 0, -1):
            if ids[after - 1] == ids[-1] and (length := _count_matching(ids, after, self.max_match)) > matching:
                best, matching = after, length
                if length == self.max_match:
                    break
        return ids[best : best + matching] if best else ()


def _count_matching(ids: Sequence[int], after: int, most: int) -> int:
    """Count the tokens before `after` that equal the last ones, backwards and up to `most`."""
    length = 0
    while length < min(most, after) and ids[after - 1 - length] == ids[-1 - length]:
        length += 1
    return length
