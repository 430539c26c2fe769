"""How a token is chosen where there is no pause: pure functions of logits, one uniform number and the text so far.

The number depends on the seed and the position alone, so a resumed run draws what an uninterrupted one draws.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Sampler(Protocol):
    """Chooses a token. uniform: in [0, 1). text: of the completion so far."""

    def __call__(self, logits: Tensor, uniform: float, text: str) -> int:
        """Return a token id. logits: [vocab]."""
        ...


def argmax(logits: Tensor, uniform: float = 0.0, text: str = "") -> int:
    """Return the likeliest token; of equals the one with the lowest id."""
    return int(logits.argmax())


@dataclass(frozen=True, slots=True)
class Temperature:
    """Draws from softmax(logits / temperature), cut to the nucleus of mass top_p."""

    temperature: float = 0.8
    top_p: float = 0.95

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and 0 < self.top_p <= 1):
            raise ValueError(f"{self} is out of range; wanted temperature > 0, 0 < top_p <= 1")

    def __call__(self, logits: Tensor, uniform: float, text: str = "") -> int:
        """Return the token at `uniform` of the cut distribution's mass, likeliest first."""
        below = logits.double() - logits.max()  # at most 0, so no temperature is too small to divide by
        ranked, ids = torch.softmax(below / self.temperature, dim=-1).sort(descending=True, stable=True)
        before = ranked.cumsum(-1) - ranked
        kept = ranked * (before < self.top_p)
        mass = kept.cumsum(-1)
        place = int(torch.searchsorted(mass, uniform * mass[-1], right=True))
        return int(ids[min(place, int((kept > 0).sum()) - 1)])


@dataclass(frozen=True, slots=True)
class LineStart:
    """Draws by one temperature at the start of a line and by another elsewhere: code is most in doubt there.

    AdapT (arXiv:2309.02772) knows line starts by token ids; this looks at the text, so any tokenizer will do.
    """

    start: Temperature = Temperature(0.8)
    rest: Temperature = Temperature(0.6)

    def __call__(self, logits: Tensor, uniform: float, text: str) -> int:
        """Return a token."""
        return (self.start if is_line_start(text) else self.rest)(logits, uniform)


def is_line_start(text: str) -> bool:
    """Whether a line begins here with nothing but blanks so far. The line that the prompt ended in does not begin."""
    _, broken, line = text.rpartition("\n")
    return bool(broken) and not line.strip()


def uniform_at(seed: int, position: int) -> float:
    """Return the number that belongs to this position of this seed's run, in [0, 1)."""
    return random.Random(f"{seed}:{position}").random()
