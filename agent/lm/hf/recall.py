"""A model that recalls what another one beside it was fed: for searches over one problem that differ in their order.

What it says, and what it counts, is what it would say and count by itself; it takes less time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from agent.lm.base import Prefix
from agent.lm.hf.cache import append, states_behind
from agent.lm.hf.model import HFLM

STORE_BYTES = 128 * 2**20  # of each that shares
Layers = list[tuple[Tensor, Tensor]]  # keys and values of the tokens fed
Place = tuple[tuple[int, ...], int]  # all ids, and how many of them were cached


class Recalled:
    """What was fed on one problem, up to so many bytes: beyond them nothing more is kept."""

    def __init__(self, most_bytes: int = 2 * 2**30) -> None:
        self._most, self._bytes = most_bytes, 0
        self._known: dict[Place, tuple[Tensor, Layers]] = {}

    def get(self, place: Place) -> tuple[Tensor, Layers] | None:
        """Return the logits, and the keys and values, that this gave; None where it was not fed."""
        return self._known.get(place)

    def put(self, place: Place, logits: Tensor, layers: Layers) -> None:
        """Keep a copy of them, if there is room."""
        size = logits.nbytes + sum(keys.nbytes + values.nbytes for keys, values in layers)
        if self._bytes + size <= self._most:
            self._bytes += size
            self._known[place] = logits.clone(), [(keys.clone(), values.clone()) for keys, values in layers]

    def clear(self) -> None:
        """Forget everything: the problem is over."""
        self._known.clear()
        self._bytes = 0


class RecallingLM(HFLM):
    """The model of another, with a store and counters of its own.

    recalled: the same for all that share; whoever made it clears it when a problem is over. Lookaheads, and caches that
    cannot be cropped, are never recalled.
    """

    def __init__(self, lm: HFLM, recalled: Recalled) -> None:
        super().__init__(lm.model, store_bytes=STORE_BYTES)
        self._recalled = recalled

    def _feed(self, ids: tuple[int, ...], cache: Any, tail: Sequence[int]) -> Prefix:
        if not (self._caching and self._croppable):  # the trial of the cache is a real one
            return super()._feed(ids, cache, tail)
        past = len(ids) - len(tail)
        known = self._recalled.get((ids, past))
        if known is not None:
            logits, layers = known
            append(cache, layers)
            self.forwards += 1
            self.token_rows += len(tail)
            return Prefix(ids, logits, cache)
        fed = super()._feed(ids, cache, tail)
        self._recalled.put((ids, past), fed.logits, states_behind(cache, past))
        return fed
