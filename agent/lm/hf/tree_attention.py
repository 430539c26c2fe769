"""Alternatives that grow together from one prefix, a token each a forward: the rollouts of a lookahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from agent.lm.base import Prefix
from agent.lm.hf.cache import fork, gathered

Forward = Callable[..., Tensor]  # HFLM.forward
Keep = Callable[..., Prefix]  # puts a prefix into the store and returns it
Paths = tuple[tuple[int, ...], ...]  # tokens of each alternative since the root


class TreeAttentionBatch:
    """Alternatives side by side in one sequence: a mask lets each see the root and its own path alone.

    The root's keys and values are there once, however many alternatives, so a lookahead costs hardly more time and
    memory than a single token. Behind the root's tokens the cache holds one token of each alternative for each level.
    """

    def __init__(
        self, forward: Forward, keep: Keep, root: Prefix, cache: Any, paths: Paths, history: tuple[Tensor, ...] = ()
    ) -> None:
        self._forward, self._keep, self._root, self._cache, self._paths = forward, keep, root, cache, paths
        self.depth, width, begun = len(paths[0]), len(paths), len(root.ids)
        own = torch.eye(width).repeat(1, self.depth)
        mask = torch.cat([torch.zeros(width, begun), own.log().clamp(min=torch.finfo(torch.bfloat16).min)], dim=1)
        fed = [path[-1] for path in paths]
        self.logits = forward([fed], cache, begun + self.depth - 1, keep=width, mask=mask)[0]
        self._length = begun + width * self.depth
        self._history = (*history, self.logits)

    def advance(self, tokens: Sequence[int]) -> TreeAttentionBatch:
        """Append one token to each alternative: one forward. This tree stays as it was."""
        paths = tuple((*path, token) for path, token in zip(self._paths, tokens, strict=True))
        # The cache grows in place where nobody went on from here before: this tree still reads its own part of it.
        mine = self._cache.get_seq_length() == self._length
        cache = self._cache if mine else fork(self._cache, length=self._length)
        return TreeAttentionBatch(self._forward, self._keep, self._root, cache, paths, self._history)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one alternative without its last `drop` tokens, as a prefix that takes its root's place."""
        begun, width, kept = len(self._root.ids), len(self._paths), self.depth - drop
        assert kept > 0, f"an alternative of {self.depth} tokens has no {drop} to drop"
        places = torch.cat([torch.arange(begun), begun + width * torch.arange(kept) + row])
        ids = self._root.ids + self._paths[row][:kept]
        prefix = Prefix(ids, self._history[kept - 1][row], gathered(self._cache, places))
        return self._keep(prefix, instead_of=self._root)


class CopiedRowsBatch:
    """Alternatives as rows of a batch, each with a copy of the root's cache: for caches that no mask reaches."""

    def __init__(
        self,
        forward: Forward,
        keep: Keep,
        root: Prefix,
        cache: Any,
        paths: Paths,
        parent: CopiedRowsBatch | None = None,
    ) -> None:
        self._forward, self._keep, self._root, self._cache, self._paths = forward, keep, root, cache, paths
        self._parent, self.depth = parent, len(paths[0])
        self.logits = forward([path[-1:] for path in paths], cache, len(root.ids) + self.depth - 1)[:, -1]

    def advance(self, tokens: Sequence[int]) -> CopiedRowsBatch:
        """Append one token to each row: one forward. This batch stays as it was."""
        paths = tuple((*path, token) for path, token in zip(self._paths, tokens, strict=True))
        return CopiedRowsBatch(self._forward, self._keep, self._root, fork(self._cache), paths, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row as it was `drop` tokens ago, as a prefix."""
        batch = self
        for _ in range(drop):
            assert batch._parent is not None, f"row {row} has no {drop} tokens to drop"
            batch = batch._parent
        ids = self._root.ids + batch._paths[row]
        return self._keep(Prefix(ids, batch.logits[row], fork(batch._cache, row=row)))
