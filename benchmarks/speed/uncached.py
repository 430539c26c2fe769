"""A model without any cache, as the reference of AdaDec runs one: to measure what the cache saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from agent.lm.base import Batch, Prefix
from agent.lm.reference import RowBatch, extend_each


class Uncached:
    """Reads each prefix from its first token, and each alternative by itself."""

    context: int | None = None

    def __init__(self, model: Any) -> None:
        self._model, self.forwards, self.token_rows = model, 0, 0

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Read all of the ids."""
        self.forwards, self.token_rows = self.forwards + 1, self.token_rows + len(ids)
        with torch.inference_mode():
            inputs = torch.tensor([list(ids)], device=self._model.device)
            logits = self._model(inputs, use_cache=False, logits_to_keep=1).logits[0, -1]
        return Prefix(tuple(ids), logits.to(torch.promote_types(logits.dtype, torch.float32)))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Read all of the longer ids."""
        return self.prefill((*prefix.ids, *tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Read each alternative."""
        return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Read each longer prefix."""
        return extend_each(self, prefix, tokens)
