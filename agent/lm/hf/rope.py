"""Rotary embeddings that change with the length of a text: keys cached before a boundary do not fit those after it.

LongRoPE (arXiv:2402.13753) changes its factors beyond the length of the pretraining; dynamic NTK changes its base.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from agent.lm.base import LM, Batch, Prefix
from agent.lm.reference import RowBatch
from uncertainty.scores import Summary


def rope_boundaries(config: Any) -> tuple[int, ...]:
    """Return the lengths, in tokens, beyond which the model rotates all keys differently. Most models have none."""
    text = config.get_text_config()
    rotations = getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None) or {}
    kinds = [rotations, *(entry for entry in rotations.values() if isinstance(entry, dict))]
    return tuple(sorted({int(boundary) for kind in kinds if (boundary := _find_boundary(kind, text))}))


def rope_regime(boundaries: tuple[int, ...], length: int) -> int:
    """Return how many boundaries a text of this length has crossed."""
    return bisect_left(boundaries, length)


def _find_boundary(kind: dict[str, Any], text: Any) -> int | None:
    name = str(kind.get("rope_type", kind.get("type")))
    context = getattr(text, "max_position_embeddings", None)
    if name == "longrope":
        pretrained = kind.get("original_max_position_embeddings")
        return pretrained or getattr(text, "original_max_position_embeddings", None) or context
    return context if "dynamic" in name else None


def score_tokens(
    forward: Callable[..., Tensor], boundaries: Sequence[int], prompt: Sequence[int], ids: Sequence[int]
) -> Tensor:
    """Return the logits before each of the ids behind a prompt, which they begin with: [ids - prompt, vocab].

    A token before a boundary was chosen under the rotation before it, so each such stretch is read by itself.
    """
    crossed = [boundary for boundary in boundaries if len(prompt) <= boundary < len(ids)]
    parts, read_up_to = [], len(prompt) - 1
    for text in (*(ids[:boundary] for boundary in crossed), ids):
        parts.append(forward([text], None, 0, keep=len(text) - read_up_to)[0])
        read_up_to = len(text)
    return torch.cat(parts)[:-1]


class BoundaryBatch:
    """Rows that grow together up to the next boundary. Behind it each row is recomputed by itself."""

    def __init__(self, lm: LM, batch: Batch, room: int) -> None:
        """room: tokens of a row before the boundary."""
        self._lm, self._batch, self._room = lm, batch, room

    @property
    def logits(self) -> Tensor:
        """Logits after each row. [rows, vocab]."""
        return self._batch.logits

    @property
    def summaries(self) -> Sequence[Summary] | None:
        """Return summaries of the logits after each row, if the backend makes any."""
        return self._batch.summaries

    @property
    def depth(self) -> int:
        """Tokens in each row since the branch."""
        return self._batch.depth

    def advance(self, tokens: Sequence[int]) -> Batch:
        """Append one token to each row."""
        if self.depth < self._room:
            return BoundaryBatch(self._lm, self._batch.advance(tokens), self._room)
        rows = [self._lm.extend(self._batch.select(row), (token,)) for row, token in enumerate(tokens)]
        return RowBatch(self._lm, rows, parent=self._batch)

    def select(self, row: int, drop: int = 0) -> Prefix:
        """Return one row without its last `drop` tokens."""
        return self._batch.select(row, drop)
