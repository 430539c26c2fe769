"""Write numbers for a person: counts, shares, probabilities."""

from __future__ import annotations

import math

LEAST, MOST = 0.01, 0.99  # a probability beyond these is shown as under or over them


def format_probability(probability: float) -> str:
    """Return a probability with two digits. Only 0 and 1 are shown as certain; NaN is shown as "?"."""
    if math.isnan(probability):
        return "?"
    if LEAST <= probability <= MOST or probability in (0.0, 1.0):
        return f"{probability:.2f}"
    return f"over {MOST}" if probability > MOST else f"under {LEAST}"


def format_share(share: float) -> str:
    """Return a share in percent. Only 1 is shown as 100 %."""
    return "over 99%" if MOST < share < 1 else "under 1%" if 0 < share < LEAST else f"{share:.0%}"


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, as in "1 token" and "2 tokens"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
