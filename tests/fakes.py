"""Fakes with behaviour: a language model that is a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from agent.decoding import Policy, Step, decode
from agent.decoding.stops import StopRule, any_of, budget, end_token
from agent.lm import Batch, Prefix, RowBatch

PROMPT = (9,)  # any one token: the table is keyed by what comes after it


@dataclass
class TableLM:
    """A model that is a table: completion so far -> probabilities of the next token. Token 0 ends a text."""

    table: Mapping[tuple[int, ...], Sequence[float]]
    default: Sequence[float]
    forwards: int = 0
    token_rows: int = 0

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Look the ids up; they open with the one-token prompt."""
        self.forwards += 1
        self.token_rows += 1
        probabilities = torch.tensor(self.table.get(tuple(ids)[1:], self.default), dtype=torch.float64)
        return Prefix(tuple(ids), probabilities.log())

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Look up the longer ids."""
        return self.prefill((*prefix.ids, *tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Look up each row."""
        return RowBatch(self, [self.extend(prefix, (token,)) for token in tokens])


def steps(
    policy: Policy, lm: TableLM, *, stop: StopRule | None = None, most: int = 12, seed: int = 0
) -> Iterator[Step]:
    """Decode after the one-token prompt; token 0 ends."""
    return decode(lm, PROMPT, policy, stop=stop or any_of(end_token([0]), budget(most)), seed=seed)


def tokens(policy: Policy, lm: TableLM, **options: int) -> list[int]:
    """Return the tokens of a decoding."""
    return [step.token for step in steps(policy, lm, **options)]
