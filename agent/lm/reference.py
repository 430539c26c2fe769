"""Branch and extend token by token. Backends that cannot batch use it; every faster way must equal it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from agent.lm.base import LM, Batch, Prefix
from uncertainty.scores import Summary


class RowBatch:
    """A batch that feeds its rows one by one."""

    def __init__(self, lm: LM, prefixes: Sequence[Prefix], parent: Batch | None = None) -> None:
        self._lm, self._prefixes, self._parent = lm, list(prefixes), parent
        self.depth: int = 1 + (parent.depth if parent else 0)
        self.summaries: Sequence[Summary] | None = None

    @property
    def logits(self) -> Tensor:
        """Logits after each row. [rows, vocab]."""
        return torch.stack([prefix.logits for prefix in self._prefixes])

    def advance(self, tokens: Sequence[int]) -> RowBatch:
        """Append one token to each row, with a forward a row."""
        rows = [self._lm.extend(prefix, (token,)) for prefix, token in zip(self._prefixes, tokens, strict=True)]
        return RowBatch(self._lm, rows, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row as it was `drop` tokens ago."""
        if not drop:
            return self._prefixes[row]
        assert self._parent is not None, f"row {row} has fewer than {drop} tokens to drop"
        return self._parent.select(row, drop - 1)


def extend_each(lm: LM, prefix: Prefix, tokens: Sequence[int]) -> Iterator[Prefix]:
    """Yield the prefix after each token. Each takes a forward, at the moment when it is asked for."""
    for token in tokens:
        prefix = lm.extend(prefix, (token,))
        yield prefix


def logits_before(lm: LM, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
    """Return the logits before each of one or more tokens that follow a prompt: [len(tokens), vocab].

    The LM keeps what it read, so completions that depart from these tokens are cheap afterwards.
    """
    prefix = lm.prefill(prompt)
    longer = lm.extend_each(prefix, tokens[:-1]) if len(tokens) > 1 else ()
    return torch.stack([prefix.logits, *(each.logits for each in longer)])
