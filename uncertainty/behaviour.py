"""What programs that behave alike or not say of their being right: shares, entropies and bounds. Pure counts."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence


def functional_entropy(shares: Sequence[float]) -> float:
    """Return the entropy over kinds of behaviour, in nats; 0 where all programs behave alike (arXiv:2605.28500).

    shares: at least 0; they need not sum to 1.
    """
    total = sum(shares)
    return -sum(share / total * math.log(share / total) for share in shares if share > 0) + 0.0


def error_of_mass(masses: Sequence[float]) -> float:
    """Return a lower bound on how likely a program drawn from the model is wrong, from the programs of a search.

    masses: of each kind of behaviour, the summed probabilities of its programs under the model. At most one kind is
    right, so all but the largest are wrong; what was not searched may be right. Holds for draws at temperature 1. Where
    all was searched it is never below 1 - sqrt(1 - I), the bound from how often draws disagree (arXiv:2507.00057), for
    I = 1 - sum of squared masses.
    """
    return max(0.0, sum(masses) - max(masses, default=0.0))


def information_gain(shares: Sequence[float], outputs: Sequence[Hashable]) -> float:
    """Return how many nats of doubt between kinds of behaviour an input's right output would settle, on average.

    shares: of the kinds. outputs: what each returns for this input. H(kind) - sum over outputs o of q_o H(kind | o)
    (arXiv:2507.03279).
    """
    groups: dict[Hashable, list[float]] = {}
    for share, output in zip(shares, outputs, strict=True):
        groups.setdefault(output, []).append(share)
    left = sum(sum(group) * functional_entropy(group) for group in groups.values() if sum(group) > 0)
    total = sum(shares)
    return functional_entropy(shares) - left / total if total else 0.0
