"""Gates decide when to pause: by a score and a threshold. Two more gates are baselines to compare that with."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from torch import Tensor

from agent.decoding.samplers import is_line_start
from uncertainty.scores import SCORES


@dataclass(frozen=True, slots=True)
class Gate:
    """Pauses if the score reaches the threshold. An infinite threshold never pauses."""

    score: str  # a key of uncertainty.SCORES
    threshold: float

    def uncertainty(self, logits: Tensor) -> float:
        """Return the score of this distribution; higher is more uncertain. logits: [vocab]."""
        return SCORES[self.score](logits)

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Decide whether to pause before the token at this position. text: the completion so far."""
        return uncertainty >= self.threshold

    def reason(self, uncertainty: float) -> str:
        """Describe why the gate paused, as in 'entropy 1.73 >= 1.00'."""
        return f"{self.score} {uncertainty:.2f} >= {self.threshold:.2f}"


@dataclass(frozen=True, slots=True)
class LineStartGate(Gate):
    """Pauses only at the start of a line of code, where AdaDec finds nearly all drift points."""

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Decide whether the score reaches the threshold at the start of a line."""
        return uncertainty >= self.threshold and is_line_start(text)


@dataclass(frozen=True, slots=True)
class RandomGate(Gate):
    """Pauses at random positions, whatever the score: the baseline that a score must beat."""

    rate: float = 0.0  # share of positions
    seed: int = 0

    def pauses_at(self, uncertainty: float, position: int, text: str) -> bool:
        """Decide by chance; the same seed, position and text give the same decision."""
        return random.Random(f"{self.seed}:{position}:{text}").random() < self.rate

    def reason(self, uncertainty: float) -> str:
        """Describe that chance decided."""
        return f"one of {self.rate:.1%} drawn positions"


NEVER = Gate("entropy", math.inf)
