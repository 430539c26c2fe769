"""Caches for a GPU: the keys and values of all texts lie in one pool, and a cache is the list of its tokens' slots.

So a fork, a crop and a branch of a tree copy no keys, and what a forward reads and writes stays in place, which is
what lets a forward be recorded once and replayed (agent.lm.hf.recording).
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Slots = NDArray[np.int64]

_FIRST_BYTES = 2**28  # of a new pool; it doubles where they do not suffice
_FEWEST = 512  # slots of a new pool


class SlotPool:
    """Keys and values of tokens, each token in a slot of its own. Slot 0 is for padding, and always finite."""

    def __init__(self, keys: list[Tensor], values: list[Tensor], slots: int | None = None) -> None:
        """keys, values: of one token, for each layer, as a cache holds them: [1, heads, 1, size]."""
        self.layer_bytes = max(key.nbytes + value.nbytes for key, value in zip(keys, values, strict=True))
        self.token_bytes = sum(each.nbytes for each in (*keys, *values))
        slots = slots or max(_FEWEST, _FIRST_BYTES // self.token_bytes)
        self.keys = [_make_room(each, slots) for each in keys]
        self.values = [_make_room(each, slots) for each in values]
        self._free = list(range(slots - 1, 0, -1))
        self._uses = np.zeros(slots, np.int64)  # of each slot, by caches
        self._dropped: deque[Slots] = deque()  # the slots of caches that are gone; some other thread may drop one

    @property
    def size(self) -> int:
        """Return the number of slots."""
        return len(self._uses)

    def take(self, count: int) -> Slots:
        """Return slots that no cache uses. May move the pool."""
        while self._dropped:
            slots = self._dropped.popleft()
            self._uses[slots] -= 1
            self._free += slots[self._uses[slots] == 0].tolist()
        while len(self._free) < count:
            self._double()
        return np.array([self._free.pop() for _ in range(count)], np.int64)

    def use(self, slots: Slots) -> None:
        """Count one more cache that uses these slots."""
        self._uses[slots] += 1

    def drop(self, slots: Slots) -> None:
        """Count one cache less that uses these slots."""
        self._dropped.append(slots)

    def _double(self) -> None:
        size = self.size
        # Memory may run out in between, so nothing is replaced before all of it is there.
        keys, values = (
            [torch.cat([each, torch.zeros_like(each)]) for each in states] for states in (self.keys, self.values)
        )
        self.keys, self.values = keys, values
        self._uses = np.concatenate([self._uses, np.zeros(size, np.int64)])
        self._free += range(2 * size - 1, size - 1, -1)


class SlotCache:
    """The cache of one text, as slots of a pool in the order of its tokens."""

    def __init__(self, pool: SlotPool, slots: Slots | None = None) -> None:
        self.pool = pool
        self.slots = np.empty(0, np.int64) if slots is None else slots
        pool.use(self.slots)

    def __del__(self) -> None:
        self.pool.drop(self.slots)

    @property
    def nbytes(self) -> int:
        """Return the bytes of its keys and values, shared ones included."""
        return len(self.slots) * self.pool.token_bytes

    def get_seq_length(self, layer: int = 0) -> int:
        """Return the number of its tokens."""
        return len(self.slots)

    def append(self, count: int) -> Slots:
        """Append tokens; return their slots, which a forward fills."""
        new = self.pool.take(count)
        self.pool.use(new)
        self.slots = np.concatenate([self.slots, new])
        return new

    def fork(self, length: int | None = None) -> SlotCache:
        """Return a cache of the same tokens, or of the first ones."""
        return SlotCache(self.pool, self.slots[:length])

    def gather(self, positions: Tensor) -> SlotCache:
        """Return a cache of the tokens at these positions."""
        return SlotCache(self.pool, self.slots[positions.numpy()])


class SlotWriter:
    """Stands in for the cache of a forward: each layer writes keys and values to the slots of the new tokens."""

    is_compileable = False

    def __init__(self, pool: SlotPool, new: Tensor) -> None:
        """new: the slots of the new tokens, in their order."""
        self.pool, self.new = pool, new

    def update(self, keys: Tensor, values: Tensor, layer: int, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write a layer's keys and values to the pool: [1, heads, tokens, size]."""
        self.pool.keys[layer].index_copy_(0, self.new, keys[0].transpose(0, 1))
        self.pool.values[layer].index_copy_(0, self.new, values[0].transpose(0, 1))
        return keys, values

    def get_seq_length(self, layer: int = 0) -> int:
        """Return 0: the tokens have positions of their own."""
        return 0


def _make_room(states: Tensor, slots: int) -> Tensor:
    _, heads, _, size = states.shape
    return states.new_zeros(slots, heads, size)
