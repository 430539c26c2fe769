"""Batches of alternatives that grow from one prefix: in one sequence under a mask, or as rows of copied caches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from agent.lm.base import Prefix
from agent.lm.hf.cache import fork, gather
from agent.lm.hf.feeds import Feed, FeedAnswer
from uncertainty.scores import Summary

AnswerFeed = Callable[[Feed], FeedAnswer]  # HFLM.answer
Store = Callable[..., Prefix]  # puts a prefix into the store and returns it
Paths = tuple[tuple[int, ...], ...]  # tokens of each alternative since the root


class TreeAttentionBatch:
    """Alternatives in one sequence, with tree attention: a mask shows each only the root and its own path.

    The cache holds the root's keys and values once, then one token of each alternative for each level. So a lookahead
    costs hardly more time and memory than a single token.
    """

    def __init__(
        self,
        answer: AnswerFeed,
        store: Store,
        root: Prefix,
        cache: Any,
        paths: Paths,
        history: tuple[FeedAnswer, ...] = (),
    ) -> None:
        self._answer, self._store, self._root, self._cache, self._paths = answer, store, root, cache, paths
        self.depth, width, root_length = len(paths[0]), len(paths), len(root.ids)
        own = torch.eye(width).repeat(1, self.depth)
        mask = torch.cat([torch.zeros(width, root_length), own.log().clamp(min=torch.finfo(torch.bfloat16).min)], dim=1)
        fed = [path[-1] for path in paths]
        logits, summaries = answer(Feed([fed], cache, root_length + self.depth - 1, keep=width, mask=mask))
        self.logits, self.summaries = logits[0], summaries
        self._length = root_length + width * self.depth
        self._history = (*history, FeedAnswer(logits, summaries))

    def advance(self, tokens: Sequence[int]) -> TreeAttentionBatch:
        """Append one token to each alternative, in one forward. This batch stays unchanged."""
        paths = tuple((*path, token) for path, token in zip(self._paths, tokens, strict=True))
        # The first batch that grows from this one shares its cache: this one still reads its own part.
        unshared = self._cache.get_seq_length() == self._length
        cache = self._cache if unshared else fork(self._cache, length=self._length)
        return TreeAttentionBatch(self._answer, self._store, self._root, cache, paths, self._history)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one alternative without its last `drop` tokens. In the store it replaces its root."""
        start, width, kept = len(self._root.ids), len(self._paths), self.depth - drop
        assert kept > 0, f"an alternative of {self.depth} tokens has no {drop} to drop"
        positions = torch.cat([torch.arange(start), start + width * torch.arange(kept) + row])
        ids = self._root.ids + self._paths[row][:kept]
        logits, summaries = self._history[kept - 1]
        summary = summaries[row] if summaries else None
        return self._store(Prefix(ids, logits[0, row], gather(self._cache, positions), summary), instead_of=self._root)


class CopiedRowsBatch:
    """Alternatives as rows of a batch, each with a copy of the root's cache: for caches that ignore masks."""

    def __init__(
        self,
        answer: AnswerFeed,
        store: Store,
        root: Prefix,
        cache: Any,
        paths: Paths,
        parent: CopiedRowsBatch | None = None,
    ) -> None:
        self._answer, self._store, self._root, self._cache, self._paths = answer, store, root, cache, paths
        self._parent, self.depth = parent, len(paths[0])
        self.summaries: Sequence[Summary] | None = None
        self.logits = answer(Feed([path[-1:] for path in paths], cache, len(root.ids) + self.depth - 1)).logits[:, -1]

    def advance(self, tokens: Sequence[int]) -> CopiedRowsBatch:
        """Append one token to each row, in one forward. This batch stays unchanged."""
        paths = tuple((*path, token) for path, token in zip(self._paths, tokens, strict=True))
        return CopiedRowsBatch(self._answer, self._store, self._root, fork(self._cache), paths, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row as it was `drop` tokens ago, as a prefix."""
        batch = self
        for _ in range(drop):
            assert batch._parent is not None, f"row {row} has no {drop} tokens to drop"
            batch = batch._parent
        ids = self._root.ids + batch._paths[row]
        return self._store(Prefix(ids, batch.logits[row], fork(batch._cache, row=row)))
