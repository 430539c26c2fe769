"""Rotations that change with the length of a text: keys cached before the change do not fit those after it.

LongRoPE (arXiv:2402.13753) takes other factors beyond the length of the pretraining; dynamic NTK stretches its base.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from agent.lm.base import LM, Batch, Prefix
from agent.lm.reference import RowBatch


def rope_boundaries(config: Any) -> tuple[int, ...]:
    """Return the lengths, in tokens, behind which the model rotates all keys in another way. Mostly none."""
    text = config.get_text_config()
    rotations = getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None) or {}
    kinds = [rotations, *(entry for entry in rotations.values() if isinstance(entry, dict))]
    return tuple(sorted({int(turn) for kind in kinds if (turn := _turn_of(kind, text))}))


def rope_regime(turns: tuple[int, ...], length: int) -> int:
    """Return which way the keys of a text of this length are rotated: how many turns lie before its end."""
    return bisect_left(turns, length)


def _turn_of(kind: dict[str, Any], text: Any) -> int | None:
    name = str(kind.get("rope_type", kind.get("type")))
    whole = getattr(text, "max_position_embeddings", None)
    if name == "longrope":
        own = kind.get("original_max_position_embeddings")
        return own or getattr(text, "original_max_position_embeddings", None) or whole
    return whole if "dynamic" in name else None


class BoundaryBatch:
    """Rows that grow together up to the next turn, and are computed anew, one by one, where they cross it."""

    def __init__(self, lm: LM, batch: Batch, room: int) -> None:
        """room: tokens that fit into a row before the turn."""
        self._lm, self._batch, self._room = lm, batch, room

    @property
    def logits(self) -> Tensor:
        """Logits that follow each row. [rows, vocab]."""
        return self._batch.logits

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
