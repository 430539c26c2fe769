"""Samplers choose a token where there is no pause: pure functions of logits, a uniform number and the text so far.

The number depends only on the seed and the position, so a resumed run draws the same tokens as an uninterrupted one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_SORTED = 256  # likeliest tokens, which nearly always hold the nucleus
_ROUNDING = 1e-9  # sums in another order differ by less


class Sampler(Protocol):
    """Chooses a token. uniform: in [0, 1). text: the completion so far."""

    def __call__(self, logits: Tensor, uniform: float, text: str) -> int:
        """Return a token id. logits: [vocab]."""
        ...


def argmax(logits: Tensor, uniform: float = 0.0, text: str = "") -> int:
    """Return the likeliest token; of equals the one with the lowest id."""
    return int(logits.argmax())


@dataclass(frozen=True, slots=True)
class Temperature:
    """Draws from softmax(logits / temperature), truncated to the nucleus of mass top_p."""

    temperature: float = 0.8
    top_p: float = 0.95

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and 0 < self.top_p <= 1):
            raise ValueError(f"{self} is out of range; wanted temperature > 0, 0 < top_p <= 1")

    def __call__(self, logits: Tensor, uniform: float, text: str = "") -> int:
        """Return the token at `uniform` of the truncated cumulative distribution, likeliest tokens first."""
        shifted = logits.double() - logits.max()  # at most 0, so no temperature is too small to divide by
        ranked, ids = _rank_nucleus(logits, torch.softmax(shifted / self.temperature, dim=-1), self.top_p)
        before = ranked.cumsum(-1) - ranked
        nucleus = ranked * (before < self.top_p)
        mass = nucleus.cumsum(-1)
        rank = int(torch.searchsorted(mass, uniform * mass[-1], right=True))
        return int(ids[min(rank, int((nucleus > 0).sum()) - 1)])


def _rank_nucleus(logits: Tensor, probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """Return the likeliest tokens that hold a mass of top_p, and more: their probabilities, falling, and their ids.

    Of equal ones the lower id comes first. To sort the whole vocabulary takes a tenth of a forward, so few are sorted
    where few hold the mass.
    """
    if probabilities.numel() > _SORTED:
        likely = (logits > logits.topk(_SORTED).values[-1]).nonzero().flatten()
        ranked, order = probabilities[likely].sort(descending=True, stable=True)
        if float(ranked.sum()) > top_p + _ROUNDING:
            return ranked, likely[order]
    return probabilities.sort(descending=True, stable=True)


@dataclass(frozen=True, slots=True)
class LineStart:
    """Draws at a higher temperature at the start of a line, where code is most in doubt (AdapT, arXiv:2309.02772).

    The paper knows line starts by token ids. This class looks at the text, so it works with any tokenizer.
    """

    start: Temperature = Temperature(0.8)
    rest: Temperature = Temperature(0.6)

    def __call__(self, logits: Tensor, uniform: float, text: str) -> int:
        """Return a token id. logits: [vocab]."""
        return (self.start if is_line_start(text) else self.rest)(logits, uniform)


def is_line_start(text: str) -> bool:
    """Decide whether the last line holds only blanks. The line in which the prompt ended does not count."""
    _, newline, line = text.rpartition("\n")
    return bool(newline) and not line.strip()


def pick_uniform(seed: int | str, position: int) -> float:
    """Return the number of this position in the run of this seed, in [0, 1)."""
    return random.Random(f"{seed}:{position}").random()
