"""A store of recent prefixes with a bound in bytes, for backends with a cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from agent.lm.base import Prefix


class StoredMatch(NamedTuple):
    """A stored prefix, and how many leading ids it shares with the wanted ones."""

    prefix: Prefix
    length: int


@dataclass(slots=True)
class PrefixStore:
    """Recent prefixes, bounded in bytes. The least recently used one goes first.

    A longer prefix takes its parent's place. Only if a cache cannot be cropped, the parent of a batch stays too.
    """

    max_bytes: int = 512 * 2**20
    _entries: OrderedDict[tuple[int, ...], tuple[Prefix, int]] = field(default_factory=OrderedDict)
    _of_cache: dict[int, set[tuple[int, ...]]] = field(default_factory=dict)  # id(cache) -> ids of its prefixes
    _bytes: int = 0

    def put(self, prefix: Prefix, nbytes: int, *, instead_of: Prefix | None = None) -> None:
        """Store a prefix of this size. Forget the cache of `instead_of`, and the oldest prefixes over the bound."""
        self._forget(prefix.ids)
        if instead_of is not None:
            for ids in tuple(self._of_cache.get(id(instead_of.cache), ())):
                self._forget(ids)
        self._entries[prefix.ids] = (prefix, nbytes)
        self._of_cache.setdefault(id(prefix.cache), set()).add(prefix.ids)
        self._bytes += nbytes
        while self._bytes > self.max_bytes and len(self._entries) > 1:
            self._forget(next(iter(self._entries)))

    def longest(
        self, ids: tuple[int, ...], *, whole: bool, fits: Callable[[int], bool] = lambda length: True
    ) -> StoredMatch | None:
        """Return the stored prefix that shares most leading ids.

        whole: consider only prefixes whose ids all lead `ids`. fits: decides by a prefix's length whether its cache is
        of use here.
        """
        if ids in self._entries and fits(len(ids)):  # a longer one shares as many ids, but has no logits for them
            self._entries.move_to_end(ids)
            return StoredMatch(self._entries[ids][0], len(ids))
        best: StoredMatch | None = None
        for prefix, _ in self._entries.values():
            length = len(prefix.ids) if ids[: len(prefix.ids)] == prefix.ids else _count_common(prefix.ids, ids)
            usable = (length == len(prefix.ids) or not whole) and fits(len(prefix.ids))
            if usable and length > (best.length if best else 0):
                best = StoredMatch(prefix, length)
        if best is not None:
            self._entries.move_to_end(best.prefix.ids)
        return best

    def _forget(self, ids: tuple[int, ...]) -> None:
        if ids not in self._entries:
            return
        prefix, nbytes = self._entries.pop(ids)
        self._bytes -= nbytes
        others = self._of_cache[id(prefix.cache)]
        others.discard(ids)
        if not others:
            del self._of_cache[id(prefix.cache)]

    def __len__(self) -> int:
        return len(self._entries)


def _count_common(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))
