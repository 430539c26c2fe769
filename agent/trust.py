"""How probable an answer is to be right: a learned curve over a learned linear form. Applies it; learns nothing."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any


def probability_of(trust: Mapping[str, Any], features: Mapping[str, float]) -> float | None:
    """Return the probability that the answer with these features is right, in [0, 1]; None where nothing was learned.

    trust: `weights` of features, `intercept`, and the curve's `knots` (of the linear form, rising) with their `levels`;
    and `examples`, the fewest that an answer was judged by where it was learned.
    """
    if not trust:
        return None
    z = trust["intercept"] + sum(weight * features.get(name, 0.0) for name, weight in trust["weights"].items())
    return _interpolated(z, trust["knots"], trust["levels"])


def _interpolated(z: float, knots: list[float], levels: list[float]) -> float:
    """Return the curve's level at z: linear between knots, flat outside them."""
    if math.isnan(z):
        return levels[0]
    after = bisect_right(knots, z)
    if after in (0, len(knots)):
        return levels[min(after, len(knots) - 1)]
    low, high = knots[after - 1], knots[after]
    part = (z - low) / (high - low) if high > low else 1.0
    return levels[after - 1] + part * (levels[after] - levels[after - 1])
