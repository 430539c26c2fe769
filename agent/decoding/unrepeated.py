"""Draw without replacement: what was written before is not drawn again (UniqueRandomizer, arXiv:2002.09067).

A next token keeps the share of its probability whose continuations were not written yet. So a draw leaves an earlier
text where the model is in doubt, and what it writes is distributed as a draw that was repeated until it was new.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

_LEAST_LEFT = 1e-9  # of a probability; less counts as nothing


@dataclass(frozen=True, slots=True)
class WrittenText:
    """The tokens of an earlier completion, and how probable a draw is to go on as it does from each of them."""

    tokens: tuple[int, ...]
    rest: tuple[float, ...]  # of each token: the probability of all tokens behind it
    fixed: frozenset[int] = frozenset()  # places at which a draw that came so far takes the same token
    barred: frozenset[tuple[int, int]] = frozenset()  # places, and tokens that such a draw does not take there

    @classmethod
    def of(
        cls,
        tokens: Sequence[int],
        logprobs: Sequence[float],
        temperature: float,
        fixed: Iterable[int] = (),
        barred: Iterable[tuple[int, int]] = (),
    ) -> WrittenText:
        """Return the text with its probabilities at a temperature. logprobs: nats, of each token, at temperature 1.

        fixed: places where any other token would only reword the text. barred: places with one such token each. Of a
        distribution only the token's own probability is known, and all others count as one. So the result is exact at
        temperature 1, and approximate at others.
        """
        same = frozenset(fixed)
        steps = [
            1.0 if place in same else _temper(math.exp(logprob), temperature) for place, logprob in enumerate(logprobs)
        ]
        behind = list(accumulate(reversed(steps[1:]), lambda one, other: one * other, initial=1.0))
        return cls(tuple(tokens), tuple(reversed(behind)), same, frozenset(barred))


@dataclass(frozen=True, slots=True)
class Unrepeated:
    """All that was written before, for draws at a temperature."""

    texts: frozenset[WrittenText]
    temperature: float = 1.0

    def discount(self, logits: Tensor, before: Sequence[int]) -> Tensor:
        """Return the logits behind these tokens without the probability of what was written. logits: [vocab]."""
        written, place = dict[int, float](), len(before)
        texts = [text for text in self.texts if len(text.tokens) > place and text.tokens[:place] == tuple(before)]
        for text in texts:
            written[text.tokens[place]] = min(1.0, written.get(text.tokens[place], 0.0) + text.rest[place])
        if len(written) == 1 and any(place in text.fixed for text in texts):
            return _keep_only(logits, *written)
        if not written:
            return logits
        left = logits.clone()
        left[[token for text in texts for at, token in text.barred if at == place]] = -math.inf
        for token, share in written.items():
            left[token] += self.temperature * math.log1p(-share) if share < 1.0 - _LEAST_LEFT else -math.inf
        return left


def _keep_only(logits: Tensor, token: int) -> Tensor:
    left = torch.full_like(logits, -math.inf)
    left[token] = 0.0
    return left


def _temper(probability: float, temperature: float) -> float:
    """Return a probability at a temperature, against all others as one."""
    if not 0.0 < probability < 1.0:
        return min(max(probability, 0.0), 1.0)
    odds = (math.log(probability) - math.log1p(-probability)) / temperature
    return 1.0 / (1.0 + math.exp(-odds)) if odds > -700.0 else 0.0
