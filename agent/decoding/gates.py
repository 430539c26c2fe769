"""When to pause: a score of the next-token distribution, and a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from uncertainty.scores import SCORES


@dataclass(frozen=True, slots=True)
class Gate:
    """Pauses where the score reaches the threshold. An infinite threshold never pauses."""

    score: str  # a key of uncertainty.SCORES
    threshold: float

    def uncertainty(self, logits: Tensor) -> float:
        """Return the score of this distribution; higher is more uncertain. logits: [vocab]."""
        return SCORES[self.score](logits)

    def pauses_at(self, uncertainty: float) -> bool:
        """Whether this much uncertainty asks for a pause."""
        return uncertainty >= self.threshold

    def reason(self, uncertainty: float) -> str:
        """Say in words why there is a pause."""
        return f"{self.score} {uncertainty:.2f} >= {self.threshold:.2f}"


NEVER = Gate("entropy", math.inf)
