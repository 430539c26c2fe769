"""When to pause: a score of the next-token distribution and a threshold; and gates to compare that with."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from torch import Tensor

from agent.decoding.samplers import is_line_start
from uncertainty.scores import SCORES


@dataclass(frozen=True, slots=True)
class Gate:
    """Pauses where the score reaches the threshold. An infinite threshold never pauses."""

    score: str  # a key of uncertainty.SCORES
    threshold: float

    def uncertainty(self, logits: Tensor) -> float:
        """Return the score of this distribution; higher is more uncertain. logits: [vocab]."""
        return SCORES[self.score](logits)

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Whether to pause before the token at this position, given its score and the completion's text so far."""
        return uncertainty >= self.threshold

    def reason(self, uncertainty: float) -> str:
        """Say in words why there is a pause."""
        return f"{self.score} {uncertainty:.2f} >= {self.threshold:.2f}"


@dataclass(frozen=True, slots=True)
class LineStartGate(Gate):
    """Pauses only before the first code of a line: nearly all drift points are said to lie there (AdaDec)."""

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Whether the score reaches the threshold where a line begins."""
        return uncertainty >= self.threshold and is_line_start(text)


@dataclass(frozen=True, slots=True)
class RandomGate(Gate):
    """Pauses at a share of all positions, whatever the score: what a score's choice of positions is worth."""

    rate: float = 0.0
    seed: int = 0

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Whether this position, behind this text, was drawn; the same for the same seed."""
        return random.Random(f"{self.seed}:{position}:{text}").random() < self.rate

    def reason(self, uncertainty: float) -> str:
        """Say that chance decided."""
        return f"one of {self.rate:.1%} drawn positions"


NEVER = Gate("entropy", math.inf)
