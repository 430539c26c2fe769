"""Branch and extend token by token, for backends that cannot batch: the reference that faster ways must equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from agent.lm.base import LM, Batch, Prefix


class RowBatch:
    """Rows one by one, for models that cannot batch: the reference that every faster batch must equal."""

    def __init__(self, lm: LM, prefixes: Sequence[Prefix], parent: Batch | None = None) -> None:
        self._lm, self._prefixes, self._parent = lm, list(prefixes), parent
        self.depth: int = 1 + (parent.depth if parent else 0)

    @property
    def logits(self) -> Tensor:
        """Logits that follow each row. [rows, vocab]."""
        return torch.stack([prefix.logits for prefix in self._prefixes])

    def advance(self, tokens: Sequence[int]) -> RowBatch:
        """Append one token to each row: a forward a row."""
        rows = [self._lm.extend(prefix, (token,)) for prefix, token in zip(self._prefixes, tokens, strict=True)]
        return RowBatch(self._lm, rows, parent=self)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row as it was `drop` tokens ago."""
        if not drop:
            return self._prefixes[row]
        assert self._parent is not None, f"row {row} has fewer than {drop} tokens to drop"
        return self._parent.select(row, drop - 1)


def extend_each(lm: LM, prefix: Prefix, tokens: Sequence[int]) -> Iterator[Prefix]:
    """Yield the prefix after each token, with a forward each, only when it is asked for."""
    for token in tokens:
        prefix = lm.extend(prefix, (token,))
        yield prefix


def logits_before(lm: LM, prompt: Sequence[int], tokens: Sequence[int]) -> Tensor:
    """Return the logits before each of one or more tokens that follow a prompt: [len(tokens), vocab].

    What was read is at hand afterwards, for completions that leave these tokens somewhere.
    """
    prefix = lm.prefill(prompt)
    behind = lm.extend_each(prefix, tokens[:-1]) if len(tokens) > 1 else ()
    return torch.stack([prefix.logits, *(each.logits for each in behind)])
