"""A language model with a budget of forwards and seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.errors import BudgetSpentError

if TYPE_CHECKING:
    from torch import Tensor

    from agent.lm.base import LM, Batch, Prefix
    from uncertainty.scores import Summary


class Metered:
    """Raises BudgetSpentError before a forward that would exceed the budget.

    A backend without batches feeds row by row, so a batch needs one forward for each row in the budget.
    """

    def __init__(self, lm: LM, forwards: int | None, deadline: float | None, clock: Callable[[], float]) -> None:
        self._lm, self._deadline, self._clock = lm, deadline, clock
        self._max_forwards = None if forwards is None else lm.forwards + forwards

    @property
    def forwards(self) -> int:
        """Model calls so far."""
        return self._lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed so far, summed over rows."""
        return self._lm.token_rows

    @property
    def context(self) -> int | None:
        """The most tokens of prompt and completion together."""
        return self._lm.context

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids."""
        self._require()
        return self._lm.prefill(ids)

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward."""
        if tokens:
            self._require()
        return self._lm.extend(prefix, tokens)

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to the prefix."""
        self._require(len(tokens))
        return _MeteredBatch(self._lm.branch(prefix, tokens), len(tokens), self._require)

    def extend_each(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append draft tokens; return the prefix after each."""
        self._require(len(tokens))
        return self._lm.extend_each(prefix, tokens)

    def _require(self, forwards: int = 1) -> None:
        if self._max_forwards is not None and self._lm.forwards + forwards > self._max_forwards:
            raise BudgetSpentError("forwards")
        if self._deadline is not None and self._clock() >= self._deadline:
            raise BudgetSpentError("seconds")


@dataclass(frozen=True, slots=True)
class _MeteredBatch:
    batch: Batch
    rows: int
    require: Callable[[int], None]

    @property
    def logits(self) -> Tensor:
        return self.batch.logits

    @property
    def summaries(self) -> Sequence[Summary] | None:
        return self.batch.summaries

    @property
    def depth(self) -> int:
        return self.batch.depth

    def advance(self, tokens: Sequence[int]) -> Batch:
        self.require(self.rows)
        return replace(self, batch=self.batch.advance(tokens))

    def select(self, row: int, drop: int = 0) -> Prefix:
        return self.batch.select(row, drop)
