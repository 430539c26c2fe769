"""Random small models: tables whose rows depend on the last token alone, and whose batches cost one forward."""

from collections.abc import Sequence
from dataclasses import dataclass

from fakes import TableLM
from hypothesis import settings
from hypothesis import strategies as st

from agent.lm.base import Batch, Prefix
from agent.lm.reference import RowBatch

LAW = settings(derandomize=True, deadline=None, max_examples=50)
LAME = (8, 7)  # a second prompt: what follows it is looked up behind a 7, which no completion contains

# Small whole weights: ties and impossible tokens come often.
weights = st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any)
rows = st.lists(weights, min_size=4, max_size=4)


class Chain(dict[tuple[int, ...], Sequence[float]]):
    """Probabilities by the last token; row 0, whose token would have ended the text, opens it."""

    def __init__(self, standard: Sequence[Sequence[int]], lame: Sequence[Sequence[int]] = ()) -> None:
        super().__init__()
        self.standard, self.lame = standard, lame

    def get(self, completion: tuple[int, ...], default: Sequence[float]) -> Sequence[float]:
        row = (self.lame if completion[:1] == LAME[1:] else self.standard)[completion[-1] % 7 if completion else 0]
        return [weight / sum(row) for weight in row]


@dataclass
class BatchedTableLM(TableLM):
    """A table whose rows advance together, so that a lookahead costs a forward a depth; counts all tokens fed."""

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        self.token_rows += max(len(tokens) - 1, 0)
        return super().extend(prefix, tokens)

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        start = self.forwards
        rows = [self.extend(prefix, (token,)) for token in tokens]
        self.forwards = start + 1
        return Together(self, rows)


class Together(RowBatch):
    """Rows that cost one forward whatever their number."""

    def advance(self, tokens: Sequence[int]) -> RowBatch:
        start = self._lm.forwards
        rows = [self._lm.extend(prefix, (token,)) for prefix, token in zip(self._prefixes, tokens, strict=True)]
        self._lm.forwards = start + 1
        return Together(self._lm, rows, parent=self)


def chain(standard: Sequence[Sequence[int]], lame: Sequence[Sequence[int]] = ()) -> BatchedTableLM:
    return BatchedTableLM(Chain(standard, lame), default=[1, 0, 0, 0])
