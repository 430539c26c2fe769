"""Draw without replacement: what was written before is not drawn again (UniqueRandomizer, arXiv:2002.09067).

A next token keeps the share of its probability whose continuations were not written yet. So a draw leaves an earlier
text where the model is in doubt, and what it writes is distributed as a draw that was repeated until it was new.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain

import torch
from torch import Tensor

_LEAST_LEFT = 1e-9  # of a probability; less counts as nothing


@dataclass(frozen=True, slots=True)
class WrittenText:
    """The tokens of an earlier completion, and how probable a draw is to go on as it does from each of them."""

    tokens: tuple[int, ...]
    rest: tuple[float, ...]  # of each token: the probability of all tokens behind it
    ways: Mapping[int, Collection[int]] = field(default_factory=dict)  # tokens to leave it by; where no place is, any

    @classmethod
    def of(
        cls,
        tokens: Sequence[int],
        logprobs: Sequence[float],
        temperature: float,
        ways: Mapping[int, Mapping[int, float]] | None = None,
    ) -> WrittenText:
        """Return the text with its probabilities at a temperature. logprobs: nats, of each token, at temperature 1.

        ways: at each of these places, the other tokens that a draw may take there, with their logprobs; elsewhere it
        may take any. There only the token's own probability is known, and all others count as one. So the result is
        exact at temperature 1, and approximate at others.
        """
        ways = ways or {}
        steps = [_share(logprob, ways.get(place), temperature) for place, logprob in enumerate(logprobs)]
        behind = list(accumulate(reversed(steps[1:]), lambda one, other: one * other, initial=1.0))
        return cls(tuple(tokens), tuple(reversed(behind)), {place: tuple(others) for place, others in ways.items()})


@dataclass(frozen=True, slots=True)
class Unrepeated:
    """All that was written before, for draws at a temperature."""

    texts: Sequence[WrittenText]
    temperature: float = 1.0

    def discount(self, logits: Tensor, before: Sequence[int]) -> Tensor:
        """Return the logits behind these tokens without the probability of what was written. logits: [vocab].

        Where the texts restrict the ways to leave them, only these tokens and their own are left, unless none is.
        """
        written, place = dict[int, float](), len(before)
        texts = [text for text in self.texts if len(text.tokens) > place and text.tokens[:place] == tuple(before)]
        for text in texts:
            written[text.tokens[place]] = min(1.0, written.get(text.tokens[place], 0.0) + text.rest[place])
        ways = [text.ways[place] for text in texts if place in text.ways]
        if ways and len(written) == 1 and not any(ways):
            return _keep_only(logits, written)
        if not written:
            return logits
        left = logits.clone()
        for token, share in written.items():
            left[token] += self.temperature * math.log1p(-share) if share < 1.0 - _LEAST_LEFT else -math.inf
        kept = _keep_only(left, {*written, *chain(*ways)}) if ways else left
        return kept if bool((kept > -math.inf).any()) else left


def _keep_only(logits: Tensor, tokens: Iterable[int]) -> Tensor:
    left, kept = torch.full_like(logits, -math.inf), list(tokens)
    left[kept] = logits[kept]
    return left


def _share(logprob: float, others: Mapping[int, float] | None, temperature: float) -> float:
    """Return a token's probability at a temperature, among these others; among all, as one, where none are named.

    logprob: nats, as those of the others.
    """
    if others is None:
        return _temper(math.exp(logprob), temperature)
    return 1.0 / (1.0 + sum(math.exp(min((other - logprob) / temperature, 700.0)) for other in others.values()))


def _temper(probability: float, temperature: float) -> float:
    """Return a probability at a temperature, against all others as one."""
    if not 0.0 < probability < 1.0:
        return min(max(probability, 0.0), 1.0)
    odds = (math.log(probability) - math.log1p(-probability)) / temperature
    return 1.0 / (1.0 + math.exp(-odds)) if odds > -700.0 else 0.0
